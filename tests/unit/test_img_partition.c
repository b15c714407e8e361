/* SPDX-License-Identifier: ISC */
/* MBR and GPT: every field at its place, and what does not fit is refused. */
#include <zlib.h>

#include "volume_help.h"

static const unsigned char guid[16] = {0, 1, 2, 3, 4, 5, 6, 0xf7, 0xf8, 9, 10, 11, 12, 13, 14, 255};
static unsigned char code[IMG_BOOT_CODE_BYTES];

static const struct img_partition some[] = {
    {IMG_PARTITION_FAT, MIB, 3 * MIB, "the second on the disk", true},
    {IMG_PARTITION_LINUX, 34 * IMG_SECTOR, MIB - 34 * IMG_SECTOR, NULL, false}, /* up to it */
    {IMG_PARTITION_ESP, 4 * MIB, 512, "", false},
};

static void make_code(void)
{
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (unsigned char)(i ^ 0x5a);
}

static void test_mbr(void **state)
{
    static const unsigned char first[] = {0x80, 0x20, 0x21, 0x00, 0x0c, 0x82, 0x02, 0x00,
                                          0x00, 0x08, 0x00, 0x00, 0x00, 0x18, 0x00, 0x00};
    unsigned char sector[512];
    struct img_disk disk = disk_of(8 * MIB);
    (void)state;
    make_code();
    assert_int_equal(img_mbr_add(&disk, code, 0x12345678, some, 3, NULL), 0);
    assert_int_equal(img_disk_seal(&disk, NULL), 0);
    assert_int_equal(img_disk_written(&disk), 512);
    bytes_at(&disk, 0, sector, 512);
    assert_memory_equal(sector, code, 440);
    assert_int_equal(krn_le32(sector + 440), 0x12345678);
    assert_int_equal(krn_le16(sector + 444), 0);
    assert_memory_equal(sector + 446, first, 16);
    assert_int_equal(sector[446 + 16], 0);
    assert_int_equal(sector[446 + 16 + 4], 0x83);
    assert_int_equal(krn_le32(sector + 446 + 16 + 8), 34);
    assert_int_equal(krn_le32(sector + 446 + 16 + 12), 2048 - 34);
    assert_int_equal(sector[446 + 32 + 4], 0xef);
    assert_int_equal(krn_le32(sector + 446 + 32 + 12), 1);
    for (int i = 446 + 48; i < 510; i++)
        assert_int_equal(sector[i], 0);
    assert_int_equal(krn_le16(sector + 510), 0xaa55);
    img_disk_clear(&disk);
}

/* What no cylinder reaches has one address, and the largest disk its number of sectors. */
static void test_mbr_of_a_large_disk(void **state)
{
    struct img_partition all = {IMG_PARTITION_LINUX, 512, IMG_DISK_BYTES_MAX - 512, NULL, false};
    unsigned char entry[16];
    struct img_disk disk = disk_of(IMG_DISK_BYTES_MAX);
    (void)state;
    assert_int_equal(img_mbr_add(&disk, NULL, 0, &all, 1, NULL), 0);
    assert_int_equal(img_disk_seal(&disk, NULL), 0);
    bytes_at(&disk, 446, entry, 16);
    assert_memory_equal(entry + 5, "\xfe\xff\xff", 3);
    assert_int_equal(krn_le32(entry + 12), IMG_DISK_BYTES_MAX / 512 - 1);
    img_disk_clear(&disk);
}

/* One header against the disk, and its entries. */
static void check_header(const struct img_disk *disk, uint64_t here, uint64_t other,
                         uint64_t entries)
{
    unsigned char h[512], table[128 * 128];
    bytes_at(disk, here * 512, h, 512);
    bytes_at(disk, entries * 512, table, sizeof table);
    uint32_t crc = krn_le32(h + 16);
    memset(h + 16, 0, 4);
    assert_memory_equal(h, "EFI PART\0\0\1\0\x5c\0\0\0", 16);
    assert_int_equal(crc, crc32(0, h, 92));
    assert_int_equal(krn_le32(h + 88), crc32(0, table, sizeof table));
    assert_int_equal(krn_le64(h + 24), here);
    assert_int_equal(krn_le64(h + 32), other);
    assert_int_equal(krn_le64(h + 40), 34);
    assert_int_equal(krn_le64(h + 48), disk->size / 512 - 34);
    assert_int_equal(krn_le64(h + 72), entries);
    assert_int_equal(krn_le32(h + 80), 128);
    assert_int_equal(krn_le32(h + 84), 128);
    assert_int_equal(h[56 + 7], 0x87); /* version 8 */
    assert_int_equal(h[56 + 8], 0xb8); /* the usual variant */
    for (size_t i = 0; i < 4; i++) {
        const unsigned char *e = table + i * 128;
        assert_int_equal(e[0] != 0, i < MIR_NELEMS(some));
        if (!e[0])
            continue;
        assert_int_equal(krn_le64(e + 32) * 512, some[i].at);
        assert_int_equal((krn_le64(e + 40) + 1) * 512, some[i].at + some[i].len);
        assert_int_equal(krn_le64(e + 48), some[i].active ? 4 : 0);
        assert_int_equal(e[16 + 15], (255 + 1 + i) % 256); /* its own GUID */
        for (size_t c = 0; c < 36; c++) {
            const char *name = some[i].name ? some[i].name : "";
            assert_int_equal(krn_le16(e + 56 + 2 * c), c < strlen(name) ? name[c] : 0);
        }
    }
}

static void test_gpt(void **state)
{
    unsigned char sector[512];
    struct img_disk disk = disk_of(8 * MIB);
    (void)state;
    make_code();
    assert_int_equal(img_gpt_add(&disk, code, guid, some, 3, NULL), 0);
    assert_int_equal(img_disk_seal(&disk, NULL), 0);
    assert_int_equal(img_disk_written(&disk), 3 * 512 + 2 * 3 * 128);
    bytes_at(&disk, 0, sector, 512);
    assert_memory_equal(sector, code, 440);
    assert_memory_equal(sector + 446, "\0\0\2\0\xee", 5);
    assert_int_equal(krn_le32(sector + 454), 1);
    assert_int_equal(krn_le32(sector + 458), 8 * MIB / 512 - 1);
    assert_int_equal(krn_le16(sector + 510), 0xaa55);
    uint64_t last = 8 * MIB / 512 - 1;
    check_header(&disk, 1, last, 2);
    check_header(&disk, last, 1, last - 32);
    img_disk_clear(&disk);
}

static void test_gpt_full_and_empty(void **state)
{
    struct img_partition all[129];
    struct mir_error err = {0};
    (void)state;
    for (uint64_t i = 0; i < 129; i++)
        all[i] = (struct img_partition){IMG_PARTITION_BIOS_BOOT, MIB + i * 512, 512,
                                        "123456789012345678901234567890123456", false};
    struct img_disk disk = disk_of(2 * MIB);
    assert_int_equal(img_gpt_add(&disk, NULL, guid, all, 129, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(img_gpt_add(&disk, NULL, guid, all, 128, NULL), 0);
    assert_int_equal(img_disk_seal(&disk, NULL), 0);
    assert_int_equal(le16_at(&disk, 1024 + 127 * 128 + 56 + 70), '6');
    img_disk_clear(&disk);
    disk = disk_of(68 * 512); /* one usable sector */
    assert_int_equal(img_gpt_add(&disk, NULL, guid, NULL, 0, NULL), 0);
    assert_int_equal(img_disk_seal(&disk, NULL), 0);
    assert_int_equal(le32_at(&disk, 512 + 88), 0xab54d286); /* of 16 KiB of zeros */
    img_disk_clear(&disk);
    disk = disk_of(67 * 512);
    assert_int_equal(img_gpt_add(&disk, NULL, guid, NULL, 0, &err), -1);
    img_disk_clear(&disk);
}

static void test_refused(void **state)
{
    static const struct {
        struct img_partition second; /* beside one of MIB at MIB, on a disk of 4 MIB */
        bool mbr, gpt;               /* may it be? */
    } rows[] = {
        {{IMG_PARTITION_FAT, 2 * MIB, MIB, NULL, false}, true, true},
        {{IMG_PARTITION_FAT, 2 * MIB, 2 * MIB, NULL, false}, true, false},
        {{IMG_PARTITION_FAT, 2 * MIB, 2 * MIB - 33 * 512, NULL, false}, true, true},
        {{IMG_PARTITION_FAT, 2 * MIB, 2 * MIB - 32 * 512, NULL, false}, true, false},
        {{IMG_PARTITION_FAT, 34 * 512, 512, NULL, false}, true, true},
        {{IMG_PARTITION_FAT, 33 * 512, 512, NULL, false}, true, false},
        {{IMG_PARTITION_FAT, 512, 512, NULL, false}, true, false},
        {{IMG_PARTITION_FAT, 0, 512, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 2 * MIB - 512, 512, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, MIB - 512, 1024, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, MIB - 512, 2 * MIB, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 2 * MIB, 0, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 2 * MIB, 513, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 2 * MIB + 1, 512, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 3 * MIB, MIB + 512, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, 3 * MIB, UINT64_MAX - 511, NULL, false}, false, false},
        {{IMG_PARTITION_FAT, UINT64_MAX - 511, 512, NULL, false}, false, false},
        {{IMG_PARTITION_BIOS_BOOT, 2 * MIB, 512, NULL, false}, false, true},
        {{IMG_PARTITION_ESP, 2 * MIB, 512, "1234567890123456789012345678901234567", 0}, true, 0},
        {{IMG_PARTITION_ESP, 2 * MIB, 512, "tab\t", false}, true, false},
        {{IMG_PARTITION_ESP, 2 * MIB, 512, "\xc3\xa4", false}, true, false},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        for (int gpt = 0; gpt < 2; gpt++) {
            struct img_partition both[] = {{IMG_PARTITION_LINUX, MIB, MIB, NULL, false},
                                           rows[i].second};
            struct mir_error err = {0};
            struct img_disk disk = disk_of(4 * MIB);
            int got = gpt ? img_gpt_add(&disk, NULL, guid, both, 2, &err)
                          : img_mbr_add(&disk, NULL, 0, both, 2, &err);
            if ((gpt ? rows[i].gpt : rows[i].mbr) != (got == 0))
                fail_msg("row %zu, gpt %d: %d %s", i, gpt, got, err.text);
            assert_int_equal(err.kind, got ? MIR_USAGE : MIR_OK);
            img_disk_clear(&disk);
        }
    struct img_partition five[5];
    struct mir_error err = {0};
    for (uint64_t i = 0; i < 5; i++)
        five[i] = (struct img_partition){IMG_PARTITION_FAT, (i + 1) * 512, 512, NULL, false};
    struct img_disk disk = disk_of(MIB);
    assert_int_equal(img_mbr_add(&disk, NULL, 0, five, 5, &err), -1);
    assert_int_equal(img_mbr_add(&disk, NULL, 0, five, 4, NULL), 0);
    img_disk_clear(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mbr),     cmocka_unit_test(test_mbr_of_a_large_disk),
        cmocka_unit_test(test_gpt),     cmocka_unit_test(test_gpt_full_and_empty),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
