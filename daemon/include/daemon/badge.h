/* SPDX-License-Identifier: ISC */
/*
 * Badges: a small SVG that states one verified fact of a site, and the same for shields.io.
 * Pure functions. Texts may be anything; they arrive escaped.
 */
#ifndef DAEMON_BADGE_H
#define DAEMON_BADGE_H

#include <jansson.h>

#include "api/buf.h"
#include "daemon/site.h"

enum mird_badge_style {
    MIRD_BADGE_FLAT,
    MIRD_BADGE_FLAT_SQUARE,
    MIRD_BADGE_FOR_THE_BADGE,
    MIRD_BADGE_STYLE_COUNT
};

/* By the name of shields' styles; anything else, and NULL, is flat. */
enum mird_badge_style mird_badge_style(const char *name);

struct mird_badge {
    const char *label;   /* the left half */
    const char *message; /* the right half, never empty */
    const char *color;   /* of the right half, "#rrggbb"; white text on it reads (WCAG AA) */
    char title[160];     /* what a pointer over it or a screen reader says */
    bool is_error;
};

/* What a site's badge says; NULL: the badge of a name nobody knows. Texts are static. */
void mird_badge_of(const struct mird_site *site, struct mird_badge *ret);

/* Appends the image, at most 4 KiB for texts of up to 64 bytes. */
int mird_badge_svg(const struct mird_badge *badge, enum mird_badge_style style,
                   struct mir_buf *out);

/* The shields.io endpoint document, new reference. */
json_t *mird_badge_json(const struct mird_badge *badge);

#endif
