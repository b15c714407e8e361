/* SPDX-License-Identifier: ISC */
/* Changes of a deployment: the row with what is told of it, at once or late, waited for or not. */
#include "store_change.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "store_sql.h"

/* --- the columns that are looked up by --- */

int64_t mird_row_final(const struct mird_deployment *d)
{
    return d->finished_s != 0;
}

/* When a new process has to look at it first; 0: at once. */
int64_t mird_row_wake_s(const struct mird_deployment *d)
{
    return mird_deployment_rests(d) ? d->deadline_s : 0;
}

int64_t mird_row_state(const struct mird_deployment *d)
{
    return mird_deployment_state(d);
}

int64_t mird_row_worst_micro(const struct mird_deployment *d)
{
    return mird_cost_worst(&d->price, d->created_s, d->deadline_s);
}

/* --- what is told --- */

int mird_change_audit(struct mird_store *store, const struct mird_deployment *d,
                      const struct mird_audit *told, int64_t now_ms, struct mir_error *err)
{
    struct mird_audit row = *told;
    mir_copy(row.subject, sizeof row.subject, d->name);
    mir_copy(row.deployment, sizeof row.deployment, d->id);
    return mird_store_insert_audit(store, &row, now_ms, err);
}

struct mird_told mird_told_of(const struct mird_news *news)
{
    return (struct mird_told){.events = news->events,
                              .audits = news->audits,
                              .event_count = news->event_count,
                              .audit_count = news->audit_count,
                              .rest = news->end_count || news->operation ? news : NULL};
}

static int write_rest(struct mird_store *store, const struct mird_deployment *d,
                      const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    for (unsigned i = 0; i < news->end_count; i++)
        if (mird_store_end_operations(store, d->id, news->ends[i].kind, now_ms / 1000,
                                      news->ends[i].failed ? &news->error : NULL, err))
            return -1;
    return news->operation ? mird_store_insert_operation(store, news->operation, err) : 0;
}

int mird_change_tell(struct mird_store *store, const struct mird_deployment *d,
                     const struct mird_told *told, int64_t now_ms, struct mir_error *err)
{
    for (unsigned i = 0; i < told->event_count; i++) {
        struct mird_event event = told->events[i];
        event.at_ms = now_ms;
        mir_copy(event.deployment, sizeof event.deployment, d->id);
        if (mird_store_insert_event(store, &event, err))
            return -1;
    }
    if (told->rest && write_rest(store, d, told->rest, now_ms, err))
        return -1;
    for (unsigned i = 0; i < told->audit_count; i++)
        if (mird_change_audit(store, d, &told->audits[i], now_ms, err))
            return -1;
    return 0;
}

/* --- writing --- */

static int write_row(struct mird_store *store, const struct mird_deployment *d, const char *record,
                     struct mir_error *err)
{
    int64_t version = (int64_t)d->version;
    if (mird_late_settle(store, d->id, err))
        return -1;
    /* Mostly only the document changes, and no index has to be touched. */
    if (MIRD_SQL_RUN(store,
                     "UPDATE deployments SET version = ?, record = ? WHERE id = ? AND version = ?"
                     " AND final = ? AND deadline_s = ? AND wake_s = ? AND state = ?",
                     err, "ittiiiii", version + 1, record, d->id, version, mird_row_final(d),
                     d->deadline_s, mird_row_wake_s(d), mird_row_state(d)))
        return -1;
    if (sqlite3_changes(store->db) == 1)
        return mird_store_write_ports(store, d, err);
    if (MIRD_SQL_RUN(store,
                     "UPDATE deployments SET final = ?, deadline_s = ?, version = ?, record = ?,"
                     " wake_s = ?, state = ?, worst_micro = ? WHERE id = ? AND version = ?",
                     err, "iiitiiiti", mird_row_final(d), d->deadline_s, version + 1, record,
                     mird_row_wake_s(d), mird_row_state(d), mird_row_worst_micro(d), d->id,
                     version))
        return -1;
    if (sqlite3_changes(store->db) == 1)
        return mird_store_write_ports(store, d, err);
    mir_fail(err, MIR_CONFLICT, "'%s' was changed by somebody else meanwhile", d->name);
    return mir_error_hint(err, "look at it again and repeat the command");
}

/* A transition on its way to the disk: the text is made before the store is asked for its turn, and
 * what else of the deployment is needed then is looked for while it is at hand. */
struct transition {
    const struct mird_deployment *d;
    struct mird_told told;
    int64_t now_ms;
    int64_t deadline_s, wake_s, state;
    bool final, has_ports, costs;
    char *record;  /* NULL: a late row took it */
    char *receipt; /* NULL: none */
    char receipt_sha256[MIR_SHA256_TEXT];
};

static int write_transition(struct mird_store *store, void *ctx, struct mir_error *err)
{
    struct transition *t = ctx;
    if (!t->record)
        t->record = mird_deployment_record(t->d); /* the group that had it came to nothing */
    if (write_row(store, t->d, t->record, err))
        return -1;
    if (mird_change_tell(store, t->d, &t->told, t->now_ms, err))
        return -1;
    return t->receipt ? mird_store_insert_receipt(store, t->d, t->receipt, t->receipt_sha256,
                                                  t->now_ms, err)
                      : 0;
}

/* 1 when the row, late or in the table, is of the version that d is; 0 not; -1. The record is owned
 * when it is from the table, and NULL otherwise. */
static int find_row(struct mird_store *store, const struct mird_deployment *d,
                    struct mird_late_row *ret, struct mir_error *err)
{
    const struct mird_late_row *late = mird_late_find(store, d->id);
    if (late) {
        *ret = *late;
        ret->record = NULL;
        return late->version == (int64_t)d->version;
    }
    sqlite3_stmt *stmt = mird_sql_bind(store,
                                       "SELECT record, last_event, last_audit, deadline_s"
                                       " FROM deployments WHERE id = ? AND version = ?"
                                       " AND final = 0",
                                       err, "si", d->id, (int64_t)d->version);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        *ret = (struct mird_late_row){.version = (int64_t)d->version,
                                      .last_event = sqlite3_column_int64(stmt, 1),
                                      .last_audit = sqlite3_column_int64(stmt, 2),
                                      .deadline_s = sqlite3_column_int64(stmt, 3)};
        ret->record = mir_strdup((const char *)sqlite3_column_text(stmt, 0));
        mir_copy(ret->id, sizeof ret->id, d->id);
        sqlite3_reset(stmt);
    }
    return rc;
}

/* One of many: of the row only the document, the state and (where that changes nothing of what it
 * may cost) the deadline may be new. */
static int write_transition_late(struct mird_store *store, void *ctx, struct mir_error *err)
{
    struct transition *t = ctx;
    struct mird_late_row old, row;
    if (t->final || t->receipt)
        return 1;
    int found = find_row(store, t->d, &old, err);
    if (found != 1)
        return found ? -1 : 1;
    if (t->costs && old.deadline_s != t->deadline_s) {
        free(old.record);
        return 1;
    }
    row = old;
    row.version++;
    row.deadline_s = t->deadline_s;
    row.wake_s = t->wake_s;
    row.state = t->state;
    row.record = t->record ? t->record : mird_deployment_record(t->d);
    t->record = NULL;
    mird_late_put(store, &row, &old);
    if (t->has_ports && mird_store_write_ports(store, t->d, err))
        return -1;
    return mird_change_tell(store, t->d, &t->told, t->now_ms, err);
}

static void transition_init(struct transition *t, const struct mird_deployment *d,
                            const struct mird_news *news, int64_t now_ms)
{
    *t = (struct transition){.d = d,
                             .now_ms = now_ms,
                             .deadline_s = d->deadline_s,
                             .wake_s = mird_row_wake_s(d),
                             .state = mird_row_state(d),
                             .final = mird_row_final(d),
                             .has_ports = d->port_count || d->instance.port_count,
                             .costs = !mird_price_free(&d->price),
                             .record = mird_deployment_record(d)};
    if (news)
        t->told = mird_told_of(news);
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
    int rc = mird_store_write_late(store, write_transition, write_transition_late, &t, err);
    transition_clear(&t);
    if (!rc)
        d->version++;
    return rc;
}

struct submitted {
    struct mird_write write;
    struct transition transition;
    mird_committed_fn *done;
    void *ctx;
    _Alignas(max_align_t) char room[]; /* what it tells */
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

/* News have much room, of which little is used: only that is copied. */
static struct submitted *submitted_new(const struct mird_news *news)
{
    struct mird_told told = mird_told_of(news);
    size_t events = told.event_count * sizeof *told.events;
    size_t audits = told.audit_count * sizeof *told.audits;
    size_t rest = told.rest ? sizeof *told.rest : 0;
    struct submitted *s = mir_realloc(NULL, 1, sizeof *s + rest + events + audits);
    *s = (struct submitted){.done = NULL};
    if (rest)
        told.rest = memcpy(s->room, told.rest, rest);
    told.events = memcpy(s->room + rest, told.events, events);
    told.audits = memcpy(s->room + rest + events, told.audits, audits);
    s->transition.told = told;
    return s;
}

int mird_store_deployment_submit(struct mird_store *store, const struct mird_deployment *d,
                                 const struct mird_news *news, int64_t now_ms,
                                 mird_committed_fn *done, void *ctx)
{
    struct submitted *s = submitted_new(news);
    struct mird_told told = s->transition.told;
    transition_init(&s->transition, d, news, now_ms);
    s->transition.told = told;
    s->done = done;
    s->ctx = ctx;
    s->write.write = write_transition;
    s->write.late = write_transition_late;
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
