/* SPDX-License-Identifier: ISC */
/* A policy, a kernel and a request that tests of the planner begin with. */
#ifndef TESTS_UNIT_PLAN_CASE_H
#define TESTS_UNIT_PLAN_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/plan.h"

#define NOW INT64_C(1800000000)
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct mird_policy policy = {.ttl_default_s = 3600,
                                          .ttl_max_s = 86400,
                                          .ttl_min_s = 10,
                                          .memory_default_bytes = 64 << 20,
                                          .memory_max_bytes = 512 << 20,
                                          .deployments_max = 3};

static struct mir_kernel kernel(enum mir_verdict verdict)
{
    struct mir_kernel k = {.format = MIR_FORMAT_MULTIBOOT1,
                           .bytes = 1000,
                           .min_memory_bytes = 5000000,
                           .boots_count = 1,
                           .takes_part = MIR_PART_DEADLINE};
    mir_copy(k.sha256, sizeof k.sha256, SHA);
    mir_copy(k.boots[0].provider, sizeof k.boots[0].provider, "local");
    mir_copy(k.boots[0].how, sizeof k.boots[0].how, "qemu-kernel");
    mir_copy(k.boots[0].why, sizeof k.boots[0].why, "the rule");
    k.boots[0].verdict = verdict;
    return k;
}

static struct mird_request request(void)
{
    struct mird_request r = {.list = true};
    mir_copy(r.provider, sizeof r.provider, "local");
    mir_copy(r.kernel, sizeof r.kernel, SHA);
    return r;
}

#endif
