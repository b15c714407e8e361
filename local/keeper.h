/* SPDX-License-Identifier: ISC */
/*
 * The keeper of one local instance: owns the guest's process, its console, its deadline and the
 * control socket, in one thread and one poll loop. It is started before the guest, belongs to
 * nobody, and ends when the guest is dead and status.json says why.
 */
#ifndef LOCAL_KEEPER_H
#define LOCAL_KEEPER_H

#include "console.h"
#include "ctl.h"
#include "deadline.h"
#include "guest.h"
#include "qmp.h"
#include "reason.h"
#include "spec.h"
#include "status.h"

#define KEEPER_CLIENTS 8
#define KEEPER_STDERR_MAX 16384 /* bytes kept of what the guest's program complains about */
#define KEEPER_KILL_MS 1000     /* from SIGTERM to SIGKILL */

struct keeper_client {
    int fd; /* -1: free */
    uint64_t number;
    size_t len;
    char line[LOCAL_CTL_REQUEST_MAX];
};

struct keeper {
    int dir_fd, lock_fd; /* borrowed */
    int ready_fd;        /* owned; -1 once the starter was told */
    int signal_fd;
    int listen_fd;
    struct local_spec spec;
    struct local_status status;
    struct local_guest guest;
    struct local_console console;
    char console_tail[256]; /* always terminated */
    struct local_deadline deadline;
    struct local_qmp qmp;
    struct mir_buf stderr_text;
    enum local_cause cause;
    int64_t kill_at_ms; /* boot clock; 0 none */
    bool guest_ended;
    int wait_status;
    uint64_t accepted;
    struct keeper_client clients[KEEPER_CLIENTS];
};

/* Runs the instance from its spec to its end. 0 when a guest ran and ended, -1 when none could be
 * started (err says why; the starter was told too). */
int keeper_run(struct keeper *keeper, struct mir_error *err);

/* keeper_ctl.c: the socket's side of the loop. */
void keeper_accept(struct keeper *keeper);
void keeper_client_ready(struct keeper *keeper, struct keeper_client *client);

/* keeper.c, for keeper_ctl.c. */
void keeper_stop(struct keeper *keeper, enum local_cause cause);
/* The deadline and the signature of the tags that say it: durable before it is armed; refused once
 * the end has begun. */
int keeper_move_deadline(struct keeper *keeper, const struct local_ctl_request *request,
                         struct mir_error *err);

#endif
