/* SPDX-License-Identifier: ISC */
/* What happened, for users: operations and events. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "store_sql.h"

/* --- operations --- */

int mird_store_insert_operation(struct mird_store *store, const struct mird_operation *op,
                                struct mir_error *err)
{
    return MIRD_SQL_RUN(store, "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", err,
                        "ttttiiittt", op->id, op->kind, op->deployment, op->name, op->created_s,
                        op->finished_s, (int64_t)op->failed, op->error_code, op->error_text,
                        op->error_hint);
}

int mird_store_operation_add(struct mird_store *store, const struct mird_operation *op,
                             struct mir_error *err)
{
    mird_store_enter(store);
    int rc = mird_store_insert_operation(store, op, err);
    mird_store_leave(store);
    return rc;
}

int mird_store_read_operation(struct mird_store *store, const char *id, struct mird_operation *ret,
                              struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store,
                                       "SELECT id, kind, deployment, name, created_s, finished_s,"
                                       " failed, error_code, error_text, error_hint "
                                       "FROM operations WHERE id = ?",
                                       err, "t", id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 0)
        return mir_fail(err, MIR_NOT_FOUND, "there is no operation '%.40s'", id);
    if (rc < 0)
        return -1;
    struct mird_operation op = {0};
    mird_sql_text(stmt, 0, op.id, sizeof op.id);
    mird_sql_text(stmt, 1, op.kind, sizeof op.kind);
    mird_sql_text(stmt, 2, op.deployment, sizeof op.deployment);
    mird_sql_text(stmt, 3, op.name, sizeof op.name);
    op.created_s = sqlite3_column_int64(stmt, 4);
    op.finished_s = sqlite3_column_int64(stmt, 5);
    op.failed = sqlite3_column_int64(stmt, 6) != 0;
    mird_sql_text(stmt, 7, op.error_code, sizeof op.error_code);
    mird_sql_text(stmt, 8, op.error_text, sizeof op.error_text);
    mird_sql_text(stmt, 9, op.error_hint, sizeof op.error_hint);
    sqlite3_reset(stmt);
    *ret = op;
    return 0;
}

int mird_store_operation_get(struct mird_store *store, const char *id, struct mird_operation *ret,
                             struct mir_error *err)
{
    mird_store_enter(store);
    int rc = mird_store_read_operation(store, id, ret, err);
    mird_store_leave(store);
    return rc;
}

int mird_store_end_operations(struct mird_store *store, const char *deployment, const char *kind,
                              int64_t now_s, const struct mir_error *fail_with,
                              struct mir_error *err)
{
    const char *code = fail_with ? mir_kind_info(fail_with->kind)->name : "";
    return MIRD_SQL_RUN(store,
                        "UPDATE operations SET finished_s = ?, failed = ?, error_code = ?,"
                        " error_text = ?, error_hint = ? "
                        "WHERE deployment = ? AND finished_s = 0 AND (?7 = '' OR kind = ?7)",
                        err, "iittttt", now_s, (int64_t)(fail_with != NULL), code,
                        fail_with ? fail_with->text : "", fail_with ? fail_with->hint : "",
                        deployment, kind);
}

int mird_store_operations_finish(struct mird_store *store, const char *deployment, const char *kind,
                                 int64_t now_s, const struct mir_error *fail_with,
                                 struct mir_error *err)
{
    mird_store_enter(store);
    int rc = mird_store_end_operations(store, deployment, kind, now_s, fail_with, err);
    mird_store_leave(store);
    return rc;
}

/* --- events --- */

int mird_store_insert_event(struct mird_store *store, struct mird_event *event,
                            struct mir_error *err)
{
    struct mird_late_row *row = mird_late_fresh(store, event->deployment);
    if (!row && mird_late_settle(store, event->deployment, err))
        return -1;
    if (MIRD_SQL_RUN(store,
                     "INSERT INTO events (at_ms, deployment, kind, state, text, previous) "
                     "VALUES (?, ?, ?, ?, ?, CASE WHEN ?6 >= 0 THEN ?6 ELSE"
                     " COALESCE((SELECT last_event FROM deployments WHERE id = ?2), 0) END)",
                     err, "issssi", event->at_ms, event->deployment, event->kind, event->state,
                     event->text, row ? row->last_event : -1))
        return -1;
    event->id = sqlite3_last_insert_rowid(store->db);
    if (row)
        row->last_event = event->id;
    return row ? 0
               : MIRD_SQL_RUN(store, "UPDATE deployments SET last_event = ? WHERE id = ?", err,
                              "is", event->id, event->deployment);
}

int mird_store_event_add(struct mird_store *store, struct mird_event *event, struct mir_error *err)
{
    mird_store_enter(store);
    int rc = mird_sql_begin(store, err);
    if (!rc)
        rc = mird_sql_end(store, mird_store_insert_event(store, event, err), err);
    mird_store_leave(store);
    return rc;
}

static sqlite3_stmt *bind_events(struct mird_store *store, const char *deployment, int64_t after,
                                 size_t limit, struct mir_error *err)
{
    if (!deployment)
        return mird_sql_bind(store,
                             "SELECT id, at_ms, deployment, kind, state, text FROM events "
                             "WHERE id > ? ORDER BY id LIMIT ?",
                             err, "ii", after, (int64_t)limit);
    const struct mird_late_row *row = mird_late_find(store, deployment);
    return mird_sql_bind(
        store,
        "WITH RECURSIVE chain (id) AS (SELECT CASE WHEN ?1 >= 0 THEN ?1 ELSE last_event END"
        " FROM deployments WHERE id = ?2 UNION ALL SELECT previous FROM events JOIN chain"
        " ON events.id = chain.id WHERE previous > ?3) "
        "SELECT id, at_ms, deployment, kind, state, text FROM chain JOIN events USING (id) "
        "WHERE id > ?3 ORDER BY id LIMIT ?4",
        err, "itii", row ? row->last_event : -1, deployment, after, (int64_t)limit);
}

static int read_event(sqlite3_stmt *stmt, void *to, struct mir_error *err)
{
    struct mird_event *ret = to;
    (void)err;
    ret->id = sqlite3_column_int64(stmt, 0);
    ret->at_ms = sqlite3_column_int64(stmt, 1);
    mird_sql_text(stmt, 2, ret->deployment, sizeof ret->deployment);
    mird_sql_text(stmt, 3, ret->kind, sizeof ret->kind);
    mird_sql_text(stmt, 4, ret->state, sizeof ret->state);
    mird_sql_text(stmt, 5, ret->text, sizeof ret->text);
    return 0;
}

int mird_store_newest_ms(struct mird_store *store, int64_t *ret, struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store,
                      "SELECT at_ms FROM events WHERE EXISTS"
                      " (SELECT 1 FROM deployments WHERE final = 0) ORDER BY id DESC LIMIT 1",
                      err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    int64_t newest_ms = rc == 1 ? sqlite3_column_int64(stmt, 0) : 0;
    if (rc == 1)
        sqlite3_reset(stmt);
    mird_store_leave(store);
    if (rc < 0)
        return -1;
    *ret = newest_ms;
    return 0;
}

int mird_store_events(struct mird_store *store, const char *deployment, int64_t after, size_t limit,
                      struct mird_event **ret, size_t *ret_count, struct mir_error *err)
{
    if (limit > 10000)
        limit = 10000;
    void *list = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt = bind_events(store, deployment, after, limit, err);
    int rc = mird_sql_list(store, stmt, sizeof **ret, read_event, &list, ret_count, err);
    mird_store_leave(store);
    if (!rc)
        *ret = list;
    return rc;
}
