/* SPDX-License-Identifier: ISC */
/* A lease that was just granted, and one input after the other for its machine. */
#ifndef MIRD_FEED_H
#define MIRD_FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/lease.h"

#define T0_S INT64_C(1800000000)
#define T0 (T0_S * 1000)

static struct mird_deployment fresh(void)
{
    struct mird_deployment d = {.created_s = T0_S, .deadline_s = T0_S + 60, .version = 1};
    mir_copy(d.id, sizeof d.id, "0123456789abcdef0123456789abcdef");
    mir_copy(d.name, sizeof d.name, "hello");
    mir_copy(d.provider, sizeof d.provider, "local");
    d.wants_url = d.price.known = true;
    return d;
}

static enum mird_weight feed_at(struct mird_deployment *d, const struct mird_rules *with,
                                struct mird_input in, int64_t now_ms)
{
    enum mird_weight weight = MIRD_UNCHANGED;
    struct mir_error err = {0};
    assert_int_equal(mird_lease_apply(d, with, &in, now_ms, &weight, &err), 0);
    return weight;
}

#endif
