/* SPDX-License-Identifier: ISC */
/* A Linux without what a dom0 has no use for: cut and blanked where it looks as it is known, and
 * untouched, with the reason, wherever it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/memory.h"
#include "elf_forge.h"
#include "vmlinux.h"

#define WHOLE ((size_t)FORGE_LINUX_BYTES + FORGE_LISTS_BYTES)

/* In memory of exactly that length, so that a step too far is seen. Owned. */
static unsigned char *spare(const unsigned char *from, size_t *len, bool types,
                            struct img_spared *ret)
{
    unsigned char *kernel = mir_calloc(1, *len ? *len : 1);
    memcpy(kernel, from, *len);
    img_vmlinux_spare(kernel, len, types, ret);
    return kernel;
}

static void both(void **state)
{
    unsigned char linux_[WHOLE];
    struct img_spared spared;
    size_t len = WHOLE;
    forge_linux(linux_);
    unsigned char *kernel = spare(linux_, &len, true, &spared);
    assert_int_equal(len, FORGE_LINUX_BYTES);
    assert_int_equal(spared.relocations, FORGE_LISTS_BYTES);
    assert_int_equal(spared.types, FORGE_TYPES_BYTES);
    assert_null(spared.relocations_why);
    assert_null(spared.types_why);
    memset(linux_ + FORGE_TYPES_AT, 0, FORGE_TYPES_BYTES);
    assert_memory_equal(kernel, linux_, FORGE_LINUX_BYTES);
    free(kernel);
}

static void needed_types(void **state)
{
    unsigned char linux_[WHOLE];
    struct img_spared spared;
    size_t len = WHOLE;
    forge_linux(linux_);
    unsigned char *kernel = spare(linux_, &len, false, &spared);
    assert_int_equal(len, FORGE_LINUX_BYTES);
    assert_int_equal(spared.types, 0);
    assert_non_null(strstr(spared.types_why, "CONFIG_MODULE_ALLOW_BTF_MISMATCH"));
    assert_memory_equal(kernel, linux_, FORGE_LINUX_BYTES);
    free(kernel);
}

struct change {
    size_t at;
    uint64_t value;
    unsigned bytes;
};

/* With one change: the types stay, or the lists, or both. */
static void changed(const struct change *change, bool types_stay, bool lists_stay)
{
    unsigned char linux_[WHOLE];
    struct img_spared spared;
    size_t len = WHOLE;
    forge_linux(linux_);
    forge_put(linux_ + change->at, change->value, change->bytes);
    unsigned char *kernel = spare(linux_, &len, true, &spared);
    assert_int_equal(len, lists_stay ? WHOLE : FORGE_LINUX_BYTES);
    assert_int_equal(spared.relocations, lists_stay ? 0 : FORGE_LISTS_BYTES);
    assert_int_equal(spared.relocations_why != NULL, lists_stay);
    assert_int_equal(spared.types, types_stay ? 0 : FORGE_TYPES_BYTES);
    assert_int_equal(spared.types_why != NULL, types_stay);
    if (!types_stay)
        memset(linux_ + FORGE_TYPES_AT, 0, FORGE_TYPES_BYTES);
    assert_memory_equal(kernel, linux_, len);
    free(kernel);
}

static void other_types(void **state)
{
    enum { SECTION = FORGE_SECTIONS_AT + 64 };
    static const struct change rows[] = {{FORGE_TYPES_AT, 0xeb9e, 2},
                                         {FORGE_TYPES_AT, 0x9feb, 2},
                                         {FORGE_TYPES_AT + 2, 2, 1},
                                         {FORGE_TYPES_AT + 4, 32, 4},
                                         {FORGE_TYPES_AT + 8, 1, 4},
                                         {FORGE_TYPES_AT + 12, 4, 4},
                                         {FORGE_TYPES_AT + 16, 4, 4},
                                         {FORGE_TYPES_AT + 20, 4, 4},
                                         {FORGE_TYPES_AT + 20, ~0u, 4},
                                         {SECTION, 0, 4},
                                         {SECTION + 32, 31, 8},
                                         {SECTION + 32, 23, 8},
                                         {SECTION + 32, 0, 8},
                                         {SECTION + 24, FORGE_TYPES_AT + 1, 8},
                                         {SECTION + 4, 8, 4} /* NOBITS */,
                                         {62, 7, 2} /* no section of names */};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        changed(&rows[i], true, false);
}

static void other_lists(void **state)
{
    static const struct change rows[] = {{FORGE_LINUX_BYTES, 0x81000000, 4},
                                         {FORGE_LINUX_BYTES + 4, 0x80ffffff, 4},
                                         {FORGE_LINUX_BYTES + 4, 0x01000000, 4},
                                         {FORGE_LINUX_BYTES + 8, 0x81010000, 4},
                                         {64 + 16, 0xffffffff82000000, 8},
                                         {64 + 16, 0xffffffffffffffff, 8},
                                         {64, 0, 4}, /* no segment that is loaded there */
                                         /* A section in what would be cut off. */
                                         {FORGE_SECTIONS_AT + 128 + 24, FORGE_LINUX_BYTES, 8}};
    for (size_t i = 0; i + 1 < MIR_NELEMS(rows); i++)
        changed(&rows[i], false, true);
    changed(&rows[MIR_NELEMS(rows) - 1], true, true); /* and the names are gone */
}

static void too_many_lists(void **state)
{
    unsigned char linux_[WHOLE + 8] = {0};
    struct img_spared spared;
    forge_linux(linux_);
    memset(linux_ + FORGE_LINUX_BYTES, 0, FORGE_LISTS_BYTES + 8);
    for (size_t more = 0; more <= 8; more += 2) {
        size_t len = FORGE_LINUX_BYTES + more + 8;
        free(spare(linux_, &len, true, &spared));
        assert_int_equal(spared.relocations, more % 4 || more == 8 ? 0 : more + 8);
    }
}

static void nothing_behind(void **state)
{
    unsigned char linux_[WHOLE];
    struct img_spared spared;
    forge_linux(linux_);
    for (size_t more = 0; more < 4; more++) {
        size_t len = FORGE_LINUX_BYTES + more;
        free(spare(linux_, &len, true, &spared));
        assert_int_equal(len, FORGE_LINUX_BYTES + more);
        assert_int_equal(spared.types, FORGE_TYPES_BYTES);
        assert_non_null(spared.relocations_why);
    }
}

/* Whatever is no whole ELF file for x86-64, and every beginning of one. */
static void no_linux(void **state)
{
    static const struct change rows[] = {{0, 'x', 1},  {4, 1, 1},    {5, 2, 1},    {18, 183, 2},
                                         {32, ~0u, 8}, {40, ~0u, 8}, {60, 999, 2}, {56, 999, 2}};
    unsigned char linux_[WHOLE];
    struct img_spared spared;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        changed(&rows[i], true, true);
    forge_linux(linux_);
    for (size_t cut = 1; cut < FORGE_LINUX_BYTES; cut++) {
        size_t len = cut;
        unsigned char *kernel = spare(linux_, &len, true, &spared);
        assert_int_equal(len, cut);
        assert_memory_equal(kernel, linux_, cut);
        assert_true(spared.relocations_why && spared.types_why);
        free(kernel);
    }
}

static void configuration(void **state)
{
    static const struct {
        const char *text;
        bool says;
    } rows[] = {{"A=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\nB=y\n", true},
                {"A=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y", false},
                {"A=y\n# CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set\n", false},
                {"A=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=m\n", false},
                {"XCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n", false},
                {"", false}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_int_equal(img_vmlinux_needs_no_types(rows[i].text, strlen(rows[i].text)),
                         rows[i].says);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both),           cmocka_unit_test(needed_types),
        cmocka_unit_test(other_types),    cmocka_unit_test(other_lists),
        cmocka_unit_test(too_many_lists), cmocka_unit_test(nothing_behind),
        cmocka_unit_test(no_linux),       cmocka_unit_test(configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
