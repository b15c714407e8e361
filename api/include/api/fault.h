/* SPDX-License-Identifier: ISC */
/*
 * Numbered fault points: each place where an effect can half-happen passes one of these, so that
 * a test can count them in one run and break exactly the n-th in the next.
 *
 * MIRAGE_DEPLOY_FAULT=kill:N | fail-before:N | fail-after:N | hang:N acts at the N-th point that
 * the process passes (from 1), kill:NAME#N and so on at the N-th of that name: threads and polls
 * move the plain numbers from run to run, the numbers under a name hardly ever.
 * MIRAGE_DEPLOY_FAULT_COUNT=FILE makes the process append one line "number name pid" per point
 * to FILE. Without both, a point costs one atomic increment.
 */
#ifndef API_FAULT_H
#define API_FAULT_H

#include "api/error.h"

/* Before the effect: 0, or -1 with err (outcome: did not happen); may not return (kill, hang).
 * `name` is static text such as "local.instance_create". */
int mir_fault_before(const char *name, struct mir_error *err);

/* After the effect: 0, or -1 with err (outcome: unknown), as if the answer had been lost. Counts
 * as a point of its own. */
int mir_fault_after(const char *name, struct mir_error *err);

#endif
