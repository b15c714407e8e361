/* SPDX-License-Identifier: ISC */
/* Bytes that objects consist of: a file each in the state directory, with a random name that their
 * documents have as "_file". */
#ifndef FAKECLOUD_BLOB_H
#define FAKECLOUD_BLOB_H

#include "request.h"
#include "world.h"

/* Keep a request's body in a file of its own; its name, owned. NULL: it could not be kept. */
char *fc_blob_keep(struct fc_world *world, const struct fc_body *body, struct mir_error *err);
/* The same of several files, one after the other: `names` is an array of texts. */
char *fc_blob_join(struct fc_world *world, const json_t *names, struct mir_error *err);
int fc_blob_open(const struct fc_world *world, const char *name); /* -1 */
void fc_blob_drop(const struct fc_world *world, const char *name);

/* `len` bytes from the beginning of one file to where the other stands. */
int fc_blob_append(int to, int from, uint64_t len);

#endif
