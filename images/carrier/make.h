/* SPDX-License-Identifier: ISC */
/*
 * The base of a carrier, made once and found from then on: a folder in the cache that is named
 * after all it is made of. See docs/CARRIERS.md for what is in it.
 */
#ifndef IMAGES_CARRIER_MAKE_H
#define IMAGES_CARRIER_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/kernel.h"
#include "parts.h"

struct img_make {
    enum mir_carrier carrier;
    const char *cache;    /* folder */
    const char *packages; /* folder of .deb files; NULL: by apt */
    const char *init;     /* file; not looked at where there is no Linux */
    /* Files called solo5-spt and solo5-hvt, or "solo5-spt=FILE"; each once. */
    const char *tenders[IMG_TENDERS_MAX];
    size_t tender_count;
    bool offline, refresh;
    void (*say)(const char *text); /* progress, a line each; may be NULL */
};

struct img_made {
    char *folder; /* owned, absolute */
    char digest[MIR_SHA256_TEXT];
    bool made; /* now; else it was there */
    size_t packages;
    uint64_t bytes;   /* of all files but the manifest */
    int64_t looked_s; /* when the packages were found; 0: they came from a folder */
};

/*
 * Blocking: milliseconds when it is there, else half a minute, and what the line takes for 100 MB.
 * Several at once in one cache wait for each other. What is cut off leaves nothing that is taken
 * for whole; what happens in the end happens by a rename.
 */
int img_make(const struct img_make *make, struct img_made *ret, struct mir_error *err);

#endif
