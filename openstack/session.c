/* SPDX-License-Identifier: ISC */
#include "openstack/session.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/memory.h"
#include "inside.h"

static const char *const names[OS_SERVICE_COUNT] = {
    [OS_IDENTITY] = "keystone", [OS_IMAGE] = "glance",       [OS_COMPUTE] = "nova",
    [OS_NETWORK] = "neutron",   [OS_OBJECT_STORE] = "swift", [OS_VOLUME] = "cinder",
    [OS_WORKFLOW] = "mistral",  [OS_RESERVATION] = "blazar"};

const char *os_service_name(enum os_service service)
{
    return names[(unsigned)service < OS_SERVICE_COUNT ? service : OS_IDENTITY];
}

static void wait_really(void *ctx, int64_t ms)
{
    poll(NULL, 0, ms > 0 ? (int)ms : 0);
}

/* --- is it enough to authenticate? --- */

static bool said(const char *text)
{
    return text && *text;
}

static bool named(const struct os_named *thing)
{
    return said(thing->id) || said(thing->name);
}

/* A missing thing, and what to set. */
static int missing(struct mir_error *err, const char *what, const char *key, const char *variable)
{
    mir_fail(err, MIR_USAGE, "the cloud has no %s to authenticate with", what);
    return mir_error_hint(err, "set %s in clouds.yaml, or %s", key, variable);
}

static int check_password(const struct os_cloud *cloud, struct mir_error *err)
{
    if (!named(&cloud->user))
        return missing(err, "user", "auth: username", "OS_USERNAME");
    if (!said(cloud->password))
        return missing(err, "password", "auth: password", "OS_PASSWORD");
    return 0;
}

static int check_application(const struct os_cloud *cloud, struct mir_error *err)
{
    const struct os_named *credential = &cloud->application;
    if (!named(credential))
        return missing(err, "application credential", "auth: application_credential_id",
                       "OS_APPLICATION_CREDENTIAL_ID");
    if (!said(cloud->application_secret))
        return missing(err, "secret of the application credential",
                       "auth: application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET");
    if (!said(credential->id) && !named(&cloud->user))
        return missing(err, "user of the application credential, which has only a name",
                       "auth: username", "OS_USERNAME");
    return 0;
}

static int check_token(const struct os_cloud *cloud, struct mir_error *err)
{
    return said(cloud->token) ? 0 : missing(err, "token", "auth: token", "OS_TOKEN");
}

static int check_nothing(const struct os_cloud *cloud, struct mir_error *err)
{
    return 0;
}

static int check(const struct os_cloud *cloud, struct mir_error *err)
{
    typedef int checker(const struct os_cloud *, struct mir_error *);
    static checker *const checkers[] = {[OS_AUTH_PASSWORD] = check_password,
                                        [OS_AUTH_APPLICATION_CREDENTIAL] = check_application,
                                        [OS_AUTH_TOKEN] = check_token,
                                        [OS_AUTH_NONE] = check_nothing};
    struct mir_url url;
    if (said(cloud->system_scope) ||
        (!named(&cloud->project) && (said(cloud->domain_id) || said(cloud->domain_name)))) {
        mir_fail(
            err, MIR_USAGE, "the scope of cloud '%.60s' is %s, and nothing can be deployed there",
            cloud->name ? cloud->name : "", said(cloud->system_scope) ? "the system" : "a domain");
        return mir_error_hint(err,
                              "name a project: project_name in clouds.yaml, or OS_PROJECT_NAME");
    }
    if (cloud->auth_type == OS_AUTH_NONE)
        return 0;
    if (!said(cloud->auth_url))
        return missing(err, "Keystone", "auth: auth_url", "OS_AUTH_URL");
    if (mir_url_parse(cloud->auth_url, &url, err))
        return mir_error_wrap(err, "auth_url");
    return checkers[cloud->auth_type](cloud, err);
}

/* --- the session --- */

struct os_session *os_session_new(const struct os_session_settings *settings, struct mir_error *err)
{
    if (check(settings->cloud, err))
        return NULL;
    struct os_session *s = mir_calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->cloud = settings->cloud;
    s->connect_timeout_ms = settings->connect_timeout_ms ? settings->connect_timeout_ms : 10000;
    s->attempt_timeout_ms = settings->attempt_timeout_ms ? settings->attempt_timeout_ms : 60000;
    s->clock = settings->clock ? settings->clock : mir_clock_system();
    s->wait = settings->wait ? settings->wait : wait_really;
    s->wait_ctx = settings->wait_ctx;
    s->client = mir_http_client_new(settings->connections_max);
    mir_retry_shared_init(&s->retry, settings->attempts_max, settings->random);
    return s;
}

void os_session_free(struct os_session *session)
{
    if (!session)
        return;
    for (unsigned i = 0; i < OS_SERVICE_COUNT; i++)
        free(session->endpoints[i].url);
    mir_secret_clear(&session->token.text);
    os_who_clear(&session->token.who);
    mir_http_client_free(session->client);
    pthread_cond_destroy(&session->changed);
    mir_retry_shared_clear(&session->retry);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

const struct os_cloud *os_session_cloud(const struct os_session *session)
{
    return session->cloud;
}

int64_t os_until(const struct os_session *session, int64_t limit_ms)
{
    return session->clock->boot_ms(session->clock->ctx) + limit_ms;
}

int64_t os_left(const struct os_session *session, int64_t until_ms)
{
    return until_ms - session->clock->boot_ms(session->clock->ctx);
}

int os_wait_round(struct os_session *session, const unsigned *rounds, int64_t until_ms)
{
    int64_t left = os_left(session, until_ms);
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += left / 1000;
    at.tv_nsec += left % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    unsigned round = *rounds;
    while (*rounds == round)
        if (left <= 0 || pthread_cond_timedwait(&session->changed, &session->lock, &at))
            return -1;
    return 0;
}

int os_session_endpoint(struct os_session *session, enum os_service service, int64_t until_ms,
                        char **ret, struct mir_error *err)
{
    struct os_endpoint endpoint = {0};
    if (os_endpoint_get(session, service, until_ms, &endpoint, err))
        return -1;
    *ret = endpoint.url;
    return 0;
}

int os_session_has(struct os_session *session, enum os_service service, int64_t until_ms, bool *ret,
                   struct mir_error *err)
{
    struct mir_error own = {0};
    struct os_endpoint endpoint = {0};
    int rc = os_endpoint_get(session, service, until_ms, &endpoint, &own);
    free(endpoint.url);
    if (rc && strcmp(own.provider_code, "EndpointNotFound") != 0) {
        if (err)
            *err = own;
        return -1;
    }
    *ret = !rc;
    return 0;
}

int os_session_region(struct os_session *session, int64_t until_ms, char ret[OS_REGION_TEXT],
                      struct mir_error *err)
{
    if (said(session->cloud->region) || session->cloud->auth_type == OS_AUTH_NONE) {
        (void)mir_copy(ret, OS_REGION_TEXT, session->cloud->region ? session->cloud->region : "");
        return 0;
    }
    os_auto_who struct os_who who = {0};
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    const struct os_found_endpoint *found = os_catalog_find(&who, session->cloud, OS_COMPUTE, err);
    if (!found)
        return -1;
    (void)mir_copy(ret, OS_REGION_TEXT, found->region);
    return 0;
}

int os_session_microversion(struct os_session *session, enum os_service service, int64_t until_ms,
                            int *ret_minor, struct mir_error *err)
{
    struct os_endpoint endpoint = {0};
    if (os_endpoint_get(session, service, until_ms, &endpoint, err))
        return -1;
    *ret_minor = endpoint.microversion;
    free(endpoint.url);
    return 0;
}

int64_t os_session_date(struct os_session *session, int64_t *ret_boot_ms)
{
    pthread_mutex_lock(&session->lock);
    int64_t date = session->date_ms;
    *ret_boot_ms = session->date_boot_ms;
    pthread_mutex_unlock(&session->lock);
    return date;
}

bool os_session_refused(struct os_session *session)
{
    pthread_mutex_lock(&session->lock);
    bool refused = session->refusal.kind == MIR_CREDENTIALS;
    pthread_mutex_unlock(&session->lock);
    return refused;
}
