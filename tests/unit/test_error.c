/* SPDX-License-Identifier: ISC */
#include "api/error.h"

#include <errno.h>

#include "scratch.h"

static void every_kind_has_a_row(void **state)
{
    for (unsigned i = 0; i < MIR_KIND_COUNT; i++) {
        const struct mir_kind_info *info = mir_kind_info((enum mir_kind)i);
        assert_non_null(info->name);
        assert_string_not_equal(info->title, "");
        assert_int_equal(mir_kind_by_name(info->name), i);
        assert_true(i == MIR_OK ? info->http_status == 200 : info->http_status >= 400);
        assert_true(i == MIR_OK ? info->exit_code == 0 : info->exit_code > 0);
    }
    assert_ptr_equal(mir_kind_info((enum mir_kind)99), mir_kind_info(MIR_INTERNAL));
    assert_int_equal(mir_kind_by_name("no such kind"), MIR_FAILED);
    assert_int_equal(mir_kind_by_name(NULL), MIR_FAILED);
}

/* The exit codes that users and scripts rely on. */
static void exit_codes_are_as_promised(void **state)
{
    static const struct {
        enum mir_kind kind;
        int code;
    } rows[] = {{MIR_OK, 0},        {MIR_FAILED, 1},      {MIR_USAGE, 2},
                {MIR_NOT_FOUND, 3}, {MIR_CREDENTIALS, 4}, {MIR_POLICY, 5},
                {MIR_CONFLICT, 6},  {MIR_TIMEOUT, 7},     {MIR_UNAVAILABLE, 8},
                {MIR_THROTTLED, 8}, {MIR_PARTIAL, 9},     {MIR_INTERRUPTED, 130}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_int_equal(mir_kind_info(rows[i].kind)->exit_code, rows[i].code);
}

static void a_failure_is_filled_once_and_wrapped(void **state)
{
    struct mir_error err;
    memset(&err, 0x5a, sizeof err);
    assert_int_equal(mir_fail(&err, MIR_CONFLICT, "port %d is in use", 80), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_string_equal(err.text, "port 80 is in use");
    assert_string_equal(err.hint, "");
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_int_equal(mir_error_wrap(&err, "deploy of %s", "hello"), -1);
    assert_string_equal(err.text, "deploy of hello: port 80 is in use");
    assert_int_equal(mir_error_hint(&err, "choose another, with -p %s", "81:80"), -1);
    assert_string_equal(err.hint, "choose another, with -p 81:80");
    assert_int_equal(err.kind, MIR_CONFLICT);
}

static void errno_decides_the_kind(void **state)
{
    static const struct {
        int sys_errno;
        enum mir_kind kind;
    } rows[] = {{ENOENT, MIR_NOT_FOUND}, {ENOSPC, MIR_NO_SPACE}, {EDQUOT, MIR_NO_SPACE},
                {EACCES, MIR_POLICY},    {EPERM, MIR_POLICY},    {EROFS, MIR_POLICY},
                {EIO, MIR_FAILED}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        assert_int_equal(mir_fail_errno(&err, rows[i].sys_errno, "cannot open %s", "x"), -1);
        assert_int_equal(err.kind, rows[i].kind);
        assert_int_equal(err.sys_errno, rows[i].sys_errno);
        assert_memory_equal(err.text, "cannot open x: ", 15);
        assert_string_equal(err.text + 15, strerror(rows[i].sys_errno));
    }
}

static void long_texts_are_cut_not_overrun(void **state)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct mir_error err = {0};
    mir_fail_errno(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    mir_error_wrap(&err, "%s", text);
    mir_error_wrap(&err, "context");
    assert_memory_equal(err.text, "context: xxx", 12);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    mir_error_hint(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
}

static void nobody_has_to_listen(void **state)
{
    assert_int_equal(mir_fail(NULL, MIR_FAILED, "x"), -1);
    assert_int_equal(mir_fail_errno(NULL, EIO, "x"), -1);
    assert_int_equal(mir_error_wrap(NULL, "x"), -1);
    assert_int_equal(mir_error_hint(NULL, "x"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row),
        cmocka_unit_test(exit_codes_are_as_promised),
        cmocka_unit_test(a_failure_is_filled_once_and_wrapped),
        cmocka_unit_test(errno_decides_the_kind),
        cmocka_unit_test(long_texts_are_cut_not_overrun),
        cmocka_unit_test(nobody_has_to_listen),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
