/* SPDX-License-Identifier: ISC */
/* The table of entries by id: every lease that is not over has one, small, and a body while
 * somebody works with it. */
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

#define BUCKETS_MIN 1024u

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

/* --- by id; under engine->lock --- */

static struct mird_entry **bucket_of(const struct mird_engine *engine, const char *id)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *p = id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    return &engine->buckets[(hash ^ hash >> 32) & (engine->bucket_count - 1)];
}

static void resize(struct mird_engine *engine, size_t count)
{
    struct mird_entry **old = engine->buckets;
    size_t old_count = engine->bucket_count;
    engine->buckets = mir_calloc(count, sizeof *engine->buckets);
    engine->bucket_count = count;
    for (size_t i = 0; i < old_count; i++)
        for (struct mird_entry *entry = old[i], *next; entry; entry = next) {
            struct mird_entry **bucket = bucket_of(engine, entry->id);
            next = entry->next_in_bucket;
            entry->next_in_bucket = *bucket;
            *bucket = entry;
        }
    free(old);
}

void mird_table_reserve(struct mird_engine *engine, size_t count)
{
    size_t room = BUCKETS_MIN;
    while (room < count)
        room *= 2;
    if (room > engine->bucket_count)
        resize(engine, room);
}

static void put(struct mird_engine *engine, struct mird_entry *entry)
{
    mird_table_reserve(engine, ++engine->entry_count);
    struct mird_entry **bucket = bucket_of(engine, entry->id);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
}

static void take_out(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_entry **at = bucket_of(engine, entry->id);
    while (*at && *at != entry)
        at = &(*at)->next_in_bucket;
    if (!*at)
        return;
    *at = entry->next_in_bucket;
    engine->entry_count--;
    engine->lanes[entry->lane].watched -= entry->watched;
}

struct mird_entry *mird_entry_peek(struct mird_engine *engine, const char *id)
{
    struct mird_entry *entry = engine->bucket_count ? *bucket_of(engine, id) : NULL;
    while (entry && strcmp(entry->id, id))
        entry = entry->next_in_bucket;
    return entry;
}

/* --- making and finding --- */

static uint8_t lane_of(const struct mird_engine *engine, const char *provider)
{
    const struct mird_core *core = engine->core;
    for (size_t i = 0; i < core->provider_count; i++)
        if (!strcmp(mir_prov_info(core->providers[i])->name, provider))
            return (uint8_t)i;
    return MIRD_LANES_MAX - 1;
}

struct mir_prov *mird_entry_prov(const struct mird_engine *engine, const struct mird_entry *entry)
{
    return engine->lanes[entry->lane].prov;
}

static struct mird_entry *new_entry(const struct mird_engine *engine, const char *id,
                                    const char *provider, int64_t deadline_s)
{
    struct mird_entry *entry = mir_calloc(1, sizeof *entry);
    mir_copy(entry->id, sizeof entry->id, id);
    entry->lane = lane_of(engine, provider);
    entry->deadline_s = deadline_s;
    entry->refs = 1;
    return entry;
}

struct mird_entry *mird_entry_add_open(struct mird_engine *engine,
                                       const struct mird_open_lease *lease)
{
    struct mird_entry *entry = new_entry(engine, lease->id, lease->provider, lease->deadline_s);
    /* The request may have left just before this process began. */
    entry->created_boot_s = (uint32_t)(engine->started_boot_ms / 1000 + 1);
    entry->rests = lease->wake_s != 0;
    if (!mird_entry_prov(engine, entry))
        mir_log(MIR_LOG_ERROR, "engine",
                "lease %s: the provider '%s' is not built in: it cannot be kept here", lease->id,
                lease->provider);
    pthread_mutex_lock(&engine->lock);
    put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
    return entry;
}

struct mird_entry *mird_entry_add(struct mird_engine *engine, const struct mird_deployment *d,
                                  bool restarted)
{
    struct mird_entry *entry = new_entry(engine, d->id, d->provider, d->deadline_s);
    entry->body = mird_body_new(engine, d);
    if (restarted)
        mird_held_restarted(&entry->body->held, mird_engine_now_ms(engine));
    pthread_mutex_lock(&engine->lock);
    put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
    return entry;
}

void mird_entry_wake(struct mird_engine *engine, struct mird_entry *entry)
{
    pthread_mutex_lock(&engine->lock);
    while (entry->loading)
        pthread_cond_wait(&engine->loaded, &engine->lock);
    bool read = !entry->body;
    entry->loading = read;
    pthread_mutex_unlock(&engine->lock);
    if (!read)
        return;
    struct mird_body *body = mird_body_load(engine, entry);
    pthread_mutex_lock(&engine->lock);
    entry->body = body;
    entry->loading = false;
    pthread_cond_broadcast(&engine->loaded);
    pthread_mutex_unlock(&engine->lock);
}

struct mird_entry *mird_entry_find(struct mird_engine *engine, const char *id)
{
    pthread_mutex_lock(&engine->lock);
    struct mird_entry *entry = mird_entry_peek(engine, id);
    if (entry)
        entry->refs++;
    pthread_mutex_unlock(&engine->lock);
    if (entry)
        mird_entry_wake(engine, entry);
    return entry;
}

void mird_entry_release(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_body *body = NULL;
    pthread_mutex_lock(&engine->lock);
    bool last = --entry->refs == 0;
    if (last)
        take_out(engine, entry);
    if (last || (entry->refs == 1 && entry->rests && !entry->watched && !entry->over)) {
        body = entry->body;
        entry->body = NULL;
    }
    pthread_mutex_unlock(&engine->lock);
    mird_body_free(body);
    if (last)
        free(entry);
}

void mird_table_free(struct mird_engine *engine)
{
    for (size_t i = 0; i < engine->bucket_count; i++)
        while (engine->buckets[i]) {
            struct mird_entry *entry = engine->buckets[i];
            engine->buckets[i] = entry->next_in_bucket;
            mird_body_free(entry->body);
            free(entry);
        }
    free(engine->buckets);
}
