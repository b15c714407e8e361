/* SPDX-License-Identifier: ISC */
/* The space kept in reserve, the identity, and small settings. */
#include "daemon/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"
#include "store_sql.h"

#define RESERVE_BYTES (1 << 20)

/* --- the reserve --- */

void mird_store_reserve_release(struct mird_store *store)
{
    mir_auto_free char *path = mir_format("%s/reserve", store->state_dir);
    if (!unlink(path))
        mir_log(MIR_LOG_ERROR, "store", "the disk is full: the reserve of 1 MiB is given up");
}

void mird_store_reserve_restore(struct mird_store *store)
{
    mir_auto_free char *path = mir_format("%s/reserve", store->state_dir);
    struct stat st;
    if (!stat(path, &st) && st.st_size >= RESERVE_BYTES)
        return;
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (posix_fallocate(fd, 0, RESERVE_BYTES))
        unlink(path); /* no room now: half a reserve would only take what others need */
}

int mird_store_identity(struct mird_store *store, struct mird_identity *ret, struct mir_error *err)
{
    (void)err;
    *ret = store->identity;
    return 0;
}

/* --- settings --- */

int mird_store_setting_put(struct mird_store *store, const char *key, const char *value,
                           struct mir_error *err)
{
    mird_store_enter(store);
    int rc = value ? MIRD_SQL_RUN(store, "INSERT OR REPLACE INTO settings VALUES (?, ?)", err, "tt",
                                  key, value)
                   : MIRD_SQL_RUN(store, "DELETE FROM settings WHERE key = ?", err, "t", key);
    mird_store_leave(store);
    return rc;
}

char *mird_store_setting_get(struct mird_store *store, const char *key)
{
    char *value = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT value FROM settings WHERE key = ?", NULL, "t", key);
    if (stmt && mird_sql_step(store, stmt, NULL) == 1) {
        value = mir_strdup((const char *)sqlite3_column_text(stmt, 0));
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return value;
}
