/* SPDX-License-Identifier: ISC */
/*
 * Rates: a token bucket per operation and region. The numbers that AWS documents stand in one
 * table; others are set by POST /_settings {"rates": {"ec2.RunInstances": [burst, per_s]}}.
 * Under the world's lock.
 */
#ifndef FAKECLOUD_THROTTLE_H
#define FAKECLOUD_THROTTLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

struct fc_buckets;

struct fc_buckets *fc_buckets_new(void);
void fc_buckets_free(struct fc_buckets *buckets);

/* Take a token at now_ms. False: there is none. */
bool fc_buckets_take(struct fc_buckets *buckets, const char *service, const char *operation,
                     const char *region, int64_t now_ms);

int fc_buckets_set(struct fc_buckets *buckets, const json_t *rates, struct mir_error *err);

#endif
