/* SPDX-License-Identifier: ISC */
/* A disk as extents, and going through it: in order, without gaps, the input read once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "image_random.h"
#include "images/container.h"

#define INPUT_BYTES 3000000

static void make(struct img_disk *disk)
{
    struct mir_error err = {0};
    assert_int_equal(img_disk_init(disk, (uint64_t)8 << 20, &err), 0);
    assert_int_equal(img_disk_input(disk, 1 << 20, 0, 1000000, &err), 0);
    assert_int_equal(img_disk_bytes(disk, 0, "head", 4, &err), 0);
    assert_int_equal(img_disk_input(disk, (1 << 20) + 1000000, 1000000, 500000, &err), 0);
    assert_int_equal(img_disk_input(disk, 4 << 20, 2000000, 1000000, &err), 0);
    assert_non_null(img_disk_room(disk, 6 << 20, 700, &err));
    assert_int_equal(img_disk_seal(disk, &err), 0);
}

/* What has to come out, made the simple way. */
static unsigned char *expected(const struct img_disk *disk, int fd)
{
    unsigned char *all = calloc(1, disk->size);
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->bytes)
            memcpy(all + e->at, e->bytes, e->len);
        else
            assert_int_equal(pread(fd, all + e->at, e->len, (off_t)e->input_at), e->len);
    }
    return all;
}

static void test_seal_sorts_and_joins(void **state)
{
    struct img_disk disk;
    (void)state;
    make(&disk);
    assert_int_equal(disk.count, 4); /* head, one joined range, another, the zeros */
    assert_int_equal(disk.extents[1].len, 1500000);
    assert_int_equal(img_disk_written(&disk), 4 + 1500000 + 1000000 + 700);
    assert_true(img_disk_is_sequential(&disk));
    assert_true(img_disk_has(&disk, 6 << 20, 1)); /* zeros that were written are there */
    assert_false(img_disk_has(&disk, 5 << 20, 512));
    assert_true(img_disk_has(&disk, (4 << 20) - 1, 2));
    img_disk_clear(&disk);
}

static void test_wrong_layouts(void **state)
{
    static const struct {
        uint64_t at, len;
    } bad[] = {{0, 513}, {1023, 2}, {4095, 2}, {UINT64_MAX - 3, 8}, {4096, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct img_disk disk;
        struct mir_error err = {0};
        assert_int_equal(img_disk_init(&disk, 4096, &err), 0);
        assert_int_equal(img_disk_input(&disk, 512, 0, 512, &err), 0);
        assert_int_equal(img_disk_input(&disk, bad[i].at, 0, bad[i].len, &err), 0);
        assert_int_equal(img_disk_seal(&disk, &err), -1);
        assert_int_equal(err.kind, MIR_INTERNAL);
        img_disk_clear(&disk);
    }
}

static void test_sizes(void **state)
{
    static const uint64_t bad[] = {0, 511, 513, IMG_DISK_BYTES_MAX + 512, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct img_disk disk;
        struct mir_error err = {0};
        assert_int_equal(img_disk_init(&disk, bad[i], &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_true(*err.hint);
    }
    struct img_disk disk;
    struct mir_error err = {0};
    assert_int_equal(img_disk_init(&disk, 4096, &err), 0);
    assert_null(img_disk_room(&disk, 0, IMG_DISK_MADE_MAX + 1, &err));
    assert_int_equal(err.kind, MIR_USAGE);
    img_disk_clear(&disk);
}

static void test_cursor_gives_all_of_it(void **state)
{
    static const size_t blocks[] = {1, 511, 512, 65536, 8 << 20};
    struct img_disk disk;
    struct mir_error err = {0};
    (void)state;
    make(&disk);
    int fd = image_input(3, INPUT_BYTES);
    unsigned char *want = expected(&disk, fd), *got = malloc(disk.size);
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        size_t step = blocks[b], upto = step < 500 ? 2 << 20 : disk.size;
        struct img_input input;
        struct img_cursor cursor;
        img_input_init(&input, fd);
        img_cursor_init(&cursor, &disk, &input);
        for (size_t at = 0; at < upto; at += step) {
            size_t n = upto - at < step ? upto - at : step;
            bool hole;
            assert_int_equal(img_cursor_read(&cursor, got + at, n, &hole, &err), 0);
            assert_int_equal(hole, !img_disk_has(&disk, at, n));
        }
        assert_memory_equal(got, want, upto);
        img_cursor_clear(&cursor);
    }
    free(want);
    free(got);
    close(fd);
    img_disk_clear(&disk);
}

/* Through a pipe, which comes once. */
static void test_raw_from_a_pipe(void **state)
{
    struct img_disk disk;
    struct mir_error err = {0};
    int ends[2];
    (void)state;
    make(&disk);
    int fd = image_input(3, INPUT_BYTES), out = memfd_create("out", MFD_CLOEXEC);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        static char chunk[60000];
        ssize_t n;
        for (off_t at = 0; (n = pread(fd, chunk, sizeof chunk, at)) > 0; at += n)
            if (write(ends[1], chunk, (size_t)n) != n)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    struct img_input input;
    struct img_output output;
    img_input_init(&input, ends[0]);
    img_output_init(&output, out);
    assert_false(input.seekable);
    assert_int_equal(
        img_container_write(img_container_by_name("raw"), &disk, &input, &output, &err), 0);
    unsigned char *want = expected(&disk, fd), *got = malloc(disk.size);
    assert_int_equal(pread(out, got, disk.size, 0), disk.size);
    assert_int_equal(lseek(out, 0, SEEK_END), disk.size);
    assert_memory_equal(got, want, disk.size);
    free(want);
    free(got);
    close(out);
    close(ends[0]);
    close(fd);
    img_disk_clear(&disk);
}

static void test_input_cut_off_and_backwards(void **state)
{
    struct mir_error err = {0};
    unsigned char byte;
    struct img_input input;
    int fd = image_input(3, INPUT_BYTES), ends[2];
    (void)state;
    img_input_init(&input, fd);
    assert_int_equal(img_input_read(&input, INPUT_BYTES, &byte, 1, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    img_input_init(&input, ends[0]);
    assert_int_equal(img_input_read(&input, 1, &byte, 1, &err), 0);
    assert_int_equal(byte, 'b');
    assert_int_equal(img_input_read(&input, 0, &byte, 1, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_sorts_and_joins),
        cmocka_unit_test(test_wrong_layouts),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_cursor_gives_all_of_it),
        cmocka_unit_test(test_raw_from_a_pipe),
        cmocka_unit_test(test_input_cut_off_and_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
