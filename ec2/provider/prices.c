/* SPDX-License-Identifier: ISC */
#include "prices.h"

#include <string.h>

#include "api/memory.h"

#define DAY_MS (24 * 3600 * (int64_t)1000)
#define AGAIN_MS (10 * 60 * (int64_t)1000) /* after no price came */

void cloud_prices_init(struct cloud_prices *prices)
{
    memset(prices, 0, sizeof *prices);
    pthread_mutex_init(&prices->lock, NULL);
}

void cloud_prices_clear(struct cloud_prices *prices)
{
    pthread_mutex_destroy(&prices->lock);
}

const char *cloud_price_word(enum cloud_price_word word)
{
    static const char *const words[] = {
        [CLOUD_PRICE_NOT_ASKED] = "not asked",     [CLOUD_PRICE_KNOWN] = "says",
        [CLOUD_PRICE_REFUSED] = "refused",         [CLOUD_PRICE_UNREACHABLE] = "silent",
        [CLOUD_PRICE_UNREADABLE] = "not readable", [CLOUD_PRICE_NONE] = "has none",
    };
    return words[word];
}

static enum cloud_price_word word_of(const struct mir_error *said)
{
    static const struct {
        enum mir_kind kind;
        enum cloud_price_word word;
    } rows[] = {{MIR_CREDENTIALS, CLOUD_PRICE_REFUSED},
                {MIR_POLICY, CLOUD_PRICE_REFUSED},
                {MIR_CORRUPT, CLOUD_PRICE_UNREADABLE},
                {MIR_NOT_FOUND, CLOUD_PRICE_NONE}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        if (rows[i].kind == said->kind)
            return rows[i].word;
    return CLOUD_PRICE_UNREACHABLE;
}

/* --- what is remembered; all with the lock held --- */

static struct cloud_price_row *row_of(struct cloud_prices *prices, const char *region,
                                      const char *type)
{
    for (size_t i = 0; i < prices->count; i++)
        if (!strcmp(prices->rows[i].region, region) && !strcmp(prices->rows[i].type, type))
            return &prices->rows[i];
    return NULL;
}

static bool fresh(const struct cloud_price_row *row, int64_t now_ms)
{
    int64_t life_ms = row->hour.word == CLOUD_PRICE_KNOWN ? DAY_MS : AGAIN_MS;
    return now_ms - row->asked_boot_ms < life_ms;
}

static struct cloud_price_row *room(struct cloud_prices *prices)
{
    if (prices->count < CLOUD_PRICES_MAX)
        return &prices->rows[prices->count++];
    struct cloud_price_row *oldest = &prices->rows[0];
    for (size_t i = 1; i < CLOUD_PRICES_MAX; i++)
        if (prices->rows[i].asked_boot_ms < oldest->asked_boot_ms)
            oldest = &prices->rows[i];
    return oldest;
}

static void remember(struct cloud_prices *prices, const struct cloud_price_row *row)
{
    struct cloud_price_row *there = row_of(prices, row->region, row->type);
    *(there ? there : room(prices)) = *row;
}

/* --- --- */

void cloud_prices_find(struct cloud_prices *prices, const struct mir_clock *clock,
                       cloud_price_ask *ask, void *ctx, const char *region, const char *type,
                       struct cloud_hour *ret)
{
    struct cloud_price_row row = {.asked_boot_ms = clock->boot_ms(clock->ctx)};
    struct mir_error said = {0};
    pthread_mutex_lock(&prices->lock);
    const struct cloud_price_row *there = row_of(prices, region, type);
    bool known = there && fresh(there, row.asked_boot_ms);
    if (known)
        *ret = there->hour;
    pthread_mutex_unlock(&prices->lock);
    if (known)
        return;
    if (ask(ctx, region, type, &row.hour.micro_usd, &said)) {
        row.hour = (struct cloud_hour){.word = word_of(&said)};
    } else {
        char now[MIR_TIME_SIZE];
        row.hour.word = CLOUD_PRICE_KNOWN;
        mir_time_format(mir_now_s(clock), now);
        now[sizeof row.hour.date - 2] = '\0'; /* the day alone */
        mir_copy(row.hour.date, sizeof row.hour.date, now);
    }
    *ret = row.hour;
    if (mir_copy(row.region, sizeof row.region, region) ||
        mir_copy(row.type, sizeof row.type, type))
        return;
    pthread_mutex_lock(&prices->lock);
    remember(prices, &row);
    pthread_mutex_unlock(&prices->lock);
}
