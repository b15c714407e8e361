/* SPDX-License-Identifier: ISC */
/*
 * The noun "kernel": everything an inspection says about a unikernel file. A kernel is named by
 * the SHA-256 of the bytes as the user has them (compressed or not).
 *
 * Plain values without pointers: copy with `=`. JSON form: the document of
 * `mirage-deploy inspect --json` and of GET /v1/kernels/{sha256}.
 */
#ifndef API_KERNEL_H
#define API_KERNEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

#define MIR_SHA256_TEXT 65 /* 64 lower-case hex digits and the terminator */

enum mir_container {
    MIR_CONTAINER_NONE,
    MIR_CONTAINER_GZIP,
    MIR_CONTAINER_BZIP2,
    MIR_CONTAINER_XZ,
    MIR_CONTAINER_ZSTD,
    MIR_CONTAINER_COUNT
};

enum mir_format {
    MIR_FORMAT_UNKNOWN,
    MIR_FORMAT_XEN_PV,
    MIR_FORMAT_XEN_PVH,
    MIR_FORMAT_SOLO5_HVT, /* Solo5's stand together */
    MIR_FORMAT_SOLO5_SPT,
    MIR_FORMAT_SOLO5_VIRTIO,
    MIR_FORMAT_SOLO5_MUEN,
    MIR_FORMAT_SOLO5_XEN,
    MIR_FORMAT_MULTIBOOT1,
    MIR_FORMAT_MULTIBOOT2,
    MIR_FORMAT_LINUX, /* the Linux boot protocol: bzImage */
    MIR_FORMAT_DISK_RAW,
    MIR_FORMAT_DISK_QCOW2,
    MIR_FORMAT_DISK_VHD,
    MIR_FORMAT_DISK_VMDK,
    MIR_FORMAT_ELF, /* ELF without any boot protocol */
    MIR_FORMAT_COUNT
};

enum mir_arch {
    MIR_ARCH_UNKNOWN,
    MIR_ARCH_X86_64,
    MIR_ARCH_I386,
    MIR_ARCH_AARCH64,
    MIR_ARCH_COUNT
};

enum mir_verdict {
    MIR_VERDICT_UNKNOWN,
    MIR_VERDICT_BOOTS,
    MIR_VERDICT_NO_NETWORK,
    MIR_VERDICT_CANNOT,
    MIR_VERDICT_CARRIER, /* inside of a carrier (mir_family.carrier), and not as it is */
    MIR_VERDICT_COUNT
};

enum mir_powers_off { MIR_POWERS_OFF_UNKNOWN, MIR_POWERS_OFF_YES, MIR_POWERS_OFF_NO };

enum mir_device_kind { MIR_DEVICE_NET, MIR_DEVICE_BLOCK, MIR_DEVICE_OTHER };

#define MIR_DEVICE_NAME 68
struct mir_device {
    char name[MIR_DEVICE_NAME];
    enum mir_device_kind kind;
};

/* Every way in that was found: several may be true at once (a Solo5 xen kernel has three). */
enum mir_boot_way {
    MIR_BOOT_MULTIBOOT1 = 1 << 0,
    MIR_BOOT_MULTIBOOT2 = 1 << 1,
    MIR_BOOT_PVH = 1 << 2,
    MIR_BOOT_XEN_PV_NOTES = 1 << 3,
    MIR_BOOT_XEN_PV_STRING = 1 << 4, /* the old __xen_guest section */
    MIR_BOOT_LINUX = 1 << 5,
    MIR_BOOT_SOLO5 = 1 << 6,
    MIR_BOOT_BIOS_DISK = 1 << 7, /* MBR with boot code */
    MIR_BOOT_EFI_DISK = 1 << 8,  /* GPT */
    MIR_BOOT_EFI_APP = 1 << 9,   /* a PE program that EFI firmware starts: a unified kernel image */
};

/* What a kernel says it can do in its participation note (unikernels/hello/README.md). */
enum mir_takes_part {
    MIR_PART_ARGS = 1 << 0,             /* reads name= ip= gw= token= ... */
    MIR_PART_DEADLINE = 1 << 1,         /* powers itself off at deadline= plus grace= */
    MIR_PART_CONSOLE_DEADLINE = 1 << 2, /* a console line "deadline N" moves it */
    MIR_PART_ANNOUNCE = 1 << 3,
    MIR_PART_WELL_KNOWN = 1 << 4, /* serves /.well-known/unikernel with its token */
    MIR_PART_POWEROFF = 1 << 5,
};

#define MIR_KERNEL_DEVICES_MAX 63 /* the Solo5 manifest's own limit, without its dummy entry */
#define MIR_KERNEL_PROVIDERS_MAX 8
#define MIR_KERNEL_FAMILIES_MAX 24
#define MIR_TABLE_TEXT 33 /* 32 hex digits and the terminator */

/* What a machine has to be given so that a kernel starts on it. The first of each is "none". */
enum mir_image { MIR_IMAGE_NONE, MIR_IMAGE_RAW, MIR_IMAGE_QCOW2, MIR_IMAGE_VHD };
enum mir_layout {
    MIR_LAYOUT_NONE,
    MIR_LAYOUT_BIOS,
    MIR_LAYOUT_UEFI,
    MIR_LAYOUT_PVGRUB,
    MIR_LAYOUT_PVGRUB_BARE /* one file system, as a partition: of a provider's own choice */
};
enum mir_firmware { MIR_FIRMWARE_NONE, MIR_FIRMWARE_BIOS, MIR_FIRMWARE_UEFI };
enum mir_bus { MIR_BUS_NONE, MIR_BUS_IDE, MIR_BUS_SCSI, MIR_BUS_VIRTIO, MIR_BUS_NVME, MIR_BUS_XEN };
enum mir_nic { MIR_NIC_NONE, MIR_NIC_VIRTIO, MIR_NIC_ENA, MIR_NIC_XEN };

struct mir_needs {
    enum mir_image image;       /* the container that the provider takes */
    enum mir_layout layout;     /* that `image build --boot` makes; none: no disk, or the kernel is
                                   one already */
    enum mir_firmware firmware; /* of the machine */
    enum mir_bus disk_bus;      /* of the root disk */
    enum mir_nic nic;
    bool ena;            /* the image is registered as having an ENA driver (EC2) */
    bool direct_kernel;  /* the machine loads the kernel file itself; there is no boot disk */
    bool virtualisation; /* its processor makes virtual machines: there is one inside of it */
};

/* Which system around it starts the kernel where the machine cannot: images/carrier.h. */
enum mir_carrier {
    MIR_CARRIER_NONE,
    MIR_CARRIER_LINUX, /* a Linux with a Solo5 tender */
    MIR_CARRIER_XEN,   /* Xen and its Linux, the kernel as a domain */
    MIR_CARRIER_SHIM,  /* Xen's PV shim alone, on a host that is Xen */
};

/* A kind of machine of a provider: those that differ in what they boot. */
struct mir_family {
    unsigned boots;  /* the provider's row: index in mir_kernel.boots */
    char family[16]; /* "nitro", "xen-hvm", "kvm-x86", ... */
    enum mir_verdict verdict;
    char why[240]; /* one sentence: the rule */
    struct mir_needs needs;
    enum mir_powers_off powers_off; /* can the guest switch this machine off by itself */
    enum mir_carrier carrier;       /* what makes it possible; with "cannot": could, elsewhere */
};

/* The verdict of a provider is the best of its families'. */
struct mir_boots {
    char provider[24];
    enum mir_verdict verdict;
    char how[32];  /* the way it would be started there: "qemu-kernel", "qemu-disk", ...; "" when
                      there is none, not even with --anyway */
    char why[240]; /* one sentence: the rule */
};

struct mir_kernel {
    char sha256[MIR_SHA256_TEXT];
    char table[MIR_TABLE_TEXT]; /* the edition of rules and parsers that said all this; "": it did
                                   not say */
    uint64_t bytes;             /* of the file */
    uint64_t unpacked_bytes;    /* of what the wrapper holds; == bytes when there is none */
    enum mir_container container;
    enum mir_format format;
    enum mir_arch arch;
    uint32_t boot_ways;  /* enum mir_boot_way bits */
    uint32_t takes_part; /* enum mir_takes_part bits */
    uint64_t entry;      /* ELF entry or PVH entry; 0 when there is none */
    uint64_t load_bytes; /* highest loaded byte, memory included */
    uint64_t min_memory_bytes;
    uint32_t solo5_abi_version; /* 0: no Solo5 note */
    enum mir_powers_off powers_off;
    char description[160]; /* one line for people */
    unsigned device_count;
    struct mir_device devices[MIR_KERNEL_DEVICES_MAX];
    unsigned boots_count;
    struct mir_boots boots[MIR_KERNEL_PROVIDERS_MAX];
    unsigned family_count; /* 0 in documents of before there were families */
    struct mir_family families[MIR_KERNEL_FAMILIES_MAX]; /* in the order of the table */
};

/* Stable names, as in the JSON; never NULL. The _by_name forms return -1 for no such name. */
const char *mir_container_name(enum mir_container container);
const char *mir_format_name(enum mir_format format);
const char *mir_arch_name(enum mir_arch arch);
const char *mir_verdict_name(enum mir_verdict verdict);
int mir_format_by_name(const char *name);
const char *mir_image_name(enum mir_image image);
const char *mir_layout_name(enum mir_layout layout);
const char *mir_firmware_name(enum mir_firmware firmware);
const char *mir_bus_name(enum mir_bus bus);
const char *mir_nic_name(enum mir_nic nic);
const char *mir_carrier_name(enum mir_carrier carrier);
const char *mir_powers_off_name(enum mir_powers_off powers_off);

/* The row for a provider, or NULL. Borrowed from the kernel. */
const struct mir_boots *mir_kernel_boots(const struct mir_kernel *kernel, const char *provider);

/* The family of a provider, or NULL. Borrowed from the kernel. */
const struct mir_family *mir_kernel_family(const struct mir_kernel *kernel, const char *provider,
                                           const char *family);

/* New reference. */
json_t *mir_kernel_to_json(const struct mir_kernel *kernel);

/* The list "families" of one provider; empty when there are none. New reference. */
json_t *mir_kernel_families_json(const struct mir_kernel *kernel, const char *provider);

/* Reads what mir_kernel_to_json wrote, also in the years before there were `table` and `families`;
 * anything else (a name unknown, a number out of range, a text too long) is MIR_CORRUPT. This is
 * the border at which the daemon stops trusting the sandboxed helper. */
int mir_kernel_from_json(const json_t *json, struct mir_kernel *ret_kernel, struct mir_error *err);

/* 1 when text is 64 lower-case hex digits. */
int mir_sha256_valid(const char *text);

#endif
