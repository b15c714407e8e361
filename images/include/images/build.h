/* SPDX-License-Identifier: ISC */
/*
 * An image of a kernel, from inspection to the last byte of the container: what `mirage-image
 * build` does inside its sandbox.
 *
 * A kernel is laid out with a boot loader; what is a disk already is converted. The kernel's bytes
 * are read once while the image is written, on top of the one pass of the inspection, and nothing
 * is written anywhere else. Blocking; one thread per call.
 */
#ifndef IMAGES_BUILD_H
#define IMAGES_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "api/kernel.h"
#include "images/carrier.h"
#include "images/container.h"
#include "images/layout.h"

struct img_build {
    const struct img_container *container; /* borrowed */
    const struct img_grub *grub;           /* borrowed; may be NULL */
    struct img_recipe recipe;              /* its kernel and boot are filled in */
    bool boot_given;                       /* recipe.boot was asked for; else the kernel decides */
    /* Borrowed; NULL: the kernel is started as it is. With it goes what the carrier is told. */
    const struct img_carrier *carrier;
    const char *carrier_conf;
};

struct img_built {
    struct mir_kernel kernel;
    bool converted;         /* it was a disk already; boot means nothing then */
    enum img_boot boot;     /* as it was laid out */
    uint64_t disk_bytes;    /* what the machine sees */
    uint64_t written_bytes; /* of it, extents */
    uint64_t output_bytes;  /* the container, holes included */
};

/* How a kernel of this kind is laid out when nobody says: PV-GRUB for what only Xen PV starts,
 * otherwise for BIOS and UEFI. */
enum img_boot img_build_boot_for(const struct mir_kernel *kernel);

/* kernel: as inspected. content: its unpacked bytes; a pipe will do, except for disks whose format
 * has tables of its own. Errors as of layout.h and container.h; MIR_USAGE for what is neither a
 * kernel that a boot loader loads nor a disk. */
int img_build_run(const struct img_build *build, const struct mir_kernel *kernel,
                  struct img_input *content, struct img_output *output, struct img_built *ret,
                  struct mir_error *err);

#endif
