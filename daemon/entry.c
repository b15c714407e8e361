/* SPDX-License-Identifier: ISC */
/* The record of an entry: what an input makes of it, and how that gets to the disk. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

/* With body->lock held. A clock that was set ahead is no time that has passed: what the machine
 * waits for (a settling time above all) keeps its length. */
static void follow_clock(struct mird_engine *engine, struct mird_body *body)
{
    pthread_mutex_lock(&engine->lock);
    int64_t stepped_ms = engine->now.stepped_ms;
    pthread_mutex_unlock(&engine->lock);
    mird_lease_stepped(&body->d, stepped_ms - body->stepped_ms);
    body->stepped_ms = stepped_ms;
}

/* Held for every change. A write that nobody waits for is waited for here. */
static void lock_body(struct mird_body *body)
{
    pthread_mutex_lock(&body->lock);
    while (body->writing)
        pthread_cond_wait(&body->written, &body->lock);
}

void mird_entry_snapshot(struct mird_entry *entry, struct mird_deployment *ret)
{
    pthread_mutex_lock(&entry->body->lock);
    *ret = entry->body->d;
    pthread_mutex_unlock(&entry->body->lock);
}

/* --- writing --- */

static bool same_record(const struct mird_deployment *a, const struct mird_deployment *b)
{
    mir_auto_free char *left = mird_deployment_record(a), *right = mird_deployment_record(b);
    return !strcmp(left, right);
}

/* Only this process writes it, so what is on the disk says what became of a write that failed: it
 * may have been done all the same, or an earlier one may have been. */
static int commit_again(struct mird_store *store, struct mird_body *body,
                        const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    struct mird_deployment on_disk;
    if (mird_store_deployment_get(store, body->d.id, &on_disk, NULL))
        return -1;
    if (err->kind != MIR_CONFLICT) {
        if (on_disk.version != body->stored.version + 1 || !same_record(&on_disk, &body->d))
            return -1;
        body->d.version = on_disk.version;
        return 0;
    }
    body->d.version = on_disk.version;
    return mird_store_deployment_commit(store, &body->d, news, now_ms, err);
}

/* With body->lock held. The news are those since the store last heard of it, so that a write that
 * failed once is made up for by the next. */
static int commit(struct mird_engine *engine, struct mird_body *body, const struct mird_news *news,
                  int64_t now_ms, struct mir_error *err)
{
    struct mird_store *store = engine->core->store;
    struct mir_error why = {0};
    if (body->bare && mird_body_complete(engine, body, err))
        return -1;
    body->d.version = body->stored.version;
    int rc = mird_store_deployment_commit(store, &body->d, news, now_ms, &why);
    if (rc && why.kind == MIR_NO_SPACE && body->d.end_reason != MIRD_END_NONE) {
        mird_store_reserve_release(store);
        rc = mird_store_deployment_commit(store, &body->d, news, now_ms, &why);
    }
    if (rc)
        rc = commit_again(store, body, news, now_ms, &why);
    if (!rc) {
        body->stored = body->d;
        body->dirty = false;
    } else if (err) {
        *err = why;
    }
    return rc;
}

static void note_teardown(struct mird_engine *engine, const struct mird_deployment *d,
                          const struct mird_input *input)
{
    if (input->kind == MIRD_IN_UNDO_FAILED || input->kind == MIRD_IN_CONFIRM_FAILED) {
        atomic_fetch_add(&engine->teardowns_failed, 1);
        mir_log(MIR_LOG_WARN, "engine", "%s: teardown: %s", d->name,
                input->error ? input->error->text : "failed");
    }
    if (!d->finished_s)
        return;
    atomic_fetch_add(&engine->teardowns_ok, 1);
    int64_t late_s = d->end_reason == MIRD_END_DEADLINE ? d->finished_s - d->deadline_s : 0;
    int64_t worst_s = atomic_load(&engine->worst_lateness_s);
    while (late_s > worst_s &&
           !atomic_compare_exchange_weak(&engine->worst_lateness_s, &worst_s, late_s))
        ;
}

static void log_news(const struct mird_deployment *d, const struct mird_news *news)
{
    for (unsigned i = 0; i < news->event_count; i++)
        mir_log(d->stuck ? MIR_LOG_ERROR : MIR_LOG_INFO, "engine", "%s %s: %s", d->name,
                news->events[i].state, news->events[i].text);
}

/* --- inputs --- */

/* An input that has been applied, until it is written. */
struct change {
    const struct mird_input *input;
    struct mird_turn turn;
    struct mird_news news;
    struct mird_deployment before;
    int64_t now_ms;
};

/* With body->lock held. */
static int apply(struct mird_engine *engine, struct mird_body *body,
                 const struct mird_operation *op, struct change *change, struct mir_error *err)
{
    change->now_ms = mird_engine_now_ms(engine);
    follow_clock(engine, body);
    change->before = body->d;
    if (mird_turn_apply(&body->d, &body->stored, &body->rules, change->input, op, change->now_ms,
                        &change->turn, &change->news, err))
        return -1;
    if (!change->before.finished_s && change->turn.weight != MIRD_UNCHANGED)
        note_teardown(engine, &body->d, change->input);
    return 0;
}

/* With body->lock held. */
static int write_now(struct mird_engine *engine, struct mird_body *body,
                     const struct change *change, struct mir_error *err)
{
    struct mir_error why = {0};
    if (!change->turn.write || !commit(engine, body, &change->news, change->now_ms, &why))
        return 0;
    mir_log(MIR_LOG_ERROR, "engine", "%s: %s", change->before.name, why.text);
    enum mird_unwritten what = mird_turn_unwritten(&change->turn, change->input);
    if (what == MIRD_TAKE_BACK)
        body->d = change->before;
    else
        body->dirty = true;
    if (what != MIRD_GO_ON && err)
        *err = why;
    return what == MIRD_GO_ON ? 0 : -1;
}

/* Not by the worker that is busy with it. */
static bool from_outside(enum mird_input_kind kind)
{
    return kind == MIRD_IN_EXTEND || kind == MIRD_IN_REMOVE || kind == MIRD_IN_PROBED;
}

int mird_entry_change(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_input *input, const struct mird_operation *op,
                      struct mir_error *err)
{
    struct mird_body *body = entry->body;
    struct change change = {.input = input};
    lock_body(body);
    int rc = apply(engine, body, op, &change, err);
    bool changed = !rc && change.turn.weight != MIRD_UNCHANGED;
    if (!rc)
        rc = write_now(engine, body, &change, err);
    bool told = !rc && (change.news.event_count || change.news.end_count || op);
    if (told)
        log_news(&body->d, &change.news);
    pthread_mutex_unlock(&body->lock);
    if (changed && from_outside(input->kind))
        mird_engine_poke(engine, entry, input->kind == MIRD_IN_REMOVE);
    if (told)
        mird_hub_changed(engine->core->hub, entry->id);
    return rc;
}

/* --- writes that nobody waits for --- */

struct later {
    struct mird_engine *engine;
    struct mird_entry *entry; /* with the busy worker's reference */
};

static bool may_write_later(struct mird_engine *engine, const struct mird_body *body)
{
    pthread_mutex_lock(&engine->lock);
    bool may = !body->bare && !body->dirty && engine->writing < MIRD_WRITING_MAX;
    engine->writing += may;
    pthread_mutex_unlock(&engine->lock);
    return may;
}

static void written_later(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    if (!--engine->writing)
        pthread_cond_broadcast(&engine->idle);
    pthread_mutex_unlock(&engine->lock);
}

/* In the store's thread: as if the worker had waited for it, and gives the entry back. */
static void written(void *ctx, int rc, const struct mir_error *err)
{
    struct later *later = ctx;
    struct mird_engine *engine = later->engine;
    struct mird_entry *entry = later->entry;
    struct mird_body *body = entry->body;
    free(later);
    pthread_mutex_lock(&body->lock);
    body->writing = false;
    if (rc) {
        mir_log(MIR_LOG_ERROR, "engine", "%s: %s", body->d.name, err->text);
        body->dirty = true;
    } else {
        body->d.version++;
        body->stored = body->d;
    }
    bool over = !rc && body->d.finished_s;
    pthread_cond_broadcast(&body->written);
    pthread_mutex_unlock(&body->lock);
    if (!rc)
        mird_hub_changed(engine->core->hub, entry->id);
    mird_entry_give_back(engine, entry, over ? MIRD_NEVER : MIRD_AT_ONCE);
    written_later(engine);
}

/* With body->lock held. */
static int submit(struct mird_engine *engine, struct mird_entry *entry, const struct change *change)
{
    struct mird_body *body = entry->body;
    struct later *later = mir_calloc(1, sizeof *later);
    *later = (struct later){engine, entry};
    body->d.version = body->stored.version;
    body->writing = true;
    if (!mird_store_deployment_submit(engine->core->store, &body->d, &change->news, change->now_ms,
                                      written, later))
        return 0;
    body->writing = false;
    free(later);
    written_later(engine);
    return -1;
}

bool mird_entry_change_later(struct mird_engine *engine, struct mird_entry *entry,
                             const struct mird_input *input)
{
    struct mird_body *body = entry->body;
    struct change change = {.input = input};
    lock_body(body);
    bool applied = !apply(engine, body, NULL, &change, NULL);
    bool told = applied && (change.news.event_count || change.news.end_count);
    if (told)
        log_news(&body->d, &change.news);
    bool later = applied && change.turn.write && may_write_later(engine, body) &&
                 !submit(engine, entry, &change);
    if (applied && !later)
        write_now(engine, body, &change, NULL);
    pthread_mutex_unlock(&body->lock);
    if (told && !later)
        mird_hub_changed(engine->core->hub, entry->id);
    return later;
}

/* --- what is left over --- */

int mird_entry_flush(struct mird_engine *engine, struct mird_entry *entry)
{
    const struct mird_input nothing = {.kind = MIRD_IN_TICK};
    struct mird_body *body = entry->body;
    struct mird_news news = {0};
    lock_body(body);
    int rc = 0;
    bool was_dirty = body->dirty;
    if (was_dirty) {
        int64_t now_ms = mird_engine_now_ms(engine);
        mird_lease_news(&body->stored, &body->d, &nothing, now_ms, &news);
        rc = commit(engine, body, &news, now_ms, NULL);
    }
    pthread_mutex_unlock(&body->lock);
    if (was_dirty && !rc)
        mird_hub_changed(engine->core->hub, entry->id);
    return rc;
}

void mird_entry_note(struct mird_engine *engine, struct mird_entry *entry,
                     const struct mird_news *news)
{
    struct mird_body *body = entry->body;
    lock_body(body);
    int rc = commit(engine, body, news, mird_engine_now_ms(engine), NULL);
    if (!rc)
        log_news(&body->d, news);
    pthread_mutex_unlock(&body->lock);
    if (!rc)
        mird_hub_changed(engine->core->hub, entry->id);
}
