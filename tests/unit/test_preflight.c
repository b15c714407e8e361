/* SPDX-License-Identifier: ISC */
#include "api/preflight.h"

#include "scratch.h"

static struct mir_kernel solo5(unsigned nets, unsigned blocks, unsigned others)
{
    struct mir_kernel k = {.format = MIR_FORMAT_SOLO5_VIRTIO};
    for (unsigned i = 0; i < nets + blocks + others; i++) {
        struct mir_device *device = &k.devices[k.device_count++];
        device->kind = i < nets            ? MIR_DEVICE_NET
                       : i < nets + blocks ? MIR_DEVICE_BLOCK
                                           : MIR_DEVICE_OTHER;
        snprintf(device->name, sizeof device->name, "dev%u", i);
    }
    return k;
}

/* What a kernel demands against what there is: NULL passes, else a part of the refusal. */
static void every_trap(void **state)
{
    static const struct {
        unsigned nets, blocks, others;
        struct mir_offer offer;
        unsigned ports;
        const char *says, *fix;
    } rows[] = {
        {0, 0, 0, {0}, 0, NULL, NULL},
        {1, 0, 0, {.nics_max = 1}, 1, NULL, NULL},
        /* trap 2: a network that is not there */
        {1, 0, 0, {.fix = "rebuild"}, 0, "the network 'dev0', and there is none", "rebuild"},
        {3, 0, 0, {.nics_max = 2, .fix = "fewer"}, 0, "3 networks ('dev0' and others); 2", "fewer"},
        {0, 1, 0, {.fix = "rebuild"}, 0, "the block device 'dev0'", "rebuild"},
        {1, 1, 0, {.nics_max = 1, .blocks_max = 1}, 0, NULL, NULL},
        /* trap 1: a root disk by virtio that the manifest does not name */
        {1,
         0,
         0,
         {.nics_max = 1, .root = MIR_BUS_VIRTIO},
         0,
         "aborts on a root disk by virtio",
         "hw_disk_bus"},
        {1, 0, 0, {.nics_max = 1, .root = MIR_BUS_IDE}, 0, NULL, NULL},
        {0, 1, 0, {.root = MIR_BUS_VIRTIO}, 0, NULL, NULL}, /* the root disk is its device */
        {0, 2, 0, {.root = MIR_BUS_VIRTIO, .fix = "x"}, 0, "2 block devices", "x"},
        {0, 0, 1, {.fix = "x"}, 0, "unknown kind 'dev0'", "x"},
        {0, 0, 0, {.nics_max = 1}, 1, "no port of it can be published", "-p"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_kernel k = solo5(rows[i].nets, rows[i].blocks, rows[i].others);
        struct mir_error err = {0};
        int rc = mir_preflight(&k, &rows[i].offer, rows[i].ports, &err);
        assert_int_equal(rc, rows[i].says ? -1 : 0);
        if (!rc)
            continue;
        assert_int_equal(err.kind, MIR_POLICY);
        if (!strstr(err.text, rows[i].says) || !strstr(err.hint, rows[i].fix))
            fail_msg("row %zu: '%s' (%s)", i, err.text, err.hint);
    }
}

/* Who has no manifest demands nothing, whatever is there. */
static void other_kernels_pass(void **state)
{
    struct mir_kernel k = {.format = MIR_FORMAT_MULTIBOOT1};
    struct mir_offer offer = {.root = MIR_BUS_VIRTIO};
    assert_false(mir_kernel_demands(&k));
    assert_int_equal(mir_preflight(&k, &offer, 3, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_trap),
        cmocka_unit_test(other_kernels_pass),
    };
    return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
