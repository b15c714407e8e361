/* SPDX-License-Identifier: ISC */
#include <signal.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/file.h"
#include "ctl.h"
#include "ctx.h"
#include "dir.h"
#include "holders.h"
#include "status.h"

#define ASK_MS 500     /* for the keeper to answer at all */
#define GENTLE_MS 2000 /* from asking to killing; the keeper itself kills after 1 s */
#define KILL_MS 2000

/* Ask, then signal: a keeper that has not come to its socket yet, or hangs, has a pid. */
static void ask(int dir_fd)
{
    struct local_ctl_request request = {.op = LOCAL_CTL_STOP};
    struct local_ctl_reply reply;
    struct local_status status = {0};
    if (!local_ctl_call(dir_fd, &request, ASK_MS, &reply, NULL))
        return;
    if (!local_status_load(dir_fd, &status, NULL))
        mir_process_signal(&status.keeper, SIGTERM, NULL);
}

/* Those that are written down, and those that hang before it was written who they are. */
static void kill_all(int dir_fd)
{
    struct local_status status = {0};
    if (!local_status_load(dir_fd, &status, NULL)) {
        mir_process_signal(&status.keeper, SIGKILL, NULL);
        mir_process_signal(&status.guest, SIGKILL, NULL);
    }
    local_holders_kill(dir_fd);
}

/* 0 when keeper and guest are seen dead: both hold the lock as long as they live. */
static int end_instance(int dir_fd, int lock_fd, struct mir_error *err)
{
    if (local_lock_try(lock_fd))
        return 0;
    /* Somebody is just starting it: what is not there yet cannot be asked. */
    local_dir_wait_file(dir_fd, LOCAL_STATUS_FILE, GENTLE_MS);
    if (mir_fault_before("local.stop", err))
        return -1;
    ask(dir_fd);
    if (!local_lock_wait(dir_fd, lock_fd, GENTLE_MS, NULL))
        return 0;
    kill_all(dir_fd);
    return local_lock_wait(dir_fd, lock_fd, KILL_MS, err);
}

int local_instance_delete(void *ctx, const char *token, struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    struct mir_error why = {0};
    mir_auto_close int dir_fd = -1;
    mir_auto_close int lock_fd = -1;
    if (local_dir_open(local->root_fd, token, &dir_fd, &why)) {
        if (why.kind == MIR_NOT_FOUND) /* what an earlier delete could not remove may be left */
            return local_dir_discard(local->root_fd, token, err);
        if (err)
            *err = why;
        return -1;
    }
    if (local_lock_open(dir_fd, &lock_fd, &why)) {
        /* Another delete got here first. */
        if (why.kind == MIR_NOT_FOUND)
            return 0;
        if (err)
            *err = why;
        return -1;
    }
    if (end_instance(dir_fd, lock_fd, err))
        return mir_error_wrap(err, "instance %s", token);
    if (mir_fault_before("local.remove", err) || local_dir_discard(local->root_fd, token, err))
        return -1;
    return mir_fault_after("local.remove", err);
}
