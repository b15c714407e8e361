/* SPDX-License-Identifier: ISC */
/* clouds.yaml, whatever stands in it: each of its clouds, or a reason, and rows that show no
 * password. */
#include "openstack/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *fetch_nothing(void *ctx, const char *url, struct mir_error *err)
{
    mir_fail(err, MIR_UNAVAILABLE, "nothing is fetched here");
    return NULL;
}

static void look_at_rows(const struct os_config *config)
{
    struct os_config_row rows[OS_CONFIG_ROWS_MAX];
    size_t count = os_config_rows(config, rows);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, "password") && strcmp(rows[i].value, "(hidden)") != 0)
            abort();
}

static void ask(const struct os_config_wish *wish)
{
    struct mir_error err = {0};
    struct os_cloud cloud = {0};
    struct os_config *config = os_config_load(wish, &err);
    if (!config || os_config_cloud(config, &cloud, &err)) {
        if (!err.kind || !*err.text || cloud.name)
            abort(); /* every failure says why, and leaves nothing */
    } else if (!cloud.name || (cloud.auth_type == OS_AUTH_PASSWORD && !cloud.password)) {
        abort();
    }
    if (config)
        look_at_rows(config);
    os_cloud_clear(&cloud);
    os_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char variable[64];
    int fd = memfd_create("clouds.yaml", MFD_CLOEXEC);
    snprintf(variable, sizeof variable, "OS_CLIENT_CONFIG_FILE=/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    const char *const environment[] = {"HOME=/nonexistent", variable, NULL};
    struct os_config_wish wish = {.environment = environment,
                                  .folder = "/nonexistent",
                                  .etc = "/nonexistent",
                                  .fetch = fetch_nothing};
    ask(&wish);
    wish.cloud = "one";
    ask(&wish);
    wish.region = "R1";
    ask(&wish);
    close(fd);
    return 0;
}
