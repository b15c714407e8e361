/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

int64_t mird_engine_boot_ms(const struct mird_engine *engine)
{
    return engine->core->clock->boot_ms(engine->core->clock->ctx);
}

int64_t mird_engine_now_ms(struct mird_engine *engine)
{
    const struct mir_clock *clock = engine->core->clock;
    pthread_mutex_lock(&engine->lock);
    int64_t boot_ms = clock->boot_ms(clock->ctx), utc_ms = clock->utc_ms(clock->ctx);
    int64_t now_ms = mird_now_read(&engine->now, utc_ms, boot_ms);
    pthread_mutex_unlock(&engine->lock);
    return now_ms;
}

/* With entry->lock held. A clock that was set ahead is no time that has passed: what the machine
 * waits for (a settling time above all) keeps its length. */
static void follow_clock(struct mird_engine *engine, struct mird_entry *entry)
{
    pthread_mutex_lock(&engine->lock);
    int64_t stepped_ms = engine->now.stepped_ms;
    pthread_mutex_unlock(&engine->lock);
    mird_lease_stepped(&entry->d, stepped_ms - entry->stepped_ms);
    entry->stepped_ms = stepped_ms;
}

/* --- the table --- */

static unsigned bucket_of(const char *id)
{
    unsigned hash = 5381;
    for (const char *p = id; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    return hash % MIRD_BUCKETS;
}

struct mird_rules mird_rules_for(const struct mird_engine *engine, const struct mir_prov *prov,
                                 const struct mir_kernel *kernel)
{
    const struct mir_provider *info = prov ? mir_prov_info(prov) : NULL;
    bool packed = kernel && mird_kernel_packed(kernel);
    return (struct mird_rules){
        .settle_ms = info ? (int64_t)info->settle_s * 1000 : 0,
        .live_timeout_ms = engine->live_timeout_ms,
        .backoff_min_ms = info && info->paid ? 1000 : 50,
        .backoff_max_ms = info && info->paid ? 15000 : 2000,
        .tries_max = 5,
        .paid = info && info->paid,
        .image_needed = packed || (info && info->image_put),
    };
}

struct mird_entry *mird_entry_add(struct mird_engine *engine, const struct mird_deployment *d,
                                  bool restarted)
{
    struct mird_entry *entry = mir_calloc(1, sizeof *entry);
    pthread_mutex_init(&entry->lock, NULL);
    mir_copy(entry->id, sizeof entry->id, d->id);
    entry->prov = mird_core_provider(engine->core, d->provider);
    struct mir_kernel kernel;
    bool known = !mird_store_kernel_get(engine->core->store, d->kernel, &kernel, NULL);
    entry->rules = mird_rules_for(engine, entry->prov, known ? &kernel : NULL);
    entry->stored = entry->d = *d;
    entry->refs = 1;
    if (restarted) {
        const struct mird_input input = {.kind = MIRD_IN_RESTARTED};
        enum mird_weight weight;
        mird_lease_apply(&entry->d, &entry->rules, &input, mird_engine_now_ms(engine), &weight,
                         NULL);
    }
    struct mird_entry **bucket = &engine->buckets[bucket_of(d->id)];
    mird_engine_now_ms(engine); /* what the clock did until here is none of this entry's */
    pthread_mutex_lock(&engine->lock);
    entry->stepped_ms = engine->now.stepped_ms;
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    pthread_mutex_unlock(&engine->lock);
    return entry;
}

struct mird_entry *mird_entry_find(struct mird_engine *engine, const char *id)
{
    pthread_mutex_lock(&engine->lock);
    struct mird_entry *entry = engine->buckets[bucket_of(id)];
    while (entry && strcmp(entry->id, id))
        entry = entry->next_in_bucket;
    if (entry)
        entry->refs++;
    pthread_mutex_unlock(&engine->lock);
    return entry;
}

static void entry_free(struct mird_entry *entry)
{
    pthread_mutex_destroy(&entry->lock);
    free(entry);
}

/* Under engine->lock. */
static void unlink_entry(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_entry **at = &engine->buckets[bucket_of(entry->id)];
    while (*at && *at != entry)
        at = &(*at)->next_in_bucket;
    if (*at)
        *at = entry->next_in_bucket;
}

void mird_entry_release(struct mird_engine *engine, struct mird_entry *entry)
{
    pthread_mutex_lock(&engine->lock);
    bool last = --entry->refs == 0;
    if (last)
        unlink_entry(engine, entry);
    pthread_mutex_unlock(&engine->lock);
    if (last)
        entry_free(entry);
}

void mird_entry_free_all(struct mird_engine *engine)
{
    for (size_t i = 0; i < MIRD_BUCKETS; i++)
        while (engine->buckets[i]) {
            struct mird_entry *entry = engine->buckets[i];
            engine->buckets[i] = entry->next_in_bucket;
            entry_free(entry);
        }
}

void mird_entry_snapshot(struct mird_entry *entry, struct mird_deployment *ret)
{
    pthread_mutex_lock(&entry->lock);
    *ret = entry->d;
    pthread_mutex_unlock(&entry->lock);
}

/* --- the record --- */

static bool same_record(const struct mird_deployment *a, const struct mird_deployment *b)
{
    json_t *left = mird_deployment_to_record(a), *right = mird_deployment_to_record(b);
    bool same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

/* Only this process writes it, so what is on the disk says what became of a write that failed: it
 * may have been done all the same, or an earlier one may have been. */
static int commit_again(struct mird_store *store, struct mird_entry *entry,
                        const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    struct mird_deployment on_disk;
    if (mird_store_deployment_get(store, entry->id, &on_disk, NULL))
        return -1;
    if (err->kind != MIR_CONFLICT) {
        if (on_disk.version != entry->stored.version + 1 || !same_record(&on_disk, &entry->d))
            return -1;
        entry->d.version = on_disk.version;
        return 0;
    }
    entry->d.version = on_disk.version;
    return mird_store_deployment_commit(store, &entry->d, news, now_ms, err);
}

/* With entry->lock held. The news are those since the store last heard of it, so that a write that
 * failed once is made up for by the next. */
static int commit(struct mird_engine *engine, struct mird_entry *entry,
                  const struct mird_news *news, int64_t now_ms, struct mir_error *err)
{
    struct mird_store *store = engine->core->store;
    entry->d.version = entry->stored.version;
    struct mir_error why = {0};
    int rc = mird_store_deployment_commit(store, &entry->d, news, now_ms, &why);
    if (rc && why.kind == MIR_NO_SPACE && entry->d.end_reason != MIRD_END_NONE) {
        mird_store_reserve_release(store);
        rc = mird_store_deployment_commit(store, &entry->d, news, now_ms, &why);
    }
    if (rc)
        rc = commit_again(store, entry, news, now_ms, &why);
    if (!rc) {
        entry->stored = entry->d;
        entry->dirty = false;
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

static int change_locked(struct mird_engine *engine, struct mird_entry *entry,
                         const struct mird_input *input, const struct mird_operation *op,
                         struct mird_news *news, struct mir_error *err)
{
    struct mird_turn turn;
    int64_t now_ms = mird_engine_now_ms(engine);
    follow_clock(engine, entry);
    struct mird_deployment before = entry->d;
    if (mird_turn_apply(&entry->d, &entry->stored, &entry->rules, input, op, now_ms, &turn, news,
                        err))
        return -1;
    if (!before.finished_s && turn.weight != MIRD_UNCHANGED)
        note_teardown(engine, &entry->d, input);
    if (!turn.write)
        return 0;
    struct mir_error why = {0};
    if (!commit(engine, entry, news, now_ms, &why))
        return 0;
    mir_log(MIR_LOG_ERROR, "engine", "%s: %s", before.name, why.text);
    enum mird_unwritten what = mird_turn_unwritten(&turn, input);
    if (what == MIRD_TAKE_BACK)
        entry->d = before;
    else
        entry->dirty = true;
    if (what != MIRD_GO_ON && err)
        *err = why;
    return what == MIRD_GO_ON ? 0 : -1;
}

int mird_entry_change(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_input *input, const struct mird_operation *op,
                      struct mir_error *err)
{
    struct mird_news news = {0};
    pthread_mutex_lock(&entry->lock);
    int rc = change_locked(engine, entry, input, op, &news, err);
    bool told = !rc && (news.event_count || news.end_count || op);
    if (told)
        log_news(&entry->d, &news);
    pthread_mutex_unlock(&entry->lock);
    if (told)
        mird_hub_changed(engine->core->hub, entry->id);
    return rc;
}

int mird_entry_flush(struct mird_engine *engine, struct mird_entry *entry)
{
    const struct mird_input nothing = {.kind = MIRD_IN_TICK};
    struct mird_news news = {0};
    pthread_mutex_lock(&entry->lock);
    int rc = 0;
    bool was_dirty = entry->dirty;
    if (was_dirty) {
        int64_t now_ms = mird_engine_now_ms(engine);
        mird_lease_news(&entry->stored, &entry->d, &nothing, now_ms, &news);
        rc = commit(engine, entry, &news, now_ms, NULL);
    }
    pthread_mutex_unlock(&entry->lock);
    if (was_dirty && !rc)
        mird_hub_changed(engine->core->hub, entry->id);
    return rc;
}

void mird_entry_note(struct mird_engine *engine, struct mird_entry *entry,
                     const struct mird_news *news)
{
    pthread_mutex_lock(&entry->lock);
    int rc = commit(engine, entry, news, mird_engine_now_ms(engine), NULL);
    if (!rc)
        log_news(&entry->d, news);
    pthread_mutex_unlock(&entry->lock);
    if (!rc)
        mird_hub_changed(engine->core->hub, entry->id);
}
