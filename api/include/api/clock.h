/* SPDX-License-Identifier: ISC */
/*
 * Time: a table of functions, so that the simulator and the tests can give their own, and the
 * text forms of times and durations. Deadlines are UTC seconds since 1970; waiting is done on
 * the boot-time clock, which neither a set wall clock nor a suspended machine can hold back.
 */
#ifndef API_CLOCK_H
#define API_CLOCK_H

#include <stdint.h>

#include "api/error.h"

struct mir_clock {
    int64_t (*utc_ms)(void *ctx);  /* wall clock, milliseconds since 1970 */
    int64_t (*boot_ms)(void *ctx); /* CLOCK_BOOTTIME, milliseconds; never goes back */
    void *ctx;
};

/* The machine's clocks; static, any thread. */
const struct mir_clock *mir_clock_system(void);

int64_t mir_now_s(const struct mir_clock *clock); /* UTC seconds, rounded down */

#define MIR_TIME_SIZE 32 /* bytes for any text these write */

/* "2026-11-20T23:57:03Z"; "-" for what four digits of a year cannot say */
void mir_time_format(int64_t utc_s, char out[MIR_TIME_SIZE]);

/* "2026-11-20T23:57:03.250Z" */
void mir_time_format_ms(int64_t utc_ms, char out[MIR_TIME_SIZE]);

/* RFC 3339, with Z or an offset; a fraction is dropped. What is read can be written again. */
int mir_time_parse(const char *text, int64_t *ret_utc_s, struct mir_error *err);

/* The Date of an HTTP answer, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110; the two obsolete forms are
 * not read). -1: it is none. */
int mir_time_parse_http(const char *text, int64_t *ret_utc_s);

/* "90s", "10m", "2h", "1h30m", "3d", "1w", or a bare number of seconds; > 0 and at most
 * MIR_DURATION_MAX_S. */
#define MIR_DURATION_MAX_S ((int64_t)10 * 365 * 86400)
int mir_duration_parse(const char *text, int64_t *ret_s, struct mir_error *err);

/* "45s", "9m 12s", "2h 5m", "3d 4h"; a negative one with a leading "-". */
void mir_duration_format(int64_t s, char out[MIR_TIME_SIZE]);

#endif
