/* SPDX-License-Identifier: ISC */
/*
 * The store: everything the daemon must still know after a power loss. One SQLite file
 * (WAL, synchronous=FULL, STRICT tables); all SQL of the project is in store*.c.
 *
 * Any thread; calls are serialised by a mutex inside and never span a network call. A function
 * that changes something has committed durably when it returns 0; after -1 nothing changed (where
 * the disk failed, a later process may find it written all the same).
 * Lists are owned arrays, freed with free().
 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/lease.h"
#include "daemon/audit.h"
#include "daemon/cost.h"
#include "daemon/deployment.h"
#include "daemon/identity.h"
#include "daemon/site.h"

struct mird_store;

/* Opens or creates <state_dir>/state.db, migrates it to the newest schema, checks its integrity. A
 * damaged one is kept beside it as state.db.broken-TIME, told on the log and in the audit log, and
 * an empty one begun, which wants to be rebuilt (setting "rebuild"). Every error's hint says what
 * is safe meanwhile. */
int mird_store_open(const char *state_dir, struct mird_store **ret, struct mir_error *err);
void mird_store_close(struct mird_store *store);

/* <state_dir>/reserve keeps 1 MiB back for the time when the disk is full: teardown's writes give
 * it up and try again. Restore takes it back where there is room; both are cheap when there is
 * nothing to do. */
void mird_store_reserve_release(struct mird_store *store);
void mird_store_reserve_restore(struct mird_store *store);

/* A database that was too large to be read whole at the start is, once, now: seconds for gigabytes,
 * in which others go on. Cheap when there is nothing to do. */
void mird_store_check(struct mird_store *store);

/* The installation's identity, made on first open. */
int mird_store_identity(struct mird_store *store, struct mird_identity *ret, struct mir_error *err);

/* Small settings that must survive ("public-port"). value NULL deletes. Get: owned or NULL. */
int mird_store_setting_put(struct mird_store *store, const char *key, const char *value,
                           struct mir_error *err);
char *mird_store_setting_get(struct mird_store *store, const char *key);

/* --- kernels --- */
int mird_store_kernel_put(struct mird_store *store, const struct mir_kernel *kernel, int64_t now_s,
                          struct mir_error *err);
int mird_store_kernel_get(struct mird_store *store, const char *sha256, struct mir_kernel *ret,
                          struct mir_error *err); /* MIR_NOT_FOUND */
/* Only one that no deployment under way is of: MIR_CONFLICT naming one. Absent: MIR_NOT_FOUND.
 * Reads the records of all that are under way. */
int mird_store_kernel_delete(struct mird_store *store, const char *sha256, struct mir_error *err);

/* The name of a deployment under way that has a block device of that content, other than the one
 * with the id `but` ("": none is left out): 1, 0 when there is none, -1. Reads the records of all
 * that are under way. */
int mird_store_block_user(struct mird_store *store, const char *sha256, const char *but,
                          char ret[MIR_NAME_TEXT], struct mir_error *err);

/* One line of a deployment's history. */
struct mird_event {
    int64_t id;
    int64_t at_ms; /* UTC */
    char deployment[MIR_ID_TEXT];
    char kind[12]; /* "state", "step", "hook", "probe", "note", "error" */
    char state[12];
    char text[320];
};

/* --- deployments; lease, steps and operation are made in one transaction --- */
struct mird_operation {
    char id[MIR_ID_TEXT];
    char kind[12]; /* "deploy", "extend", "remove" */
    char deployment[MIR_ID_TEXT];
    char name[MIR_NAME_TEXT];
    int64_t created_s;
    int64_t finished_s; /* 0: running */
    bool failed;
    char error_code[24];
    char error_text[640];
    char error_hint[320];
};

/* Adds the row of a deployment that was found running, with an event and a line of the audit log.
 * MIR_CONFLICT when its name is taken. */
int mird_store_deployment_adopt(struct mird_store *store, struct mird_deployment *d, int64_t now_ms,
                                struct mir_error *err);
/* 1 when the key was used in the last 24 h for a request of the same body (*ret_d, *ret_op are of
 * then), 0 when not or key is "", -1 MIR_USAGE when it was used for another. */
int mird_store_idempotency_find(struct mird_store *store, const char *key, const char *body_sha,
                                int64_t now_s, struct mird_deployment *ret_d,
                                struct mird_operation *ret_op, struct mir_error *err);
/* Writes the whole row if the stored version equals d->version, and raises d->version;
 * MIR_CONFLICT when somebody else wrote first. */
int mird_store_deployment_update(struct mird_store *store, struct mird_deployment *d,
                                 struct mir_error *err);

/* What one transition brings besides the row: written in the same transaction, one sync for all. */
#define MIRD_NEWS_EVENTS_MAX 8
#define MIRD_NEWS_ENDS_MAX 3
#define MIRD_NEWS_AUDITS_MAX 10
struct mird_news {
    unsigned event_count;
    struct mird_event events[MIRD_NEWS_EVENTS_MAX]; /* deployment and at_ms are filled in */
    unsigned end_count;                             /* operations to finish */
    struct {
        char kind[12];
        bool failed; /* for the reason in `error` */
    } ends[MIRD_NEWS_ENDS_MAX];
    struct mir_error error;
    const struct mird_operation *operation; /* to add, NULL none; borrowed */
    bool receipt;                           /* it is over: its receipt is written, and audited */
    unsigned audit_count;
    struct mird_audit audits[MIRD_NEWS_AUDITS_MAX]; /* subject and deployment are filled in */
};
/* Adds the row, its operation, the first event, then the events of `news` (of what the row has gone
 * through already; NULL none), and a line of the audit log.
 * MIR_CONFLICT when a deployment of that name is not final yet. idempotency_key "" for none: a
 * key seen before gives the deployment and operation of then (ret_replayed set) when body_sha is
 * the same, MIR_USAGE otherwise. */
int mird_store_deployment_add(struct mird_store *store, struct mird_deployment *d,
                              struct mird_operation *op, const struct mird_news *news,
                              const char *idempotency_key, const char *body_sha, bool *ret_replayed,
                              struct mir_error *err);
int mird_store_deployment_commit(struct mird_store *store, struct mird_deployment *d,
                                 const struct mird_news *news, int64_t now_ms,
                                 struct mir_error *err);
/* The same without waiting: done(ctx, ...) is called in a thread of the store when it is durable,
 * or failed. *d is borrowed until then, and its version is not raised; news are copied (what they
 * point to is borrowed). -1: it cannot be done so now, and nothing will be called. */
typedef void mird_committed_fn(void *ctx, int rc, const struct mir_error *err);
int mird_store_deployment_submit(struct mird_store *store, const struct mird_deployment *d,
                                 const struct mird_news *news, int64_t now_ms,
                                 mird_committed_fn *done, void *ctx);
int mird_store_deployment_get(struct mird_store *store, const char *id, struct mird_deployment *ret,
                              struct mir_error *err);
/* The lease as it stands on the disk, marked durable, its tags signed: the only place where one is
 * made.
 * MIR_CONFLICT when the deployment is over. */
int mird_store_lease(struct mird_store *store, const char *id, struct mir_lease *ret,
                     struct mir_error *err);

/* By name: the one not final, else the newest. */
int mird_store_deployment_by_name(struct mird_store *store, const char *name,
                                  struct mird_deployment *ret, struct mir_error *err);
/* A page of documents, newest first, from the one behind `after` (an id; "" or an unknown one: from
 * the newest); all=false leaves out the final ones. */
int mird_store_deployments(struct mird_store *store, bool all, const char *after, size_t limit,
                           struct mird_deployment **ret, size_t *ret_count, struct mir_error *err);
/* The one, not final, whose ownership token this is: 1 found, 0 none, -1. */
int mird_store_deployment_by_token(struct mird_store *store, const char *token,
                                   struct mird_deployment *ret, struct mir_error *err);

/* --- questions about many, answered without decoding a document --- */

/* What a start has to know of a lease that is not over. */
struct mird_open_lease {
    char id[MIR_ID_TEXT];
    char provider[24];
    int64_t deadline_s;
    int64_t wake_s; /* nothing is to be done for it before; 0: look at it at once */
};
/* All of them, by wake_s but for a few that changed just now; fn must not call the store. */
typedef void mird_open_fn(void *ctx, const struct mird_open_lease *lease);
int mird_store_open_leases(struct mird_store *store, mird_open_fn *fn, void *ctx,
                           struct mir_error *err);
/* How many are not final; counts up to `limit` only. */
int mird_store_open_count(struct mird_store *store, size_t limit, size_t *ret,
                          struct mir_error *err);
/* What those not final may cost until their deadlines, but for one (an id; "": all of them). Reads
 * the rows of those that cost something. */
int mird_store_committed(struct mird_store *store, const char *but_id, struct mird_committed *ret,
                         struct mir_error *err);
/* The number of the deployment that was added last; 0: there was none. */
int mird_store_newest(struct mird_store *store, int64_t *ret_seq, struct mir_error *err);

struct mird_store_figures {
    size_t by_state[MIRD_STATE_COUNT];         /* "stuck" once that has been noticed */
    size_t open;                               /* not final */
    int64_t first_deadline_s, last_deadline_s; /* of those; 0 when there are none */
};
int mird_store_figures(struct mird_store *store, struct mird_store_figures *ret,
                       struct mir_error *err);

/* Names, newest first, at most `limit`: an owned array. */
int mird_store_names(struct mird_store *store, size_t limit, char (**ret)[MIR_NAME_TEXT],
                     size_t *ret_count, struct mir_error *err);
/* Is the host's port taken by a deployment that is not over? 1 with its name, 0 no, -1. */
int mird_store_port_holder(struct mird_store *store, const struct mir_port *port,
                           char ret_name[MIR_NAME_TEXT], struct mir_error *err);

/* The receipt of a deployment that is over, as it was written with the end, and as one more member
 * "sha256" of its text as it is now; new reference. MIR_NOT_FOUND while there is none. */
json_t *mird_store_receipt(struct mird_store *store, const char *id, struct mir_error *err);

/* --- operations --- */
int mird_store_operation_add(struct mird_store *store, const struct mird_operation *op,
                             struct mir_error *err);
int mird_store_operation_get(struct mird_store *store, const char *id, struct mird_operation *ret,
                             struct mir_error *err);
/* Finish all running operations of that kind ("" = any) of a deployment; fail_with NULL = well. */
int mird_store_operations_finish(struct mird_store *store, const char *deployment, const char *kind,
                                 int64_t now_s, const struct mir_error *fail_with,
                                 struct mir_error *err);

/* --- events: append-only, numbered over all deployments (struct above) --- */
int mird_store_event_add(struct mird_store *store, struct mird_event *event,
                         struct mir_error *err); /* fills id */
/* The moment of the newest one while any deployment is not final, else 0: what the clock of whoever
 * comes next has to be behind of to be wrong. UTC ms. */
int mird_store_newest_ms(struct mird_store *store, int64_t *ret, struct mir_error *err);
/* Of one deployment (NULL: all) with id > after, oldest first, at most limit. */
int mird_store_events(struct mird_store *store, const char *deployment, int64_t after, size_t limit,
                      struct mird_event **ret, size_t *ret_count, struct mir_error *err);

/* --- sites (site.h) --- */
int mird_store_site_put(struct mird_store *store, const struct mird_site *site,
                        struct mir_error *err); /* insert or replace by name */
int mird_store_site_get(struct mird_store *store, const char *name, struct mird_site *ret,
                        struct mir_error *err);
int mird_store_site_delete(struct mird_store *store, const char *name, struct mir_error *err);
int mird_store_sites(struct mird_store *store, struct mird_site **ret, size_t *ret_count,
                     struct mir_error *err);

#endif
