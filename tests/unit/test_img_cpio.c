/* SPDX-License-Identifier: ISC */
/* cpio archives: byte for byte where the format is fixed, and as GNU cpio and bsdtar read them. */
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "images/cpio.h"
#include "scratch.h"

#define ARCHIVE_MAX ((size_t)1 << 20)

static const char text[] = "five\n";

static void fill(struct img_cpio *cpio)
{
    assert_int_equal(img_cpio_folder(cpio, "bin", 0755, NULL), 0);
    assert_int_equal(img_cpio_file(cpio, "bin/five", 04755, text, 5, NULL), 0);
    assert_int_equal(img_cpio_file(cpio, "bin/none", 0600, "", 0, NULL), 0);
    assert_int_equal(img_cpio_link(cpio, "bin/one", "five", NULL), 0);
    assert_int_equal(img_cpio_device(cpio, "console", 0620, 5, 1, NULL), 0);
    assert_int_equal(img_cpio_begin(cpio, "pieces", 0444, 7, NULL), 0);
    assert_int_equal(img_cpio_content(cpio, "pie", 3, NULL), 0);
    assert_int_equal(img_cpio_content(cpio, "ces\n", 4, NULL), 0);
    assert_int_equal(img_cpio_end(cpio, NULL), 0);
    assert_int_equal(img_cpio_finish(cpio, NULL), 0);
}

/* Written out from the format's description. */
static void test_bytes(void **state)
{
    static const char expected[] = "070701"
                                   "00000001" /* inode */
                                   "000081ED" /* mode */
                                   "00000000" /* user */
                                   "00000000" /* group */
                                   "00000001" /* links */
                                   "00000000" /* time */
                                   "00000005" /* size */
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000002" /* bytes of the name */
                                   "00000000"
                                   "a\0" /* 112 bytes: no padding */
                                   "five\n\0\0\0"
                                   "070701"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000001"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "00000000"
                                   "0000000B"
                                   "00000000"
                                   "TRAILER!!!\0\0\0"; /* 121 bytes, and three to 124 */
    mir_auto_buf struct mir_buf buf;
    struct img_cpio cpio;
    (void)state;
    mir_buf_init(&buf, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &buf);
    assert_int_equal(img_cpio_file(&cpio, "a", 0755, text, 5, NULL), 0);
    assert_int_equal(img_cpio_finish(&cpio, NULL), 0);
    assert_int_equal(buf.len, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);
    assert_int_equal(cpio.at, buf.len);
}

static void test_again(void **state)
{
    mir_auto_buf struct mir_buf one, two;
    struct img_cpio cpio;
    (void)state;
    mir_buf_init(&one, ARCHIVE_MAX);
    mir_buf_init(&two, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &one);
    fill(&cpio);
    img_cpio_init_buf(&cpio, &two);
    fill(&cpio);
    assert_int_equal(one.len % 4, 0);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
}

/* Content that somebody else puts there is counted as if it had been written. */
static void test_skip(void **state)
{
    mir_auto_buf struct mir_buf whole, holey;
    struct img_cpio cpio;
    (void)state;
    mir_buf_init(&whole, ARCHIVE_MAX);
    mir_buf_init(&holey, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &whole);
    assert_int_equal(img_cpio_file(&cpio, "kernel", 0400, text, 5, NULL), 0);
    assert_int_equal(img_cpio_finish(&cpio, NULL), 0);
    img_cpio_init_buf(&cpio, &holey);
    assert_int_equal(img_cpio_begin(&cpio, "kernel", 0400, 5, NULL), 0);
    size_t hole = (size_t)cpio.at;
    assert_int_equal(img_cpio_skip(&cpio, 5, NULL), 0);
    assert_int_equal(img_cpio_end(&cpio, NULL), 0);
    assert_int_equal(img_cpio_finish(&cpio, NULL), 0);
    assert_int_equal(cpio.at, whole.len);
    assert_int_equal(holey.len + 5, whole.len);
    assert_memory_equal(whole.data, holey.data, hole);
    assert_memory_equal(whole.data + hole, text, 5);
    assert_memory_equal(whole.data + hole + 5, holey.data + hole, holey.len - hole);
}

static void test_refused(void **state)
{
    static const char *const paths[] = {"",    "/a",   "a/",    "a//b", ".",     "..",
                                        "./a", "a/..", "a/./b", "../a", "a/../b"};
    mir_auto_buf struct mir_buf buf;
    struct img_cpio cpio;
    struct mir_error err = {0};
    char longest[IMG_CPIO_PATH_MAX + 2];
    (void)state;
    mir_buf_init(&buf, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &buf);
    for (size_t i = 0; i < MIR_NELEMS(paths); i++) {
        if (!img_cpio_folder(&cpio, paths[i], 0755, &err))
            fail_msg("\"%s\" was taken", paths[i]);
        assert_int_equal(err.kind, MIR_USAGE);
    }
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(img_cpio_folder(&cpio, longest, 0755, &err), -1);
    assert_int_equal(img_cpio_link(&cpio, "l", longest, &err), -1);
    assert_int_equal(img_cpio_link(&cpio, "l", "", &err), -1);
    assert_int_equal(img_cpio_begin(&cpio, "f", 0, IMG_CPIO_FILE_MAX + 1, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(buf.len, 0);
    longest[IMG_CPIO_PATH_MAX] = '\0';
    assert_int_equal(img_cpio_folder(&cpio, longest, 0755, &err), 0);
    assert_int_equal(img_cpio_folder(&cpio, "..a/.b/c..", 0755, &err), 0);
}

static void test_too_much_or_too_little(void **state)
{
    mir_auto_buf struct mir_buf buf;
    struct img_cpio cpio;
    struct mir_error err = {0};
    (void)state;
    mir_buf_init(&buf, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &buf);
    assert_int_equal(img_cpio_begin(&cpio, "f", 0, 5, &err), 0);
    assert_int_equal(img_cpio_content(&cpio, text, 6, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(img_cpio_skip(&cpio, 6, &err), -1);
    assert_int_equal(img_cpio_content(&cpio, text, 4, &err), 0);
    assert_int_equal(img_cpio_end(&cpio, &err), -1);
    assert_int_equal(img_cpio_finish(&cpio, &err), -1);
    assert_int_equal(img_cpio_folder(&cpio, "g", 0755, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
}

/* A buffer that is full, at any place, is an error of its own, and said. */
static void test_full(void **state)
{
    struct img_cpio cpio;
    mir_auto_buf struct mir_buf whole;
    (void)state;
    mir_buf_init(&whole, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &whole);
    assert_int_equal(img_cpio_file(&cpio, "f", 0, text, 5, NULL), 0);
    assert_int_equal(img_cpio_finish(&cpio, NULL), 0);
    for (size_t max = 0; max < whole.len; max++) {
        mir_auto_buf struct mir_buf buf;
        struct mir_error err = {0};
        mir_buf_init(&buf, max);
        img_cpio_init_buf(&cpio, &buf);
        assert_true(img_cpio_file(&cpio, "f", 0, text, 5, &err) || img_cpio_finish(&cpio, &err));
        assert_int_equal(err.kind, MIR_NO_SPACE);
    }
}

/* --- as others read it --- */

/* Standard output of a command of the shell, owned; NULL when it failed. */
static char *ask(const char *command, const char *folder)
{
    mir_auto_free char *out = mir_format("%s/out", folder);
    mir_auto_free char *line = mir_format("cd '%s' && { %s ; } >out 2>err", folder, command);
    char *text_out = NULL;
    pid_t pid = fork();
    if (!pid) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) ||
        mir_file_read(out, ARCHIVE_MAX, &text_out, NULL, NULL))
        return NULL;
    return text_out;
}

static void judge(void *const *state, const char *tool, const char *command, const char *expected)
{
    mir_auto_buf struct mir_buf buf;
    struct img_cpio cpio;
    /* skip() jumps, and takes nothing down. */
    char *check = mir_format("command -v %s", tool), *there = ask(check, *state);
    bool missing = !there;
    free(check);
    free(there);
    if (missing) {
        print_message("skipped: %s is not installed\n", tool);
        skip();
    }
    mir_buf_init(&buf, ARCHIVE_MAX);
    img_cpio_init_buf(&cpio, &buf);
    fill(&cpio);
    mir_auto_free char *path = mir_format("%s/a.cpio", (const char *)*state);
    assert_int_equal(mir_file_write_at(AT_FDCWD, path, buf.data, buf.len, 0600, NULL), 0);
    mir_auto_free char *got = ask(command, *state);
    assert_non_null(got);
    assert_string_equal(got, expected);
}

static void test_gnu_cpio(void **state)
{
    judge(state, "cpio",
          "cpio --quiet -itvn <a.cpio | awk '{ print $1, $2, $3, $4, $5, $6, $NF }' && "
          "cpio --quiet -i --to-stdout 'pieces' <a.cpio && cpio --quiet -i --to-stdout 'bin/five' "
          "<a.cpio",
          "drwxr-xr-x 2 0 0 0 Jan bin\n"
          "-rwsr-xr-x 1 0 0 5 Jan bin/five\n"
          "-rw------- 1 0 0 0 Jan bin/none\n"
          "lrwxrwxrwx 1 0 0 4 Jan five\n"
          "crw--w---- 1 0 0 5, 1 console\n"
          "-r--r--r-- 1 0 0 7 Jan pieces\n"
          "pieces\nfive\n");
}

static void test_bsdtar(void **state)
{
    judge(state, "bsdtar", "bsdtar -tf a.cpio && bsdtar -xOf a.cpio bin/five pieces",
          "bin\nbin/five\nbin/none\nbin/one\nconsole\npieces\nfive\npieces\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_much_or_too_little),
        cmocka_unit_test(test_full),
        cmocka_unit_test_setup_teardown(test_gnu_cpio, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_bsdtar, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests_name("img_cpio", tests, NULL, NULL);
}
