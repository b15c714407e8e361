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
#include "store_sql.h"

#define IDEMPOTENCY_KEPT_S 86400
#define COLUMNS "SELECT version, record FROM deployments "

static char *record_text(const struct mird_deployment *d)
{
    json_t *record = mird_deployment_to_record(d);
    char *text = mir_json_text(record);
    json_decref(record);
    return text;
}

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
    return rc;
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

/* --- the columns that are looked up by --- */

static int64_t is_final(const struct mird_deployment *d)
{
    return d->finished_s != 0;
}

/* When a new process has to look at it first; 0: at once. */
static int64_t wake_s(const struct mird_deployment *d)
{
    return mird_deployment_rests(d) ? d->deadline_s : 0;
}

static int64_t state_now(const struct mird_deployment *d)
{
    return d->stuck && !d->finished_s ? MIRD_STUCK : mird_deployment_state(d, d->ending_since_s);
}

int mird_store_insert_deployment(struct mird_store *store, const struct mird_deployment *d,
                                 struct mir_error *err)
{
    mir_auto_free char *record = record_text(d);
    char hint[MIRD_TOKEN_HINT + 1];
    mird_token_hint(d->token, hint);
    if (MIRD_SQL_RUN(store,
                     "INSERT INTO deployments (id, name, provider, final, created_s, deadline_s,"
                     " version, record, wake_s, state, token_hint) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     err, "tttiiiitiit", d->id, d->name, d->provider, is_final(d), d->created_s,
                     d->deadline_s, (int64_t)d->version, record, wake_s(d), state_now(d), hint))
        return -1;
    return mird_store_write_ports(store, d, err);
}

static int insert_audit(struct mird_store *store, const struct mird_deployment *d,
                        const struct mird_audit *told, int64_t now_ms, struct mir_error *err)
{
    struct mird_audit row = *told;
    mir_copy(row.subject, sizeof row.subject, d->name);
    mir_copy(row.deployment, sizeof row.deployment, d->id);
    return mird_store_insert_audit(store, &row, now_ms, err);
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
    return insert_audit(store, d, &row, now_ms, err);
}

static int write_news(struct mird_store *store, const struct mird_deployment *d,
                      const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    for (unsigned i = 0; i < news->event_count; i++) {
        struct mird_event event = news->events[i];
        event.at_ms = now_ms;
        mir_copy(event.deployment, sizeof event.deployment, d->id);
        if (mird_store_insert_event(store, &event, err))
            return -1;
    }
    for (unsigned i = 0; i < news->end_count; i++)
        if (mird_store_end_operations(store, d->id, news->ends[i].kind, now_ms / 1000,
                                      news->ends[i].failed ? &news->error : NULL, err))
            return -1;
    if (news->operation && mird_store_insert_operation(store, news->operation, err))
        return -1;
    for (unsigned i = 0; i < news->audit_count; i++)
        if (insert_audit(store, d, &news->audits[i], now_ms, err))
            return -1;
    return 0;
}

static int insert_with_history(struct mird_store *store, const struct mird_deployment *d,
                               const struct mird_operation *op, const struct mird_news *news,
                               const char *key, const char *body_sha, struct mir_error *err)
{
    const struct mir_clock *clock = mir_clock_system();
    int64_t now_ms = clock->utc_ms(clock->ctx);
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
        (news && write_news(store, d, news, event.at_ms, err)))
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
    mir_copy(event.state, sizeof event.state,
             mird_state_name(mird_deployment_state(d, now_ms / 1000)));
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

/* --- writing --- */

static int write_row(struct mird_store *store, const struct mird_deployment *d, const char *record,
                     struct mir_error *err)
{
    int64_t version = (int64_t)d->version;
    /* Mostly only the document changes, and no index has to be touched. */
    if (MIRD_SQL_RUN(store,
                     "UPDATE deployments SET version = ?, record = ? WHERE id = ? AND version = ?"
                     " AND final = ? AND deadline_s = ? AND wake_s = ? AND state = ?",
                     err, "ittiiiii", version + 1, record, d->id, version, is_final(d),
                     d->deadline_s, wake_s(d), state_now(d)))
        return -1;
    if (sqlite3_changes(store->db) == 1)
        return mird_store_write_ports(store, d, err);
    if (MIRD_SQL_RUN(store,
                     "UPDATE deployments SET final = ?, deadline_s = ?, version = ?, record = ?,"
                     " wake_s = ?, state = ? WHERE id = ? AND version = ?",
                     err, "iiitiiti", is_final(d), d->deadline_s, version + 1, record, wake_s(d),
                     state_now(d), d->id, version))
        return -1;
    if (sqlite3_changes(store->db) == 1)
        return mird_store_write_ports(store, d, err);
    mir_fail(err, MIR_CONFLICT, "'%s' was changed by somebody else meanwhile", d->name);
    return mir_error_hint(err, "look at it again and repeat the command");
}

/* A transition on its way to the disk: the text is made before the store is asked for its turn. */
struct transition {
    const struct mird_deployment *d;
    const struct mird_news *news; /* NULL: none */
    int64_t now_ms;
    char *record;
    char *receipt; /* NULL: none */
    char receipt_sha256[MIR_SHA256_TEXT];
};

static int write_transition(struct mird_store *store, void *ctx, struct mir_error *err)
{
    const struct transition *t = ctx;
    if (write_row(store, t->d, t->record, err))
        return -1;
    if (t->news && write_news(store, t->d, t->news, t->now_ms, err))
        return -1;
    return t->receipt ? mird_store_insert_receipt(store, t->d, t->receipt, t->receipt_sha256,
                                                  t->now_ms, err)
                      : 0;
}

static void transition_init(struct transition *t, const struct mird_deployment *d,
                            const struct mird_news *news, int64_t now_ms)
{
    *t = (struct transition){.d = d, .news = news, .now_ms = now_ms, .record = record_text(d)};
    t->receipt = news && news->receipt ? mird_receipt_text(d, t->receipt_sha256) : NULL;
}

static void transition_clear(struct transition *t)
{
    free(t->record);
    free(t->receipt);
}

int mird_store_deployment_commit(struct mird_store *store, struct mird_deployment *d,
                                 const struct mird_news *news, int64_t now_ms,
                                 struct mir_error *err)
{
    struct transition t;
    transition_init(&t, d, news, now_ms);
    int rc = mird_store_write(store, write_transition, &t, err);
    transition_clear(&t);
    if (!rc)
        d->version++;
    return rc;
}

struct submitted {
    struct mird_write write; /* first: the queue gives it back */
    struct transition transition;
    struct mird_news news;
    mird_committed_fn *done;
    void *ctx;
};

static void submitted_free(struct submitted *s)
{
    transition_clear(&s->transition);
    free(s);
}

static void submitted_done(struct mird_write *write)
{
    struct submitted *s = write->ctx_owner;
    s->done(s->ctx, write->rc, &write->err);
    submitted_free(s);
}

int mird_store_deployment_submit(struct mird_store *store, const struct mird_deployment *d,
                                 const struct mird_news *news, int64_t now_ms,
                                 mird_committed_fn *done, void *ctx)
{
    struct submitted *s = mir_calloc(1, sizeof *s);
    s->news = *news;
    transition_init(&s->transition, d, &s->news, now_ms);
    s->done = done;
    s->ctx = ctx;
    s->write.write = write_transition;
    s->write.ctx = &s->transition;
    s->write.ctx_owner = s;
    s->write.done = submitted_done;
    if (!mird_store_submit(store, &s->write))
        return 0;
    submitted_free(s);
    return -1;
}

int mird_store_deployment_update(struct mird_store *store, struct mird_deployment *d,
                                 struct mir_error *err)
{
    return mird_store_deployment_commit(store, d, NULL, 0, err);
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
        ret->deadline_s = sqlite3_column_int64(stmt, 0);
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
    int rc = mird_sql_list(store, stmt, sizeof **ret, read_row, &list, ret_count, err);
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
    int rc = mird_sql_list(store, stmt, sizeof *ret, read_row, &list, &count, err);
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
