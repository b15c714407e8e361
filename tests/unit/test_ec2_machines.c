/* SPDX-License-Identifier: ISC */
#include "machines.h"

#include <ctype.h>

#include "scratch.h"

#define MIB ((uint64_t)1 << 20)

static void test_table(void **state)
{
    struct ec2_machine a, b;
    (void)state;
    assert_true(ec2_machine_count() > 10);
    for (size_t i = 0; i < ec2_machine_count(); i++) {
        ec2_machine_at(i, &a);
        assert_true(a.per_hour_micro > 0 && a.memory_bytes >= 512 * MIB);
        assert_int_equal(ec2_machine_named(a.type, &b, NULL), 0);
        assert_string_equal(a.family, b.family);
    }
}

/* What a name says, for types that the table does not have. */
static void test_names(void **state)
{
    static const struct {
        const char *type, *family;
        enum mir_arch arch;
        bool bursts;
    } rows[] = {
        {"m5.large", "nitro", MIR_ARCH_X86_64, false},
        {"c7i-flex.large", "nitro", MIR_ARCH_X86_64, false},
        {"t3.2xlarge", "nitro", MIR_ARCH_X86_64, true},
        {"t4g.2xlarge", "graviton", MIR_ARCH_AARCH64, true},
        {"c7gn.16xlarge", "graviton", MIR_ARCH_AARCH64, false},
        {"im4gn.large", "graviton", MIR_ARCH_AARCH64, false},
        {"a1.medium", "graviton", MIR_ARCH_AARCH64, false},
        {"g4dn.xlarge", "nitro", MIR_ARCH_X86_64, false},
        {"g5g.xlarge", "graviton", MIR_ARCH_AARCH64, false},
        {"t2.large", "xen-hvm", MIR_ARCH_X86_64, true},
        {"x1e.xlarge", "xen-hvm", MIR_ARCH_X86_64, false},
        {"m4.large", "xen-hvm", MIR_ARCH_X86_64, false},
        {"m1.large", "xen-pv", MIR_ARCH_X86_64, false},
        {"i3.metal", "metal", MIR_ARCH_X86_64, false},
        {"c8i.large", "nested", MIR_ARCH_X86_64, false},
        {"m8i-flex.xlarge", "nested", MIR_ARCH_X86_64, false},
        {"r8id.2xlarge", "nested", MIR_ARCH_X86_64, false},
        {"m8i.metal-48xl", "metal", MIR_ARCH_X86_64, false},
        {"m6g.metal", "metal", MIR_ARCH_AARCH64, false},
        {"u-6tb1.metal", "metal", MIR_ARCH_X86_64, false},
        {"trn1.2xlarge", "nitro", MIR_ARCH_X86_64, false},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct ec2_machine m;
        struct mir_error err = {0};
        if (ec2_machine_named(rows[i].type, &m, &err))
            fail_msg("%s", err.text);
        assert_string_equal(m.type, rows[i].type);
        assert_string_equal(m.family, rows[i].family);
        assert_int_equal(m.arch, rows[i].arch);
        if (m.bursts != rows[i].bursts)
            fail_msg("%s", rows[i].type);
    }
}

static void test_no_names(void **state)
{
    static const char *const bad[] = {"",         "micro",    "t3",       "t3.",     ".micro",
                                      "T3.micro", "t3 .nano", "t3.na no", "tt.nano", "t3.m;c"};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct ec2_machine m = {.type = "kept"};
        struct mir_error err = {0};
        assert_int_equal(ec2_machine_named(bad[i], &m, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_string_equal(m.type, "kept");
    }
    struct mir_error err = {0};
    struct ec2_machine m;
    assert_int_equal(ec2_machine_named("t3micro", &m, &err), -1);
    assert_non_null(strstr(err.hint, "t3.micro"));
}

static struct mir_kernel kernel_for(const char *family, enum mir_verdict verdict)
{
    struct mir_kernel k = {.boots_count = 1, .family_count = 1};
    mir_copy(k.boots[0].provider, sizeof k.boots[0].provider, "ec2");
    mir_copy(k.boots[0].why, sizeof k.boots[0].why, "the rule");
    mir_copy(k.families[0].family, sizeof k.families[0].family, family);
    k.families[0].verdict = verdict;
    k.families[0].needs.image = MIR_IMAGE_RAW;
    return k;
}

static void add_family(struct mir_kernel *k, const char *family, enum mir_verdict verdict)
{
    struct mir_family *row = &k->families[k->family_count++];
    mir_copy(row->family, sizeof row->family, family);
    row->verdict = verdict;
    row->needs.image = MIR_IMAGE_RAW;
}

static const char *chosen(const struct mir_kernel *k, uint64_t mib, bool anyway)
{
    static struct ec2_machine m;
    struct mir_error err = {0};
    const struct ec2_wanted wanted = {.memory_bytes = mib * MIB, .anyway = anyway};
    if (ec2_machine_for(k, &wanted, &m, &err))
        return mir_kind_info(err.kind)->name;
    return m.type;
}

static void test_chosen(void **state)
{
    (void)state;
    struct mir_kernel k = kernel_for("nitro", MIR_VERDICT_BOOTS);
    assert_string_equal(chosen(&k, 64, false), "t3.micro"); /* the free tier first */
    assert_string_equal(chosen(&k, 1500, false), "t3.small");
    assert_string_equal(chosen(&k, 4096, false), "policy");
    k = kernel_for("xen-hvm", MIR_VERDICT_BOOTS);
    assert_string_equal(chosen(&k, 64, false), "t2.nano");
    add_family(&k, "nitro", MIR_VERDICT_UNKNOWN);
    assert_string_equal(chosen(&k, 64, false), "t2.nano"); /* what is known to boot */
    assert_string_equal(chosen(&k, 600, false), "t2.micro");
    k = kernel_for("xen-pv", MIR_VERDICT_BOOTS);
    assert_string_equal(chosen(&k, 64, false), "t1.micro");
    k = kernel_for("nitro", MIR_VERDICT_CANNOT);
    assert_string_equal(chosen(&k, 64, false), "policy");
    assert_string_equal(chosen(&k, 64, true), "t3.micro");
    k.families[0].needs.image = MIR_IMAGE_NONE; /* no way at all */
    assert_string_equal(chosen(&k, 64, true), "policy");
}

/* Which processor it is for counts whatever else is let through; what does not say it (a UEFI disk:
 * its table does not) is taken for the usual one. */
static void test_processor(void **state)
{
    (void)state;
    struct mir_kernel k = kernel_for("nitro", MIR_VERDICT_UNKNOWN);
    add_family(&k, "graviton", MIR_VERDICT_UNKNOWN);
    assert_string_equal(chosen(&k, 64, false), "t3.micro");
    assert_string_equal(chosen(&k, 64, true), "t3.micro");
    assert_string_equal(chosen(&k, 1500, true), "t3.small");
    k.arch = MIR_ARCH_AARCH64;
    assert_string_equal(chosen(&k, 64, true), "t4g.micro");
    k = kernel_for("graviton", MIR_VERDICT_CANNOT);
    assert_string_equal(chosen(&k, 64, true), "t4g.micro");
    k.arch = MIR_ARCH_X86_64;
    assert_string_equal(chosen(&k, 64, true), "policy");
    add_family(&k, "nitro", MIR_VERDICT_CANNOT);
    assert_string_equal(chosen(&k, 64, true), "t3.micro");
}

/* From a bundle start some of the old types, and no other one is chosen for it. */
static void test_instance_store(void **state)
{
    static const char *const with[] = {"c1.medium", "c3.large", "d2.xlarge",
                                       "i2.xlarge", "m1.small", "m2.xlarge",
                                       "m3.medium", "r3.large", "x1.16xlarge"};
    static const char *const without[] = {"t1.micro", "t2.micro",   "t3.micro",
                                          "m4.large", "x1e.xlarge", "i3.large",
                                          "r4.large", "c4.large",   "t4g.nano"};
    struct ec2_machine m;
    struct mir_error err = {0};
    const struct ec2_wanted wanted = {.instance_store = true};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(with); i++) {
        const char name[] = {(char)toupper((unsigned char)with[i][0]), with[i][1], '\0'};
        if (ec2_machine_named(with[i], &m, NULL) || !m.instance_store ||
            !strstr(EC2_INSTANCE_STORE, name))
            fail_msg("%s", with[i]);
    }
    for (size_t i = 0; i < MIR_NELEMS(without); i++)
        if (ec2_machine_named(without[i], &m, NULL) || m.instance_store)
            fail_msg("%s", without[i]);
    struct mir_kernel k = kernel_for("xen-pv", MIR_VERDICT_UNKNOWN);
    assert_int_equal(ec2_machine_for(&k, &wanted, &m, &err), 0);
    assert_string_equal(m.type, "m1.small");
    k = kernel_for("xen-hvm", MIR_VERDICT_BOOTS);
    assert_int_equal(ec2_machine_for(&k, &wanted, &m, &err), 0);
    assert_string_equal(m.type, "r3.large");
    k = kernel_for("nitro", MIR_VERDICT_BOOTS);
    assert_int_equal(ec2_machine_for(&k, &wanted, &m, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "instance-store"));
}

static void test_disk(void **state)
{
    (void)state;
    assert_int_equal(ec2_disk_hour_micro(1, 80000), 110);
    assert_int_equal(ec2_disk_hour_micro(0, 80000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_names),  cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_processor), cmocka_unit_test(test_instance_store),
        cmocka_unit_test(test_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
