/* SPDX-License-Identifier: ISC */
/* From time to time everything that carries our tags is listed: what has no right to be is ended,
 * and what rests is watched. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/log.h"
#include "api/memory.h"
#include "daemon/block_store.h"
#include "daemon/dormant.h"
#include "daemon/round.h"
#include "engine_parts.h"

#define FOUND_MAX 10000u /* in one listing, beside those at rest */
#define SLICE 4096u      /* buckets looked through at once */
#define FORGED_MAX 20u   /* lines of the log for them in one round */

/* What was listed and is not simply at rest: to be judged when the listing is over. */
struct found {
    struct mir_instance *list;
    size_t count, room;
};

/* One round over one provider. */
struct sweep {
    struct mird_engine *engine;
    struct mir_prov *prov;
    struct mird_lane *lane;
    struct found found;
    struct mird_round round;
    unsigned forged;
    struct mird_deployment known; /* the answer of known_of */
};

/* A lease at rest keeps what it has: a million of them cost a look into the table each. One whose
 * instance has changed is woken; the look by its token decides. */
static bool at_rest(const struct sweep *sweep, const struct mir_instance *instance)
{
    struct mird_engine *engine = sweep->engine;
    enum mird_rest_sign sign = mird_rest_shown(instance);
    pthread_mutex_lock(&engine->lock);
    struct mird_entry *entry = mird_entry_peek(engine, instance->tags.deployment);
    bool rests = entry && entry->by_date && &engine->lanes[entry->lane] == sweep->lane;
    if (rests && sign == MIRD_REST_KEEPS)
        entry->seen = sweep->lane->round;
    else if (rests && sign == MIRD_REST_WAKES)
        mird_queue_put(engine, entry);
    pthread_mutex_unlock(&engine->lock);
    return rests;
}

static void judge(struct sweep *sweep, const struct mir_instance *instance, bool verified);

static int on_found(void *ctx, const struct mir_instance *instance)
{
    struct sweep *sweep = ctx;
    struct found *found = &sweep->found;
    bool verified = mir_tags_verify(&instance->tags, sweep->engine->core->identity.tag_key);
    if (!verified) { /* whoever makes many of them takes nobody's place in the list */
        judge(sweep, instance, false);
        return 0;
    }
    if (at_rest(sweep, instance))
        return 0;
    if (found->count >= FOUND_MAX)
        return 1; /* the rest in the next round */
    if (found->count == found->room) {
        found->room = found->room ? 2 * found->room : 16;
        found->list = mir_realloc(found->list, found->room, sizeof *found->list);
    }
    found->list[found->count++] = *instance;
    return 0;
}

/* Those that rested all the while and were not listed: a slice of the table at a time, so that
 * nobody waits for it. */
static void wake_missing(const struct sweep *sweep)
{
    struct mird_engine *engine = sweep->engine;
    size_t count = 1;
    for (size_t i = 0; i < count; i += SLICE) {
        pthread_mutex_lock(&engine->lock);
        count = engine->bucket_count;
        for (size_t k = i; k < i + SLICE && k < count && !engine->stopping; k++)
            for (struct mird_entry *entry = engine->buckets[k]; entry;
                 entry = entry->next_in_bucket)
                if (entry->by_date && &engine->lanes[entry->lane] == sweep->lane &&
                    entry->seen != sweep->lane->round)
                    mird_queue_put(engine, entry);
        pthread_mutex_unlock(&engine->lock);
    }
}

/* --- what a round asks for --- */

static int known_of(void *ctx, const char *id, const struct mird_deployment **ret)
{
    struct sweep *sweep = ctx;
    struct mird_engine *engine = sweep->engine;
    struct mir_error err = {0};
    struct mird_entry *entry = mird_entry_find(engine, id);
    *ret = &sweep->known;
    if (entry) {
        mird_entry_snapshot(entry, &sweep->known);
        mird_entry_release(engine, entry);
        return 1;
    }
    if (!mird_store_deployment_get(engine->core->store, id, &sweep->known, &err))
        return 1;
    return err.kind == MIR_NOT_FOUND ? 0 : -1;
}

/* A line of the audit log; what cannot be written keeps nothing from being ended. */
static void audit(const struct sweep *sweep, const struct mir_instance *instance, const char *what,
                  const char *detail)
{
    struct mir_error err = {0};
    struct mird_audit row = {.who = "sweep"};
    mir_copy(row.what, sizeof row.what, what);
    mir_copy(row.subject, sizeof row.subject, instance->name);
    mir_copy(row.deployment, sizeof row.deployment, instance->tags.deployment);
    snprintf(row.detail, sizeof row.detail, "%s %s on %s: %.200s",
             mir_object_kind_name(instance->kind), instance->id, mir_prov_info(sweep->prov)->name,
             detail);
    if (mird_store_audit_put(sweep->engine->core->store, &row, &err))
        mir_log(MIR_LOG_ERROR, "sweep", "audit: %s", err.text);
}

static void end_it(void *ctx, const struct mir_instance *instance, bool known)
{
    const struct sweep *sweep = ctx;
    struct mir_error err = {0};
    const char *what = mir_object_kind_name(instance->kind);
    const char *why = known ? "recorded as gone" : "of no deployment known";
    mir_log(MIR_LOG_WARN, "sweep", "%s %s on %s is %s: ending it", what, instance->id,
            mir_prov_info(sweep->prov)->name, why);
    audit(sweep, instance, "sweep", why);
    int rc = mir_prov_object_delete(sweep->prov, instance, &err);
    audit(sweep, instance, "delete", rc ? err.text : "accepted");
    if (rc)
        mir_log(MIR_LOG_ERROR, "sweep", "%s %s: %s; tried again in the next round", what,
                instance->id, err.text);
}

static int adopt(void *ctx, const struct mir_instance *instance)
{
    const struct sweep *sweep = ctx;
    struct mir_error err = {0};
    pthread_mutex_lock(&sweep->engine->deploy_lock);
    int rc = mird_adopt(sweep->engine, sweep->prov, instance, &err);
    pthread_mutex_unlock(&sweep->engine->deploy_lock);
    if (!rc)
        return 0;
    mir_log(MIR_LOG_ERROR, "sweep",
            "instance %s cannot be taken up: %s; tried again in the next "
            "round",
            instance->id, err.text);
    return -1;
}

/* In the history of the lease that it names, once for each process. */
static void tell_claimed(const struct sweep *sweep, const struct mir_instance *instance)
{
    struct mird_engine *engine = sweep->engine;
    struct mird_news news = {.event_count = 1};
    struct mird_event *event = &news.events[0];
    struct mird_deployment d;
    struct mird_entry *entry = mird_entry_find(engine, instance->tags.deployment);
    if (!entry)
        return;
    pthread_mutex_lock(&engine->lock);
    bool told = entry->claimed;
    entry->claimed = true;
    pthread_mutex_unlock(&engine->lock);
    mird_entry_snapshot(entry, &d);
    mir_copy(event->kind, sizeof event->kind, "error");
    mir_copy(event->state, sizeof event->state, mird_state_name(mird_deployment_state(&d)));
    snprintf(event->text, sizeof event->text,
             "a foreign object claims this lease: %s %.80s on %s has its id in tags that are not "
             "signed by us; it is left alone, and the lease does not wait for it",
             mir_object_kind_name(instance->kind), instance->id, mir_prov_info(sweep->prov)->name);
    mird_text_clean(event->text);
    if (!told) {
        mird_entry_note(engine, entry, &news);
        audit(sweep, instance, "foreign", "its tags name this lease without our signature");
    }
    mird_entry_release(engine, entry);
}

/* Nothing says that it is ours but somebody's word: it is left alone, and said. What the tags of a
 * deployment that is known were changed to means nothing: it ends by its token. */
static void tell_forged(void *ctx, const struct mir_instance *instance)
{
    struct sweep *sweep = ctx;
    tell_claimed(sweep, instance);
    if (++sweep->forged > FORGED_MAX)
        return;
    mir_log(MIR_LOG_WARN, "sweep",
            "%s %s on %s has tags of this installation with a wrong signature: it is left alone; "
            "if nobody knows it, end it with the provider's own tools",
            mir_object_kind_name(instance->kind), instance->id, mir_prov_info(sweep->prov)->name);
}

static const struct mird_round_ops round_ops = {
    .known = known_of, .adopt = adopt, .end = end_it, .forged = tell_forged};

static void judge(struct sweep *sweep, const struct mir_instance *instance, bool verified)
{
    struct mird_engine *engine = sweep->engine;
    mird_round_judge(&sweep->round, instance, verified, mird_engine_now_ms(engine) / 1000,
                     &round_ops, sweep);
}

/* A database made new says "rebuild"; each provider of which a whole listing was taken up since
 * says "rebuilt-NAME". Durable, so that a crash in between does not end what it has not reached. */
#define REBUILT_SIZE 64

static bool rebuilding(struct mird_engine *engine, const struct mir_prov *prov)
{
    struct mird_store *store = engine->core->store;
    char key[REBUILT_SIZE];
    snprintf(key, sizeof key, "rebuilt-%s", mir_prov_info(prov)->name);
    char *wanted = mird_store_setting_get(store, "rebuild");
    char *done = wanted ? mird_store_setting_get(store, key) : NULL;
    bool left = wanted && !done;
    free(wanted);
    free(done);
    return left;
}

static void rebuilt(struct mird_engine *engine, const struct mir_prov *prov)
{
    struct mir_error err = {0};
    char key[REBUILT_SIZE];
    snprintf(key, sizeof key, "rebuilt-%s", mir_prov_info(prov)->name);
    if (mird_store_setting_put(engine->core->store, key, "done", &err))
        mir_log(MIR_LOG_WARN, "sweep", "%s", err.text); /* the next round says so again */
}

static void begin_round(struct sweep *sweep)
{
    struct mird_engine *engine = sweep->engine;
    for (size_t i = 0; i < MIRD_LANES_MAX; i++)
        if (engine->lanes[i].prov == sweep->prov)
            sweep->lane = &engine->lanes[i];
    sweep->round.installation = engine->core->identity.installation;
    sweep->round.rebuilding = rebuilding(engine, sweep->prov);
    pthread_mutex_lock(&engine->lock);
    sweep->lane->round++;
    pthread_mutex_unlock(&engine->lock);
}

static int sweep_round(struct sweep *sweep, struct mir_error *err)
{
    struct found *found = &sweep->found;
    begin_round(sweep);
    int rc = mir_prov_sweep(sweep->prov, on_found, sweep, err);
    mird_engine_clock_listen(sweep->engine, sweep->prov);
    bool whole = !rc && found->count < FOUND_MAX;
    if (whole)
        wake_missing(sweep);
    for (size_t i = 0; !rc && i < found->count; i++)
        judge(sweep, &found->list[i], true);
    if (mird_round_rebuilt(&sweep->round, whole))
        rebuilt(sweep->engine, sweep->prov);
    if (sweep->forged > FORGED_MAX)
        mir_log(MIR_LOG_WARN, "sweep", "and %u more on %s with a wrong signature",
                sweep->forged - FORGED_MAX, mir_prov_info(sweep->prov)->name);
    free(found->list);
    return rc;
}

int mird_sweep_once(struct mird_engine *engine, struct mir_prov *prov, struct mir_error *err)
{
    struct sweep sweep = {.engine = engine, .prov = prov};
    return sweep_round(&sweep, err);
}

/* Before anybody is served: with the database lost, the providers are asked what runs. One that
 * does not answer is asked again by every sweep. */
void mird_rebuild(struct mird_engine *engine)
{
    for (size_t i = 0; i < engine->core->provider_count; i++) {
        struct mir_error err = {0};
        struct sweep sweep = {
            .engine = engine, .prov = engine->core->providers[i], .round.adopt_only = true};
        if (rebuilding(engine, sweep.prov) && sweep_round(&sweep, &err))
            mir_log(MIR_LOG_WARN, "sweep", "%s: %s", mir_prov_info(sweep.prov)->name, err.text);
    }
}

/* --- the threads: one for each provider, so that none waits for another's listing --- */

/* While leases rest, the listing is what watches them: at the provider's pace, as long as listing
 * takes a tenth of the time at most; else only what does not belong is looked for. */
static int64_t pace_ms(struct mird_engine *engine, const struct mird_lane *lane, int64_t took_ms)
{
    unsigned poll_ms = mir_prov_info(lane->prov)->poll_ms;
    pthread_mutex_lock(&engine->lock);
    bool watches = lane->resting > 0 && poll_ms;
    pthread_mutex_unlock(&engine->lock);
    int64_t pace_ms = poll_ms > 10 * took_ms ? poll_ms : 10 * took_ms;
    return watches && pace_ms < MIRD_SWEEP_S * 1000 ? pace_ms : MIRD_SWEEP_S * 1000;
}

/* Until the next round or the stop; true to go on. */
static bool wait_round(struct mird_engine *engine, int64_t pace_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + pace_ms % 1000 * 1000000;
    until.tv_sec += pace_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&engine->lock);
    int rc = 0;
    while (!engine->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&engine->sweep, &engine->lock, &until);
    bool on = !engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return on;
}

static void do_chores(struct mird_engine *engine)
{
    mird_engine_clock_mark(engine);
    mird_reconcile_again(engine);
    mird_store_reserve_restore(engine->core->store);
    mird_store_check(engine->core->store);
    mird_audit_watch(engine);
    mird_blocks_sweep(engine);
}

static void *sweeper_main(void *ctx)
{
    struct mird_lane *lane = ctx;
    struct mird_engine *engine = lane->engine;
    int64_t next_ms;
    do {
        struct mir_error err = {0};
        struct sweep sweep = {.engine = engine, .prov = lane->prov};
        int64_t began_ms = mird_engine_boot_ms(engine);
        int rc = sweep_round(&sweep, &err);
        if (rc)
            mir_log(MIR_LOG_WARN, "sweep", "%s: %s", mir_prov_info(lane->prov)->name, err.text);
        if (lane == engine->lanes)
            do_chores(engine);
        next_ms = pace_ms(engine, lane, mird_engine_boot_ms(engine) - began_ms);
        next_ms = mird_round_pause_ms(&sweep.round, rc != 0, next_ms);
    } while (wait_round(engine, next_ms));
    return NULL;
}

int mird_sweepers_start(struct mird_engine *engine, struct mir_error *err)
{
    for (size_t i = 0; i < engine->core->provider_count; i++) {
        struct mird_lane *lane = &engine->lanes[i];
        /* Who cannot be asked is not asked once a minute; the first lane does the chores. */
        if (i > 0 && !mir_prov_configured(engine->core->providers[i]))
            continue;
        int rc = pthread_create(&lane->sweeper, NULL, sweeper_main, lane);
        if (rc)
            return mir_fail_errno(err, rc, "cannot start the sweeper");
        lane->sweeping = true;
    }
    return 0;
}
