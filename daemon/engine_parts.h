/* SPDX-License-Identifier: ISC */
/*
 * Inside the engine: its entries, and what its files ask of one another.
 *
 * Locks, taken in this order: deploy_lock, entry->lock, engine->lock. The record of an entry is
 * guarded by entry->lock, which is never held during a provider call; its place in table, heap and
 * queue by engine->lock. At any time at most one worker is busy with an entry, and only it calls
 * the provider for it.
 */
#ifndef MIRD_ENGINE_PARTS_H
#define MIRD_ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/engine.h"
#include "daemon/turn.h"

#define MIRD_BUCKETS 1024u
#define MIRD_WORKERS 4
#define MIRD_TEARDOWN_WORKERS 2
#define MIRD_TAIL_BYTES 2048 /* of the console, kept for the last lines */

struct mird_entry {
    /* Immutable. */
    char id[MIR_ID_TEXT];
    struct mir_prov *prov; /* borrowed; NULL: its provider is not built in */
    struct mird_rules rules;

    pthread_mutex_t lock;
    struct mird_deployment d;      /* as it is */
    struct mird_deployment stored; /* as the store has it */
    bool dirty;                    /* a write failed: to be made up for */
    int64_t stepped_ms;            /* jumps of the clock that d has followed */

    /* Under engine->lock. */
    struct mird_entry *next_in_bucket;
    struct mird_entry *next_in_queue;
    unsigned refs;
    bool queued, busy, poked, over;
    bool urgent;    /* its teardown is under way or due */
    size_t heap_at; /* 1-based; 0: not in the heap */
    int64_t wake_boot_ms;

    /* Of the busy worker. */
    struct mird_pace pace;
    bool intended; /* the deploy wrote the instance's intent, and nobody has acted on it yet */
    unsigned reread_left; /* after an extension: times to ask the guest for its deadline */
    uint64_t console_offset;
    bool console_known; /* the offset has been set */
    char tail[MIRD_TAIL_BYTES];
    size_t tail_len;
};

struct mird_queue {
    struct mird_entry *head, *tail;
};

struct mird_engine {
    struct mird_core *core;
    struct mird_policy policy;
    int64_t live_timeout_ms;

    pthread_mutex_t deploy_lock; /* one deploy at a time: names and ports are checked and taken */

    pthread_mutex_t lock;
    pthread_cond_t work; /* either queue got something, or stopping */
    bool stopping;
    struct mird_entry *buckets[MIRD_BUCKETS];
    struct mird_queue urgent, normal;
    struct mird_entry **heap; /* 1-based, by wake_boot_ms */
    size_t heap_count, heap_room;
    struct mird_now now;

    int wake_fd;          /* eventfd: the heap's top or `stopping` changed */
    int timer_fd;         /* CLOCK_BOOTTIME */
    int clock_fd;         /* CLOCK_REALTIME, cancelled when the clock is set */
    pthread_cond_t sweep; /* stopping */

    pthread_t workers[MIRD_WORKERS + MIRD_TEARDOWN_WORKERS], reaper, sweeper;
    unsigned workers_running;
    bool reaper_running, sweeper_running;
    struct mird_audit_check audit; /* the sweeper's */

    _Atomic int64_t reaper_boot_ms; /* of its last round */
    int64_t woken_boot_ms;          /* by mird_engine_turns */
    atomic_ulong teardowns_ok, teardowns_failed;
    _Atomic int64_t worst_lateness_s;
};

/* --- entry.c: the table and the record --- */

/* The wall clock in ms, never going back while this process lives: early is cheap, late is not. */
int64_t mird_engine_now_ms(struct mird_engine *engine);
int64_t mird_engine_boot_ms(const struct mird_engine *engine);

/* What the machine has to know of a kernel on a provider; each may be NULL: not known. */
struct mird_rules mird_rules_for(const struct mird_engine *engine, const struct mir_prov *prov,
                                 const struct mir_kernel *kernel);

/* --- engine_clock.c --- */

/* Before anything else: not earlier than the store has seen. */
void mird_engine_clock_begin(struct mird_engine *engine);
/* Write down what time it is, for the process that comes next; with every sweep. */
void mird_engine_clock_mark(struct mird_engine *engine);
/* After an answer of the provider: take over its Date when that is later than what we believe. */
void mird_engine_clock_listen(struct mird_engine *engine, const struct mir_prov *prov);

/* Puts a new entry into the table (takes one reference for it). */
struct mird_entry *mird_entry_add(struct mird_engine *engine, const struct mird_deployment *d,
                                  bool restarted);
/* With a reference, or NULL when there is none (final ones are not in the table). */
struct mird_entry *mird_entry_find(struct mird_engine *engine, const char *id);
void mird_entry_release(struct mird_engine *engine, struct mird_entry *entry);
void mird_entry_free_all(struct mird_engine *engine);

void mird_entry_snapshot(struct mird_entry *entry, struct mird_deployment *ret);

/* Apply an input and commit what it calls for. An intent or an extension that cannot be written
 * did not happen: -1, the record as before. Everything else goes on in memory and is written
 * later. op (may be NULL) is added in the same transaction, then a failed write is -1. */
int mird_entry_change(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_input *input, const struct mird_operation *op,
                      struct mir_error *err);

/* Write what a failed write has left. 0 also when there is nothing. */
int mird_entry_flush(struct mird_engine *engine, struct mird_entry *entry);

/* Events that are no transition ("note"), in one transaction. */
void mird_entry_note(struct mird_engine *engine, struct mird_entry *entry,
                     const struct mird_news *news);

/* --- reaper.c: when --- */

/* Under engine->lock. */
void mird_heap_put(struct mird_engine *engine, struct mird_entry *entry, int64_t wake_boot_ms);
void mird_heap_take(struct mird_engine *engine, struct mird_entry *entry);
void mird_queue_put(struct mird_engine *engine, struct mird_entry *entry);

void mird_reaper_nudge(struct mird_engine *engine);
void mird_reaper_everyone(struct mird_engine *engine); /* the time jumped: look at every entry */
/* Something changed about an entry: have a worker look at it now. */
void mird_engine_poke(struct mird_engine *engine, struct mird_entry *entry, bool urgent);
int mird_reaper_start(struct mird_engine *engine, struct mir_error *err);
void *mird_reaper_main(void *engine);

/* --- worker.c --- */
void *mird_worker_main(void *engine);
void *mird_teardown_worker_main(void *engine);

/* --- reconcile.c --- */
int mird_reconcile(struct mird_engine *engine, struct mir_error *err);
void *mird_sweeper_main(void *engine);
/* audit_watch.c: check what came to the audit log since the last time; a broken row is said at
 * once, and with every start. */
void mird_audit_watch(struct mird_engine *engine);
/* One round over one provider. */
int mird_sweep_once(struct mird_engine *engine, struct mir_prov *prov, struct mir_error *err);

/* --- adopt.c --- */
/* A deployment from an instance that the (new) store does not know: durable and in the table after
 * 0. */
int mird_adopt(struct mird_engine *engine, const struct mir_prov *prov,
               const struct mir_instance *found, struct mir_error *err);

/* --- step_*.c: what a step does and how it is undone --- */

/* The answer of a step, with the storage that its input points to. */
struct mird_answer {
    struct mird_input input;
    struct mir_instance instance;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    char image_id[MIR_INSTANCE_ID];
    struct mir_error error;
};

typedef void mird_step_fn(struct mird_engine *engine, struct mird_entry *entry,
                          const struct mird_deployment *d, struct mird_answer *ret);

mird_step_fn mird_image_do, mird_instance_do, mird_hooks_do, mird_site_do;
mird_step_fn mird_image_undo, mird_instance_undo, mird_hooks_undo, mird_site_undo;
mird_step_fn mird_instance_look, mird_instance_confirm, mird_image_confirm;

/* The second half of a confirmation, when the get has answered ret->instance: where that is absent,
 * the listing may show nothing of that kind for the deployment either. Sets ret->input. */
void mird_confirm_listed(struct mird_engine *engine, struct mir_prov *prov,
                         enum mir_object_kind kind, const char *deployment,
                         struct mird_answer *ret);

/* Everything a provider wants to know, from the record and the kernel. lease borrowed. */
int mird_spec_make(struct mird_engine *engine, const struct mird_deployment *d,
                   const struct mir_lease *lease, const struct mir_kernel *kernel,
                   const char *kernel_path, struct mir_instance_spec *ret, struct mir_error *err);
/* The bootable file of a kernel: as stored, or unpacked. Owned. */
char *mird_kernel_bootable(const struct mird_core *core, const struct mir_kernel *kernel);
bool mird_kernel_packed(const struct mir_kernel *kernel);

/* --- console.c --- */

/* Appends what is new to the kept log; 1 when there was any. */
int mird_console_pull(struct mird_engine *engine, struct mird_entry *entry);
/* The last lines as events. */
void mird_console_tell_end(struct mird_engine *engine, struct mird_entry *entry);

#endif
