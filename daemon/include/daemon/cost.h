/* SPDX-License-Identifier: ISC */
/*
 * What a deployment costs, by the price that was quoted when it was planned: so far, and at most
 * until its deadline; and whether that is within a budget, the deployment's own and the
 * installation's.
 *
 * Pure; any thread. Amounts are micro-units of US dollars.
 */
#ifndef DAEMON_COST_H
#define DAEMON_COST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/deployment.h"

#define MIRD_COST_UNKNOWN INT64_C(-1)
#define MIRD_COST_ENDLESS INT64_MAX /* there is no most */

/* Nothing is paid for it, however long it lives. */
bool mird_price_free(const struct mir_price *price);

/* At most, for a lease from its grant to its deadline: 0 free, MIRD_COST_UNKNOWN,
 * MIRD_COST_ENDLESS for one without an end (or beyond all numbers). */
int64_t mird_cost_worst(const struct mir_price *price, int64_t created_s, int64_t deadline_s);

/* The same for documents, where also what is free has no most without an end. */
int64_t mird_cost_most(const struct mir_price *price, int64_t created_s, int64_t deadline_s);

/* From when it was first seen to exist until it was seen gone; 0 while nothing of it exists. What
 * may have been launched and was not seen yet counts from the grant. MIRD_COST_UNKNOWN. */
int64_t mird_cost_so_far(const struct mird_deployment *d, int64_t now_s);

/* {"currency","per_hour_micro","once_micro","so_far_micro","worst_micro","budget_micro",
 * "price_date","note"}: null is what is not known, a most that there is not, or no budget. New
 * reference. */
json_t *mird_cost_json(const struct mir_price *price, int64_t budget_micro, int64_t so_far_micro,
                       int64_t worst_micro);
json_t *mird_deployment_cost_json(const struct mird_deployment *d, int64_t now_s);

/* --- budgets --- */

/* The worst cases of the other deployments that are not over. */
struct mird_committed {
    int64_t worst_micro;         /* the sum of those that have one; INT64_MAX for more than that */
    char unknown[MIR_NAME_TEXT]; /* the name of one whose price nobody knows; "": none */
    char endless[MIR_NAME_TEXT]; /* of one that costs something and has no end */
};

/* Adds one of them. */
void mird_committed_add(struct mird_committed *committed, const char *name, int64_t worst_micro);

struct mird_budget {
    const char *provider;
    const struct mir_price *price;
    int64_t created_s, deadline_s;
    int64_t own_micro;                      /* of this deployment; 0 none */
    int64_t all_micro;                      /* of the installation; 0 none */
    const struct mird_committed *committed; /* of the others; needed with all_micro */
    const char *extends; /* the name of a deployment that is to live longer; NULL: a new one */
};

/* 0, or MIR_POLICY with the numbers and the fix. What is free is within every budget. */
int mird_budget_check(const struct mird_budget *budget, struct mir_error *err);

#endif
