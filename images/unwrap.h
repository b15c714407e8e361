/* SPDX-License-Identifier: ISC */
/*
 * Takes the compression wrapper off a stream: packed bytes are fed in, unpacked bytes go to a
 * sink, nothing of either is kept. What comes out is bounded by the limits, whatever goes in.
 *
 * Several streams in a row (as `cat a.gz b.gz` makes them) are one; zero bytes between and after
 * them are padding; anything else after the end is MIR_CORRUPT. Owned by one thread.
 */
#ifndef IMAGES_UNWRAP_H
#define IMAGES_UNWRAP_H

#include <stddef.h>

#include "images/inspect.h"

struct krn_unwrap;

/* Takes unpacked bytes; returns 0, or -1 with err to stop. */
typedef int krn_sink(void *ctx, const unsigned char *data, size_t len, struct mir_error *err);

/* What the first bytes say; 6 are enough. */
enum mir_container krn_container_of(const unsigned char *head, size_t len);

/* Returns owned. MIR_CONTAINER_NONE hands the bytes on as they are, without limits. */
struct krn_unwrap *krn_unwrap_new(enum mir_container container, const struct krn_limits *limits,
                                  krn_sink *sink, void *sink_ctx);
void krn_unwrap_free(struct krn_unwrap *unwrap); /* NULL is fine */

int krn_unwrap_feed(struct krn_unwrap *unwrap, const unsigned char *data, size_t len,
                    struct mir_error *err);

/* No more bytes: MIR_CORRUPT when a stream is still open. */
int krn_unwrap_finish(struct krn_unwrap *unwrap, struct mir_error *err);

#endif
