/* SPDX-License-Identifier: ISC */
/*
 * One turn of the engine around the lease machine, as decisions without I/O: what time it is to
 * be, what a transition means for the store, what becomes of a write that failed, when to look
 * again. The daemon and the simulator link the same object.
 *
 * Nothing is owned; every pointer is borrowed for the call. utc_ms are wall-clock milliseconds
 * since 1970, boot_ms milliseconds of the boot-time clock. Any thread, with the struct to itself.
 */
#ifndef DAEMON_TURN_H
#define DAEMON_TURN_H

#include "daemon/lease.h"

#define MIRD_NEVER INT64_MAX
#define MIRD_HOLD_MS 1000       /* between tries to write what the disk would not take */
#define MIRD_SWEEP_S 60         /* between rounds over everything with our tags */
#define MIRD_SWEEP_AGAIN_S 10   /* after a round that failed, or that ended something */
#define MIRD_WATCH_FIRST_MS 50u /* after the launch: console and state, then twice as long */
#define MIRD_TOLD_MS 2000       /* a Date has whole seconds; less than this is no news */

/* --- the time: the latest that anybody credible says, and it never goes back --- */

struct mird_now {
    int64_t utc_ms, boot_ms; /* the wall clock is never behind this moment and what passed since */
    int64_t stepped_ms;      /* the sum of the jumps ahead against the boot-time clock */
};

/* What is written down of it, as long as a lease depends on it, for the process that comes next. */
struct mird_now_mark {
    int64_t utc_ms, boot_ms; /* one moment on both clocks; 0: nothing was written */
    char boot[40];           /* of which start of the machine boot_ms is */
};

/* The least that it can be now, by a mark: within one start of the machine the boot-time clock says
 * exactly what has passed since, and after another only that it is not earlier. */
int64_t mird_now_since(const struct mird_now_mark *mark, const char *boot, int64_t boot_ms);
/* The least that it can be by all that a store says: the mark, and its newest moment while any
 * lease depends on it (newest_ms; 0: none does, and nothing is asked). */
int64_t mird_now_least(const struct mird_now_mark *mark, int64_t newest_ms, const char *boot,
                       int64_t boot_ms);
void mird_now_begin(struct mird_now *now, int64_t utc_ms, int64_t boot_ms, int64_t least_ms);
int64_t mird_now_read(struct mird_now *now, int64_t utc_ms, int64_t boot_ms);
/* Somebody else (a provider's answer, by its Date) said at boot_ms that it is told_ms. Early is
 * cheap, late is not: it is taken over when it is later than what we believe. Returns by how much
 * that moved the time ahead, 0 for not at all. */
int64_t mird_now_told(struct mird_now *now, int64_t told_ms, int64_t boot_ms);
/* A wall-clock moment as a boot-time moment, not before boot_ms; MIRD_NEVER stays. */
int64_t mird_now_to_boot_ms(int64_t until_ms, int64_t now_ms, int64_t boot_ms);

/* --- what the machine has to know of a provider --- */

/* settle_s, paid: as the provider states them. */
struct mird_rules mird_rules_make(unsigned settle_s, bool paid, bool image_needed,
                                  int64_t live_timeout_ms);

/* --- a transition and the store --- */

struct mird_turn {
    enum mird_weight weight;
    bool write; /* the record and the news have to be committed */
    bool must;  /* and are worth nothing unless they are, before anything follows */
};

/* Is this worth nothing unless it is written, before anything follows? op as below. */
bool mird_turn_must(const struct mird_input *input, const struct mird_operation *op);

/* mird_lease_apply with what it means for the store; the news are those since `stored`. op: an
 * operation is to be added in the same transaction (borrowed, may be NULL). -1 as there. */
int mird_turn_apply(struct mird_deployment *d, const struct mird_deployment *stored,
                    const struct mird_rules *rules, const struct mird_input *input,
                    const struct mird_operation *op, int64_t now_ms, struct mird_turn *ret,
                    struct mird_news *news, struct mir_error *err);

/* The write of a turn failed. */
enum mird_unwritten {
    MIRD_GO_ON,    /* in memory; written later, and no failure */
    MIRD_GO_ON_NO, /* the same, but whoever asked is told that it failed */
    MIRD_TAKE_BACK /* it did not happen: the record as before, and a failure */
};
enum mird_unwritten mird_turn_unwritten(const struct mird_turn *turn,
                                        const struct mird_input *input);

/* A deployment that is about to be written for the first time: where the instance is what comes
 * first, its intent is written with the lease, so that one sync instead of two lies between the
 * request and the launch. True when there is such an intent; its news are in *ret_news. */
bool mird_turn_intend_first(struct mird_deployment *d, const struct mird_rules *rules,
                            int64_t now_ms, struct mird_news *ret_news);

/* The intent is written: may the request leave, or did something come first? */
bool mird_turn_may_send(const struct mird_deployment *d, enum mird_step_kind step);

/* --- answers --- */

/* A failed request: input->kind (REFUSED or UNKNOWN) and input->error, by what the error says. */
void mird_turn_failed(struct mir_error *error, struct mird_input *input);

/* Recorded as over before anything was started: whoever asked for it died between the two. That
 * is as good as absent while the answer is awaited, since asking again under the same token goes
 * on where that one stopped, and says so when it is over indeed. The same of what was launched and
 * of which only the things beside it are shown: a listing may still miss the instance itself.
 * Changes found->state. */
void mird_turn_never_started(const struct mird_deployment *d, struct mir_instance *found);

/* The database is lost and an instance of ours runs on: its record, from what its provider says. It
 * stands at "maybe launched", so that the machine finds the instance by its token and goes on from
 * there as after any crash. *ret is whole but for the ownership token. */
void mird_turn_found(const struct mir_instance *found, const char *provider, int64_t now_ms,
                     struct mird_deployment *ret);

/* --- when --- */

struct mird_pace {
    int64_t hold_boot_ms;  /* a write failed: nothing is begun before this */
    int64_t watch_boot_ms; /* the next look at a running instance */
    unsigned watch_every_ms;
};

/* mird_lease_next with the pace: WAIT and NONE mean that there is nothing to do before *ret_wake
 * (boot-time ms, MIRD_NEVER for NONE); anything else is to be done now. */
struct mird_action mird_turn_next(const struct mird_deployment *d, const struct mird_rules *rules,
                                  const struct mird_pace *pace, int64_t now_ms, int64_t boot_ms,
                                  int64_t *ret_wake);
void mird_pace_held(struct mird_pace *pace, int64_t boot_ms);
void mird_pace_launched(struct mird_pace *pace, int64_t boot_ms);
/* Watched now; the next time after twice as long, up to the provider's pace. */
void mird_pace_watched(struct mird_pace *pace, unsigned poll_ms, int64_t boot_ms);

/* The wake-up of an entry that may still have something unwritten. */
int64_t mird_turn_wake(int64_t wake_boot_ms, bool written, int64_t boot_ms);
/* Does it belong to the teardown workers when it wakes? */
bool mird_turn_urgent(const struct mird_deployment *d, int64_t wake_boot_ms, int64_t now_ms,
                      int64_t boot_ms);

#endif
