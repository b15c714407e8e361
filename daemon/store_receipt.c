/* SPDX-License-Identifier: ISC */
/* Receipts of deployments that are over: written once, with their end, and named by their hash in
 * the audit log. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Of what is there, not what was noted beside it. */
static void sum(sqlite3_stmt *stmt, char out[MIR_SHA256_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const unsigned char *text = sqlite3_column_text(stmt, 0);
    size_t bytes = text ? strlen((const char *)text) : 0;
    if (EVP_Digest(text, bytes, digest, &len, EVP_sha256(), NULL) != 1)
        abort();
    mir_hex(digest, 32, out);
}

json_t *mird_store_receipt(struct mird_store *store, const char *id, struct mir_error *err)
{
    char sha256[MIR_SHA256_TEXT] = "";
    json_t *receipt = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT document FROM receipts WHERE deployment = ?", err, "t", id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        sum(stmt, sha256);
        receipt = mird_sql_json(stmt, 0, err);
        sqlite3_reset(stmt);
    } else if (rc == 0) {
        mir_fail(err, MIR_NOT_FOUND, "there is no receipt of %.40s", id);
    }
    mird_store_leave(store);
    if (receipt)
        json_object_set_new(receipt, "sha256", json_string(sha256));
    return receipt;
}
