/* SPDX-License-Identifier: ISC */
#include "cron.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIELDS 5
#define STEP_MAX 60
#define MINUTES_MAX (4 * 366 * 24 * 60)

static const struct {
    int least, most;
} bounds[FIELDS] = {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}};

/* One entry of a list: "*", "5", "1-3", each with a step or without. False: it is none. */
static bool read_entry(const char **at, int field, uint64_t *bits)
{
    char *end;
    long from = bounds[field].least, to = bounds[field].most, step = 1;
    if (**at == '*') {
        ++*at;
    } else {
        from = to = strtol(*at, &end, 10);
        if (end == *at)
            return false;
        *at = end;
        if (**at == '-') {
            to = strtol(*at + 1, &end, 10);
            *at = end;
        }
    }
    if (**at == '/') {
        step = strtol(*at + 1, &end, 10);
        *at = end;
    }
    if (from < bounds[field].least || to > bounds[field].most || from > to || step < 1 ||
        step > STEP_MAX)
        return false;
    for (long i = from; i <= to; i += step)
        *bits |= (uint64_t)1 << i;
    return true;
}

static bool read_pattern(const char *pattern, uint64_t bits[FIELDS])
{
    const char *at = pattern;
    for (int field = 0; field < FIELDS; field++) {
        bits[field] = 0;
        do {
            at += *at == ',';
            if (!read_entry(&at, field, &bits[field]))
                return false;
        } while (*at == ',');
        size_t blanks = strspn(at, " ");
        if (field + 1 < FIELDS ? !blanks : at[blanks] != '\0')
            return false;
        at += blanks;
    }
    return true;
}

bool fos_cron_valid(const char *pattern)
{
    uint64_t bits[FIELDS];
    return read_pattern(pattern, bits);
}

int64_t fos_cron_next(const char *pattern, int64_t utc_s)
{
    uint64_t bits[FIELDS];
    time_t at = (time_t)(utc_s / 60 * 60);
    if (!read_pattern(pattern, bits))
        return 0;
    for (int i = 0; i < MINUTES_MAX; i++) {
        struct tm tm;
        at += 60;
        gmtime_r(&at, &tm);
        const int values[FIELDS] = {tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon + 1, tm.tm_wday};
        int field = 0;
        while (field < FIELDS && bits[field] >> values[field] & 1)
            field++;
        if (field == FIELDS)
            return at;
    }
    return 0;
}
