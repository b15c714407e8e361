/* SPDX-License-Identifier: ISC */
#include "api/price.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MICRO INT64_C(1000000)
#define HOUR_S 3600

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* How many digits stand at text, and what they say: above MIR_MONEY_MAX nothing more precise. */
static size_t read_digits(const char *text, int64_t *ret)
{
    size_t len = 0;
    int64_t value = 0;
    for (; is_digit(text[len]); len++)
        if (value <= MIR_MONEY_MAX)
            value = value * 10 + (text[len] - '0');
    *ret = value;
    return len;
}

/* 0 when it is an amount of money at all. */
static int read_amount(const char *text, int64_t *ret)
{
    int64_t whole, parts = 0;
    size_t len = read_digits(text, &whole);
    if (len && text[len] == '.') {
        size_t digits = read_digits(text + len + 1, &parts);
        if (!digits || digits > 6)
            return -1;
        for (size_t i = digits; i < 6; i++)
            parts *= 10;
        len += 1 + digits;
    }
    if (!len || text[len])
        return -1;
    *ret = whole > MIR_MONEY_MAX / MICRO ? MIR_MONEY_MAX + 1 : whole * MICRO + parts;
    return 0;
}

int mir_money_parse(const char *text, int64_t *ret_micro, struct mir_error *err)
{
    int64_t micro;
    if (read_amount(text, &micro))
        mir_fail(err, MIR_USAGE, "'%.40s' is not an amount of money", text);
    else if (!micro)
        mir_fail(err, MIR_USAGE, "an amount of nothing allows nothing");
    else if (micro > MIR_MONEY_MAX)
        mir_fail(err, MIR_USAGE, "'%.40s' is more than %" PRId64 " USD", text,
                 MIR_MONEY_MAX / MICRO);
    else {
        *ret_micro = micro;
        return 0;
    }
    return mir_error_hint(err, "amounts are in US dollars, such as 2.50");
}

void mir_money_format(int64_t micro, char out[MIR_MONEY_TEXT])
{
    uint64_t amount = micro < 0 ? 0 - (uint64_t)micro : (uint64_t)micro;
    int len = snprintf(out, MIR_MONEY_TEXT, "%s%" PRIu64 ".%06u", micro < 0 ? "-" : "",
                       amount / (uint64_t)MICRO, (unsigned)(amount % (uint64_t)MICRO));
    for (int kept = 6; kept > 2 && out[len - 1] == '0'; kept--)
        out[--len] = '\0';
}

int64_t mir_price_cost(const struct mir_price *price, int64_t seconds)
{
    int64_t product, sum;
    if (!price->known)
        return 0;
    if (seconds < (int64_t)price->least_s)
        seconds = price->least_s;
    if (__builtin_mul_overflow(price->per_hour_micro, seconds, &product) ||
        __builtin_add_overflow(product, HOUR_S - 1, &sum))
        return INT64_MAX;
    sum /= HOUR_S;
    return __builtin_add_overflow(sum, price->once_micro, &sum) ? INT64_MAX : sum;
}
