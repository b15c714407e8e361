/* SPDX-License-Identifier: ISC */
/* What another program does to the database, with the daemon stopped, when it knows to keep the
 * pages' checksums right. */
#ifndef MIRD_MEDDLE_H
#define MIRD_MEDDLE_H

#include <stdio.h>

#include "schema.h"
#include "store_pages.h"

/* The result code of the statements. */
static inline int mird_meddle(const char *state_dir, const char *sql)
{
    char path[128];
    bool rewrite;
    sqlite3 *db;
    struct mird_pages *pages = mird_pages_new();
    snprintf(path, sizeof path, "%s/state.db", state_dir);
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, pages->name);
    if (!rc)
        rc = mird_pages_begin(pages, db, MIRD_SCHEMA_SUMMED, &rewrite, NULL);
    if (!rc)
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    mird_pages_free(pages);
    return rc;
}

#endif
