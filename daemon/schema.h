/* SPDX-License-Identifier: ISC */
/* The tables of the store, as the SQL that brings version n to n + 1. Never edit a line that has
 * been released: add one. */
#ifndef MIRD_SCHEMA_H
#define MIRD_SCHEMA_H

#include <stddef.h>

/* Files of older versions have pages without checksums (store_pages.h). */
#define MIRD_SCHEMA_SUMMED 5

extern const char *const mird_schema[];
extern const size_t mird_schema_version; /* number of rows = newest version */

#endif
