/* SPDX-License-Identifier: ISC */
/* The stream of extents: what was written and nothing else; and nobody's word is taken for it. */
#include <sys/mman.h>

#include "image_random.h"
#include "images/container.h"
#include "images/extents.h"
#include "put.h"
#include "scratch.h"

#define INPUT_BYTES ((uint64_t)4 << 20)
#define MAX_BYTES ((uint64_t)1 << 40)

static int stream_of(const struct img_disk *disk, int in)
{
    struct mir_error err = {0};
    struct img_input input;
    struct img_output output;
    int out = memfd_create("extents", MFD_CLOEXEC);
    img_input_init(&input, in);
    img_output_init(&output, out);
    assert_int_equal(
        img_container_write(img_container_by_name("extents"), disk, &input, &output, &err), 0);
    assert_int_equal(lseek(out, 0, SEEK_SET), 0);
    return out;
}

/* Goes through both at once: the records are the extents, in order, without a byte more. */
static void test_exactly_what_was_written(void **state)
{
    int in = image_input(5, INPUT_BYTES);
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct mir_error err = {0};
        struct img_disk disk;
        struct img_input input;
        struct img_run run;
        mir_auto_extents struct img_extents x;
        mir_auto_cursor struct img_cursor cursor;
        mir_auto_free unsigned char *want = malloc(IMG_STREAM_BYTES);
        uint64_t sum = 0;
        assert_int_equal(image_random(&disk, seed, (uint64_t)8 << 30, INPUT_BYTES, &err), 0);
        img_input_init(&input, in);
        img_cursor_init(&cursor, &disk, &input);
        int fd = stream_of(&disk, in);
        assert_int_equal(img_extents_open(&x, fd, MAX_BYTES, &err), 0);
        assert_int_equal(x.size, disk.size);
        for (;;) {
            if (img_extents_next(&x, &run, &err))
                fail_msg("seed %u: %s", (unsigned)seed, err.text);
            if (!run.len)
                break;
            bool hole = true;
            img_cursor_skip(&cursor, run.at - cursor.at);
            assert_int_equal(img_cursor_read(&cursor, want, (size_t)run.len, &hole, &err), 0);
            assert_false(hole);
            assert_memory_equal(want, run.data, (size_t)run.len);
            sum += run.len;
        }
        assert_int_equal(sum, img_disk_written(&disk));
        assert_int_equal(img_extents_next(&x, &run, &err), 0); /* it stays at the end */
        assert_int_equal(run.len, 0);
        close(fd);
        img_disk_clear(&disk);
    }
    close(in);
}

static int read_all(int fd, struct mir_error *err)
{
    mir_auto_extents struct img_extents x;
    struct img_run run = {.len = 1};
    if (img_extents_open(&x, fd, MAX_BYTES, err))
        return -1;
    while (run.len)
        if (img_extents_next(&x, &run, err))
            return -1;
    return 0;
}

static int small_stream(void)
{
    struct mir_error err = {0};
    struct img_disk disk;
    assert_int_equal(img_disk_init(&disk, 4096, &err), 0);
    assert_int_equal(img_disk_bytes(&disk, 100, "abcdef", 6, &err), 0);
    assert_int_equal(img_disk_bytes(&disk, 1000, "ghi", 3, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    int fd = stream_of(&disk, -1);
    img_disk_clear(&disk);
    return fd;
}

static void refused(int fd, const char *word)
{
    struct mir_error err = {0};
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(read_all(fd, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" instead of \"%s\"", err.text, word);
}

static void test_every_byte_counts(void **state)
{
    int fd = small_stream();
    off_t size = lseek(fd, 0, SEEK_END);
    (void)state;
    for (off_t at = 0; at < size; at++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            unsigned char byte, changed;
            assert_int_equal(pread(fd, &byte, 1, at), 1);
            changed = byte ^ (unsigned char)bit;
            assert_int_equal(pwrite(fd, &changed, 1, at), 1);
            refused(fd, "");
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
    for (off_t cut = 0; cut < size; cut++) {
        int shorter = small_stream();
        assert_int_equal(ftruncate(shorter, cut), 0);
        refused(shorter, "cut off");
        close(shorter);
    }
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(read_all(fd, NULL), 0);
    close(fd);
}

/* Streams that are wrong before the digest could say so. */
static void test_order_and_limits(void **state)
{
    static const struct {
        uint64_t size, at, len;
        const char *word;
    } bad[] = {
        {4096, 4096, 1, "out of order"},
        {4096, 4000, 97, "out of order"},
        {4096, UINT64_MAX - 1, 2, "out of order"},
        {4096, 50, 51, "out of order"},
        {4096, 0, UINT64_MAX, "out of order"},
        {MAX_BYTES, 200, IMG_STREAM_BYTES + 1, "out of order"},
        {4096, 0, 0, "empty record"},
        {4096, IMG_EXTENTS_END, 0, "counts wrongly"},
        {MAX_BYTES + 512, 0, 512, "were expected"},
        {4097, 0, 1, "were expected"},
        {0, 0, 1, "were expected"},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        unsigned char p[IMG_EXTENTS_HEAD_BYTES + 16 + 1 + 16 + 1] = IMG_EXTENTS_MAGIC;
        int fd = memfd_create("bad", MFD_CLOEXEC);
        img_put_le32(p + 8, IMG_EXTENTS_VERSION);
        img_put_le64(p + 16, bad[i].size);
        img_put_le64(p + 24, 100); /* a good record, so that the second may come too early */
        img_put_le64(p + 32, 1);
        img_put_le64(p + 41, bad[i].at);
        img_put_le64(p + 49, bad[i].len);
        assert_int_equal(write(fd, p, sizeof p), sizeof p);
        assert_int_equal(ftruncate(fd, 1 << 20), 0);
        refused(fd, bad[i].word);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_what_was_written),
        cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_order_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
