/* SPDX-License-Identifier: ISC */
/*
 * The folder where bases and the packages they are made of are kept:
 *
 *     lock                   held by whoever changes anything here
 *     debs/                  packages, by name and version
 *     apt/                   lists of our own, where the machine's do not serve
 *     found-KEY.json         which packages were found for a shape, and when
 *     SHAPE-DIGEST/          a base
 *     .new-*                 what is being made; left over by who was killed, and swept up
 *
 * A name appears with its whole content (rename), so that a reader needs no lock.
 */
#ifndef IMAGES_CARRIER_CACHE_H
#define IMAGES_CARRIER_CACHE_H

#include <stdint.h>

#include "package.h"

struct img_cache {
    char *folder; /* owned, absolute */
    char *debs;   /* owned */
    int lock_fd;  /* -1: not held */
};

/* $XDG_CACHE_HOME/mirage-deploy/carrier, else ~/.cache/mirage-deploy/carrier. Owned; NULL with
 * MIR_USAGE when there is no home either. */
char *img_cache_default(struct mir_error *err);

int img_cache_open(struct img_cache *cache, const char *folder, struct mir_error *err);
void img_cache_close(struct img_cache *cache); /* lets go of the lock */
#define mir_auto_cache MIR_CLEANUP(img_cache_close)

/* Blocking, as long as another one works; `say` (may be NULL) is told so before. What the dead have
 * left is removed then. */
int img_cache_lock(struct img_cache *cache, void (*say)(const char *text), struct mir_error *err);

/* A new folder that is swept up unless it is renamed. Owned. Lock held. */
char *img_cache_new(const struct img_cache *cache, struct mir_error *err);

/* What was found last; MIR_NOT_FOUND: nothing. */
int img_cache_recall(const struct img_cache *cache, const char *key, struct img_packages *ret,
                     int64_t *ret_looked_s, struct mir_error *err);
int img_cache_remember(const struct img_cache *cache, const char *key,
                       const struct img_packages *packages, int64_t looked_s,
                       struct mir_error *err);

/* Says that a base is in use, by the time of its folder. */
void img_cache_touch(const char *base);

#define IMG_BASE_UNUSED_S ((int64_t)30 * 86400)

/* Removes packages that no found-*.json names, and bases that nobody has used for
 * IMG_BASE_UNUSED_S. Lock held. */
int img_cache_tidy(const struct img_cache *cache, struct mir_error *err);

#endif
