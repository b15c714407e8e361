/* SPDX-License-Identifier: ISC */
/*
 * What something costs: amounts of US dollars in integer micro-units, and the price of a deployment
 * as a dated table says it. Beside a price stands whether it is known at all: what nobody can say
 * is never taken for free.
 *
 * Plain values; pure functions, any thread.
 */
#ifndef API_PRICE_H
#define API_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

#define MIR_MONEY_TEXT 32
#define MIR_MONEY_MAX INT64_C(1000000000000) /* micro: what may be asked for, a million dollars */

/* All 0 with known: free, as on this machine. */
struct mir_price {
    bool known;             /* false: the amounts say nothing */
    int64_t per_hour_micro; /* all that runs by the hour: machine, address, volume */
    int64_t once_micro;     /* paid however short it lives */
    uint32_t least_s;       /* billed for so long at least (EC2: 60); 0: by the second */
    char date[12];          /* of the price table: "2026-11-20"; "" where there is none */
    char note[160];         /* what it holds and what it does not, for people; "" nothing to say */
};

/* "2.50", "0.004": digits, and up to six behind a point; above 0, and at most MIR_MONEY_MAX.
 * MIR_USAGE. */
int mir_money_parse(const char *text, int64_t *ret_micro, struct mir_error *err);

/* The same back, with at least two digits behind the point: "2.50", "0.004". Any amount. */
void mir_money_format(int64_t micro, char out[MIR_MONEY_TEXT]);

/* What it costs for so long, each part of a micro-unit counted as one; INT64_MAX for more than
 * that. Less than no time is no time. 0 where the price is not known: ask for that first. */
int64_t mir_price_cost(const struct mir_price *price, int64_t seconds);

#endif
