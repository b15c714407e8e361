/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include "api/secret.h"

static void test_owned_and_copied(void **state)
{
    mir_auto_secret struct mir_secret a = {0}, b = {0};
    assert_true(mir_secret_empty(&a));
    assert_string_equal(mir_secret_text(&a), "");
    assert_int_equal(mir_secret_set(&a, "wJalrXUtn and more", 9, NULL), 0);
    assert_string_equal(mir_secret_text(&a), "wJalrXUtn");
    mir_secret_copy(&b, &a);
    assert_ptr_not_equal(mir_secret_text(&a), mir_secret_text(&b));
    mir_secret_copy(&b, &b);
    assert_true(mir_secret_equal(&a, &b));
    assert_int_equal(mir_secret_set(&a, NULL, 0, NULL), 0);
    assert_true(mir_secret_empty(&a));
    assert_string_equal(mir_secret_text(&b), "wJalrXUtn");
}

static void test_equal(void **state)
{
    mir_auto_secret struct mir_secret a = {0}, b = {0};
    assert_true(mir_secret_equal(&a, &b));
    mir_secret_set(&a, "abc", 3, NULL);
    assert_false(mir_secret_equal(&a, &b));
    static const char *const others[] = {"abd", "bbc", "ab", "abcd"};
    for (size_t i = 0; i < MIR_NELEMS(others); i++) {
        mir_secret_set(&b, others[i], strlen(others[i]), NULL);
        assert_false(mir_secret_equal(&a, &b));
    }
    mir_secret_set(&b, "abc", 3, NULL);
    assert_true(mir_secret_equal(&a, &b));
}

static void test_refused_changes_nothing(void **state)
{
    mir_auto_secret struct mir_secret a = {0};
    struct mir_error err = {0};
    mir_secret_set(&a, "old", 3, NULL);
    mir_auto_free char *big = mir_calloc(MIR_SECRET_MAX + 1, 1);
    memset(big, 'x', MIR_SECRET_MAX + 1);
    assert_int_equal(mir_secret_set(&a, big, MIR_SECRET_MAX + 1, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(mir_secret_set(&a, "a\0b", 3, &err), -1);
    assert_string_equal(mir_secret_text(&a), "old");
    assert_null(strstr(err.text, "old"));
    assert_int_equal(mir_secret_set(&a, big, MIR_SECRET_MAX, &err), 0);
}

static void test_wiped(void **state)
{
    char memory[8] = "secret!";
    mir_wipe(memory, sizeof memory);
    for (size_t i = 0; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0);
    mir_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owned_and_copied),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_refused_changes_nothing),
        cmocka_unit_test(test_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
