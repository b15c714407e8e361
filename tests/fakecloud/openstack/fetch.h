/* SPDX-License-Identifier: ISC */
/* Images that Glance fetches by itself (web-download): each in a thread of its own, which holds the
 * world's lock only to say what came of it. */
#ifndef FAKECLOUD_FETCH_H
#define FAKECLOUD_FETCH_H

#include "os.h"

/* Under the lock. `uri` borrowed until it returns. */
void fos_fetch(struct fc_world *world, const struct fc_object *image, const char *uri);

/* What was being fetched when the fake ended is fetched again. Once, at the start. */
void fos_fetch_again(struct fc_world *world);

/* Wait until none runs; no new one is begun from here on. Not under the lock. */
void fos_fetch_stop(struct fc_world *world);

/* glance_data.c: the bytes are in that blob (NULL: they could not be had). Under the lock. */
void fos_fetched(struct fc_world *world, const char *region, const char *id, const char *file,
                 const struct fc_cause *cause);

#endif
