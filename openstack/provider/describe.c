/* SPDX-License-Identifier: ISC */
/* The clouds as their user described them. They are read anew each time that one is opened: what
 * was written since counts. */
#include <stdlib.h>

#include "api/memory.h"
#include "openstack/config.h"
#include "stack.h"

static int load(const char *name, const char *region, struct os_config **ret, struct mir_error *err)
{
    const struct os_config_wish wish = {.cloud = *name ? name : NULL,
                                        .region = *region ? region : NULL};
    *ret = os_config_load(&wish, err);
    return *ret ? 0 : -1;
}

int stack_described(bool *ret_any, struct mir_error *err)
{
    struct os_config *config;
    if (load("", "", &config, err))
        return -1;
    *ret_any = os_config_name(config, 0) != NULL;
    os_config_free(config);
    return 0;
}

static int describe(const char *name, const char *region, struct os_cloud *ret,
                    struct mir_error *err)
{
    struct os_config *config;
    if (load(name, region, &config, err))
        return -1;
    int rc = os_config_cloud(config, ret, err);
    os_config_free(config);
    return rc;
}

/* A region has settings of its own where the files name it; the catalog may have others, in which
 * the cloud's count. */
int stack_describe(const char *name, const char *region, struct os_cloud *ret,
                   struct mir_error *err)
{
    if (*region && !describe(name, region, ret, NULL))
        return 0;
    if (describe(name, "", ret, err))
        return -1;
    if (*region) {
        free(ret->region);
        ret->region = mir_strdup(region);
    }
    return 0;
}

size_t stack_describe_rows(const char *name, const char *region,
                           struct os_config_row ret[OS_CONFIG_ROWS_MAX])
{
    struct os_config *config;
    struct os_cloud cloud;
    if (load(name, region, &config, NULL))
        return 0;
    if (!os_config_cloud(config, &cloud, NULL))
        os_cloud_clear(&cloud);
    size_t count = os_config_rows(config, ret);
    os_config_free(config);
    return count;
}
