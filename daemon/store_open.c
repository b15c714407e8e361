/* SPDX-License-Identifier: ISC */
/* Opening the store: integrity, migrations, and what becomes of a file that is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/fault.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "schema.h"
#include "store_sql.h"

static int check_integrity(struct mird_store *store, struct mir_error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(3)", -1, &stmt, NULL))
        return mird_sql_fail(store, "integrity check", err);
    int rc = 0;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        rc = mird_sql_fail(store, "integrity check", err);
    else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok"))
        rc = mir_fail(err, MIR_CORRUPT, "store: %s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc;
}

static int migrate_one(struct mird_store *store, size_t version, struct mir_error *err)
{
    mir_auto_free char *sql = mir_format("BEGIN IMMEDIATE;%sPRAGMA user_version = %zu;COMMIT;",
                                         mird_schema[version], version + 1);
    if (mir_fault_before("store.migrate", err))
        return -1;
    if (!sqlite3_exec(store->db, sql, NULL, NULL, NULL))
        return mir_fault_after("store.migrate", err);
    mird_sql_fail(store, "migration", err);
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

static int read_version(struct mird_store *store, int64_t *ret, struct mir_error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &stmt, NULL))
        return mird_sql_fail(store, "user_version", err);
    int rc = sqlite3_step(stmt);
    *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : mird_sql_fail(store, "user_version", err);
}

static int migrate(struct mird_store *store, struct mir_error *err)
{
    int64_t version = 0;
    if (read_version(store, &version, err))
        return -1;
    if (version < 0 || (uint64_t)version > mird_schema_version) {
        mir_fail(err, MIR_CONFLICT,
                 "%s/state.db is of version %" PRId64 "; this program knows up to %zu",
                 store->state_dir, version, mird_schema_version);
        return mir_error_hint(err, "use the newer mirage-deployd that wrote it");
    }
    for (size_t v = (size_t)version; v < mird_schema_version; v++)
        if (migrate_one(store, v, err))
            return -1;
    return 0;
}

static int configure(struct mird_store *store, struct mir_error *err)
{
    static const char pragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                                  "PRAGMA cache_size = -512; PRAGMA trusted_schema = OFF;"
                                  "PRAGMA journal_size_limit = 4194304;";
    sqlite3_busy_timeout(store->db, 2000);
    sqlite3_extended_result_codes(store->db, 1);
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL))
        return mird_sql_fail(store, "setting up", err);
    return 0;
}

static int open_db(struct mird_store *store, const char *path, struct mir_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->db, flags, NULL))
        return mird_sql_fail(store, path, err);
    return configure(store, err) || check_integrity(store, err) || migrate(store, err) ? -1 : 0;
}

/* Keep the broken files for whoever wants to look; the next start begins with an empty store. */
static void set_aside(struct mird_store *store, const char *path, struct mir_error *err)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    struct mir_error why = *err;
    int64_t now_s = mir_now_s(mir_clock_system());
    sqlite3_close(store->db);
    store->db = NULL;
    mir_auto_free char *kept = mir_format("%s.broken-%" PRId64, path, now_s);
    for (size_t i = 0; i < MIR_NELEMS(suffixes); i++) {
        mir_auto_free char *from = mir_format("%s%s", path, suffixes[i]);
        mir_auto_free char *to = mir_format("%s%s", kept, suffixes[i]);
        if (rename(from, to) && errno != ENOENT)
            mir_log(MIR_LOG_ERROR, "store", "cannot move %s aside", from);
    }
    mir_fail(err, MIR_CORRUPT, "the database is damaged (%.300s); it was kept as %s", why.text,
             kept);
    mir_error_hint(err,
                   "put a good copy in place of %s, or start again with an empty one: what "
                   "runs still ends at its deadline",
                   path);
}

static void sync_directory(const char *path)
{
    mir_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

static struct mird_store *store_new(const char *state_dir)
{
    struct mird_store *store = mir_calloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    mird_group_init(&store->group);
    store->state_dir = mir_strdup(state_dir);
    store->audit_last = -1;
    return store;
}

int mird_store_open_acting(const char *state_dir, struct mird_acting *as, struct mird_store **ret,
                           struct mir_error *err)
{
    struct mir_error why = {0};
    if (mir_dir_make(state_dir, 0700, err))
        return -1;
    struct mird_store *store = store_new(state_dir);
    mir_auto_free char *path = mir_format("%s/state.db", state_dir);
    mode_t old_mask = umask(077);
    int rc = open_db(store, path, &why);
    umask(old_mask);
    if (rc && why.kind == MIR_CORRUPT)
        set_aside(store, path, &why);
    if (!rc)
        rc = mird_store_claim(store, as, &why) ||
                     mird_identity_load(state_dir, &store->identity, &why)
                 ? -1
                 : 0;
    if (rc) {
        mird_store_close(store);
        if (err)
            *err = why;
        return -1;
    }
    sync_directory(state_dir);
    mird_store_reserve_restore(store);
    *ret = store;
    return 0;
}

int mird_store_open(const char *state_dir, struct mird_store **ret, struct mir_error *err)
{
    struct mird_acting as;
    mird_acting_init(&as, "");
    return mird_store_open_acting(state_dir, &as, ret, err);
}

static int check_version(struct mird_store *store, struct mir_error *err)
{
    int64_t version = 0;
    if (read_version(store, &version, err))
        return -1;
    if ((uint64_t)version == mird_schema_version)
        return 0;
    mir_fail(err, MIR_CONFLICT, "%s/state.db is of version %" PRId64 "; this program has %zu",
             store->state_dir, version, mird_schema_version);
    return mir_error_hint(err, "let the daemon that acts and its standby be of one version");
}

int mird_store_open_standby(const char *state_dir, struct mird_store **ret, struct mir_error *err)
{
    struct mird_store *store = store_new(state_dir);
    mir_auto_free char *path = mir_format("%s/state.db", state_dir);
    int rc = 0;
    if (access(path, F_OK))
        rc = mir_fail(err, MIR_NOT_FOUND, "there is no database in %s yet", state_dir);
    else if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
        rc = mird_sql_fail(store, path, err);
    if (!rc && (configure(store, err) || check_version(store, err) ||
                mird_identity_read(state_dir, &store->identity, err)))
        rc = -1;
    if (!rc && sqlite3_exec(store->db, "PRAGMA query_only = ON", NULL, NULL, NULL))
        rc = mird_sql_fail(store, "setting up", err);
    if (rc)
        mird_store_close(store);
    else
        *ret = store;
    return rc;
}

void mird_store_close(struct mird_store *store)
{
    if (!store)
        return;
    mird_group_close(&store->group);
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    sqlite3_close(store->db);
    OPENSSL_cleanse(&store->identity, sizeof store->identity);
    pthread_mutex_destroy(&store->lock);
    free(store->state_dir);
    free(store);
}
