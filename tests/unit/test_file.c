/* SPDX-License-Identifier: ISC */
#include "api/file.h"

#include <errno.h>
#include <sys/stat.h>

#include "scratch.h"

static int open_scratch(void *const *state)
{
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void reads_up_to_its_limit(void **state)
{
    char *text = mir_calloc(9001, 1);
    memset(text, 'x', 9000);
    mir_auto_free char *path = scratch_file(state, "long", text);
    free(text);
    char *got = NULL;
    size_t len = 0;
    assert_int_equal(mir_file_read(path, 9000, &got, &len, NULL), 0);
    assert_int_equal(len, 9000);
    assert_int_equal(strlen(got), 9000);
    free(got);
    got = NULL;
    struct mir_error err = {0};
    assert_int_equal(mir_file_read(path, 8999, &got, &len, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_null(got);
    assert_int_equal(len, 9000);
}

static void reads_what_has_no_size(void **state)
{
    char *got = NULL;
    assert_int_equal(mir_file_read("/proc/self/stat", 4096, &got, NULL, NULL), 0);
    assert_true(strlen(got) > 10);
    free(got);
    struct mir_error err = {0};
    assert_int_equal(mir_file_read("/nonexistent/x", 10, &got, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/x"));
    assert_int_equal(mir_file_read(*state, 10, &got, NULL, &err), -1);
    assert_int_equal(err.sys_errno, EISDIR);
}

static void replaces_whole_files(void **state)
{
    mir_auto_close int dir = open_scratch(state);
    assert_int_equal(mir_file_write_at(dir, "f", "old", 3, 0600, NULL), 0);
    assert_int_equal(mir_file_write_at(dir, "f", "new text", 8, 0640, NULL), 0);
    mir_auto_free char *path = mir_format("%s/f", (const char *)*state);
    mir_auto_free char *got = NULL;
    assert_int_equal(mir_file_read(path, 100, &got, NULL, NULL), 0);
    assert_string_equal(got, "new text");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(st.st_nlink, 1);
}

static void a_failed_write_leaves_nothing(void **state)
{
    mir_auto_close int dir = open_scratch(state);
    assert_int_equal(mkdirat(dir, "taken", 0700), 0);
    assert_int_equal(mkdirat(dir, "taken/full", 0700), 0);
    struct mir_error err = {0};
    assert_int_equal(mir_file_write_at(dir, "taken", "x", 1, 0600, &err), -1);
    assert_non_null(strstr(err.text, "taken"));
    /* Only the directory itself is left: no temporary file beside it. */
    assert_int_equal(mir_dir_remove_at(dir, "taken", NULL), 0);
    mir_auto_free char *temp = mir_format("%s/taken.%ld.new", (const char *)*state, (long)gettid());
    assert_int_equal(access(temp, F_OK), -1);
}

static void makes_what_is_missing(void **state)
{
    mir_auto_free char *path = mir_format("%s/a/b/c", (const char *)*state);
    assert_int_equal(mir_dir_make(path, 0700, NULL), 0);
    assert_int_equal(mir_dir_make(path, 0700, NULL), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));

    struct mir_error err = {0};
    mir_auto_free char *file = scratch_file(state, "file", "x");
    mir_auto_free char *below = mir_format("%s/below", file);
    assert_int_equal(mir_dir_make(below, 0700, &err), -1);
    assert_non_null(strstr(err.text, file));
    assert_int_equal(mir_dir_make(file, 0700, &err), -1);
    assert_int_equal(mir_dir_make("", 0700, &err), -1);
    char *longer = mir_calloc(5001, 1);
    memset(longer, 'x', 5000);
    assert_int_equal(mir_dir_make(longer, 0700, &err), -1);
    free(longer);
}

static void removes_trees_but_never_follows_links(void **state)
{
    const char *dir = *state;
    mir_auto_close int fd = open_scratch(state);
    mir_auto_free char *deep = mir_format("%s/tree/x/y", dir);
    mir_auto_free char *kept = mir_format("%s/kept", dir);
    assert_int_equal(mir_dir_make(deep, 0700, NULL), 0);
    assert_int_equal(mir_dir_make(kept, 0700, NULL), 0);
    mir_auto_free char *inside = scratch_file(state, "kept/file", "x");
    mir_auto_free char *other = scratch_file(state, "tree/x/file", "x");
    mir_auto_free char *link = mir_format("%s/tree/x/link", dir);
    assert_int_equal(symlink(kept, link), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(mir_dir_remove_at(fd, "tree", NULL), 0);
    assert_int_equal(faccessat(fd, "tree", F_OK, 0), -1);
    assert_int_equal(access(inside, F_OK), 0);

    assert_int_equal(mir_dir_remove_at(fd, "tree", NULL), 0); /* absent is success */
    mir_auto_free char *alias = mir_format("%s/alias", dir);
    assert_int_equal(symlink(kept, alias), 0);
    assert_int_equal(mir_dir_remove_at(fd, "alias", NULL), -1);
    assert_int_equal(access(inside, F_OK), 0);
}

static void refuses_trees_that_are_too_deep(void **state)
{
    mir_auto_close int fd = open_scratch(state);
    mir_auto_free char *deep = mir_format("%s/d/d/d/d/d/d/d/d/d/d/d", (const char *)*state);
    assert_int_equal(mir_dir_make(deep, 0700, NULL), 0);
    struct mir_error err = {0};
    assert_int_equal(mir_dir_remove_at(fd, "d", &err), -1);
    assert_non_null(strstr(err.text, "too deeply"));
    assert_int_equal(mir_dir_remove_at(fd, "d/d/d", NULL), 0); /* leave nothing to the fixture */
}

static void writes_all_or_says_why(void **state)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(mir_write_all(ends[1], "hello", 5), 0);
    char got[5];
    assert_int_equal(read(ends[0], got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    close(ends[1]);
    assert_int_equal(mir_write_all(ends[1], "x", 1), -1);
    assert_int_equal(errno, EBADF);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_up_to_its_limit),
        cmocka_unit_test(reads_what_has_no_size),
        cmocka_unit_test(replaces_whole_files),
        cmocka_unit_test(a_failed_write_leaves_nothing),
        cmocka_unit_test(makes_what_is_missing),
        cmocka_unit_test(removes_trees_but_never_follows_links),
        cmocka_unit_test(refuses_trees_that_are_too_deep),
        cmocka_unit_test(writes_all_or_says_why),
    };
    return cmocka_run_group_tests_name("file", tests, scratch_make, scratch_remove);
}
