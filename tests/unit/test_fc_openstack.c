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
#include "neutron_address.h"
#include "os.h"
#include "os_words.h"

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
    static const char *const rows[] = {"",
                                       "often",
                                       "* * * *",
                                       "* * * * * *",
                                       "60 * * * *",
                                       "* 24 * * *",
                                       "* * 0 * *",
                                       "5-3 * * * *",
                                       "*/0 * * * *",
                                       "1, * * * *",
                                       "-1 * * * *",
                                       "1/9223372036854775807 * * * *"};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_false(fos_cron_valid(rows[i]));
    assert_true(fos_cron_valid("0 0 30 2 *"));
    assert_int_equal(fos_cron_next("0 0 30 2 *", at("2026-11-30T18:00:00Z")), 0); /* never */
}

static void test_ranges(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        int rc;
        uint64_t at, len;
    } rows[] = {
        {NULL, 10, 0, 0, 0},        {"bytes=2-4", 10, 1, 2, 3},  {"bytes=2-", 10, 1, 2, 8},
        {"bytes=-3", 10, 1, 7, 3},  {"bytes=-30", 10, 1, 0, 10}, {"bytes=2-99", 10, 1, 2, 8},
        {"bytes=9-9", 10, 1, 9, 1}, {"bytes=10-", 10, -1, 0, 0}, {"bytes=0-", 0, -1, 0, 0},
        {"bytes=-0", 10, -1, 0, 0}, {"bytes=4-2", 10, 0, 0, 0},  {"bytes=1-2,4-5", 10, 0, 0, 0},
        {"bytes=x", 10, 0, 0, 0},   {"lines=1-2", 10, 0, 0, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        uint64_t at = 0, len = 0;
        assert_int_equal(fos_byte_range(rows[i].text, rows[i].size, &at, &len), rows[i].rc);
        assert_int_equal(at, rows[i].at);
        assert_int_equal(len, rows[i].len);
    }
}

static void test_pointers(void **state)
{
    static const struct {
        const char *path, *name;
    } rows[] = {{"/a", "a"}, {"/a~1b~0c", "a/b~c"}, {"", NULL},    {"a", NULL},
                {"/", NULL}, {"/a/b", NULL},        {"/a~", NULL}, {"/a~2", NULL}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char name[FOS_MEMBER_MAX];
        assert_int_equal(fos_pointer_read(rows[i].path, name), rows[i].name != NULL);
        if (rows[i].name)
            assert_string_equal(name, rows[i].name);
    }
}

static void test_subnets(void **state)
{
    static const char *const none[] = {"",          "10.0.0.0",     "10.0.0.0/31", "10.0.0/24",
                                       "fd00::/64", "10.0.0.0/24x", "10.0.0.0/7"};
    struct fos_range range;
    char address[FOS_ADDRESS];
    assert_true(fos_range_read("10.1.2.3/24", 4, &range));
    fos_range_address(&range, 254, address);
    assert_string_equal(address, "10.1.2.254");
    assert_int_equal(fos_range_size(&range), 256);
    assert_true(fos_range_read("fd00:1::ffff/64", 6, &range));
    fos_range_address(&range, 0x10002, address);
    assert_string_equal(address, "fd00:1::1:2");
    assert_false(fos_range_read("fd00::/127", 6, &range));
    assert_false(fos_range_read("10.0.0.0/24", 6, &range));
    for (size_t i = 0; i < MIR_NELEMS(none); i++)
        assert_false(fos_range_read(none[i], 4, &range));
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
        cmocka_unit_test(test_ranges),   cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_subnets),  cmocka_unit_test(test_pages),
        cmocka_unit_test(test_ids),      cmocka_unit_test(test_members),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
