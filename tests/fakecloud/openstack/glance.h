/* SPDX-License-Identifier: ISC */
/*
 * Glance v2: images, their bytes, tags and members. An image's document is the flat object that
 * its service shows; its bytes are a blob, "_file", what is staged for an import "_staged".
 */
#ifndef FAKECLOUD_GLANCE_H
#define FAKECLOUD_GLANCE_H

#include "os.h"

enum { FOS_GLANCE_DIRECT = 1, FOS_WEB_DOWNLOAD = 2 }; /* bits of the setting os_import */

/* The image, if the caller may see it; 404. */
int fos_image_find(struct fc_call *call, const char *id, struct fc_object **ret,
                   struct fc_refusal *refusal);
/* And it is his own: 403. */
int fos_image_own(struct fc_call *call, const char *id, struct fc_object **ret,
                  struct fc_refusal *refusal);
bool fos_image_visible(const struct fc_call *call, const struct fc_object *image);
json_t *fos_image_show(const struct fc_object *image, const json_t *doc);

/* A member of an image that may be set: by name and type. `ret` says why not. */
int fos_image_check_member(const struct fc_call *call, const char *name, const json_t *value,
                           struct fc_refusal *refusal);
/* Members that the service alone sets. */
bool fos_image_read_only(const char *name);
json_t *fos_image_edit(struct fc_call *call, struct fc_object *image); /* updated_at is now */

fc_handler fos_image_list, fos_image_patch, fos_image_upload, fos_image_stage, fos_image_download,
    fos_image_import;

void fos_tick_image(struct fc_world *world, struct fc_object *image, const struct fc_cause *cause);

#endif
