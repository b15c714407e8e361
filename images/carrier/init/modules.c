/* SPDX-License-Identifier: ISC */
/*
 * Names, order and PCI ids as the modules' own `depends` and `alias` say (Linux 6.1);
 * tests/carrier/modules.py holds this table against the packages.
 */
#include "modules.h"

const struct car_module_row car_modules[] = {
    {.when = CAR_IN_XEN | CAR_ALWAYS | CAR_FOR_STORE,
     .modules = {"xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-privcmd", "xenfs"}},
    /* The network cards. Amazon's; virtio's, with what carries it; Intel's as QEMU has them, as
       virtual functions (EC2's older types), and the rest of a family costs only its numbers;
       Google's; and that of a Linux which is itself a guest of Xen. */
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI,
     .modules = {"ena"},
     .ids = {{0x1d0f, 0xec20, 0},
             {0x1d0f, 0xec21, 0},
             {0x1d0f, 0x0ec2, 0},
             {0x1d0f, 0x1ec2, 0},
             {0x1d0f, 0x0051, 0}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI,
     .modules = {"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                 "virtio_pci", "failover", "net_failover", "virtio_net"},
     .ids = {{0x1af4, 0x1000, 0}, {0x1af4, 0x1041, 0}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI,
     .modules = {"ixgbevf"},
     .ids = {{0x8086, 0x10ed, 0},
             {0x8086, 0x1515, 0},
             {0x8086, 0x152e, 0},
             {0x8086, 0x1530, 0},
             {0x8086, 0x1564, 0},
             {0x8086, 0x1565, 0},
             {0x8086, 0x15a8, 0},
             {0x8086, 0x15a9, 0},
             {0x8086, 0x15c5, 0},
             {0x8086, 0x57ad, 0}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI,
     .modules = {"gve"},
     .ids = {{0x1ae0, 0x42, 0}}},
    {.when = CAR_IN_XEN | CAR_WITH_PCI,
     .modules = {"e1000"},
     .ids = {{0x8086, 0x100e, 0}, {0x8086, 0x100f, 0}, {0x8086, 0x1004, 0}, {0x8086, 0x1008, 0}}},
    {.when = CAR_IN_XEN | CAR_WITH_PCI, .modules = {"e1000e"}, .ids = {{0x8086, 0x10d3, 0}}},
    {.when = CAR_IN_LINUX | CAR_ON_XEN | CAR_WITH_NET | CAR_IS_CARD, .modules = {"xen-netfront"}},
    /* What passes between card and guest: net.h says what it needs. */
    {.when = CAR_IN_XEN | CAR_WITH_NET, .modules = {"xen-netback"}},
    {.when = CAR_IN_LINUX | CAR_WITH_NET, .modules = {"tun"}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_NET,
     .modules = {"sch_ingress", "cls_u32", "act_mirred", "act_nat", "act_gact"}},
    {.when = CAR_IN_XEN | CAR_WITH_BLOCKS, .modules = {"xen-blkback"}},
    /* Disks lie on the disk that the machine started from: NVMe; virtio's two; behind an IDE
       controller as QEMU has it, or AHCI; that of a Linux which is itself a guest of Xen. */
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"crct10dif_common", "crc-t10dif", "crc64", "crc64-rocksoft", "t10-pi", "nvme-core",
                 "nvme"},
     .ids = {{.class = 0x010802}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                 "virtio_pci", "virtio_blk"},
     .ids = {{0x1af4, 0x1001, 0}, {0x1af4, 0x1042, 0}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"crct10dif_common", "crc-t10dif", "crc64", "crc64-rocksoft", "t10-pi",
                 "scsi_common", "scsi_mod", "sd_mod"},
     .ids = {{0x1af4, 0x1004, 0},
             {0x1af4, 0x1048, 0},
             {0x8086, 0x7010, 0},
             {0x8086, 0x7111, 0},
             {.class = 0x010601}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
                 "virtio_pci", "virtio_scsi"},
     .ids = {{0x1af4, 0x1004, 0}, {0x1af4, 0x1048, 0}}},
    {.when = CAR_IN_XEN | CAR_IN_LINUX | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"libata", "ata_piix"},
     .ids = {{0x8086, 0x7010, 0}, {0x8086, 0x7111, 0}}},
    {.when = CAR_IN_XEN | CAR_WITH_PCI | CAR_IS_DISK,
     .modules = {"libata", "libahci", "ahci"},
     .ids = {{.class = 0x010601}}},
    {.when = CAR_IN_LINUX | CAR_ON_XEN | CAR_WITH_BLOCKS, .modules = {"xen-blkfront"}},
    /* For solo5-hvt; 3 MB, so not without need. ccp is built in here. */
    {.when = CAR_IN_LINUX | CAR_WITH_VMX, .modules = {"irqbypass", "kvm", "kvm-intel"}},
    {.when = CAR_IN_LINUX | CAR_WITH_SVM, .modules = {"irqbypass", "kvm", "kvm-amd"}},
};
const size_t car_modules_n = sizeof(car_modules) / sizeof(car_modules[0]);

/* Nothing is of what stands behind a row's last. */
static bool is_of(const struct car_pci_id *device, const struct car_pci_id *wanted)
{
    if (wanted->vendor == 0)
        return wanted->class != 0 && wanted->class == device->class;
    return wanted->vendor == device->vendor && wanted->device == device->device;
}

static bool has_device(const struct car_module_row *row, const struct car_module_facts *facts)
{
    for (size_t i = 0; i < CAR_IDS_IN_ROW; i++) {
        for (size_t j = 0; j < facts->ids_n; j++) {
            if (is_of(&facts->ids[j], &row->ids[i]))
                return true;
        }
    }
    return false;
}

#define CAR_NEEDED (CAR_ON_XEN | CAR_WITH_NET | CAR_WITH_BLOCKS | CAR_WITH_VMX | CAR_WITH_SVM)

static unsigned have(const struct car_module_facts *facts)
{
    return (facts->on_xen ? CAR_ON_XEN : 0U) | (facts->net ? CAR_WITH_NET : 0U) |
           (facts->blocks ? CAR_WITH_BLOCKS : 0U) | (facts->vmx ? CAR_WITH_VMX : 0U) |
           (facts->svm ? CAR_WITH_SVM : 0U);
}

static enum car_module_turn turn_of(const struct car_module_row *row)
{
    if ((row->when & (CAR_WITH_PCI | CAR_IS_CARD)) != 0 && (row->when & CAR_IS_DISK) == 0)
        return CAR_TURN_CARDS;
    return (row->when & CAR_FOR_STORE) != 0 ? CAR_TURN_STORE : CAR_TURN_REST;
}

bool car_module_wanted(const struct car_module_row *row, const struct car_module_facts *facts,
                       enum car_module_turn turn)
{
    if ((row->when & facts->image) == 0 || turn != turn_of(row))
        return false;
    if ((row->when & ~have(facts) & CAR_NEEDED) != 0)
        return false;
    /* What nobody is going to use is left alone. */
    if ((row->when & CAR_WITH_PCI) == 0)
        return true;
    return ((row->when & CAR_IS_DISK) != 0 ? facts->blocks : facts->net) && has_device(row, facts);
}
