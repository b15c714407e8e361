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

static uint32_t parts_of(const char *owner, uint32_t type, const char *text, size_t len)
{
    struct mir_kernel k;
    forge_elf(&f, false, KRN_EM_386);
    forge_load(&f, 0x100000, "code", 4, 0x2000);
    forge_mb1(&f, 0x1020, 3);
    forge_note(&f, owner, type, text, len);
    forge_is(&f, MIR_FORMAT_MULTIBOOT1, &k);
    assert_int_equal(k.powers_off, k.takes_part & MIR_PART_POWEROFF ? MIR_POWERS_OFF_YES
                                                                    : MIR_POWERS_OFF_UNKNOWN);
    return k.takes_part;
}

static uint32_t parts(const char *text)
{
    return parts_of("mirage-deploy", 1, text, strlen(text));
}

static void test_words(void **state)
{
    assert_int_equal(parts("args,deadline,console-deadline,announce,well-known,poweroff"), 0x3f);
    assert_int_equal(parts("args"), MIR_PART_ARGS);
    assert_int_equal(parts("poweroff,args"), MIR_PART_ARGS | MIR_PART_POWEROFF);
    assert_int_equal(parts_of("mirage-deploy", 1, "args,deadline\0,announce", 23),
                     MIR_PART_ARGS | MIR_PART_DEADLINE);
}

static void test_unknown_words(void **state)
{
    assert_int_equal(parts("args,teleport,deadline2,DEADLINE, announce"), MIR_PART_ARGS);
    assert_int_equal(parts(""), 0);
    assert_int_equal(parts(",,,"), 0);
    assert_int_equal(parts("arg"), 0);
}

static void test_other_notes(void **state)
{
    assert_int_equal(parts_of("mirage-deploy", 2, "args", 4), 0);
    assert_int_equal(parts_of("mirage", 1, "args", 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_other_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
