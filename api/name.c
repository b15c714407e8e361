/* SPDX-License-Identifier: ISC */
/* Names and words. Apart from provider.c, so that who only needs these does not link libcrypto. */
#include <string.h>

#include "api/provider.h"

int mir_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < MIR_NAME_TEXT && *name != '-' && name[len - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

const char *mir_instance_state_name(enum mir_instance_state state)
{
    static const char *const names[] = {"absent", "starting", "running", "stopping", "ended"};
    return (unsigned)state < MIR_NELEMS(names) ? names[state] : names[0];
}

const char *mir_hook_state_name(enum mir_hook_state state)
{
    static const char *const names[] = {"off", "armed", "failed"};
    return (unsigned)state < MIR_NELEMS(names) ? names[state] : names[0];
}

const char *mir_check_level_name(enum mir_check_level level)
{
    static const char *const names[] = {"PASS", "WARN", "FAIL"};
    return (unsigned)level < MIR_NELEMS(names) ? names[level] : names[2];
}
