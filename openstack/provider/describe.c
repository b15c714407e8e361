/* SPDX-License-Identifier: ISC */
/* The cloud as its user described it, from the OS_* variables. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define ENVVARS "envvars"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool stack_mentioned(void)
{
    static const char *const names[] = {"OS_AUTH_URL", "OS_CLOUD", "OS_TOKEN",
                                        "OS_APPLICATION_CREDENTIAL_ID"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        if (variable(names[i]))
            return true;
    return false;
}

int stack_describe(const char *name, struct os_cloud *ret, struct mir_error *err)
{
    struct os_cloud cloud = {.requires_floating_ip = -1};
    const struct {
        const char *variable;
        char **field;
    } rows[] = {
        {"OS_AUTH_URL", &cloud.auth_url},
        {"OS_USERNAME", &cloud.user.name},
        {"OS_USER_ID", &cloud.user.id},
        {"OS_USER_DOMAIN_ID", &cloud.user.domain_id},
        {"OS_USER_DOMAIN_NAME", &cloud.user.domain_name},
        {"OS_PASSWORD", &cloud.password},
        {"OS_PROJECT_NAME", &cloud.project.name},
        {"OS_PROJECT_ID", &cloud.project.id},
        {"OS_PROJECT_DOMAIN_ID", &cloud.project.domain_id},
        {"OS_PROJECT_DOMAIN_NAME", &cloud.project.domain_name},
        {"OS_APPLICATION_CREDENTIAL_ID", &cloud.application.id},
        {"OS_APPLICATION_CREDENTIAL_SECRET", &cloud.application_secret},
        {"OS_REGION_NAME", &cloud.region},
        {"OS_CACERT", &cloud.cacert},
    };
    if (*name && strcmp(name, ENVVARS) != 0) {
        mir_fail(err, MIR_USAGE, "there is no cloud '%.40s'", name);
        return mir_error_hint(err, "known: " ENVVARS);
    }
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        *rows[i].field = mir_strdup(variable(rows[i].variable));
    cloud.name = mir_strdup(ENVVARS);
    cloud.auth_type = cloud.application.id ? OS_AUTH_APPLICATION_CREDENTIAL : OS_AUTH_PASSWORD;
    *ret = cloud;
    return 0;
}
