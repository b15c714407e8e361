/* SPDX-License-Identifier: ISC */
/*
 * The audit log: who did what when, for every change that was acknowledged and every effect on a
 * provider. A part of the store: a row is written in the transaction of what it tells, is never
 * changed or removed afterwards, and carries a hash over itself and the row before it.
 *
 * A row names the one before of the same deployment, whose own row names the last (not hashed).
 *
 * Any thread, serialised like all of the store; plain values. There is no rotation: a row takes
 * about 250 bytes, a whole deployment about ten rows.
 *
 * The hash is SHA-256 over a row as compact JSON in UTF-8:
 *   [hash before, id, at_ms, who, what, subject, deployment, detail]
 * (form 2; the first release wrote [hash before, at_s, who, what, subject], form 1). The first
 * row's hash before is "".
 */
#ifndef DAEMON_AUDIT_H
#define DAEMON_AUDIT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/id.h"
#include "api/provider.h"

#define MIRD_WHO_TEXT 32 /* a user's name, or "daemon", "sweep" */

struct mird_audit {
    int64_t at_ms;                /* UTC; 0: now, where it is written */
    char who[MIRD_WHO_TEXT];      /* "" is written as "daemon" */
    char what[16];                /* "deploy", "extend", "launched", "delete", "gone", ... */
    char subject[MIR_NAME_TEXT];  /* name of the deployment or site; "" none */
    char deployment[MIR_ID_TEXT]; /* its id; "" for what concerns none */
    char detail[400];             /* the rest, for people; "" none */
};

struct mird_store;

/* In a transaction of its own. */
int mird_store_audit_put(struct mird_store *store, const struct mird_audit *row,
                         struct mir_error *err);
/* The same for what concerns no deployment. */
int mird_store_audit_add(struct mird_store *store, int64_t now_s, const char *who, const char *what,
                         const char *subject, struct mir_error *err);

/* Rows with id > after, oldest first, at most limit (and 10,000), of one deployment (id; NULL:
 * all): a list of documents, new reference, or NULL. */
json_t *mird_store_audit(struct mird_store *store, const char *deployment, int64_t after,
                         size_t limit, struct mir_error *err);

/* How far the chain was checked, and what was found. Begin with zeroes. */
struct mird_audit_check {
    int64_t entries;            /* rows looked at */
    int64_t last;               /* id of the last one that is whole */
    int64_t broken;             /* id of the first row that is not, 0: none */
    char why[120];              /* "" when none */
    char head[MIR_SHA256_TEXT]; /* hash of the last one that is whole */
};

/* Checks the next `rows` of the chain; the store is held for no longer than that. 1: there is more;
 * 0: the end, or a broken row; -1 the log cannot be read. A row that was changed, inserted or
 * removed breaks it; so does a missing end, by the store's own count of rows. */
int mird_store_audit_check(struct mird_store *store, struct mird_audit_check *check, size_t rows,
                           struct mir_error *err);
/* All of it, in pieces. */
int mird_store_audit_check_all(struct mird_store *store, struct mird_audit_check *ret,
                               struct mir_error *err);

#endif
