/* SPDX-License-Identifier: ISC */
/* Text from outside into HTML, SVG and XML: the only way any of it gets there. */
#ifndef DAEMON_MARKUP_H
#define DAEMON_MARKUP_H

#include "api/buf.h"

/* Appends text as content or as a value in double quotes: & < > " ' become entities, characters
 * XML does not have and bytes that are not UTF-8 become U+FFFD. */
int mird_markup_text(struct mir_buf *out, const char *text);

/* Appends parts in turn until NULL: a literal as it is, then a text escaped, and so on:
 * mird_markup(out, "<b>", name, "</b>", NULL). */
int mird_markup(struct mir_buf *out, ...) __attribute__((sentinel));

#endif
