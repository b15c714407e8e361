/* SPDX-License-Identifier: ISC */
#include "words.h"

#include "scratch.h"

static void splits_as_a_shell_quotes(void **state)
{
    static const struct {
        const char *text;
        const char *words[6];
    } cases[] = {
        {"", {NULL}},
        {" \t\n ", {NULL}},
        {"/bin/x", {"/bin/x", NULL}},
        {"  a  b\tc\n", {"a", "b", "c", NULL}},
        {"'a b' \"c d\"", {"a b", "c d", NULL}},
        {"a'b'\"c\"d", {"abcd", NULL}},
        {"'' \"\" x", {"", "", "x", NULL}},
        {"a\\ b \\\"", {"a b", "\"", NULL}},
        {"\"a\\\"b\" \"\\\\\" \"\\n\"", {"a\"b", "\\", "\\n", NULL}},
        {"'a\\b' '\"'", {"a\\b", "\"", NULL}},
        {"x --y='1 2' $HOME `id` *", {"x", "--y=1 2", "$HOME", "`id`", "*", NULL}},
        {"a;b|c&&d >e", {"a;b|c&&d", ">e", NULL}},
        {"a #b", {"a", "#b", NULL}},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        size_t count = 99, want = 0;
        char **words = ec2_words_split(cases[i].text, strlen(cases[i].text), &count, NULL);
        assert_non_null(words);
        for (; cases[i].words[want]; want++)
            assert_string_equal(words[want], cases[i].words[want]);
        assert_int_equal(count, want);
        assert_null(words[count]);
        ec2_words_free(words);
    }
}

static void refuses_open_quotes(void **state)
{
    static const char *const bad[] = {"'", "\"a", "a 'b", "\\", "a\\", "\"\\\"", "\"\\"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        size_t count = 99;
        struct mir_error err = {0};
        assert_null(ec2_words_split(bad[i], strlen(bad[i]), &count, &err));
        assert_int_equal(err.kind, MIR_USAGE);
        assert_int_equal(count, 99);
    }
    ec2_words_free(NULL);
}

static void takes_so_many_words(void **state)
{
    char text[2 * EC2_WORDS_MAX + 2];
    size_t count = 0;
    struct mir_error err = {0};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ' ' : 'x';
    char **words = ec2_words_split(text, (size_t)2 * EC2_WORDS_MAX, &count, &err);
    assert_non_null(words);
    assert_int_equal(count, EC2_WORDS_MAX);
    ec2_words_free(words);
    assert_null(ec2_words_split(text, sizeof text, &count, &err));
    assert_int_equal(err.kind, MIR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_as_a_shell_quotes),
        cmocka_unit_test(refuses_open_quotes),
        cmocka_unit_test(takes_so_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
