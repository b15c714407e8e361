/* SPDX-License-Identifier: ISC */
/*
 * The row that says which daemon acts (the rules are in epoch.h), and the ways to open a store
 * with regard to it. A store opened to act refuses every change (MIR_UNAVAILABLE, "another daemon
 * has taken over") once the row is another's, inside the transaction that would make the change.
 *
 * Any thread, except where noted; each change is one durable transaction.
 */
#ifndef DAEMON_STORE_ACTING_H
#define DAEMON_STORE_ACTING_H

#include "daemon/epoch.h"
#include "daemon/store.h"

#define MIRD_SOCKET_TEXT 112

struct mird_acting {
    struct mird_epoch_row row;
    int64_t pid;                   /* of the holder, as it sees itself */
    int64_t since_s;               /* UTC, for people only */
    char socket[MIRD_SOCKET_TEXT]; /* where it answers; "" unknown */
};

/* A new identity for one start of a daemon, with this process's pid and the time of now. */
void mird_acting_init(struct mird_acting *acting, const char *socket);

/* mird_store_open, and then:
 * - as->row.epoch 0: take over, whoever acted before (the caller holds the lock that says that
 *   nobody does), and fill as->row;
 * - else: act under as->row, which mird_store_take_over has given; MIR_UNAVAILABLE when another was
 *   faster still. */
int mird_store_open_acting(const char *state_dir, struct mird_acting *as, struct mird_store **ret,
                           struct mir_error *err);

/* To read what another daemon writes: nothing is made, migrated, repaired or changed. MIR_CONFLICT
 * for a database of another version, MIR_NOT_FOUND for none yet. */
int mird_store_open_standby(const char *state_dir, struct mird_store **ret, struct mir_error *err);

/* Who acts, as the row stands now. */
int mird_store_acting(struct mird_store *store, struct mird_acting *ret, struct mir_error *err);

/* A number that changes when another connection has written. */
int64_t mird_store_change_count(struct mird_store *store);

/* Of a store opened as standby: take over if the row is still `seen`, and fill as->row.
 * MIR_CONFLICT when it is not. The store goes on refusing all else: open it anew to act. */
int mird_store_take_over(struct mird_store *store, const struct mird_epoch_row *seen,
                         struct mird_acting *as, struct mir_error *err);

/* Of a store opened to act: raise the beat; hand the row back, as the last change of all. */
int mird_store_answer(struct mird_store *store, struct mir_error *err);
int mird_store_hand_back(struct mird_store *store, struct mir_error *err);

/* Has it been found that another acts? Never goes back to false. fn is called once, by the thread
 * that finds out, with the store locked: it must be short. Set before other threads use the store.
 */
bool mird_store_lost(const struct mird_store *store);
void mird_store_on_lost(struct mird_store *store, void (*fn)(void *ctx), void *ctx);

#endif
