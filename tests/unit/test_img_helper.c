/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "images/helper.h"
#include "krn_forge.h"

/* argv[1]: the mirage-image of this build. */
static const char *helper;
static char dir[] = "/tmp/test-img-helper-XXXXXX";
static struct forge f;

static char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void write_kernel(void)
{
    forge_elf(&f, false, 3);
    forge_load(&f, 0x100000, "code", 4, 0x2000);
    forge_mb1(&f, 0x1020, 3);
    forge_finish(&f);
    write_file("kernel", f.data, f.len, 0600);
}

static int inspect(const char *name, struct mir_kernel *k, struct mir_error *err)
{
    memset(err, 0, sizeof *err);
    return img_inspect_file(helper, path_of(name), 0, k, err);
}

static void test_answer(void **state)
{
    struct mir_kernel k, want;
    struct mir_error err;
    write_kernel();
    if (inspect("kernel", &k, &err))
        fail_msg("%s", err.text);
    assert_int_equal(krn_inspect_memory(f.data, f.len, krn_limits_default(), &want, NULL), 0);
    assert_string_equal(k.sha256, want.sha256);
    assert_int_equal(k.format, MIR_FORMAT_MULTIBOOT1);
    assert_string_equal(mir_kernel_boots(&k, "local")->why, mir_kernel_boots(&want, "local")->why);
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *name;
        enum mir_kind kind;
        const char *text;
    } rows[] = {
        {"absent", MIR_NOT_FOUND, "absent"}, {"empty", MIR_USAGE, "empty"},
        {"folder", MIR_USAGE, "directory"},  {"fifo", MIR_USAGE, "regular file"},
        {"cut", MIR_CORRUPT, "cut off"},     {"cut.gz", MIR_CORRUPT, "gzip"},
    };
    write_kernel();
    write_file("empty", "", 0, 0600);
    write_file("cut", f.data, 0x1002, 0600);
    write_file("cut.gz", "\x1f\x8b\x08\0\0\0\0\0\0\0", 10, 0600);
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k;
        struct mir_error err;
        assert_int_equal(inspect(rows[i].name, &k, &err), -1);
        assert_string_equal(mir_kind_info(err.kind)->name, mir_kind_info(rows[i].kind)->name);
        if (!strstr(err.text, rows[i].text) || !strstr(err.text, rows[i].name))
            fail_msg("'%s' does not name '%s'", err.text, rows[i].text);
    }
}

/* An inspector that misbehaves; the file is the kernel. */
static int with_script(const char *body, int64_t timeout_ms, struct mir_error *err)
{
    char script[1024];
    struct mir_kernel k = {.bytes = 4711};
    int len = snprintf(script, sizeof script, "#!/bin/sh\n%s\n", body);
    write_file("script", script, (size_t)len, 0700);
    char program[256];
    snprintf(program, sizeof program, "%s", path_of("script"));
    memset(err, 0, sizeof *err);
    int rc = img_inspect_file(program, path_of("kernel"), timeout_ms, &k, err);
    if (rc)
        assert_int_equal(k.bytes, 4711); /* untouched */
    else
        assert_int_equal(k.bytes, f.len);
    return rc;
}

static void test_bad_inspectors(void **state)
{
    static const struct {
        const char *body;
        enum mir_kind kind;
    } rows[] = {
        {"cat \"${0%script}answer\"; exit 1", MIR_CORRUPT},
        {"cat \"${0%script}answer\"; kill -SYS $$", MIR_CORRUPT},
        {"kill -SYS $$", MIR_CORRUPT},
        {"kill -SEGV $$", MIR_CORRUPT},
        {"exit 0", MIR_CORRUPT},
        {"exit 1", MIR_CORRUPT},
        {"echo nonsense", MIR_CORRUPT},
        {"echo '{}'", MIR_CORRUPT},
        {"echo '{\"error\":{}}'; exit 2", MIR_CORRUPT},
        {"echo '{\"error\":{\"code\":\"ok\",\"text\":\"x\"}}'; exit 2", MIR_CORRUPT},
        {"echo '{\"error\":{\"code\":\"usage\",\"text\":\"x\",\"hint\":\"y\"}}'; exit 2",
         MIR_USAGE},
        {"while :; do echo 01234567890123456789012345678901234567890123456789; done", MIR_CORRUPT},
    };
    struct mir_kernel k;
    struct mir_error none;
    write_kernel();
    assert_int_equal(krn_inspect_memory(f.data, f.len, krn_limits_default(), &k, NULL), 0);
    json_t *json = mir_kernel_to_json(&k);
    char *answer = json_dumps(json, JSON_COMPACT);
    write_file("answer", answer, strlen(answer), 0600);
    free(answer);
    json_decref(json);
    assert_int_equal(with_script("cat \"${0%script}answer\"", 20000, &none), 0);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err;
        assert_int_equal(with_script(rows[i].body, 20000, &err), -1);
        if (err.kind != rows[i].kind)
            fail_msg("%s: %s: %s", rows[i].body, mir_kind_info(err.kind)->name, err.text);
    }
}

static void test_deadline(void **state)
{
    static const char *const bodies[] = {
        "exec sleep 60", "exec 1>&-; exec sleep 60", /* has closed its answer and stays */
    };
    write_kernel();
    for (size_t i = 0; i < MIR_NELEMS(bodies); i++) {
        struct mir_error err;
        assert_int_equal(with_script(bodies[i], 300, &err), -1);
        assert_int_equal(err.kind, MIR_TIMEOUT);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void test_no_inspector(void **state)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    write_kernel();
    assert_int_equal(img_inspect_file("/nonexistent/mirage-image", path_of("kernel"), 0, &k, &err),
                     -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_non_null(strstr(err.text, "/nonexistent/mirage-image"));
}

/* What the inspector gets: the file as 3, nothing that we happen to hold, no environment. */
static void test_what_is_handed_over(void **state)
{
    static const char body[] =
        "[ -e /proc/$$/fd/77 ] && t=leak\n"
        "[ -n \"$HOME$PATH_OF_TEST\" ] && t=environment\n"
        "[ /proc/$$/fd/3 -ef \"${0%script}kernel\" ] || t=file\n"
        "printf '{\"error\":{\"code\":\"usage\",\"text\":\"%s\"}}' \"<$t> $*\"; exit 2";
    struct mir_error err;
    write_kernel();
    setenv("PATH_OF_TEST", "here", 1);
    assert_int_equal(dup2(STDIN_FILENO, 77), 77); /* without O_CLOEXEC, and still not handed over */
    assert_int_equal(with_script(body, 20000, &err), -1);
    close(77);
    assert_int_equal(err.kind, MIR_USAGE);
    if (!strstr(err.text, ": <> inspect --fd 3 --json"))
        fail_msg("%s", err.text);
}

/* --- unpacking --- */

static int unpack(const char *name, const char *to, struct mir_error *err)
{
    memset(err, 0, sizeof *err);
    int in = open(path_of(name), O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    int rc = img_unpack_fd(helper, in, out, name, 0, err);
    close(in);
    close(out);
    return rc;
}

static void test_unpack(void **state)
{
    unsigned char packed[8192], got[sizeof f.data];
    struct mir_error err;
    write_kernel();
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = f.data;
    z.avail_in = (unsigned)f.len;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t packed_len = sizeof packed - z.avail_out;
    deflateEnd(&z);
    char to[256];
    snprintf(to, sizeof to, "%s", path_of("unpacked"));
    write_file("packed", packed, packed_len, 0600);
    if (unpack("packed", to, &err))
        fail_msg("%s", err.text);
    int fd = open(to, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, got, sizeof got), (ssize_t)f.len);
    assert_memory_equal(got, f.data, f.len);
    close(fd);
    write_file("packed", packed, packed_len - 5, 0600);
    assert_int_equal(unpack("packed", to, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    write_file("packed", packed, packed_len, 0600);
    assert_int_equal(unpack("packed", "/dev/full", &err), -1);
    assert_int_equal(err.kind, MIR_NO_SPACE);
}

/* Also when the low numbers are taken or free: each is its own kind of trap. */
static void test_low_descriptors(void **state)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    write_kernel();
    for (int target = 0; target <= 4; target++) {
        int saved = fcntl(target, F_DUPFD_CLOEXEC, 20);
        int fd = open(path_of("kernel"), O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        int high = fcntl(fd, F_DUPFD_CLOEXEC, 30);
        dup2(fd, target);
        int rc = img_inspect_fd(helper, target, "kernel", 0, &k, &err);
        close(target);
        int rc_closed = img_inspect_fd(helper, high, "kernel", 0, &k, &err);
        close(high);
        if (saved >= 0) {
            dup2(saved, target);
            close(saved);
        }
        if (fd != target)
            close(fd);
        assert_int_equal(rc, 0);
        assert_int_equal(rc_closed, 0);
    }
}

static void *many(void *arg)
{
    long failures = 0;
    for (int i = 0; i < 10; i++) {
        struct mir_kernel k;
        struct mir_error err = {0};
        failures +=
            img_inspect_file(helper, arg, 0, &k, &err) != 0 || k.format != MIR_FORMAT_MULTIBOOT1;
    }
    return (void *)failures;
}

static void test_threads(void **state)
{
    pthread_t threads[8];
    char path[256];
    write_kernel();
    snprintf(path, sizeof path, "%s", path_of("kernel"));
    for (size_t i = 0; i < MIR_NELEMS(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, path), 0);
    for (size_t i = 0; i < MIR_NELEMS(threads); i++) {
        void *failures = NULL;
        pthread_join(threads[i], &failures);
        assert_null(failures);
    }
}

static int set_up(void **state)
{
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"kernel", "empty",  "cut",      "cut.gz", "fifo",
                                        "script", "packed", "unpacked", "answer"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        unlink(path_of(names[i]));
    rmdir(path_of("folder"));
    return rmdir(dir);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),          cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_bad_inspectors),  cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_no_inspector),    cmocka_unit_test(test_what_is_handed_over),
        cmocka_unit_test(test_low_descriptors), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_unpack),
    };
    if (argc != 2)
        return 2;
    helper = argv[1];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
