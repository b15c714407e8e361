/* SPDX-License-Identifier: ISC */
/*
 * The compatibility table: which kernel starts where, with the rule in one sentence and the fix.
 * The table is data (compat.c), the first rule that fits counts, and every provider has a last rule
 * that fits everything, so that there is always an answer.
 *
 * Pure; any thread.
 */
#ifndef IMAGES_COMPAT_H
#define IMAGES_COMPAT_H

#include <stddef.h>
#include <stdint.h>

#include "api/kernel.h"

enum krn_provider_bit {
    KRN_LOCAL = 1 << 0,
    KRN_EC2 = 1 << 1,
    KRN_OPENSTACK = 1 << 2,
    KRN_RACKSPACE = 1 << 3,
};

#define KRN_ANY_FORMAT (-1)

struct krn_rule {
    unsigned providers; /* enum krn_provider_bit */
    int format;         /* enum mir_format or KRN_ANY_FORMAT */
    uint32_t need;      /* enum mir_boot_way and enum krn_condition bits, all of them */
    enum mir_verdict verdict;
    const char
        *how; /* "" where there is no way to start it; "cannot" with one: --anyway tries it */
    const char *why;
};

/* The whole table, static. */
const struct krn_rule *krn_rules(size_t *ret_count);

/* The rule for a provider, never NULL. `bits`: boot ways and conditions. */
const struct krn_rule *krn_rule_for(unsigned provider, enum mir_format format, uint32_t bits);

/* Fill kernel->boots for all providers, built in or not. */
void krn_compat_fill(struct mir_kernel *kernel, uint32_t conditions);

#endif
