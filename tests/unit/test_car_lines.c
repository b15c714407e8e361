/* SPDX-License-Identifier: ISC */
/* A guest's console as lines: where they end, what is shown of them, and how it is fed to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lines.h"

#define SEEN_MAX 8192

struct seen {
    char text[SEEN_MAX]; /* each line with a '|' behind it */
    size_t len;
    size_t lines;
    size_t longest;
};

static void see(void *ctx, const char *line, size_t len)
{
    struct seen *seen = ctx;

    assert_int_equal(line[len], '\0');
    assert_int_equal(strlen(line), len);
    assert_true(len < CAR_CLEAN_MAX);
    assert_true(seen->len + len + 1 < SEEN_MAX);
    memcpy(seen->text + seen->len, line, len);
    seen->len += len;
    seen->text[seen->len++] = '|';
    seen->text[seen->len] = '\0';
    seen->lines++;
    if (len > seen->longest)
        seen->longest = len;
}

/* The same lines, however the bytes come: whole, one by one, in threes. */
static void check(const char *bytes, size_t len, const char *expected)
{
    static const size_t steps[] = {SEEN_MAX, 1, 3};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct seen seen = {.len = 0};
        struct car_lines lines = {.emit = see, .ctx = &seen};

        for (size_t at = 0; at < len; at += steps[i])
            car_lines_feed(&lines, bytes + at, len - at < steps[i] ? len - at : steps[i]);
        car_lines_end(&lines);
        assert_string_equal(seen.text, expected);
    }
}

static void ends(void **state)
{
    (void)state;
    check("a\nb\n", 4, "a|b|");
    check("a\r\nb\r\n", 6, "a|b|");
    check("a\rb", 3, "a|b|");
    check("\n\n", 2, "||");
    check("a\r\r\nb", 5, "a||b|");
    check("a\n\rb", 4, "a||b|");
    check("no end", 6, "no end|");
    check("", 0, "");
}

static void controls(void **state)
{
    (void)state;
    check("a\tb\n", 4, "a\tb|");
    check("\x1b[31mred\x1b[0m\n", 13, "red|");
    check("\x1b[1;31mred\x1b[m\x1b[2J\x1b[31\n", 22, "red^[[2J^[[31|");
    check("\x1b[3\x1bm\x1b[\x1b", 8, "^[[3^[m^[[^[|");
    check("a\0b\x7f\x01\n", 6, "a^@b^?^A|");
    check("\b\b\bcarrier[1.000] power off\n", 28, "^H^H^Hcarrier[1.000] power off|");
}

static void characters(void **state)
{
    (void)state;
    check("caf\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\xab\n", 15,
          "caf\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x90\xab|");
    check("\xc3\n", 2, "\\xc3|");
    check("\xff\xfe\n", 3, "\\xff\\xfe|");
    check("\xc0\xaf\n", 3, "\\xc0\\xaf|");                   /* longer than it has to be */
    check("\xe0\x80\x8a\n", 4, "\\xe0\\x80\\x8a|");          /* a line end, the same way */
    check("\xed\xa0\x80\n", 4, "\\xed\\xa0\\x80|");          /* half of a pair */
    check("\xf4\x90\x80\x80\n", 5, "\\xf4\\x90\\x80\\x80|"); /* above the last one */
    check("\xc2\x9b"
          "31m\n",
          6, "\\xc2\\x9b31m|"); /* CSI in eight bits */
    check("\xe2\x80\xae"
          "x\n",
          5, "\\xe2\\x80\\xaex|"); /* right to left */
    check("\x9b\n", 2, "\\x9b|");
    check("\xe2\x9c\n\x93\n", 5, "\\xe2\\x9c|\\x93|");
}

static void long_lines(void **state)
{
    char bytes[3 * CAR_LINE_MAX];
    char expected[3 * CAR_LINE_MAX + 8];

    (void)state;
    memset(bytes, 'a', sizeof(bytes));
    memset(expected, 'a', sizeof(expected));
    expected[CAR_LINE_MAX] = '|';
    expected[CAR_LINE_MAX + 2] = '|';
    expected[CAR_LINE_MAX + 3] = '\0';
    check(bytes, CAR_LINE_MAX + 1, expected);
    /* Just full, then its end: one line, not an empty one behind it. */
    bytes[CAR_LINE_MAX] = '\n';
    expected[CAR_LINE_MAX + 1] = '\0';
    check(bytes, CAR_LINE_MAX + 1, expected);
    /* A character of four bytes over the edge goes to the next piece, whole. */
    memcpy(bytes + CAR_LINE_MAX - 2, "\xf0\x9f\x90\xab\n", 5);
    memcpy(expected + CAR_LINE_MAX - 2, "|\xf0\x9f\x90\xab|", 7);
    check(bytes, CAR_LINE_MAX + 3, expected);
}

static void nothing_but_continuations(void **state)
{
    char bytes[CAR_LINE_MAX + 5];
    struct seen seen = {.len = 0};
    struct car_lines lines = {.emit = see, .ctx = &seen};

    (void)state;
    memset(bytes, 0x80, sizeof(bytes));
    car_lines_feed(&lines, bytes, sizeof(bytes));
    car_lines_end(&lines);
    assert_int_equal(seen.lines, 2);
    assert_int_equal(seen.longest, 4 * CAR_LINE_MAX);
    assert_int_equal(seen.len, 4 * sizeof(bytes) + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),
        cmocka_unit_test(controls),
        cmocka_unit_test(characters),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(nothing_but_continuations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
