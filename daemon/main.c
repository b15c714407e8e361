/* SPDX-License-Identifier: ISC */
/* mirage-deployd: start, wait for the signal to go, stop. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/log.h"
#include "api/process.h"
#include "api/scarce.h"
#include "notify.h"
#include "shut_out.h"
#include "start.h"

static int complain(const struct mir_error *err)
{
    fprintf(stderr, "mirage-deployd: %s\n", err->text);
    if (err->hint[0])
        fprintf(stderr, "hint: %s\n", err->hint);
    return mir_kind_info(err->kind)->exit_code;
}

/* Before any thread: they all inherit the mask, and signals come to
 * wait_for_end alone. */
static void prepare_process(sigset_t *set)
{
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    mallopt(M_ARENA_MAX, 2); /* a pool per thread would cost more memory than contention time */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    prctl(PR_SET_DUMPABLE, 0); /* keys in memory: no core files, no ptrace by others */
#endif
}

/* The public process is a program of its own, so that what it needs for the
 * network (libcurl and twenty libraries behind it) does not live in this one.
 * Returns only when it cannot be had. */
static void become_public(char **argv, struct mir_error *err)
{
    char *program = mir_program_path("mirage-public", err);
    if (!program)
        return;
    execv(program, argv);
    mir_fail_errno(err, errno, "cannot start %s", program);
    free(program);
}

/* 0: asked to end. Else the status to end with, at once. */
static int serve(const sigset_t *set, struct mird_daemon *daemon, char **argv)
{
    struct mir_error err = {0};
    int sig = 0, changed = 0;
    while (!sigwait(set, &sig) && (sig == SIGHUP || sig == SIGUSR1)) {
        if (sig == SIGHUP)
            mir_log(MIR_LOG_INFO, "start",
                    "SIGHUP: nothing to read again; restart to re-configure");
        else if ((changed = mird_role_changed(daemon, &err)) > 0)
            changed = mird_begin_again(argv, &err);
        if (changed)
            return complain(&err);
    }
    mir_log(MIR_LOG_INFO, "stop", "%s: stopping", sig == SIGINT ? "interrupted" : "asked to end");
    return 0;
}

int main(int argc, char **argv)
{
    struct mird_options options;
    struct mir_error err = {0};
    mir_scarce_memory_ends();
    mir_scarce_crypto_ends();
    if (mird_options_read(argc, argv, &options, &err))
        return complain(&err);
    if (options.help) {
        mird_options_help();
        return 0;
    }
    if (options.version) {
        puts("mirage-deployd " MIR_VERSION);
        return 0;
    }
    if (options.public_fd >= 0) {
        become_public(argv, &err);
        return complain(&err);
    }
    sigset_t set;
    prepare_process(&set);
    if (options.shut_out)
        mird_begun_again(&options);
    struct mird_daemon *daemon;
    if (mird_start(&options, &daemon, &err)) {
        mird_ready_fd(options.ready_fd, &err);
        return complain(&err);
    }
    mird_ready_fd(options.ready_fd, NULL);
    mird_notify(mird_stands_by(daemon) ? "READY=1\nSTATUS=standing by\n"
                                       : "READY=1\nSTATUS=serving\n");
    int status = serve(&set, daemon, argv);
    if (status)
        _exit(status); /* whatever is under way in other threads is not finished any more */
    mird_stop(daemon);
    return 0;
}
