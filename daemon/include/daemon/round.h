/* SPDX-License-Identifier: ISC */
/*
 * One round of the sweep over one provider: what becomes of each thing that a listing showed, when
 * a lost database counts as rebuilt, when to look again. Pure but for what it asks for through a
 * table of functions. The verdicts themselves are lease.h's.
 *
 * Nothing is owned; every pointer is borrowed for the call. One thread has a round to itself.
 */
#ifndef DAEMON_ROUND_H
#define DAEMON_ROUND_H

#include "daemon/turn.h"

struct mird_round {
    const char *installation; /* ours */
    bool rebuilding; /* the store is new and has not seen a whole listing of this provider */
    bool adopt_only; /* nothing is ended: before the daemon serves */
    bool incomplete; /* something that was to be adopted could not be, or cannot be told apart */
    bool ended;      /* something was asked to end: to be looked at again soon */
};

struct mird_round_ops {
    /* What the store knows of the deployment of that id: 1 with *ret (until the next call), 0
     * certainly nothing, -1 it cannot tell now. */
    int (*known)(void *ctx, const char *id, const struct mird_deployment **ret);
    /* Take it up, durably: 0, or -1. */
    int (*adopt)(void *ctx, const struct mir_instance *found);
    /* Ask it to end. known: it is recorded as gone; else nobody knows it. */
    void (*end)(void *ctx, const struct mir_instance *found, bool known);
    /* It carries our installation's name, and the signature is not by our key. */
    void (*forged)(void *ctx, const struct mir_instance *found);
};

/* verified: its signature is by our key. */
void mird_round_judge(struct mird_round *round, const struct mir_instance *found, bool verified,
                      int64_t now_s, const struct mird_round_ops *ops, void *ctx);

/* Is a database that was lost whole again, as far as this provider goes? whole: the listing came
 * to its end and all that it showed was judged. */
bool mird_round_rebuilt(const struct mird_round *round, bool whole);

/* In how many ms the next round is due. pace_ms: at the latest. */
int64_t mird_round_pause_ms(const struct mird_round *round, bool failed, int64_t pace_ms);

#endif
