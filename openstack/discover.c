/* SPDX-License-Identifier: ISC */
/* Where a service is, and which version of it is spoken: by the user's word or the catalog, and by
 * what the service itself says there. */
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "call.h"
#include "inside.h"
#include "versions.h"

/* --- the document --- */

static int accept_versions(void *ctx, const struct mir_http_response *response,
                           struct mir_error *err)
{
    json_t *json =
        mir_json_parse(mir_buf_text(&response->body), response->body.len, response->body.max, err);
    if (!json && err)
        err->kind = MIR_CORRUPT;
    int rc = json ? os_versions_read(json, ctx, err) : -1;
    json_decref(json);
    return rc;
}

static int ask(struct os_session *session, enum os_service service, const char *url,
               int64_t until_ms, struct os_versions *ret, struct mir_error *err)
{
    struct os_call call = {.service = service,
                           .operation = "ListVersions",
                           .url = url,
                           .anonymous = true,
                           .reads = true,
                           .choices = true,
                           .accept = accept_versions,
                           .accept_ctx = ret};
    return os_call(session, &call, until_ms, NULL, err);
}

/* A service that cannot be asked is another matter than one that does not say. */
static bool says_nothing(const struct mir_error *err)
{
    return err->http_status > 0 && err->http_status < 500 && err->http_status != 429;
}

/* --- the address that calls go to --- */

/* Everything is taken from the address that we have; of the document only the name of the version:
 * behind a proxy its addresses are of another scheme, host or path. */
static char *address_of(const struct os_address *address, const char *version, const char *behind)
{
    return mir_format("%s/%s%s", address->before, version, behind);
}

static const char *pin_of(const struct os_cloud *cloud, enum os_service service)
{
    const struct os_service_choice *choice = &cloud->services[service];
    const char *pin =
        choice->microversion && *choice->microversion ? choice->microversion : choice->api_version;
    return pin;
}

struct finding {
    struct os_session *session;
    enum os_service service;
    int64_t until_ms;
    const char *project_id; /* "" unknown */
};

/* What the document of that address says; 1: nothing. */
static int look(const struct finding *f, const char *url, struct os_version *ret,
                struct mir_error *err)
{
    struct os_versions *versions = mir_calloc(1, sizeof *versions);
    struct mir_error own = {0};
    int rc = ask(f->session, f->service, url, f->until_ms, versions, &own);
    const struct os_version *newest =
        rc ? NULL : os_versions_newest(versions, os_spoken(f->service)->major);
    if (newest)
        *ret = *newest;
    free(versions);
    if (newest)
        return 0;
    if (rc && !says_nothing(&own)) {
        if (err)
            *err = own;
        return -1;
    }
    mir_log(MIR_LOG_DEBUG, "openstack", "%s: %s says nothing of its versions: %s",
            os_service_name(f->service), url, own.text);
    return 1;
}

/* The address names a version: it is taken as it is, and asked where there is more to know. */
static int find_versioned(const struct finding *f, const struct os_address *address,
                          struct os_endpoint *ret, struct mir_error *err)
{
    const struct os_spoken *spoken = os_spoken(f->service);
    struct os_version version = {.major = 0};
    if (address->major != spoken->major) { /* v2.0 of Keystone, v1 of Glance, v2 of Cinder */
        ret->url = address_of(address, spoken->segment, address->behind);
        return 0;
    }
    if (spoken->micro) {
        mir_auto_free char *url = mir_format("%s/%s/", address->before, address->version);
        if (look(f, url, &version, err) < 0 ||
            os_micro_choose(&version, pin_of(f->session->cloud, f->service), &ret->microversion,
                            err))
            return -1;
    }
    ret->url = address_of(address, address->version, address->behind);
    return 0;
}

static int find_unversioned(const struct finding *f, const struct os_address *address,
                            struct os_endpoint *ret, struct mir_error *err)
{
    const struct os_spoken *spoken = os_spoken(f->service);
    struct os_version version = {.major = 0};
    mir_auto_free char *url = mir_format("%s/", address->before);
    if (look(f, url, &version, err) < 0)
        return -1;
    if (spoken->micro &&
        os_micro_choose(&version, pin_of(f->session->cloud, f->service), &ret->microversion, err))
        return -1;
    mir_auto_free char *project =
        spoken->project && *f->project_id ? mir_format("/%s", f->project_id) : mir_strdup("");
    ret->url = address_of(address, *version.segment ? version.segment : spoken->segment, project);
    return 0;
}

static int find_at(const struct finding *f, const char *given, struct os_endpoint *ret,
                   struct mir_error *err)
{
    struct os_address address;
    if (os_address_split(given, &address, err))
        return mir_error_wrap(err, "the endpoint of %s", os_service_info(f->service)->title);
    int rc = 0;
    if (f->service == OS_OBJECT_STORE)
        ret->url = mir_format("%s%s%s%s", address.before, address.version ? "/" : "",
                              address.version ? address.version : "", address.behind);
    else
        rc = (address.version ? find_versioned : find_unversioned)(f, &address, ret, err);
    os_address_clear(&address);
    return rc;
}

/* --- which address that is --- */

/* "%(project_id)s" and its older forms stand for the project in what users write; owned. */
static char *fill_project(const char *url, const char *project_id)
{
    static const char *const forms[] = {"%(project_id)s", "%(tenant_id)s", "$(project_id)s",
                                        "$(tenant_id)s"};
    char *text = mir_strdup(url);
    for (size_t i = 0; i < MIR_NELEMS(forms); i++) {
        const char *at = strstr(text, forms[i]);
        if (!at)
            continue;
        char *filled =
            mir_format("%.*s%s%s", (int)(at - text), text, project_id, at + strlen(forms[i]));
        free(text);
        text = filled;
    }
    return text;
}

static bool wants_project(enum os_service service, const char *url)
{
    return os_spoken(service)->project || strstr(url, "(project_id)s") ||
           strstr(url, "(tenant_id)s");
}

/* An endpoint of the user's; only one that has the project in it needs a token. */
static int find_override(struct os_session *session, enum os_service service, const char *url,
                         int64_t until_ms, struct os_endpoint *ret, struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    bool anonymous = session->cloud->auth_type == OS_AUTH_NONE || service == OS_IDENTITY;
    if (!anonymous && wants_project(service, url) && os_who_am_i(session, until_ms, &who, err))
        return -1;
    const char *project = session->cloud->project.id;
    if (*who.project_id || !project)
        project = who.project_id;
    struct finding f = {session, service, until_ms, project};
    mir_auto_free char *filled = fill_project(url, project);
    return find_at(&f, filled, ret, err);
}

static int find_in_catalog(struct os_session *session, enum os_service service, int64_t until_ms,
                           struct os_endpoint *ret, struct mir_error *err)
{
    os_auto_who struct os_who who = {0};
    if (session->cloud->auth_type == OS_AUTH_NONE) {
        mir_fail(err, MIR_USAGE,
                 "nobody says where %s is: without authentication there is no catalog",
                 os_service_info(service)->title);
        mir_error_hint(err, "set OS_%s_ENDPOINT_OVERRIDE", os_service_info(service)->variable);
        if (err)
            mir_copy(err->provider_code, sizeof err->provider_code, "EndpointNotFound");
        return -1;
    }
    if (os_who_am_i(session, until_ms, &who, err))
        return -1;
    const struct os_found_endpoint *found = os_catalog_find(&who, session->cloud, service, err);
    struct finding f = {session, service, until_ms, who.project_id};
    return found ? find_at(&f, found->url, ret, err) : -1;
}

static int find_endpoint(struct os_session *session, enum os_service service, int64_t until_ms,
                         struct os_endpoint *ret, struct mir_error *err)
{
    const char *given = session->cloud->services[service].endpoint_override;
    if (service == OS_IDENTITY && (!given || !*given))
        given = session->cloud->auth_url;
    if (given && *given)
        return find_override(session, service, given, until_ms, ret, err);
    return find_in_catalog(session, service, until_ms, ret, err);
}

/* --- one for all threads; under the lock --- */

/* Lets the lock go meanwhile. */
static int search(struct os_session *session, enum os_service service, int64_t until_ms,
                  struct mir_error *err)
{
    struct os_search *one = &session->searches[service];
    struct os_endpoint found = {0};
    struct mir_error own = {0};
    one->under_way = true;
    pthread_mutex_unlock(&session->lock);
    int rc = find_endpoint(session, service, until_ms, &found, &own);
    pthread_mutex_lock(&session->lock);
    one->under_way = false;
    one->rounds++;
    one->said = own;
    if (!rc) {
        session->endpoints[service] = found;
        session->endpoints[service].known = true;
    } else {
        free(found.url);
    }
    pthread_cond_broadcast(&session->changed);
    if (rc && err)
        *err = own;
    return rc;
}

/* Whoever has waited takes what the other one was told; another's time is not one's own. */
static int need_endpoint(struct os_session *session, enum os_service service, int64_t until_ms,
                         struct mir_error *err)
{
    const struct os_search *one = &session->searches[service];
    bool waited = false;
    while (!session->endpoints[service].known) {
        if (waited && one->said.kind && one->said.kind != MIR_TIMEOUT) {
            if (err)
                *err = one->said;
            return -1;
        }
        if (!one->under_way)
            return search(session, service, until_ms, err);
        if (os_wait_round(session, &one->rounds, until_ms))
            return mir_fail(err, MIR_TIMEOUT, "%s ListVersions: no time is left for it",
                            os_service_name(service));
        waited = true;
    }
    return 0;
}

int os_endpoint_get(struct os_session *session, enum os_service service, int64_t until_ms,
                    struct os_endpoint *ret, struct mir_error *err)
{
    pthread_mutex_lock(&session->lock);
    int rc = need_endpoint(session, service, until_ms, err);
    if (!rc) {
        *ret = session->endpoints[service];
        ret->url = mir_strdup(ret->url);
    }
    pthread_mutex_unlock(&session->lock);
    return rc;
}
