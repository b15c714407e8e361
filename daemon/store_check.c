/* SPDX-License-Identifier: ISC */
/* A large database is not read whole before the daemon serves: every page is checked when it is
 * read (store_pages.c), and the rest while the daemon runs. What is found then is left to the next
 * start, which checks all of it first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"
#include "store_pages.h"
#include "store_sql.h"

#define AT_ONCE_BYTES ((off_t)64 << 20) /* are checked in a tenth of a second */

static char *marker(const struct mird_store *store)
{
    return mir_format("%s/check-database", store->state_dir);
}

bool mird_check_now(struct mird_store *store, const char *path)
{
    struct stat st;
    mir_auto_free char *asked = marker(store);
    bool now = stat(path, &st) || st.st_size <= AT_ONCE_BYTES || !access(asked, F_OK);
    atomic_store(&store->unchecked, !now);
    return now;
}

void mird_check_done(struct mird_store *store)
{
    mir_auto_free char *asked = marker(store);
    unlink(asked);
}

static void ask_for_check(const struct mird_store *store)
{
    mir_auto_free char *path = marker(store);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fsync(fd))
        mir_log(MIR_LOG_ERROR, "store", "cannot make %s: %s", path, strerror(errno));
}

/* 0 well, 1 damaged, -1 cannot tell. With a connection of its own, so that nobody waits. */
static int check_all(const struct mird_store *store, sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int rc = -1;
    sqlite3_busy_timeout(db, 2000);
    if (!sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL) &&
        sqlite3_step(stmt) == SQLITE_ROW)
        rc = strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0;
    if (rc < 0 && (sqlite3_errcode(db) & 0xff) == SQLITE_CORRUPT)
        rc = 1;
    sqlite3_finalize(stmt);
    return atomic_load(&store->pages->bad_page) ? 1 : rc;
}

void mird_store_check(struct mird_store *store)
{
    sqlite3 *db = NULL;
    if (!atomic_load(&store->unchecked))
        return;
    mir_auto_free char *path = mir_format("%s/state.db", store->state_dir);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &db, flags, store->pages->name) ? -1 : check_all(store, db);
    sqlite3_close(db);
    atomic_store(&store->unchecked, false);
    if (rc < 0)
        mir_log(MIR_LOG_WARN, "store", "the database could not be checked");
    if (rc <= 0)
        return;
    ask_for_check(store);
    mir_log(MIR_LOG_ERROR, "store",
            "THE DATABASE IS DAMAGED: what can be read goes on, and every lease in memory ends at "
            "its deadline; the next start keeps the file and takes up what runs from the tags");
}
