/* SPDX-License-Identifier: ISC */
#include "daemon/store_acting.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/log.h"
#include "api/memory.h"
#include "store_sql.h"

void mird_acting_init(struct mird_acting *acting, const char *socket)
{
    *acting = (struct mird_acting){.pid = getpid(), .since_s = mir_now_s(mir_clock_system())};
    mir_id_new(mir_random_system(), acting->row.holder);
    mir_copy(acting->socket, sizeof acting->socket, socket);
}

/* --- the row; with the lock held --- */

static int read_row(struct mird_store *store, struct mird_acting *ret, struct mir_error *err)
{
    struct mird_acting read = {0};
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT epoch, holder, beat, pid, since_s, socket FROM acting", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 0)
        mir_fail(err, MIR_CORRUPT, "store: the row that says who acts is missing");
    if (rc <= 0)
        return -1;
    read.row.epoch = sqlite3_column_int64(stmt, 0);
    mird_sql_text(stmt, 1, read.row.holder, sizeof read.row.holder);
    read.row.beat = sqlite3_column_int64(stmt, 2);
    read.pid = sqlite3_column_int64(stmt, 3);
    read.since_s = sqlite3_column_int64(stmt, 4);
    mird_sql_text(stmt, 5, read.socket, sizeof read.socket);
    sqlite3_reset(stmt);
    *ret = read;
    return 0;
}

static int write_row(struct mird_store *store, const struct mird_acting *acting,
                     struct mir_error *err)
{
    return MIRD_SQL_RUN(store,
                        "UPDATE acting SET epoch = ?, holder = ?, beat = ?, pid = ?, since_s = ?,"
                        " socket = ?",
                        err, "itiiit", acting->row.epoch, acting->row.holder, acting->row.beat,
                        acting->pid, acting->since_s, acting->socket);
}

static int refuse(struct mird_store *store, const struct mird_acting *now, struct mir_error *err)
{
    if (!atomic_exchange(&store->lost, true) && store->on_lost.fn)
        store->on_lost.fn(store->on_lost.ctx);
    mir_fail(err, MIR_UNAVAILABLE,
             "another daemon has taken over: this one acted under epoch %" PRId64
             ", the store is at %" PRId64 "%s",
             store->claim.epoch, now->row.epoch, now->row.holder[0] ? "" : " and free");
    return now->socket[0] ? mir_error_hint(err, "ask that one: it answers at %s", now->socket)
                          : mir_error_hint(err, "ask that one");
}

int mird_store_fence(struct mird_store *store, struct mir_error *err)
{
    struct mird_acting now;
    if (store->claim.epoch == 0)
        return 0;
    if (read_row(store, &now, err))
        return -1;
    return mird_epoch_mine(&now.row, &store->claim) ? 0 : refuse(store, &now, err);
}

/* --- claiming --- */

static int claim_now(struct mird_store *store, struct mird_acting *as, struct mird_acting *now,
                     struct mir_error *err)
{
    bool given = as->row.epoch > 0;
    int rc = mird_sql_begin(store, err);
    if (!rc)
        rc = read_row(store, now, err);
    if (!rc && given && !mird_epoch_mine(&now->row, &as->row))
        rc = mir_fail(err, MIR_UNAVAILABLE, "yet another daemon has taken over meanwhile");
    struct mird_acting taken = *as;
    if (!rc && !given) {
        taken.row = mird_epoch_taken(&now->row, as->row.holder);
        rc = write_row(store, &taken, err);
    }
    rc = mird_sql_end(store, rc, err);
    if (!rc)
        *as = taken;
    return rc;
}

/* On a full disk leases must still be ended: the row is taken as it stands, since the caller holds
 * the lock of whoever wrote it. */
int mird_store_claim(struct mird_store *store, struct mird_acting *as, struct mir_error *err)
{
    struct mird_acting now = {0};
    struct mir_error why = {0};
    mird_store_enter(store);
    int rc = claim_now(store, as, &now, &why);
    if (rc && why.kind == MIR_NO_SPACE && now.row.epoch > 0) {
        mir_log(MIR_LOG_ERROR, "store", "the disk is full: acting under epoch %" PRId64 " as it is",
                now.row.epoch);
        as->row = now.row;
        rc = 0;
    }
    if (!rc)
        store->claim = as->row;
    else if (err)
        *err = why;
    mird_store_leave(store);
    return rc;
}

int mird_store_take_over(struct mird_store *store, const struct mird_epoch_row *seen,
                         struct mird_acting *as, struct mir_error *err)
{
    struct mird_acting now, taken = *as;
    mird_store_enter(store);
    sqlite3_exec(store->db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
    int rc = mird_sql_begin(store, err);
    if (!rc)
        rc = read_row(store, &now, err);
    if (!rc && !mird_epoch_same(&now.row, seen))
        rc = mir_fail(err, MIR_CONFLICT, "another daemon was faster");
    if (!rc) {
        taken.row = mird_epoch_taken(seen, as->row.holder);
        rc = write_row(store, &taken, err);
    }
    rc = mird_sql_end(store, rc, err);
    sqlite3_exec(store->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    mird_store_leave(store);
    if (!rc)
        *as = taken;
    return rc;
}

/* --- asking --- */

int mird_store_acting(struct mird_store *store, struct mird_acting *ret, struct mir_error *err)
{
    mird_store_enter(store);
    int rc = read_row(store, ret, err);
    mird_store_leave(store);
    return rc;
}

int64_t mird_store_change_count(struct mird_store *store)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(store, "PRAGMA data_version", NULL, "");
    int64_t count = -1;
    if (stmt && mird_sql_step(store, stmt, NULL) == 1) {
        count = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return count;
}

bool mird_store_lost(const struct mird_store *store)
{
    return atomic_load(&store->lost);
}

void mird_store_on_lost(struct mird_store *store, void (*fn)(void *ctx), void *ctx)
{
    store->on_lost.fn = fn;
    store->on_lost.ctx = ctx;
}

/* --- the holder's changes --- */

/* The transaction has found that the row is ours. */
static int change_row(struct mird_store *store,
                      struct mird_epoch_row (*change)(const struct mird_epoch_row *),
                      struct mir_error *err)
{
    struct mird_acting now;
    mird_store_enter(store);
    int rc = mird_sql_begin(store, err);
    if (!rc)
        rc = read_row(store, &now, err);
    if (!rc) {
        now.row = change(&now.row);
        rc = write_row(store, &now, err);
    }
    rc = mird_sql_end(store, rc, err);
    mird_store_leave(store);
    return rc;
}

int mird_store_answer(struct mird_store *store, struct mir_error *err)
{
    return change_row(store, mird_epoch_answered, err);
}

int mird_store_hand_back(struct mird_store *store, struct mir_error *err)
{
    return change_row(store, mird_epoch_released, err);
}
