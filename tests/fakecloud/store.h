/* SPDX-License-Identifier: ISC */
/*
 * Everything that exists in the fake, and the ledger of all that ever did. An object is a JSON
 * document in the names that its service replies with, so that one writer makes the replies and the
 * ledger is the same text; members whose names begin with "_" are the fake's own and never leave.
 *
 * Each request's changes are appended to one file with one write before its reply leaves, and are
 * read again at the next start: whatever was acknowledged is still there after a kill.
 *
 * Threads: under the world's lock.
 */
#ifndef FAKECLOUD_STORE_H
#define FAKECLOUD_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"

enum fc_kind_flag {
    FC_KIND_HIDDEN = 1, /* bookkeeping: not part of what exists or existed */
    FC_KIND_FREE = 2    /* costs nothing and needs no removal */
};

/* One row per kind of object; see kinds.c. */
struct fc_kind {
    const char *name;      /* "instance" */
    const char *prefix;    /* of its ids, "i-" */
    unsigned digits;       /* hex digits after it */
    const char *malformed; /* code for an id of the wrong form; NULL: not_found */
    const char *not_found;
    const char *what; /* "instance ID", for messages */
    unsigned flags;
};

#define FC_KINDS 64 /* at least as many as there are */

struct fc_object {
    struct fc_object *next, *next_of_kind; /* in the order of creation */
    struct fc_object *in_bucket, *next_dirty;
    const struct fc_kind *kind;
    char *region; /* "" for what has none */
    char *id;
    json_t *doc;    /* owned */
    json_t *before; /* owned: what listings still show until before_until_ms; NULL */
    int64_t before_until_ms;
    int64_t created_ms, visible_ms; /* lookups and listings miss it before visible_ms */
    int64_t gone_ms;                /* it has ended (and may still be shown); 0 */
    int64_t forget_ms;              /* when it vanishes from all answers; 0 never */
    int64_t due_ms;                 /* when its kind's tick wants it next; 0 never */
    uint64_t seq;
    char created_by[96], gone_by[96]; /* "ec2.RunInstances REQUEST-ID" */
    bool furniture;                   /* made by the fake itself, with the region */
    bool dirty, fresh;
};

/* The call on whose behalf things are changed. */
struct fc_cause {
    const char *call;    /* "ec2.RunInstances" */
    const char *request; /* its id */
    int64_t now_ms;
};

struct fc_store;

/* `dir` exists. */
int fc_store_open(const char *dir, struct fc_store **ret, struct mir_error *err);
void fc_store_close(struct fc_store *store);

/* A new object with a new id (id NULL) or this one; `doc` is taken. Borrowed result. */
struct fc_object *fc_store_add(struct fc_store *store, const char *kind, const char *region,
                               const char *id, json_t *doc, const struct fc_cause *cause);

/* The document to change; its state of before is kept for listings until cause + stale_ms. */
json_t *fc_store_edit(struct fc_store *store, struct fc_object *object, int64_t now_ms,
                      int64_t stale_ms);
/* Its times alone have changed. */
void fc_store_touch(struct fc_store *store, struct fc_object *object);
/* It has ended now. forget_ms: when it is to vanish from answers, 0 for now. */
void fc_store_gone(struct fc_store *store, struct fc_object *object, const struct fc_cause *cause,
                   int64_t forget_ms);

/* Append what changed since the last commit to the file. */
int fc_store_commit(struct fc_store *store, const struct fc_cause *cause, struct mir_error *err);

/* Whatever is there and not forgotten; NULL: none. No regard to visibility. */
struct fc_object *fc_store_get(const struct fc_store *store, const char *kind, const char *region,
                               const char *id);

/* All objects in the order of their creation: first NULL. */
struct fc_object *fc_store_next(const struct fc_store *store, const struct fc_object *after);
/* The same of one kind and one region (NULL: any), those that are not forgotten. */
struct fc_object *fc_store_each(const struct fc_store *store, const struct fc_object *after,
                                const char *kind, const char *region);

/* Nothing is due before this moment; 0: nothing at all. */
int64_t fc_store_due(const struct fc_store *store);
void fc_store_due_again(struct fc_store *store); /* look through all of them */

/* {"exists": [...], "existed": [...], "furniture": N}; new reference. */
json_t *fc_store_ledger(const struct fc_store *store);

const struct fc_kind *fc_kind_find(const char *name); /* never NULL; aborts when unknown */
unsigned fc_kind_index(const struct fc_kind *kind);   /* below FC_KINDS */
bool fc_kind_id_valid(const struct fc_kind *kind, const char *id);
/* The kind whose ids are of this form; NULL: none. */
const struct fc_kind *fc_kind_of_id(const char *id);

#endif
