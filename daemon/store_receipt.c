/* SPDX-License-Identifier: ISC */
/* Receipts of deployments that are over: written once, with their end, and named by their hash in
 * the audit log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "store_sql.h"

int mird_store_insert_receipt(struct mird_store *store, const struct mird_deployment *d,
                              const char *text, const char *sha256, int64_t now_ms,
                              struct mir_error *err)
{
    struct mird_audit row = {.what = "receipt"};
    if (MIRD_SQL_RUN(store,
                     "INSERT INTO receipts (deployment, at_ms, sha256, document) "
                     "VALUES (?, ?, ?, ?) ON CONFLICT (deployment) DO NOTHING",
                     err, "titt", d->id, now_ms, sha256, text))
        return -1;
    if (sqlite3_changes(store->db) != 1)
        return 0;
    mir_copy(row.subject, sizeof row.subject, d->name);
    mir_copy(row.deployment, sizeof row.deployment, d->id);
    snprintf(row.detail, sizeof row.detail, "sha256 %s", sha256);
    return mird_store_insert_audit(store, &row, now_ms, err);
}

json_t *mird_store_receipt(struct mird_store *store, const char *id, struct mir_error *err)
{
    char sha256[MIR_SHA256_TEXT] = "";
    json_t *receipt = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT sha256, document FROM receipts WHERE deployment = ?", err, "t", id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        mird_sql_text(stmt, 0, sha256, sizeof sha256);
        receipt = mird_sql_json(stmt, 1, err);
        sqlite3_reset(stmt);
    } else if (rc == 0) {
        mir_fail(err, MIR_NOT_FOUND, "there is no receipt of %.40s", id);
    }
    mird_store_leave(store);
    if (receipt)
        json_object_set_new(receipt, "sha256", json_string(sha256));
    return receipt;
}
