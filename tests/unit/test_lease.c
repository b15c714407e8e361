/* SPDX-License-Identifier: ISC */
#include "api/lease.h"

#include "scratch.h"

static void the_far_deadline(void **state)
{
    char text[MIR_TIME_SIZE];
    int64_t at_s;
    assert_int_equal(mir_time_parse("9999-12-31T23:59:59Z", &at_s, NULL), 0);
    assert_true(at_s == MIR_FOREVER_S);
    assert_true(mir_forever(MIR_FOREVER_S));
    assert_false(mir_forever(MIR_FOREVER_S - 1));
    assert_false(mir_forever(0));
    mir_deadline_format(MIR_FOREVER_S, text);
    assert_string_equal(text, "no deadline");
    mir_deadline_format(MIR_FOREVER_S - 1, text);
    assert_string_equal(text, "9999-12-31T23:59:58Z");
    /* The longest that can be asked for is centuries short of it. */
    assert_int_equal(mir_time_parse("2500-01-01T00:00:00Z", &at_s, NULL), 0);
    assert_false(mir_forever(at_s + MIR_DURATION_MAX_S));
}

static void reasons(void **state)
{
    static const struct {
        const char *text, *word; /* NULL: taken */
    } rows[] = {
        {"x", NULL},
        {"the status page of the lab", NULL},
        {"f\xc3\xbcr immer \xe2\x82\xac", NULL},
        {"", "empty"},
        {"   ", "empty"},
        {"a\nb", "control"},
        {"a\tb", "control"},
        {"\x7f", "control"},
        {"a\xc2\x9b"
         "31m",
         "control"},
    };
    char text[MIR_REASON_MAX + 2];
    struct mir_error err = {0};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int rc = mir_reason_check(rows[i].text, &err);
        assert_int_equal(rc, rows[i].word ? -1 : 0);
        if (rc) {
            assert_int_equal(err.kind, MIR_USAGE);
            assert_non_null(strstr(err.text, rows[i].word));
            assert_true(*err.hint);
        }
    }
    memset(text, 'x', sizeof text);
    text[MIR_REASON_MAX + 1] = '\0';
    assert_int_equal(mir_reason_check(text, &err), -1);
    assert_non_null(strstr(err.text, "longer than 200"));
    text[MIR_REASON_MAX] = '\0';
    assert_int_equal(mir_reason_check(text, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_far_deadline),
        cmocka_unit_test(reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
