/* SPDX-License-Identifier: ISC */
/*
 * The compatibility table: which kernel starts on which kind of machine, with the rule in one
 * sentence, the fix, and where we know it from. The table is data (compat.c); for each family the
 * first rule that fits counts, and the last rule fits everything, so that there is always an
 * answer. What the devices of a Solo5 manifest change about it, api/preflight.h says.
 *
 * Pure; any thread.
 */
#ifndef IMAGES_COMPAT_H
#define IMAGES_COMPAT_H

#include <stddef.h>
#include <stdint.h>

#include "api/kernel.h"
#include "api/preflight.h"

/* The families, in the order of the table and of the documents: of each provider the usual one
 * first, which is also what a provider's verdict goes by when several are as good. */
enum krn_family_id {
    KRN_QEMU_PC,
    KRN_QEMU_Q35,
    KRN_TENDER,
    KRN_NITRO,
    KRN_XEN_HVM,
    KRN_XEN_PV,
    KRN_METAL,
    KRN_NESTED,
    KRN_GRAVITON,
    KRN_KVM_X86,
    KRN_KVM_ARM64,
    KRN_XEN_HOSTS,
    KRN_FLEX,
    KRN_XENSERVER,
    KRN_FAMILY_COUNT
};

/* What a guest's way of powering off does on a family. */
enum krn_power {
    KRN_POWER_WORKS,   /* where the kernel does it, the machine is off */
    KRN_POWER_UNKNOWN, /* nobody has seen it */
};

/* The ways to start something. What hardware it meets, the family says. */
enum krn_way {
    KRN_WAY_NONE,
    KRN_WAY_DIRECT,    /* the machine loads the kernel file itself */
    KRN_WAY_BIOS,      /* a disk is made around it (images/layout.h) */
    KRN_WAY_UEFI,      /* the same with an EFI system partition */
    KRN_WAY_PVGRUB,    /* the same with a menu.lst for PV-GRUB or pygrub */
    KRN_WAY_DISK_BIOS, /* it is a disk already */
    KRN_WAY_DISK_UEFI,
    KRN_WAY_CARRIED, /* a disk is made with a carrier on it (images/carrier.h) */
};

struct krn_family {
    const char *provider, *name;
    enum mir_image image; /* the container that disks are given in; none: as they are */
    enum mir_bus disk_bus;
    enum mir_nic nic;
    enum krn_power power;
    /* What a Solo5 kernel's devices are held against; NULL where its own rule says it all. */
    const struct mir_offer *offer;
};

#define KRN_ANY_FORMAT (-1)

struct krn_rule {
    uint32_t families; /* 1 << enum krn_family_id */
    int format;        /* enum mir_format or KRN_ANY_FORMAT */
    uint64_t need;     /* boot ways and KRN_ conditions, all of them */
    enum mir_verdict verdict;
    const char *how; /* "": no way to start it; "cannot" with one: --anyway tries it */
    enum krn_way way;
    enum mir_carrier carrier;
    const char *why;    /* at most 239 bytes */
    const char *source; /* "seen: <test>", which ran it, or "doc: <where>" */
};

/* The whole tables, static. */
const struct krn_rule *krn_rules(size_t *ret_count);
const struct krn_family *krn_family(enum krn_family_id id);
/* Layout, firmware, direct_kernel of a way. */
const struct mir_needs *krn_way_needs(enum krn_way way);

/* The rule for a family, never NULL. `bits`: boot ways and conditions. */
const struct krn_rule *krn_rule_for(enum krn_family_id id, enum mir_format format, uint64_t bits);

/* Fill kernel->boots and families for all providers, built in or not. */
void krn_compat_fill(struct mir_kernel *kernel, uint64_t conditions);

#endif
