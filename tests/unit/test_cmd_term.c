/* SPDX-License-Identifier: ISC */
#include "term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *render(const char *text, size_t len, bool tty)
{
    char *out = NULL;
    size_t size = 0;
    struct cmd_term term = {.file = open_memstream(&out, &size), .tty = tty};
    cmd_term_text(&term, text, len);
    fclose(term.file);
    return out;
}

static void hostile_text(void **state)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"plain\n\ttext", "plain\n\ttext"},
        {"\033]0;owned\007", "\\x1b]0;owned\\x07"},
        {"\033[2J\033[H", "\\x1b[2J\\x1b[H"},
        {"a\r\nb", "a\nb"},
        {"good\rbad", "good\\x0dbad"},
        {"\x7f\b", "\\x7f\\x08"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"}, /* the 8-bit form of ESC [ */
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xc0\x9b", "\\xc0\\x9b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = render(rows[i].text, strlen(rows[i].text), true);
        assert_string_equal(shown, rows[i].shown);
        free(shown);
        /* Into a file or pipe the bytes go as they are. */
        char *raw = render(rows[i].text, strlen(rows[i].text), false);
        assert_string_equal(raw, rows[i].text);
        free(raw);
    }
}

static void clean_lines(void **state)
{
    (void)state;
    char *clean = cmd_term_clean("name\nwith\tlines\033[0m");
    assert_string_equal(clean, "name\\x0awith\\x09lines\\x1b[0m");
    free(clean);
}

static void tables(void **state)
{
    static const char *const headings[] = {"A", "B", NULL};
    char *out = NULL;
    size_t size = 0;
    (void)state;
    struct cmd_term term = {.file = open_memstream(&out, &size)};
    struct cmd_table *table = cmd_table_new(headings);
    cmd_table_cell(table, "gr\xc3\xbc", CMD_GREEN);
    cmd_table_cell(table, "", CMD_PLAIN);
    cmd_table_cell(table, "x", CMD_PLAIN);
    cmd_table_cell(table, "y\033", CMD_PLAIN);
    cmd_table_print(table, &term);
    cmd_table_free(table);
    fclose(term.file);
    assert_string_equal(out, "A    B\n"
                             "gr\xc3\xbc  -\n"
                             "x    y\\x1b\n");
    free(out);
}

static void colours(void **state)
{
    struct cmd_term term;
    FILE *file = tmpfile();
    (void)state;
    unsetenv("NO_COLOR");
    unsetenv("CLICOLOR_FORCE");
    cmd_term_init(&term, file, -1);
    assert_false(term.color); /* no terminal */
    setenv("CLICOLOR_FORCE", "1", 1);
    cmd_term_init(&term, file, -1);
    assert_true(term.color);
    setenv("NO_COLOR", "1", 1);
    cmd_term_init(&term, file, -1);
    assert_false(term.color);
    cmd_term_init(&term, file, 1);
    assert_true(term.color);
    cmd_term_init(&term, file, 0);
    assert_false(term.color);
    unsetenv("NO_COLOR");
    unsetenv("CLICOLOR_FORCE");
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text),
        cmocka_unit_test(clean_lines),
        cmocka_unit_test(tables),
        cmocka_unit_test(colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
