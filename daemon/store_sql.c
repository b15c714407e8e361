/* SPDX-License-Identifier: ISC */
#include "store_sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fault.h"
#include "api/json.h"
#include "api/memory.h"

void mird_store_enter(struct mird_store *store)
{
    pthread_mutex_lock(&store->lock);
}

void mird_store_leave(struct mird_store *store)
{
    pthread_mutex_unlock(&store->lock);
}

#define START_AGAIN                                                                                \
    "start the daemon again: it keeps the damaged file and takes up what runs from the "           \
    "providers' "                                                                                  \
    "tags"

/* A sync may fail for want of room too, and what the page layer refuses is damage. */
static int true_code(const struct mird_store *store)
{
    int code = sqlite3_extended_errcode(store->db), sys_errno = sqlite3_system_errno(store->db);
    if (code == SQLITE_IOERR_DATA)
        return SQLITE_CORRUPT;
    if ((code & 0xff) == SQLITE_IOERR && (sys_errno == ENOSPC || sys_errno == EDQUOT))
        return SQLITE_FULL;
    return code & 0xff;
}

int mird_sql_fail(struct mird_store *store, const char *doing, struct mir_error *err)
{
    static const struct {
        int code;
        enum mir_kind kind;
        const char *hint;
    } rows[] = {
        {SQLITE_FULL, MIR_NO_SPACE, "free some space; teardown goes on meanwhile"},
        {SQLITE_NOMEM, MIR_NO_SPACE, "free some memory"},
        {SQLITE_CORRUPT, MIR_CORRUPT, START_AGAIN},
        {SQLITE_NOTADB, MIR_CORRUPT, START_AGAIN},
        {SQLITE_IOERR, MIR_FAILED, "look at the disk's health; teardown goes on meanwhile"},
        {SQLITE_BUSY, MIR_UNAVAILABLE, "another program holds the database open"},
        {SQLITE_READONLY, MIR_POLICY, "make the state directory writable for this user"},
        {SQLITE_CANTOPEN, MIR_POLICY, "make the state directory readable and writable"},
        {SQLITE_PERM, MIR_POLICY, "make the state directory readable and writable"},
    };
    int code = true_code(store);
    unsigned page = atomic_exchange(&store->pages->bad_page, 0);
    if (page)
        mir_fail(err, MIR_FAILED, "store: %s: page %u of state.db is damaged", doing, page);
    else
        mir_fail(err, MIR_FAILED, "store: %s: %s", doing, sqlite3_errmsg(store->db));
    for (size_t i = 0; err && i < MIR_NELEMS(rows); i++)
        if (rows[i].code == code) {
            err->kind = rows[i].kind;
            mir_error_hint(err, "%s", rows[i].hint);
        }
    if (err && (sqlite3_errcode(store->db) & 0xff) == SQLITE_IOERR)
        err->sys_errno = sqlite3_system_errno(store->db);
    return -1;
}

static sqlite3_stmt *prepared(struct mird_store *store, const char *sql, struct mir_error *err)
{
    for (size_t i = 0; i < store->statement_count; i++)
        if (store->statements[i].sql == sql)
            return store->statements[i].stmt;
    sqlite3_stmt *stmt = NULL;
    if (store->statement_count >= MIRD_STATEMENTS_MAX) {
        mir_fail(err, MIR_INTERNAL, "store: more than %d statements", MIRD_STATEMENTS_MAX);
        return NULL;
    }
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)) {
        mird_sql_fail(store, sql, err);
        return NULL;
    }
    store->statements[store->statement_count].sql = sql;
    store->statements[store->statement_count++].stmt = stmt;
    return stmt;
}

sqlite3_stmt *mird_sql_bind(struct mird_store *store, const char *sql, struct mir_error *err,
                            const char *types, ...)
{
    sqlite3_stmt *stmt = prepared(store, sql, err);
    if (!stmt)
        return NULL;
    va_list ap;
    va_start(ap, types);
    int rc = SQLITE_OK;
    for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
        if (types[i] != 'i')
            rc = sqlite3_bind_text(stmt, i + 1, va_arg(ap, const char *), -1,
                                   types[i] == 's' ? SQLITE_STATIC : SQLITE_TRANSIENT);
        else
            rc = sqlite3_bind_int64(stmt, i + 1, va_arg(ap, int64_t));
    }
    va_end(ap);
    if (rc == SQLITE_OK)
        return stmt;
    mird_sql_fail(store, sql, err);
    sqlite3_reset(stmt);
    return NULL;
}

int mird_sql_step(struct mird_store *store, sqlite3_stmt *stmt, struct mir_error *err)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        mird_sql_fail(store, sqlite3_sql(stmt), err);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

static void roll_back(struct mird_store *store)
{
    store->audit_last = -1;
    mird_late_end(store, false);
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int mird_sql_begin(struct mird_store *store, struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store, "BEGIN IMMEDIATE", err, "");
    if (!stmt || mird_sql_step(store, stmt, err))
        return -1;
    if (!mird_store_fence(store, err))
        return 0;
    roll_back(store);
    return -1;
}

static int commit(struct mird_store *store, struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store, "COMMIT", err, "");
    return stmt ? mird_sql_step(store, stmt, err) : -1;
}

/* Outside of a transaction a statement that writes is given one of its own, and durable when it is
 * done. */
static int finish_alone(struct mird_store *store, sqlite3_stmt *stmt, struct mir_error *err)
{
    if (mir_fault_before("store.write", err) || mird_sql_begin(store, err)) {
        sqlite3_reset(stmt);
        return -1;
    }
    int rc = mird_sql_step(store, stmt, err) || commit(store, err) ? -1 : 0;
    if (rc)
        roll_back(store);
    return rc ? -1 : mir_fault_after("store.write", err);
}

int mird_sql_finish(struct mird_store *store, sqlite3_stmt *stmt, struct mir_error *err)
{
    if (!stmt)
        return -1;
    if (sqlite3_get_autocommit(store->db) && !sqlite3_stmt_readonly(stmt))
        return finish_alone(store, stmt, err);
    return mird_sql_step(store, stmt, err);
}

int mird_sql_end(struct mird_store *store, int rc, struct mir_error *err)
{
    if (!rc)
        rc = mird_late_flush(store, err);
    if (!rc)
        rc = mir_fault_before("store.commit", err);
    if (!rc)
        rc = commit(store, err);
    if (rc)
        roll_back(store);
    else
        mird_late_end(store, true);
    return rc ? -1 : mir_fault_after("store.commit", err);
}

int mird_sql_list(struct mird_store *store, sqlite3_stmt *stmt, size_t row_bytes, mird_row_fn *read,
                  void **ret, size_t *ret_count, struct mir_error *err)
{
    size_t count = 0, room = 16;
    char *list = mir_calloc(room, row_bytes);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    while (rc == 1) {
        if (count == room) {
            room *= 2;
            list = mir_realloc(list, room, row_bytes);
        }
        if (read(stmt, list + count * row_bytes, err)) {
            sqlite3_reset(stmt);
            rc = -1;
            break;
        }
        count++;
        rc = mird_sql_step(store, stmt, err);
    }
    if (rc < 0) {
        free(list);
        return -1;
    }
    *ret = list;
    *ret_count = count;
    return 0;
}

void mird_sql_text(sqlite3_stmt *stmt, int column, char *field, size_t size)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);
    mir_copy(field, size, text ? (const char *)text : "");
}

json_t *mird_sql_json(sqlite3_stmt *stmt, int column, struct mir_error *err)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    struct mir_error why = {0};
    json_t *json = mir_json_parse(text ? text : "", text ? strlen(text) : 0, MIRD_RECORD_MAX, &why);
    if (!json)
        mir_fail(err, MIR_CORRUPT, "store: a record cannot be read: %s", why.text);
    return json;
}
