/* SPDX-License-Identifier: ISC */
/* Bringing the store and what really exists together: every deployment not final is taken up at
 * start, and from time to time everything that carries our tags is listed and judged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/log.h"
#include "api/memory.h"
#include "engine_parts.h"

#define FOUND_MAX 100000u /* in one listing */

static void rebuild(struct mird_engine *engine);

int mird_reconcile(struct mird_engine *engine, struct mir_error *err)
{
    struct mird_deployment *list = NULL;
    size_t count = 0;
    if (mird_store_deployments(engine->core->store, false, "", SIZE_MAX >> 1, &list, &count, err))
        return -1;
    int64_t now_s = mird_engine_now_ms(engine) / 1000;
    for (size_t i = 0; i < count; i++) {
        struct mird_entry *entry = mird_entry_add(engine, &list[i], true);
        if (!entry->prov)
            mir_log(MIR_LOG_ERROR, "engine",
                    "%s: the provider '%s' is not built in: its lease cannot be kept here",
                    list[i].name, list[i].provider);
        bool urgent = list[i].end_reason != MIRD_END_NONE || list[i].deadline_s <= now_s;
        mird_engine_poke(engine, entry, urgent);
    }
    if (count)
        mir_log(MIR_LOG_INFO, "engine", "taking up %zu deployment%s", count, count == 1 ? "" : "s");
    free(list);
    rebuild(engine);
    return 0;
}

/* --- the sweep --- */

struct found {
    struct mir_instance *list;
    size_t count, room;
};

static int collect(void *ctx, const struct mir_instance *instance)
{
    struct found *found = ctx;
    if (found->count >= FOUND_MAX)
        return 1; /* the rest in the next round */
    if (found->count == found->room) {
        found->room = found->room ? 2 * found->room : 16;
        found->list = mir_realloc(found->list, found->room, sizeof *found->list);
    }
    found->list[found->count++] = *instance;
    return 0;
}

/* What we know of the deployment that it names: 1 known, 0 certainly not, -1 cannot tell now. */
static int known_of(struct mird_engine *engine, const char *id, struct mird_deployment *ret)
{
    struct mir_error err = {0};
    struct mird_entry *entry = mird_entry_find(engine, id);
    if (entry) {
        mird_entry_snapshot(entry, ret);
        mird_entry_release(engine, entry);
        return 1;
    }
    if (!mird_store_deployment_get(engine->core->store, id, ret, &err))
        return 1;
    return err.kind == MIR_NOT_FOUND ? 0 : -1;
}

/* One round over one provider. */
struct sweep {
    struct mird_engine *engine;
    struct mir_prov *prov;
    bool rebuilding; /* the store is new and has not seen a whole listing of this provider */
    bool adopt_only; /* nothing is ended: before the daemon serves */
    bool incomplete; /* something that was to be adopted could not be */
    bool ended;      /* something was asked to end: to be looked at again soon */
};

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

static void end_it(struct sweep *sweep, const struct mir_instance *instance, bool known)
{
    struct mir_error err = {0};
    const char *what = mir_object_kind_name(instance->kind);
    const char *why = known ? "recorded as gone" : "of no deployment known";
    mir_log(MIR_LOG_WARN, "sweep", "%s %s on %s is %s: ending it", what, instance->id,
            mir_prov_info(sweep->prov)->name, why);
    audit(sweep, instance, "sweep", why);
    sweep->ended = true;
    int rc = mir_prov_object_delete(sweep->prov, instance, &err);
    audit(sweep, instance, "delete", rc ? err.text : "accepted");
    if (rc)
        mir_log(MIR_LOG_ERROR, "sweep", "%s %s: %s; tried again in the next round", what,
                instance->id, err.text);
}

static void adopt(struct sweep *sweep, const struct mir_instance *instance)
{
    struct mir_error err = {0};
    if (!mird_adopt(sweep->engine, sweep->prov, instance, &err))
        return;
    sweep->incomplete = true;
    mir_log(MIR_LOG_ERROR, "sweep",
            "instance %s cannot be taken up: %s; tried again in the next "
            "round",
            instance->id, err.text);
}

static void judge(struct sweep *sweep, const struct mir_instance *instance)
{
    struct mird_engine *engine = sweep->engine;
    const struct mird_identity *identity = &engine->core->identity;
    struct mird_deployment d;
    bool verified = mir_tags_verify(&instance->tags, identity->tag_key);
    const struct mird_sweep_view view = {
        .installation = identity->installation,
        .verified = verified,
        .rebuilding = sweep->rebuilding,
        .adopt_only = sweep->adopt_only,
        .known = verified ? known_of(engine, instance->tags.deployment, &d) : 0,
        .record = &d,
        .now_s = mird_engine_now_ms(engine) / 1000};
    sweep->incomplete |= view.known < 0;
    enum mird_verdict_kind verdict = mird_sweep_verdict(instance, &view);
    if (verdict == MIRD_ADOPT)
        adopt(sweep, instance);
    else if (verdict == MIRD_END)
        end_it(sweep, instance, view.known);
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

static int sweep_round(struct sweep *sweep, struct mir_error *err)
{
    struct found found = {0};
    sweep->rebuilding = rebuilding(sweep->engine, sweep->prov);
    int rc = mir_prov_sweep(sweep->prov, collect, &found, err);
    mird_engine_clock_listen(sweep->engine, sweep->prov);
    for (size_t i = 0; !rc && i < found.count; i++)
        judge(sweep, &found.list[i]);
    if (!rc && sweep->rebuilding && !sweep->incomplete && found.count < FOUND_MAX)
        rebuilt(sweep->engine, sweep->prov);
    free(found.list);
    return rc;
}

int mird_sweep_once(struct mird_engine *engine, struct mir_prov *prov, struct mir_error *err)
{
    struct sweep sweep = {.engine = engine, .prov = prov};
    return sweep_round(&sweep, err);
}

/* Before anybody is served: with the database lost, the providers are asked what runs. One that
 * does not answer is asked again by every sweep. */
static void rebuild(struct mird_engine *engine)
{
    for (size_t i = 0; i < engine->core->provider_count; i++) {
        struct mir_error err = {0};
        struct sweep sweep = {
            .engine = engine, .prov = engine->core->providers[i], .adopt_only = true};
        if (rebuilding(engine, sweep.prov) && sweep_round(&sweep, &err))
            mir_log(MIR_LOG_WARN, "sweep", "%s: %s", mir_prov_info(sweep.prov)->name, err.text);
    }
}

/* Until the next round or the stop; true to go on. */
static bool wait_round(struct mird_engine *engine, bool soon)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += soon ? MIRD_SWEEP_AGAIN_S : MIRD_SWEEP_S;
    pthread_mutex_lock(&engine->lock);
    int rc = 0;
    while (!engine->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&engine->sweep, &engine->lock, &until);
    bool on = !engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return on;
}

void *mird_sweeper_main(void *ctx)
{
    struct mird_engine *engine = ctx;
    bool soon;
    do {
        soon = false;
        for (size_t i = 0; i < engine->core->provider_count; i++) {
            struct mir_error err = {0};
            struct mir_prov *prov = engine->core->providers[i];
            struct sweep sweep = {.engine = engine, .prov = prov};
            int rc = sweep_round(&sweep, &err);
            if (rc)
                mir_log(MIR_LOG_WARN, "sweep", "%s: %s", mir_prov_info(prov)->name, err.text);
            soon |= rc || sweep.ended;
        }
        mird_engine_clock_mark(engine);
        mird_store_reserve_restore(engine->core->store);
        mird_audit_watch(engine);
    } while (wait_round(engine, soon));
    return NULL;
}
