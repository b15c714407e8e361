/* SPDX-License-Identifier: ISC */
#include "api/memory.h"

#include "scratch.h"

static void memory_comes_zeroed(void **state)
{
    unsigned char *p = mir_calloc(100, 3);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(p[i], 0);
    p = mir_realloc(p, 1000, 3);
    assert_int_equal(p[299], 0);
    free(p);
    void *none = mir_calloc(0, 0);
    assert_non_null(none);
    free(none);
}

static void texts_are_copied(void **state)
{
    char *copy = mir_strdup("text");
    assert_string_equal(copy, "text");
    free(copy);
    assert_null(mir_strdup(NULL));
    char *made = mir_format("%s-%d", "a", 7);
    assert_string_equal(made, "a-7");
    free(made);
}

static void fields_are_always_terminated(void **state)
{
    char field[4];
    assert_int_equal(mir_copy(field, sizeof field, "abc"), 0);
    assert_string_equal(field, "abc");
    assert_int_equal(mir_copy(field, sizeof field, "abcd"), -1);
    assert_string_equal(field, "abc");
    assert_int_equal(mir_copy(field, sizeof field, ""), 0);
    assert_string_equal(field, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(fields_are_always_terminated),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
