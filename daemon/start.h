/* SPDX-License-Identifier: ISC */
/*
 * The daemon's start and stop, in order: what main.c calls. Everything that the parts of the
 * daemon share is made here once, and undone in reverse.
 */
#ifndef DAEMON_START_H
#define DAEMON_START_H

#include <stdbool.h>

#include "api/error.h"

struct mird_options {
    const char *state;     /* --state; NULL: mir_path_state */
    const char *socket;    /* --socket; NULL: mir_path_socket, or beside a given state */
    const char *public_at; /* --public ADDR:PORT or "none"; NULL: environment, configuration */
    const char *log_level; /* --log-level */
    int ready_fd;          /* --ready-fd; -1 none */
    int public_fd;         /* --public-fd: be the public process on that link; -1: no */
    bool standby;          /* --standby: wait for our turn instead of refusing to start */
    bool shut_out;         /* --shut-out: begun again because another one acts (shut_out.h) */
    bool help, version;
};

/* MIR_USAGE naming the argument. All texts are borrowed from argv. */
int mird_options_read(int argc, char **argv, struct mird_options *ret, struct mir_error *err);
void mird_options_help(void); /* to standard output */

struct mird_daemon;

/* Returns once everything runs and the socket listens. The calling thread must have blocked the
 * signals it wants to wait for: threads inherit that. */
int mird_start(const struct mird_options *options, struct mird_daemon **ret, struct mir_error *err);

/* Called by the main thread on SIGUSR1, which the daemon sends to itself. 0: a standby whose turn
 * has come acts from here on, or nothing has changed. 1: another daemon has taken over from this
 * one, nobody is served any more, and the process is to begin again (shut_out.h). -1: it has to
 * end. With 1 and -1 at once, without mird_stop: whatever is under way in other threads is not
 * finished any more. */
int mird_role_changed(struct mird_daemon *daemon, struct mir_error *err);
bool mird_stands_by(const struct mird_daemon *daemon);

/* Stops serving; what is deployed goes on under its other hooks, and a line on standard error says
 * how many and until when. */
void mird_stop(struct mird_daemon *daemon);

#endif
