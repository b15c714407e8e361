/* SPDX-License-Identifier: ISC */
/* Ready-made disks that are damaged, cut off, lean on other files or were made to deceive. */
#include "put.h"
#include "reader_help.h"
#include "vhd.h"

/* Our qcow2: header 0, refcounts in clusters 1 and 2, L1 in 3, L2 in 4, data from 5 on. */
#define CLUSTER ((uint64_t)65536)
#define L1_AT (3 * CLUSTER)
#define L2_AT (4 * CLUSTER)
#define COPIED ((uint64_t)1 << 63)

static const struct {
    uint64_t at;
    unsigned width;
    uint64_t value;
    enum mir_kind kind; /* MIR_OK: is accepted */
    const char *word;
} qcow2_changes[] = {
    {0, 4, 0x12345678, MIR_CORRUPT, "does not begin"},
    {4, 4, 1, MIR_CORRUPT, "does not begin"},
    {4, 4, 4, MIR_CORRUPT, "does not begin"},
    {4, 4, 2, MIR_OK, ""},
    {8, 8, 65536, MIR_USAGE, "backing file"},
    {20, 4, 8, MIR_CORRUPT, "impossible size"},
    {20, 4, 22, MIR_CORRUPT, "impossible size"},
    {20, 4, 0xffffffff, MIR_CORRUPT, "impossible size"},
    {24, 8, 0, MIR_USAGE, "0 bytes"},
    {24, 8, UINT64_MAX - 511, MIR_USAGE, "GiB"},
    {24, 8, (uint64_t)1 << 40, MIR_CORRUPT, "too short"},
    {32, 4, 1, MIR_USAGE, "encrypted"},
    {36, 4, 0, MIR_CORRUPT, "too short"},
    {40, 8, UINT64_MAX - 4, MIR_CORRUPT, "behind its end"},
    {40, 8, (uint64_t)1 << 50, MIR_CORRUPT, "behind its end"},
    {72, 8, 1, MIR_OK, ""}, /* dirty refcounts */
    {72, 8, 2, MIR_CORRUPT, "says so itself"},
    {72, 8, 4, MIR_USAGE, "another file"},
    {72, 8, 16, MIR_USAGE, "not known here"},
    {L1_AT, 8, L1_AT | COPIED, MIR_CORRUPT, ""}, /* a table that is its own content */
    {L1_AT, 8, 0, MIR_OK, ""},
    {L1_AT, 8, (L2_AT + 512) | COPIED, MIR_CORRUPT, "makes no sense"},
    {L1_AT, 8, L2_AT | 4, MIR_CORRUPT, "makes no sense"},
    {L1_AT, 8, (uint64_t)1 << 40, MIR_CORRUPT, "cut off"},
    {L2_AT, 8, L2_AT | COPIED, MIR_CORRUPT, "used twice"},
    {L2_AT, 8, L1_AT | COPIED, MIR_CORRUPT, "used twice"},
    {L2_AT + 8, 8, (5 * CLUSTER) | COPIED, MIR_CORRUPT, "used twice"},
    {L2_AT, 8, (5 * CLUSTER) | COPIED | 1, MIR_OK, ""}, /* reads as zeros */
    {L2_AT, 8, (5 * CLUSTER) | COPIED | 2, MIR_CORRUPT, "makes no sense"},
    {L2_AT, 8, (uint64_t)1 << 62 | 5 * CLUSTER, MIR_USAGE, "compressed"},
    {L2_AT, 8, (uint64_t)1 << 40, MIR_CORRUPT, "cut off"},
    {L2_AT + 64 * 8, 8, 77, MIR_OK, ""}, /* behind the disk's end: not looked at */
};

static void test_qcow2(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(qcow2_changes); i++) {
        unsigned char number[8];
        unsigned width = qcow2_changes[i].width;
        int fd = image("qcow2");
        accepted(fd, MIR_FORMAT_DISK_QCOW2);
        if (width == 4)
            img_put_be32(number, (uint32_t)qcow2_changes[i].value);
        else
            img_put_be64(number, qcow2_changes[i].value);
        assert_int_equal(pwrite(fd, number, width, (off_t)qcow2_changes[i].at), width);
        if (qcow2_changes[i].kind == MIR_OK)
            accepted(fd, MIR_FORMAT_DISK_QCOW2);
        else
            refused(fd, MIR_FORMAT_DISK_QCOW2, qcow2_changes[i].kind, qcow2_changes[i].word);
        close(fd);
    }
}

/* A cluster that reads as zeros is a hole, whatever lies where it once was. */
static void test_qcow2_zero_cluster(void **state)
{
    struct mir_error err = {0};
    struct img_disk disk;
    unsigned char number[8];
    int fd = image("qcow2");
    (void)state;
    img_put_be64(number, 6 * CLUSTER | COPIED | 1);
    assert_int_equal(pwrite(fd, number, 8, L2_AT + 8), 8);
    assert_int_equal(img_read_disk(fd, MIR_FORMAT_DISK_QCOW2, &disk, &err), 0);
    assert_int_equal(img_disk_written(&disk), BLOCK - CLUSTER);
    assert_false(img_disk_has(&disk, CLUSTER, CLUSTER));
    img_disk_clear(&disk);
    img_put_be32(number, 2); /* in version 2 the bit has no meaning, and must not be set */
    assert_int_equal(pwrite(fd, number, 4, 4), 4);
    refused(fd, MIR_FORMAT_DISK_QCOW2, MIR_CORRUPT, "makes no sense");
    close(fd);
}

/* One small cluster table that a long first table names again and again. */
static void test_qcow2_that_multiplies(void **state)
{
    unsigned char number[8];
    int fd = image("qcow2");
    uint64_t span = CLUSTER / 8 * CLUSTER;
    (void)state;
    img_put_be64(number, 4 * span);
    assert_int_equal(pwrite(fd, number, 8, 24), 8);
    img_put_be32(number, 4);
    assert_int_equal(pwrite(fd, number, 4, 36), 4);
    img_put_be64(number, L2_AT | COPIED);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pwrite(fd, number, 8, (off_t)(L1_AT + 8 * i)), 8);
    refused(fd, MIR_FORMAT_DISK_QCOW2, MIR_CORRUPT, "used twice");
    close(fd);
}

/* A disk of the largest size in clusters of 512 bytes has a first table of half a GiB. */
static void test_qcow2_of_tiny_clusters(void **state)
{
    unsigned char number[8];
    int fd = image("qcow2");
    (void)state;
    img_put_be32(number, 9);
    assert_int_equal(pwrite(fd, number, 4, 20), 4);
    img_put_be64(number, IMG_DISK_BYTES_MAX);
    assert_int_equal(pwrite(fd, number, 8, 24), 8);
    img_put_be32(number, UINT32_MAX);
    assert_int_equal(pwrite(fd, number, 4, 36), 4);
    refused(fd, MIR_FORMAT_DISK_QCOW2, MIR_USAGE, "too large");
    close(fd);
}

static void test_cut_off(void **state)
{
    (void)state;
    cut("qcow2", MIR_FORMAT_DISK_QCOW2);
    cut("vhd", MIR_FORMAT_DISK_VHD);
    cut("vhd-dynamic", MIR_FORMAT_DISK_VHD);
    cut("vmdk", MIR_FORMAT_DISK_VMDK);
}

/* Changes of a dynamic VHD's footer (at its end) and header, whose sums are mended, and its table.
 */
enum place { FOOTER, HEADER, TABLE };
#define HEADER_AT 512
#define TABLE_AT (512 + 1024)

static const struct {
    enum place place;
    uint32_t at;
    unsigned width;
    uint64_t value;
    enum mir_kind kind;
    const char *word;
} vhd_changes[] = {
    {FOOTER, 0, 4, 0x41414141, MIR_CORRUPT, "missing"},
    {FOOTER, 16, 8, UINT64_MAX, MIR_CORRUPT, "cut off"},
    {FOOTER, 16, 8, 0, MIR_CORRUPT, "header of its blocks"},
    {FOOTER, 48, 8, 513, MIR_USAGE, "513 bytes"},
    {FOOTER, 48, 8, UINT64_MAX - 511, MIR_USAGE, "GiB"},
    {FOOTER, 48, 8, (uint64_t)1 << 40, MIR_CORRUPT, "too short"},
    {FOOTER, 60, 4, IMG_VHD_DIFFERENCING, MIR_USAGE, "another file"},
    {FOOTER, 60, 4, 7, MIR_USAGE, "not known"},
    {FOOTER, 60, 4, IMG_VHD_FIXED, MIR_OK, ""}, /* its first bytes are the disk, then */
    {HEADER, 0, 4, 0x41414141, MIR_CORRUPT, "header of its blocks"},
    {HEADER, 16, 8, UINT64_MAX - 7, MIR_CORRUPT, "behind its end"},
    {HEADER, 28, 4, 1, MIR_CORRUPT, "too short"},
    {HEADER, 32, 4, 0, MIR_CORRUPT, "impossible size"},
    {HEADER, 32, 4, 0x300000, MIR_CORRUPT, "impossible size"},
    {HEADER, 32, 4, 0x80000000, MIR_CORRUPT, "impossible size"},
    {TABLE, 0, 4, IMG_VHD_UNUSED, MIR_OK, ""},
    {TABLE, 0, 4, 0xfffffffe, MIR_CORRUPT, "cut off"},
    {TABLE, 0, 4, 0, MIR_CORRUPT, ""},                                /* the footer as a bitmap */
    {TABLE, 4, 4, (TABLE_AT + 512) / 512, MIR_CORRUPT, "used twice"}, /* block 0 once more */
};

static void mend(int fd, off_t at, size_t len, size_t hole)
{
    unsigned char p[IMG_VHD_HEADER];
    assert_int_equal(pread(fd, p, len, at), len);
    img_put_be32(p + hole, img_vhd_sum(p, len, hole));
    assert_int_equal(pwrite(fd, p, len, at), len);
}

static void test_vhd(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(vhd_changes); i++) {
        unsigned char number[8];
        int fd = image("vhd-dynamic");
        off_t footer = lseek(fd, 0, SEEK_END) - IMG_VHD_FOOTER;
        const off_t bases[] = {[FOOTER] = footer, [HEADER] = HEADER_AT, [TABLE] = TABLE_AT};
        accepted(fd, MIR_FORMAT_DISK_VHD);
        if (vhd_changes[i].width == 4)
            img_put_be32(number, (uint32_t)vhd_changes[i].value);
        else
            img_put_be64(number, vhd_changes[i].value);
        assert_int_equal(pwrite(fd, number, vhd_changes[i].width,
                                bases[vhd_changes[i].place] + vhd_changes[i].at),
                         vhd_changes[i].width);
        mend(fd, footer, IMG_VHD_FOOTER, IMG_VHD_FOOTER_SUM);
        mend(fd, HEADER_AT, IMG_VHD_HEADER, IMG_VHD_HEADER_SUM);
        if (vhd_changes[i].kind == MIR_OK)
            accepted(fd, MIR_FORMAT_DISK_VHD);
        else
            refused(fd, MIR_FORMAT_DISK_VHD, vhd_changes[i].kind, vhd_changes[i].word);
        close(fd);
    }
}

static void test_vhd_sums(void **state)
{
    static const off_t places[] = {HEADER_AT + 500, -100};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(places); i++) {
        int fd = image("vhd-dynamic");
        off_t at = places[i] < 0 ? lseek(fd, 0, SEEK_END) + places[i] : places[i];
        assert_int_equal(pwrite(fd, "!", 1, at), 1);
        refused(fd, MIR_FORMAT_DISK_VHD, MIR_CORRUPT, "checksum");
        close(fd);
    }
}

static void test_raw(void **state)
{
    struct mir_error err = {0};
    struct img_disk disk;
    int fd = memfd_create("raw", MFD_CLOEXEC), ends[2];
    (void)state;
    refused(fd, MIR_FORMAT_DISK_RAW, MIR_USAGE, "0 bytes");
    assert_int_equal(pwrite(fd, "end", 3, 100000), 3); /* no whole number of sectors */
    assert_int_equal(img_read_disk(fd, MIR_FORMAT_DISK_RAW, &disk, &err), 0);
    assert_int_equal(disk.size, 100352);
    assert_int_equal(disk.extents[disk.count - 1].at + disk.extents[disk.count - 1].len, 100003);
    assert_true(img_disk_written(&disk) <= 4096);
    img_disk_clear(&disk);
    close(fd);
    assert_int_equal(pipe(ends), 0);
    refused(ends[0], MIR_FORMAT_DISK_RAW, MIR_USAGE, "not a regular file");
    close(ends[0]);
    close(ends[1]);
}

static void test_what_is_not_read(void **state)
{
    int fd = image("qcow2");
    (void)state;
    refused(fd, MIR_FORMAT_UNKNOWN, MIR_USAGE, "no disk");
    assert_int_equal(pwrite(fd,
                            "\x7f"
                            "ELF",
                            4, 0),
                     4);
    refused(fd, MIR_FORMAT_ELF, MIR_USAGE, "no disk");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qcow2),
        cmocka_unit_test(test_qcow2_zero_cluster),
        cmocka_unit_test(test_qcow2_that_multiplies),
        cmocka_unit_test(test_qcow2_of_tiny_clusters),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_vhd),
        cmocka_unit_test(test_vhd_sums),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_what_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
