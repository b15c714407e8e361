/* SPDX-License-Identifier: ISC */
/*
 * What each carrier is made of, as tables: packages to begin with, files of theirs and where they
 * go, and what is ours. No release of a distribution is named here: where a name has a version in
 * it, there is a pattern and a package that depends on the newest one.
 */
#ifndef IMAGES_CARRIER_SHAPE_H
#define IMAGES_CARRIER_SHAPE_H

#include <stdbool.h>

#include "api/kernel.h"
#include "entries.h"

/* Bits of `in`. */
#define IMG_IN(carrier) (1u << (carrier))
#define IMG_IN_XEN IMG_IN(MIR_CARRIER_XEN)
#define IMG_IN_LINUX IMG_IN(MIR_CARRIER_LINUX)
#define IMG_IN_SHIM IMG_IN(MIR_CARRIER_SHIM)

/* A package to begin with. */
struct img_root {
    unsigned in;
    const char *meta;    /* depends on the newest one; NULL: the pattern is its name */
    const char *pattern; /* fnmatch(3) */
    bool libraries;      /* its libraries, too, and theirs */
    bool for_tender;     /* only with a tender that is linked dynamically */
};

/* A file of a package, by a pattern of its path there. */
struct img_placed {
    unsigned in;
    const char *pattern;
    const char *path; /* in the archive */
};

enum img_output_how {
    IMG_AS_IT_IS,
    IMG_XZ,      /* for the boot loader */
    IMG_FOR_XEN, /* a Linux, packed so that Xen is quick (vmlinuz.h) */
};

/* A file that stands in the base folder by itself. */
struct img_output {
    unsigned in;
    const char *pattern;
    const char *name;
    enum img_output_how how;
    const char *config; /* a Linux' configuration, by a pattern; kept, and in no base. NULL: none */
};

/* What is ours and the same everywhere. */
struct img_fixed {
    unsigned in;
    enum img_entry_kind kind;
    unsigned mode;
    const char *path;
    const char *target; /* of a link */
};

extern const struct img_root img_roots[];
extern const size_t img_roots_n;
extern const struct img_placed img_placed[];
extern const size_t img_placed_n;
extern const struct img_output img_outputs[];
extern const size_t img_outputs_n;
extern const struct img_fixed img_fixed[];
extern const size_t img_fixed_n;

/* Libraries that a program opens by name, so that nothing in it says so. */
struct img_opened {
    unsigned in;
    const char *name;
};
extern const struct img_opened img_opened[];
extern const size_t img_opened_n;

#define IMG_BASE_ARCHIVE "base.cpio.zst"
#define IMG_BASE_DISKS "disks.cpio.zst" /* drivers, for guests with block devices */
#define IMG_BASE_MANIFEST "manifest.json"

/* MIR_CARRIER_NONE for a name that is none. */
enum mir_carrier img_carrier_by_name(const char *name);

/* Whether a carrier has an archive for Linux at all. */
bool img_carrier_has_archive(enum mir_carrier carrier);

#endif
