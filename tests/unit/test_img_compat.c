/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts.h"
#include "images/compat.h"

static const unsigned provider_bits[] = {KRN_LOCAL, KRN_EC2, KRN_OPENSTACK, KRN_RACKSPACE};

/* Every text fits its field and is a sentence; every `how` belongs to a verdict that has one. */
static void test_texts(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct krn_rule *rule = &rules[i];
        struct mir_boots row;
        assert_true(strlen(rule->why) < sizeof row.why);
        assert_true(strlen(rule->how) < sizeof row.how);
        assert_int_equal(rule->why[strlen(rule->why) - 1], '.');
        if (rule->verdict == MIR_VERDICT_BOOTS || rule->verdict == MIR_VERDICT_NO_NETWORK)
            assert_true(rule->how[0]);
        if (rule->verdict == MIR_VERDICT_CANNOT && rule->providers != KRN_LOCAL)
            assert_string_equal(rule->how, ""); /* trying costs nothing on this machine alone */
        assert_true(rule->providers && rule->providers < 16);
    }
}

/* No rule stands behind one that takes all its cases: each is the answer to its own question. */
static void test_every_rule_is_reached(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < MIR_NELEMS(provider_bits); p++) {
            if (!(rules[i].providers & provider_bits[p]))
                continue;
            int format = rules[i].format == KRN_ANY_FORMAT ? MIR_FORMAT_DISK_RAW : rules[i].format;
            if (krn_rule_for(provider_bits[p], (enum mir_format)format, rules[i].need) != &rules[i])
                fail_msg("rule %zu is never reached: %s", i, rules[i].why);
        }
    }
}

/* Whatever is asked, there is an answer, and the last rule (about disks) answers only disks. */
static void test_every_question(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (unsigned format = 0; format < MIR_FORMAT_COUNT; format++) {
        bool disk = format == MIR_FORMAT_DISK_RAW || format == MIR_FORMAT_DISK_QCOW2 ||
                    format == MIR_FORMAT_DISK_VHD;
        for (size_t p = 0; p < MIR_NELEMS(provider_bits); p++) {
            const struct krn_rule *rule = krn_rule_for(provider_bits[p], format, 0);
            assert_true(rule->providers & provider_bits[p]);
            assert_int_equal(rule == &rules[count - 1], disk);
        }
    }
}

static void test_how_for_local(void **state)
{
    static const char *const known[] = {"", "qemu-kernel", "qemu-disk", "solo5-spt", "solo5-hvt"};
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        bool found = !(rules[i].providers & KRN_LOCAL);
        for (size_t n = 0; n < MIR_NELEMS(known); n++)
            found |= !strcmp(rules[i].how, known[n]);
        assert_true(found);
    }
}

static void test_fill(void **state)
{
    struct mir_kernel k = {.format = MIR_FORMAT_SOLO5_VIRTIO};
    krn_compat_fill(&k, KRN_MB1_LOADABLE);
    assert_int_equal(k.boots_count, 4);
    assert_int_equal(mir_kernel_boots(&k, "local")->verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(mir_kernel_boots(&k, "ec2")->verdict, MIR_VERDICT_NO_NETWORK);
    assert_non_null(strstr(mir_kernel_boots(&k, "openstack")->why, "hw_disk_bus"));
    krn_compat_fill(&k, KRN_MB1_LOADABLE | KRN_HAS_BLOCK);
    assert_int_equal(k.boots_count, 4);
    assert_null(strstr(mir_kernel_boots(&k, "openstack")->why, "hw_disk_bus"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),          cmocka_unit_test(test_every_rule_is_reached),
        cmocka_unit_test(test_every_question), cmocka_unit_test(test_how_for_local),
        cmocka_unit_test(test_fill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
