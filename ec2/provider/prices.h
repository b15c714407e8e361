/* SPDX-License-Identifier: ISC */
/*
 * What AWS says that an hour of a machine costs, remembered for a day, and why it has said nothing.
 * A refusal or silence is remembered for a while as well, so that one plan in that time waits for
 * it and not each. Any thread; blocks as long as the asking does.
 */
#ifndef EC2_PRICES_H
#define EC2_PRICES_H

#include <pthread.h>
#include <stdint.h>

#include "api/clock.h"
#include "api/error.h"
#include "api/place.h"

#define CLOUD_PRICES_MAX 64 /* remembered; the oldest makes room */

enum cloud_price_word {
    CLOUD_PRICE_NOT_ASKED = 0, /* nobody has said how to reach AWS */
    CLOUD_PRICE_KNOWN,
    CLOUD_PRICE_REFUSED,
    CLOUD_PRICE_UNREACHABLE,
    CLOUD_PRICE_UNREADABLE,
    CLOUD_PRICE_NONE /* AWS offers no such machine there */
};

struct cloud_hour {
    enum cloud_price_word word;
    int64_t micro_usd; /* KNOWN */
    char date[12];     /* KNOWN: the day of the answer, "2026-11-30" */
};

struct cloud_price_row {
    char region[MIR_PLACE_TEXT], type[MIR_PLACE_TEXT];
    struct cloud_hour hour;
    int64_t asked_boot_ms;
};

struct cloud_prices {
    pthread_mutex_t lock;
    struct cloud_price_row rows[CLOUD_PRICES_MAX];
    size_t count;
};

void cloud_prices_init(struct cloud_prices *prices);
void cloud_prices_clear(struct cloud_prices *prices);

/* Asks AWS; the error's kind says what became of it. */
typedef int cloud_price_ask(void *ctx, const char *region, const char *type, int64_t *ret_micro_usd,
                            struct mir_error *err);

/* What is remembered, or else what `ask` says now. */
void cloud_prices_find(struct cloud_prices *prices, const struct mir_clock *clock,
                       cloud_price_ask *ask, void *ctx, const char *region, const char *type,
                       struct cloud_hour *ret);

/* "refused", for people. */
const char *cloud_price_word(enum cloud_price_word word);

#endif
