/* SPDX-License-Identifier: ISC */
/* What was answered, and what comes of it. */
#include <time.h>

#include "stack.h"

void stack_pause_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

int stack_said(const struct mir_error *said, struct mir_error *err)
{
    if (err)
        *err = *said;
    return -1;
}

int stack_gone(int rc, const struct mir_error *said, struct mir_error *err)
{
    return !rc || said->kind == MIR_NOT_FOUND ? 0 : stack_said(said, err);
}

void stack_keep_first(int rc, const struct mir_error *said, struct mir_error *first)
{
    if (rc && first->kind == MIR_OK)
        *first = *said;
}
