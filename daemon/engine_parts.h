/* SPDX-License-Identifier: ISC */
/*
 * Inside the engine: its entries, and what its files ask of one another.
 *
 * An entry is all that a lease costs while it rests: about a hundred bytes. What its document says
 * is in its body, which is read from the store for whoever holds a reference and dropped when the
 * last of them lets go of a lease that rests.
 *
 * Locks, taken in this order: deploy_lock, body->lock, engine->lock. What a body holds is guarded
 * by body->lock, which is never held during a provider call; an entry by engine->lock. At any time
 * at most one worker is busy with an entry, and only it calls the provider for it.
 */
#ifndef MIRD_ENGINE_PARTS_H
#define MIRD_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/answer.h"
#include "daemon/engine.h"
#include "daemon/held.h"
#include "hook_reaper.h"
#include "proof_copy.h"

#define MIRD_TAIL_BYTES 2048    /* of the console, kept for the last lines */
#define MIRD_LOG_MAX (8u << 20) /* bytes kept of one console: the first ones */
#define MIRD_WATCHED_MAX 64     /* leases of one provider that are looked at one by one */
#define MIRD_WRITING_MAX 512    /* bodies whose write nobody waits for */
#define MIRD_AT_ONCE INT64_MIN
#define MIRD_GUEST_GRACE_S 30 /* the guest's own timer comes after all others */

/* What a lease that is awake has in memory. */
struct mird_body {
    pthread_mutex_t lock;
    pthread_cond_t written;
    struct mird_held held;
    bool bare;    /* made without the store, which could not be read */
    bool writing; /* a write is under way that nobody waits for */

    /* Of the busy worker. */
    struct mird_drive drive;
    unsigned reread_left; /* after an extension: times to ask the guest for its deadline */
    uint64_t console_offset;
    bool console_known; /* the offset has been set */
    char tail[MIRD_TAIL_BYTES];
    size_t tail_len;
};

/* A lease that is not over. All under engine->lock but what is immutable (id, lane). */
struct mird_entry {
    char id[MIR_ID_TEXT];
    uint8_t lane;      /* of its provider */
    uint8_t seen;      /* the round of listing that showed it last, while it rests */
    bool rests : 1;    /* nothing to do before its deadline, by the record in the store */
    bool by_date : 1;  /* it is in the heap of those that rest, by deadline_s */
    bool followed : 1; /* somebody wants its console as it comes */
    bool watched : 1;  /* looked at one by one */
    bool loading : 1;  /* its body is being read */
    bool queued : 1, busy : 1, poked : 1, over : 1;
    bool claimed : 1;        /* it was told that something foreign names it */
    bool urgent : 1;         /* its teardown is under way or due */
    uint32_t refs;           /* one is the table's */
    uint32_t heap_at;        /* 1-based; 0: in no heap */
    uint32_t created_boot_s; /* not before the last moment of a possible create; 0 none */
    int64_t deadline_s;
    int64_t wake_boot_ms;
    struct mird_entry *next_in_bucket;
    struct mird_entry *next_in_queue;
    struct mird_body *body; /* whoever has a reference, and not the table, finds one here */
};

struct mird_queue {
    struct mird_entry *head, *tail;
};

/* Is something of that kind listed under this id, as mird_shows says? */
struct mird_question {
    enum mir_object_kind kind;
    const char *id;             /* borrowed */
    struct mir_place place;     /* where all of it is */
    struct mir_instance *found; /* filled when it is */
    struct mird_listed listed;
    /* Of listing.c. */
    bool answered;
    int rc;
    struct mir_error err;
    struct mird_question *next;
};

/* One account of one provider. Nothing of it can keep another's waiting. */
struct mird_lane {
    struct mir_prov *prov; /* borrowed; NULL: not built in */
    struct mird_engine *engine;
    unsigned watched, resting;   /* how many of its entries are */
    unsigned taken_up;           /* at the start, to be looked at one by one */
    uint8_t round;               /* of its listing */
    struct mird_question *asked; /* for the next listing */
    bool listing;                /* one is under way for those who asked before */
    pthread_cond_t listed;
    pthread_t sweeper;
    bool sweeping;
    struct mird_reaper_heard reapers; /* with a lock of its own */
};

#define MIRD_LANES_MAX (MIRD_PROVIDERS_MAX + 1) /* the last: providers that are not built in */

struct mird_heap {
    struct mird_entry **entries; /* 1-based */
    size_t count, room;
    bool by_date; /* by deadline_s, else by wake_boot_ms */
};

/* Threads for one kind of work, as many as it takes for some of them not to hang (pool.c). */
struct mird_worker {
    struct mird_pool *pool;
    pthread_t thread;
    int64_t began_boot_ms; /* with the entry it has; 0 idle */
};

struct mird_pool {
    struct mird_engine *engine;
    const char *name;
    unsigned base;     /* threads that are to be free of hanging calls */
    unsigned lane_max; /* threads for one lane */
    struct mird_queue queues[MIRD_LANES_MAX];
    unsigned busy[MIRD_LANES_MAX];
    unsigned next_lane, queued, idle;
    pthread_cond_t work;
    struct mird_worker **workers; /* owned */
    unsigned worker_count;
    int64_t minded_boot_ms; /* last time that its threads were counted */
};

/* An entry is being handed to the workers because its moment has come. With engine->lock held. */
typedef void mird_fired_fn(void *ctx, const struct mird_entry *entry);

struct mird_engine {
    struct mird_core *core;
    struct mird_policy policy;
    int64_t live_timeout_ms;

    pthread_mutex_t deploy_lock; /* one deploy (or lease taken up) at a time: names and ports are
                                    checked and taken */
    int64_t counted_seq, count_again_ms; /* reconcile.c: the last count; with deploy_lock held */

    pthread_mutex_t lock;
    pthread_cond_t loaded; /* a body was read */
    pthread_cond_t idle;   /* no write is under way that nobody waits for */
    bool stopping;
    struct mird_entry **buckets;
    size_t bucket_count, entry_count; /* bucket_count: a power of two */
    struct mird_lane lanes[MIRD_LANES_MAX];
    struct mird_pool launches, teardowns;
    struct mird_heap awake, resting;
    unsigned writing; /* writes that nobody waits for */
    struct mird_now now;
    int64_t started_boot_ms;

    int wake_fd;          /* eventfd: a heap's top or `stopping` changed */
    int timer_fd;         /* CLOCK_BOOTTIME: the nearest of `awake` */
    int clock_fd;         /* CLOCK_REALTIME: the nearest of `resting`; cancelled by a set clock */
    pthread_cond_t sweep; /* stopping, or sweep earlier */
    pthread_t reaper;
    bool reaper_running;
    struct mird_audit_check audit; /* of the first sweeper */
    int64_t reaper_due_boot_ms;    /* it turns at this moment at the latest */
    /* How late it is goes by the time in which the machine was awake: in the other it cannot turn.
     * CLOCK_MONOTONIC. */
    int64_t reaper_due_awake_ms;
    int64_t reaper_nudged_awake_ms; /* 0: it has turned since */

    struct mird_proof_copies copies; /* with a lock of its own */

    atomic_ulong teardowns_ok, teardowns_failed;
    _Atomic int64_t worst_lateness_s;
    mird_fired_fn *fired; /* for who measures lateness; NULL: nobody */
    void *fired_ctx;
};

/* --- table.c: entries, and their bodies --- */

/* The wall clock in ms, never going back while this process lives: early is cheap, late is not. */
int64_t mird_engine_now_ms(struct mird_engine *engine);
int64_t mird_engine_boot_ms(const struct mird_engine *engine);
/* Is it to stop? Whoever works for long asks now and then. */
bool mird_engine_stopping(struct mird_engine *engine);

/* What the machine has to know of a kernel on a provider; each may be NULL: not known. */
struct mird_rules mird_rules_for(const struct mird_engine *engine, const struct mir_prov *prov,
                                 const struct mir_kernel *kernel, enum mir_carrier carrier);

/* --- engine_clock.c --- */

/* Before anything else: not earlier than the store has seen. */
void mird_engine_clock_begin(struct mird_engine *engine);
/* Write down what time it is, for the process that comes next; with every sweep. */
void mird_engine_clock_mark(struct mird_engine *engine);
/* After an answer of the provider: take over its Date when that is later than what we believe. */
void mird_engine_clock_listen(struct mird_engine *engine, const struct mir_prov *prov);

/* --- table.c, the entries --- */

/* Puts a new entry with this document into the table (which takes one reference). */
struct mird_entry *mird_entry_add(struct mird_engine *engine, const struct mird_deployment *d,
                                  bool restarted);
/* The same without a document: it is read when somebody needs it. */
struct mird_entry *mird_entry_add_open(struct mird_engine *engine,
                                       const struct mird_open_lease *lease);
/* With a reference and a body, or NULL when there is none (final ones are not in the table). */
struct mird_entry *mird_entry_find(struct mird_engine *engine, const char *id);
/* Under engine->lock, without a reference. */
struct mird_entry *mird_entry_peek(struct mird_engine *engine, const char *id);
/* Of an entry with a new reference: reads its body if it has none. Without any lock. */
void mird_entry_wake(struct mird_engine *engine, struct mird_entry *entry);
void mird_entry_release(struct mird_engine *engine, struct mird_entry *entry);
void mird_table_reserve(struct mird_engine *engine, size_t count);
void mird_table_free(struct mird_engine *engine);
struct mir_prov *mird_entry_prov(const struct mird_engine *engine, const struct mird_entry *entry);

/* --- body.c: a document in memory, made from the store or, when that fails, without it --- */

struct mird_body *mird_body_new(struct mird_engine *engine, const struct mird_deployment *d);
void mird_body_free(struct mird_body *body);
/* What the store has of it, as if the process had restarted when the lease came to rest. */
struct mird_body *mird_body_load(struct mird_engine *engine, const struct mird_entry *entry);
/* With body->lock held: take over what the store has, now that it can be read. 0, or -1. */
int mird_body_complete(struct mird_engine *engine, struct mird_body *body, struct mir_error *err);

/* --- entry.c: the record --- */

void mird_entry_snapshot(struct mird_entry *entry, struct mird_deployment *ret);

/* Apply an input and commit what it calls for. An intent or an extension that cannot be written
 * did not happen: -1, the record as before. Everything else goes on in memory and is written
 * later. op (may be NULL) is added in the same transaction, then a failed write is -1. */
int mird_entry_change(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_input *input, const struct mird_operation *op,
                      struct mir_error *err);

/* The same for the busy worker, without waiting for the disk: true when a write is under way, and
 * the entry is no longer the worker's; it is queued again when the write is done. */
bool mird_entry_change_later(struct mird_engine *engine, struct mird_entry *entry,
                             const struct mird_input *input);

/* Write what a failed write has left. 0 also when there is nothing. */
int mird_entry_flush(struct mird_engine *engine, struct mird_entry *entry);

/* Events that are no transition ("note"), in one transaction. */
void mird_entry_note(struct mird_engine *engine, struct mird_entry *entry,
                     const struct mird_news *news);

/* --- heap.c; all under engine->lock --- */

/* Into the heap where it belongs: by its deadline when it rests, else by wake_boot_ms. */
void mird_heap_put(struct mird_engine *engine, struct mird_entry *entry);
void mird_heap_take(struct mird_engine *engine, struct mird_entry *entry);
struct mird_entry *mird_heap_top(const struct mird_heap *heap);

/* engine.c: MIR_UNAVAILABLE when the time cannot be right: no deadline is promised by it. Ending is
 * never refused for that. */
int mird_engine_clock_set(int64_t now_s, struct mir_error *err);

/* --- reaper.c: when --- */

void mird_reaper_nudge(struct mird_engine *engine);
/* How late its next round is, by the time in which the machine was awake; 0 when it is not. Nudges
 * it, so that one which hangs shows with the next question. */
int64_t mird_reaper_late_ms(struct mird_engine *engine);
void mird_reaper_everyone(struct mird_engine *engine); /* the time jumped: look at every entry */
/* Something changed about an entry: have a worker look at it now. */
void mird_engine_poke(struct mird_engine *engine, struct mird_entry *entry, bool urgent);
int mird_reaper_start(struct mird_engine *engine, struct mir_error *err);

/* --- pool.c: who; the first four under engine->lock --- */

void mird_queue_put(struct mird_engine *engine, struct mird_entry *entry);
/* One that has been begun: bodies in memory stay few however many are due. */
void mird_queue_put_first(struct mird_engine *engine, struct mird_entry *entry);
/* Enough threads that do not hang? Returns when to ask again, MIRD_NEVER: when something is queued.
 */
int64_t mird_pools_mind(struct mird_engine *engine, int64_t boot_ms);
void mird_pools_stop(struct mird_engine *engine);
struct mird_entry *mird_pool_take(struct mird_worker *worker);
/* lane: of the entry, which may be gone by now. */
void mird_pool_done(struct mird_worker *worker, unsigned lane);
void mird_pools_init(struct mird_engine *engine);
int mird_pools_start(struct mird_engine *engine, struct mir_error *err);
void mird_pools_join(struct mird_engine *engine);

/* --- worker.c --- */

void *mird_worker_main(void *worker);
/* The entry is not the worker's any more: back into a heap, a queue, or out of the table. */
void mird_entry_give_back(struct mird_engine *engine, struct mird_entry *entry,
                          int64_t wake_boot_ms);

/* --- reconcile.c, sweep.c --- */
int mird_reconcile(struct mird_engine *engine, struct mir_error *err);
/* With every sweep: what is not over in the store and in nobody's hands is taken up. */
void mird_reconcile_again(struct mird_engine *engine);
/* Before anybody is served: what a lost database knew is taken up. */
void mird_rebuild(struct mird_engine *engine);
int mird_sweepers_start(struct mird_engine *engine, struct mir_error *err);
/* audit_watch.c: check what came to the audit log since the last time; a broken row is said at
 * once, and with every start. */
void mird_audit_watch(struct mird_engine *engine);
/* One round over one provider. */
int mird_sweep_once(struct mird_engine *engine, struct mir_prov *prov, struct mir_error *err);

/* --- listing.c --- */
/* Answered by a listing that begins after the question, together with what others ask. */
int mird_listing_ask(struct mird_engine *engine, struct mird_lane *lane,
                     struct mird_question *question, struct mir_error *err);

/* --- adopt.c --- */
/* A deployment from an instance that the (new) store does not know: durable and in the table after
 * 0. With deploy_lock held. */
int mird_adopt(struct mird_engine *engine, const struct mir_prov *prov,
               const struct mir_instance *found, struct mir_error *err);

/* --- step_*.c: what a step does and how it is undone --- */

/* Do the step for the record as it was, as struct mird_transport wants it. */
typedef int mird_make_fn(struct mird_engine *engine, struct mird_entry *entry,
                         const struct mird_deployment *d, struct mird_answer *ret);
typedef int mird_end_fn(struct mird_engine *engine, struct mird_entry *entry,
                        const struct mird_deployment *d, struct mir_error *err);

mird_make_fn mird_image_make, mird_instance_make, mird_hooks_make, mird_site_make;
mird_end_fn mird_image_end, mird_instance_end, mird_site_end;

/* transport.c: asks the provider (or the registry) what is to be asked, and fills *ret. */
void mird_entry_ask(struct mird_engine *engine, struct mird_entry *entry,
                    const struct mird_ask *ask, struct mird_answer *ret);

struct mird_subject; /* carry.h */

/* Everything a provider wants to know, from the record and the kernel. lease, subject borrowed. */
int mird_spec_make(struct mird_engine *engine, const struct mird_deployment *d,
                   const struct mir_lease *lease, const struct mird_subject *subject,
                   struct mir_instance_spec *ret, struct mir_error *err);
/* The bootable file of a kernel: as stored, or unpacked. Owned. */
char *mird_kernel_bootable(const struct mird_core *core, const struct mir_kernel *kernel);
bool mird_kernel_packed(const struct mir_kernel *kernel);

/* --- console.c --- */

/* Appends what is new to the kept log; 1 when there was any. */
int mird_console_pull(struct mird_engine *engine, struct mird_entry *entry);
/* Of an instance that has just been seen ended, and had a carrier that says why: that goes into its
 * end_reason (carrier_word.h). */
void mird_console_take_word(struct mird_engine *engine, struct mird_entry *entry,
                            struct mir_instance *instance);
/* The last lines as events. */
void mird_console_tell_end(struct mird_engine *engine, struct mird_entry *entry);

#endif
