/* SPDX-License-Identifier: ISC */
/*
 * When a failed call may be made again, and after how long: the one retry layer of the house, as
 * the AWS tools do it in their "standard" mode. It reads no clock; the random number is the
 * caller's or that of the shared rules.
 *
 * A call is made at most attempts_max times. Between two attempts passes a random part of a time
 * that doubles up to backoff_max_ms; a server that asks for more gets up to 5 s more. A quota that
 * is shared by all calls (a bucket) keeps a sick service from being asked several times by
 * everybody: each further attempt costs some of it, each success gives some back. Nothing is begun
 * that could not end before the deadline.
 */
#ifndef API_RETRY_H
#define API_RETRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/id.h"

#define MIR_RETRY_QUOTA 500       /* a full bucket */
#define MIR_RETRY_COST 5          /* of an attempt after an answer, or a failed connection */
#define MIR_RETRY_COST_TIMEOUT 10 /* of an attempt after a time-out */
#define MIR_RETRY_GAIN 1          /* for a success at the first attempt */

struct mir_retry_rules {
    unsigned attempts_max;  /* 0: 3 */
    int64_t backoff_max_ms; /* 0: 20 000 */
};

/* Shared by the calls of one session; whoever shares it among threads locks it. */
struct mir_retry_quota {
    unsigned left; /* begin with MIR_RETRY_QUOTA */
};

/* The rules and the quota of one session, for all of its threads. */
struct mir_retry_shared {
    struct mir_retry_rules rules;
    const struct mir_random *random; /* borrowed */
    pthread_mutex_t lock;            /* of the quota */
    struct mir_retry_quota quota;
};

/* Of one call; begins zeroed. */
struct mir_retry_state {
    unsigned attempts; /* that failed so far */
    unsigned spent;    /* quota that the latest further attempt took */
};

/* What is known when an attempt has failed. */
struct mir_retry_case {
    const struct mir_error *err; /* borrowed */
    bool repeatable;             /* doing it twice is the same as doing it once */
    int64_t asked_ms;            /* the server's Retry-After; 0: none */
    int64_t left_ms;             /* until the deadline */
    double chance;               /* 0 <= chance < 1, at random; with shared rules they choose it */
};

/* Counts the failed attempt. Milliseconds to wait before the next one, or -1: it is over. */
int64_t mir_retry_next(struct mir_retry_state *state, const struct mir_retry_rules *rules,
                       struct mir_retry_quota *quota, const struct mir_retry_case *what);

/* The call succeeded: gives back what it took. */
void mir_retry_succeeded(const struct mir_retry_state *state, struct mir_retry_quota *quota);

/* What the call has failed of: its last attempt; but where that one was cut short by the call's own
 * end, what was said before (its kind is MIR_OK: nothing was) says more than silence. */
void mir_retry_tell(struct mir_error *last, const struct mir_error *before, bool cut_short);

/* attempts_max: 0 for 3. random: NULL for the system's; borrowed. */
void mir_retry_shared_init(struct mir_retry_shared *shared, unsigned attempts_max,
                           const struct mir_random *random);
void mir_retry_shared_clear(struct mir_retry_shared *shared);

/* The same by the session's rules and quota; attempts_max: of this call, 0 for theirs. */
int64_t mir_retry_shared_next(struct mir_retry_shared *shared, struct mir_retry_state *state,
                              unsigned attempts_max, const struct mir_retry_case *what);
void mir_retry_shared_succeeded(struct mir_retry_shared *shared,
                                const struct mir_retry_state *state);

#endif
