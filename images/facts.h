/* SPDX-License-Identifier: ISC */
/*
 * What the probes have found so far: the kernel document in the making, and beside it the
 * conditions that only the compatibility table and the description need.
 */
#ifndef IMAGES_FACTS_H
#define IMAGES_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/kernel.h"

/* Beside enum mir_boot_way, and in the same word with it: bits from 14 on. */
enum krn_condition {
    KRN_HAS_DEVICE = 1 << 14,    /* the manifest names a device */
    KRN_TWO_NETWORKS = 1 << 15,  /* the manifest names more than one network */
    KRN_OTHER_MACHINE = 1 << 16, /* built for a processor that is no x86 */
    KRN_MB1_LOADABLE = 1 << 17,  /* a multiboot1 loader can load it: i386 ELF or address fields */
    KRN_OTHER_FILE = 1 << 18,    /* a disk that names another file as its backing or data */
    KRN_ENCRYPTED = 1 << 19,
    KRN_EMPTY_DISK = 1 << 20,  /* its first sector is all zeros */
    KRN_UNSEEN_DISK = 1 << 21, /* its first sector could not be looked at */
    KRN_VMDK = 1 << 22,
    KRN_PACKED_TWICE = 1 << 23,
    KRN_BIG_ENDIAN = 1 << 24,
    KRN_SOLO5_STUB = 1 << 25,    /* a manifest without an ABI note */
    KRN_SOLO5_OTHER = 1 << 26,   /* a Solo5 target without a format of its own (genode, newer) */
    KRN_LINUX_PROGRAM = 1 << 27, /* ELF with a program interpreter */
    KRN_HAS_BLOCK = 1 << 28,     /* the manifest names a block device */
    KRN_OBJECT_FILE = 1 << 29,   /* ELF relocatable or core: nothing to start */
};

struct krn_facts {
    struct mir_kernel kernel;
    uint32_t conditions; /* enum krn_condition */
    char guest_os[32];   /* what a Xen kernel calls itself */
    char detail[72];     /* for the description: "ELF64 x86_64", "8.0 GiB" */
    char machine[24];    /* the name of the ELF machine */
};

#endif
