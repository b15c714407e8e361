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

static void test_pvh(void **state)
{
    for (int is64 = 0; is64 < 2; is64++) {
        struct mir_kernel k;
        fresh(is64);
        forge_note32(&f, "Xen", 18, 0x101000);
        forge_is(&f, MIR_FORMAT_XEN_PVH, &k);
        assert_int_equal(k.boot_ways, MIR_BOOT_PVH);
        assert_int_equal(k.entry, 0x101000);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_UNKNOWN);
        assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_CANNOT);
    }
}

static void test_pv_notes(void **state)
{
    for (int is64 = 0; is64 < 2; is64++) {
        struct mir_kernel k;
        fresh(is64);
        forge_note(&f, "Xen", 6, "Mini-OS", 8);
        forge_note(&f, "Xen", 5, "xen-3.0", 8);
        forge_is(&f, MIR_FORMAT_XEN_PV, &k);
        assert_int_equal(k.boot_ways, MIR_BOOT_XEN_PV_NOTES);
        assert_non_null(strstr(k.description, "(Mini-OS), by notes"));
        assert_int_equal(k.powers_off, MIR_POWERS_OFF_YES);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict,
                         is64 ? MIR_VERDICT_CARRIER : MIR_VERDICT_CANNOT);
    }
}

static void test_pv_string(void **state)
{
    static const char text[] = "XEN_VER=xen-3.0,GUEST_OS=Mirage,LOADER=generic";
    for (int is64 = 0; is64 < 2; is64++) {
        struct mir_kernel k;
        fresh(is64);
        forge_section(&f, "__xen_guest", 1, text, sizeof text - 1); /* without a terminator */
        forge_is(&f, MIR_FORMAT_XEN_PV, &k);
        assert_int_equal(k.boot_ways, MIR_BOOT_XEN_PV_STRING);
        assert_non_null(strstr(k.description, "(Mirage), by __xen_guest string"));
    }
}

/* Linux-like: both. PVH is what today's Xen uses. */
static void test_both(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_note(&f, "Xen", 6, "linux", 6);
    forge_note32(&f, "Xen", 18, 0x1000000);
    forge_is(&f, MIR_FORMAT_XEN_PVH, &k);
    assert_int_equal(k.boot_ways, MIR_BOOT_PVH | MIR_BOOT_XEN_PV_NOTES);
    assert_non_null(strstr(k.description, "PVH kernel (linux), also Xen PV"));
    assert_int_equal(k.powers_off, MIR_POWERS_OFF_UNKNOWN);
}

static void test_not_xen(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_note32(&f, "Xenon", 18, 0x1000000);
    forge_note32(&f, "Xe", 18, 0x1000000);
    forge_note32(&f, "Xen", 13, 1); /* supported features alone say nothing */
    forge_section(&f, "__xen_guests", 1, "GUEST_OS=x", 10);
    forge_is(&f, MIR_FORMAT_ELF, &k);
}

static void test_damaged(void **state)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    fresh(true);
    forge_note(&f, "Xen", 18, "x", 1);
    assert_int_equal(forge_inspect(&f, &k, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

/* What a kernel calls itself goes to terminals and into JSON. */
static void test_hostile_name(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_note(&f, "Xen", 6, "\033[2J\xff\xfe evil", 12);
    forge_is(&f, MIR_FORMAT_XEN_PV, &k);
    assert_null(strchr(k.description, '\033'));
    json_t *json = mir_kernel_to_json(&k);
    assert_non_null(json);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pvh),          cmocka_unit_test(test_pv_notes),
        cmocka_unit_test(test_pv_string),    cmocka_unit_test(test_both),
        cmocka_unit_test(test_not_xen),      cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_hostile_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
