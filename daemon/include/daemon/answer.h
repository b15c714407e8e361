/* SPDX-License-Identifier: ISC */
/*
 * What is asked of a provider for a lease, in which order, and what its answers mean. Pure but for
 * the provider, which is a table of functions: the daemon's goes through the wrappers, the
 * simulator's is a ledger.
 *
 * Nothing is owned; every pointer is borrowed for the call. Blocks as long as the provider does.
 */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include "daemon/drive.h"

/* An answer, with the storage that its input points to. Not to be copied. */
struct mird_answer {
    struct mird_input input;
    struct mir_instance instance;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    char image_id[MIR_INSTANCE_ID];
    struct mir_error error;
    bool final; /* of a step that failed: who failed has tried again already, and will not do better
                 */
};

/* What a listing said of the thing asked for. */
struct mird_listed {
    bool seen;      /* then the instance is filled in */
    int64_t at_ms;  /* when it was begun: after the question */
    unsigned count; /* of all that was in it */
};

/* Functions answer 0, or -1 with *err. `step` is one that makes something at the provider, but for
 * make and end. */
struct mird_transport {
    void *ctx;
    int64_t (*now_ms)(void *ctx);
    /* Does this provider keep things of that step, which have to be deleted and seen gone? */
    bool (*keeps)(void *ctx, enum mird_step_kind step);
    /* Do the step: instance, image_id, or hooks with input.hook_count and input.deadline_s. */
    int (*make)(void *ctx, enum mird_step_kind step, struct mird_answer *ret);
    int (*end)(void *ctx, enum mird_step_kind step, struct mir_error *err);
    int (*get)(void *ctx, enum mird_step_kind step, struct mir_instance *ret,
               struct mir_error *err);
    /* Is it shown, as mird_shows says? */
    int (*list)(void *ctx, enum mird_step_kind step, struct mird_listed *ret,
                struct mir_instance *found, struct mir_error *err);
};

/* Asks, and fills *ret, of which only `input` is defined beforehand: zero. d: the record as it was
 * when it was asked. */
void mird_ask(const struct mird_transport *transport, const struct mird_deployment *d,
              const struct mird_ask *ask, struct mird_answer *ret);

#define MIRD_HOOKS_OWN 3 /* that are the daemon's to say: "daemon", "guest", "reaper" */

/* The first two of these, appended to those that the provider has read back. turns: the reaper
 * does, and so this daemon ends it. */
void mird_hooks_add(const struct mird_deployment *d, bool turns, struct mird_answer *ret);

#endif
