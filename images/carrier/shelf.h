/* SPDX-License-Identifier: ISC */
/* A folder of .deb files that somebody has put there: a catalogue without apt. */
#ifndef IMAGES_CARRIER_SHELF_H
#define IMAGES_CARRIER_SHELF_H

#include "resolve.h"

/* All of them, described. MIR_NOT_FOUND when there is none; MIR_USAGE for one of another
 * architecture, or two versions of one package. Blocking. */
int img_shelf_read(const char *folder, struct img_packages *ret, struct mir_error *err);

struct img_catalogue img_shelf_catalogue(struct img_packages *all); /* borrows it */

#endif
