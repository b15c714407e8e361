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

static int corrupt(const char *part_of_text)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    int rc = krn_inspect_memory(f.data, f.len, krn_limits_default(), &k, &err);
    if (rc != -1 || err.kind != MIR_CORRUPT || !strstr(err.text, part_of_text)) {
        print_error("rc %d, kind %u, text '%s'\n", rc, err.kind, err.text);
        return 0;
    }
    return 1;
}

static void fresh(bool is64)
{
    forge_elf(&f, is64, is64 ? KRN_EM_X86_64 : KRN_EM_386);
    forge_load(&f, 0x100000, "code", 4, 0x2000);
    f.entry = 0x100020;
}

static void test_plain(void **state)
{
    for (int is64 = 0; is64 < 2; is64++) {
        struct mir_kernel k;
        fresh(is64);
        forge_is(&f, MIR_FORMAT_ELF, &k);
        assert_int_equal(k.arch, is64 ? MIR_ARCH_X86_64 : MIR_ARCH_I386);
        assert_int_equal(k.entry, 0x100020);
        assert_int_equal(k.load_bytes, 0x102000);
        assert_int_equal(k.boot_ways, 0);
        assert_int_equal(k.min_memory_bytes, 0);
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_CANNOT);
    }
}

static void test_machines(void **state)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } rows[] = {{KRN_EM_AARCH64, "aarch64"}, {243, "riscv"}, {4711, "machine 4711"}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k;
        forge_elf(&f, true, rows[i].machine);
        forge_load(&f, 0x100000, "code", 4, 4);
        forge_mb1(&f, 0x1100, 0x10003);
        forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
        assert_non_null(strstr(k.description, rows[i].name));
        assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_CANNOT);
        assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "It is built for a"));
    }
}

static void test_big_endian(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_finish(&f);
    f.data[5] = 2;
    f.data[18] = 0;
    f.data[19] = 22;
    assert_int_equal(krn_inspect_memory(f.data, f.len, krn_limits_default(), &k, NULL), 0);
    assert_non_null(strstr(k.description, "big-endian"));
    assert_non_null(strstr(k.description, "s390x"));
    for (unsigned i = 0; i < k.boots_count; i++)
        assert_int_equal(k.boots[i].verdict, MIR_VERDICT_CANNOT);
}

static void test_bad_ident(void **state)
{
    fresh(true);
    forge_finish(&f);
    f.data[4] = 3;
    assert_true(corrupt("class 3"));
    f.data[4] = 2;
    f.data[5] = 0;
    assert_true(corrupt("byte order 0"));
}

/* Cut at every length: never a crash, never an answer, always a clear message. */
static void test_cut_everywhere(void **state)
{
    for (int is64 = 0; is64 < 2; is64++) {
        fresh(is64);
        forge_section(&f, "__xen_guest", 1, "GUEST_OS=x", 10);
        forge_finish(&f);
        size_t whole = f.len;
        for (f.len = 4; f.len < whole; f.len++)
            assert_true(corrupt("cut off"));
    }
}

/* One field after the other takes values that overflow in every naive sum. */
static void test_wild_fields(void **state)
{
    static const uint64_t wild[] = {1,
                                    0x7f,
                                    0xffff,
                                    0x7fffffff,
                                    0xffffffff,
                                    0x100000000ull,
                                    INT64_MAX,
                                    UINT64_MAX - 63,
                                    UINT64_MAX,
                                    UINT64_MAX / 56,
                                    (1ull << 61) + 1};
    for (int is64 = 0; is64 < 2; is64++) {
        for (size_t at = 4; at < 300; at++) {
            for (size_t w = 0; w < MIR_NELEMS(wild); w++) {
                struct mir_kernel k;
                struct mir_error err = {0};
                fresh(is64);
                forge_note32(&f, "Xen", 18, 0x100000);
                forge_section(&f, "__xen_guest", 1, "GUEST_OS=x", 10);
                forge_finish(&f);
                put64(f.data + at, wild[w]);
                unsigned char *exact = malloc(f.len); /* so that a sanitizer sees the end */
                assert_non_null(exact);
                memcpy(exact, f.data, f.len);
                int rc = krn_inspect_memory(exact, f.len, krn_limits_default(), &k, &err);
                assert_true(rc == 0 || err.kind == MIR_CORRUPT);
                free(exact);
            }
        }
    }
}

static void test_segment_lies(void **state)
{
    fresh(true);
    f.segment[0].filesz = 0x10000000;
    f.segment[0].memsz = 0x10000000;
    forge_finish(&f);
    assert_true(corrupt("segment 0 ends at byte"));
    fresh(true);
    f.segment[0].memsz = 2;
    forge_finish(&f);
    assert_true(corrupt("larger in the file than in memory"));
    fresh(true);
    f.segment[0].memsz = 1ull << 50;
    forge_finish(&f);
    assert_true(corrupt("asks for"));
    fresh(true);
    f.segment[0].paddr = UINT64_MAX - 10;
    forge_finish(&f);
    assert_true(corrupt("asks for"));
    fresh(true);
    f.segment[0].offset = UINT64_MAX - 2;
    forge_finish(&f);
    assert_true(corrupt("beyond all addresses"));
}

static void test_table_lies(void **state)
{
    fresh(true);
    forge_finish(&f);
    put16(f.data + 54, 8);
    assert_true(corrupt("entries of 8 bytes"));
    put16(f.data + 54, 56);
    put16(f.data + 56, 60000);
    assert_true(corrupt("60000 program headers"));
    put16(f.data + 56, 1);
    put64(f.data + 32, UINT64_MAX - 8);
    assert_true(corrupt("beyond all addresses"));
}

/* Kernels whose physical addresses are virtual ones: the span counts. */
static void test_high_addresses(void **state)
{
    struct mir_kernel k;
    forge_elf(&f, true, KRN_EM_X86_64);
    forge_load(&f, 0xffffffff80000000, "code", 4, 0x3000);
    forge_load(&f, 0xffffffff80100000, "data", 4, 0x1000);
    forge_note32(&f, "Xen", 5, 0);
    forge_is(&f, MIR_FORMAT_XEN_PV, &k);
    assert_int_equal(k.load_bytes, 0x101000);
}

static void test_empty_parts(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_segment(&f, 4, 0, 0); /* seen in Solo5: notes and loads without any bytes */
    forge_segment(&f, 1, 0, 0);
    forge_solo5(&f, 2, 2);
    forge_is(&f, MIR_FORMAT_SOLO5_SPT, &k);
}

static void put_pvh_note(unsigned char bytes[20], uint32_t entry)
{
    put32(bytes, 4);
    put32(bytes + 4, 4);
    put32(bytes + 8, 18);
    memcpy(bytes + 12, "Xen", 4);
    put32(bytes + 16, entry);
}

/* Notes whose sizes pass their segment end it, without harm to the ones before. */
static void test_note_sizes(void **state)
{
    unsigned char bytes[64] = {0};
    struct mir_kernel k;
    put_pvh_note(bytes, 0x123000);
    put32(bytes + 20, UINT32_MAX);
    put32(bytes + 24, UINT32_MAX);
    put32(bytes + 28, 18);
    fresh(true);
    forge_segment(&f, 4, forge_bytes(&f, bytes, sizeof bytes), sizeof bytes);
    forge_is(&f, MIR_FORMAT_XEN_PVH, &k);
    assert_int_equal(k.entry, 0x123000);
}

/* Without PT_NOTE the note sections count. */
static void test_note_sections(void **state)
{
    unsigned char bytes[20] = {0};
    struct mir_kernel k;
    put_pvh_note(bytes, 0x123000);
    fresh(false);
    forge_section(&f, ".note.Xen", 7, bytes, sizeof bytes);
    forge_is(&f, MIR_FORMAT_XEN_PVH, &k);
    fresh(false);
    forge_note32(&f, "Other", 1, 1);
    forge_section(&f, ".note.Xen", 7, bytes, sizeof bytes);
    forge_is(&f, MIR_FORMAT_ELF, &k);
}

static void test_many_notes(void **state)
{
    static unsigned char bytes[100000];
    struct mir_kernel k;
    for (size_t at = 0; at + 16 <= sizeof bytes; at += 16)
        put32(bytes + at, 4); /* thousands of empty notes, more than are looked at */
    fresh(true);
    forge_segment(&f, 4, forge_bytes(&f, bytes, sizeof bytes), sizeof bytes);
    forge_solo5(&f, 2, 2);
    forge_is(&f, MIR_FORMAT_ELF, &k);
}

static void test_programs(void **state)
{
    struct mir_kernel k;
    fresh(true);
    forge_segment(&f, 3, forge_bytes(&f, "/lib/ld", 8), 8);
    forge_is(&f, MIR_FORMAT_ELF, &k);
    assert_non_null(strstr(k.description, "operating system"));
    fresh(true);
    f.type = 1;
    forge_is(&f, MIR_FORMAT_ELF, &k);
    assert_non_null(strstr(k.description, "object"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),          cmocka_unit_test(test_machines),
        cmocka_unit_test(test_big_endian),     cmocka_unit_test(test_bad_ident),
        cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_wild_fields),
        cmocka_unit_test(test_segment_lies),   cmocka_unit_test(test_table_lies),
        cmocka_unit_test(test_high_addresses), cmocka_unit_test(test_empty_parts),
        cmocka_unit_test(test_note_sizes),     cmocka_unit_test(test_note_sections),
        cmocka_unit_test(test_many_notes),     cmocka_unit_test(test_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
