/* SPDX-License-Identifier: ISC */
/* Packages of a distribution: what is said of one, and a list of them, sorted by name. */
#ifndef IMAGES_CARRIER_PACKAGE_H
#define IMAGES_CARRIER_PACKAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"
#include "api/kernel.h"
#include "control.h"

#define IMG_PACKAGES_MAX 512

/* All texts owned, none NULL. */
struct img_package {
    char *name, *version, *arch;
    char *source, *source_version; /* what its source is asked for by */
    char *section;
    char *depends;                /* of Pre-Depends and Depends */
    char sha256[MIR_SHA256_TEXT]; /* of the .deb; "" not known */
    char *file;                   /* the .deb; "" not known */
};

struct img_packages {
    struct img_package *list; /* owned */
    size_t count, room;
};

void img_packages_clear(struct img_packages *packages);
#define mir_auto_packages MIR_CLEANUP(img_packages_clear)

const struct img_package *img_packages_find(const struct img_packages *packages, const char *name);

/* What a record says; MIR_CORRUPT when it has no name, version, architecture, or when one of them
 * is not made of the letters that it may be made of. `file` stays "". */
int img_package_from_control(struct img_span record, struct img_package *ret,
                             struct mir_error *err);
void img_package_clear(struct img_package *package);

/* Takes it; one of that name that is there already is replaced. Borrowed pointers into the list end
 * here. MIR_FAILED beyond IMG_PACKAGES_MAX. */
int img_packages_add(struct img_packages *packages, struct img_package *package,
                     struct mir_error *err);

/* A copy of it, added. */
int img_packages_copy(struct img_packages *packages, const struct img_package *package,
                      struct mir_error *err);

/* Its .deb's name as apt writes it, owned: NAME_VERSION_ARCH.deb with %3a for the colon. */
char *img_package_file_name(const struct img_package *package);

/* New reference: all but section, depends and file. */
json_t *img_package_to_json(const struct img_package *package);
int img_package_from_json(const json_t *json, struct img_package *ret, struct mir_error *err);

#endif
