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
#include "store_wal.h"

static int found_damage(struct mird_store *store, const char *text, struct mir_error *err)
{
    unsigned page = atomic_exchange(&store->pages->bad_page, 0);
    if (page)
        return mir_fail(err, MIR_CORRUPT, "store: page %u of state.db is damaged", page);
    return mir_fail(err, MIR_CORRUPT, "store: %s", text);
}

static int check_integrity(struct mird_store *store, struct mir_error *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(3)", -1, &stmt, NULL))
        return mird_sql_fail(store, "integrity check", err);
    int rc = 0;
    if (sqlite3_step(stmt) != SQLITE_ROW)
        rc = mird_sql_fail(store, "integrity check", err);
    else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok"))
        rc = found_damage(store, (const char *)sqlite3_column_text(stmt, 0), err);
    sqlite3_finalize(stmt);
    return rc;
}

static int check_file(struct mird_store *store, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/state.db", store->state_dir);
    return mird_check_now(store, path) ? check_integrity(store, err) : 0;
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
    static const char pragmas[] = "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                                  "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA journal_size_limit = 4194304;";
    if (sqlite3_exec(store->db, pragmas, NULL, NULL, NULL))
        return mird_sql_fail(store, "setting up", err);
    return 0;
}

/* With the write lock, as another program may have the database open. 1: look at it anew. */
static int settle_log(struct mird_store *store, struct mir_error *err)
{
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        return mird_sql_fail(store, "looking at the log", err);
    int rc = mird_wal_settle(store->db, err);
    if (sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL) && !rc)
        rc = mird_sql_fail(store, "looking at the log", err);
    return rc;
}

/* The file, and room for checksums. Other flags than 0 and CREATE are the same for everybody. */
static int connect(struct mird_store *store, const char *path, int flags, bool *ret_rewrite,
                   struct mir_error *err)
{
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    mird_store_memory_ends();
    if (sqlite3_open_v2(path, &store->db, flags, store->pages->name))
        return mird_sql_fail(store, path, err);
    sqlite3_busy_timeout(store->db, 2000);
    sqlite3_extended_result_codes(store->db, 1);
    return mird_pages_begin(store->pages, store->db, MIRD_SCHEMA_SUMMED, ret_rewrite, err);
}

static void disconnect(struct mird_store *store)
{
    sqlite3_close(store->db);
    store->db = NULL;
}

/* Until the log is known to be whole, closing must not copy it into the file and delete it. */
static int connect_whole(struct mird_store *store, const char *path, bool *ret_rewrite,
                         struct mir_error *err)
{
    int rc = 1;
    for (int i = 0; i < 2 && rc == 1; i++) {
        disconnect(store);
        if (connect(store, path, SQLITE_OPEN_CREATE, ret_rewrite, err))
            return -1;
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        rc = configure(store, err) ? -1 : settle_log(store, err);
    }
    return rc ? -1 : 0;
}

static int open_db(struct mird_store *store, const char *path, struct mir_error *err)
{
    bool rewrite;
    mode_t old_mask = umask(077);
    int rc = connect_whole(store, path, &rewrite, err) ||
                     (rewrite && mird_pages_rewrite(store->pages, store->db, err)) ||
                     check_file(store, err) || migrate(store, err)
                 ? -1
                 : 0;
    umask(old_mask);
    if (rc)
        disconnect(store);
    else
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    return rc;
}

/* --- a file that is damaged, or none --- */

/* The database first: whatever happens in between, a log is never missing from under it. The index
 * of the log holds nothing of its own. */
static int move_files(const char *path, const char *kept, struct mir_error *err)
{
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < MIR_NELEMS(suffixes); i++) {
        mir_auto_free char *from = mir_format("%s%s", path, suffixes[i]);
        mir_auto_free char *to = mir_format("%s%s", kept, suffixes[i]);
        if (rename(from, to) && errno != ENOENT)
            return mir_fail_errno(err, errno, "cannot move %s aside", from);
    }
    mir_auto_free char *log_index = mir_format("%s-shm", path);
    unlink(log_index);
    return 0;
}

/* A name that nothing has yet: an earlier broken file is kept too. Owned. */
static char *name_kept(const char *path)
{
    int64_t now_s = mir_now_s(mir_clock_system());
    char *kept = mir_format("%s.broken-%" PRId64, path, now_s);
    for (unsigned n = 2; !access(kept, F_OK) && n < 1000; n++) {
        free(kept);
        kept = mir_format("%s.broken-%" PRId64 "-%u", path, now_s, n);
    }
    return kept;
}

static void sync_directory(const char *path)
{
    mir_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

/* Keeps the broken files for whoever wants to look, and begins with an empty database, which takes
 * up what runs from the providers' tags (docs/decisions/0008). */
static int begin_again(struct mird_store *store, const char *path, struct mir_error *err)
{
    struct mir_error why = *err;
    mir_auto_free char *kept = name_kept(path);
    if (move_files(path, kept, err)) {
        mir_error_wrap(err, "the database is damaged (%.200s), and", why.text);
        return mir_error_hint(err, "move %s and %s-wal away and start again", path, path);
    }
    sync_directory(store->state_dir);
    mir_log(MIR_LOG_ERROR, "store",
            "the database is damaged (%.300s); it is kept as %s; an empty one takes up what runs "
            "from the providers' tags; earlier deployments are in the kept file only",
            why.text, kept);
    if (open_db(store, path, err))
        return -1;
    struct mird_audit row = {.what = "rebuild"};
    snprintf(row.detail, sizeof row.detail, "%.280s; kept as %.80s", why.text,
             strrchr(kept, '/') + 1);
    struct mir_error unsaid = {0};
    if (mird_store_audit_put(store, &row, &unsaid))
        mir_log(MIR_LOG_WARN, "store", "%s", unsaid.text);
    return 0;
}

/* What stands in the database's place has to be a file of its own. A log without its database
 * (which somebody has deleted) is nobody's: SQLite would delete it. */
static int check_place(const char *path, struct mir_error *err)
{
    struct stat st;
    mir_auto_free char *log = mir_format("%s-wal", path);
    if (lstat(path, &st)) {
        if (errno == ENOENT && !access(log, F_OK)) {
            mir_auto_free char *kept = name_kept(path);
            return move_files(path, kept, err);
        }
        return errno == ENOENT ? 0 : mir_fail_errno(err, errno, "cannot look at %s", path);
    }
    if (S_ISREG(st.st_mode))
        return 0;
    mir_fail(err, MIR_POLICY, "%s is %s, not a file", path,
             S_ISDIR(st.st_mode)   ? "a directory"
             : S_ISLNK(st.st_mode) ? "a symbolic link"
                                   : "something else");
    return mir_error_hint(err, "move it away; to have the state elsewhere, set "
                               "MIRAGE_DEPLOY_STATE to that directory");
}

static int open_file(struct mird_store *store, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/state.db", store->state_dir);
    if (check_place(path, err))
        return -1;
    int rc = open_db(store, path, err);
    if (rc && err->kind == MIR_NO_SPACE) {
        mird_store_reserve_release(store);
        rc = open_db(store, path, err);
    }
    if (rc && err->kind == MIR_CORRUPT)
        rc = begin_again(store, path, err);
    if (!rc && !atomic_load(&store->unchecked))
        mird_check_done(store);
    return rc;
}

/* Who reads that the daemon does not start asks first what becomes of the instances. */
static void say_what_is_safe(struct mir_error *err)
{
    struct mir_error why = *err;
    mir_error_hint(err, "%.180s%swhat runs still ends at its deadline by its other hooks", why.hint,
                   *why.hint ? "; meanwhile " : "");
}

static struct mird_store *store_new(const char *state_dir)
{
    struct mird_store *store = mir_calloc(1, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    mird_group_init(&store->group);
    store->state_dir = mir_strdup(state_dir);
    store->pages = mird_pages_new();
    store->late = mird_late_new();
    mird_audit_begin(store);
    return store;
}

int mird_store_open_acting(const char *state_dir, struct mird_acting *as, struct mird_store **ret,
                           struct mir_error *err)
{
    struct mir_error why = {0};
    if (mir_dir_make(state_dir, 0700, err))
        return -1;
    struct mird_store *store = store_new(state_dir);
    if (open_file(store, &why) || mird_store_claim(store, as, &why) ||
        mird_late_load(store, &why) || mird_identity_load(state_dir, &store->identity, &why)) {
        mird_store_close(store);
        say_what_is_safe(&why);
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
    bool rewrite;
    int rc = 0;
    if (access(path, F_OK))
        rc = mir_fail(err, MIR_NOT_FOUND, "there is no database in %s yet", state_dir);
    else
        rc = connect(store, path, 0, &rewrite, err);
    if (!rc && (configure(store, err) || check_version(store, err) ||
                mird_identity_read(state_dir, &store->identity, err)))
        rc = -1;
    if (!rc && sqlite3_exec(store->db, "PRAGMA query_only = ON", NULL, NULL, NULL))
        rc = mird_sql_fail(store, "setting up", err);
    /* The log is looked at by whoever opens the store to act, not swallowed before. */
    if (store->db)
        sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
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
    if (store->db && mird_late_any(store))
        mird_late_fold_all(store, NULL);
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].stmt);
    sqlite3_close(store->db);
    mird_late_free(store->late);
    mird_audit_over(store);
    mird_pages_free(store->pages);
    OPENSSL_cleanse(&store->identity, sizeof store->identity);
    pthread_mutex_destroy(&store->lock);
    free(store->state_dir);
    free(store);
}
