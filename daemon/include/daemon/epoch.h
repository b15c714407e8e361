/* SPDX-License-Identifier: ISC */
/*
 * Who acts: the rules by which, of several daemons on one store, at most one does. The store has
 * one row that names the daemon which acts and the epoch that it acts under; whoever takes over
 * raises the epoch, and whatever is done under an older one is refused.
 *
 * Pure: no clock, no store, any thread. Moments are those of the caller's own boot-time clock
 * (which counts suspends and is never set); moments of two daemons are never compared.
 *
 * The holder is silent while nobody asks. A standby asks every MIRD_EPOCH_ASK_MS; each question
 * that is heard raises the row's beat. So a daemon that is alone never wakes up for this, and one
 * that is stopped, hung or dead is told by questions that are not answered.
 */
#ifndef DAEMON_EPOCH_H
#define DAEMON_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "api/id.h"

#define MIRD_EPOCH_ASK_MS 3000
#define MIRD_EPOCH_SILENCE_MS 15000 /* unanswered for so long: taken over; at most 30 s in all */

/* The row. Written only by compare and swap: in one transaction with the look that it goes by. */
struct mird_epoch_row {
    int64_t epoch;            /* 0: nobody has acted yet */
    char holder[MIR_ID_TEXT]; /* of a daemon's one start; "" when it was handed back */
    int64_t beat;             /* answers given under this epoch */
};

bool mird_epoch_same(const struct mird_epoch_row *a, const struct mird_epoch_row *b);

/* May the daemon that made this claim still act? To be asked of the row as it is now: inside each
 * transaction that changes anything. Once false it is false for ever. Also false for a claim that
 * was never made (epoch 0). */
bool mird_epoch_mine(const struct mird_epoch_row *row, const struct mird_epoch_row *claim);

/* The row after a takeover by `holder`, and the claim of its new holder. */
struct mird_epoch_row mird_epoch_taken(const struct mird_epoch_row *row, const char *holder);
/* The row after the holder has answered; after it has gone of its own will. */
struct mird_epoch_row mird_epoch_answered(const struct mird_epoch_row *row);
struct mird_epoch_row mird_epoch_released(const struct mird_epoch_row *row);

/* What a standby has seen. Zeroed at first. */
struct mird_epoch_watch {
    struct mird_epoch_row seen;
    bool has_seen;
    int64_t looked_boot_ms; /* the last look */
    int64_t silent_ms;      /* for so long the row was seen unchanged while questions were asked */
};

enum mird_epoch_verdict {
    MIRD_EPOCH_WAIT,
    MIRD_EPOCH_TAKE /* if, and only if, the row is still the one that was looked at */
};

/* A look at the row, after a question was asked. process_gone: the kernel says that the holder's
 * process has ended (its lock is ours now). A standby that was itself stopped or suspended counts
 * at most two of its rounds of that time as silence: it did not ask meanwhile. */
enum mird_epoch_verdict mird_epoch_look(struct mird_epoch_watch *watch,
                                        const struct mird_epoch_row *row, bool process_gone,
                                        int64_t silence_ms, int64_t boot_ms);

#endif
