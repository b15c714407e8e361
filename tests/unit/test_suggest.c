/* SPDX-License-Identifier: ISC */
#include "api/suggest.h"

#include "api/error.h"
#include "scratch.h"

static const char *const commands[] = {"ps", "show", "logs", "extend", "inspect", "doctor"};

static const char *near(const char *wrong)
{
    return mir_suggest(wrong, commands, MIR_NELEMS(commands));
}

static void finds_what_was_meant(void **state)
{
    assert_string_equal(near("hsow"), "show"); /* neighbours swapped: one edit */
    assert_string_equal(near("log"), "logs");
    assert_string_equal(near("extends"), "extend");
    assert_string_equal(near("inpect"), "inspect");
    assert_string_equal(near("docotr"), "doctor");
    assert_string_equal(near("ps"), "ps");
    assert_string_equal(near("p"), "ps");
}

static void is_silent_when_nothing_is_near(void **state)
{
    assert_null(near(""));
    assert_null(near("frobnicate"));
    assert_null(near("xyz"));
    assert_null(mir_suggest("ps", commands, 0));
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(near(longer));
    const char *const long_names[] = {longer};
    assert_null(mir_suggest("xxxxxxxxxxxxxxxxxxxxxx", long_names, 1));
}

static void the_nearest_wins_then_the_first(void **state)
{
    const char *const names[] = {"abcdxx", "abcdex", "abcdey"};
    assert_string_equal(mir_suggest("abcdef", names, 3), "abcdex");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(is_silent_when_nothing_is_near),
        cmocka_unit_test(the_nearest_wins_then_the_first),
    };
    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
