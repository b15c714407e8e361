/* SPDX-License-Identifier: ISC */
/* Which tender a kernel is for. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "solo5_kind.h"

struct kernel {
    Elf64_Ehdr head;
    Elf64_Phdr parts[2];
    struct note {
        Elf64_Nhdr head;
        char owner[8];
        uint32_t words[2];
    } notes[2];
};

static struct kernel kernel_for(uint32_t target)
{
    const struct note other = {{4, 8, 0x31494241}, "GNU", {1, 2}};
    struct kernel k = {
        .head = {.e_ident = ELFMAG "\2\1", .e_phoff = offsetof(struct kernel, parts), .e_phnum = 2},
        .notes = {other, {{6, 8, 0x31494241}, "Solo5", {target, 2}}}};

    k.parts[0].p_type = PT_LOAD;
    k.parts[1] = (Elf64_Phdr){.p_type = PT_NOTE,
                              .p_offset = offsetof(struct kernel, notes),
                              .p_filesz = sizeof(struct note) * 2};
    k.notes[0].head.n_namesz = 8; /* of the room that it has */
    return k;
}

static enum car_solo5_kind kind(const struct kernel *k, size_t len)
{
    unsigned char *exact = malloc(len + 1); /* so that a byte too far is found */
    enum car_solo5_kind ret;

    memcpy(exact + 1, k, len);
    ret = car_solo5_kind(exact + 1, len);
    free(exact);
    return ret;
}

static void targets(void **state)
{
    static const enum car_solo5_kind kinds[] = {CAR_SOLO5_UNSAID, CAR_SOLO5_HVT, CAR_SOLO5_SPT,
                                                CAR_SOLO5_UNSAID};

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        const struct kernel k = kernel_for(i);

        assert_int_equal(kind(&k, sizeof(k)), kinds[i]);
    }
}

static void no_kernels(void **state)
{
    const struct kernel good = kernel_for(1);
    struct kernel k = good;

    (void)state;
    for (size_t len = 0; len < sizeof(good); len++)
        assert_int_equal(kind(&good, len), CAR_SOLO5_UNSAID);
    k.head.e_phoff = UINT64_MAX - 8;
    assert_int_equal(kind(&k, sizeof(k)), CAR_SOLO5_UNSAID);
    k = good;
    k.parts[1].p_offset = UINT64_MAX - 8;
    assert_int_equal(kind(&k, sizeof(k)), CAR_SOLO5_UNSAID);
    k = good;
    k.notes[0].head.n_namesz = UINT32_MAX;
    assert_int_equal(kind(&k, sizeof(k)), CAR_SOLO5_UNSAID);
    k = good;
    k.notes[1].owner[0] = 's';
    assert_int_equal(kind(&k, sizeof(k)), CAR_SOLO5_UNSAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(targets), cmocka_unit_test(no_kernels)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
