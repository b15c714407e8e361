/* SPDX-License-Identifier: ISC */
/* How long whoever asks is known to Keystone: an application credential may have an end, and a
 * token that the user has given has one. A password has none that could be asked for. */
#include <string.h>

#include "api/memory.h"
#include "openstack/identity.h"
#include "stack.h"

#define TEARDOWN_S 600 /* after a deadline: server, address, port, group, image */

/* Of the user's own; their names are unique. */
static int64_t end_of_application(struct stack_site *site, const char *name, int64_t until_ms)
{
    struct os_credentials found = {.rows = NULL};
    int64_t end_s = 0;
    if (os_credential_list(site->session, until_ms, &found, NULL))
        return 0;
    for (size_t i = 0; i < found.count; i++)
        if (found.rows[i].name && !strcmp(found.rows[i].name, name))
            end_s = found.rows[i].expires_s;
    os_credentials_clear(&found);
    return end_s;
}

int64_t stack_credential_end(struct stack_site *site, int64_t until_ms)
{
    os_auto_who struct os_who who = {.user_name = NULL};
    enum os_auth_type type = site->described.auth_type;
    if ((type != OS_AUTH_TOKEN && type != OS_AUTH_APPLICATION_CREDENTIAL) ||
        os_who_am_i(site->session, until_ms, &who, NULL))
        return 0;
    if (type == OS_AUTH_TOKEN) /* another one by it ends no later */
        return who.expires_s;
    return who.application_credential
               ? end_of_application(site, who.application_credential, until_ms)
               : 0;
}

int stack_outlives(struct stack_site *site, int64_t deadline_s, int64_t until_ms,
                   struct mir_error *err)
{
    int64_t end_s = stack_credential_end(site, until_ms);
    char ends[MIR_TIME_SIZE], deadline[MIR_TIME_SIZE];
    if (!end_s || mir_forever(deadline_s) || end_s >= deadline_s + TEARDOWN_S)
        return 0;
    bool token = site->described.auth_type == OS_AUTH_TOKEN;
    mir_time_format(end_s, ends);
    mir_time_format(deadline_s, deadline);
    mir_fail(err, MIR_CREDENTIALS,
             "the %s of cloud %s ends at %s, and a deployment until %s could not be ended by it",
             token ? "token" : "application credential", site->cloud, ends, deadline);
    if (err)
        err->outcome = MIR_DID_NOT_HAPPEN;
    return mir_error_hint(err,
                          "take one that lives %d minutes longer than the deployment%s, or a "
                          "shorter --ttl",
                          TEARDOWN_S / 60,
                          token ? " (or a password, or an application credential)" : "");
}
