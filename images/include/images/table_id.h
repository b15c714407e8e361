/* SPDX-License-Identifier: ISC */
/*
 * The edition of what an inspection says: a digest of the sources of parsers and compatibility
 * table, made by the build. A document of another edition may be out of date: inspect again.
 */
#ifndef IMAGES_TABLE_ID_H
#define IMAGES_TABLE_ID_H

/* 32 hex digits, static. */
const char *img_table_id(void);

#endif
