/* SPDX-License-Identifier: ISC */
/*
 * What a start of the daemon goes by: the command line, the environment and the configuration, read
 * once. Immutable afterwards.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include "rest.h"
#include "start.h"

#define MIRD_PUBLIC_DEFAULT "127.0.0.1:8420"

struct mird_settings {
    struct mir_config *config;                   /* owned */
    char *state_dir, *socket_path, *helper_path; /* owned */
    char *usual_socket;    /* where it is looked for when it acts; owned, NULL: nowhere else */
    const char *public_at; /* borrowed; "none" for no public pages */
    struct mird_rest_config rest; /* its path is the one above */
    bool standby;
    int64_t silence_ms; /* for so long unanswered: a standby takes over */
    bool kill_silent;   /* and kills the one that did not answer */
};

/* Makes the state directory when it is missing. MIR_USAGE, MIR_POLICY with what is wrong. */
int mird_settings_read(const struct mird_options *options, struct mird_settings *ret,
                       struct mir_error *err);
/* *ret_path: where a daemon with these options answers; *ret_usual: where it is looked for when it
 * acts, or NULL; both owned. A standby's is beside the store unless it was given one, and that of
 * one that was shut out in any case: the usual place is the one's that acts. */
int mird_socket_paths(const struct mird_options *options, const char *state_dir, char **ret_path,
                      char **ret_usual, struct mir_error *err);
void mird_settings_clear(struct mird_settings *settings);

#endif
