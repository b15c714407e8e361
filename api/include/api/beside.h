/* SPDX-License-Identifier: ISC */
/*
 * Several things that wait for somebody else, done side by side: questions to a cloud of which none
 * needs the answer of another. Each has a thread to itself, but the last, which is done in the
 * caller's; all threads have ended when it returns. Where there is no thread to be had, the caller
 * does that one, too, when its own is done: it takes longer, and nothing else is different.
 *
 * What is done has to have an end of its own: nothing is cancelled here.
 */
#ifndef API_BESIDE_H
#define API_BESIDE_H

#include <stddef.h>

#include "api/error.h"

#define MIR_BESIDE_MAX 8 /* at once */

struct mir_beside {
    int (*fn)(void *ctx, struct mir_error *err); /* 0; -1 with err, which is never NULL */
    void *ctx;                                   /* borrowed; no two touch the same unlocked */
    int rc;                                      /* what it has returned */
    struct mir_error err;                        /* and said */
};

/* All of `list`, at most MIR_BESIDE_MAX. Blocking; any thread. */
void mir_beside(struct mir_beside *list, size_t count);

/* Of a list that is done: 0, or -1 with the first error in its order (err NULL allowed). */
int mir_beside_first(const struct mir_beside *list, size_t count, struct mir_error *err);

#endif
