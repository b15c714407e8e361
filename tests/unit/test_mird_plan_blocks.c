/* SPDX-License-Identifier: ISC */
/* The planner about block devices: what a manifest demands, and who can be given any. */
#include "plan_case.h"

static const struct mir_provider local = {.name = "local", .title = "here"};
static const struct mir_quote no_quote = {.price.known = true};
static const struct mird_load load;

static int plan_burden(const struct mird_request *r, const struct mird_burden *burden,
                       struct mir_error *err)
{
    struct mird_plan p;
    *err = (struct mir_error){0};
    return mird_plan_make(r, burden, &local, &no_quote, &policy, &load, NOW, &p, err);
}

static struct mir_kernel a_solo5(const char *first, const char *second)
{
    struct mir_kernel k = kernel(MIR_VERDICT_CARRIER);
    k.format = MIR_FORMAT_SOLO5_SPT;
    k.family_count = 1;
    k.families[0].carrier = MIR_CARRIER_LINUX;
    k.device_count = 2;
    k.devices[0].kind = k.devices[1].kind = MIR_DEVICE_BLOCK;
    mir_copy(k.devices[0].name, sizeof k.devices[0].name, first);
    mir_copy(k.devices[1].name, sizeof k.devices[1].name, second);
    return k;
}

static int plan_carried(const struct mird_request *r, const struct mir_kernel *plain,
                        struct mir_error *err)
{
    struct mir_kernel seen = kernel(MIR_VERDICT_BOOTS);
    struct mird_burden burden = {.kernel = seen, .plain = plain, .guest_bytes = 64 << 20};
    return plan_burden(r, &burden, err);
}

static struct mird_request with_block(const char *name)
{
    struct mird_request r = request();
    r.blocks.list[0].bytes = 1 << 20;
    mir_copy(r.blocks.list[0].name, sizeof r.blocks.list[0].name, name);
    mir_copy(r.blocks.list[0].sha256, sizeof r.blocks.list[0].sha256, SHA);
    r.blocks.count = 1;
    return r;
}

/* By a manifest it is known what is missing, and what is too much. */
static void test_blocks_of_a_manifest(void **state)
{
    struct mir_kernel k = a_solo5("disk", "log");
    struct mir_error err;
    struct mird_request r = with_block("disk");
    assert_int_equal(plan_carried(&r, &k, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "'log'"));
    assert_string_equal(err.hint, "--block disk=FILE --block log=FILE");
    r.blocks.list[1] = r.blocks.list[0];
    mir_copy(r.blocks.list[1].name, sizeof r.blocks.list[1].name, "log");
    r.blocks.count = 2;
    assert_int_equal(plan_carried(&r, &k, &err), 0);
    mir_copy(r.blocks.list[1].name, sizeof r.blocks.list[1].name, "other");
    assert_int_equal(plan_carried(&r, &k, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, "no block device 'other'"));
    k.device_count = 0;
    r.blocks.count = 1;
    assert_int_equal(plan_carried(&r, &k, &err), -1);
    assert_string_equal(err.hint, "leave --block away");
}

/* Without one any may be right; and who is not carried has none. */
static void test_blocks_of_others(void **state)
{
    struct mir_kernel k = a_solo5("disk", "log");
    struct mir_error err;
    struct mird_request r = with_block("anything");
    k.format = MIR_FORMAT_XEN_PV;
    k.device_count = 0;
    assert_int_equal(plan_carried(&r, &k, &err), 0);
    struct mird_burden burden = {.kernel = kernel(MIR_VERDICT_BOOTS)};
    assert_int_equal(plan_burden(&r, &burden, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "block device anything is for a kernel in a carrier"));
}

/* A disk is so much larger for the provider, and a shim's types are none that do. */
static void test_blocks_in_a_burden(void **state)
{
    struct mir_kernel k = a_solo5("disk", "log");
    struct mird_request r = with_block("disk");
    struct mird_burden burden;
    k.format = MIR_FORMAT_XEN_PV;
    k.unpacked_bytes = 5;
    k.family_count = 2;
    k.families[0].verdict = k.families[1].verdict = MIR_VERDICT_CARRIER;
    k.families[0].carrier = MIR_CARRIER_XEN;
    k.families[1].carrier = MIR_CARRIER_SHIM;
    assert_int_equal(mird_burden_make(&r, &k, &burden, NULL), 0);
    assert_int_equal(burden.kernel.unpacked_bytes, 5 + (1 << 20));
    assert_int_equal(burden.kernel.families[0].verdict, MIR_VERDICT_BOOTS);
    assert_int_equal(burden.kernel.families[1].verdict, MIR_VERDICT_CANNOT);
    assert_non_null(strstr(burden.kernel.families[1].why, "no block devices"));
    r.blocks.count = 0;
    assert_int_equal(mird_burden_make(&r, &k, &burden, NULL), 0);
    assert_int_equal(burden.kernel.families[1].verdict, MIR_VERDICT_BOOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_a_manifest),
        cmocka_unit_test(test_blocks_of_others),
        cmocka_unit_test(test_blocks_in_a_burden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
