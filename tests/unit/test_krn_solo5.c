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
static const unsigned char room[256]; /* for a multiboot header at 0x1020 */

static void fresh(void)
{
    forge_elf(&f, true, KRN_EM_X86_64);
    forge_load(&f, 0x100000, room, sizeof room, 0x2000);
}

static void test_targets(void **state)
{
    static const struct {
        uint32_t target, version;
        enum mir_format format;
        enum mir_verdict local, openstack;
        const char *how;
    } rows[] = {
        {1, 2, MIR_FORMAT_SOLO5_HVT, MIR_VERDICT_BOOTS, MIR_VERDICT_CANNOT, "solo5-hvt"},
        {2, 2, MIR_FORMAT_SOLO5_SPT, MIR_VERDICT_BOOTS, MIR_VERDICT_CARRIER, "solo5-spt"},
        {3, 1, MIR_FORMAT_SOLO5_VIRTIO, MIR_VERDICT_BOOTS, MIR_VERDICT_BOOTS, "qemu-kernel"},
        {4, 4, MIR_FORMAT_SOLO5_MUEN, MIR_VERDICT_CANNOT, MIR_VERDICT_CANNOT, ""},
        {5, 1, MIR_FORMAT_ELF, MIR_VERDICT_CANNOT, MIR_VERDICT_CANNOT, ""},
        {6, 1, MIR_FORMAT_SOLO5_XEN, MIR_VERDICT_CANNOT, MIR_VERDICT_CANNOT, "qemu-kernel"},
        {77, 1, MIR_FORMAT_ELF, MIR_VERDICT_CANNOT, MIR_VERDICT_CANNOT, ""},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k;
        fresh();
        forge_solo5(&f, rows[i].target, rows[i].version);
        forge_mb1(&f, 0x1020, 0x10003);
        if (rows[i].target == 6)
            forge_note32(&f, "Xen", 18, 0x101000);
        forge_is(&f, rows[i].format, &k);
        assert_int_equal(k.solo5_abi_version, rows[i].version);
        assert_true(k.boot_ways & MIR_BOOT_SOLO5);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, rows[i].local);
        assert_string_equal(mir_kernel_boots(&k, "local")->how, rows[i].how);
        assert_int_equal(mir_kernel_boots(&k, "openstack")->verdict, rows[i].openstack);
        assert_int_not_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_BOOTS);
    }
}

static void test_virtio_without_header(void **state)
{
    struct mir_kernel k;
    fresh();
    forge_solo5(&f, 3, 1);
    forge_is(&f, MIR_FORMAT_SOLO5_VIRTIO, &k);
    assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_CANNOT);
    assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_CANNOT);
}

static void test_devices(void **state)
{
    static const uint32_t types[] = {2, 1, 2, 3};
    struct mir_kernel k;
    fresh();
    forge_manifest(&f, types, 4);
    forge_solo5(&f, 2, 2);
    forge_is(&f, MIR_FORMAT_SOLO5_SPT, &k);
    assert_int_equal(k.device_count, 4);
    assert_string_equal(k.devices[0].name, "dev0");
    assert_int_equal(k.devices[0].kind, MIR_DEVICE_NET);
    assert_int_equal(k.devices[1].kind, MIR_DEVICE_BLOCK);
    assert_string_equal(k.devices[2].name, "dev2");
    assert_int_equal(k.devices[3].kind, MIR_DEVICE_OTHER);
}

/* Solo5 aborts when a device that it demands is not there: say so before, not afterwards. */
static void test_devices_decide(void **state)
{
    static const struct {
        uint32_t target;
        uint32_t types[2];
        uint32_t count;
        enum mir_verdict local;
    } rows[] = {
        {1, {2, 0}, 1, MIR_VERDICT_CARRIER}, {2, {2, 0}, 1, MIR_VERDICT_CARRIER},
        {2, {0, 0}, 0, MIR_VERDICT_BOOTS},   {3, {2, 0}, 1, MIR_VERDICT_BOOTS},
        {3, {2, 2}, 2, MIR_VERDICT_UNKNOWN}, {3, {2, 1}, 2, MIR_VERDICT_CANNOT},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k;
        fresh();
        forge_mb1(&f, 0x1020, 0x10003);
        forge_solo5(&f, rows[i].target, 1);
        forge_manifest(&f, rows[i].types, rows[i].count);
        assert_int_equal(forge_inspect(&f, &k, NULL), 0);
        assert_int_equal(k.device_count, rows[i].count);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, rows[i].local);
    }
}

static void test_most_devices(void **state)
{
    uint32_t types[MIR_KERNEL_DEVICES_MAX];
    struct mir_kernel k;
    for (size_t i = 0; i < MIR_NELEMS(types); i++)
        types[i] = 2;
    fresh();
    forge_manifest(&f, types, MIR_KERNEL_DEVICES_MAX);
    forge_solo5(&f, 1, 2);
    forge_is(&f, MIR_FORMAT_SOLO5_HVT, &k);
    assert_int_equal(k.device_count, MIR_KERNEL_DEVICES_MAX);
    assert_string_equal(k.devices[62].name, "dev62");
}

static void test_stub(void **state)
{
    struct mir_kernel k;
    fresh();
    forge_manifest(&f, NULL, 0);
    forge_is(&f, MIR_FORMAT_ELF, &k);
    assert_non_null(strstr(k.description, "stub"));
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "stub"));
}

static void refused(const void *desc, size_t len, uint32_t type, const char *text)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    fresh();
    forge_note(&f, "Solo5", type, desc, len);
    assert_int_equal(forge_inspect(&f, &k, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    if (!strstr(err.text, text))
        fail_msg("'%s' is not in '%s'", text, err.text);
}

static void test_damaged_manifests(void **state)
{
    unsigned char desc[12 + 104] = {0}, many[12 + 65 * 104] = {0};
    refused(desc, 8, 0x3154464d, "too short");
    refused(desc, 4, 0x31494241, "too short");
    refused(desc, sizeof desc, 0x3154464d, "version 0");
    put32(desc + 4, 1);
    put32(desc + 8, 2);
    refused(desc, sizeof desc, 0x3154464d, "announces 2 entries");
    put32(desc + 8, UINT32_MAX);
    refused(desc, sizeof desc, 0x3154464d, "announces 4294967295 entries");
    put32(desc + 8, 1);
    put32(desc + 12 + 68, 2);
    refused(desc, sizeof desc, 0x3154464d, "without a valid name");
    put32(many + 4, 1);
    put32(many + 8, 65);
    for (size_t i = 0; i < 65; i++)
        put32(many + 12 + i * 104 + 68, 0x40000000);
    refused(many, sizeof many, 0x3154464d, "announces 65 entries");
    memset(desc + 12, 'x', 68); /* no terminator */
    refused(desc, sizeof desc, 0x3154464d, "without a valid name");
}

static void test_powers_off(void **state)
{
    struct mir_kernel k;
    fresh();
    forge_solo5(&f, 2, 2);
    forge_is(&f, MIR_FORMAT_SOLO5_SPT, &k);
    assert_int_equal(k.powers_off, MIR_POWERS_OFF_YES);
    fresh();
    forge_solo5(&f, 3, 1);
    forge_is(&f, MIR_FORMAT_SOLO5_VIRTIO, &k);
    assert_int_equal(k.powers_off, MIR_POWERS_OFF_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),           cmocka_unit_test(test_virtio_without_header),
        cmocka_unit_test(test_devices),           cmocka_unit_test(test_devices_decide),
        cmocka_unit_test(test_most_devices),      cmocka_unit_test(test_stub),
        cmocka_unit_test(test_damaged_manifests), cmocka_unit_test(test_powers_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
