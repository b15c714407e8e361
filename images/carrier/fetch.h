/* SPDX-License-Identifier: ISC */
/* From a shape to the packages it needs, as files that are what the distribution signed: out of the
 * cache, or through apt. Blocking, minutes on a slow line. */
#ifndef IMAGES_CARRIER_FETCH_H
#define IMAGES_CARRIER_FETCH_H

#include "cache.h"
#include "parts.h"

struct img_fetch {
    const struct img_cache *cache; /* borrowed, locked */
    const char *key;               /* of what is remembered */
    enum mir_carrier carrier;
    bool dynamic_tender;
    bool offline;                  /* what is in the cache, or nothing */
    bool refresh;                  /* look anew, whatever is remembered */
    void (*say)(const char *text); /* progress, a line each; may be NULL */
};

struct img_fetched {
    struct img_packages packages; /* owned; `file` is set */
    int64_t looked_s;             /* when they were found */
    bool from_cache;              /* apt was not asked, or did not answer */
};

/*
 * What is remembered is what counts, unless it is to be refreshed, or cannot be had any more. Then
 * apt is asked: by the machine's lists, and by lists of our own where those do not do. When that
 * fails, what is remembered serves, if all of it is there, and `say` is told.
 *
 * MIR_UNAVAILABLE: not in the cache, and apt not to be asked or without an answer. MIR_NO_SPACE.
 * MIR_CORRUPT: offline, and a package in the cache is not what it was.
 */
int img_fetch(const struct img_fetch *fetch, struct img_fetched *ret, struct mir_error *err);

#endif
