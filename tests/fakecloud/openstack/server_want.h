/* SPDX-License-Identifier: ISC */
/* Nova's servers as machines: read from the server, its image and its ports. */
#ifndef FAKECLOUD_SERVER_WANT_H
#define FAKECLOUD_SERVER_WANT_H

#include "guest_want.h"

/* Adds all of them. Under the world's lock, and quickly. */
void fos_guest_wants_read(const struct fc_world *world, struct fc_guest_wants *ret);

#endif
