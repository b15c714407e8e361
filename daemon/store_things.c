/* SPDX-License-Identifier: ISC */
/* Kernels and sites: JSON records by their name. */
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/json.h"
#include "api/memory.h"
#include "store_sql.h"

static char *take_text(json_t *json)
{
    char *text = mir_json_text(json);
    json_decref(json);
    return text;
}

/* --- kernels --- */

int mird_store_kernel_put(struct mird_store *store, const struct mir_kernel *kernel, int64_t now_s,
                          struct mir_error *err)
{
    mir_auto_free char *record = take_text(mir_kernel_to_json(kernel));
    mird_store_enter(store);
    int rc = MIRD_SQL_RUN(store, "INSERT OR REPLACE INTO kernels VALUES (?, ?, ?)", err, "tit",
                          kernel->sha256, now_s, record);
    mird_store_leave(store);
    return rc;
}

int mird_store_kernel_get(struct mird_store *store, const char *sha256, struct mir_kernel *ret,
                          struct mir_error *err)
{
    json_t *record = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT record FROM kernels WHERE sha256 = ?", err, "t", sha256);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        record = mird_sql_json(stmt, 0, err);
        sqlite3_reset(stmt);
    } else if (rc == 0) {
        mir_fail(err, MIR_NOT_FOUND, "kernel %.64s is not stored here", sha256);
        mir_error_hint(err, "upload it first: PUT /v1/kernels/%.64s", sha256);
    }
    mird_store_leave(store);
    if (!record)
        return -1;
    rc = mir_kernel_from_json(record, ret, err);
    json_decref(record);
    return rc;
}

/* The row of the statement's first column, or nothing: 1, 0, -1. */
static int first_text(struct mird_store *store, const char *sql, const char *sha256, char *ret,
                      size_t size, struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store, sql, err, "t", sha256);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        mird_sql_text(stmt, 0, ret, size);
        sqlite3_reset(stmt);
    }
    return rc;
}

static int delete_kernel(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const char *sha256 = ctx;
    char user[MIR_NAME_TEXT], there[MIR_SHA256_TEXT];
    int used = first_text(store,
                          "SELECT name FROM deployments WHERE final = 0"
                          " AND json_extract(record, '$.kernel') = ? LIMIT 1",
                          sha256, user, sizeof user, err);
    if (used > 0) {
        mir_fail(err, MIR_CONFLICT, "the kernel is that of '%s'", user);
        return mir_error_hint(err, "end it first: mirage-deploy rm %s", user);
    }
    int known = used ? -1
                     : first_text(store, "SELECT sha256 FROM kernels WHERE sha256 = ?", sha256,
                                  there, sizeof there, err);
    if (known == 0)
        return mir_fail(err, MIR_NOT_FOUND, "kernel %.64s is not stored here", sha256);
    return known < 0
               ? -1
               : MIRD_SQL_RUN(store, "DELETE FROM kernels WHERE sha256 = ?", err, "t", sha256);
}

int mird_store_kernel_delete(struct mird_store *store, const char *sha256, struct mir_error *err)
{
    return mird_store_write(store, delete_kernel, (void *)(uintptr_t)sha256, err);
}

int mird_store_block_user(struct mird_store *store, const char *sha256, const char *but,
                          char ret[MIR_NAME_TEXT], struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store,
        "SELECT name FROM deployments, json_each(record, '$.blocks') AS block WHERE final = 0"
        " AND deployments.id <> ? AND json_extract(block.value, '$.sha256') = ? LIMIT 1",
        err, "tt", but, sha256);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        mird_sql_text(stmt, 0, ret, MIR_NAME_TEXT);
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return rc;
}

/* --- sites --- */

struct site_row {
    const char *name, *record;
};

static int write_site(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const struct site_row *row = ctx;
    return MIRD_SQL_RUN(store, "INSERT OR REPLACE INTO sites VALUES (?, ?)", err, "tt", row->name,
                        row->record);
}

int mird_store_site_put(struct mird_store *store, const struct mird_site *site,
                        struct mir_error *err)
{
    mir_auto_free char *record = take_text(mird_site_to_message(site));
    struct site_row row = {site->name, record};
    return mird_store_write(store, write_site, &row, err);
}

/* A struct mird_site. */
static int read_site(sqlite3_stmt *stmt, void *ret, struct mir_error *err)
{
    json_t *record = mird_sql_json(stmt, 0, err);
    int rc = record ? mird_site_from_message(record, ret, err) : -1;
    json_decref(record);
    return rc;
}

int mird_store_site_get(struct mird_store *store, const char *name, struct mird_site *ret,
                        struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT record FROM sites WHERE name = ?", err, "t", name);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 0)
        rc = mir_fail(err, MIR_NOT_FOUND, "there is no site '%.70s'", name);
    else if (rc == 1) {
        rc = read_site(stmt, ret, err);
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return rc;
}

int mird_store_site_delete(struct mird_store *store, const char *name, struct mir_error *err)
{
    mird_store_enter(store);
    int rc = MIRD_SQL_RUN(store, "DELETE FROM sites WHERE name = ?", err, "t", name);
    mird_store_leave(store);
    return rc;
}

int mird_store_sites(struct mird_store *store, struct mird_site **ret, size_t *ret_count,
                     struct mir_error *err)
{
    void *list = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(store, "SELECT record FROM sites ORDER BY name", err, "");
    int rc = mird_sql_list(store, stmt, sizeof **ret, read_site, &list, ret_count, err);
    mird_store_leave(store);
    if (!rc)
        *ret = list;
    return rc;
}
