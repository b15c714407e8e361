/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "ctl.h"
#include "ctx.h"
#include "dir.h"

/* One hook: the keeper's timer. Set and read back in one exchange: the keeper answers with the
 * deadline that is durable and armed, and the tags that say it are durable with it. */
int local_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    struct local_ctl_request request = {.op = LOCAL_CTL_DEADLINE, .deadline_s = lease->deadline_s};
    struct local_ctl_reply reply = {0};
    struct mir_error why = {0};
    mir_auto_close int dir_fd = -1;
    (void)err;
    mir_copy(request.signature, sizeof request.signature, lease->signature);
    if (max == 0)
        return 0;
    struct mir_hook hook = {.name = "keeper", .state = MIR_HOOK_FAILED};
    if (local_dir_open(local->root_fd, lease->id, &dir_fd, &why) ||
        local_ctl_call(dir_fd, &request, LOCAL_CTL_MS, &reply, &why)) {
        mir_copy(hook.detail, sizeof hook.detail, why.text);
    } else {
        hook.state = MIR_HOOK_ARMED;
        hook.deadline_s = reply.deadline_s;
        snprintf(hook.detail, sizeof hook.detail, "its own process ends the guest");
    }
    hooks[0] = hook;
    *ret_count = 1;
    return 0;
}
