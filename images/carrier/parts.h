/* SPDX-License-Identifier: ISC */
/*
 * What a base is made of, while it is made: the files that are ours, the packages, what was kept of
 * them, and the first root that comes out. Pure. Errors: MIR_CORRUPT for a package or file that is
 * not what it has to be, MIR_NOT_FOUND for what is in no package.
 */
#ifndef IMAGES_CARRIER_PARTS_H
#define IMAGES_CARRIER_PARTS_H

#include <jansson.h>

#include "entries.h"
#include "package.h"
#include "shape.h"

#define IMG_TENDERS_MAX 4

/* A file of ours that goes into the archive. */
struct img_own_file {
    const char *name; /* borrowed: "init", "solo5-spt" */
    char *bytes;      /* owned */
    size_t len;
    char sha256[MIR_SHA256_TEXT];
};

struct img_parts {
    enum mir_carrier carrier;
    struct img_own_file init;
    struct img_own_file tenders[IMG_TENDERS_MAX];
    size_t tender_count;
    struct img_packages packages;
    struct img_entries kept; /* by their paths in the packages */
    struct img_entries root; /* by their paths in the archive; borrows of all the above */
    json_t *absent;          /* modules that this Linux has not, for the manifest */
};

void img_parts_clear(struct img_parts *parts);

/* Is one of the tenders linked dynamically? */
bool img_parts_dynamic_tender(const struct img_parts *parts);

/* Is the file of a package wanted? ctx: the parts. */
bool img_parts_wanted(const void *ctx, const char *path);

/* The one file that was kept under such a path. */
const struct img_entry *img_parts_one(const struct img_parts *parts, const char *pattern,
                                      struct mir_error *err);

/* Fills `root`: what is ours, what is placed, modules, and all that the programs among them need.
 */
int img_parts_compose(struct img_parts *parts, struct mir_error *err);

/* The steps of it, for modules.c and libraries.c. */
int img_parts_modules(struct img_parts *parts, struct mir_error *err);
int img_parts_libraries(struct img_parts *parts, struct mir_error *err);

/* Does that row of the module table concern these parts? */
struct car_module_row;
bool img_parts_module_row(const struct img_parts *parts, const struct car_module_row *row);

#endif
