/* SPDX-License-Identifier: ISC */
/*
 * Driving one lease: which request comes next, what stands between an intent and its request,
 * what an answer changes beside the record, when to rest. Pure; what it asks of the world is a
 * table of functions, behind which the daemon has its clock, store and providers and the simulator
 * its own.
 *
 * Nothing is owned; every pointer is borrowed for the call. One thread at a time drives a lease.
 */
#ifndef DAEMON_DRIVE_H
#define DAEMON_DRIVE_H

#include "daemon/turn.h"

enum mird_ask_kind {
    MIRD_ASK_MAKE,   /* do the step: its intent is on the disk */
    MIRD_ASK_LOOK,   /* the instance, by its token: it may have been created */
    MIRD_ASK_WATCH,  /* the same, because it runs */
    MIRD_ASK_UNDO,   /* send the delete */
    MIRD_ASK_CONFIRM /* get, then list */
};

/* A request to the provider (of the site step: to the registry). */
struct mird_ask {
    enum mird_ask_kind kind;
    enum mird_step_kind step;
};

enum mird_went {
    MIRD_WENT_ON,    /* done and told: what comes next may be asked at once */
    MIRD_WENT_REST,  /* nothing to do before the wake-up */
    MIRD_WENT_AWAY,  /* under way: whoever ends it goes on from there */
    MIRD_WENT_CIRCLE /* it does one thing after the other and gets nowhere */
};

/* Of whoever drives, in memory only: worth nothing after a restart. */
struct mird_drive {
    bool intended; /* the deploy wrote the instance's intent, and nobody has acted on it yet */
    struct mird_pace pace;
};

struct mird_drive_ops {
    /* The record as it is now, until the next call; NULL: it cannot be driven (any more). */
    const struct mird_deployment *(*record)(void *ctx);
    int64_t (*now_ms)(void *ctx);
    int64_t (*boot_ms)(void *ctx);
    /* Apply an input and commit what it calls for (mird_held_settle's answer). */
    int (*change)(void *ctx, const struct mird_input *input);
    /* The same without waiting for the disk: ON, or AWAY when a write is under way. */
    enum mird_went (*change_later)(void *ctx, const struct mird_input *input);
    /* Ask, and tell mird_drive_heard of the answer: ON when that is done, AWAY when it comes later.
     */
    enum mird_went (*ask)(void *ctx, const struct mird_ask *ask);
    /* Write what a failed write has left; 0 also when there is nothing. */
    int (*flush)(void *ctx);
};

/* One action after the other until there is nothing to do (REST: nothing before *ret_wake, a
 * boot-time moment, MIRD_NEVER when it is over and written), something is under way (AWAY), or it
 * turns in a circle. */
enum mird_went mird_drive_on(struct mird_drive *drive, const struct mird_rules *rules,
                             const struct mird_drive_ops *ops, void *ctx, int64_t *ret_wake);

/* The answer of a request is there: into the record, and the pace follows. 0, or -1 when it is to
 * be told as a failure (ops->change). poll_ms: how often the provider wants a running instance to
 * be looked at, 0 it does not say. */
int mird_drive_heard(struct mird_drive *drive, const struct mird_ask *ask,
                     const struct mird_input *answer, unsigned poll_ms,
                     const struct mird_drive_ops *ops, void *ctx);

#endif
