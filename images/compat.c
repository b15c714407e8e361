/* SPDX-License-Identifier: ISC */
#include "images/compat.h"

#include "facts.h"

#define OF(id) (1u << KRN_##id)
#define QEMU (OF(QEMU_PC) | OF(QEMU_Q35))
#define KVM (OF(KVM_X86) | OF(FLEX)) /* Rackspace's Flex is OpenStack on KVM */
#define ARM (OF(GRAVITON) | OF(KVM_ARM64))
#define NITROS (OF(NITRO) | OF(NESTED))
#define VIRTUALISE (OF(METAL) | OF(NESTED)) /* what runs on them may make virtual machines */
#define EC2_HVM (NITROS | OF(XEN_HVM) | OF(METAL))
#define ENA_TYPES (NITROS | OF(METAL))
#define XEN_CLOUDS (OF(XEN_HOSTS) | OF(XENSERVER)) /* PV and HVM guests, BIOS */
#define EVERYWHERE ((1u << KRN_FAMILY_COUNT) - 1)
#define CLOUDS (EVERYWHERE & ~(QEMU | OF(TENDER)))

#define ANY KRN_ANY_FORMAT
#define BOOTS MIR_VERDICT_BOOTS
#define NO_NETWORK MIR_VERDICT_NO_NETWORK
#define CANNOT MIR_VERDICT_CANNOT
#define UNKNOWN MIR_VERDICT_UNKNOWN
#define CARRIER MIR_VERDICT_CARRIER
#define NO_WAY KRN_WAY_NONE
#define DIRECT KRN_WAY_DIRECT
#define MADE KRN_WAY_BIOS
#define MADE_UEFI KRN_WAY_UEFI
#define PVGRUB KRN_WAY_PVGRUB
#define DISK_BIOS KRN_WAY_DISK_BIOS
#define DISK_UEFI KRN_WAY_DISK_UEFI
#define CARRIED KRN_WAY_CARRIED
#define NONE MIR_CARRIER_NONE
#define LINUX MIR_CARRIER_LINUX
#define XEN MIR_CARRIER_XEN
#define SHIM MIR_CARRIER_SHIM

#define HELLO_BOOT "seen: tests/e2e/hello_boot.py"
#define LAYOUTS "seen: tests/e2e/layouts.py" /* GRUB's disks on QEMU: the machine of KVM clouds */
#define IMG_SEEN "seen: tests/unit/test_img_seen.py"
#define CARRIER_BOOTS "seen: tests/carrier/boots.py" /* QEMU's machine, as in KVM clouds */
#define SHIM_BOOTS "seen: tests/carrier/shim.py"     /* on a Xen host of our own */
#define HVT_BOOTS "seen: tests/carrier/hvt.py"       /* AMD's virtualisation, emulated */
#define LOCAL_KEEPER "seen: tests/conformance/local_keeper.c"
#define IMG_REAL "seen: tests/unit/test_img_real.py"
#define TYPES_DOC "doc: EC2 DescribeInstanceTypes and the AMI boot modes"

/* --- the families --- */

/* One network and no volume is what a deployment gets there; IDE is what the rules ask for. */
static const struct mir_offer qemu_offer = {.nics_max = 8,
                                            .fix = "build the kernel without it, or with fewer"};
static const struct mir_offer tender_offer = {
    .fix = "a tender gets devices only with rights not used here; rebuild with `-t virtio`"};
static const struct mir_offer kvm_offer = {
    .nics_max = 1, .root = MIR_BUS_IDE, .fix = "build the kernel without it, or with fewer"};
static const struct mir_offer no_virtio_offer = {
    .root = MIR_BUS_XEN, .fix = "there are no virtio devices: see where else it boots"};

#define VIRTIO_PC MIR_IMAGE_NONE, MIR_BUS_IDE, MIR_NIC_VIRTIO
#define NO_DEVICES MIR_IMAGE_NONE, MIR_BUS_NONE, MIR_NIC_NONE
#define EC2_NEW MIR_IMAGE_RAW, MIR_BUS_NVME, MIR_NIC_ENA
#define EC2_OLD MIR_IMAGE_RAW, MIR_BUS_XEN, MIR_NIC_XEN
#define NOVA_KVM MIR_IMAGE_QCOW2, MIR_BUS_VIRTIO, MIR_NIC_VIRTIO
#define NOVA_XEN MIR_IMAGE_RAW, MIR_BUS_XEN, MIR_NIC_XEN
#define OLD_RACKSPACE MIR_IMAGE_VHD, MIR_BUS_XEN, MIR_NIC_XEN
#define WORKS KRN_POWER_WORKS
#define UNSEEN KRN_POWER_UNKNOWN

static const struct krn_family families[KRN_FAMILY_COUNT] = {
    [KRN_QEMU_PC] = {"local", "qemu-pc", VIRTIO_PC, WORKS, &qemu_offer},
    [KRN_QEMU_Q35] = {"local", "qemu-q35", VIRTIO_PC, WORKS, &qemu_offer},
    [KRN_TENDER] = {"local", "tender", NO_DEVICES, WORKS, &tender_offer},
    /* t3, m5, c5 and later */
    [KRN_NITRO] = {"ec2", "nitro", EC2_NEW, UNSEEN, NULL},
    /* t2, m4, c4, r4, i3 */
    [KRN_XEN_HVM] = {"ec2", "xen-hvm", EC2_OLD, UNSEEN, &no_virtio_offer},
    /* t1, m1, m2, c1, m3, c3 */
    [KRN_XEN_PV] = {"ec2", "xen-pv", EC2_OLD, WORKS, NULL},
    [KRN_METAL] = {"ec2", "metal", EC2_NEW, UNSEEN, NULL},
    /* c8i, m8i, r8i: Nitro types that virtualise when the launch says so */
    [KRN_NESTED] = {"ec2", "nested", EC2_NEW, UNSEEN, NULL},
    /* t4g and the other arm64 types */
    [KRN_GRAVITON] = {"ec2", "graviton", EC2_NEW, UNSEEN, NULL},
    [KRN_KVM_X86] = {"openstack", "kvm-x86", NOVA_KVM, WORKS, &kvm_offer},
    [KRN_KVM_ARM64] = {"openstack", "kvm-arm64", NOVA_KVM, UNSEEN, NULL},
    [KRN_XEN_HOSTS] = {"openstack", "xen", NOVA_XEN, WORKS, &no_virtio_offer},
    [KRN_FLEX] = {"rackspace", "flex", NOVA_KVM, WORKS, &kvm_offer},
    /* the Cloud Servers of 2012 */
    [KRN_XENSERVER] = {"rackspace", "xenserver", OLD_RACKSPACE, WORKS, &no_virtio_offer},
};

/* --- the ways --- */

static const struct mir_needs ways[] = {
    [KRN_WAY_NONE] = {0},
    [KRN_WAY_DIRECT] = {.direct_kernel = true},
    [KRN_WAY_BIOS] = {.layout = MIR_LAYOUT_BIOS, .firmware = MIR_FIRMWARE_BIOS},
    [KRN_WAY_UEFI] = {.layout = MIR_LAYOUT_UEFI, .firmware = MIR_FIRMWARE_UEFI},
    [KRN_WAY_PVGRUB] = {.layout = MIR_LAYOUT_PVGRUB},
    [KRN_WAY_DISK_BIOS] = {.firmware = MIR_FIRMWARE_BIOS},
    [KRN_WAY_DISK_UEFI] = {.firmware = MIR_FIRMWARE_UEFI},
    [KRN_WAY_CARRIED] = {.firmware = MIR_FIRMWARE_BIOS},
};

/* --- the rules --- */

/* "seen" was run by that test; "doc" is the vendor's or the project's word, or was run by hand
 * only. A carrier that was seen was seen in QEMU: what a cloud's own machines do with it nobody has
 * seen yet, and the reasons say so. */
static const struct krn_rule rules[] = {
    /* --- files that start nowhere, whatever the machine --- */
    {EVERYWHERE, ANY, KRN_PACKED_TWICE, CANNOT, "", NO_WAY, NONE,
     "It is compressed twice, and only one wrapper is taken off: unpack it once.",
     "seen: tests/unit/test_krn_unwrap.c"},
    {EVERYWHERE, ANY, KRN_BIG_ENDIAN, CANNOT, "", NO_WAY, NONE,
     "It is a big-endian ELF file; the machines of all providers are little-endian: rebuild it "
     "for x86_64.",
     "doc: ELF specification"},
    {EVERYWHERE, ANY, KRN_OTHER_DISK, CANNOT, "", NO_WAY, NONE,
     "Disks in this container are recognised but not started: convert it with `qemu-img convert "
     "-O qcow2`.",
     IMG_REAL},
    {EVERYWHERE, ANY, KRN_OTHER_FILE, CANNOT, "", NO_WAY, NONE,
     "The disk names another file that it depends on, and only this file is taken: flatten it "
     "with `qemu-img convert -O qcow2`.",
     IMG_REAL},
    {EVERYWHERE, ANY, KRN_ENCRYPTED, CANNOT, "", NO_WAY, NONE,
     "The disk is encrypted and there is no key here: convert it without encryption.",
     "doc: QEMU's docs/interop/qcow2.txt"},
    {EVERYWHERE, ANY, KRN_EMPTY_DISK, CANNOT, "", NO_WAY, NONE,
     "The disk is empty: its first sector is all zeros, so there is nothing to start.", IMG_REAL},
    {EVERYWHERE, ANY, KRN_OBJECT_FILE, CANNOT, "", NO_WAY, NONE,
     "It is an object or core file, not a linked program: give the kernel that the build links.",
     "doc: ELF specification"},
    {EVERYWHERE, ANY, KRN_SOLO5_STUB, CANNOT, "", NO_WAY, NONE,
     "It is linked with Solo5's stub bindings, which run nothing: rebuild it for a target, with "
     "`-t virtio` for most clouds.",
     "doc: Solo5's bindings/stub"},
    {EVERYWHERE, ANY, KRN_SOLO5_OTHER, CANNOT, "", NO_WAY, NONE,
     "It is built for a Solo5 target that no provider here starts: rebuild it with `-t virtio`.",
     "doc: Solo5's elf_abi.h"},
    {EVERYWHERE, ANY, KRN_LINUX_PROGRAM, CANNOT, "", NO_WAY, NONE,
     "It is a program for an operating system, not a kernel: build the unikernel with `-t "
     "virtio` or `-t spt` instead of `-t unix`.",
     IMG_REAL},
    {EVERYWHERE, ANY, KRN_EFI_DRIVER, CANNOT, "", NO_WAY, NONE,
     "It is a Windows program or an EFI driver, which nothing starts by itself: give a kernel "
     "(ELF, bzImage), an EFI application or a disk image.",
     "doc: UEFI specification, 2.1"},
    {EVERYWHERE, MIR_FORMAT_SOLO5_MUEN, 0, CANNOT, "", NO_WAY, NONE,
     "It is built for the Muen separation kernel, which no provider here runs: rebuild with `-t "
     "virtio`.",
     "doc: Solo5's docs/building.md"},

    /* --- the wrong processor --- */
    {EVERYWHERE, ANY, KRN_OTHER_MACHINE, CANNOT, "", NO_WAY, NONE,
     "It is built for a processor that is neither x86 nor arm64, and no provider has such "
     "machines: rebuild it for x86_64.",
     TYPES_DOC},
    {ARM, ANY, KRN_X86, CANNOT, "", NO_WAY, NONE,
     "It is built for x86, and these machines are arm64: take an x86 type.", TYPES_DOC},
    {EVERYWHERE & ~ARM, ANY, KRN_ARM64, CANNOT, "", NO_WAY, NONE,
     "It is built for arm64, and these machines are x86: rebuild it for x86_64.", TYPES_DOC},
    {OF(GRAVITON), MIR_FORMAT_LINUX, 0, UNKNOWN, "disk", MADE_UEFI, NONE,
     "Graviton types start it from a UEFI disk, but want ENA and NVMe drivers and a root file "
     "system, and the file says nothing of them.",
     TYPES_DOC},
    {OF(KVM_ARM64), MIR_FORMAT_LINUX, 0, UNKNOWN, "disk", MADE_UEFI, NONE,
     "arm64 hosts start it from a UEFI disk; the file says nothing of its drivers or of the root "
     "file system that it needs.",
     "doc: Nova's hw_firmware_type"},
    {OF(GRAVITON), ANY, MIR_BOOT_EFI_APP, UNKNOWN, "disk", MADE_UEFI, NONE,
     "Graviton's firmware starts it from an EFI system partition; whether it has ENA and NVMe "
     "drivers, the file does not say.",
     TYPES_DOC},
    {OF(KVM_ARM64), ANY, MIR_BOOT_EFI_APP, UNKNOWN, "disk", MADE_UEFI, NONE,
     "The firmware of arm64 hosts starts it from an EFI system partition; what drivers it has, "
     "the file does not say.",
     "doc: Nova's hw_firmware_type"},
    {ARM, ANY, KRN_ARM64, CANNOT, "", NO_WAY, NONE,
     "arm64 machines start UEFI disks, EFI applications and Linux Images only, and this is "
     "none: make a disk of it.",
     TYPES_DOC},

    /* --- nothing that says how --- */
    {ENA_TYPES, ANY, MIR_BOOT_EFI_APP, UNKNOWN, "disk", MADE_UEFI, NONE,
     "A UEFI type starts it from an EFI system partition; whether it has ENA and NVMe drivers, "
     "the file does not say.",
     TYPES_DOC},
    {KVM, ANY, MIR_BOOT_EFI_APP, UNKNOWN, "disk", MADE_UEFI, NONE,
     "It starts from an EFI system partition where the cloud has UEFI "
     "(hw_firmware_type=uefi).",
     "doc: Nova's hw_firmware_type"},
    {QEMU | OF(TENDER) | OF(XEN_HVM) | OF(XEN_PV) | XEN_CLOUDS, ANY, MIR_BOOT_EFI_APP, CANNOT, "",
     NO_WAY, NONE,
     "It is started by EFI firmware, and these machines start by BIOS: take the kernel out of it "
     "(a unified image holds a bzImage in .linux).",
     TYPES_DOC},
    {EVERYWHERE & ~ARM, MIR_FORMAT_ELF, 0, CANNOT, "", NO_WAY, NONE,
     "It is an ELF file without a boot header that anything here knows (multiboot, Xen, Solo5): "
     "rebuild it for such a target, with MirageOS `-t virtio`.",
     IMG_REAL},
    {EVERYWHERE, MIR_FORMAT_UNKNOWN, 0, CANNOT, "", NO_WAY, NONE,
     "Nothing in the file says how to start it: give a kernel (ELF, bzImage) or a disk image.",
     IMG_REAL},

    /* --- Solo5 hvt and spt: programs of a tender --- */
    {OF(TENDER), MIR_FORMAT_SOLO5_SPT, 0, BOOTS, "solo5-spt", NO_WAY, NONE,
     "An spt kernel runs under the tender solo5-spt, which has to be on PATH; without it rebuild "
     "with `-t virtio`.",
     "doc: run by hand, solo5-spt 0.12.1"},
    {OF(TENDER), MIR_FORMAT_SOLO5_HVT, 0, BOOTS, "solo5-hvt", NO_WAY, NONE,
     "An hvt kernel runs under the tender solo5-hvt, which has to be on PATH and needs /dev/kvm; "
     "without them rebuild with `-t virtio`.",
     "doc: run by hand, solo5-hvt 0.12.1"},
    {OF(TENDER), ANY, 0, CANNOT, "", NO_WAY, NONE,
     "A tender runs Solo5 kernels of its own target only (hvt or spt).",
     "doc: Solo5's docs/architecture.md"},
    {QEMU, MIR_FORMAT_SOLO5_SPT, 0, CARRIER, "qemu-disk", CARRIED, LINUX,
     "An spt kernel is a program of the tender solo5-spt: a Linux carrier starts it in a machine "
     "of "
     "its own, where the tender is at hand.",
     CARRIER_BOOTS},
    {QEMU, MIR_FORMAT_SOLO5_HVT, 0, CARRIER, "qemu-disk", CARRIED, LINUX,
     "An hvt kernel runs under the tender solo5-hvt: a Linux carrier starts it in an emulated "
     "machine whose processor virtualises, where the tender is at hand. Slow.",
     HVT_BOOTS},
    {EC2_HVM, MIR_FORMAT_SOLO5_SPT, 0, CARRIER, "disk", CARRIED, LINUX,
     "An spt kernel runs under the tender solo5-spt inside a Linux: a Linux carrier starts it. "
     "Seen "
     "in QEMU; nobody has seen it on a machine of EC2 yet.",
     CARRIER_BOOTS},
    {VIRTUALISE, MIR_FORMAT_SOLO5_HVT, 0, CARRIER, "disk", CARRIED, LINUX,
     "An hvt kernel runs under the tender solo5-hvt where the machine virtualises (C8i, M8i, R8i, "
     "bare metal): a Linux carrier starts it. Seen in QEMU; nobody has seen it on EC2 yet.",
     HVT_BOOTS},
    {OF(NITRO), MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "", NO_WAY, NONE,
     "An hvt kernel needs the tender solo5-hvt and a machine that virtualises: take such a --type "
     "(c8i.large or another C8i, M8i or R8i, or bare metal), or rebuild with `-t spt`.",
     "doc: EC2's CpuOptions.NestedVirtualization"},
    {OF(XEN_HVM), MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "", NO_WAY, NONE,
     "An hvt kernel needs the tender solo5-hvt and nested virtualisation, which these types do "
     "not have: rebuild with `-t spt` for a Linux carrier.",
     "doc: EC2's CpuOptions.NestedVirtualization"},
    {KVM, MIR_FORMAT_SOLO5_SPT, 0, CARRIER, "disk", CARRIED, LINUX,
     "An spt kernel runs under the tender solo5-spt inside a Linux: a Linux carrier starts it. "
     "Rebuilt with `-t virtio` KVM clouds start it directly.",
     CARRIER_BOOTS},
    {KVM, MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "", NO_WAY, LINUX,
     "An hvt kernel runs only under the tender solo5-hvt with nested virtualisation: rebuild "
     "with `-t virtio`, which KVM clouds start directly, or try --carrier always where machines "
     "have it.",
     "doc: Solo5's docs/architecture.md"},
    {XEN_CLOUDS, MIR_FORMAT_SOLO5_SPT, 0, CANNOT, "", NO_WAY, NONE,
     "An spt kernel runs only under the tender solo5-spt inside a Linux: a cloud with KVM starts "
     "it when it is rebuilt with `-t virtio`.",
     "doc: Solo5's docs/architecture.md"},
    {XEN_CLOUDS, MIR_FORMAT_SOLO5_HVT, 0, CANNOT, "", NO_WAY, NONE,
     "An hvt kernel runs only under the tender solo5-hvt on KVM: a cloud with KVM starts it when "
     "it is rebuilt with `-t virtio`.",
     "doc: Solo5's docs/architecture.md"},

    /* --- PV types of EC2: classic Xen kernels by PV-GRUB and nothing else --- */
    {OF(XEN_PV), MIR_FORMAT_XEN_PV, 0, UNKNOWN, "pv-grub", PVGRUB, NONE,
     "Only the old PV types (t1, m1, m2, m3, c1, c3) start it, through PV-GRUB, from a snapshot or "
     "(not t1) from an instance-store bundle; accounts may not get them any more, and all other "
     "EC2 "
     "types refuse it.",
     "doc: mirage#313, EC2's PV-GRUB guide"},
    {OF(XEN_PV), MIR_FORMAT_LINUX, 0, UNKNOWN, "pv-grub", PVGRUB, NONE,
     "PV-GRUB starts a Linux that is built as a Xen PV guest; the file does not say whether it is, "
     "and accounts may not get such types any more.",
     "doc: EC2's PV-GRUB guide"},
    {OF(XEN_PV), ANY, MIR_BOOT_XEN_PV_NOTES, UNKNOWN, "pv-grub", PVGRUB, NONE,
     "It has a PV entry beside its PVH entry, which PV-GRUB uses on the old PV types (t1, m1, m2, "
     "m3, c1, c3); accounts may not get them any more.",
     "doc: EC2's PV-GRUB guide"},
    {OF(XEN_PV), ANY, 0, CANNOT, "", NO_WAY, NONE,
     "The old PV types start classic Xen PV kernels and nothing else, through PV-GRUB.",
     "doc: EC2's PV-GRUB guide, OSv's wiki"},

    /* --- Solo5 virtio --- */
    {QEMU, MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE | KRN_TWO_NETWORKS, UNKNOWN, "qemu-kernel",
     DIRECT, NONE,
     "QEMU gives it all its networks, but only a Solo5 with multi-net takes more than one, and the "
     "file does not say whether its Solo5 does.",
     "doc: solo5#581"},
    {QEMU, MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel", DIRECT, NONE,
     "QEMU loads it by its multiboot header and gives it virtio devices.",
     "doc: run by hand, Solo5 0.12.1 on pc, q35 and microvm"},
    {ENA_TYPES, MIR_FORMAT_SOLO5_VIRTIO, 0, CANNOT, "", NO_WAY, NONE,
     "EC2 has no virtio: disk and network of these types are NVMe and ENA, which Solo5 has no "
     "drivers for.",
     "doc: osv#924, solo5#545, solo5#295"},
    {OF(XEN_HVM), MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE, NO_NETWORK, "disk", MADE, NONE,
     "EC2 has no virtio: on Xen HVM types (t2, m4) it starts without a network card, on Nitro "
     "types (t3 and later) not at all.",
     "doc: solo5#104"},
    {XEN_CLOUDS, MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE, NO_NETWORK, "disk", MADE, NONE,
     "Xen hosts have no virtio: it starts from a boot-loader disk without a network card.",
     "doc: solo5#104"},
    {KVM, MIR_FORMAT_SOLO5_VIRTIO, KRN_MB1_LOADABLE, BOOTS, "disk", MADE, NONE,
     "KVM clouds start it from a boot-loader disk on an IDE or SCSI bus (hw_disk_bus): a virtio "
     "disk that its manifest does not name would make it abort.",
     "doc: run by hand in QEMU; solo5#483, solo5#491"},
    {QEMU | OF(XEN_HVM) | KVM | XEN_CLOUDS, MIR_FORMAT_SOLO5_VIRTIO, 0, CANNOT, "", NO_WAY, NONE,
     "Its multiboot header is missing or damaged, so that nothing can load it: build it again "
     "with `-t virtio`.",
     "doc: multiboot specification, 3.1"},

    /* --- Xen PVH by Solo5 --- */
    {QEMU, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "qemu-kernel", DIRECT, NONE,
     "It needs Xen's services: QEMU loads it, but without Xen it has no console and no network. "
     "Rebuild with `-t virtio`.",
     "doc: run by hand, Solo5 0.12.1's test_hello.xen"},
    {ENA_TYPES, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "", NO_WAY, XEN,
     "No EC2 machine type starts a Xen PVH kernel as it is, and in a Xen carrier it needs bare "
     "metal or nested virtualisation: rebuild with `-t spt`, or try --carrier always there.",
     "doc: mirage#313, mirage#1159"},
    {OF(XEN_HVM), MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "", NO_WAY, NONE,
     "No EC2 machine type starts a Xen PVH kernel as it is: Xen HVM types start disks.",
     "doc: mirage#313, mirage#1159"},
    {KVM, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "", NO_WAY, XEN,
     "It needs Xen underneath, and in a Xen carrier nested virtualisation: rebuild with `-t "
     "virtio`, or try --carrier always where machines have it.",
     "doc: mirage#313, mirage#1159"},
    {XEN_CLOUDS, MIR_FORMAT_SOLO5_XEN, 0, CANNOT, "", NO_WAY, NONE,
     "It is a Xen PVH kernel, and Xen hosts under OpenStack start guests as PV or HVM only: "
     "rebuild "
     "with `-t virtio` for a cloud with KVM.",
     "doc: Nova's vm_mode"},

    /* --- classic Xen PV --- */
    {QEMU, MIR_FORMAT_XEN_PV, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel", DIRECT, NONE,
     "QEMU loads it by its multiboot header; its Xen entry is not used here.", HELLO_BOOT},
    {QEMU, MIR_FORMAT_XEN_PV, KRN_X86_32, CANNOT, "", NO_WAY, NONE,
     "It is built for 32 bits, and a carrier's Xen takes PV kernels of 64 bits only: rebuild it "
     "for "
     "x86_64.",
     CARRIER_BOOTS},
    {QEMU, MIR_FORMAT_XEN_PV, 0, CARRIER, "qemu-disk", CARRIED, XEN,
     "A classic Xen PV kernel starts as a domain of Xen: a Xen carrier brings one along.",
     CARRIER_BOOTS},
    {KVM, MIR_FORMAT_XEN_PV, KRN_MB1_LOADABLE, BOOTS, "disk", MADE, NONE,
     "KVM clouds start it from a boot-loader disk by its multiboot header; its Xen entry is not "
     "used there.",
     LAYOUTS},
    {KVM | EC2_HVM, MIR_FORMAT_XEN_PV, KRN_X86_32, CANNOT, "", NO_WAY, NONE,
     "A classic Xen PV kernel of 32 bits: these machines have no Xen, and a carrier's takes 64 "
     "bits "
     "only. Rebuild it for x86_64.",
     CARRIER_BOOTS},
    {KVM, MIR_FORMAT_XEN_PV, 0, CARRIER, "disk", CARRIED, XEN,
     "A classic Xen PV kernel needs Xen, and these hosts run KVM: a Xen carrier brings one along. "
     "Seen in QEMU, the same virtual machine.",
     CARRIER_BOOTS},
    {OF(XEN_HVM), MIR_FORMAT_XEN_PV, 0, CARRIER, "disk", CARRIED, SHIM,
     "Xen HVM types start no PV kernel by themselves: Xen's PV shim on its disk does. Seen on a "
     "Xen "
     "of our own; nobody has seen it on EC2 yet.",
     SHIM_BOOTS},
    {ENA_TYPES, MIR_FORMAT_XEN_PV, 0, CARRIER, "disk", CARRIED, XEN,
     "These types have no Xen: a Xen carrier brings one along. Seen in QEMU; nobody has seen it on "
     "a machine of EC2 yet.",
     CARRIER_BOOTS},
    {OF(XEN_HOSTS), MIR_FORMAT_XEN_PV, 0, UNKNOWN, "pv-grub", PVGRUB, NONE,
     "A classic Xen PV kernel needs Xen hosts under OpenStack, and nearly all clouds run KVM: "
     "rebuild with `-t virtio`.",
     "doc: Nova's libvirt driver on Xen"},
    {OF(XENSERVER), MIR_FORMAT_XEN_PV, 0, UNKNOWN, "pv-grub", PVGRUB, NONE,
     "Rackspace Flex runs KVM and refuses it; the old Cloud Servers (XenServer) may start it "
     "from a VHD with menu.lst. For Flex rebuild with `-t virtio`.",
     "doc: Rackspace's Understanding Cloud Images"},

    /* --- Xen PVH --- */
    {QEMU, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel", DIRECT, NONE,
     "QEMU loads it by its multiboot header, which it prefers to the Xen PVH entry.", HELLO_BOOT},
    {QEMU, MIR_FORMAT_XEN_PVH, 0, UNKNOWN, "qemu-kernel", DIRECT, NONE,
     "QEMU loads a Xen PVH kernel, but one that wants Xen's console and devices runs silently "
     "and without a network: rebuild with `-t virtio` if it does.",
     HELLO_BOOT},
    {EC2_HVM, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, UNKNOWN, "disk", MADE, NONE,
     "A boot-loader disk starts it by its multiboot header, but EC2's network cards are ENA or "
     "Xen's, and the file does not say whether it has a driver.",
     "doc: multiboot specification, 3.1"},
    {ENA_TYPES, MIR_FORMAT_XEN_PVH, 0, CANNOT, "", NO_WAY, XEN,
     "No EC2 machine type starts a Xen PVH kernel as it is (Xen types want a disk, Nitro types "
     "have no Xen). A Xen carrier does with nested virtualisation: --carrier always tries it.",
     "doc: mirage#1159"},
    {OF(XEN_HVM), MIR_FORMAT_XEN_PVH, 0, CANNOT, "", NO_WAY, NONE,
     "No EC2 machine type starts a Xen PVH kernel as it is: Xen HVM types want a disk with a boot "
     "loader, and boot loaders know no PVH entry.",
     "doc: mirage#1159"},
    {KVM, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, BOOTS, "disk", MADE, NONE,
     "KVM clouds start it from a boot-loader disk by its multiboot header, on the same virtual "
     "machine as QEMU's.",
     LAYOUTS},
    {KVM, MIR_FORMAT_XEN_PVH, 0, UNKNOWN, "kernel", DIRECT, NONE,
     "No boot loader starts a PVH entry; a cloud that loads kernels itself (image property "
     "kernel_id) does, without Xen's console and devices. Rebuild with `-t virtio`.",
     "doc: Nova's kernel_id; QEMU's -kernel"},
    {XEN_CLOUDS, MIR_FORMAT_XEN_PVH, KRN_MB1_LOADABLE, UNKNOWN, "disk", MADE, NONE,
     "Xen hosts start it from a boot-loader disk by its multiboot header; the file does not say "
     "whether it has Xen's network driver.",
     "doc: multiboot specification, 3.1"},
    {XEN_CLOUDS, MIR_FORMAT_XEN_PVH, 0, CANNOT, "", NO_WAY, NONE,
     "Xen hosts under OpenStack start guests as PV or HVM, and this kernel is PVH: add a "
     "multiboot header.",
     "doc: Nova's vm_mode"},

    /* --- multiboot --- */
    {QEMU, MIR_FORMAT_MULTIBOOT1, KRN_MB1_LOADABLE, BOOTS, "qemu-kernel", DIRECT, NONE,
     "QEMU loads it by its multiboot header.", HELLO_BOOT},
    {QEMU, MIR_FORMAT_MULTIBOOT1, 0, CANNOT, "", NO_WAY, NONE,
     "QEMU loads a 64-bit ELF by multiboot only with address fields in the header (flag bit 16): "
     "link it as ELF32 or add them.",
     IMG_SEEN},
    {QEMU, MIR_FORMAT_MULTIBOOT2, 0, CANNOT, "", NO_WAY, NONE,
     "QEMU's loader knows multiboot 1 and PVH, not multiboot 2: add a multiboot 1 header, or "
     "make a disk image with GRUB.",
     IMG_SEEN},
    {EC2_HVM, MIR_FORMAT_MULTIBOOT1, KRN_UNIKRAFT, NO_NETWORK, "disk", MADE, NONE,
     "A boot-loader disk starts it, but Unikraft's drivers are virtio's, and EC2's network cards "
     "are ENA or Xen's.",
     "doc: Unikraft's drivers/"},
    {EC2_HVM, MIR_FORMAT_MULTIBOOT1, 0, UNKNOWN, "disk", MADE, NONE,
     "A boot-loader disk starts it, but EC2's network cards are ENA or Xen's, and the header "
     "does not say whether it has a driver.",
     "doc: multiboot specification, 3.1"},
    {EC2_HVM, MIR_FORMAT_MULTIBOOT2, 0, UNKNOWN, "disk", MADE, NONE,
     "A GRUB disk starts it, but EC2's network cards are ENA or Xen's, and the header does not "
     "say whether it has a driver.",
     "doc: multiboot 2 specification, 3.1"},
    {KVM, MIR_FORMAT_MULTIBOOT1, KRN_MB1_LOADABLE, BOOTS, "disk", MADE, NONE,
     "KVM clouds start it from a boot-loader disk, on the same virtual machine as QEMU's.",
     LAYOUTS},
    {KVM, MIR_FORMAT_MULTIBOOT1, 0, UNKNOWN, "disk", MADE, NONE,
     "Boot loaders differ in what they do with a 64-bit multiboot 1 ELF without address fields: "
     "link it as ELF32 or add them.",
     "doc: multiboot specification, 3.1"},
    {KVM, MIR_FORMAT_MULTIBOOT2, 0, BOOTS, "disk", MADE, NONE,
     "KVM clouds start it from a GRUB disk, on the same virtual machine as QEMU's.", LAYOUTS},
    {XEN_CLOUDS, MIR_FORMAT_MULTIBOOT1, 0, UNKNOWN, "disk", MADE, NONE,
     "Xen hosts start it from a boot-loader disk; the header does not say whether it has Xen's "
     "network driver.",
     "doc: multiboot specification, 3.1"},
    {XEN_CLOUDS, MIR_FORMAT_MULTIBOOT2, 0, UNKNOWN, "disk", MADE, NONE,
     "Xen hosts start it from a GRUB disk; the header does not say whether it has Xen's network "
     "driver.",
     "doc: multiboot 2 specification, 3.1"},

    /* --- Linux and what borrows its boot protocol --- */
    {QEMU, MIR_FORMAT_LINUX, 0, BOOTS, "qemu-kernel", DIRECT, NONE,
     "QEMU loads it by the Linux boot protocol; a Linux itself also needs a root file system, "
     "which is not given here.",
     IMG_SEEN},
    {EC2_HVM, MIR_FORMAT_LINUX, 0, UNKNOWN, "disk", MADE, NONE,
     "A boot-loader disk starts it, but the file says nothing of ENA, NVMe or Xen drivers, or of "
     "the root file system that it needs.",
     TYPES_DOC},
    {KVM | XEN_CLOUDS, MIR_FORMAT_LINUX, 0, UNKNOWN, "disk", MADE, NONE,
     "A boot-loader disk starts it, but the file says nothing of its drivers or of the root file "
     "system that it needs.",
     "doc: Linux boot protocol"},

    /* --- disks --- */
    {QEMU, ANY, KRN_UNSEEN_DISK, UNKNOWN, "qemu-disk", DISK_BIOS, NONE,
     "It starts as a disk if it holds boot code; its first sector is compressed or too deep in "
     "the file to be looked at here.",
     IMG_REAL},
    {CLOUDS & ~OF(XEN_PV), ANY, KRN_UNSEEN_DISK, UNKNOWN, "", NO_WAY, NONE,
     "It starts as a disk if it holds boot code for these machines; its first sector is "
     "compressed or too deep in the file to be looked at here.",
     IMG_REAL},
    {NITROS | OF(XEN_HVM), ANY, KRN_NANOS | MIR_BOOT_BIOS_DISK, BOOTS, "disk", DISK_BIOS, NONE,
     "EC2 starts the disk by BIOS, and Nanos has the drivers of both kinds of types (ENA and "
     "NVMe, Xen's).",
     "doc: Nanos's src/aws/ena, drivers/nvme and src/xen; ops#575"},
    {OF(XEN_HVM), ANY, KRN_OSV | MIR_BOOT_BIOS_DISK, BOOTS, "disk", DISK_BIOS, NONE,
     "Xen HVM types start the disk by BIOS, and OSv has their drivers.",
     "doc: OSv's wiki, Running OSv on EC2"},
    {NITROS, ANY, KRN_OSV | MIR_BOOT_BIOS_DISK, UNKNOWN, "disk", DISK_BIOS, NONE,
     "The disk starts by BIOS; OSv has an ENA driver, but some releases drop incoming TCP there "
     "or stop at NVMe.",
     "doc: osv#1204, osv#1471"},
    {QEMU, ANY, MIR_BOOT_BIOS_DISK, BOOTS, "qemu-disk", DISK_BIOS, NONE,
     "The disk holds BIOS boot code, and QEMU starts it as its first disk.", LOCAL_KEEPER},
    {QEMU, ANY, MIR_BOOT_EFI_DISK, BOOTS, "qemu-disk", DISK_UEFI, NONE,
     "The disk has a GPT and no BIOS boot code, and QEMU starts it by UEFI, with the firmware of "
     "the package ovmf.",
     "seen: tests/e2e/image_prove.py"},
    {EC2_HVM, ANY, MIR_BOOT_BIOS_DISK, UNKNOWN, "disk", DISK_BIOS, NONE,
     "EC2 takes the disk, but Nitro types need ENA and NVMe drivers and Xen types Xen's, and the "
     "file does not say which its system has.",
     TYPES_DOC},
    {OF(XEN_HVM), ANY, MIR_BOOT_EFI_DISK, CANNOT, "", NO_WAY, NONE,
     "The disk starts by UEFI only, and Xen HVM types start by BIOS: take a later type.",
     TYPES_DOC},
    {ENA_TYPES, ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "disk", DISK_UEFI, NONE,
     "EC2's UEFI types (t3 and later) take the disk, but need ENA and NVMe drivers, and the file "
     "does not say whether its system has them.",
     TYPES_DOC},
    {OF(GRAVITON), ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "disk", DISK_UEFI, NONE,
     "Graviton types take a disk that starts by UEFI, if its loader and its system are arm64's "
     "and have ENA and NVMe drivers; the file's first sectors do not say.",
     TYPES_DOC},
    {KVM, ANY, MIR_BOOT_BIOS_DISK, BOOTS, "disk", DISK_BIOS, NONE,
     "The disk holds BIOS boot code, which KVM clouds start; its system needs virtio drivers for "
     "the network.",
     LOCAL_KEEPER},
    {KVM, ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "disk", DISK_UEFI, NONE,
     "The disk starts by UEFI only, which depends on the cloud (hw_firmware_type=uefi).",
     "doc: Nova's hw_firmware_type"},
    {OF(KVM_ARM64), ANY, MIR_BOOT_EFI_DISK, UNKNOWN, "disk", DISK_UEFI, NONE,
     "arm64 hosts take a disk that starts by UEFI, if its loader and its system are arm64's; the "
     "file's first sectors do not say.",
     "doc: Nova's hw_firmware_type"},
    {XEN_CLOUDS, ANY, MIR_BOOT_BIOS_DISK, UNKNOWN, "disk", DISK_BIOS, NONE,
     "Xen hosts start the disk by BIOS; its system needs Xen's drivers, and the file does not say "
     "whether it has them.",
     "doc: Rackspace's Understanding Cloud Images"},
    {XEN_CLOUDS, ANY, MIR_BOOT_EFI_DISK, CANNOT, "", NO_WAY, NONE,
     "The disk starts by UEFI only, and Xen hosts of such clouds start by BIOS or PV: make it "
     "bootable by BIOS as well.",
     "doc: Nova's libvirt driver on Xen"},
    {EVERYWHERE & ~(OF(TENDER) | OF(XEN_PV)), ANY, 0, CANNOT, "", NO_WAY, NONE,
     "The disk holds no boot code: its first sector does not start anything.", IMG_REAL},
};

const struct krn_rule *krn_rules(size_t *ret_count)
{
    *ret_count = MIR_NELEMS(rules);
    return rules;
}

const struct krn_family *krn_family(enum krn_family_id id)
{
    return &families[id];
}

const struct mir_needs *krn_way_needs(enum krn_way way)
{
    return &ways[way];
}
