/* SPDX-License-Identifier: ISC */
/*
 * The log of calls: which operations were asked for, when, and with what result. The last
 * FC_CALLS_KEPT are kept; counts are of all. Under the world's lock.
 */
#ifndef FAKECLOUD_CALLS_H
#define FAKECLOUD_CALLS_H

#include <jansson.h>
#include <stdint.h>

#define FC_CALLS_KEPT 10000

struct fc_calls;

struct fc_calls *fc_calls_new(void);
void fc_calls_free(struct fc_calls *calls);

/* One more; its number from 1. */
uint64_t fc_calls_add(struct fc_calls *calls, const char *service, const char *operation,
                      const char *region, int64_t now_ms);
/* What became of it: the status, and the error's code ("" none) or the fault that struck it. */
void fc_calls_result(struct fc_calls *calls, uint64_t number, int status, const char *code,
                     const char *fault);

/* {"count": N, "by_operation": {"ec2.RunInstances": n}, "calls": [...]}; new reference. */
json_t *fc_calls_json(const struct fc_calls *calls);

#endif
