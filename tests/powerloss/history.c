/* SPDX-License-Identifier: ISC */
/* A history of leases, written through the store's own interface as the engine does it: what was
 * asked for, what came of it, and the moment when each was acknowledged. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "powerloss.h"
#include "store_sql.h"

#define START_S INT64_C(1800000000)
#define STEPS 6
#define WINDOW 16 /* leases that live at the same time */
#define BODY_SHA "body"

/* How a lease is asked for. */
struct call {
    bool add, adopt;
    struct mird_news news;
    struct mird_operation op;
    bool with_op;
    struct state next;
    struct mird_deployment d;
};

static void complain(struct history *h, const struct lease *lease, const char *what)
{
    if (!h->complaint[0])
        snprintf(h->complaint, sizeof h->complaint, "%s: %s", lease->d.name, what);
}

static void make_id(struct dice *dice, char out[MIR_ID_TEXT])
{
    const uint64_t bits[2] = {dice_next(dice), dice_next(dice)};
    mir_hex(bits, sizeof bits, out);
}

/* --- what a call asks for --- */

static struct state last_state(const struct lease *lease)
{
    if (!lease->state_count)
        return (struct state){0};
    return lease->states[lease->state_count - 1];
}

/* The last one that is known to be on the disk. */
static struct state sure_state(const struct lease *lease)
{
    for (unsigned i = lease->state_count; i > 0; i--)
        if (lease->states[i - 1].acknowledged != NEVER)
            return lease->states[i - 1];
    return (struct state){0};
}

static void add_event(struct call *call, const char *text)
{
    struct mird_event *event = &call->news.events[call->news.event_count++];
    mir_copy(event->kind, sizeof event->kind, "note");
    mir_copy(event->state, sizeof event->state, "running");
    mir_copy(event->text, sizeof event->text, text);
    call->next.events++;
}

static void add_audit(struct call *call, const char *what)
{
    struct mird_audit *audit = &call->news.audits[call->news.audit_count++];
    mir_copy(audit->what, sizeof audit->what, what);
    mir_copy(audit->who, sizeof audit->who, "tester");
    call->next.audits++;
}

static void add_operation(const struct lease *lease, struct call *call, const char *kind)
{
    call->op = lease->ops[lease->op_count];
    mir_copy(call->op.kind, sizeof call->op.kind, kind);
    call->with_op = true;
    call->news.operation = &call->op;
    call->next.ops_running |= 1u << call->next.ops;
    call->next.ops++;
}

static void end_operations(struct call *call)
{
    mir_copy(call->news.ends[0].kind, sizeof call->news.ends[0].kind, "");
    call->news.end_count = 1;
    call->next.ops_running = 0;
}

static void ask_first(size_t index, const struct lease *lease, struct call *call)
{
    call->add = true;
    call->adopt = index % 10 == 9;
    call->next.version = 1;
    call->next.events = call->next.audits = 1;
    if (call->adopt)
        return;
    call->op = lease->ops[0];
    mir_copy(call->op.kind, sizeof call->op.kind, "deploy");
    call->with_op = true;
    call->next.ops = call->next.ops_running = 1;
}

/* The n-th thing that happens to a lease; false when that is none. */
static bool ask(size_t index, const struct lease *lease, struct call *call)
{
    *call = (struct call){.d = lease->d, .next = sure_state(lease)};
    call->next.version++;
    switch (lease->step) {
    case 0:
        ask_first(index, lease, call);
        break;
    case 1:
        call->d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
        add_event(call, "to be launched");
        break;
    case 2:
        call->d.steps[MIRD_STEP_INSTANCE] = MIRD_DONE;
        call->d.seen_running = true;
        snprintf(call->d.error_text, sizeof call->d.error_text, "seen %zu", index);
        add_event(call, "running");
        add_event(call, "armed");
        add_audit(call, "launched");
        end_operations(call);
        break;
    case 3:
        if (index % 3)
            return false;
        call->d.deadline_s += 600;
        add_operation(lease, call, "extend");
        add_event(call, "extended");
        add_audit(call, "extend");
        break;
    case 4:
        if (index % 5 == 0)
            return false;
        call->d.end_reason = MIRD_END_REMOVED;
        add_operation(lease, call, "remove");
        add_audit(call, "remove");
        break;
    default:
        if (index % 5 == 0)
            return false;
        call->d.finished_s = call->d.created_s + 100;
        add_event(call, "gone");
        end_operations(call);
        break;
    }
    call->next.deadline_s = call->d.deadline_s;
    call->next.finished_s = call->d.finished_s;
    call->next.end_reason = call->d.end_reason;
    mir_copy(call->next.error_text, sizeof call->next.error_text, call->d.error_text);
    return true;
}

/* --- asking --- */

static int send(struct history *h, const struct lease *lease, struct call *call)
{
    struct mir_error err = {0};
    bool replayed;
    if (call->adopt)
        return mird_store_deployment_adopt(h->store, &call->d, START_S * 1000, &err);
    if (call->add)
        return mird_store_deployment_add(h->store, &call->d, &call->op, NULL, lease->key, BODY_SHA,
                                         &replayed, &err);
    return mird_store_deployment_commit(h->store, &call->d, &call->news, START_S * 1000, &err);
}

/* What the store shows of it now. */
static uint64_t shown_version(struct history *h, const struct lease *lease)
{
    struct mird_deployment d;
    struct mir_error err = {0};
    return mird_store_deployment_get(h->store, lease->d.id, &d, &err) ? 0 : d.version;
}

/* After a failure, and at a restart: what is shown is held for true, as the engine does. */
static void look_again(struct history *h, struct lease *lease, const struct call *call)
{
    struct state *state = &lease->states[lease->state_count - 1];
    uint64_t shown = shown_version(h, lease);
    if (state->acknowledged != NEVER || shown == sure_state(lease).version)
        return;
    if (shown != state->version) {
        complain(h, lease, "another version is shown than was ever asked for");
        return;
    }
    state->acknowledged = disk_now(&h->disk);
    lease->d = call->d;
    lease->d.version = shown;
    lease->op_count = state->ops;
    lease->step++;
}

/* The next thing of a lease, as asked for from now on; NULL: there is none. */
static struct state *begin(struct history *h, size_t index, struct call *call)
{
    struct lease *lease = &h->leases[index];
    while (lease->step < STEPS && !ask(index, lease, call))
        lease->step++;
    if (lease->step >= STEPS)
        return NULL;
    if (lease->state_count == LEASE_STATES) {
        complain(h, lease, "too many attempts");
        return NULL;
    }
    struct state *state = &lease->states[lease->state_count++];
    *state = call->next;
    state->begun = disk_now(&h->disk);
    state->acknowledged = h->early ? state->begun : NEVER;
    return state;
}

static void finish(struct history *h, struct lease *lease, const struct call *call,
                   const struct state *state, int rc)
{
    if (rc) {
        h->failed++;
        if (shown_version(h, lease) != sure_state(lease).version)
            complain(h, lease, "a call failed and something of it is there");
        return;
    }
    lease->d = call->d;
    lease->d.version = state->version;
    lease->op_count = state->ops;
    lease->step++;
}

/* One thing more of a lease: true when there was something to do. */
static bool go_on(struct history *h, size_t index)
{
    struct lease *lease = &h->leases[index];
    struct call call;
    struct state *state = begin(h, index, &call);
    if (!state)
        return false;
    int rc = send(h, lease, &call);
    if (!rc && !h->early)
        state->acknowledged = disk_now(&h->disk);
    finish(h, lease, &call, state, rc);
    return true;
}

/* --- many at once --- */

struct shot {
    struct history *h;
    struct lease *lease;
    struct call call;
    struct state *state;
    int rc;
    sem_t *over;
};

static void shot_done(void *ctx, int rc, const struct mir_error *err)
{
    struct shot *shot = ctx;
    (void)err;
    shot->rc = rc;
    if (!rc && !shot->h->early)
        shot->state->acknowledged = disk_now(&shot->h->disk);
    sem_post(shot->over);
}

static int wait_at_gate(struct mird_store *store, void *ctx, struct mir_error *err)
{
    (void)store;
    (void)err;
    sem_wait(ctx);
    return 0;
}

static void gate_done(struct mird_write *write)
{
    sem_post(write->ctx_owner);
}

/* Something of each of these leases, all of it queued while a write holds the store up: so it goes
 * into one group, and is written late (store_late.h). Returns how many. */
static size_t burst(struct history *h, size_t from, size_t to)
{
    struct shot *shots = mir_calloc(to - from, sizeof *shots);
    size_t count = 0;
    sem_t open, over;
    sem_init(&open, 0, 0);
    sem_init(&over, 0, 0);
    struct mird_write gate = {
        .write = wait_at_gate, .ctx = &open, .ctx_owner = &over, .done = gate_done};
    if (mird_store_submit(h->store, &gate))
        abort();
    for (size_t i = from; i < to; i++) {
        struct shot *shot = &shots[count];
        if (!h->leases[i].step)
            continue; /* it is added by a call that waits */
        *shot = (struct shot){.h = h, .lease = &h->leases[i], .over = &over};
        shot->state = begin(h, i, &shot->call);
        if (shot->state && mird_store_deployment_submit(h->store, &shot->call.d, &shot->call.news,
                                                        START_S * 1000, shot_done, shot))
            abort();
        count += shot->state != NULL;
    }
    sem_post(&open);
    for (size_t i = 0; i <= count; i++)
        sem_wait(&over); /* the gate too */
    for (size_t i = 0; i < count; i++)
        finish(h, shots[i].lease, &shots[i].call, shots[i].state, shots[i].rc);
    sem_destroy(&open);
    sem_destroy(&over);
    free(shots);
    return count;
}

static void tick(struct history *h)
{
    struct ticks *ticks = &h->ticks;
    char text[24];
    if (ticks->count == ticks->room) {
        ticks->room = ticks->room ? 2 * ticks->room : 64;
        ticks->list = mir_realloc(ticks->list, ticks->room, sizeof *ticks->list);
    }
    size_t n = ticks->count++;
    snprintf(text, sizeof text, "%zu", n + 1);
    ticks->list[n].begun = disk_now(&h->disk);
    ticks->list[n].acknowledged = NEVER;
    if (mird_store_setting_put(h->store, "ticks", text, NULL))
        h->failed++;
    else
        ticks->list[n].acknowledged = disk_now(&h->disk);
}

/* --- the course of it --- */

static void open_store(struct history *h)
{
    struct mir_error err = {0};
    int rc = mird_store_open(h->dir, &h->store, &err);
    if (rc && h->failing)
        rc = mird_store_open(h->dir, &h->store, &err); /* the one failure may have hit it */
    if (rc) {
        fprintf(stderr, "the history cannot go on: %s\n", err.text);
        abort();
    }
    h->opened = h->opened ? h->opened : disk_now(&h->disk);
}

/* The process dies, and the next one finds what the kernel has in memory. */
static void crash(struct history *h)
{
    h->disk.dead = true;
    mird_store_close(h->store);
    h->disk.dead = false;
    h->restarts++;
    open_store(h);
    for (size_t i = 0; i < h->lease_count; i++) {
        struct lease *lease = &h->leases[i];
        struct call call;
        if (lease->state_count && last_state(lease).acknowledged == NEVER && ask(i, lease, &call))
            look_again(h, lease, &call);
    }
}

static void close_and_open(struct history *h)
{
    mird_store_close(h->store);
    open_store(h);
}

/* Whichever of these leases has something left to do; false when none has. */
static bool go_on_any(struct history *h, size_t from, size_t to)
{
    size_t count = to - from, at = dice_roll(&h->dice, count);
    for (size_t i = 0; i < count; i++)
        if (go_on(h, from + (at + i) % count))
            return true;
    return false;
}

/* A few at a time, in no order. */
static void run_range(struct history *h, size_t from, size_t to, unsigned crashes)
{
    size_t every = (to - from) * STEPS / (crashes + 1), since = 0;
    for (size_t first = from; first < to; first += WINDOW) {
        size_t end = first + WINDOW < to ? first + WINDOW : to;
        for (unsigned failed = h->failed; go_on_any(h, first, end); failed = h->failed) {
            since += dice_roll(&h->dice, WINDOW) ? 1 : 1 + burst(h, first, end);
            if (dice_roll(&h->dice, 20) == 0)
                tick(h);
            if (since < every && !(h->falls && h->failed > failed))
                continue;
            since = 0;
            crash(h);
        }
    }
}

struct part {
    struct history *h;
    size_t from, to;
    pthread_t thread;
};

static void *run_part(void *ctx)
{
    const struct part *part = ctx;
    for (size_t i = part->from; i < part->to; i++)
        while (go_on(part->h, i))
            ;
    return NULL;
}

/* Several at the same time: their commits go into groups. */
static void run_threads(struct history *h, size_t from, size_t to, unsigned threads)
{
    struct part parts[16];
    if (threads > MIR_NELEMS(parts))
        threads = MIR_NELEMS(parts);
    for (unsigned i = 0; i < threads; i++) {
        parts[i] = (struct part){.h = h,
                                 .from = from + (to - from) * i / threads,
                                 .to = from + (to - from) * (i + 1) / threads};
        if (pthread_create(&parts[i].thread, NULL, run_part, &parts[i]))
            abort();
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(parts[i].thread, NULL);
}

static void make_lease(struct history *h, size_t index)
{
    struct lease *lease = &h->leases[index];
    struct mird_deployment *d = &lease->d;
    *d = (struct mird_deployment){.created_s = START_S + (int64_t)index,
                                  .deadline_s = START_S + 3600 + (int64_t)index,
                                  .memory_bytes = 64 << 20,
                                  .price.known = true};
    make_id(&h->dice, d->id);
    make_id(&h->dice, d->token);
    snprintf(d->name, sizeof d->name, "lease-%zu", index);
    mir_copy(d->provider, sizeof d->provider, "local");
    mir_copy(d->owner, sizeof d->owner, "tester");
    d->port_count = 1;
    d->ports[0] = (struct mir_port){
        .address = "127.0.0.1", .host_port = (uint16_t)(10000 + index), .guest_port = 80};
    if (index % 2 && index % 10 != 9)
        make_id(&h->dice, lease->key);
    for (size_t i = 0; i < LEASE_OPS; i++) {
        struct mird_operation *op = &lease->ops[i];
        *op = (struct mird_operation){.created_s = d->created_s};
        make_id(&h->dice, op->id);
        mir_copy(op->deployment, sizeof op->deployment, d->id);
        mir_copy(op->name, sizeof op->name, d->name);
    }
}

void history_run(struct history *h, const struct history_plan *plan)
{
    *h = (struct history){.early = plan->early, .dice = {plan->seed}};
    const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    snprintf(h->dir, sizeof h->dir, "%s/mir-power-XXXXXX", base);
    if (!mkdtemp(h->dir))
        abort();
    h->lease_count = plan->leases;
    h->leases = mir_calloc(plan->leases, sizeof *h->leases);
    for (size_t i = 0; i < plan->leases; i++)
        make_lease(h, i);
    disk_start(&h->disk);
    h->disk.lies = plan->lies;
    open_store(h);
    h->falls = plan->falls;
    h->failing = plan->fail_sync || plan->fail_write;
    h->disk.fail_sync_in = plan->fail_sync;
    h->disk.fail_write_in = plan->fail_write;
    size_t half = plan->threads ? plan->leases / 2 : plan->leases;
    run_range(h, 0, half, plan->crashes);
    if (plan->threads) {
        close_and_open(h);
        run_threads(h, half, plan->leases, plan->threads);
    }
    h->closing = disk_now(&h->disk);
    mird_store_close(h->store);
    disk_stop(&h->disk);
    mir_dir_remove_at(AT_FDCWD, h->dir, NULL);
}

void history_free(struct history *h)
{
    free(h->disk.ops);
    free(h->disk.bytes);
    free(h->ticks.list);
    free(h->leases);
}
