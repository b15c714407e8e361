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

#include "elf.h"

static struct forge f;

static void fresh(bool is64)
{
    forge_elf(&f, is64, is64 ? KRN_EM_X86_64 : KRN_EM_386);
    forge_load(&f, 0x100000, "code", 4, 0x2000);
}

static void test_one(void **state)
{
    static const struct {
        bool is64;
        uint32_t flags;
        enum mir_verdict local;
    } rows[] = {
        {false, 3, MIR_VERDICT_BOOTS},
        {false, 0x10003, MIR_VERDICT_BOOTS},
        {true, 0x10003, MIR_VERDICT_BOOTS},
        {true, 3, MIR_VERDICT_CANNOT},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k;
        fresh(rows[i].is64);
        forge_mb1(&f, 0x1020, rows[i].flags);
        forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
        assert_int_equal(k.boot_ways, MIR_BOOT_MULTIBOOT1);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, rows[i].local);
    }
}

static void test_two(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_mb2(&f, 0x1028);
    forge_is(&f, MIR_FORMAT_MULTIBOOT2, &k);
    assert_int_equal(k.boot_ways, MIR_BOOT_MULTIBOOT2);
    assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_CANNOT);
    assert_int_equal(mir_kernel_boots(&k, "openstack")->verdict, MIR_VERDICT_BOOTS);
    forge_elf(&f, false, KRN_EM_386);
    forge_load(&f, 0x100000, "code", 4, 0x2000);
    forge_mb1(&f, 0x1020, 3);
    forge_mb2(&f, 0x1040);
    forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
    assert_int_equal(k.boot_ways, MIR_BOOT_MULTIBOOT1 | MIR_BOOT_MULTIBOOT2);
}

/* The hello unikernel's shape. */
static void test_with_pvh(void **state)
{
    struct mir_kernel k;
    fresh(false);
    forge_mb1(&f, 0x1020, 3);
    forge_note32(&f, "Xen", 18, 0x100000);
    forge_is(&f, MIR_FORMAT_XEN_PVH, &k);
    assert_int_equal(k.boot_ways, MIR_BOOT_MULTIBOOT1 | MIR_BOOT_PVH);
    assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_BOOTS);
    assert_string_equal(mir_kernel_boots(&k, "local")->how, "qemu-kernel");
    assert_int_equal(k.min_memory_bytes, 16 << 20);
}

static void test_where(void **state)
{
    struct mir_kernel k;
    fresh(false);
    forge_mb1(&f, 0x1ff4, 3); /* its last possible place: 12 bytes before 8 KiB */
    forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
    fresh(false);
    forge_mb1(&f, 0x1ff8, 3);
    forge_is(&f, MIR_FORMAT_ELF, &k);
    fresh(false);
    forge_mb1(&f, 0x1022, 3); /* not on 4 bytes */
    forge_is(&f, MIR_FORMAT_ELF, &k);
    fresh(false);
    forge_mb2(&f, 0x7ff0);
    forge_is(&f, MIR_FORMAT_MULTIBOOT2, &k);
    fresh(false);
    forge_mb2(&f, 0x7ff8);
    forge_is(&f, MIR_FORMAT_ELF, &k);
    fresh(false);
    forge_mb2(&f, 0x1024); /* not on 8 bytes */
    forge_is(&f, MIR_FORMAT_ELF, &k);
}

static void test_checksum(void **state)
{
    struct mir_kernel k;
    fresh(false);
    forge_mb1(&f, 0x1020, 3);
    f.data[0x1028]++;
    forge_is(&f, MIR_FORMAT_ELF, &k);
}

/* Address fields that do not describe this file do not make it loadable. */
static void test_address_fields(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
    } lies[] = {{12, 0x1000}, {12, 0xffffffff}, {20, 0x1000}, {20, 0x900000}, {24, 0x100001}};
    for (size_t i = 0; i < MIR_NELEMS(lies); i++) {
        struct mir_kernel k;
        fresh(true);
        forge_mb1(&f, 0x1020, 0x10003);
        put32(f.data + 0x1020 + lies[i].at, lies[i].value);
        forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_CANNOT);
    }
}

/* The 32-bit file of Unikraft holds 64-bit code: its sections tell. */
static void test_unikraft(void **state)
{
    struct mir_kernel k;
    fresh(false);
    forge_mb1(&f, 0x1020, 3);
    forge_section(&f, ".uk_inittab", 1, "x", 1);
    forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
    assert_int_equal(k.arch, MIR_ARCH_X86_64);
    assert_string_equal(k.description, "multiboot 1 kernel (Unikraft), ELF32 i386");
    assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_NO_NETWORK);
}

/* A flat file with address fields is a kernel too; one without them is chance. */
static void test_flat(void **state)
{
    struct mir_kernel k;
    memset(&f, 0, sizeof f);
    forge_mb1(&f, 0x40, 0x10003);
    assert_int_equal(krn_inspect_memory(f.data, f.len, krn_limits_default(), &k, NULL), 0);
    assert_int_equal(k.format, MIR_FORMAT_MULTIBOOT1);
    assert_int_equal(k.entry, 0x100020);
    assert_int_equal(k.load_bytes, 0x110000);
    memset(&f, 0, sizeof f);
    forge_mb1(&f, 0x40, 3);
    assert_int_equal(krn_inspect_memory(f.data, f.len, krn_limits_default(), &k, NULL), 0);
    assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),      cmocka_unit_test(test_two),
        cmocka_unit_test(test_with_pvh), cmocka_unit_test(test_where),
        cmocka_unit_test(test_checksum), cmocka_unit_test(test_address_fields),
        cmocka_unit_test(test_unikraft), cmocka_unit_test(test_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
