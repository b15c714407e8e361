/* SPDX-License-Identifier: ISC */
/* Rows of deployments: added with their operation, written whole and by version. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "store_change.h"
#include "store_sql.h"

#define IDEMPOTENCY_KEPT_S 86400
#define COLUMNS "SELECT version, record FROM deployments "

/* From a row of COLUMNS, into a struct mird_deployment. */
static int read_row(sqlite3_stmt *stmt, void *ret, struct mir_error *err)
{
    struct mird_deployment *d = ret;
    json_t *record = mird_sql_json(stmt, 1, err);
    if (!record)
        return -1;
    int rc = mird_deployment_from_record(record, d, err);
    json_decref(record);
    if (!rc)
        d->version = (uint64_t)sqlite3_column_int64(stmt, 0);
    return rc;
}

/* In place of the row in the table, where there is one that is still to be written there. */
static int read_late(struct mird_store *store, struct mird_deployment *d, struct mir_error *err)
{
    const struct mird_late_row *late = mird_late_find(store, d->id);
    if (!late)
        return 0;
    json_t *record = mir_json_parse(late->record, strlen(late->record), MIRD_RECORD_MAX, err);
    int rc = record ? mird_deployment_from_record(record, d, err) : -1;
    json_decref(record);
    if (!rc)
        d->version = (uint64_t)late->version;
    return rc;
}

/* All of the rows that a bound statement gives, as they are by now. */
static int read_list(struct mird_store *store, sqlite3_stmt *stmt, void **ret, size_t *ret_count,
                     struct mir_error *err)
{
    void *list = NULL;
    size_t count = 0;
    int rc =
        mird_sql_list(store, stmt, sizeof(struct mird_deployment), read_row, &list, &count, err);
    for (size_t i = 0; !rc && i < count && mird_late_any(store); i++)
        rc = read_late(store, (struct mird_deployment *)list + i, err);
    if (rc) {
        free(list);
        return -1;
    }
    *ret = list;
    *ret_count = count;
    return 0;
}

static int read_one(struct mird_store *store, sqlite3_stmt *stmt, const char *what,
                    struct mird_deployment *ret, struct mir_error *err)
{
    if (!stmt)
        return -1;
    int rc = mird_sql_step(store, stmt, err);
    if (rc == 0)
        return mir_fail(err, MIR_NOT_FOUND, "there is no deployment '%.70s'", what);
    if (rc > 0) {
        rc = read_row(stmt, ret, err);
        sqlite3_reset(stmt);
    }
    return rc ? rc : read_late(store, ret, err);
}

static int read_by_id(struct mird_store *store, const char *id, struct mird_deployment *ret,
                      struct mir_error *err)
{
    return read_one(store, mird_sql_bind(store, COLUMNS "WHERE id = ?", err, "t", id), id, ret,
                    err);
}

/* --- adding --- */

/* 1: the key was seen before and *ret_d and *ret_op are of then; 0: new; -1. */
static int replay(struct mird_store *store, const char *key, const char *body_sha, int64_t now_s,
                  struct mird_deployment *ret_d, struct mird_operation *ret_op,
                  struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(store,
                                       "SELECT body_sha, deployment, operation FROM idempotency "
                                       "WHERE key = ? AND created_s > ?",
                                       err, "ti", key, now_s - IDEMPOTENCY_KEPT_S);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc <= 0)
        return rc;
    char old_sha[MIR_SHA256_TEXT], deployment[MIR_ID_TEXT], operation[MIR_ID_TEXT];
    mird_sql_text(stmt, 0, old_sha, sizeof old_sha);
    mird_sql_text(stmt, 1, deployment, sizeof deployment);
    mird_sql_text(stmt, 2, operation, sizeof operation);
    sqlite3_reset(stmt);
    if (strcmp(old_sha, body_sha)) {
        mir_fail(err, MIR_USAGE, "this Idempotency-Key was used for another request");
        return mir_error_hint(err, "use a new key for a new request");
    }
    if (read_by_id(store, deployment, ret_d, err) ||
        mird_store_read_operation(store, operation, ret_op, err))
        return -1;
    return 1;
}

int mird_store_idempotency_find(struct mird_store *store, const char *key, const char *body_sha,
                                int64_t now_s, struct mird_deployment *ret_d,
                                struct mird_operation *ret_op, struct mir_error *err)
{
    if (!*key)
        return 0;
    mird_store_enter(store);
    int rc = replay(store, key, body_sha, now_s, ret_d, ret_op, err);
    mird_store_leave(store);
    return rc;
}

static int remember_key(struct mird_store *store, const char *key, const char *body_sha,
                        const struct mird_deployment *d, const struct mird_operation *op,
                        struct mir_error *err)
{
    if (MIRD_SQL_RUN(store, "DELETE FROM idempotency WHERE created_s <= ?", err, "i",
                     d->created_s - IDEMPOTENCY_KEPT_S))
        return -1;
    return MIRD_SQL_RUN(store, "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)", err, "tttti", key,
                        body_sha, d->id, op->id, d->created_s);
}

/* A name is free when the partial unique index says so; asked first for the better message. */
static int check_name(struct mird_store *store, const char *name, struct mir_error *err)
{
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT id FROM deployments WHERE name = ? AND final = 0", err, "t", name);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc <= 0)
        return rc;
    sqlite3_reset(stmt);
    mir_fail(err, MIR_CONFLICT, "a deployment named '%s' exists", name);
    return mir_error_hint(err, "choose another --name, or: mirage-deploy rm %s", name);
}

int mird_store_insert_deployment(struct mird_store *store, const struct mird_deployment *d,
                                 struct mir_error *err)
{
    mir_auto_free char *record = mird_deployment_record(d);
    char hint[MIRD_TOKEN_HINT + 1];
    mird_token_hint(d->token, hint);
    if (MIRD_SQL_RUN(store,
                     "INSERT INTO deployments (id, name, provider, final, created_s, deadline_s,"
                     " version, record, wake_s, state, token_hint, worst_micro) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     err, "tttiiiitiiti", d->id, d->name, d->provider, mird_row_final(d),
                     d->created_s, d->deadline_s, (int64_t)d->version, record, mird_row_wake_s(d),
                     mird_row_state(d), hint, mird_row_worst_micro(d)))
        return -1;
    return mird_store_write_ports(store, d, err);
}

/* The first line about a deployment: what was granted, or taken up. */
static int insert_first_audit(struct mird_store *store, const struct mird_deployment *d,
                              const char *who, const char *what, int64_t now_ms,
                              struct mir_error *err)
{
    struct mird_audit row = {0};
    char until[MIR_TIME_SIZE];
    bool forever = mir_forever(d->deadline_s);
    mir_deadline_format(d->deadline_s, until);
    mir_copy(row.who, sizeof row.who, who);
    mir_copy(row.what, sizeof row.what, what);
    snprintf(row.detail, sizeof row.detail, "%s%s%.12s, %s%s%s%s", d->provider,
             *d->kernel ? ", kernel " : "", d->kernel, forever ? "" : "until ", until,
             *d->reason ? ", reason: " : "", d->reason);
    return mird_change_audit(store, d, &row, now_ms, err);
}

static int insert_with_history(struct mird_store *store, const struct mird_deployment *d,
                               const struct mird_operation *op, const struct mird_news *news,
                               const char *key, const char *body_sha, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t now_ms = clock->utc_ms(clock->ctx);
    struct mird_told told = news ? mird_told_of(news) : (struct mird_told){0};
    /* To the millisecond where the clocks agree, so that the history reads well. */
    struct mird_event event = {
        .at_ms = now_ms / 1000 == d->created_s ? now_ms : d->created_s * 1000, .kind = "state"};
    mir_copy(event.deployment, sizeof event.deployment, d->id);
    mir_copy(event.state, sizeof event.state, mird_state_name(MIRD_PENDING));
    snprintf(event.text, sizeof event.text, "lease granted%s%s",
             *d->reason ? " without a deadline, reason: " : "", d->reason);
    if (check_name(store, d->name, err) || mird_store_insert_deployment(store, d, err) ||
        mird_store_insert_operation(store, op, err) ||
        mird_store_insert_event(store, &event, err) ||
        insert_first_audit(store, d, d->owner, "deploy", event.at_ms, err) ||
        mird_change_tell(store, d, &told, event.at_ms, err))
        return -1;
    return *key ? remember_key(store, key, body_sha, d, op, err) : 0;
}

struct adoption {
    const struct mird_deployment *d;
    struct mird_event *event;
};

static int write_adoption(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const struct adoption *a = ctx;
    return check_name(store, a->d->name, err) || mird_store_insert_deployment(store, a->d, err) ||
                   mird_store_insert_event(store, a->event, err) ||
                   insert_first_audit(store, a->d, "", "adopt", a->event->at_ms, err)
               ? -1
               : 0;
}

int mird_store_deployment_adopt(struct mird_store *store, struct mird_deployment *d, int64_t now_ms,
                                struct mir_error *err)
{
    struct mird_event event = {
        .at_ms = now_ms, .kind = "note", .text = "rebuilt from the provider's tags"};
    mir_copy(event.deployment, sizeof event.deployment, d->id);
    mir_copy(event.state, sizeof event.state, mird_state_name(mird_deployment_state(d)));
    d->version = 1;
    struct adoption adoption = {d, &event};
    return mird_store_write(store, write_adoption, &adoption, err);
}

int mird_store_deployment_add(struct mird_store *store, struct mird_deployment *d,
                              struct mird_operation *op, const struct mird_news *news,
                              const char *idempotency_key, const char *body_sha, bool *ret_replayed,
                              struct mir_error *err)
{
    mird_store_enter(store);
    int rc = mird_sql_begin(store, err);
    int seen = 0;
    struct mird_deployment old_d;
    struct mird_operation old_op;
    if (!rc && *idempotency_key) {
        seen = replay(store, idempotency_key, body_sha, d->created_s, &old_d, &old_op, err);
        rc = seen < 0 ? -1 : 0;
    }
    if (!rc && !seen) {
        d->version = 1;
        rc = insert_with_history(store, d, op, news, idempotency_key, body_sha, err);
    }
    rc = mird_sql_end(store, rc, err);
    mird_store_leave(store);
    if (rc)
        return -1;
    if (seen) {
        *d = old_d;
        *op = old_op;
    }
    *ret_replayed = seen;
    return 0;
}

/* --- reading --- */

int mird_store_deployment_get(struct mird_store *store, const char *id, struct mird_deployment *ret,
                              struct mir_error *err)
{
    mird_store_enter(store);
    int rc = read_by_id(store, id, ret, err);
    mird_store_leave(store);
    return rc;
}

/* The tags that say this deadline, as they are to stand on everything of the deployment. */
static void sign_lease(const struct mird_store *store, struct mir_lease *lease)
{
    struct mir_tags tags = {.expires_s = lease->deadline_s};
    mir_copy(tags.installation, sizeof tags.installation, store->identity.installation);
    mir_copy(tags.deployment, sizeof tags.deployment, lease->id);
    mir_tags_sign(&tags, store->identity.tag_key);
    memcpy(lease->signature, tags.signature, sizeof lease->signature);
}

int mird_store_lease(struct mird_store *store, const char *id, struct mir_lease *ret,
                     struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT deadline_s FROM deployments WHERE id = ? AND final = 0", err, "t", id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        const struct mird_late_row *late = mird_late_find(store, id);
        ret->deadline_s = late ? late->deadline_s : sqlite3_column_int64(stmt, 0);
        ret->durable = true;
        mir_copy(ret->id, sizeof ret->id, id);
        sqlite3_reset(stmt);
        sign_lease(store, ret);
    } else if (rc == 0) {
        mir_fail(err, MIR_CONFLICT, "deployment %.40s has no lease (any more)", id);
    }
    mird_store_leave(store);
    return rc == 1 ? 0 : -1;
}

int mird_store_deployment_by_name(struct mird_store *store, const char *name,
                                  struct mird_deployment *ret, struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store, COLUMNS "WHERE name = ? ORDER BY final, seq DESC LIMIT 1", err, "t", name);
    int rc = read_one(store, stmt, name, ret, err);
    mird_store_leave(store);
    return rc;
}

int mird_store_deployments(struct mird_store *store, bool all, const char *after, size_t limit,
                           struct mird_deployment **ret, size_t *ret_count, struct mir_error *err)
{
    static const char open_ones[] =
        COLUMNS "WHERE final = 0 AND seq < COALESCE((SELECT seq FROM deployments WHERE id = ?), "
                "9223372036854775807) ORDER BY seq DESC LIMIT ?";
    static const char all_of_them[] =
        COLUMNS "WHERE seq < COALESCE((SELECT seq FROM deployments WHERE id = ?), "
                "9223372036854775807) ORDER BY seq DESC LIMIT ?";
    void *list = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, all ? all_of_them : open_ones, err, "ti", after, (int64_t)limit);
    int rc = read_list(store, stmt, &list, ret_count, err);
    mird_store_leave(store);
    if (!rc)
        *ret = list;
    return rc;
}

/* The index has the first digits only: how long it takes says nothing of the others. */
int mird_store_deployment_by_token(struct mird_store *store, const char *token,
                                   struct mird_deployment *ret, struct mir_error *err)
{
    void *list = NULL;
    size_t count = 0;
    char hint[MIRD_TOKEN_HINT + 1];
    mird_token_hint(token, hint);
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, COLUMNS "WHERE token_hint = ? AND final = 0", err, "t", hint);
    int rc = read_list(store, stmt, &list, &count, err);
    mird_store_leave(store);
    const struct mird_deployment *found = list;
    for (size_t i = 0; !rc && i < count; i++)
        if (CRYPTO_memcmp(found[i].token, token, MIR_ID_TEXT) == 0) {
            *ret = found[i];
            rc = 1;
        }
    free(list);
    return rc;
}
