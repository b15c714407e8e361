/* SPDX-License-Identifier: ISC */
/* The record of an entry: what an input makes of it, and how that gets to the disk. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

/* The jumps that the clock has made so far. */
static int64_t stepped_ms(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    int64_t stepped_ms = engine->now.stepped_ms;
    pthread_mutex_unlock(&engine->lock);
    return stepped_ms;
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
    *ret = entry->body->held.d;
    pthread_mutex_unlock(&entry->body->lock);
}

/* --- writing --- */

static int shelf_put(void *ctx, struct mird_deployment *d, const struct mird_news *news,
                     int64_t now_ms, struct mir_error *err)
{
    return mird_store_deployment_commit(ctx, d, news, now_ms, err);
}

static int shelf_get(void *ctx, const char *id, struct mird_deployment *ret, struct mir_error *err)
{
    return mird_store_deployment_get(ctx, id, ret, err);
}

static void shelf_make_room(void *ctx)
{
    mird_store_reserve_release(ctx);
}

/* With body->lock held. */
static int commit(struct mird_engine *engine, struct mird_body *body, const struct mird_news *news,
                  int64_t now_ms, struct mir_error *err)
{
    const struct mird_shelf shelf = {engine->core->store, shelf_put, shelf_get, shelf_make_room};
    if (body->bare && mird_body_complete(engine, body, err))
        return -1;
    return mird_held_commit(&body->held, &shelf, news, now_ms, err);
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

/* With body->lock held. */
static int apply(struct mird_engine *engine, struct mird_body *body, struct mird_change *change,
                 struct mir_error *err)
{
    int64_t now_ms = mird_engine_now_ms(engine);
    if (mird_held_apply(&body->held, change, now_ms, stepped_ms(engine), err))
        return -1;
    if (change->ended)
        note_teardown(engine, &body->held.d, change->input);
    return 0;
}

/* With body->lock held. */
static int write_now(struct mird_engine *engine, struct mird_body *body,
                     const struct mird_change *change, struct mir_error *err)
{
    struct mir_error why = {0};
    if (!change->turn.write)
        return 0;
    int rc = commit(engine, body, &change->news, change->now_ms, &why);
    if (rc)
        mir_log(MIR_LOG_ERROR, "engine", "%s: %s", body->held.d.name, why.text);
    rc = mird_held_settle(&body->held, change, rc);
    if (rc && err)
        *err = why;
    return rc;
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
    struct mird_change change = {.input = input, .op = op};
    lock_body(body);
    int rc = apply(engine, body, &change, err);
    bool changed = !rc && change.turn.weight != MIRD_UNCHANGED;
    if (!rc)
        rc = write_now(engine, body, &change, err);
    bool told = !rc && (change.news.event_count || change.news.end_count || op);
    if (told)
        log_news(&body->held.d, &change.news);
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
    bool may = !body->bare && !body->held.dirty && engine->writing < MIRD_WRITING_MAX;
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

/* In the store's thread: as if the worker had waited for it, and gives the entry back. A copy that
 * may have waited for its end is a worker's to remove: the store would wait for itself. */
static void written(void *ctx, int rc, const struct mir_error *err)
{
    struct later *later = ctx;
    struct mird_engine *engine = later->engine;
    struct mird_entry *entry = later->entry;
    struct mird_body *body = entry->body;
    free(later);
    pthread_mutex_lock(&body->lock);
    body->writing = false;
    mird_held_written(&body->held, rc);
    if (rc)
        mir_log(MIR_LOG_ERROR, "engine", "%s: %s", body->held.d.name, err->text);
    bool over = !rc && body->held.d.finished_s;
    pthread_cond_broadcast(&body->written);
    pthread_mutex_unlock(&body->lock);
    if (!rc)
        mird_hub_changed(engine->core->hub, entry->id);
    over = over && !mird_proof_copies_wait(engine);
    mird_entry_give_back(engine, entry, over ? MIRD_NEVER : MIRD_AT_ONCE);
    written_later(engine);
}

/* With body->lock held. */
static int submit(struct mird_engine *engine, struct mird_entry *entry,
                  const struct mird_change *change)
{
    struct mird_body *body = entry->body;
    struct later *later = mir_calloc(1, sizeof *later);
    *later = (struct later){engine, entry};
    body->held.d.version = body->held.stored.version;
    body->writing = true;
    if (!mird_store_deployment_submit(engine->core->store, &body->held.d, &change->news,
                                      change->now_ms, written, later))
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
    struct mird_change change = {.input = input};
    lock_body(body);
    bool applied = !apply(engine, body, &change, NULL);
    bool told = applied && (change.news.event_count || change.news.end_count);
    if (told)
        log_news(&body->held.d, &change.news);
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
    struct mird_body *body = entry->body;
    struct mird_news news;
    lock_body(body);
    int rc = 0;
    bool was_dirty = body->held.dirty;
    if (was_dirty) {
        int64_t now_ms = mird_engine_now_ms(engine);
        mird_held_left(&body->held, now_ms, &news);
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
        log_news(&body->held.d, news);
    pthread_mutex_unlock(&body->lock);
    if (!rc)
        mird_hub_changed(engine->core->hub, entry->id);
}
