/* SPDX-License-Identifier: ISC */
#include "console.h"

#include <signal.h>
#include <sys/resource.h>

#include "local_help.h"

#define MIB ((size_t)1 << 20)

/* The byte at an offset of the endless test text. */
static char byte_at(uint64_t offset)
{
    return (char)('a' + offset % 23);
}

static void say(struct local_console *console, uint64_t until)
{
    char chunk[10007];
    while (console->offset < until) {
        size_t n = until - console->offset < sizeof chunk ? (size_t)(until - console->offset)
                                                          : sizeof chunk;
        for (size_t i = 0; i < n; i++)
            chunk[i] = byte_at(console->offset + i);
        local_console_write(console, chunk, n);
    }
}

static uint64_t read_from(int fd, uint64_t offset, struct mir_buf *out)
{
    uint64_t next = 0;
    struct mir_error err = {0};
    if (local_console_read(fd, offset, out, &next, &err))
        fail_msg("%s", err.text);
    return next;
}

static void small(void **state)
{
    int fd = local_place_fd(state);
    struct local_console console;
    struct mir_buf out;
    mir_buf_init(&out, 100);
    assert_int_equal(read_from(fd, 0, &out), 0); /* nothing said yet */
    assert_int_equal(read_from(fd, 7, &out), 7);
    local_console_begin(&console, fd);
    local_console_write(&console, "hello ", 6);
    local_console_write(&console, "world", 5);
    assert_int_equal(read_from(fd, 0, &out), 11);
    assert_string_equal(out.data, "hello world");
    assert_int_equal(read_from(fd, 11, &out), 11);
    assert_int_equal(out.len, 11);
    mir_buf_reset(&out);
    assert_int_equal(read_from(fd, 6, &out), 11);
    assert_string_equal(out.data, "world");
    assert_int_equal(read_from(fd, 99, &out), 99); /* beyond the end: nothing, and stays there */
    local_console_end(&console);
    mir_buf_clear(&out);
}

/* Everything readable from 0 on, in portions; offsets only grow. */
static void read_all(int fd, uint64_t total, uint64_t gap_from, uint64_t gap_to)
{
    struct mir_buf out;
    uint64_t offset = 0;
    char marker[96];
    snprintf(marker, sizeof marker, "\n[mirage-deploy: %llu bytes left out]\n",
             (unsigned long long)(gap_to - gap_from));
    mir_buf_init(&out, 65536);
    while (offset < total) {
        mir_buf_reset(&out);
        uint64_t next = read_from(fd, offset, &out);
        assert_true(next > offset);
        const char *text = out.data;
        size_t len = out.len;
        if (offset == gap_from && gap_to > gap_from) {
            assert_memory_equal(text, marker, strlen(marker));
            text += strlen(marker);
            len -= strlen(marker);
            offset = gap_to;
        }
        assert_int_equal(next - offset, len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(text[i], byte_at(offset + i));
        offset = next;
    }
    mir_buf_reset(&out);
    assert_int_equal(read_from(fd, total, &out), total);
    assert_int_equal(out.len, 0);
    mir_buf_clear(&out);
}

static void nothing_lost_up_to_four_mib(void **state)
{
    int fd = local_place_fd(state);
    struct local_console console;
    local_console_begin(&console, fd);
    say(&console, 2 * MIB + 5);
    read_all(fd, 2 * MIB + 5, 0, 0);
    say(&console, 4 * MIB);
    read_all(fd, 4 * MIB, 0, 0);
    local_console_end(&console);
}

static void the_middle_is_dropped(void **state)
{
    int fd = local_place_fd(state);
    struct local_console console;
    local_console_begin(&console, fd);
    say(&console, 4 * MIB + 1);
    read_all(fd, 4 * MIB + 1, MIB, 2 * MIB);
    say(&console, 10 * MIB + 12345);
    read_all(fd, 10 * MIB + 12345, MIB, 8 * MIB);
    /* A reader that was in what is gone now goes on behind it. */
    struct mir_buf out;
    mir_buf_init(&out, 1000);
    assert_int_equal(read_from(fd, 3 * MIB + 100, &out), 8 * MIB + 1000 -
                                                             strlen("\n[mirage-deploy: "
                                                                    "5242780 bytes "
                                                                    "left out]\n"));
    assert_non_null(strstr(out.data, "5242780 bytes left out"));
    mir_buf_clear(&out);
    local_console_end(&console);
}

/* A full disk, made of a file size limit: bytes are counted, and told when there is room again. */
static void full_disk(void **state)
{
    int fd = local_place_fd(state);
    struct local_console console;
    struct rlimit old, small_files;
    struct mir_buf out;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small_files = old;
    small_files.rlim_cur = 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small_files), 0);
    local_console_begin(&console, fd);
    local_console_write(&console, "123456", 6);
    local_console_write(&console, "7890", 4);
    assert_int_equal(console.lost, 6);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    local_console_write(&console, "back", 4);
    mir_buf_init(&out, 1000);
    assert_int_equal(read_from(fd, 0, &out), console.offset);
    assert_string_equal(out.data, "1234\n[mirage-deploy: 6 bytes lost, the disk was full]\nback");
    mir_buf_clear(&out);
    local_console_end(&console);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_IN_PLACE(small),
        LOCAL_IN_PLACE(nothing_lost_up_to_four_mib),
        LOCAL_IN_PLACE(the_middle_is_dropped),
        LOCAL_IN_PLACE(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
