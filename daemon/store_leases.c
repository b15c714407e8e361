/* SPDX-License-Identifier: ISC */
/* Questions about many deployments that no document has to be decoded for: answered from indexes,
 * or a page at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "store_sql.h"

int mird_store_open_leases(struct mird_store *store, mird_open_fn *fn, void *ctx,
                           struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store,
                      "SELECT id, provider, deadline_s, wake_s FROM deployments "
                      "INDEXED BY deployment_open WHERE final = 0 ORDER BY wake_s, deadline_s",
                      err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err)) {
        struct mird_open_lease lease = {.deadline_s = sqlite3_column_int64(stmt, 2),
                                        .wake_s = sqlite3_column_int64(stmt, 3)};
        mird_sql_text(stmt, 0, lease.id, sizeof lease.id);
        mird_sql_text(stmt, 1, lease.provider, sizeof lease.provider);
        const struct mird_late_row *late = mird_late_find(store, lease.id);
        if (late) {
            lease.deadline_s = late->deadline_s;
            lease.wake_s = late->wake_s;
        }
        fn(ctx, &lease);
    }
    mird_store_leave(store);
    return rc;
}

int mird_store_open_count(struct mird_store *store, size_t limit, size_t *ret,
                          struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT COUNT(*) FROM (SELECT 1 FROM deployments WHERE final = 0 LIMIT ?)", err, "i",
        (int64_t)limit);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        *ret = (size_t)sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return rc == 1 ? 0 : -1;
}

/* A late row costs what its row in the table says (store_late.h). */
int mird_store_committed(struct mird_store *store, const char *but_id, struct mird_committed *ret,
                         struct mir_error *err)
{
    struct mird_committed committed = {0};
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store,
                      "SELECT worst_micro, name FROM deployments INDEXED BY deployment_worst"
                      " WHERE final = 0 AND worst_micro <> 0 AND id <> ?",
                      err, "t", but_id);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err)) {
        char name[MIR_NAME_TEXT];
        mird_sql_text(stmt, 1, name, sizeof name);
        mird_committed_add(&committed, name, sqlite3_column_int64(stmt, 0));
    }
    mird_store_leave(store);
    if (!rc)
        *ret = committed;
    return rc;
}

int mird_store_newest(struct mird_store *store, int64_t *ret_seq, struct mir_error *err)
{
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store, "SELECT IFNULL(MAX(seq), 0) FROM deployments", err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    if (rc == 1) {
        *ret_seq = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    mird_store_leave(store);
    return rc == 1 ? 0 : -1;
}

int mird_store_figures(struct mird_store *store, struct mird_store_figures *ret,
                       struct mir_error *err)
{
    struct mird_store_figures figures = {0};
    mird_store_enter(store);
    if (mird_late_fold_all(store, err)) {
        mird_store_leave(store);
        return -1;
    }
    sqlite3_stmt *stmt =
        mird_sql_bind(store,
                      "SELECT state, COUNT(*), MIN(deadline_s), MAX(deadline_s) FROM deployments "
                      "GROUP BY state ORDER BY state",
                      err, "");
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1; rc = mird_sql_step(store, stmt, err)) {
        int64_t state = sqlite3_column_int64(stmt, 0), count = sqlite3_column_int64(stmt, 1);
        int64_t first_s = sqlite3_column_int64(stmt, 2), last_s = sqlite3_column_int64(stmt, 3);
        if (state < 0 || state >= MIRD_STATE_COUNT)
            continue;
        figures.by_state[state] = (size_t)count;
        if (mird_state_final((enum mird_state)state))
            continue;
        if (!figures.open || first_s < figures.first_deadline_s)
            figures.first_deadline_s = first_s;
        if (!figures.open || last_s > figures.last_deadline_s)
            figures.last_deadline_s = last_s;
        figures.open += (size_t)count;
    }
    mird_store_leave(store);
    if (!rc)
        *ret = figures;
    return rc;
}

/* --- names, ports, tokens --- */

static int read_name(sqlite3_stmt *stmt, void *row, struct mir_error *err)
{
    (void)err;
    mird_sql_text(stmt, 0, row, MIR_NAME_TEXT);
    return 0;
}

int mird_store_names(struct mird_store *store, size_t limit, char (**ret)[MIR_NAME_TEXT],
                     size_t *ret_count, struct mir_error *err)
{
    void *list = NULL;
    mird_store_enter(store);
    sqlite3_stmt *stmt = mird_sql_bind(
        store, "SELECT name FROM deployments ORDER BY seq DESC LIMIT ?", err, "i", (int64_t)limit);
    int rc = mird_sql_list(store, stmt, MIR_NAME_TEXT, read_name, &list, ret_count, err);
    mird_store_leave(store);
    if (!rc)
        *ret = list;
    return rc;
}

/* An address that means every one of the host overlaps with all. */
static bool same_address(const char *a, const char *b)
{
    static const char all[] = "0.0.0.0";
    return !strcmp(a, b) || !strcmp(a, all) || !strcmp(b, all);
}

int mird_store_port_holder(struct mird_store *store, const struct mir_port *port,
                           char ret_name[MIR_NAME_TEXT], struct mir_error *err)
{
    int held = 0;
    mird_store_enter(store);
    sqlite3_stmt *stmt =
        mird_sql_bind(store,
                      "SELECT p.address, d.name FROM ports p JOIN deployments d "
                      "ON d.id = p.deployment WHERE p.host_port = ? AND d.final = 0",
                      err, "i", (int64_t)port->host_port);
    int rc = stmt ? mird_sql_step(store, stmt, err) : -1;
    for (; rc == 1 && !held; rc = held ? 1 : mird_sql_step(store, stmt, err)) {
        char address[sizeof port->address];
        mird_sql_text(stmt, 0, address, sizeof address);
        held = same_address(address, port->address);
        if (held)
            mird_sql_text(stmt, 1, ret_name, MIR_NAME_TEXT);
    }
    if (rc == 1)
        sqlite3_reset(stmt);
    mird_store_leave(store);
    return rc < 0 ? -1 : held;
}

static int write_one_port(struct mird_store *store, const char *id, const struct mir_port *port,
                          struct mir_error *err)
{
    return port->host_port ? MIRD_SQL_RUN(store, "INSERT OR IGNORE INTO ports VALUES (?, ?, ?)",
                                          err, "itt", (int64_t)port->host_port, id, port->address)
                           : 0;
}

int mird_store_write_ports(struct mird_store *store, const struct mird_deployment *d,
                           struct mir_error *err)
{
    if (!d->port_count && !d->instance.port_count)
        return 0;
    if (d->finished_s)
        return MIRD_SQL_RUN(store, "DELETE FROM ports WHERE deployment = ?", err, "t", d->id);
    int rc = 0;
    for (unsigned i = 0; !rc && i < d->port_count; i++)
        rc = write_one_port(store, d->id, &d->ports[i], err);
    for (unsigned i = 0; !rc && i < d->instance.port_count; i++)
        rc = write_one_port(store, d->id, &d->instance.ports[i], err);
    return rc;
}

void mird_token_hint(const char *token, char out[MIRD_TOKEN_HINT + 1])
{
    size_t len = strnlen(token, MIRD_TOKEN_HINT);
    memcpy(out, token, len);
    out[len] = '\0';
}
