/* SPDX-License-Identifier: ISC */
/*
 * May this process still act? Asked before each call that creates, ends or changes something
 * outside of it, as late as possible; the answer turns to no, for ever, when another process has
 * taken over.
 *
 * Any thread. Cheap enough for each call (microseconds), never blocks. Borrowed by whoever is given
 * one; the maker outlives them.
 */
#ifndef API_FENCE_H
#define API_FENCE_H

#include <stddef.h>

#include "api/error.h"

struct mir_fence {
    /* 0, or -1: MIR_UNAVAILABLE with who acts instead. Nothing was done. */
    int (*check)(void *ctx, struct mir_error *err);
    void *ctx;
};

/* NULL: nobody else can act. */
static inline int mir_fence_check(const struct mir_fence *fence, struct mir_error *err)
{
    return fence ? fence->check(fence->ctx, err) : 0;
}

#endif
