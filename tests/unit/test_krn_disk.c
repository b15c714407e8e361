/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>

#include "krn_forge.h"

#define DISK_BYTES ((size_t)1 << 20)

static unsigned char disk[DISK_BYTES];

static void blank(void)
{
    memset(disk, 0, sizeof disk);
}

static void boot_sector(unsigned char *p)
{
    memcpy(p, "\xfa\xeb\xfe", 3);
    p[510] = 0x55;
    p[511] = 0xaa;
}

static void gpt(unsigned char *p, size_t sector, uint64_t sectors)
{
    unsigned char *header = p + sector;
    p[510] = 0x55; /* the protective MBR */
    p[511] = 0xaa;
    p[450] = 0xee;
    memcpy(header, "EFI PART", 8);
    put32(header + 12, 92);
    put64(header + 32, sectors - 1);
    put32(header + 16, 0);
    put32(header + 16, (uint32_t)crc32(0, header, 92));
}

static struct mir_kernel look(size_t len)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    if (krn_inspect_memory(disk, len, krn_limits_default(), &k, &err))
        fail_msg("%s", err.text);
    return k;
}

static void corrupt(size_t len, const char *text)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    assert_int_equal(krn_inspect_memory(disk, len, krn_limits_default(), &k, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    if (!strstr(err.text, text))
        fail_msg("'%s' is not in '%s'", text, err.text);
}

static enum mir_verdict local(const struct mir_kernel *k)
{
    return mir_kernel_boots(k, "local")->verdict;
}

static void test_mbr(void **state)
{
    blank();
    boot_sector(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
    assert_int_equal(k.boot_ways, MIR_BOOT_BIOS_DISK);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    assert_string_equal(mir_kernel_boots(&k, "local")->how, "qemu-disk");
    assert_string_equal(k.description, "raw disk image, 1.0 MiB");
}

static void test_mbr_without_code(void **state)
{
    blank();
    disk[510] = 0x55;
    disk[511] = 0xaa;
    disk[446] = 0x80;
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
    assert_int_equal(k.boot_ways, 0);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "no boot code"));
}

/* Two bytes in the right place are no disk yet. */
static void test_chance(void **state)
{
    memset(disk, 'x', sizeof disk);
    disk[510] = 0x55;
    disk[511] = 0xaa;
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
    assert_int_equal(k.boot_ways, 0);
}

static void test_gpt(void **state)
{
    for (size_t sector = 512; sector <= 4096; sector *= 8) {
        blank();
        gpt(disk, sector, DISK_BYTES / sector);
        struct mir_kernel k = look(sizeof disk);
        assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
        assert_int_equal(k.boot_ways, MIR_BOOT_EFI_DISK);
        assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
        memcpy(disk, "\xfa\xeb\xfe", 3);
        k = look(sizeof disk);
        assert_int_equal(k.boot_ways, MIR_BOOT_EFI_DISK | MIR_BOOT_BIOS_DISK);
        assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
        corrupt(DISK_BYTES / 2, "cut off");
        disk[sector + 40]++; /* its checksum is wrong now */
        k = look(sizeof disk);
        assert_int_equal(k.boot_ways, MIR_BOOT_BIOS_DISK);
    }
}

static void test_vmdk(void **state)
{
    blank();
    memcpy(disk, "KDMV", 4);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
    assert_non_null(strstr(k.description, "VMDK"));
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

/* --- qcow2 --- */

#define CLUSTER 65536

static void qcow2(uint32_t version)
{
    blank();
    memcpy(disk, "QFI\xfb", 4);
    put32be(disk + 4, version);
    put32be(disk + 20, 16);
    put64be(disk + 24, (uint64_t)8 << 30);
    put32be(disk + 36, 1);
    put64be(disk + 40, CLUSTER);
    put64be(disk + CLUSTER, 2 * CLUSTER | 1ull << 63);
    put64be(disk + 2 * CLUSTER, 3 * CLUSTER | 1ull << 63);
    boot_sector(disk + 3 * CLUSTER);
}

static void test_qcow2(void **state)
{
    for (uint32_t version = 2; version <= 3; version++) {
        qcow2(version);
        struct mir_kernel k = look(sizeof disk);
        assert_int_equal(k.format, MIR_FORMAT_DISK_QCOW2);
        assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
        assert_string_equal(k.description, "qcow2 disk image, 8.0 GiB");
        put64be(disk + 2 * CLUSTER, 0);
        k = look(sizeof disk);
        assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
        assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "empty"));
        put64be(disk + 2 * CLUSTER, 1ull << 62 | CLUSTER);
        k = look(sizeof disk);
        assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
        put64be(disk + 2 * CLUSTER, (uint64_t)1 << 40);
        k = look(sizeof disk);
        assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    }
}

/* Whoever starts QEMU would open the file that is named there. */
static void test_qcow2_other_files(void **state)
{
    qcow2(2);
    put64be(disk + 8, 200);
    put32be(disk + 16, 11);
    memcpy(disk + 200, "/etc/shadow", 11);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "another file"));
    qcow2(3);
    put64be(disk + 72, 4); /* external data file */
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    qcow2(3);
    put32be(disk + 32, 2);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "encrypted"));
}

static void test_qcow2_damaged(void **state)
{
    qcow2(3);
    corrupt(60, "cut off");
    corrupt(90, "cut off");
    corrupt(CLUSTER + 4, "cut off");
    put32be(disk + 4, 9);
    corrupt(sizeof disk, "version 9");
    qcow2(3);
    put32be(disk + 20, 200);
    corrupt(sizeof disk, "2^200");
    qcow2(3);
    put64be(disk + 40, UINT64_MAX - 3);
    corrupt(sizeof disk, "cut off");
}

/* --- VHD --- */

static void vhd_footer(unsigned char *p, uint32_t type, uint64_t data_offset)
{
    memset(p, 0, 512);
    memcpy(p, "conectix", 8);
    put64be(p + 16, data_offset);
    put64be(p + 48, DISK_BYTES - 512);
    put32be(p + 60, type);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum += p[i];
    put32be(p + 64, ~sum);
}

static void test_vhd_fixed(void **state)
{
    blank();
    boot_sector(disk);
    vhd_footer(disk + DISK_BYTES - 512, 2, UINT64_MAX);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    disk[DISK_BYTES - 400]++; /* no footer any more: what is left is a raw disk */
    k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
}

static void vhd_dynamic(void)
{
    blank();
    vhd_footer(disk, 3, 512);
    memcpy(disk + 512, "cxsparse", 8);
    put64be(disk + 512 + 16, 1536);
    put32be(disk + 512 + 28, 4);
    put32be(disk + 512 + 32, 2 << 20);
    put32be(disk + 1536, 4);
    boot_sector(disk + 2048 + 512);
    vhd_footer(disk + DISK_BYTES - 512, 3, 512);
}

static void test_vhd_dynamic(void **state)
{
    vhd_dynamic();
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    put32be(disk + 1536, UINT32_MAX);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    put32be(disk + 1536, 0x7fffffff);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    vhd_dynamic();
    corrupt(DISK_BYTES - 512, "footer");
    disk[DISK_BYTES - 100]++;
    corrupt(sizeof disk, "checksum");
}

static void test_vhd_differencing(void **state)
{
    blank();
    vhd_footer(disk, 4, 512);
    vhd_footer(disk + DISK_BYTES - 512, 4, 512);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

/* --- Linux --- */

static void linux_image(uint16_t version)
{
    blank();
    boot_sector(disk);
    disk[0x1f1] = 1;
    put32(disk + 0x1f4, 0x100);
    memcpy(disk + 0x202, "HdrS", 4);
    put16(disk + 0x206, version);
    put32(disk + 0x214, 0x100000);
    put16(disk + 0x236, version >= 0x20c);
    put64(disk + 0x258, 0x1000000);
    put32(disk + 0x260, 0x200000);
}

static void test_linux(void **state)
{
    linux_image(0x20c);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_LINUX);
    assert_int_equal(k.arch, MIR_ARCH_X86_64);
    assert_int_equal(k.load_bytes, 0x1200000);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    linux_image(0x207);
    k = look(sizeof disk);
    assert_int_equal(k.arch, MIR_ARCH_I386);
    assert_int_equal(k.load_bytes, 0x101000);
    assert_non_null(strstr(k.description, "2.07"));
    corrupt(3000, "cut off");
}

static void test_arm64(void **state)
{
    blank();
    memcpy(disk + 0x38, "ARM\x64", 4);
    put64(disk + 16, 0x200000);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_LINUX);
    assert_int_equal(k.arch, MIR_ARCH_AARCH64);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

static void test_short_files(void **state)
{
    for (size_t len = 1; len < 1100; len++) {
        linux_image(0x20c);
        struct mir_kernel k;
        struct mir_error err = {0};
        unsigned char *exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, disk, len);
        if (krn_inspect_memory(exact, len, krn_limits_default(), &k, &err))
            assert_int_equal(err.kind, MIR_CORRUPT);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mbr),
        cmocka_unit_test(test_mbr_without_code),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_gpt),
        cmocka_unit_test(test_vmdk),
        cmocka_unit_test(test_qcow2),
        cmocka_unit_test(test_qcow2_other_files),
        cmocka_unit_test(test_qcow2_damaged),
        cmocka_unit_test(test_vhd_fixed),
        cmocka_unit_test(test_vhd_dynamic),
        cmocka_unit_test(test_vhd_differencing),
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_arm64),
        cmocka_unit_test(test_short_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
