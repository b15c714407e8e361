/* SPDX-License-Identifier: ISC */
/* Text: numbers, dates, escapes, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fmt.h"

static void numbers(void **state)
{
    static const uint64_t values[] = {
        0, 9, 10, 99, 65535, 65536, 4294967295U, 4294967296U, 1000000000000000000U, UINT64_MAX};
    char text[32];
    char expected[32];
    struct fmt f;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        fmt_init(&f, text, sizeof(text));
        fmt_u64(&f, values[i]);
        snprintf(expected, sizeof(expected), "%llu", (unsigned long long)values[i]);
        assert_string_equal(text, expected);
    }
}

static void dates(void **state)
{
    static const uint32_t moments[] = {0,          951782399,  951782400,  951868800,
                                       1709164800, 1709251199, 1795221086, 4102444800,
                                       4107542399, 4107542400, 4294967295U};
    char text[40];
    char expected[40];
    struct fmt f;

    (void)state;
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        time_t moment = (time_t)moments[i];
        struct tm tm;

        fmt_init(&f, text, sizeof(text));
        fmt_date(&f, moments[i]);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&moment, &tm));
        assert_string_equal(text, expected);
    }
}

static void bounds(void **state)
{
    char text[6];
    struct fmt f;

    (void)state;
    fmt_init(&f, text, sizeof(text));
    fmt_str(&f, "12345");
    assert_false(f.full);
    fmt_str(&f, "6");
    assert_true(f.full);
    assert_string_equal(text, "12345");
    assert_int_equal(f.len, 5);
}

static void escapes(void **state)
{
    char text[64];
    struct fmt f;

    (void)state;
    fmt_init(&f, text, sizeof(text));
    fmt_json(&f, "a\"b\\c\n\x7f/\xc3\xa9");
    assert_string_equal(text, "\"a\\\"b\\\\c\\u000a\\u007f/\xc3\xa9\"");
    fmt_init(&f, text, sizeof(text));
    fmt_html(&f, "<a href='x'>\"&");
    assert_string_equal(text, "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
}

static void addresses(void **state)
{
    static const char *const bad[] = {"",       "1.2.3",     "1.2.3.",     "1.2.3.4.", "1.2.3.4.5",
                                      "1..3.4", "1.2.3.256", "0001.2.3.4", "a.b.c.d",  " 1.2.3.4"};
    uint32_t ip = 7;
    char text[16];
    struct fmt f;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(fmt_parse_ip(bad[i], strlen(bad[i]), &ip));
    assert_int_equal(ip, 7);
    assert_true(fmt_parse_ip("255.0.10.1", 10, &ip));
    assert_int_equal(ip, 0xff000a01);
    fmt_init(&f, text, sizeof(text));
    fmt_ip(&f, ip);
    assert_string_equal(text, "255.0.10.1");
}

static void utf8(void **state)
{
    static const char *const good[] = {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xab"};
    static const char *const bad[] = {"\x80",         "\xc3",         "\xc0\xaf",
                                      "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff",         "a\tb",         "\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(fmt_is_clean_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(fmt_is_clean_utf8(bad[i], strlen(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(dates),     cmocka_unit_test(bounds),
        cmocka_unit_test(escapes), cmocka_unit_test(addresses), cmocka_unit_test(utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
