/* SPDX-License-Identifier: ISC */
/* Blocks that hold something, against the question asked for every block. */
#include "blocks.h"
#include "image_random.h"
#include "images/stream.h"
#include "scratch.h"

#define DISK_BYTES ((uint64_t)9 << 20)

static void judge(const struct img_disk *disk, uint64_t block_bytes)
{
    struct img_blocks blocks;
    struct img_block_run run = {0};
    uint64_t at = 0, count = 0, end = (disk->size + block_bytes - 1) / block_bytes;
    img_blocks_init(&blocks, disk, block_bytes);
    while (img_blocks_next(&blocks, &run)) {
        assert_true(run.count > 0 && run.first >= at && run.first + run.count <= end);
        assert_true(!at || run.first > at); /* runs that touch are one */
        for (; at < run.first; at++)
            assert_false(img_disk_has(disk, at * block_bytes, block_bytes));
        for (; at < run.first + run.count; at++)
            assert_true(img_disk_has(disk, at * block_bytes, block_bytes));
        count += run.count;
    }
    for (; at < end; at++)
        assert_false(img_disk_has(disk, at * block_bytes, block_bytes));
    assert_int_equal(img_blocks_count(disk, block_bytes), count);
}

static void test_every_block(void **state)
{
    static const uint64_t sizes[] = {512, 4096, 65536, 2 << 20, 16 << 20};
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct mir_error err = {0};
        struct img_disk disk;
        assert_int_equal(image_random(&disk, seed, DISK_BYTES, DISK_BYTES, &err), 0);
        for (unsigned i = 0; i < MIR_NELEMS(sizes); i++)
            judge(&disk, sizes[i]);
        img_disk_clear(&disk);
    }
}

static void test_nothing_at_all(void **state)
{
    struct mir_error err = {0};
    struct img_disk disk;
    (void)state;
    assert_int_equal(img_disk_init(&disk, 4096, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    judge(&disk, 512);
    assert_int_equal(img_blocks_count(&disk, 512), 0);
    img_disk_clear(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_block),
        cmocka_unit_test(test_nothing_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
