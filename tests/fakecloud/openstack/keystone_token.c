/* SPDX-License-Identifier: ISC */
/* Who somebody is, and the token that says so afterwards. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "keystone.h"
#include "os_wording.h"

/* What an authentication came to. */
struct login {
    const struct fc_object *user;
    const struct fc_object *application; /* credential, which brings its project; NULL */
    const struct fc_object *token;       /* the one that was shown; NULL */
    const struct fc_object *project;     /* NULL: no scope */
    json_t *roles;                       /* owned */
};

/* Whatever was wrong: who asks is not told. */
static int unauthorized(struct fc_refusal *refusal)
{
    return fc_refuse(refusal, 401, "Unauthorized",
                     "The request you have made requires authentication.");
}

static int malformed(struct fc_refusal *refusal, const char *what)
{
    return fc_refuse(refusal, 400, "Bad Request",
                     "%s The server could not comply with the request since it is either malformed "
                     "or otherwise incorrect. The client is assumed to be in error.",
                     what);
}

/* --- tokens in the store --- */

struct fc_object *fos_token_find(const struct fc_world *world, const char *text, int64_t now_ms)
{
    struct fc_object *token = fc_store_get(world->store, "os-token", "", text);
    const char *application = token ? fc_text_at(token->doc, "application") : "";
    if (!token || token->gone_ms || now_ms >= json_integer_value(fc_at(token->doc, "expires_ms")))
        return NULL;
    /* With the credential that it was got with go its tokens. */
    return !*application || fc_store_get(world->store, "os-application-credential", "", application)
               ? token
               : NULL;
}

unsigned fos_tokens_end(struct fc_world *world, const struct fc_cause *cause)
{
    unsigned count = 0;
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "os-token", ""));)
        if (!o->gone_ms) {
            fc_store_gone(world->store, o, cause, 0);
            count++;
        }
    return count;
}

/* As long as Fernet tokens are, and of their letters. */
static void new_token(char out[FOS_TOKEN_MAX])
{
    char a[33], b[33], c[33], d[33], e[33];
    fos_hex_id(a);
    fos_hex_id(b);
    fos_hex_id(c);
    fos_hex_id(d);
    fos_hex_id(e);
    snprintf(out, FOS_TOKEN_MAX, "gAAAAAB%s-%s_%s%s%sAA==", a, b, c, d, e);
}

/* --- the ways to say who one is --- */

static bool same(const char *a, const char *b)
{
    size_t len = strlen(a);
    return len && len == strlen(b) && !CRYPTO_memcmp(a, b, len);
}

static int by_password(struct fc_call *call, const json_t *said, struct login *ret,
                       struct fc_refusal *refusal)
{
    struct fc_object *user = NULL;
    const json_t *wanted = fc_at(said, "user");
    const char *password = fos_text(wanted, "password", NULL);
    if (!json_is_object(wanted) || !password)
        return malformed(refusal, "Invalid input for field 'identity/password/user': 'password' is "
                                  "a required property.");
    if (fos_keystone_named(call->world, "os-user", wanted, &user))
        return malformed(refusal, "Expecting to find domain in user.");
    if (!user || !same(fc_text_at(user->doc, "_password"), password))
        return unauthorized(refusal);
    ret->user = user;
    return 0;
}

static struct fc_object *application_named(const struct fc_world *world, const char *user,
                                           const char *name)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(world->store, o, "os-application-credential", "")))
        if (!o->gone_ms && !strcmp(fc_text_at(o->doc, "_user"), user) &&
            !strcmp(fc_text_at(o->doc, "name"), name))
            return o;
    return NULL;
}

static int find_application(struct fc_call *call, const json_t *said, struct fc_object **ret,
                            struct fc_refusal *refusal)
{
    const char *id = fos_text(said, "id", NULL), *name = fos_text(said, "name", NULL);
    struct fc_object *user = NULL;
    *ret = NULL;
    if (id) {
        *ret = fc_store_get(call->world->store, "os-application-credential", "", id);
        return 0;
    }
    if (!name || !fc_at(said, "user"))
        return malformed(refusal,
                         "Expecting to find id or name and user in application_credential.");
    if (fos_keystone_named(call->world, "os-user", fc_at(said, "user"), &user))
        return malformed(refusal, "Expecting to find domain in user.");
    if (user)
        *ret = application_named(call->world, user->id, name);
    return 0;
}

static int by_application(struct fc_call *call, const json_t *said, struct login *ret,
                          struct fc_refusal *refusal)
{
    struct fc_object *application;
    const char *secret = fos_text(said, "secret", NULL);
    if (!secret)
        return malformed(refusal, "Expecting to find secret in application_credential.");
    if (find_application(call, said, &application, refusal))
        return -1;
    int64_t expires_ms =
        application ? json_integer_value(fc_at(application->doc, "_expires_ms")) : 0;
    if (!application || application->gone_ms)
        return fc_refuse(refusal, 404, "Not Found", "Could not find Application Credential: %s.",
                         fos_text(said, "id", fos_text(said, "name", "")));
    if (!same(fc_text_at(application->doc, "_secret"), secret) ||
        (expires_ms && call->now_ms >= expires_ms))
        return unauthorized(refusal);
    ret->application = application;
    ret->user =
        fc_store_get(call->world->store, "os-user", "", fc_text_at(application->doc, "_user"));
    return 0;
}

static int by_token(struct fc_call *call, const json_t *said, struct login *ret,
                    struct fc_refusal *refusal)
{
    const char *id = fos_text(said, "id", NULL);
    if (!id)
        return malformed(refusal, "Expecting to find id in token.");
    ret->token = fos_token_find(call->world, id, call->now_ms);
    if (!ret->token)
        return fc_refuse(refusal, 404, "Not Found", "Could not recognize Fernet token");
    ret->user =
        fc_store_get(call->world->store, "os-user", "", fc_text_at(ret->token->doc, "user"));
    return 0;
}

static const struct {
    const char *name;
    int (*check)(struct fc_call *call, const json_t *said, struct login *ret,
                 struct fc_refusal *refusal);
} methods[] = {
    {"password", by_password},
    {"application_credential", by_application},
    {"token", by_token},
};

static int check_method(struct fc_call *call, const json_t *identity, const char *name,
                        struct login *ret, struct fc_refusal *refusal)
{
    for (size_t i = 0; i < MIR_NELEMS(methods); i++)
        if (!strcmp(methods[i].name, name)) {
            const json_t *said = fc_at(identity, name);
            return json_is_object(said)
                       ? methods[i].check(call, said, ret, refusal)
                       : malformed(refusal, "Expecting to find the method's data in identity.");
        }
    return fc_refuse(refusal, 401, "Unauthorized",
                     "Attempted to authenticate with an unsupported method.");
}

static int check_identity(struct fc_call *call, const json_t *auth, struct login *ret,
                          struct fc_refusal *refusal)
{
    const json_t *identity = fc_at(auth, "identity"), *names = fc_at(identity, "methods");
    size_t i;
    json_t *name;
    if (!json_is_array(names) || !json_array_size(names))
        return malformed(refusal, "Expecting to find identity in auth.");
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        if (!json_is_string(name) ||
            check_method(call, identity, json_string_value(name), ret, refusal))
            return json_is_string(name) ? -1 : malformed(refusal, "A method is a text.");
    }
    return ret->user ? 0 : unauthorized(refusal);
}

/* --- for what --- */

static int scope_of_application(struct fc_call *call, const json_t *scope, struct login *ret,
                                struct fc_refusal *refusal)
{
    if (scope)
        return fc_refuse(refusal, 401, "Unauthorized",
                         "Error authenticating with application credential: Application "
                         "credentials cannot request a scope.");
    ret->project = fc_store_get(call->world->store, "os-project", "",
                                fc_text_at(ret->application->doc, "project_id"));
    ret->roles = fos_array(fc_at(ret->application->doc, "_roles"));
    return 0;
}

static int scope_of_request(struct fc_call *call, const json_t *scope, struct login *ret,
                            struct fc_refusal *refusal)
{
    struct fc_object *project = NULL;
    const json_t *said = fc_at(scope, "project");
    if (ret->token && *fc_text_at(ret->token->doc, "application"))
        return fc_refuse(refusal, 403, "Forbidden",
                         "You are not authorized to perform the requested action: Rescoping a "
                         "token that was got with an application credential.");
    if (!json_is_object(said)) /* domain, system: the user has no role in either */
        return json_is_object(scope) ? unauthorized(refusal)
                                     : malformed(refusal, "scope is not an object.");
    if (fos_keystone_named(call->world, "os-project", said, &project))
        return malformed(refusal, "Expecting to find domain in project.");
    if (!project)
        return unauthorized(refusal);
    ret->project = project;
    ret->roles = fos_keystone_roles(ret->user, project->id);
    return json_array_size(ret->roles) ? 0 : unauthorized(refusal);
}

static int check_scope(struct fc_call *call, const json_t *auth, struct login *ret,
                       struct fc_refusal *refusal)
{
    const json_t *scope = fc_at(auth, "scope");
    if (json_is_string(scope) && !strcmp(json_string_value(scope), "unscoped"))
        scope = NULL;
    if (ret->application)
        return scope_of_application(call, scope, ret, refusal);
    return scope ? scope_of_request(call, scope, ret, refusal) : 0;
}

/* --- the token's body --- */

static json_t *show_user(const struct fc_world *world, const struct fc_object *user)
{
    json_t *shown = fos_keystone_show(world, user);
    json_object_set_new(shown, "password_expires_at", json_null());
    return shown;
}

static json_t *show_roles(const struct fc_world *world, const json_t *names)
{
    json_t *out = json_array(), *name;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        struct fc_object *o = NULL;
        while ((o = fc_store_each(world->store, o, "os-role", "")) &&
               strcmp(fc_text_at(o->doc, "name"), json_string_value(name)) != 0)
            continue;
        if (o)
            json_array_append_new(out, json_pack("{s:s,s:O}", "id", o->id, "name", name));
    }
    return out;
}

static json_t *show_token(const struct fc_call *call, const struct fc_object *token, bool catalog)
{
    const struct fc_world *world = call->world;
    const json_t *doc = token->doc;
    const char *project_id = fc_text_at(doc, "project"),
               *application = fc_text_at(doc, "application");
    json_t *shown = json_pack(
        "{s:O,s:o,s:o,s:O,s:o}", "methods", fc_at(doc, "methods"), "user",
        show_user(world, fc_store_get(world->store, "os-user", "", fc_text_at(doc, "user"))),
        "expires_at", fos_time_us(json_integer_value(fc_at(doc, "expires_ms"))), "audit_ids",
        fc_at(doc, "audit_ids"), "issued_at",
        fos_time_us(json_integer_value(fc_at(doc, "issued_ms"))));
    if (*project_id) {
        const struct fc_object *project = fc_store_get(world->store, "os-project", "", project_id);
        json_object_set_new(shown, "is_domain", json_false());
        json_object_set_new(shown, "project", fos_keystone_show(world, project));
        json_object_set_new(shown, "roles", show_roles(world, fc_at(doc, "roles")));
        if (catalog)
            json_object_set_new(shown, "catalog", fos_keystone_catalog(call, project_id));
    }
    const struct fc_object *credential =
        fc_store_get(world->store, "os-application-credential", "", application);
    if (credential)
        json_object_set_new(shown, "application_credential",
                            json_pack("{s:s,s:O,s:b}", "id", application, "name",
                                      fc_at(credential->doc, "name"), "restricted",
                                      !json_is_true(fc_at(credential->doc, "unrestricted"))));
    return json_pack("{s:o}", "token", shown);
}

/* --- calls --- */

static int64_t earlier(int64_t at_ms, int64_t limit_ms)
{
    return limit_ms && limit_ms < at_ms ? limit_ms : at_ms;
}

/* Whoever shows a token gets one that ends with it, and no token outlives the credential that it
 * was got with (Keystone since CVE-2022-2447). */
static int64_t expiry_of(const struct fc_call *call, const struct login *login)
{
    const json_t *shown = login->token ? login->token->doc : NULL;
    const json_t *application = login->application ? login->application->doc : NULL;
    int64_t own_ms = call->now_ms + call->world->settings.os_token_s * 1000;
    return earlier(earlier(own_ms, json_integer_value(fc_at(shown, "expires_ms"))),
                   json_integer_value(fc_at(application, "_expires_ms")));
}

static struct fc_object *issue(struct fc_call *call, const json_t *auth, const struct login *login)
{
    char id[FOS_TOKEN_MAX], audit[33];
    int64_t expires_ms = expiry_of(call, login);
    new_token(id);
    fos_hex_id(audit);
    json_t *doc = json_pack("{s:s,s:s,s:s,s:O,s:O,s:[o],s:I,s:I}", "user", login->user->id,
                            "project", login->project ? login->project->id : "", "application",
                            login->application ? login->application->id : "", "roles", login->roles,
                            "methods", fc_at(auth, "identity.methods"), "audit_ids",
                            json_sprintf("%.22s", audit), "issued_ms", (json_int_t)call->now_ms,
                            "expires_ms", (json_int_t)expires_ms);
    struct fc_object *token =
        fc_store_add(call->world->store, "os-token", "", id, doc, &call->cause);
    token->due_ms = expires_ms;
    return token;
}

int fos_keystone_authenticate(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *auth = fos_wrapped(call, "auth");
    struct login login = {0};
    int rc = auth ? check_identity(call, auth, &login, refusal)
                  : malformed(refusal, "Expecting to find auth in request.");
    if (!rc)
        rc = check_scope(call, auth, &login, refusal);
    if (!rc) {
        if (!login.roles)
            login.roles = json_array();
        const struct fc_object *token = issue(call, auth, &login);
        fc_reply_header(call->reply, "X-Subject-Token", "%s", token->id);
        *ret_reply = show_token(call, token, !fc_request_query(call->request, "nocatalog"));
    }
    json_decref(login.roles);
    return rc;
}

static int find_subject(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    const char *text = fc_request_header(call->request, "X-Subject-Token");
    *ret = text ? fos_token_find(call->world, text, call->now_ms) : NULL;
    if (!text)
        return malformed(refusal, "Expecting to find X-Subject-Token in headers.");
    if (*ret && strcmp(fc_text_at((*ret)->doc, "user"), fos_of(call)->user) != 0)
        return fos_refuse(call, refusal, 403,
                          "You are not authorized to perform the requested action: "
                          "identity:validate_token.");
    return *ret ? 0 : fos_refuse(call, refusal, 404, "Failed to validate token");
}

int fos_keystone_validate(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *token;
    if (find_subject(call, &token, refusal))
        return -1;
    fc_reply_header(call->reply, "X-Subject-Token", "%s", token->id);
    *ret_reply = show_token(call, token, !fc_request_query(call->request, "nocatalog"));
    return 0;
}

int fos_keystone_check(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *token;
    return find_subject(call, &token, refusal);
}

int fos_keystone_revoke(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *token;
    if (find_subject(call, &token, refusal))
        return -1;
    fc_store_gone(call->world->store, token, &call->cause, 0);
    return 0;
}
