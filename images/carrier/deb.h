/* SPDX-License-Identifier: ISC */
/* A .deb: what it says of itself, and the files of it that are wanted. Unpacked by dpkg-deb(1) into
 * a pipe; nothing of it is written to a disk. Blocking. */
#ifndef IMAGES_CARRIER_DEB_H
#define IMAGES_CARRIER_DEB_H

#include "entries.h"
#include "package.h"

/* What its control file says; package->file is set, and sha256 the file's own. */
int img_deb_describe(const char *file, struct img_package *ret, struct mir_error *err);

/* MIR_CORRUPT when the file is not the one that the package's sha256 is of. */
int img_deb_check(const struct img_package *package, struct mir_error *err);

/* Is this file of a package wanted? */
typedef bool img_deb_wanted(const void *ctx, const char *path);

/* Adds what is wanted to `ret`; the package is borrowed by the entries. MIR_CORRUPT when it cannot
 * be unpacked. */
int img_deb_read(const struct img_package *package, img_deb_wanted *wanted, const void *ctx,
                 struct img_entries *ret, struct mir_error *err);

#endif
