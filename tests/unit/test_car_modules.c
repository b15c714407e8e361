/* SPDX-License-Identifier: ISC */
/* Which modules are loaded, when, on which machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "modules.h"

static char loaded[2000];

static const char *load(const struct car_module_facts *facts)
{
    static const char *const turns[] = {"", "/ ", "/ "};

    loaded[0] = '\0';
    for (enum car_module_turn turn = CAR_TURN_CARDS; turn <= CAR_TURN_REST; turn++) {
        (void)snprintf(loaded + strlen(loaded), sizeof(loaded) - strlen(loaded), "%s", turns[turn]);
        for (size_t i = 0; i < car_modules_n; i++) {
            for (size_t j = 0; car_module_wanted(&car_modules[i], facts, turn) &&
                               car_modules[i].modules[j] != NULL;
                 j++)
                (void)snprintf(loaded + strlen(loaded), sizeof(loaded) - strlen(loaded), "%s ",
                               car_modules[i].modules[j]);
        }
    }
    return loaded;
}

static void of_dom0(void **state)
{
    static const struct car_pci_id qemu[] = {{0x8086, 0x1237, 0x060000},
                                             {0x8086, 0x10d3, 0x020000}};
    static const struct car_pci_id nitro[] = {{0x1d0f, 0xec20, 0x020000},
                                              {0x1d0f, 0x8061, 0x010802}};
    struct car_module_facts facts = {.image = CAR_IN_XEN};

    (void)state;
    assert_string_equal(load(&facts), "/ xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs / ");
    facts.ids = qemu;
    facts.ids_n = 2;
    facts.vmx = true; /* Xen's, not ours */
    assert_string_equal(load(&facts), "/ xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs / ");
    facts.net = true;
    assert_string_equal(load(&facts),
                        "e1000e / xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs / "
                        "xen-netback sch_ingress cls_u32 act_mirred act_nat act_gact ");
    facts.ids = nitro;
    facts.blocks = true;
    assert_string_equal(load(&facts),
                        "ena / xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xenfs / xen-netback "
                        "sch_ingress cls_u32 act_mirred act_nat act_gact "
                        "xen-blkback crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi "
                        "nvme-core nvme ");
}

static void of_a_tender(void **state)
{
    static const struct car_pci_id virtio[] = {{0x1af4, 0x1000, 0x020000},
                                               {0x1af4, 0x1001, 0x010000}};
    struct car_module_facts facts = {.image = CAR_IN_LINUX, .ids = virtio, .ids_n = 2};

    (void)state;
    assert_string_equal(load(&facts), "/ / ");
    facts.vmx = true;
    assert_string_equal(load(&facts), "/ / irqbypass kvm kvm-intel ");
    facts.vmx = false;
    facts.svm = true;
    facts.net = true;
    facts.blocks = true; /* the tender reads the device itself */
    assert_string_equal(load(&facts),
                        "virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci "
                        "failover net_failover virtio_net / / tun sch_ingress cls_u32 "
                        "act_mirred act_nat act_gact virtio_ring virtio virtio_pci_legacy_dev "
                        "virtio_pci_modern_dev virtio_pci virtio_blk irqbypass kvm kvm-amd ");
    facts.svm = false;
    facts.ids_n = 0;
    facts.on_xen = true;
    assert_string_equal(load(&facts), "xen-netfront / / tun sch_ingress cls_u32 "
                                      "act_mirred act_nat act_gact xen-blkfront ");
}

static void the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < car_modules_n; i++) {
        const struct car_module_row *row = &car_modules[i];

        assert_true((row->when & (CAR_IN_XEN | CAR_IN_LINUX)) != 0);
        assert_non_null(row->modules[0]);
        assert_null(row->modules[CAR_MODULES_IN_ROW - 1]);
        assert_int_equal(row->ids[CAR_IDS_IN_ROW - 1].vendor, 0);
        assert_int_equal(row->ids[CAR_IDS_IN_ROW - 1].class, 0);
        assert_int_equal((row->when & CAR_WITH_PCI) != 0,
                         row->ids[0].vendor != 0 || row->ids[0].class != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_dom0),
        cmocka_unit_test(of_a_tender),
        cmocka_unit_test(the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
