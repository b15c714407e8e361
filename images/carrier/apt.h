/* SPDX-License-Identifier: ISC */
/*
 * Packages by apt: what its lists say of them, and the packages themselves. Nothing is installed
 * and nothing of the machine's changes. The machine's own lists serve where they know what is asked
 * for; else apt keeps lists of its own in our cache, from the same sources. apt checks signatures
 * and sums as it always does.
 */
#ifndef IMAGES_CARRIER_APT_H
#define IMAGES_CARRIER_APT_H

#include "resolve.h"

struct img_apt {
    char *folder;   /* owned; of our own lists, and of an empty list of what is installed */
    bool own_lists; /* else the machine's */
};

/* Makes the folder. */
int img_apt_init(struct img_apt *apt, const char *folder, struct mir_error *err);
void img_apt_clear(struct img_apt *apt);

/* From here on with lists of our own, fetched now. MIR_UNAVAILABLE when there is no apt, or nothing
 * can be reached. Blocking, a minute and more. */
int img_apt_update(struct img_apt *apt, struct mir_error *err);

struct img_catalogue img_apt_catalogue(struct img_apt *apt); /* borrows apt */

/* These very versions into a folder. Blocking. */
int img_apt_download(const struct img_apt *apt, const struct img_package *const *packages,
                     size_t count, const char *folder, struct mir_error *err);

#endif
