/* SPDX-License-Identifier: ISC */
#include "images/compat.h"

#include "api/memory.h"
#include "facts.h"

#define EVERYWHERE (KRN_LOCAL | KRN_EC2 | KRN_OPENSTACK | KRN_RACKSPACE)
#define CLOUDS (KRN_EC2 | KRN_OPENSTACK | KRN_RACKSPACE)
#define KVM_CLOUDS (KRN_OPENSTACK | KRN_RACKSPACE) /* Rackspace's Flex is OpenStack on KVM */
#define ANY KRN_ANY_FORMAT
#define BOOTS MIR_VERDICT_BOOTS
#define NO_NETWORK MIR_VERDICT_NO_NETWORK
#define CANNOT MIR_VERDICT_CANNOT
#define UNKNOWN MIR_VERDICT_UNKNOWN

/* Sources are named at the groups: "seen" was run, "doc" is the vendor's or the project's word.
 * Verdicts are about the cloud of today as it is, without a carrier image. */
static const struct krn_rule rules[] = {
    /* --- files that start nowhere, whatever the provider --- */
    {EVERYWHERE, ANY, KRN_PACKED_TWICE, CANNOT, "",
     "It is compressed twice, and only one wrapper is taken off: unpack it once."},
    {EVERYWHERE, ANY, KRN_BIG_ENDIAN, CANNOT, "",
     "It is a big-endian ELF file; the machines of all providers are little-endian: rebuild it "
     "for x86_64."},
    {EVERYWHERE, ANY, KRN_VMDK, CANNOT, "",
     "VMDK disks are recognised but not started: convert it with `qemu-img convert -O qcow2`."},
    /* seen: QEMU opens whatever path a qcow2 header names, with the rights of its user */
    {EVERYWHERE, ANY, KRN_OTHER_FILE, CANNOT, "",
     "The disk names another file that it depends on, and only this file is taken: flatten it "
     "with `qemu-img convert -O qcow2`."},
    {EVERYWHERE, ANY, KRN_ENCRYPTED, CANNOT, "",
     "The disk is encrypted and there is no key here: convert it without encryption."},
    {EVERYWHERE, ANY, KRN_EMPTY_DISK, CANNOT, "",
     "The disk is empty: its first sector is all zeros, so there is nothing to start."},
    {EVERYWHERE, ANY, KRN_OBJECT_FILE, CANNOT, "",
     "It is an object or core file, not a linked program: give the kernel that the build links."},
    {EVERYWHERE, ANY, KRN_SOLO5_STUB, CANNOT, "",
     "It is linked with Solo5's stub bindings, which run nothing: rebuild it for a target, with "
     "`-t virtio` for most clouds."},
    {EVERYWHERE, ANY, KRN_SOLO5_OTHER, CANNOT, "",
     "It is built for a Solo5 target that no provider here starts: rebuild it with `-t virtio`."},
    {EVERYWHERE, ANY, KRN_LINUX_PROGRAM, CANNOT, "",
     "It is a program for an operating system, not a kernel: build the unikernel with `-t "
     "virtio` or `-t spt` instead of `-t unix`."},
    {EVERYWHERE, MIR_FORMAT_ELF, 0, CANNOT, "",
     "It is an ELF file without a boot header that anything here knows (multiboot, Xen, Solo5): "
     "rebuild it for such a target, with MirageOS `-t virtio`."},
    {EVERYWHERE, MIR_FORMAT_UNKNOWN, 0, CANNOT, "",
     "Nothing in the file says how to start it: give a kernel (ELF, bzImage) or a disk image."},
    /* doc: EC2 Graviton boots UEFI only and wants ENA and NVMe; OpenStack depends on the hosts */
    {KRN_LOCAL, ANY, KRN_OTHER_MACHINE, CANNOT, "",
     "It is built for another processor, and the machines here are x86: rebuild it for x86_64."},
    {KRN_EC2, ANY, KRN_OTHER_MACHINE, CANNOT, "",
     "It is not built for x86, and EC2's arm64 machines start only UEFI disk images: rebuild it "
     "for x86_64 or make such a disk."},
    {KVM_CLOUDS, ANY, KRN_OTHER_MACHINE, CANNOT, "",
     "It is built for another processor than the x86 hosts of these clouds: rebuild it for "
     "x86_64."},

    /* --- Solo5 hvt and spt: programs of a tender. Seen: solo5-spt and -hvt 0.12.1 locally --- */
    {KRN_LOCAL, MIR_FORMAT_SOLO5_SPT, KRN_HAS_DEVICE, CANNOT, "",
     "Its manifest demands devices, which a tender gets only with rights that are not used here: "
     "rebuild it with `-t virtio` for a network under QEMU."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_HVT, KRN_HAS_DEVICE, CANNOT, "",
     "Its manifest demands devices, which a tender gets only with rights that are not used here: "
     "rebuild it with `-t virtio` for a network under QEMU."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_SPT, 0, BOOTS, "solo5-spt",
     "An spt kernel runs under the tender solo5-spt, which has to be on PATH; without it rebuild "
     "with `-t virtio`."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_HVT, 0, BOOTS, "solo5-hvt",
     "An hvt kernel runs under the tender solo5-hvt, which has to be on PATH and needs /dev/kvm; "
     "without them rebuild with `-t virtio`."},
    {KRN_EC2, MIR_FORMAT_SOLO5_SPT, 0, CANNOT, "",
     "An spt kernel runs only under the tender solo5-spt inside a Linux, which no EC2 machine "
     "starts by itself: it needs a Linux carrier image."},
    {KRN_EC2, MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "",
     "An hvt kernel needs the tender solo5-hvt and nested virtualisation inside a Linux: rebuild "
     "with `-t spt` for a Linux carrier image."},
    {KVM_CLOUDS, MIR_FORMAT_SOLO5_SPT, 0, CANNOT, "",
     "An spt kernel runs only under the tender solo5-spt inside a Linux: rebuild with `-t "
     "virtio`, which KVM clouds start directly."},
    {KVM_CLOUDS, MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "",
     "An hvt kernel runs only under the tender solo5-hvt with nested virtualisation: rebuild "
     "with `-t virtio`, which KVM clouds start directly."},

    /* --- Solo5 virtio. Seen: QEMU pc, -kernel and IDE disk. doc: solo5#104, #545, #295, osv#924
       --- */
    /* seen: "All declared devices must be attached", and the guest aborts */
    {KRN_LOCAL, MIR_FORMAT_SOLO5_VIRTIO, KRN_HAS_BLOCK, CANNOT, "",
     "Its manifest demands a block device, none is attached locally, and Solo5 aborts without "
     "it: build the kernel without one."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_VIRTIO, KRN_TWO_NETWORKS, CANNOT, "",
     "Its manifest demands more than one network, one is attached locally, and Solo5 aborts "
     "without the others."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel",
     "QEMU loads it by its multiboot header and gives it virtio devices."},
    {KRN_LOCAL, MIR_FORMAT_SOLO5_VIRTIO, 0, CANNOT, "",
     "Its multiboot header is missing or damaged, so that QEMU cannot load it: build it again "
     "with `-t virtio`."},
    {KRN_EC2, MIR_FORMAT_SOLO5_VIRTIO, 0, NO_NETWORK, "disk",
     "EC2 has no virtio: on Xen HVM types (t2, m4) it starts without a network card, on Nitro "
     "types (t3 and later) not at all."},
    /* seen in QEMU: a virtio-blk root that the manifest does not name makes Solo5 abort */
    {KVM_CLOUDS, MIR_FORMAT_SOLO5_VIRTIO, KRN_HAS_BLOCK, BOOTS, "disk",
     "KVM clouds start it from a boot-loader disk; its manifest names block devices, which have "
     "to be attached as virtio volumes."},
    {KVM_CLOUDS, MIR_FORMAT_SOLO5_VIRTIO, 0, BOOTS, "disk",
     "KVM clouds start it from a boot-loader disk on an IDE or SCSI bus (hw_disk_bus): a virtio "
     "disk that its manifest does not name would make it abort."},

    {EVERYWHERE, MIR_FORMAT_SOLO5_MUEN, 0, CANNOT, "",
     "It is built for the Muen separation kernel, which no provider here runs: rebuild with `-t "
     "virtio`."},

    /* --- Xen. Seen: QEMU loads a PVH kernel, whose Xen console stays silent; QEMU refuses classic
     * PV kernels. doc: mirage#313 and #1159 (PVH only), EC2's PV types and PV-GRUB --- */
    {KRN_LOCAL, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "qemu-kernel",
     "It needs Xen's services: QEMU loads it, but without Xen it has no console and no network. "
     "Rebuild with `-t virtio`."},
    {KRN_EC2, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "",
     "No EC2 machine type starts a Xen PVH kernel as it is (Xen types want a disk, Nitro types "
     "have no Xen)."},
    {KVM_CLOUDS, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "",
     "It needs Xen underneath, and these clouds run on KVM: rebuild with `-t virtio`."},
    {KRN_LOCAL, MIR_FORMAT_XEN_PV, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel",
     "QEMU loads it by its multiboot header; its Xen entry is not used here."},
    {KRN_LOCAL, MIR_FORMAT_XEN_PV, 0, CANNOT, "",
     "A classic Xen PV kernel starts only as a domain of Xen, and QEMU refuses it: rebuild with "
     "`-t virtio`."},
    {KRN_EC2, MIR_FORMAT_XEN_PV, 0, UNKNOWN, "",
     "Only the old PV types (t1, m1, m3, c3) start it, through PV-GRUB, and accounts may not get "
     "them any more; all other EC2 types refuse it."},
    {KRN_OPENSTACK, MIR_FORMAT_XEN_PV, 0, CANNOT, "",
     "A classic Xen PV kernel needs Xen hosts under OpenStack, and nearly all clouds run KVM: "
     "rebuild with `-t virtio`."},
    {KRN_RACKSPACE, MIR_FORMAT_XEN_PV, 0, UNKNOWN, "",
     "Rackspace Flex runs KVM and refuses it; the old Cloud Servers (XenServer) may start it "
     "from a VHD with menu.lst. For Flex rebuild with `-t virtio`."},
    {KRN_LOCAL, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel",
     "QEMU loads it by its multiboot header, which it prefers to the Xen PVH entry."},
    {KRN_LOCAL, MIR_FORMAT_XEN_PVH, 0, UNKNOWN, "qemu-kernel",
     "QEMU loads a Xen PVH kernel, but one that wants Xen's console and devices runs silently "
     "and without a network: rebuild with `-t virtio` if it does."},
    {KRN_EC2, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, UNKNOWN, "",
     "A boot-loader disk starts it by its multiboot header, but EC2's network cards are ENA or "
     "Xen's, and the file does not say whether it has a driver."},
    {KRN_EC2, MIR_FORMAT_XEN_PVH, 0, CANNOT, "",
     "No EC2 machine type starts a Xen PVH kernel as it is (Xen types want a disk, Nitro types "
     "have no Xen)."},
    {KVM_CLOUDS, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, BOOTS, "disk",
     "KVM clouds start it from a boot-loader disk by its multiboot header, on the same virtual "
     "machine as QEMU's."},
    {KVM_CLOUDS, MIR_FORMAT_XEN_PVH, 0, CANNOT, "",
     "No boot loader on a KVM cloud starts a PVH entry: rebuild with `-t virtio`, or add a "
     "multiboot header."},

    /* --- multiboot. Seen: QEMU takes ELF32 or address fields, refuses ELF64, knows no version 2
       --- */
    {KRN_LOCAL, MIR_FORMAT_MULTIBOOT1, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel",
     "QEMU loads it by its multiboot header."},
    {KRN_LOCAL, MIR_FORMAT_MULTIBOOT1, 0, CANNOT, "",
     "QEMU loads a 64-bit ELF by multiboot only with address fields in the header (flag bit 16): "
     "link it as ELF32 or add them."},
    {KRN_LOCAL, MIR_FORMAT_MULTIBOOT2, 0, CANNOT, "",
     "QEMU's loader knows multiboot 1 and PVH, not multiboot 2: add a multiboot 1 header, or "
     "make a disk image with GRUB."},
    {KRN_EC2, MIR_FORMAT_MULTIBOOT1, 0, UNKNOWN, "",
     "A boot-loader disk starts it, but EC2's network cards are ENA or Xen's, and the header "
     "does not say whether it has a driver."},
    {KRN_EC2, MIR_FORMAT_MULTIBOOT2, 0, UNKNOWN, "",
     "A GRUB disk starts it, but EC2's network cards are ENA or Xen's, and the header does not "
     "say whether it has a driver."},
    {KVM_CLOUDS, MIR_FORMAT_MULTIBOOT1, KRN_MB1_LOADABLE, BOOTS, "disk",
     "KVM clouds start it from a boot-loader disk, on the same virtual machine as QEMU's."},
    {KVM_CLOUDS, MIR_FORMAT_MULTIBOOT1, 0, UNKNOWN, "",
     "Boot loaders differ in what they do with a 64-bit multiboot 1 ELF without address fields: "
     "link it as ELF32 or add them."},
    {KVM_CLOUDS, MIR_FORMAT_MULTIBOOT2, 0, BOOTS, "disk",
     "KVM clouds start it from a GRUB disk, on the same virtual machine as QEMU's."},

    /* --- Linux and what borrows its boot protocol. Seen: memtest86+, iPXE, Linux 6.1 --- */
    {KRN_LOCAL, MIR_FORMAT_LINUX, 0, BOOTS, "qemu-kernel",
     "QEMU loads it by the Linux boot protocol; a Linux itself also needs a root file system, "
     "which is not given here."},
    {CLOUDS, MIR_FORMAT_LINUX, 0, UNKNOWN, "",
     "A boot-loader disk starts it, but the file says nothing of its drivers or of the root file "
     "system that it needs."},

    /* --- disks. Seen: QEMU pc (BIOS) with raw, qcow2 and VHD. doc: EC2 import, Nova's
       qcow2/raw/VHD --- */
    {KRN_LOCAL, ANY, KRN_UNSEEN_DISK, UNKNOWN, "qemu-disk",
     "It starts as a disk if it holds boot code; its first sector is compressed or too deep in "
     "the file to be looked at here."},
    {CLOUDS, ANY, KRN_UNSEEN_DISK, UNKNOWN, "",
     "It starts as a disk if it holds boot code; its first sector is compressed or too deep in "
     "the file to be looked at here."},
    {KRN_LOCAL, ANY, MIR_BOOT_BIOS_DISK, BOOTS, "qemu-disk",
     "The disk holds BIOS boot code, and QEMU starts it as its first disk."},
    {KRN_LOCAL, ANY, MIR_BOOT_EFI_DISK, CANNOT, "qemu-disk",
     "The disk has a GPT but no BIOS boot code, and the local machine starts by BIOS: make it "
     "bootable by BIOS as well."},
    {KRN_EC2, ANY, MIR_BOOT_BIOS_DISK, UNKNOWN, "",
     "EC2 takes the disk, but Nitro types need ENA and NVMe drivers and Xen types Xen's, and the "
     "file does not say which its system has."},
    {KRN_EC2, ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "",
     "EC2's UEFI types (t3 and later) take the disk, but need ENA and NVMe drivers, and the file "
     "does not say whether its system has them."},
    {KVM_CLOUDS, ANY, MIR_BOOT_BIOS_DISK, BOOTS, "disk",
     "The disk holds BIOS boot code, which KVM clouds start; its system needs virtio drivers for "
     "the network."},
    {KVM_CLOUDS, ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "",
     "The disk starts by UEFI only, which depends on the cloud (hw_firmware_type=uefi)."},
    {EVERYWHERE, ANY, 0, CANNOT, "",
     "The disk holds no boot code: its first sector does not start anything."},
};

static const struct {
    unsigned bit;
    const char *name;
} providers[] = {
    {KRN_LOCAL, "local"},
    {KRN_EC2, "ec2"},
    {KRN_OPENSTACK, "openstack"},
    {KRN_RACKSPACE, "rackspace"},
};

const struct krn_rule *krn_rules(size_t *ret_count)
{
    *ret_count = MIR_NELEMS(rules);
    return rules;
}

const struct krn_rule *krn_rule_for(unsigned provider, enum mir_format format, uint32_t bits)
{
    size_t last = MIR_NELEMS(rules) - 1;
    for (size_t i = 0; i < last; i++) {
        const struct krn_rule *rule = &rules[i];
        if ((rule->providers & provider) && (rule->need & bits) == rule->need &&
            (rule->format == KRN_ANY_FORMAT || rule->format == (int)format))
            return rule;
    }
    return &rules[last];
}

void krn_compat_fill(struct mir_kernel *kernel, uint32_t conditions)
{
    kernel->boots_count = 0;
    for (size_t i = 0; i < MIR_NELEMS(providers); i++) {
        const struct krn_rule *rule =
            krn_rule_for(providers[i].bit, kernel->format, kernel->boot_ways | conditions);
        struct mir_boots *row = &kernel->boots[kernel->boots_count++];
        *row = (struct mir_boots){.verdict = rule->verdict};
        mir_copy(row->provider, sizeof row->provider, providers[i].name);
        mir_copy(row->how, sizeof row->how, rule->how);
        mir_copy(row->why, sizeof row->why, rule->why);
    }
}
