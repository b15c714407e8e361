/* SPDX-License-Identifier: ISC */
#include "api/buf.h"

#include "scratch.h"

static void grows_and_terminates(void **state)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, 1000);
    assert_string_equal(mir_buf_text(&buf), "");
    for (int i = 0; i < 100; i++)
        assert_int_equal(mir_buf_addf(&buf, "%03d,", i), 0);
    assert_int_equal(buf.len, 400);
    assert_memory_equal(buf.data, "000,001,", 8);
    assert_int_equal(buf.data[400], '\0');
    assert_false(buf.full);
}

static void refuses_past_its_maximum(void **state)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, 8);
    assert_int_equal(mir_buf_adds(&buf, "12345678"), 0);
    assert_int_equal(mir_buf_add(&buf, "", 0), 0);
    assert_int_equal(mir_buf_adds(&buf, "9"), -1);
    assert_true(buf.full);
    assert_string_equal(mir_buf_text(&buf), "12345678");

    /* The flag stays, so that a writer may look once at the end. */
    mir_buf_drop(&buf, 4);
    assert_int_equal(mir_buf_adds(&buf, "x"), -1);
    assert_string_equal(mir_buf_text(&buf), "5678");
    mir_buf_reset(&buf);
    assert_int_equal(mir_buf_addf(&buf, "%s", "fresh"), 0);
    assert_string_equal(mir_buf_text(&buf), "fresh");
    assert_int_equal(mir_buf_addf(&buf, "%s", "more"), -1);
    assert_string_equal(mir_buf_text(&buf), "fresh");
}

static void refuses_sizes_that_would_wrap(void **state)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, 16);
    assert_int_equal(mir_buf_adds(&buf, "abc"), 0);
    assert_int_equal(mir_buf_add(&buf, "x", SIZE_MAX), -1);
    assert_int_equal(mir_buf_add(&buf, "x", SIZE_MAX - 2), -1);
    assert_int_equal(buf.len, 3);
}

static void drops_from_the_front(void **state)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, 100);
    mir_buf_adds(&buf, "one two");
    mir_buf_drop(&buf, 4);
    assert_string_equal(mir_buf_text(&buf), "two");
    mir_buf_drop(&buf, 99);
    assert_int_equal(buf.len, 0);
    assert_string_equal(mir_buf_text(&buf), "");
}

static void takes_out_its_text(void **state)
{
    struct mir_buf buf;
    mir_buf_init(&buf, 100);
    char *empty = mir_buf_take(&buf);
    assert_string_equal(empty, "");
    free(empty);
    mir_buf_adds(&buf, "text");
    char *text = mir_buf_take(&buf);
    assert_string_equal(text, "text");
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 100);
    assert_null(buf.data);
    free(text);
}

static void holds_any_bytes(void **state)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, 100);
    assert_int_equal(mir_buf_add(&buf, "a\0b", 3), 0);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_terminates),
        cmocka_unit_test(refuses_past_its_maximum),
        cmocka_unit_test(refuses_sizes_that_would_wrap),
        cmocka_unit_test(drops_from_the_front),
        cmocka_unit_test(takes_out_its_text),
        cmocka_unit_test(holds_any_bytes),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
