/* SPDX-License-Identifier: ISC */
#include "api/clock.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_utc_ms(void *ctx)
{
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_boot_ms(void *ctx)
{
    return read_ms(CLOCK_BOOTTIME);
}

const struct mir_clock *mir_clock_system(void)
{
    static const struct mir_clock clock = {system_utc_ms, system_boot_ms, NULL};
    return &clock;
}

int64_t mir_now_s(const struct mir_clock *clock)
{
    return clock->utc_ms(clock->ctx) / 1000;
}

/* What four digits of a year can say: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z. */
#define TIME_MIN_S INT64_C(-62167219200)
#define TIME_MAX_S INT64_C(253402300799)

static char *put_number(char *p, unsigned digits, unsigned value, char after)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        p[i] = (char)('0' + value % 10);
    p[digits] = after;
    return p + digits + 1;
}

/* By hand: strftime leaves a year below 1000 without its zeros, which is no time any more. (It also
 * takes three times as long, and each change of a lease writes some.) */
void mir_time_format(int64_t utc_s, char out[MIR_TIME_SIZE])
{
    time_t t = (time_t)utc_s;
    struct tm tm;
    if (utc_s < TIME_MIN_S || utc_s > TIME_MAX_S || !gmtime_r(&t, &tm)) {
        snprintf(out, MIR_TIME_SIZE, "-");
        return;
    }
    char *p = put_number(out, 4, (unsigned)(tm.tm_year + 1900), '-');
    p = put_number(p, 2, (unsigned)tm.tm_mon + 1, '-');
    p = put_number(p, 2, (unsigned)tm.tm_mday, 'T');
    p = put_number(p, 2, (unsigned)tm.tm_hour, ':');
    p = put_number(p, 2, (unsigned)tm.tm_min, ':');
    p = put_number(p, 2, (unsigned)tm.tm_sec, 'Z');
    *p = '\0';
}

void mir_time_format_ms(int64_t utc_ms, char out[MIR_TIME_SIZE])
{
    char at[MIR_TIME_SIZE];
    mir_time_format(utc_ms / 1000, at);
    at[strcspn(at, "Z")] = '\0';
    snprintf(out, MIR_TIME_SIZE, "%.22s.%03uZ", at, (unsigned)(utc_ms % 1000) % 1000);
}

/* 1 when every '0' of the pattern meets a digit and every other character meets itself; scanf alone
 * would also take blanks and signs. */
static int has_shape(const char *text, const char *pattern)
{
    for (; *pattern; text++, pattern++)
        if (!*text || (*pattern == '0' ? !isdigit((unsigned char)*text)
                                       : *pattern != '?' && *text != *pattern))
            return 0;
    return 1;
}

/* The part after the seconds: an optional fraction, then Z or +hh:mm. */
static int parse_zone(const char *p, int *ret_offset_s)
{
    if (*p == '.') {
        p++;
        if (!isdigit((unsigned char)*p))
            return -1;
        while (isdigit((unsigned char)*p))
            p++;
    }
    if ((*p == 'Z' || *p == 'z') && p[1] == '\0') {
        *ret_offset_s = 0;
        return 0;
    }
    int hours, minutes;
    char sign = *p;
    if ((sign != '+' && sign != '-') || !has_shape(p + 1, "00:00") ||
        sscanf(p + 1, "%2d:%2d", &hours, &minutes) != 2 || p[6] != '\0' || hours > 23 ||
        minutes > 59)
        return -1;
    *ret_offset_s = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 0;
}

/* timegm carries impossible fields over (31 February); a time is what was written. Second 60 is a
 * leap second, and the first of the next minute. */
static int is_real(const struct tm *written, time_t utc)
{
    time_t before = written->tm_sec == 60 ? utc - 1 : utc;
    struct tm tm;
    return gmtime_r(&before, &tm) && tm.tm_year == written->tm_year &&
           tm.tm_mon == written->tm_mon && tm.tm_mday == written->tm_mday &&
           tm.tm_hour == written->tm_hour && tm.tm_min == written->tm_min &&
           tm.tm_sec == (written->tm_sec == 60 ? 59 : written->tm_sec);
}

int mir_time_parse(const char *text, int64_t *ret_utc_s, struct mir_error *err)
{
    struct tm tm = {0};
    char t;
    int offset = 0;
    if (has_shape(text, "0000-00-00?00:00:00") &&
        sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &t,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 7 &&
        (t == 'T' || t == 't' || t == ' ') && !parse_zone(text + 19, &offset)) {
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        struct tm carried = tm;
        time_t utc = timegm(&carried);
        int64_t utc_s = (int64_t)utc - offset;
        if (is_real(&tm, utc) && utc_s >= TIME_MIN_S && utc_s <= TIME_MAX_S) {
            *ret_utc_s = utc_s;
            return 0;
        }
    }
    mir_fail(err, MIR_USAGE, "'%.64s' is not a time", text);
    return mir_error_hint(err, "write it as 2026-11-20T18:30:00Z");
}

int mir_time_parse_http(const char *text, int64_t *ret_utc_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    char month[4] = "";
    int end = 0;
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
               &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        !end || text[end] || !has_shape(text + 3, ", 00 ??? 0000 00:00:00 GMT"))
        return -1;
    const char *at = strstr(months, month);
    if (strlen(month) != 3 || !at || (at - months) % 3)
        return -1;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    struct tm carried = tm;
    time_t utc = timegm(&carried);
    if (!is_real(&tm, utc))
        return -1;
    *ret_utc_s = (int64_t)utc;
    return 0;
}

static int64_t unit_seconds(char unit)
{
    static const struct {
        char unit;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    for (size_t i = 0; i < MIR_NELEMS(units); i++)
        if (units[i].unit == unit)
            return units[i].s;
    return 0;
}

/* The sum in seconds, or -1 when the text is no duration, or one beyond the maximum. */
static int64_t duration_sum(const char *p)
{
    int64_t sum = 0, smallest = INT64_MAX;
    while (*p) {
        if (!isdigit((unsigned char)*p))
            return -1;
        errno = 0;
        char *end;
        int64_t n = strtoll(p, &end, 10);
        int64_t unit = *end ? unit_seconds(*end) : (p == end || sum ? 0 : 1);
        if (errno || !unit || unit >= smallest || n > MIR_DURATION_MAX_S / unit)
            return -1;
        smallest = unit;
        sum += n * unit;
        if (sum > MIR_DURATION_MAX_S)
            return -1;
        p = *end ? end + 1 : end;
        while (*p == ' ')
            p++;
    }
    return sum;
}

int mir_duration_parse(const char *text, int64_t *ret_s, struct mir_error *err)
{
    int64_t sum = duration_sum(text);
    if (sum <= 0) {
        mir_fail(err, MIR_USAGE, "'%.64s' is not a duration", text);
        return mir_error_hint(err, "write it as 90s, 10m, 2h, 1h30m or 3d (at most ten years)");
    }
    *ret_s = sum;
    return 0;
}

void mir_duration_format(int64_t s, char out[MIR_TIME_SIZE])
{
    const char *sign = s < 0 ? "-" : "";
    if (s < 0)
        s = s == INT64_MIN ? INT64_MAX : -s;
    if (s < 60)
        snprintf(out, MIR_TIME_SIZE, "%s%" PRId64 "s", sign, s);
    else if (s < 3600)
        snprintf(out, MIR_TIME_SIZE, "%s%" PRId64 "m %" PRId64 "s", sign, s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, MIR_TIME_SIZE, "%s%" PRId64 "h %" PRId64 "m", sign, s / 3600, s / 60 % 60);
    else
        snprintf(out, MIR_TIME_SIZE, "%s%" PRId64 "d %" PRId64 "h", sign, s / 86400, s / 3600 % 24);
}
