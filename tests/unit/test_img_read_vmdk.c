/* SPDX-License-Identifier: ISC */
/* VMDK that is damaged, a part of something, or made to deceive: both kinds, number by number. */
#include <zlib.h>

#include "bytes.h"
#include "put.h"
#include "reader_help.h"
#include "vmdk_head.h"

#define SECTOR 512
#define GRAIN 65536
#define FORMAT MIR_FORMAT_DISK_VMDK

/* --- monolithic sparse: the places that VMware's and QEMU's tools choose, in small --- */

#define TEXT_AT (1 * SECTOR)
#define DIRECTORY_AT (21 * SECTOR)
#define TABLE_AT (22 * SECTOR)
#define GRAINS_AT (128 * SECTOR)

static const char plain_text[] = "# Disk DescriptorFile\nversion=1\nCID=12345678\n"
                                 "parentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\n"
                                 "RW 8192 SPARSE \"disk.vmdk\"\n\nddb.adapterType = \"ide\"\n";

static void put_at(int fd, uint64_t at, unsigned width, uint64_t value)
{
    unsigned char number[8];
    img_put_le64(number, value);
    assert_int_equal(pwrite(fd, number, width, (off_t)at), width);
}

/* 4 MiB; grains 0 and 63 are there, in the other order than the disk's. */
static int sparse(const char *text)
{
    int fd = memfd_create("sparse", MFD_CLOEXEC);
    char grain[GRAIN];
    memset(grain, 'x', sizeof grain);
    assert_int_equal(pwrite(fd, "KDMV", 4, 0), 4);
    put_at(fd, 4, 4, 1);
    put_at(fd, 8, 4, 3);
    put_at(fd, 12, 8, 2 * BLOCK / SECTOR);
    put_at(fd, 20, 8, GRAIN / SECTOR);
    put_at(fd, 28, 8, TEXT_AT / SECTOR);
    put_at(fd, 36, 8, 20);
    put_at(fd, 44, 4, 512);
    put_at(fd, 56, 8, DIRECTORY_AT / SECTOR);
    put_at(fd, 64, 8, GRAINS_AT / SECTOR);
    assert_int_equal(pwrite(fd, "\n \r\n", 4, 73), 4);
    assert_int_equal(pwrite(fd, text, strlen(text), TEXT_AT), strlen(text));
    put_at(fd, DIRECTORY_AT, 4, TABLE_AT / SECTOR);
    put_at(fd, TABLE_AT, 4, (GRAINS_AT + GRAIN) / SECTOR);
    put_at(fd, TABLE_AT + (uint64_t)63 * 4, 4, GRAINS_AT / SECTOR);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pwrite(fd, grain, GRAIN, GRAINS_AT + (off_t)i * GRAIN), GRAIN);
    return fd;
}

struct change {
    uint64_t at;
    unsigned width;
    uint64_t value;
    enum mir_kind kind; /* MIR_OK: is accepted */
    const char *word;
};

static void try(int fd, const struct change *change)
{
    accepted(fd, FORMAT);
    put_at(fd, change->at, change->width, change->value);
    if (change->kind == MIR_OK)
        accepted(fd, FORMAT);
    else
        refused(fd, FORMAT, change->kind, change->word);
    close(fd);
}

static const struct change sparse_changes[] = {
    {0, 4, 0x12345678, MIR_CORRUPT, "does not begin"},
    {4, 4, 0, MIR_CORRUPT, "version 0"},
    {4, 4, 2, MIR_OK, ""},
    {4, 4, 3, MIR_OK, ""},
    {4, 4, 4, MIR_CORRUPT, "version 4"},
    {8, 4, 2, MIR_OK, ""}, /* whether line ends can be checked */
    {8, 4, 0x10003, MIR_USAGE, "not known here"},
    {8, 4, 0x20003, MIR_USAGE, "not known here"},
    {8, 4, 0x30003, MIR_USAGE, "not known here"}, /* without an algorithm */
    {12, 8, 0, MIR_CORRUPT, "no size"},
    {12, 8, UINT64_MAX, MIR_USAGE, "GiB"},
    {12, 8, (uint64_t)1 << 33, MIR_USAGE, "GiB"},
    {12, 8, (uint64_t)1 << 31, MIR_CORRUPT, ""}, /* 1 TiB: the directory runs into what follows */
    {20, 8, 0, MIR_CORRUPT, "impossible size"},
    {20, 8, 4, MIR_CORRUPT, "impossible size"},
    {20, 8, 129, MIR_CORRUPT, "impossible size"},
    {20, 8, 1 << 18, MIR_CORRUPT, "impossible size"},
    {20, 8, UINT64_MAX, MIR_CORRUPT, "impossible size"},
    {20, 8, 256, MIR_CORRUPT, "cut off"}, /* the last of its grains in the file */
    {28, 8, 0, MIR_USAGE, "several files"},
    {28, 8, UINT64_MAX, MIR_CORRUPT, "cut off"},
    {28, 8, 128, MIR_CORRUPT, "makes no sense"},
    {36, 8, 0, MIR_USAGE, "several files"},
    {36, 8, 129, MIR_CORRUPT, "too long"},
    {36, 8, UINT64_MAX, MIR_CORRUPT, "too long"},
    {44, 4, 0, MIR_CORRUPT, "impossible size"},
    {44, 4, 513, MIR_CORRUPT, "impossible size"},
    {44, 4, UINT32_MAX, MIR_CORRUPT, "impossible size"},
    {44, 4, 64, MIR_OK, ""},
    {56, 8, UINT64_MAX - 1, MIR_CORRUPT, "behind its end"},
    {56, 8, UINT64_MAX, MIR_CORRUPT, "footer is missing"},
    {56, 8, 1, MIR_CORRUPT, ""}, /* the text as a directory */
    {73, 1, '\r', MIR_CORRUPT, "copied as a text"},
    {77, 2, 1, MIR_USAGE, "not known here"},
    {DIRECTORY_AT, 4, 0, MIR_OK, ""},
    {DIRECTORY_AT, 4, DIRECTORY_AT / SECTOR, MIR_CORRUPT, ""}, /* its own table */
    {DIRECTORY_AT, 4, UINT32_MAX, MIR_CORRUPT, "cut off"},
    {TABLE_AT, 4, 0, MIR_OK, ""},
    {TABLE_AT, 4, 1, MIR_CORRUPT, "used twice"}, /* no grain of zeros without the flag */
    {TABLE_AT, 4, GRAINS_AT / SECTOR, MIR_CORRUPT, "used twice"},
    {TABLE_AT, 4, TABLE_AT / SECTOR, MIR_CORRUPT, "used twice"},
    {TABLE_AT, 4, UINT32_MAX, MIR_CORRUPT, "cut off"},
    {TABLE_AT + 64 * 4, 4, 77, MIR_OK, ""}, /* behind the disk's end: not looked at */
};

static void test_sparse(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(sparse_changes); i++)
        try(sparse(plain_text), &sparse_changes[i]);
}

/* Grains are where the tables say, and a grain that is one of zeros by the flag is a hole. */
static void test_places(void **state)
{
    struct mir_error err = {0};
    struct img_disk disk;
    int fd = sparse(plain_text);
    (void)state;
    assert_int_equal(img_read_disk(fd, FORMAT, &disk, &err), 0);
    assert_int_equal(disk.count, 2);
    assert_int_equal(disk.extents[0].at, 0);
    assert_int_equal(disk.extents[0].input_at, GRAINS_AT + GRAIN);
    assert_int_equal(disk.extents[1].at, (uint64_t)63 * GRAIN);
    assert_int_equal(disk.extents[1].input_at, GRAINS_AT);
    img_disk_clear(&disk);
    put_at(fd, 8, 4, 7);
    put_at(fd, TABLE_AT, 4, 1);
    assert_int_equal(img_read_disk(fd, FORMAT, &disk, &err), 0);
    assert_int_equal(disk.count, 1);
    img_disk_clear(&disk);
    /* The last grain may be a part of one. */
    put_at(fd, 12, 8, 2 * BLOCK / SECTOR - 1);
    assert_int_equal(ftruncate(fd, GRAINS_AT + (off_t)GRAIN - SECTOR), 0);
    assert_int_equal(img_read_disk(fd, FORMAT, &disk, &err), 0);
    assert_int_equal(disk.extents[0].len, GRAIN - SECTOR);
    img_disk_clear(&disk);
    close(fd);
}

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        enum mir_kind kind;
        const char *word;
    } rows[] = {
        {"", MIR_USAGE, "several files"},
        {"nothing of it", MIR_CORRUPT, "makes no sense"},
        {"createType=\"monolithicSparse\"\nparentCID=ffffffff\n", MIR_CORRUPT, "makes no sense"},
        {"createType=\"monolithicSparse\"\nRW 1 SPARSE \"a\"", MIR_CORRUPT, "makes no sense"},
        {"createType=\"monolithicSparse\"\nparentCID=00000001\nRW 1 SPARSE \"a\"", MIR_USAGE,
         "differs from another file"},
        {"createType=\"monolithicSparse\"\nparentCID=ffffffff\nRW 1 SPARSE \"a\"\n"
         "parentFileNameHint=\"/etc/passwd\"",
         MIR_USAGE, "differs from another file"},
        {"createType=\"monolithicFlat\"\nparentCID=ffffffff\nRW 1 FLAT \"a\" 0", MIR_USAGE,
         "several files"},
        {"createType=\"monolithicSparse\"\nparentCID=ffffffff\nRW 1 SPARSE \"a\"\nRW 1 SPARSE "
         "\"b\"",
         MIR_USAGE, "several files"},
        {"createType=\"monolithicSparse\"\nparentCID=ffffffff\nRW 1 SPARSE \"a\"\nRDONLY 1 ZERO",
         MIR_USAGE, "several files"},
        {"createType=\"monolithicSparse\"\ncreateType=\"custom\"\nparentCID=ffffffff\n"
         "RW 1 SPARSE \"a\"",
         MIR_USAGE, "several files"},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int fd = sparse(rows[i].text);
        refused(fd, FORMAT, rows[i].kind, rows[i].word);
        close(fd);
    }
    int fd =
        sparse("createType=\"streamOptimized\"\r\nparentCID=FFFFFFFF\r\nRW 1 SPARSE \"a\"\r\n");
    accepted(fd, FORMAT);
    close(fd);
}

/* The largest disk in the smallest grains and tables of one: more directory than is read. */
static void test_small_tables(void **state)
{
    int fd = sparse(plain_text);
    (void)state;
    put_at(fd, 12, 8, IMG_DISK_BYTES_MAX / SECTOR);
    put_at(fd, 20, 8, 8);
    put_at(fd, 44, 4, 1);
    refused(fd, FORMAT, MIR_CORRUPT, "too small for its size");
    close(fd);
}

/* --- stream-optimised, as we write it --- */

static uint64_t number_at(int fd, uint64_t at, unsigned width)
{
    unsigned char p[8] = {0};
    assert_int_equal(pread(fd, p, width, (off_t)at), width);
    return krn_le64(p);
}

enum place { HEADER, FOOTER, DIRECTORY, TABLE, MARKER };

static uint64_t place_of(int fd, enum place place)
{
    uint64_t footer = (uint64_t)lseek(fd, 0, SEEK_END) - 2 * SECTOR;
    uint64_t directory = number_at(fd, footer + 56, 8) * SECTOR;
    uint64_t table = number_at(fd, directory, 4) * SECTOR;
    const uint64_t places[] = {[HEADER] = 0,
                               [FOOTER] = footer,
                               [DIRECTORY] = directory,
                               [TABLE] = table,
                               [MARKER] = number_at(fd, table, 4) * SECTOR};
    return places[place];
}

static const struct {
    enum place place;
    struct change change;
} packed_changes[] = {
    {HEADER, {8, 4, 0x10001, MIR_USAGE, "not known here"}},
    {HEADER, {77, 2, 2, MIR_USAGE, "not known here"}},
    {HEADER, {20, 8, 1024, MIR_CORRUPT, "impossible size"}}, /* more than is unpacked at once */
    {HEADER, {12, 8, 8, MIR_CORRUPT, "something else"}},
    {FOOTER, {0, 4, 7, MIR_CORRUPT, "does not begin"}},
    {FOOTER, {12, 8, 8, MIR_CORRUPT, "something else"}},
    {FOOTER, {20, 8, 64, MIR_CORRUPT, "something else"}},
    {FOOTER, {28, 8, 2, MIR_CORRUPT, "something else"}},
    {FOOTER, {44, 4, 256, MIR_CORRUPT, "something else"}},
    {FOOTER, {56, 8, UINT64_MAX, MIR_CORRUPT, "nothing says where"}},
    {FOOTER, {56, 8, UINT64_MAX / 512, MIR_CORRUPT, "behind its end"}},
    {FOOTER, {SECTOR, 8, 1, MIR_CORRUPT, "footer is missing"}}, /* the end of the stream */
    {DIRECTORY, {0, 4, 0, MIR_OK, ""}},
    {DIRECTORY, {0, 4, UINT32_MAX, MIR_CORRUPT, "cut off"}},
    {TABLE, {0, 4, 0, MIR_OK, ""}},
    {TABLE, {0, 4, 1, MIR_CORRUPT, "not what its table says"}},
    {TABLE, {4, 4, 128, MIR_CORRUPT, "not what its table says"}}, /* grain 0 once more */
    {MARKER, {0, 8, 128, MIR_CORRUPT, "not what its table says"}},
    {MARKER, {8, 4, 0, MIR_CORRUPT, "not what its table says"}},
    {MARKER, {8, 4, 2 * GRAIN + 1, MIR_CORRUPT, "not what its table says"}},
    {MARKER, {8, 4, UINT32_MAX, MIR_CORRUPT, "not what its table says"}},
    {MARKER, {8, 4, 2000, MIR_CORRUPT, "used twice"}},
};

static void test_packed(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(packed_changes); i++) {
        int fd = image("vmdk");
        struct change change = packed_changes[i].change;
        change.at += place_of(fd, packed_changes[i].place);
        try(fd, &change);
    }
}

/* Whether a grain is whole is seen when it is read: by every way there is to read it. */
static int write_as(const char *name, int fd, struct mir_error *err)
{
    struct img_disk disk;
    struct img_input input;
    struct img_output output;
    int out = memfd_create("out", MFD_CLOEXEC);
    assert_int_equal(img_read_disk(fd, FORMAT, &disk, err), 0);
    img_input_init(&input, fd);
    img_output_init(&output, out);
    int rc = img_container_write(img_container_by_name(name), &disk, &input, &output, err);
    img_disk_clear(&disk);
    close(out);
    return rc;
}

static void test_damaged_grains(void **state)
{
    static const char *const names[] = {"raw", "qcow2", "vmdk", "extents", "vhd-dynamic"};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        struct mir_error err = {0};
        int fd = image("vmdk");
        uint64_t marker = place_of(fd, MARKER); /* the last byte is one of a checksum */
        uint64_t at = marker + IMG_VMDK_MARKER_BYTES + number_at(fd, marker + 8, 4) - 1;
        assert_int_equal(write_as(names[i], fd, &err), 0);
        put_at(fd, at, 1, number_at(fd, at, 1) ^ 1);
        if (!write_as(names[i], fd, &err))
            fail_msg("as %s it was written", names[i]);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_non_null(strstr(err.text, "cannot be unpacked"));
        close(fd);
    }
}

/* A grain that unpacks to less than it is for, and one that unpacks without end. */
static void put_grain(int fd, size_t plain_len, uint64_t grain_bytes)
{
    static unsigned char plain[1 << 20], packed[1 << 16];
    uLongf len = sizeof packed;
    uint64_t at = place_of(fd, MARKER);
    assert_int_equal(compress2(packed, &len, plain, plain_len, 9), Z_OK);
    assert_true(len < grain_bytes);
    put_at(fd, at + 8, 4, len);
    assert_int_equal(pwrite(fd, packed, len, (off_t)at + IMG_VMDK_MARKER_BYTES), len);
}

static void test_grains_of_another_length(void **state)
{
    static const size_t bad[] = {0, 1, GRAIN - 1, IMG_PACKED_MAX + 1, 1 << 20};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        int fd = image("vmdk");
        put_at(fd, place_of(fd, TABLE) + 4, 4, 0); /* room behind the first grain */
        put_at(fd, place_of(fd, TABLE) + 8, 4, 0);
        put_at(fd, place_of(fd, TABLE) + 12, 4, 0);
        put_grain(fd, bad[i], GRAIN);
        assert_int_equal(write_as("raw", fd, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        put_grain(fd, GRAIN, GRAIN);
        assert_int_equal(write_as("raw", fd, &err), 0);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_small_tables),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_damaged_grains),
        cmocka_unit_test(test_grains_of_another_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
