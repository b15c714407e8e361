/* SPDX-License-Identifier: ISC */
#include "api/clock.h"

#include <inttypes.h>
#include <time.h>

#include "scratch.h"

static void the_machine_has_two_clocks(void **state)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t boot = clock->boot_ms(clock->ctx);
    assert_true(boot > 0);
    assert_true(clock->boot_ms(clock->ctx) >= boot);
    assert_true(mir_now_s(clock) > 1700000000);
}

static int64_t fixed_ms(void *ctx)
{
    return *(int64_t *)ctx;
}

static void seconds_are_rounded_down(void **state)
{
    int64_t ms = 1999;
    struct mir_clock clock = {fixed_ms, fixed_ms, &ms};
    assert_int_equal(mir_now_s(&clock), 1);
}

static void times_that_are_understood(void **state)
{
    static const struct {
        const char *text;
        int64_t utc_s;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-20T23:57:03Z", 1795219023},
        {"2026-11-20t23:57:03z", 1795219023},
        {"2026-11-20 23:57:03Z", 1795219023},
        {"2026-11-20T23:57:03.999999Z", 1795219023},
        {"2026-11-21T00:57:03+01:00", 1795219023},
        {"2026-11-20T18:27:03-05:30", 1795219023},
        {"2024-02-29T12:00:00Z", 1709208000},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t utc_s = -1;
        struct mir_error err = {0};
        if (mir_time_parse(rows[i].text, &utc_s, &err) || utc_s != rows[i].utc_s)
            fail_msg("%s: %" PRId64 " %s", rows[i].text, utc_s, err.text);
    }
}

static void times_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "now",
        "2026-11-20",
        "2026-11-20T23:57:03",
        "2026-11-20T23:57Z",
        "2026-02-29T12:00:00Z",
        "2026-02-31T10:00:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-1-01T00:00:00Z",
        "2026- 1-01T00:00:00Z",
        "2026-+1-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "2026-01-01T00:00:00Zjunk",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00++1:00",
        "2026-01-01T00:00:00+01:00Z",
        "99999-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00+00:01",
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t utc_s = -7;
        struct mir_error err = {0};
        if (!mir_time_parse(rows[i], &utc_s, &err))
            fail_msg("taken: '%s'", rows[i]);
        assert_int_equal(utc_s, -7);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_string_not_equal(err.hint, "");
    }
}

static void milliseconds_are_written(void **state)
{
    char text[MIR_TIME_SIZE];
    mir_time_format_ms(INT64_C(1800000000007), text);
    assert_string_equal(text, "2027-01-15T08:00:00.007Z");
}

static void times_survive_a_round_trip(void **state)
{
    static const int64_t first = INT64_C(-62167219200), last = INT64_C(253402300799);
    char text[MIR_TIME_SIZE], judge[80];
    for (int64_t s = first; s <= last; s += s < 0 || s > 4000000000 ? 86399 * 3100 : 86399 * 31) {
        int64_t again = -1;
        mir_time_format(s, text);
        assert_int_equal(mir_time_parse(text, &again, NULL), 0);
        assert_int_equal(again, s);
        time_t t = (time_t)s;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(judge, sizeof judge, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(text, judge);
    }
    static const int64_t beyond[] = {INT64_MIN, first - 1, last + 1, INT64_MAX};
    for (size_t i = 0; i < MIR_NELEMS(beyond); i++) {
        mir_time_format(beyond[i], text);
        assert_string_equal(text, "-");
    }
}

static void durations_that_are_understood(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } rows[] = {
        {"90", 90},     {"90s", 90},     {"10m", 600},
        {"2h", 7200},   {"1h30m", 5400}, {"1h 30m", 5400},
        {"3d", 259200}, {"1w", 604800},  {"1w1d1h1m1s", 694861},
        {"1", 1},       {"00010m", 600}, {"3650d", MIR_DURATION_MAX_S},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t s = -1;
        struct mir_error err = {0};
        if (mir_duration_parse(rows[i].text, &s, &err) || s != rows[i].s)
            fail_msg("%s: %" PRId64 " %s", rows[i].text, s, err.text);
    }
}

static void durations_that_are_refused(void **state)
{
    static const char *const rows[] = {
        "",        "0",       "0s",     "-1h",   "+1h",  "h",
        "1x",      "1h30",    "30 1h",  "1m1h",  "1m1m", "1.5h",
        "1H",      " 1h",     "1hh",    "3651d", "522w", "99999999999999999999s",
        "3650d1s", "forever", "1h-30m", "0x10",
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t s = -7;
        struct mir_error err = {0};
        if (!mir_duration_parse(rows[i], &s, &err))
            fail_msg("taken: '%s' as %" PRId64, rows[i], s);
        assert_int_equal(s, -7);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_string_not_equal(err.hint, "");
    }
}

static void durations_are_written_for_people(void **state)
{
    static const struct {
        int64_t s;
        const char *text;
    } rows[] = {
        {0, "0s"},     {45, "45s"},       {552, "9m 12s"}, {7500, "2h 5m"}, {273600, "3d 4h"},
        {-45, "-45s"}, {-7500, "-2h 5m"}, {59, "59s"},     {60, "1m 0s"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char text[MIR_TIME_SIZE];
        mir_duration_format(rows[i].s, text);
        assert_string_equal(text, rows[i].text);
    }
    char text[MIR_TIME_SIZE];
    mir_duration_format(INT64_MIN, text);
    assert_int_equal(text[0], '-');
}

static void test_http_date(void **state)
{
    int64_t utc_s = 0;
    assert_int_equal(mir_time_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &utc_s), 0);
    assert_int_equal(utc_s, 784111777);
    assert_int_equal(mir_time_parse_http("Mon, 29 Feb 2028 00:00:00 GMT", &utc_s), 0);
    static const char *const bad[] = {"",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 nOv 1994 08:49:37 GMT",
                                      "Sun, 06 ovD 1994 08:49:37 GMT",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mir_time_parse_http(bad[i], &utc_s), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine_has_two_clocks),
        cmocka_unit_test(seconds_are_rounded_down),
        cmocka_unit_test(times_that_are_understood),
        cmocka_unit_test(times_that_are_refused),
        cmocka_unit_test(milliseconds_are_written),
        cmocka_unit_test(times_survive_a_round_trip),
        cmocka_unit_test(durations_that_are_understood),
        cmocka_unit_test(durations_that_are_refused),
        cmocka_unit_test(durations_are_written_for_people),
        cmocka_unit_test(test_http_date),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
