/* SPDX-License-Identifier: ISC */
/* The fake OpenStack's pure parts: cron's patterns, pages, ids, members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "cron.h"
#include "os.h"

static int64_t at(const char *text)
{
    int64_t utc_s = 0;
    assert_int_equal(mir_time_parse(text, &utc_s, NULL), 0);
    return utc_s;
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *after, *next;
    } rows[] = {
        {"* * * * *", "2026-11-30T18:29:00Z", "2026-11-30T18:30:00Z"},
        {"* * * * *", "2026-11-30T18:29:59Z", "2026-11-30T18:30:00Z"},
        {"*/15 * * * *", "2026-11-30T18:31:00Z", "2026-11-30T18:45:00Z"},
        {"5,35 * * * *", "2026-11-30T18:05:00Z", "2026-11-30T18:35:00Z"},
        {"10-12 3 * * *", "2026-11-30T18:00:00Z", "2026-12-01T03:10:00Z"},
        {"0 0 1 1 *", "2026-11-30T18:00:00Z", "2027-01-01T00:00:00Z"},
        {"0 0 29 2 *", "2026-11-30T18:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 12 * * 0", "2026-11-30T18:00:00Z", "2026-12-06T12:00:00Z"}, /* a Sunday */
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_int_equal(fos_cron_next(rows[i].pattern, at(rows[i].after)), at(rows[i].next));
}

static void test_no_patterns(void **state)
{
    static const char *const rows[] = {
        "",          "often",       "* * * *",     "* * * * * *", "60 * * * *", "* 24 * * *",
        "* * 0 * *", "5-3 * * * *", "*/0 * * * *", "1, * * * *",  "-1 * * * *"};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_false(fos_cron_valid(rows[i]));
    assert_true(fos_cron_valid("0 0 30 2 *"));
    assert_int_equal(fos_cron_next("0 0 30 2 *", at("2026-11-30T18:00:00Z")), 0); /* never */
}

/* Rows with the ids "a" to "e". */
static json_t *five(void)
{
    return json_pack("[{s:s},{s:s},{s:s},{s:s},{s:s}]", "id", "a", "id", "b", "id", "c", "id", "d",
                     "id", "e");
}

static void check_page(int64_t limit, const char *marker, const char *wanted, bool more_wanted)
{
    const struct fos_page page = {.limit = limit, .marker = marker};
    json_t *rows = five();
    char got[8] = "";
    bool more;
    assert_int_equal(fos_cut(rows, "id", &page, &more), 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        got[i] = *fc_text_at(json_array_get(rows, i), "id");
    assert_string_equal(got, wanted);
    assert_int_equal(more, more_wanted);
    json_decref(rows);
}

static void test_pages(void **state)
{
    check_page(2, NULL, "ab", true);
    check_page(2, "b", "cd", true);
    check_page(2, "d", "e", false);
    check_page(2, "e", "", false);
    check_page(1, "d", "e", true); /* full, so a next one is spoken of */
    check_page(100, NULL, "abcde", false);
    check_page(0, NULL, "", false);
    const struct fos_page unknown = {.limit = 2, .marker = "x"};
    json_t *rows = five();
    bool more;
    assert_int_equal(fos_cut(rows, "id", &unknown, &more), -1);
    json_decref(rows);
}

static void test_ids(void **state)
{
    static const char *const none[] = {"",
                                       "nothing",
                                       "c0ffee00-0000-4000-8000-00000000000",
                                       "c0ffee00-0000-4000-8000-0000000000000",
                                       "c0ffee00+0000-4000-8000-000000000000",
                                       "g0ffee00-0000-4000-8000-000000000000"};
    for (size_t i = 0; i < MIR_NELEMS(none); i++)
        assert_false(fos_uuid_like(none[i]));
    assert_true(fos_uuid_like("C0ffee00-0000-4000-8000-000000000000"));
}

static void test_members(void **state)
{
    static const char *const allowed[] = {"a", "b", NULL};
    json_t *object = json_pack("{s:i,s:i}", "a", 1, "b", 2);
    assert_null(fos_stranger(object, allowed));
    json_object_set_new(object, "c", json_null());
    assert_string_equal(fos_stranger(object, allowed), "c");
    json_object_set_new(object, "_d", json_null());
    json_t *shown = fos_public(object);
    assert_int_equal(json_object_size(shown), 3);
    json_decref(shown);
    json_decref(object);
}

static void test_roles(void **state)
{
    json_t *names = json_pack("[s]", "member");
    assert_int_equal(fos_roles_of(names), FOS_MEMBER | FOS_READER); /* implied */
    json_array_append_new(names, json_string("nothing"));
    assert_int_equal(fos_roles_of(names), FOS_MEMBER | FOS_READER);
    json_decref(names);
    assert_int_equal(fos_roles_of(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_no_patterns),
        cmocka_unit_test(test_pages),    cmocka_unit_test(test_ids),
        cmocka_unit_test(test_members),  cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
