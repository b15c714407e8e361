/* SPDX-License-Identifier: ISC */
/* Tokens: got when one is needed, by one thread for all, and again before they expire or when they
 * are refused. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "call.h"
#include "catalog.h"
#include "inside.h"

#define EARLY_MS ((int64_t)120 * 1000)        /* not used in its last two minutes, or quarter */
#define REFUSAL_HOLDS_MS ((int64_t)20 * 1000) /* a user is locked out who is wrong too often */
#define LIFE_UNSAID_MS ((int64_t)300 * 1000)

/* --- the request --- */

/* {"id"}, or {"name"} with the domain it is unique in; new reference. */
static json_t *named(const struct os_named *thing)
{
    if (thing->id && *thing->id)
        return json_pack("{s:s}", "id", thing->id);
    json_t *domain =
        thing->domain_id && *thing->domain_id       ? json_pack("{s:s}", "id", thing->domain_id)
        : thing->domain_name && *thing->domain_name ? json_pack("{s:s}", "name", thing->domain_name)
                                                    : json_pack("{s:s}", "id", "default");
    return json_pack("{s:s,s:o}", "name", thing->name ? thing->name : "", "domain", domain);
}

static bool has_project(const struct os_cloud *cloud)
{
    const struct os_named *p = &cloud->project;
    return (p->id && *p->id) || (p->name && *p->name);
}

static json_t *by_password(const struct os_cloud *cloud)
{
    json_t *user = named(&cloud->user);
    json_object_set_new(user, "password", json_string(cloud->password));
    return json_pack("{s:[s],s:{s:o}}", "methods", "password", "password", "user", user);
}

static json_t *by_application(const struct os_cloud *cloud)
{
    const struct os_named *a = &cloud->application;
    bool by_id = a->id && *a->id;
    json_t *credential = json_pack("{s:s}", by_id ? "id" : "name", by_id ? a->id : a->name);
    json_object_set_new(credential, "secret", json_string(cloud->application_secret));
    if (!by_id)
        json_object_set_new(credential, "user", named(&cloud->user));
    return json_pack("{s:[s],s:o}", "methods", "application_credential", "application_credential",
                     credential);
}

static json_t *by_token(const struct os_cloud *cloud)
{
    return json_pack("{s:[s],s:{s:s}}", "methods", "token", "token", "id", cloud->token);
}

/* The body of POST /auth/tokens; owned, and to be wiped. An application credential has its project
 * already; whoever names another one there is refused. */
static char *request_of(const struct os_cloud *cloud)
{
    typedef json_t *maker(const struct os_cloud *);
    static maker *const makers[] = {[OS_AUTH_PASSWORD] = by_password,
                                    [OS_AUTH_APPLICATION_CREDENTIAL] = by_application,
                                    [OS_AUTH_TOKEN] = by_token};
    json_t *auth = json_pack("{s:o}", "identity", makers[cloud->auth_type](cloud));
    if (has_project(cloud) && cloud->auth_type != OS_AUTH_APPLICATION_CREDENTIAL)
        json_object_set_new(auth, "scope", json_pack("{s:o}", "project", named(&cloud->project)));
    json_t *body = json_pack("{s:o}", "auth", auth);
    char *text = mir_json_text(body);
    json_decref(body);
    return text;
}

/* --- the answer --- */

struct reading {
    const struct os_session *session;
    struct os_token token;
};

/* By the service's clock where it said what time it is: ours may be wrong. */
static void set_times(const struct os_session *session, const struct mir_http_response *response,
                      struct os_token *token)
{
    int64_t date = mir_http_date_ms(response);
    if (!date)
        date = session->clock->utc_ms(session->clock->ctx);
    int64_t life = token->who.expires_s ? token->who.expires_s * 1000 - date : LIFE_UNSAID_MS;
    token->good_until_ms = os_until(session, life);
    token->early_ms = life / 4 < EARLY_MS ? life / 4 : EARLY_MS;
}

static int accept_token(void *ctx, const struct mir_http_response *response, struct mir_error *err)
{
    struct reading *reading = ctx;
    struct os_who who = {0};
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, err);
    const json_t *token = json_object_get(json, "token");
    int rc = !json_is_object(token) ? mir_fail(err, MIR_CORRUPT, "the answer has no 'token'")
                                    : mir_json_read(&os_who_table, token, &who, err);
    json_decref(json);
    if (rc) {
        os_who_clear(&who);
        return -1;
    }
    os_who_clear(&reading->token.who);
    reading->token.who = who;
    set_times(reading->session, response, &reading->token);
    return 0;
}

/* The token stands in the head. */
static int keep_token(const struct mir_http_response *response, struct mir_secret *ret,
                      struct mir_error *err)
{
    char *text = mir_calloc(1, MIR_HTTP_HEADER_BYTES_MAX);
    int rc = mir_http_response_header(response, "X-Subject-Token", text, MIR_HTTP_HEADER_BYTES_MAX);
    if (!rc)
        rc = mir_secret_set(ret, text, strlen(text), err);
    else
        mir_fail(err, MIR_CORRUPT, "keystone CreateToken: the answer has no X-Subject-Token");
    mir_wipe(text, MIR_HTTP_HEADER_BYTES_MAX);
    free(text);
    return rc;
}

static void token_clear(struct os_token *token)
{
    mir_secret_clear(&token->text);
    os_who_clear(&token->who);
}

/* A token of the user's for which no other project is asked is used as it is: some tokens may not
 * be exchanged. What it is good for, Keystone says. */
static int look_at_token(struct os_session *session, struct reading *reading, int64_t until_ms,
                         struct mir_error *err)
{
    const char *text = session->cloud->token;
    const struct mir_http_header headers[] = {{"X-Auth-Token", text}, {"X-Subject-Token", text}};
    struct os_call call = {.service = OS_IDENTITY,
                           .operation = "ShowToken",
                           .path = "/auth/tokens",
                           .headers = headers,
                           .header_count = MIR_NELEMS(headers),
                           .anonymous = true,
                           .reads = true,
                           .accept = accept_token,
                           .accept_ctx = reading};
    if (os_call(session, &call, until_ms, NULL, err))
        return -1;
    return mir_secret_set(&reading->token.text, text, strlen(text), err);
}

static int create_token(struct os_session *session, struct reading *reading, int64_t until_ms,
                        struct mir_error *err)
{
    static const struct mir_http_header type = {"Content-Type", "application/json"};
    char *body = request_of(session->cloud);
    struct os_call call = {.service = OS_IDENTITY,
                           .operation = "CreateToken",
                           .method = "POST",
                           .path = "/auth/tokens",
                           .headers = &type,
                           .header_count = 1,
                           .body = body,
                           .body_len = strlen(body),
                           .anonymous = true,
                           .reads = true, /* a second token does no harm */
                           .accept = accept_token,
                           .accept_ctx = reading};
    struct mir_http_response response = {0};
    int rc = os_call(session, &call, until_ms, &response, err);
    mir_wipe(body, call.body_len);
    free(body);
    if (!rc)
        rc = keep_token(&response, &reading->token.text, err);
    mir_wipe(response.headers.data, response.headers.len);
    mir_http_response_clear(&response);
    return rc;
}

/* Of a token that it does not know Keystone says 404, and 401 of whatever else is wrong. */
static void not_known(struct mir_error *err)
{
    if (err->kind != MIR_NOT_FOUND)
        return;
    err->kind = MIR_CREDENTIALS;
    mir_error_hint(err, "get a new token, or name a user or an application credential instead; "
                        "which settings won: mirage-deploy doctor openstack");
}

static int authenticate(struct os_session *session, int64_t until_ms, struct os_token *ret,
                        struct mir_error *err)
{
    struct reading reading = {.session = session};
    bool as_it_is = session->cloud->auth_type == OS_AUTH_TOKEN && !has_project(session->cloud);
    int rc = (as_it_is ? look_at_token : create_token)(session, &reading, until_ms, err);
    if (rc)
        not_known(err);
    if (rc)
        token_clear(&reading.token);
    else
        *ret = reading.token;
    return rc;
}

/* --- one for all threads; under the lock where not said otherwise --- */

static bool good(const struct os_session *session, int64_t good_ms)
{
    int64_t now = session->clock->boot_ms(session->clock->ctx);
    int64_t early = session->token.early_ms;
    return !mir_secret_empty(&session->token.text) &&
           session->token.good_until_ms - now > (good_ms > early ? good_ms : early);
}

/* Lets the lock go meanwhile. */
static int do_it(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_token token = {0};
    struct mir_error own = {0};
    session->authenticating = true;
    pthread_mutex_unlock(&session->lock);
    int rc = authenticate(session, until_ms, &token, &own);
    pthread_mutex_lock(&session->lock);
    session->authenticating = false;
    session->rounds++;
    session->refusal = own;
    session->refusal_until_ms =
        own.kind == MIR_CREDENTIALS ? os_until(session, REFUSAL_HOLDS_MS) : 0;
    if (!rc) {
        token_clear(&session->token);
        session->token = token;
    }
    pthread_cond_broadcast(&session->changed);
    if (rc && err)
        *err = own;
    return rc;
}

static int fail_again(const struct os_session *session, struct mir_error *err)
{
    if (err)
        *err = session->refusal;
    return -1;
}

/* A token that is good for so long; else, of a cloud whose tokens are that short, the newest. */
static int need_token(struct os_session *session, int64_t good_ms, int64_t until_ms,
                      struct mir_error *err)
{
    bool waited = false;
    while (!good(session, good_ms)) {
        if (waited && session->refusal.kind && session->refusal.kind != MIR_TIMEOUT) /* its own */
            return fail_again(session, err);
        if (waited && good(session, 0))
            return 0;
        if (session->refusal.kind == MIR_CREDENTIALS &&
            os_left(session, session->refusal_until_ms) > 0)
            return fail_again(session, err);
        if (!session->authenticating)
            return do_it(session, until_ms, err);
        if (os_wait_round(session, &session->rounds, until_ms))
            return mir_fail(err, MIR_TIMEOUT, "keystone CreateToken: no time is left for it");
        waited = true;
    }
    return 0;
}

int os_token_get(struct os_session *session, int64_t good_ms, int64_t until_ms,
                 struct mir_secret *ret, struct mir_error *err)
{
    if (session->cloud->auth_type == OS_AUTH_NONE)
        return 0;
    pthread_mutex_lock(&session->lock);
    int rc = need_token(session, good_ms, until_ms, err);
    if (!rc)
        mir_secret_copy(ret, &session->token.text);
    pthread_mutex_unlock(&session->lock);
    return rc;
}

bool os_token_refused(struct os_session *session, const struct mir_secret *token)
{
    if (mir_secret_empty(token))
        return false;
    pthread_mutex_lock(&session->lock);
    bool newer = !mir_secret_equal(&session->token.text, token);
    bool renewable = session->cloud->auth_type != OS_AUTH_TOKEN;
    if (!newer && renewable)
        mir_secret_clear(&session->token.text);
    pthread_mutex_unlock(&session->lock);
    return newer || renewable;
}

/* --- what others may know --- */

/* Both have the same table, so a copy is written and read. */
static void copy_who(const struct os_who *from, struct os_who *to)
{
    *to = *from;
    to->user_name = mir_strdup(from->user_name);
    to->user_domain = mir_strdup(from->user_domain);
    to->project_name = mir_strdup(from->project_name);
    to->project_domain = mir_strdup(from->project_domain);
    to->application_credential = mir_strdup(from->application_credential);
    to->roles = mir_calloc(from->role_count + 1, sizeof *to->roles);
    for (size_t i = 0; i < from->role_count; i++)
        to->roles[i].name = mir_strdup(from->roles[i].name);
    to->catalog = mir_calloc(from->service_count + 1, sizeof *to->catalog);
    for (size_t i = 0; i < from->service_count; i++) {
        const struct os_found_service *a = &from->catalog[i];
        struct os_found_service *b = &to->catalog[i];
        *b = *a;
        b->type = mir_strdup(a->type);
        b->name = mir_strdup(a->name);
        b->endpoints = mir_calloc(a->endpoint_count + 1, sizeof *b->endpoints);
        for (size_t n = 0; n < a->endpoint_count; n++) {
            b->endpoints[n] = a->endpoints[n];
            b->endpoints[n].url = mir_strdup(a->endpoints[n].url);
        }
    }
}

int os_who_am_i(struct os_session *session, int64_t until_ms, struct os_who *ret,
                struct mir_error *err)
{
    mir_auto_secret struct mir_secret token = {0};
    if (session->cloud->auth_type == OS_AUTH_NONE)
        return mir_fail(err, MIR_USAGE, "without a token nobody says who we are");
    if (os_token_get(session, 0, until_ms, &token, err))
        return -1;
    pthread_mutex_lock(&session->lock);
    struct os_who who;
    copy_who(&session->token.who, &who);
    pthread_mutex_unlock(&session->lock);
    os_who_clear(ret);
    *ret = who;
    return 0;
}

int os_token_revoke(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    mir_auto_secret struct mir_secret token = {0};
    pthread_mutex_lock(&session->lock);
    mir_secret_copy(&token, &session->token.text);
    mir_secret_clear(&session->token.text);
    pthread_mutex_unlock(&session->lock);
    if (mir_secret_empty(&token))
        return 0;
    const char *text = mir_secret_text(&token);
    const struct mir_http_header headers[] = {{"X-Auth-Token", text}, {"X-Subject-Token", text}};
    struct os_call call = {.service = OS_IDENTITY,
                           .operation = "RevokeToken",
                           .method = "DELETE",
                           .path = "/auth/tokens",
                           .headers = headers,
                           .header_count = MIR_NELEMS(headers),
                           .anonymous = true};
    struct mir_error own = {0};
    int rc = os_call(session, &call, until_ms, NULL, &own);
    /* Who is dead already cannot be killed. */
    if (rc && own.kind != MIR_NOT_FOUND && own.http_status != 401) {
        if (err)
            *err = own;
        return -1;
    }
    return 0;
}
