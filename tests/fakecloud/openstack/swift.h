/* SPDX-License-Identifier: ISC */
/*
 * Swift v1: containers and objects, large ones by manifests of both kinds, temporary URLs, objects
 * that end by themselves (X-Delete-At). Names may have slashes, so what a path means is told here:
 * segments of the call are account, container, object.
 */
#ifndef FAKECLOUD_SWIFT_H
#define FAKECLOUD_SWIFT_H

#include "os.h"

#define FOS_CONTAINER "os-container"
#define FOS_OBJECT "os-object"

/* Which operation: call->operation, call->segments. */
int fos_swift_identify(struct fc_call *call, struct fc_refusal *refusal);
/* The caller's own account, or a temporary URL that is right. Takes the lock. */
int fos_swift_verify(struct fc_call *call, struct fc_refusal *refusal);

/* "CONTAINER/OBJECT" of the path, as the store has it; owned. */
char *fos_object_id(const struct fc_call *call, const char *container, const char *object);
struct fc_object *fos_container_find(const struct fc_call *call, const char *name);

/* Headers that begin with prefix ("X-Object-Meta-") into doc's "_meta"; an empty one removes. */
void fos_swift_take_meta(const struct fc_call *call, const char *prefix, json_t *doc);
void fos_swift_show_meta(struct fc_call *call, const json_t *doc);

/* 202 has a page that says so. */
void fos_swift_accepted(struct fc_call *call);

fc_handler fos_object_put, fos_object_get, fos_object_post, fos_object_delete;
void fos_tick_swift_object(struct fc_world *world, struct fc_object *object,
                           const struct fc_cause *cause);

#endif
