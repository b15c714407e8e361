/* SPDX-License-Identifier: ISC */
#include "daemon/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "carried_disk.h"
#include "daemon/cost.h"
#include "engine_parts.h"

#define LIVE_TIMEOUT_S 60

/* --- start and stop --- */

static int read_settings(struct mird_engine *engine, struct mir_error *err)
{
    int64_t timeout_s = LIVE_TIMEOUT_S;
    const char *text = mir_config_get(engine->core->config, "daemon", "live_timeout");
    if (text && mir_duration_parse(text, &timeout_s, err))
        return mir_error_wrap(err, "live_timeout in section [daemon]");
    engine->live_timeout_ms = timeout_s * 1000;
    return mird_policy_load(engine->core->config, &engine->policy, err);
}

static void init(struct mird_engine *engine, struct mird_core *core)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&engine->deploy_lock, NULL);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_mutex_init(&engine->copies.lock, NULL);
    pthread_cond_init(&engine->loaded, NULL);
    pthread_cond_init(&engine->idle, NULL);
    pthread_cond_init(&engine->sweep, &monotonic);
    pthread_condattr_destroy(&monotonic);
    engine->core = core;
    engine->wake_fd = engine->timer_fd = engine->clock_fd = -1;
    engine->resting.by_date = true;
    engine->reaper_due_boot_ms = engine->reaper_due_awake_ms = MIRD_NEVER;
    engine->started_boot_ms = mird_engine_boot_ms(engine);
    for (size_t i = 0; i < MIRD_LANES_MAX; i++)
        engine->lanes[i] = (struct mird_lane){
            .engine = engine, .prov = i < core->provider_count ? core->providers[i] : NULL};
    for (size_t i = 0; i < MIRD_LANES_MAX; i++) {
        pthread_cond_init(&engine->lanes[i].listed, NULL);
        pthread_mutex_init(&engine->lanes[i].reapers.lock, NULL);
    }
    mird_pools_init(engine);
}

static int start_threads(struct mird_engine *engine, struct mir_error *err)
{
    return mird_reaper_start(engine, err) || mird_pools_start(engine, err) ||
                   mird_sweepers_start(engine, err)
               ? -1
               : 0;
}

int mird_engine_start(struct mird_core *core, struct mird_engine **ret, struct mir_error *err)
{
    struct mird_engine *engine = mir_calloc(1, sizeof *engine);
    init(engine, core);
    mird_engine_clock_begin(engine);
    int rc = read_settings(engine, err) || mird_reconcile(engine, err) ? -1 : 0;
    if (!rc) {
        mird_carried_sweep(core);
        mird_proof_copies_begin(engine); /* before a new proof of the same disk can begin */
        rc = start_threads(engine, err);
    }
    if (rc) {
        mird_engine_stop(engine);
        return -1;
    }
    *ret = engine;
    return 0;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void join_all(struct mird_engine *engine)
{
    if (engine->reaper_running) {
        mird_reaper_nudge(engine);
        pthread_join(engine->reaper, NULL);
    }
    mird_pools_join(engine);
    for (size_t i = 0; i < MIRD_LANES_MAX; i++)
        if (engine->lanes[i].sweeping)
            pthread_join(engine->lanes[i].sweeper, NULL);
    pthread_mutex_lock(&engine->lock);
    while (engine->writing)
        pthread_cond_wait(&engine->idle, &engine->lock);
    pthread_mutex_unlock(&engine->lock);
}

bool mird_engine_stopping(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool stopping = engine->stopping;
    pthread_mutex_unlock(&engine->lock);
    return stopping;
}

void mird_engine_stop(struct mird_engine *engine)
{
    if (!engine)
        return;
    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    mird_pools_stop(engine);
    pthread_cond_broadcast(&engine->sweep);
    pthread_mutex_unlock(&engine->lock);
    join_all(engine);
    mird_table_free(engine);
    close_fd(engine->wake_fd);
    close_fd(engine->timer_fd);
    close_fd(engine->clock_fd);
    for (size_t i = 0; i < MIRD_LANES_MAX; i++) {
        pthread_cond_destroy(&engine->lanes[i].listed);
        pthread_mutex_destroy(&engine->lanes[i].reapers.lock);
    }
    pthread_cond_destroy(&engine->loaded);
    pthread_cond_destroy(&engine->idle);
    pthread_cond_destroy(&engine->sweep);
    pthread_mutex_destroy(&engine->lock);
    pthread_mutex_destroy(&engine->copies.lock);
    pthread_mutex_destroy(&engine->deploy_lock);
    free(engine->awake.entries);
    free(engine->resting.entries);
    free(engine);
}

/* --- changes of a lease --- */

static int find(struct mird_engine *engine, const char *name, struct mird_deployment *ret,
                struct mir_error *err)
{
    struct mird_entry *entry = mir_id_valid(name) ? mird_entry_find(engine, name) : NULL;
    if (entry) { /* also when the store cannot be read any more */
        mird_entry_snapshot(entry, ret);
        mird_entry_release(engine, entry);
        return 0;
    }
    struct mir_error why = {0};
    if (mir_id_valid(name) && !mird_store_deployment_get(engine->core->store, name, ret, &why))
        return 0;
    if (why.kind != MIR_OK && why.kind != MIR_NOT_FOUND) { /* not to be known now is not "none" */
        if (err)
            *err = why;
        return -1;
    }
    return mird_store_deployment_by_name(engine->core->store, name, ret, err);
}

static void new_operation(struct mird_engine *engine, const struct mird_deployment *d,
                          const char *kind, int64_t now_s, struct mird_operation *ret)
{
    *ret = (struct mird_operation){.created_s = now_s};
    mir_id_new(engine->core->random, ret->id);
    mir_copy(ret->kind, sizeof ret->kind, kind);
    mir_copy(ret->deployment, sizeof ret->deployment, d->id);
    mir_copy(ret->name, sizeof ret->name, d->name);
}

int mird_engine_clock_set(int64_t now_s, struct mir_error *err)
{
    char text[MIR_TIME_SIZE];
    if (now_s >= MIRD_CLOCK_SANE_S)
        return 0;
    mir_time_format(now_s, text);
    mir_fail(err, MIR_UNAVAILABLE,
             "the machine's clock was never set (it says %s): a deadline by "
             "it could not be kept",
             text);
    return mir_error_hint(err, "nothing was changed, and rm works; set the clock: timedatectl "
                               "set-ntp true");
}

/* What no deadline may be moved to. What is over or has passed is the lease machine's to say. */
static int check_extension(const struct mird_engine *engine, const struct mird_deployment *d,
                           int64_t deadline_s, int64_t now_s, struct mir_error *err)
{
    const struct mir_prov *prov = mird_core_provider(engine->core, d->provider);
    int64_t least_s = prov ? (int64_t)mir_prov_info(prov)->lease_min_s : 0;
    int64_t left_s = deadline_s - now_s;
    char text[MIR_TIME_SIZE], stays[MIR_TIME_SIZE];
    if (mird_engine_clock_set(now_s, err))
        return -1;
    if (left_s <= engine->policy.ttl_max_s && (left_s <= 0 || left_s >= least_s))
        return 0;
    bool far = left_s > engine->policy.ttl_max_s;
    mir_duration_format(far ? engine->policy.ttl_max_s : least_s, text);
    mir_deadline_format(d->deadline_s, stays);
    if (far)
        mir_fail(err, MIR_POLICY,
                 "a deadline that far away is not allowed; the longest lease is %s", text);
    else
        mir_fail(err, MIR_POLICY,
                 "a deadline that near cannot be kept; the shortest lease on %s is %s", d->provider,
                 text);
    return mir_error_hint(err, "%s %s; %s",
                          mir_forever(d->deadline_s) ? "it goes on with" : "its deadline stays",
                          stays, far ? "extend by less, and again later" : "to end it now use rm");
}

/* When the guest switches itself off; INT64_MAX: it does not. */
static int64_t guest_end_s(const struct mird_deployment *d)
{
    int64_t end_s = d->deadline_s;
    bool told = d->carrier != MIR_CARRIER_NONE || (d->takes_part & MIR_PART_ARGS);
    if (!told || !(d->takes_part & MIR_PART_DEADLINE) || mir_forever(d->deadline_s))
        return INT64_MAX;
    for (unsigned i = 0; i < d->hook_count; i++)
        if (!strcmp(d->hooks[i].name, "guest") && d->hooks[i].deadline_s)
            end_s = d->hooks[i].deadline_s; /* as it says itself */
    return end_s + MIRD_GUEST_GRACE_S;
}

/* A guest that ends itself, and cannot be told of a later deadline, would not live to see it. */
static int check_guest(const struct mird_engine *engine, const struct mird_deployment *d,
                       int64_t deadline_s, struct mir_error *err)
{
    const struct mir_prov *prov = mird_core_provider(engine->core, d->provider);
    bool told =
        prov && mir_prov_info(prov)->tells_guests && (d->takes_part & MIR_PART_CONSOLE_DEADLINE);
    bool started = d->steps[MIRD_STEP_INSTANCE] != MIRD_TODO;
    char end[MIR_TIME_SIZE];
    int64_t end_s = guest_end_s(d);
    if (told || !started || d->end_reason != MIRD_END_NONE || deadline_s <= end_s)
        return 0;
    mir_time_format(end_s, end);
    mir_fail(err, MIR_POLICY,
             "'%s' cannot be extended: its guest was told to switch itself off at %s, and on %s "
             "nobody can tell it otherwise",
             d->name, end, d->provider);
    if (d->carrier != MIR_CARRIER_NONE)
        return mir_error_hint(err, "deploy it again, with a longer --ttl");
    return mir_error_hint(err, "deploy it with a longer --ttl; or with `-- deadline=0`, by which "
                               "the guest keeps no deadline of its own and can be extended");
}

/* What it may cost when it lives so much longer. A shorter life is within every budget. */
static int check_budget(const struct mird_engine *engine, const struct mird_deployment *d,
                        int64_t deadline_s, struct mir_error *err)
{
    struct mird_committed others = {0};
    const struct mird_budget budget = {.provider = d->provider,
                                       .price = &d->price,
                                       .created_s = d->created_s,
                                       .deadline_s = deadline_s,
                                       .own_micro = d->place.budget_micro,
                                       .all_micro = engine->policy.budget_micro,
                                       .committed = &others,
                                       .extends = d->name};
    if (deadline_s <= d->deadline_s || d->end_reason != MIRD_END_NONE)
        return 0;
    if (budget.all_micro && mird_store_committed(engine->core->store, d->id, &others, err))
        return -1;
    return mird_budget_check(&budget, err);
}

static int extend_locked(struct mird_engine *engine, const char *name,
                         const struct mird_input *extend, struct mird_deployment *ret_d,
                         struct mird_operation *ret_op, struct mir_error *err)
{
    struct mird_deployment d;
    struct mird_operation op;
    int64_t now_s = mird_engine_now_ms(engine) / 1000;
    if (find(engine, name, &d, err) || check_extension(engine, &d, extend->deadline_s, now_s, err))
        return -1;
    struct mird_entry *entry = mird_entry_find(engine, d.id);
    if (!entry) {
        mir_fail(err, MIR_CONFLICT, "'%s' cannot be extended: it is over", d.name);
        return mir_error_hint(err, "nothing of it is left; deploy it again");
    }
    new_operation(engine, &d, "extend", now_s, &op);
    int rc = check_guest(engine, &d, extend->deadline_s, err) ||
                     check_budget(engine, &d, extend->deadline_s, err)
                 ? -1
                 : 0;
    if (!rc)
        rc = mird_entry_change(engine, entry, extend, &op, err);
    if (!rc) {
        mird_entry_snapshot(entry, ret_d);
        *ret_op = op;
        mird_engine_poke(engine, entry, false);
    }
    mird_entry_release(engine, entry);
    return rc;
}

int mird_engine_extend(struct mird_engine *engine, const char *name, const char *who,
                       int64_t deadline_s, uint64_t expect_version, struct mird_deployment *ret_d,
                       struct mird_operation *ret_op, struct mir_error *err)
{
    const struct mird_input extend = {
        .kind = MIRD_IN_EXTEND, .who = who, .deadline_s = deadline_s, .version = expect_version};
    /* Of two that would be within the budget one by one, only one may find it so. */
    bool one_by_one = engine->policy.budget_micro != 0;
    if (one_by_one)
        pthread_mutex_lock(&engine->deploy_lock);
    int rc = extend_locked(engine, name, &extend, ret_d, ret_op, err);
    if (one_by_one)
        pthread_mutex_unlock(&engine->deploy_lock);
    return rc;
}

/* It is over already: a success that needs no work. */
static int removed_before(struct mird_engine *engine, const struct mird_deployment *d,
                          int64_t now_s, struct mird_deployment *ret_d,
                          struct mird_operation *ret_op, struct mir_error *err)
{
    struct mird_operation op;
    new_operation(engine, d, "remove", now_s, &op);
    op.finished_s = now_s;
    if (mird_store_operation_add(engine->core->store, &op, err))
        return -1;
    *ret_d = *d;
    *ret_op = op;
    return 0;
}

int mird_engine_remove(struct mird_engine *engine, const char *name, const char *who,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err)
{
    const struct mird_input remove = {.kind = MIRD_IN_REMOVE, .who = who};
    struct mird_deployment d;
    struct mird_operation op;
    int64_t now_s = mird_engine_now_ms(engine) / 1000;
    if (find(engine, name, &d, err))
        return -1;
    struct mird_entry *entry = mird_entry_find(engine, d.id);
    if (entry)
        mird_entry_snapshot(entry, &d);
    if (!entry || d.finished_s) {
        if (entry)
            mird_entry_release(engine, entry);
        return removed_before(engine, &d, now_s, ret_d, ret_op, err);
    }
    new_operation(engine, &d, "remove", now_s, &op);
    int rc = mird_entry_change(engine, entry, &remove, &op, err);
    if (!rc) {
        mird_entry_snapshot(entry, ret_d);
        *ret_op = op;
    }
    mird_engine_poke(engine, entry, true); /* also when the answer could not be written */
    mird_entry_release(engine, entry);
    return rc;
}

void mird_engine_probed(struct mird_engine *engine, const char *deployment,
                        const struct mird_probe *probe)
{
    const struct mird_input probed = {.kind = MIRD_IN_PROBED, .probe = probe};
    struct mird_entry *entry = mird_entry_find(engine, deployment);
    if (!entry)
        return;
    mird_entry_change(engine, entry, &probed, NULL, NULL);
    mird_entry_release(engine, entry);
}

void mird_engine_follow(struct mird_engine *engine, const char *id)
{
    pthread_mutex_lock(&engine->lock);
    struct mird_entry *entry = mird_entry_peek(engine, id);
    if (entry && !entry->followed) {
        entry->followed = true;
        mird_queue_put(engine, entry);
    }
    pthread_mutex_unlock(&engine->lock);
}

bool mird_engine_turns(struct mird_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool turned = !engine->reaper_nudged_awake_ms;
    pthread_mutex_unlock(&engine->lock);
    mird_reaper_nudge(engine);
    return turned;
}

void mird_engine_figures(struct mird_engine *engine, struct mird_engine_figures *ret)
{
    const struct mir_clock *clock = engine->core->clock;
    *ret = (struct mird_engine_figures){
        .reaper_late_ms = mird_reaper_late_ms(engine),
        .teardowns_ok = atomic_load(&engine->teardowns_ok),
        .teardowns_failed = atomic_load(&engine->teardowns_failed),
        .worst_lateness_s = atomic_load(&engine->worst_lateness_s),
        .clock_behind_ms = mird_engine_now_ms(engine) - clock->utc_ms(clock->ctx),
    };
}
