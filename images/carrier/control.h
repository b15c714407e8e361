/* SPDX-License-Identifier: ISC */
/*
 * What a package says of itself: records of "Field: value" lines, separated by empty lines, where a
 * line that begins with white space continues the one above. So apt-cache(8) and dpkg-deb(1) show
 * them. Pure: text in, borrowed pieces of it out.
 *
 * Format: deb-control(5); names of fields in either case.
 */
#ifndef IMAGES_CARRIER_CONTROL_H
#define IMAGES_CARRIER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of a text, borrowed and without an end mark. */
struct img_span {
    const char *at; /* NULL: there is none */
    size_t len;
};

/* The next record, *text moved behind it; false when there is none. */
bool img_control_next(struct img_span *text, struct img_span *ret_record);

/* The first line of a field's value, without white space around it. */
struct img_span img_control_get(struct img_span record, const char *field);

/* The next package of a list of dependencies ("a (>= 1), b:any | c"): the first of alternatives,
 * its name alone; *list moved behind them all. False at the end. */
bool img_control_depends(struct img_span *list, struct img_span *ret_name);

#endif
