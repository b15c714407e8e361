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

/* Beside enum mir_boot_way, and in the same word with it: 64 bits, from 32 on. */
#define KRN_BIT(n) ((uint64_t)1 << (32 + (n)))
#define KRN_X86 KRN_BIT(0) /* built for x86, 32 or 64 bit */
#define KRN_ARM64 KRN_BIT(1)
#define KRN_OTHER_MACHINE KRN_BIT(2) /* built for a processor that is neither */
#define KRN_TWO_NETWORKS KRN_BIT(3)  /* the manifest names more than one network */
#define KRN_MB1_LOADABLE                                                                           \
    KRN_BIT(4)                    /* a multiboot1 loader can load it: i386 ELF or address fields */
#define KRN_OTHER_FILE KRN_BIT(5) /* a disk that names another file as its backing or data */
#define KRN_ENCRYPTED KRN_BIT(6)
#define KRN_EMPTY_DISK KRN_BIT(7)  /* its first sector is all zeros */
#define KRN_UNSEEN_DISK KRN_BIT(8) /* its first sector could not be looked at */
#define KRN_OTHER_DISK KRN_BIT(9)  /* a disk image in a container that is not started: VDI, ... */
#define KRN_PACKED_TWICE KRN_BIT(10)
#define KRN_BIG_ENDIAN KRN_BIT(11)
#define KRN_SOLO5_STUB KRN_BIT(12) /* a manifest without an ABI note */
#define KRN_SOLO5_OTHER                                                                            \
    KRN_BIT(13) /* a Solo5 target without a format of its own (genode, newer)                      \
                 */
#define KRN_LINUX_PROGRAM KRN_BIT(14) /* ELF with a program interpreter */
#define KRN_OBJECT_FILE KRN_BIT(15)   /* ELF relocatable or core: nothing to start */
#define KRN_UNIKRAFT KRN_BIT(16)
#define KRN_NANOS KRN_BIT(17)
#define KRN_OSV KRN_BIT(18)
#define KRN_X86_32 KRN_BIT(20)     /* of KRN_X86, 32 bits */
#define KRN_EFI_DRIVER KRN_BIT(19) /* PE, but nothing that firmware starts by itself */

struct krn_facts {
    struct mir_kernel kernel;
    uint64_t conditions; /* KRN_ bits */
    char guest_os[32];   /* what a kernel calls itself, or whose it is */
    char detail[72];     /* for the description: "ELF64 x86_64", "8.0 GiB" */
    char machine[24];    /* the name of the ELF machine */
};

#endif
