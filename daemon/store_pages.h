/* SPDX-License-Identifier: ISC */
/*
 * A checksum on every page of the database file, checked whenever SQLite reads one from it: a bit
 * that flips on the disk is noticed before anybody believes it. A layer between SQLite and the
 * file system (a VFS of its own per store); the pages' last 8 bytes are reserved for it.
 */
#ifndef MIRD_STORE_PAGES_H
#define MIRD_STORE_PAGES_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

#define MIRD_PAGE_BYTES 4096
#define MIRD_PAGE_SUM_BYTES 8

struct mird_pages {
    sqlite3_vfs vfs; /* first: SQLite gives this back */
    sqlite3_vfs *below;
    char name[40];
    bool summed;          /* false only while a file from before checksums is rewritten */
    atomic_uint bad_page; /* the last one seen, 0 none */
};

/* Of the page of this number (from 1), as it stands in its last MIRD_PAGE_SUM_BYTES. */
void mird_page_sum(const unsigned char *page, uint32_t number, unsigned char ret[]);

/* Over the VFS that is the default now. Owned; free after the last connection is closed. */
struct mird_pages *mird_pages_new(void);
void mird_pages_free(struct mird_pages *pages);

/*
 * For a connection just opened through pages->vfs, before its first statement: a new file gets
 * room for checksums. *ret_rewrite says that it is an old one without (older than the schema
 * version given), to be rewritten by mird_pages_rewrite.
 */
int mird_pages_begin(struct mird_pages *pages, sqlite3 *db, int64_t summed_since, bool *ret_rewrite,
                     struct mir_error *err);
int mird_pages_rewrite(struct mird_pages *pages, sqlite3 *db, struct mir_error *err);

#endif
