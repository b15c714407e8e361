/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "krn_forge.h"
#include "krn_forge_disk.h"

#define DISK_BYTES FORGE_DISK_BYTES
#define CLUSTER FORGE_CLUSTER

static unsigned char disk[DISK_BYTES];

static void blank(void)
{
    memset(disk, 0, sizeof disk);
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
    forge_boot_sector(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
    assert_int_equal(k.boot_ways, MIR_BOOT_BIOS_DISK);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    assert_string_equal(mir_kernel_boots(&k, "local")->how, "qemu-disk");
    assert_string_equal(k.description, "raw disk image, 1.0 MiB");
}

/* Seen: GRUB's code behind the MBR holds a multiboot header with address fields, and a disk with it
 * was taken for a kernel. Without a partition it is one. */
static void test_multiboot_in_the_gap(void **state)
{
    blank();
    forge_boot_sector(disk);
    memset(disk + 446, 0, 64);
    const uint32_t header[] = {
        0x1badb002, 0x10000, -(0x1badb002u + 0x10000u), 0x100400, 0x100000, 0, 0, 0x100400};
    for (size_t i = 0; i < MIR_NELEMS(header); i++)
        put32(disk + 1024 + 4 * i, header[i]);
    assert_int_equal(look(sizeof disk).format, MIR_FORMAT_MULTIBOOT1);
    disk[446] = 0x80;
    disk[450] = 0x0c;
    put32(disk + 454, 128);
    put32(disk + 458, 1024);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
    assert_int_equal(k.boot_ways, MIR_BOOT_BIOS_DISK);
    put32(disk + 454, DISK_BYTES); /* a partition behind the end of the disk: no table, by chance */
    assert_int_equal(look(sizeof disk).format, MIR_FORMAT_MULTIBOOT1);
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
        forge_gpt(disk, sector);
        struct mir_kernel k = look(sizeof disk);
        assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
        assert_int_equal(k.boot_ways, MIR_BOOT_EFI_DISK);
        assert_int_equal(local(&k), MIR_VERDICT_BOOTS); /* by UEFI */
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

static void test_other_disks(void **state)
{
    static const struct {
        size_t at;
        const char *magic, *name;
    } rows[] = {
        {0, "COWD", "VMDK of ESX"},        {0, "# Disk DescriptorFile", "descriptor"},
        {0, "vhdxfile", "VHDX"},           {0, "QED", "QED"},
        {0x40, "\x7f\x10\xda\xbe", "VDI"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        blank();
        memcpy(disk + rows[i].at, rows[i].magic, strlen(rows[i].magic));
        struct mir_kernel k = look(sizeof disk);
        assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
        assert_non_null(strstr(k.description, rows[i].name));
        assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
        assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "qemu-img convert"));
    }
}

/* --- whose disk it is --- */

static void test_osv(void **state)
{
    for (int container = 0; container < 2; container++) {
        unsigned char *sector = disk;
        blank();
        if (container) {
            forge_qcow2(disk, 3);
            sector = disk + 3 * CLUSTER;
        } else {
            forge_boot_sector(disk);
        }
        memcpy(sector + 0x1b8, "VSO\0\0", 6);
        struct mir_kernel k = look(sizeof disk);
        assert_non_null(strstr(k.description, "(OSv)"));
        assert_int_equal(mir_kernel_family(&k, "ec2", "xen-hvm")->verdict, MIR_VERDICT_BOOTS);
        assert_int_equal(mir_kernel_family(&k, "ec2", "nitro")->verdict, MIR_VERDICT_UNKNOWN);
        assert_int_equal(mir_kernel_family(&k, "ec2", "xen-pv")->verdict, MIR_VERDICT_CANNOT);
        sector[0x1b8] = 'v';
        k = look(sizeof disk);
        assert_null(strstr(k.description, "OSv"));
    }
}

static void test_nanos(void **state)
{
    blank();
    forge_boot_sector(disk);
    put32(disk + 446 + 16 + 8, 64); /* the second partition */
    memcpy(disk + 64 * 512, "NVMTFS", 6);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
    assert_non_null(strstr(k.description, "(Nanos)"));
    assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(mir_kernel_family(&k, "ec2", "graviton")->verdict, MIR_VERDICT_CANNOT);
    put32(disk + 446 + 16 + 8, UINT32_MAX); /* beyond the file */
    k = look(sizeof disk);
    assert_null(strstr(k.description, "Nanos"));
    assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_UNKNOWN);
}

/* --- EFI applications --- */

static void test_efi(void **state)
{
    static const char *const unified[] = {".linux", ".initrd", ".cmdline", ".osrel"};
    forge_pe(disk, 0x8664, 10, unified, 4);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
    assert_int_equal(k.boot_ways, MIR_BOOT_EFI_APP);
    assert_int_equal(k.arch, MIR_ARCH_X86_64);
    assert_string_equal(k.description,
                        "EFI application (unified kernel image), x86_64, with initrd, "
                        "with arguments");
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_int_equal(mir_kernel_family(&k, "openstack", "kvm-x86")->needs.layout, MIR_LAYOUT_UEFI);
    forge_pe(disk, 0xaa64, 10, NULL, 0);
    k = look(sizeof disk);
    assert_int_equal(k.arch, MIR_ARCH_AARCH64);
    assert_string_equal(k.description, "EFI application, aarch64");
    assert_int_equal(mir_kernel_family(&k, "ec2", "graviton")->verdict, MIR_VERDICT_UNKNOWN);
    assert_int_equal(mir_kernel_family(&k, "ec2", "nitro")->verdict, MIR_VERDICT_CANNOT);
    forge_pe(disk, 0x8664, 3, NULL, 0); /* a program for the Windows console */
    k = look(sizeof disk);
    assert_int_equal(k.boot_ways, 0);
    assert_non_null(strstr(k.description, "no EFI application"));
    forge_pe(disk, 0x8664, 10, unified, 4);
    corrupt(0x80 + 24 + 240 + 100, "cut off");
    disk[0x3f] = 0xff; /* its header lies nowhere */
    k = look(sizeof disk);
    assert_int_equal(k.boot_ways, 0);
}

/* --- qcow2 --- */

static void test_qcow2(void **state)
{
    for (uint32_t version = 2; version <= 3; version++) {
        forge_qcow2(disk, version);
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
    forge_qcow2(disk, 2);
    put64be(disk + 8, 200);
    put32be(disk + 16, 11);
    memcpy(disk + 200, "/etc/shadow", 11);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "another file"));
    forge_qcow2(disk, 3);
    put64be(disk + 72, 4); /* external data file */
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    forge_qcow2(disk, 3);
    put32be(disk + 32, 2);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "encrypted"));
}

static void test_qcow2_damaged(void **state)
{
    forge_qcow2(disk, 3);
    corrupt(60, "cut off");
    corrupt(90, "cut off");
    corrupt(CLUSTER + 4, "cut off");
    put32be(disk + 4, 9);
    corrupt(sizeof disk, "version 9");
    forge_qcow2(disk, 3);
    put32be(disk + 20, 200);
    corrupt(sizeof disk, "2^200");
    forge_qcow2(disk, 3);
    put64be(disk + 40, UINT64_MAX - 3);
    corrupt(sizeof disk, "cut off");
}

/* --- VHD --- */

static void test_vhd_fixed(void **state)
{
    blank();
    forge_boot_sector(disk);
    forge_vhd_footer(disk + DISK_BYTES - 512, 2, UINT64_MAX);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    disk[DISK_BYTES - 400]++; /* no footer any more: what is left is a raw disk */
    k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_RAW);
}

static void test_vhd_dynamic(void **state)
{
    forge_vhd_dynamic(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    put32be(disk + 1536, UINT32_MAX);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    put32be(disk + 1536, 0x7fffffff);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    forge_vhd_dynamic(disk);
    corrupt(DISK_BYTES - 512, "footer");
    disk[DISK_BYTES - 100]++;
    corrupt(sizeof disk, "checksum");
}

static void test_vhd_differencing(void **state)
{
    blank();
    forge_vhd_footer(disk, 4, 512);
    forge_vhd_footer(disk + DISK_BYTES - 512, 4, 512);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VHD);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

/* --- VMDK --- */

static void test_vmdk(void **state)
{
    forge_vmdk(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VMDK);
    assert_string_equal(k.description, "VMDK disk image, 8.0 MiB");
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    put32(disk + 0x7000, 1); /* the sector behind the header, for which there is no such entry */
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    put32(disk + 8, 5); /* now entry 1 stands for zeros */
    k = look(sizeof disk);
    assert_string_equal(mir_kernel_boots(&k, "local")->why,
                        "The disk is empty: its first sector is all zeros, so there is nothing to "
                        "start.");
    put32(disk + 0x6000, 0);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
    put32(disk + 0x6000, 0x7fffffff);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    put64(disk + 56, UINT64_MAX - 3);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
}

static void test_vmdk_packed(void **state)
{
    forge_vmdk_packed(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_DISK_VMDK);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    disk[FORGE_VMDK_GRAIN + 30] ^= 0x55; /* it cannot be unpacked: whoever reads it will say so */
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    forge_vmdk_packed(disk);
    put32(disk + FORGE_VMDK_GRAIN + 8, UINT32_MAX);
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
    forge_vmdk_packed(disk);
    disk[FORGE_VMDK_GRAIN] = 128; /* the first that was written is not the first of the disk */
    k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_UNKNOWN);
}

/* What its text says: whoever opens the file with QEMU opens those that are named there. */
static void test_vmdk_texts(void **state)
{
    static const struct {
        const char *was, *is;
        enum mir_verdict verdict;
    } rows[] = {
        {"parentCID=ffffffff", "parentCID=FFFFFFFF", MIR_VERDICT_BOOTS},
        {"parentCID=ffffffff", "parentCID=12345678", MIR_VERDICT_CANNOT},
        {"CID=fffffffe", "parentFileNameHint=\"/etc/passwd\"", MIR_VERDICT_CANNOT},
        {"version=1", "RW 1 FLAT \"/etc/passwd\" 0", MIR_VERDICT_CANNOT},
        {"version=1", "RW 1 SPARSE \"b.vmdk\"", MIR_VERDICT_CANNOT},
        {"monolithicSparse", "twoGbMaxExtentSparse", MIR_VERDICT_CANNOT},
        {"monolithicSparse", "streamOptimized", MIR_VERDICT_BOOTS},
        {"# Disk", "", MIR_VERDICT_CANNOT}, /* room for a text, and none in it */
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        forge_vmdk(disk);
        char *text = (char *)disk + FORGE_VMDK_TEXT, *at = strstr(text, rows[i].was);
        size_t was = strlen(rows[i].was), is = strlen(rows[i].is);
        assert_non_null(at);
        memmove(at + is, at + was, strlen(at + was) + 1);
        memcpy(at, rows[i].is, is);
        if (!is)
            *text = '\0';
        struct mir_kernel k = look(sizeof disk);
        assert_int_equal(k.format, MIR_FORMAT_DISK_VMDK);
        if (local(&k) != rows[i].verdict)
            fail_msg("%s", text);
    }
    forge_vmdk(disk);
    put64(disk + 28, 0); /* no text at all */
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

static void test_vmdk_damaged(void **state)
{
    static const struct {
        size_t at;
        unsigned width;
        uint64_t value;
        const char *word;
    } rows[] = {
        {4, 4, 0, "version 0"},         {4, 4, 4, "version 4"},
        {12, 8, 0, "no size"},          {20, 8, 4, "grains"},
        {20, 8, 129, "grains"},         {20, 8, UINT64_MAX, "grains"},
        {44, 4, 0, "tables"},           {44, 4, 513, "tables"},
        {36, 8, 129, "too long"},       {28, 8, UINT64_MAX, "description is missing"},
        {28, 8, 100, "makes no sense"}, {73, 4, 0x0a0a0a0a, "copied as a text"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        forge_vmdk(disk);
        memset(disk + (size_t)100 * 512, 'x', 20 * 512);
        if (rows[i].width == 8)
            put64(disk + rows[i].at, rows[i].value);
        else
            put32(disk + rows[i].at, (uint32_t)rows[i].value);
        corrupt(sizeof disk, rows[i].word);
    }
    forge_vmdk(disk);
    corrupt(511, "inside its header");
    corrupt(10000, "description is missing");
}

/* --- Linux --- */

static void test_linux(void **state)
{
    forge_linux(disk, 0x20c);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_LINUX);
    assert_int_equal(k.arch, MIR_ARCH_X86_64);
    assert_int_equal(k.load_bytes, 0x1200000);
    assert_int_equal(local(&k), MIR_VERDICT_BOOTS);
    forge_linux(disk, 0x207);
    k = look(sizeof disk);
    assert_int_equal(k.arch, MIR_ARCH_I386);
    assert_int_equal(k.load_bytes, 0x101000);
    assert_non_null(strstr(k.description, "2.07"));
    corrupt(3000, "cut off");
}

static void test_arm64(void **state)
{
    forge_arm64(disk);
    struct mir_kernel k = look(sizeof disk);
    assert_int_equal(k.format, MIR_FORMAT_LINUX);
    assert_int_equal(k.arch, MIR_ARCH_AARCH64);
    assert_int_equal(local(&k), MIR_VERDICT_CANNOT);
}

static void test_short_files(void **state)
{
    for (size_t len = 1; len < 1100; len++) {
        forge_linux(disk, 0x20c);
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
        cmocka_unit_test(test_multiboot_in_the_gap),
        cmocka_unit_test(test_mbr_without_code),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_gpt),
        cmocka_unit_test(test_vmdk),
        cmocka_unit_test(test_vmdk_packed),
        cmocka_unit_test(test_vmdk_texts),
        cmocka_unit_test(test_vmdk_damaged),
        cmocka_unit_test(test_other_disks),
        cmocka_unit_test(test_osv),
        cmocka_unit_test(test_nanos),
        cmocka_unit_test(test_efi),
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
