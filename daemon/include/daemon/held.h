/* SPDX-License-Identifier: ISC */
/*
 * A lease as one process holds it: its record in memory, the record that the store has, and how
 * the one becomes the other. Pure but for the store, which is a table of functions: the daemon's
 * is SQLite, the simulator's a disk that loses things.
 *
 * Nothing is owned; every pointer is borrowed for the call. Blocks as long as the store does. Any
 * thread, with the struct to itself.
 */
#ifndef DAEMON_HELD_H
#define DAEMON_HELD_H

#include "daemon/turn.h"

struct mird_held {
    struct mird_rules rules;
    struct mird_deployment d;      /* as it is */
    struct mird_deployment stored; /* as the store has it */
    bool dirty;                    /* a write failed: to be made up for */
    int64_t stepped_ms;            /* jumps of the clock that d has followed */
};

/* The store, as far as a record needs it. put and get answer as mird_store_deployment_commit and
 * _get do; make_room gives up what is kept back for a full disk. */
struct mird_shelf {
    void *ctx;
    int (*put)(void *ctx, struct mird_deployment *d, const struct mird_news *news, int64_t now_ms,
               struct mir_error *err);
    int (*get)(void *ctx, const char *id, struct mird_deployment *ret, struct mir_error *err);
    void (*make_room)(void *ctx);
};

/* An input on its way into the record and onto the disk. The caller sets input and op (NULL: no
 * operation is added in the same transaction). */
struct mird_change {
    const struct mird_input *input;
    const struct mird_operation *op;
    struct mird_turn turn;
    struct mird_news news;
    struct mird_deployment before; /* only of what may have to be taken back */
    bool ended;                    /* it was not over before this, and something changed */
    int64_t now_ms;
};

/* The record is what the store has. stepped_ms: the jumps that the clock has made so far. */
void mird_held_begin(struct mird_held *held, const struct mird_deployment *d, int64_t stepped_ms);
/* A process begins with a record that another one wrote. */
void mird_held_restarted(struct mird_held *held, int64_t now_ms);

/* In memory; change->turn.write says whether it has to be committed now. -1 as mird_turn_apply. */
int mird_held_apply(struct mird_held *held, struct mird_change *change, int64_t now_ms,
                    int64_t stepped_ms, struct mir_error *err);
/* The news are those since the store last heard of it, so that a write that failed once is made up
 * for by the next. A write that failed is looked at: it may have been done all the same. */
int mird_held_commit(struct mird_held *held, const struct mird_shelf *shelf,
                     const struct mird_news *news, int64_t now_ms, struct mir_error *err);
/* The commit of a change has gone that way (rc). 0 when the change has happened, now or, if it
 * could not be written, later; -1 when whoever asked has to be told that it failed. */
int mird_held_settle(struct mird_held *held, const struct mird_change *change, int rc);

/* The same of a write that nobody waited for, and that did not raise the version. */
void mird_held_written(struct mird_held *held, int rc);

/* What there is to write of what failed writes have left. */
void mird_held_left(const struct mird_held *held, int64_t now_ms, struct mird_news *ret);

#endif
