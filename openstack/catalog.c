/* SPDX-License-Identifier: ISC */
#include "catalog.h"

#include <string.h>

#include "api/memory.h"

static const struct mir_field endpoint_fields[] = {
    MIR_ROW(struct os_found_endpoint, interface, "interface", MIR_GET_CUT),
    MIR_ROW(struct os_found_endpoint, region, "region", MIR_GET_TEXT), /* older than region_id */
    MIR_ROW(struct os_found_endpoint, region, "region_id", MIR_GET_TEXT),
    MIR_ROW(struct os_found_endpoint, url, "url", MIR_GET_OWNED),
};
static const struct mir_table endpoint_table = MIR_TABLE(struct os_found_endpoint, endpoint_fields);

static const struct mir_field service_fields[] = {
    MIR_ROW(struct os_found_service, type, "type", MIR_GET_OWNED),
    MIR_ROW(struct os_found_service, name, "name", MIR_GET_OWNED),
    MIR_MANY(struct os_found_service, endpoints, endpoint_count, "endpoints", MIR_GET_LIST,
             &endpoint_table),
};
static const struct mir_table service_table = MIR_TABLE(struct os_found_service, service_fields);

static const struct mir_field role_fields[] = {
    MIR_ROW(struct os_found_role, name, "name", MIR_GET_OWNED),
};
static const struct mir_table role_table = MIR_TABLE(struct os_found_role, role_fields);

static const struct mir_field who_fields[] = {
    MIR_MUST(struct os_who, user_id, "user/id", MIR_GET_TEXT),
    MIR_ROW(struct os_who, user_name, "user/name", MIR_GET_OWNED),
    MIR_ROW(struct os_who, user_domain, "user/domain/name", MIR_GET_OWNED),
    MIR_ROW(struct os_who, project_id, "project/id", MIR_GET_TEXT),
    MIR_ROW(struct os_who, project_name, "project/name", MIR_GET_OWNED),
    MIR_ROW(struct os_who, project_domain, "project/domain/name", MIR_GET_OWNED),
    MIR_ROW(struct os_who, application_credential, "application_credential/name", MIR_GET_OWNED),
    MIR_ROW(struct os_who, expires_s, "expires_at", MIR_GET_TIME),
    MIR_ROW(struct os_who, issued_s, "issued_at", MIR_GET_TIME),
    MIR_MANY(struct os_who, roles, role_count, "roles", MIR_GET_LIST, &role_table),
    MIR_MANY(struct os_who, catalog, service_count, "catalog", MIR_GET_LIST, &service_table),
};
const struct mir_table os_who_table = MIR_TABLE(struct os_who, who_fields);

void os_who_clear(struct os_who *who)
{
    mir_record_clear(&os_who_table, who);
}

/* --- finding an endpoint --- */

/* What is looked for: each NULL means any. */
struct wanted {
    const char *type, *name, *interface, *region;
};

static bool same(const char *want, const char *have)
{
    return !want || !*want || (have && !strcmp(want, have));
}

/* "public", and "publicURL" of the version before. */
static bool same_interface(const char *want, const char *have)
{
    size_t len = strlen(want), suffix = strlen("URL");
    if (len > suffix && !strcmp(want + len - suffix, "URL"))
        len -= suffix;
    return !strncmp(want, have, len) && (!have[len] || !strcmp(have + len, "URL"));
}

/* What was found so far. */
struct finding {
    const struct os_found_endpoint *first, *other; /* the other one is of another region */
};

static void look_at(const struct os_found_service *service, const struct wanted *want,
                    struct finding *finding)
{
    for (size_t i = 0; i < service->endpoint_count; i++) {
        const struct os_found_endpoint *e = &service->endpoints[i];
        if (!e->url || !same_interface(want->interface, e->interface) ||
            !same(want->region, e->region))
            continue;
        if (!finding->first)
            finding->first = e;
        else if (!finding->other && strcmp(finding->first->region, e->region) != 0)
            finding->other = e;
    }
}

static struct finding find(const struct os_who *who, const struct wanted *want)
{
    struct finding finding = {NULL, NULL};
    for (size_t i = 0; i < who->service_count; i++) {
        const struct os_found_service *service = &who->catalog[i];
        if (service->type && !strcmp(service->type, want->type) && same(want->name, service->name))
            look_at(service, want, &finding);
    }
    return finding;
}

static int not_there(enum os_service service, const struct wanted *want, const struct os_who *who,
                     struct mir_error *err)
{
    const struct os_service_info *info = os_service_info(service);
    if (!*who->project_id && !who->service_count) {
        mir_fail(err, MIR_USAGE, "the token is for no project, so nothing can be deployed with it");
        return mir_error_hint(err, "say which project: project_name in clouds.yaml, or "
                                   "OS_PROJECT_NAME");
    }
    mir_fail(err, MIR_USAGE, "the cloud's catalog has no %s (%s) with an endpoint '%s'%s%s",
             info->title, info->type, want->interface, want->region ? " in region " : "",
             want->region ? want->region : "");
    mir_error_hint(err,
                   "is it the right region and interface? OS_%s_ENDPOINT_OVERRIDE names one "
                   "of your own",
                   info->variable);
    if (err) {
        mir_copy(err->provider, sizeof err->provider, "openstack");
        mir_copy(err->provider_code, sizeof err->provider_code, "EndpointNotFound");
    }
    return -1;
}

static int too_many(enum os_service service, const struct finding *finding, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "%s is in several regions: %.60s, %.60s and maybe others",
             os_service_info(service)->title, finding->first->region, finding->other->region);
    return mir_error_hint(err, "say which: region_name in clouds.yaml, or OS_REGION_NAME");
}

static const char *first_said(const char *a, const char *b, const char *c)
{
    return a && *a ? a : b && *b ? b : c;
}

const struct os_found_endpoint *os_catalog_find(const struct os_who *who,
                                                const struct os_cloud *cloud,
                                                enum os_service service, struct mir_error *err)
{
    const struct os_service_info *info = os_service_info(service);
    const struct os_service_choice *choice = &cloud->services[service];
    struct wanted want = {
        .type = first_said(choice->service_type, info->type, NULL),
        .name = choice->service_name,
        .interface = first_said(choice->interface, cloud->interface, "public"),
        .region = first_said(choice->region, cloud->region, NULL),
    };
    struct finding finding = find(who, &want);
    for (size_t i = 0; !finding.first && info->aliases && info->aliases[i]; i++) {
        want.type = info->aliases[i];
        finding = find(who, &want);
    }
    if (!finding.first) {
        not_there(service, &want, who, err);
        return NULL;
    }
    if (finding.other) {
        too_many(service, &finding, err);
        return NULL;
    }
    return finding.first;
}
