/* SPDX-License-Identifier: ISC */
/* tar archives, made by GNU tar as dpkg-deb has them made, read in pieces of every size. */
#include <sys/stat.h>
#include <sys/wait.h>

#include "scratch.h"
#include "tar_read.h"

#define ARCHIVE_MAX ((size_t)4 << 20)
#define LONG_NAME                                                                                  \
    "a-folder-with-a-long-name-a-folder-with-a-long-name/"                                         \
    "a-file-with-a-long-name-a-file-with-a-long-name-a-file-with-a-long-name-a-file-with"

/* What came, one line each; the content of every second file is not wanted. */
struct seen {
    struct mir_buf text;
    bool stop; /* at the first entry */
};

static int on_entry(void *ctx, const struct img_tar_entry *entry, bool *ret_wanted,
                    struct mir_error *err)
{
    struct seen *seen = ctx;
    mir_buf_addf(&seen->text, "\n%d %04o %s %s %u ", (int)entry->kind, entry->mode, entry->path,
                 entry->target, (unsigned)entry->size);
    *ret_wanted = !strstr(entry->path, "unwanted");
    return seen->stop ? mir_fail(err, MIR_USAGE, "enough") : 0;
}

static int on_content(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct seen *seen = ctx;
    (void)err;
    return mir_buf_add(&seen->text, data, len);
}

/* 0 and what was seen (owned), or -1. */
static int read_in_pieces(const char *data, size_t len, size_t piece, char **ret,
                          struct mir_error *err)
{
    struct seen seen = {.stop = false};
    const struct img_tar_sink sink = {on_entry, on_content, &seen};
    struct img_tar_read tar;
    int rc = 0;
    mir_buf_init(&seen.text, ARCHIVE_MAX);
    img_tar_read_init(&tar, &sink);
    for (size_t at = 0; !rc && at < len; at += piece)
        rc = img_tar_read_feed(&tar, data + at, len - at < piece ? len - at : piece, err);
    if (!rc)
        rc = img_tar_read_finish(&tar, err);
    img_tar_read_clear(&tar);
    if (rc)
        mir_buf_clear(&seen.text);
    else
        *ret = mir_buf_take(&seen.text);
    return rc;
}

static const char make[] =
    "mkdir -p d '" LONG_NAME "' && printf five >d/five && : >d/none && ln -s ../five d/link && "
    "ln d/five d/second && printf x >'" LONG_NAME "/x' && printf secret >d/unwanted && "
    "ln -s '" LONG_NAME "-" LONG_NAME "' d/long && chmod 4755 d/five && chmod 700 d && "
    "tar --format=gnu --sort=name --owner=0 --group=0 --mtime=@0 -cf t.tar ./d ./a-folder*";

static char *archive_of(void *const *state, size_t *ret_len)
{
    mir_auto_free char *line = mir_format("cd '%s' && { %s ; }", (const char *)*state, make);
    mir_auto_free char *path = mir_format("%s/t.tar", (const char *)*state);
    pid_t pid = fork();
    int status = 0;
    char *data;
    if (!pid) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(mir_file_read(path, ARCHIVE_MAX, &data, ret_len, NULL), 0);
    return data;
}

static void test_pieces(void **state)
{
    static const size_t pieces[] = {1, 7, 511, 512, 513, 4096, ARCHIVE_MAX};
    size_t len;
    mir_auto_free char *data = archive_of(state, &len);
    for (size_t i = 0; i < MIR_NELEMS(pieces); i++) {
        mir_auto_free char *seen = NULL;
        assert_int_equal(read_in_pieces(data, len, pieces[i], &seen, NULL), 0);
        assert_string_equal(seen,
                            "\n1 0700 d/  0 "
                            "\n0 4755 d/five  4 five"
                            "\n2 0777 d/link ../five 0 "
                            "\n2 0777 d/long " LONG_NAME "-" LONG_NAME " 0 "
                            "\n0 0644 d/none  0 "
                            "\n3 4755 d/second ./d/five 0 "
                            "\n0 0644 d/unwanted  6 "
                            "\n1 0755 a-folder-with-a-long-name-a-folder-with-a-long-name/  0 "
                            "\n1 0755 " LONG_NAME "/  0 "
                            "\n0 0644 " LONG_NAME "/x  1 x");
    }
}

static void test_cut_off(void **state)
{
    size_t len;
    mir_auto_free char *data = archive_of(state, &len);
    size_t end = len;
    while (end && !data[end - 1])
        end--;
    for (size_t cut = 0; cut < end; cut += 97) {
        struct mir_error err = {0};
        mir_auto_free char *seen = NULL;
        assert_int_equal(read_in_pieces(data, cut, 512, &seen, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
    }
}

/* Every byte of the first header counts, as the sum is over them all but its own field, where the
 * last one stands behind the number's end. */
static void test_flipped(void **state)
{
    size_t len;
    mir_auto_free char *data = archive_of(state, &len);
    for (size_t at = 0; at < 500; at++) {
        struct mir_error err = {0};
        mir_auto_free char *seen = NULL;
        if (at == 155)
            continue;
        data[at] ^= 1;
        assert_int_equal(read_in_pieces(data, len, 512, &seen, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        data[at] ^= 1;
    }
}

/* A header with this type and size, its sum right. */
static void put_header(char *head, char type, const char *size)
{
    unsigned sum = 0;
    memset(head, 0, 512);
    memcpy(head, "name", 4);
    memcpy(head + 100, "0000644", 8);
    memcpy(head + 124, size, 12);
    memset(head + 148, ' ', 8);
    head[156] = type;
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
}

static void test_refused(void **state)
{
    static const struct {
        char type;
        const char *size; /* twelve bytes */
        bool fine;
    } rows[] = {
        {'0', "00000000000\0", true},
        {'0', "\x80\0\0\0\0\0\0\0\0\0\0\0", true},  /* GNU's other way */
        {'0', "\xff\0\0\0\0\0\0\0\0\0\0\0", false}, /* negative */
        {'0', "\x80\xff\0\0\0\0\0\0\0\0\0\0", false},
        {'0', "0000000000x\0", false},
        {'x', "00000000000\0", false},
        {'g', "00000000000\0", false},
        {'L', "00000010001\0", false}, /* a name of 4097 bytes */
        {'3', "00000000000\0", true},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char data[3 * 512] = {0};
        struct mir_error err = {0};
        mir_auto_free char *seen = NULL;
        put_header(data, rows[i].type, rows[i].size);
        if (read_in_pieces(data, sizeof data, 512, &seen, &err) != (rows[i].fine ? 0 : -1))
            fail_msg("row %zu: %s", i, err.text);
    }
}

static void test_stops(void **state)
{
    struct seen seen = {.stop = true};
    const struct img_tar_sink sink = {on_entry, on_content, &seen};
    struct img_tar_read tar;
    struct mir_error err = {0};
    char data[512];
    (void)state;
    put_header(data, '0', "00000000000\0");
    mir_buf_init(&seen.text, ARCHIVE_MAX);
    img_tar_read_init(&tar, &sink);
    assert_int_equal(img_tar_read_feed(&tar, data, sizeof data, &err), -1);
    assert_string_equal(err.text, "enough");
    img_tar_read_clear(&tar);
    mir_buf_clear(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_cut_off, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_flipped, scratch_make, scratch_remove),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stops),
    };
    umask(022);
    return cmocka_run_group_tests_name("img_tar_read", tests, NULL, NULL);
}
