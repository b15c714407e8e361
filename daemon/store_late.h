/* SPDX-License-Identifier: ISC */
/*
 * Rows of leases that are written late. When many change at once, what changed is made durable as
 * one row of the table `late` for all of a group, and each lease's own row with its indexes follows
 * when there is time: once, however often it changed meanwhile. Until then the row as it has to be
 * is kept here, and whoever reads a document asks here first.
 *
 * A late row is never final, and has the name, provider, token, ports and costs that its row in the
 * table has. All of it with the store's lock held; decisions/0014.
 */
#ifndef MIRD_STORE_LATE_H
#define MIRD_STORE_LATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"
#include "api/id.h"

struct mird_store;

struct mird_late_row {
    char id[MIR_ID_TEXT];
    int64_t version, deadline_s, wake_s, state;
    int64_t last_event, last_audit; /* of this deployment, 0 none */
    char *record;                   /* owned */
};

struct mird_late; /* owned by the store */

struct mird_late *mird_late_new(void);
void mird_late_free(struct mird_late *late);

/* The row as it is by now, borrowed until the next call; NULL: as it is in the table. */
const struct mird_late_row *mird_late_find(struct mird_store *store, const char *id);

/* --- inside a transaction --- */

/* The row, and (only where mird_late_find knows none) what stands in the table now; takes both
 * records. Durable with the transaction, forgotten when that is rolled back. */
void mird_late_put(struct mird_store *store, const struct mird_late_row *row,
                   const struct mird_late_row *in_table);
/* The row that this transaction has put, NULL: none. What is changed in it becomes durable too. */
struct mird_late_row *mird_late_fresh(struct mird_store *store, const char *id);
/* Writes a row to where it belongs, before somebody changes it there. */
int mird_late_settle(struct mird_store *store, const char *id, struct mir_error *err);
/* A savepoint begins; the settling since then is undone. */
void mird_late_mark(struct mird_store *store);
void mird_late_undo(struct mird_store *store);
/* The last thing before a commit, and what came of it. */
int mird_late_flush(struct mird_store *store, struct mir_error *err);
void mird_late_end(struct mird_store *store, bool committed);

/* --- outside of one --- */

/* What an earlier process has left; for a store just opened to act. */
int mird_late_load(struct mird_store *store, struct mir_error *err);
/* Some rows are written to where they belong, the oldest first: 1 more are left, 0 none, -1. */
int mird_late_fold(struct mird_store *store, struct mir_error *err);
int mird_late_fold_all(struct mird_store *store, struct mir_error *err);
/* There are so many that the next group has to wait for some to be folded. */
bool mird_late_is_full(const struct mird_store *store);
bool mird_late_any(const struct mird_store *store);

#endif
