/* SPDX-License-Identifier: ISC */
/* Cinder v3: volumes and snapshots as entries, without bytes; roots of servers that are booted from
 * a volume. */
#ifndef FAKECLOUD_CINDER_H
#define FAKECLOUD_CINDER_H

#include "os.h"

#define FOS_VOLUME_KIND "os-volume"

/* The volume that a server asks for in its first mapping; NULL: it is none, or there is no Cinder.
 */
const json_t *fos_volume_asked(const struct fc_world *world, const json_t *server);
void fos_volume_attach(struct fc_call *call, const struct fc_object *server, const json_t *mapping,
                       int64_t gib);
/* A server that ends: its volumes go with it, or are free again. */
void fos_volumes_free(struct fc_world *world, const struct fc_object *server,
                      const struct fc_cause *cause);
json_t *fos_volumes_of(const struct fc_world *world, const struct fc_object *server); /* ids */

#endif
