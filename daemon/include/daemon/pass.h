/* SPDX-License-Identifier: ISC */
/*
 * The word that mirage-reap leaves when it has gone through everything: a text that is signed with
 * the installation's key, so that only who has the identity can have written it. From it the daemon
 * tells whether a reaper will come again (the hook "reaper"). Pure but for the file.
 *
 *     {"pass":{"account","at","caller","every_s","installation","places","provider"},"signature"}
 */
#ifndef DAEMON_PASS_H
#define DAEMON_PASS_H

#include "api/provider.h"
#include "daemon/identity.h"

/* What a pass may take, when there is much to end, and until it is known to be gone. */
#define MIRD_PASS_GRACE_S 600
#define MIRD_PASS_EVERY_MIN_S 60
#define MIRD_PASS_EVERY_MAX_S 86400

struct mird_pass {
    char installation[MIR_ID_TEXT];
    char provider[24];
    struct mir_caller caller;
    char places[MIR_PLACES_TEXT]; /* in which everything was looked at */
    int64_t at_s;                 /* when it was done, UTC */
    int64_t every_s;              /* how often a timer runs it; 0: by hand */
};

/* Owned; at most MIR_NOTE_MAX bytes. */
char *mird_pass_text(const struct mird_pass *pass, const unsigned char key[32]);
/* MIR_CORRUPT for anything but a text of ours for that provider; *ret is untouched then. */
int mird_pass_read(const char *text, size_t len, const struct mird_identity *identity,
                   const char *provider, struct mird_pass *ret, struct mir_error *err);

/* Does it count as a hook now, for what is in that place ("": any) of that account? Fills state,
 * deadline_s, detail and again_after_s; the name is the caller's. */
void mird_pass_judge(const struct mird_pass *pass, const char *account, const char *place,
                     int64_t deadline_s, int64_t now_s, struct mir_hook *ret);

/* The text in the state directory, of a reaper on this machine; buffer of MIR_NOTE_MAX + 1 bytes
 * at most. Blocking. MIR_NOT_FOUND. */
int mird_pass_load(const char *state_dir, const struct mird_identity *identity,
                   const char *provider, struct mird_pass *ret, struct mir_error *err);
int mird_pass_keep(const char *state_dir, const char *provider, const char *text,
                   struct mir_error *err);

#endif
