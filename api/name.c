/* SPDX-License-Identifier: ISC */
/* Names and words. Apart from provider.c, so that who only needs these does not link libcrypto. */
#include <stdio.h>
#include <string.h>

#include "api/provider.h"

int mir_name_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < MIR_NAME_TEXT && *name != '-' && name[len - 1] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

void mir_port_text(const struct mir_port *port, char out[MIR_OBJECT_ID])
{
    const char *address = *port->address ? port->address : "127.0.0.1";
    bool v6 = strchr(address, ':') != NULL;
    snprintf(out, MIR_OBJECT_ID, "%s%.46s%s:%u->%u", v6 ? "[" : "", address, v6 ? "]" : "",
             (unsigned)port->host_port, (unsigned)port->guest_port);
}

const char *mir_instance_state_name(enum mir_instance_state state)
{
    static const char *const names[] = {"absent", "starting", "running", "stopping", "ended"};
    return (unsigned)state < MIR_NELEMS(names) ? names[state] : names[0];
}

const char *mir_object_kind_name(enum mir_object_kind kind)
{
    return kind == MIR_OBJECT_IMAGE ? "image" : "instance";
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
