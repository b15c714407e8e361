/* SPDX-License-Identifier: ISC */
/*
 * Bytes of a guest's console become lines that are safe to show: a terminal that reads them is not
 * moved, coloured or answered, and no line can pass for one of the carrier's own. Pure.
 */
#ifndef CAR_LINES_H
#define CAR_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define CAR_LINE_MAX 400                     /* bytes of a line before it goes on in the next one */
#define CAR_CLEAN_MAX (4 * CAR_LINE_MAX + 1) /* of the same, cleaned, with its NUL */

/*
 * Zero, with an emitter, is a good start. emit gets a cleaned line of less than CAR_CLEAN_MAX
 * bytes, without its end, with a NUL behind it; borrowed for the call.
 */
struct car_lines {
    void (*emit)(void *ctx, const char *line, size_t len);
    void *ctx;
    char raw[CAR_LINE_MAX];
    size_t raw_len;
    bool after_return; /* CR LF is one end */
};

/* A line ends at LF, CR or both, or when CAR_LINE_MAX is reached (never within a character). */
void car_lines_feed(struct car_lines *lines, const char *bytes, size_t len);

/* The console is at its end: what has no line end yet is a line, too. */
void car_lines_end(struct car_lines *lines);

/*
 * Control characters as ^X, tabs stay, what is not UTF-8 or a C1 control as \xHH; sequences that do
 * nothing but set a colour are left out. len is at most
 * CAR_LINE_MAX, ret has CAR_CLEAN_MAX bytes. The length of what was written.
 */
size_t car_line_clean(const char *raw, size_t len, char *ret);

#endif
