/* SPDX-License-Identifier: ISC */
#include "api/id.h"

#include "scratch.h"

static void count_up(void *ctx, void *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)out)[i] = (unsigned char)i;
}

static void ids_are_the_given_random_bytes(void **state)
{
    const struct mir_random random = {count_up, NULL};
    char id[MIR_ID_TEXT];
    mir_id_new(&random, id);
    assert_string_equal(id, "000102030405060708090a0b0c0d0e0f");
}

static void ids_of_the_machine_differ(void **state)
{
    char seen[100][MIR_ID_TEXT];
    for (size_t i = 0; i < 100; i++) {
        mir_id_new(mir_random_system(), seen[i]);
        assert_true(mir_id_valid(seen[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
}

static void only_ids_are_ids(void **state)
{
    assert_true(mir_id_valid("0123456789abcdef0123456789abcdef"));
    assert_false(mir_id_valid(""));
    assert_false(mir_id_valid("0123456789abcdef0123456789abcde"));
    assert_false(mir_id_valid("0123456789abcdef0123456789abcdef0"));
    assert_false(mir_id_valid("0123456789ABCDEF0123456789abcdef"));
    assert_false(mir_id_valid("0123456789abcdef0123456789abcde/"));
}

static void hex_of_bytes(void **state)
{
    char text[9];
    mir_hex("\x00\x7f\x80\xff", 4, text);
    assert_string_equal(text, "007f80ff");
    mir_hex("", 0, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_the_given_random_bytes),
        cmocka_unit_test(ids_of_the_machine_differ),
        cmocka_unit_test(only_ids_are_ids),
        cmocka_unit_test(hex_of_bytes),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
