/* SPDX-License-Identifier: ISC */
/*
 * A carrier on a disk: a system of the distribution (mirage-carrier makes the folder that it comes
 * in, its base) which starts a kernel where the machine cannot. docs/CARRIERS.md.
 *
 *   xen    GRUB, Xen, a Linux as its first domain, the kernel as a domain of it
 *   linux  GRUB, a Linux, a Solo5 tender
 *   shim   GRUB, Xen's PV shim, the kernel: on hosts that are Xen
 *
 * Of two disks with one base only what comes last differs: the base is one archive, the kernel and
 * what the carrier is told of it a second one behind it in the same file (xen and linux).
 *
 * Owned by one thread. Blocking where a folder or the kernel is read.
 */
#ifndef IMAGES_CARRIER_H
#define IMAGES_CARRIER_H

#include "api/buf.h"
#include "api/kernel.h"
#include "images/guest_disks.h"
#include "images/layout.h"
#include "images/stream.h"
#include "images/volume.h"

#define IMG_CARRIED_KERNEL_MAX ((uint64_t)96 << 20) /* unpacked: it is held in memory */

/* A base, read whole. */
struct img_carrier {
    enum mir_carrier shape;
    struct img_blob xen;    /* xen.gz, xen-shim.xz; NULL bytes of linux */
    struct img_blob kernel; /* NULL bytes of shim */
    struct img_blob base;   /* the archive, packed; NULL bytes of shim */
    struct img_blob disks;  /* a second one, for guests with block devices; likewise */
    char digest[MIR_SHA256_TEXT];
};

/* MIR_NOT_FOUND for a folder that is none, MIR_CORRUPT for one that lacks something. */
int img_carrier_open(const char *folder, struct img_carrier *ret, struct mir_error *err);
void img_carrier_clear(struct img_carrier *carrier);

/* What stands on a carrier's disk instead of a kernel that GRUB starts. */
struct img_carried {
    struct mir_buf conf;      /* GRUB's */
    struct mir_buf last;      /* the archive of the base and the user's; of a shim the kernel */
    struct img_file files[3]; /* in the order of the disk; they borrow from here and the carrier */
    size_t file_count;
    char id[MIR_SHA256_TEXT]; /* equal where all of the above is equal; of block devices the names
                                 alone count */
};

/* content: the kernel's unpacked bytes, which are read here. disks: the kernel's block devices,
 * whose names the carrier is told (so conf has no line `block`); NULL: none; no shim has any. conf:
 * text of /carrier.conf, and of a shim the kernel's arguments alone count (the rest nobody reads
 * there). MIR_USAGE for a conf that the first process would refuse, a kernel that is too large, or
 * arguments that GRUB would change (shim). *ret borrows from carrier; clear it in any case. */
int img_carried_make(const struct img_carrier *carrier, const struct mir_kernel *kernel,
                     const char *conf, const struct img_guest_disks *disks,
                     struct img_input *content, struct img_carried *ret, struct mir_error *err);
void img_carried_clear(struct img_carried *carried);

#endif
