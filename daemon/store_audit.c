/* SPDX-License-Identifier: ISC */
/* The audit log's rows: chained by hashes, added and never changed, and the check of the chain. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "store_sql.h"

#define LIST_MAX 10000
#define CHECK_ROWS 2000 /* for which the store is held at once */
#define COLUMNS "SELECT id, at_ms, who, what, subject, deployment, detail, hash, form FROM "

enum form { FIRST_RELEASE = 1, PRESENT_FORM = 2 };

/* --- the hash --- */

/* As JSON, so that fields cannot run into one another. */
static void chain(struct mird_store *store, const char *before, int64_t id,
                  const struct mird_audit *row, enum form form, char out[MIR_SHA256_TEXT])
{
    const char *texts[] = {row->who, row->what, row->subject, row->deployment, row->detail};
    struct mir_buf *text = &store->audit_text;
    mir_buf_reset(text);
    mir_buf_add(text, "[", 1);
    mir_json_put_text(text, before);
    mir_buf_add(text, ",", 1);
    if (form == PRESENT_FORM) {
        mir_json_put_integer(text, id);
        mir_buf_add(text, ",", 1);
    }
    mir_json_put_integer(text, form == PRESENT_FORM ? row->at_ms : row->at_ms / 1000);
    for (size_t i = 0; i < (form == PRESENT_FORM ? MIR_NELEMS(texts) : 3); i++) {
        mir_buf_add(text, ",", 1);
        mir_json_put_text(text, texts[i]);
    }
    mir_buf_add(text, "]", 1);
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestInit_ex2(store->audit_sha, store->audit_sha_kind, NULL) != 1 ||
        EVP_DigestUpdate(store->audit_sha, text->data, text->len) != 1 ||
        EVP_DigestFinal_ex(store->audit_sha, digest, NULL) != 1)
        abort();
    mir_hex(digest, 32, out);
}

void mird_audit_begin(struct mird_store *store)
{
    store->audit_last = -1;
    store->audit_sha = EVP_MD_CTX_new();
    store->audit_sha_kind = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!store->audit_sha || !store->audit_sha_kind)
        abort();
    mir_buf_init(&store->audit_text, MIRD_RECORD_MAX);
}

void mird_audit_over(struct mird_store *store)
{
    EVP_MD_CTX_free(store->audit_sha);
    EVP_MD_free(store->audit_sha_kind);
    mir_buf_clear(&store->audit_text);
}

/* --- adding --- */

/* The end of the chain, remembered between rows; forgotten when a transaction is rolled back. */
static int find_end(struct mird_store *store, struct mir_error *err)
{
    if (store->audit_last >= 0)
        return 0;
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc < 0)
        return -1;
    store->audit_last = 0;
    store->audit_head[0] = '\0';
    if (rc == 1) {
        store->audit_last = sqlite3_column_int64(stmt, 0);
        mird_sql_text(stmt, 1, store->audit_head, sizeof store->audit_head);
        sqlite3_reset(stmt);
    }
    return 0;
}

/* The id is part of the hash: two writers cannot both continue the same row. What finds the lines
 * about a deployment is not: it says nothing that the lines do not. */
static int insert_row(struct mird_store *store, int64_t id, const struct mird_audit *row,
                      const char *hash, struct mir_error *err)
{
    struct mird_late_row *late = mird_late_fresh(store, row->deployment);
    if (!late && mird_late_settle(store, row->deployment, err))
        return -1;
    if (MIRD_SQL_RUN(store,
                     "INSERT INTO audit (id, at_ms, who, what, subject, deployment, detail, hash,"
                     " form, previous) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
                     " CASE WHEN ?10 >= 0 THEN ?10 ELSE"
                     " COALESCE((SELECT last_audit FROM deployments WHERE id = ?6), 0) END)",
                     err, "iissssssii", id, row->at_ms, row->who, row->what, row->subject,
                     row->deployment, row->detail, hash, (int64_t)PRESENT_FORM,
                     late ? late->last_audit : -1))
        return -1;
    if (late)
        late->last_audit = id;
    if (late || !*row->deployment)
        return 0;
    return MIRD_SQL_RUN(store, "UPDATE deployments SET last_audit = ? WHERE id = ?", err, "is", id,
                        row->deployment);
}

int mird_store_insert_audit(struct mird_store *store, const struct mird_audit *told, int64_t now_ms,
                            struct mir_error *err)
{
    struct mird_audit row = *told;
    char hash[MIR_SHA256_TEXT];
    if (!row.at_ms)
        row.at_ms = now_ms;
    if (!*row.who)
        mir_copy(row.who, sizeof row.who, "daemon");
    mird_text_clean(row.who);
    mird_text_clean(row.subject);
    mird_text_clean(row.detail);
    if (find_end(store, err))
        return -1;
    int64_t id = store->audit_last + 1;
    chain(store, store->audit_head, id, &row, PRESENT_FORM, hash);
    if (insert_row(store, id, &row, hash, err)) {
        store->audit_last = -1;
        return -1;
    }
    store->audit_last = id;
    mir_copy(store->audit_head, sizeof store->audit_head, hash);
    return 0;
}

static int write_audit(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    return mird_store_insert_audit(store, ctx, clock->utc_ms(clock->ctx), err);
}

int mird_store_audit_put(struct mird_store *store, const struct mird_audit *row,
                         struct mir_error *err)
{
    struct mird_audit told = *row;
    return mird_store_write(store, write_audit, &told, err);
}

int mird_store_audit_add(struct mird_store *store, int64_t now_s, const char *who, const char *what,
                         const char *subject, struct mir_error *err)
{
    struct mird_audit row = {.at_ms = now_s * 1000};
    mir_copy(row.who, sizeof row.who, who);
    mir_copy(row.what, sizeof row.what, what);
    mir_copy(row.subject, sizeof row.subject, subject);
    return mird_store_audit_put(store, &row, err);
}

/* --- reading --- */

struct stored {
    int64_t id;
    struct mird_audit row;
    char hash[MIR_SHA256_TEXT];
    enum form form;
};

static void read_row(sqlite3_stmt *stmt, struct stored *ret)
{
    ret->id = sqlite3_column_int64(stmt, 0);
    ret->row.at_ms = sqlite3_column_int64(stmt, 1);
    mird_sql_text(stmt, 2, ret->row.who, sizeof ret->row.who);
    mird_sql_text(stmt, 3, ret->row.what, sizeof ret->row.what);
    mird_sql_text(stmt, 4, ret->row.subject, sizeof ret->row.subject);
    mird_sql_text(stmt, 5, ret->row.deployment, sizeof ret->row.deployment);
    mird_sql_text(stmt, 6, ret->row.detail, sizeof ret->row.detail);
    mird_sql_text(stmt, 7, ret->hash, sizeof ret->hash);
    ret->form = (enum form)sqlite3_column_int64(stmt, 8);
}

static json_t *row_json(const struct stored *stored)
{
    const struct mird_audit *row = &stored->row;
    char at[MIR_TIME_SIZE];
    mir_time_format_ms(row->at_ms, at);
    return json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i}", "id", (json_int_t)stored->id, "at",
                     at, "who", row->who, "what", row->what, "subject", row->subject, "deployment",
                     row->deployment, "detail", row->detail, "hash", stored->hash, "form",
                     (int)stored->form);
}

static sqlite3_stmt *bind_rows(struct mird_store *store, const char *deployment, int64_t after,
                               size_t limit, struct mir_error *err)
{
    if (!deployment)
        return mird_sql_bind(store, COLUMNS "audit WHERE id > ? ORDER BY id LIMIT ?", err, "ii",
                             after, (int64_t)limit);
    const struct mird_late_row *row = mird_late_find(store, deployment);
    return mird_sql_bind(
        store,
        "WITH RECURSIVE chain (id) AS (SELECT CASE WHEN ?1 >= 0 THEN ?1 ELSE last_audit END"
        " FROM deployments WHERE id = ?2 UNION ALL SELECT previous FROM audit JOIN chain"
        " ON audit.id = chain.id WHERE previous > ?3) " COLUMNS
        "chain JOIN audit USING (id) WHERE id > ?3 ORDER BY id LIMIT ?4",
        err, "itii", row ? row->last_audit : -1, deployment, after, (int64_t)limit);
}

json_t *mird_store_audit(struct mird_store *store, const char *deployment, int64_t after,
                         size_t limit, struct mir_error *err)
{
    json_t *list = json_array();
    struct stored stored;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        bind_rows(store, deployment, after, limit > LIST_MAX ? LIST_MAX : limit, err);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err)) {
        read_row(stmt, &stored);
        json_array_append_new(list, row_json(&stored));
    }
    mird_store_leave(store);
    if (rc < 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* --- checking --- */

static int broken(struct mird_audit_check *check, int64_t id, const char *why)
{
    check->broken = id;
    mir_copy(check->why, sizeof check->why, why);
    return 0;
}

/* 1 whole; 0 broken, and check says so. */
static int check_row(struct mird_store *store, struct mird_audit_check *check,
                     const struct stored *stored)
{
    char hash[MIR_SHA256_TEXT];
    if (stored->form != FIRST_RELEASE && stored->form != PRESENT_FORM)
        return broken(check, stored->id, "it is of a form that this program does not know");
    chain(store, check->head, stored->id, &stored->row, stored->form, hash);
    if (strcmp(hash, stored->hash) != 0)
        return broken(check, stored->id,
                      stored->id > check->last + 1
                          ? "it does not continue the row before: rows are missing"
                          : "its hash is not that of its text after the row before");
    check->entries++;
    check->last = stored->id;
    mir_copy(check->head, sizeof check->head, hash);
    return 1;
}

/* SQLite counts the ids that it has given, also of rows that are not there any more. */
static int check_end(struct mird_store *store, struct mird_audit_check *check,
                     struct mir_error *err)
{
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc <= 0)
        return rc;
    int64_t given = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    if (given > check->last)
        broken(check, check->last + 1, "it and what followed were removed from the end");
    return 0;
}

int mird_store_audit_check(struct mird_store *store, struct mird_audit_check *check, size_t rows,
                           struct mir_error *err)
{
    size_t seen = 0;
    mird_store_enter(store);
    sqlite3_stmt *stmt = bind_rows(store, NULL, check->last, rows, err);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err)) {
        struct stored stored = {0};
        read_row(stmt, &stored);
        seen++;
        if (!check_row(store, check, &stored)) {
            sqlite3_reset(stmt);
            break;
        }
    }
    if (rc == 0 && seen < rows)
        rc = check_end(store, check, err);
    mird_store_leave(store);
    if (rc < 0)
        return -1;
    return seen == rows && !check->broken;
}

int mird_store_audit_check_all(struct mird_store *store, struct mird_audit_check *ret,
                               struct mir_error *err)
{
    struct mird_audit_check check = {0};
    int rc;
    do
        rc = mird_store_audit_check(store, &check, CHECK_ROWS, err);
    while (rc > 0);
    *ret = check;
    return rc;
}
