/* SPDX-License-Identifier: ISC */
/* Rows that are written late: whoever asks is told what is true, before and after; and what was
 * told of leases before there were such rows is found as it was. */
#include "mird_shelf.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "api/cleanup.h"
#include "schema.h"
#include "store_sql.h"

#define LEASES 20
#define START_S INT64_C(1800000000)

struct late_house {
    struct house *house;
    struct mir_price price;
    struct mird_deployment leases[LEASES];
    sem_t open, over;
};

static int wait_at_gate(struct mird_store *store, void *ctx, struct mir_error *err)
{
    (void)store;
    (void)err;
    sem_wait(&((struct late_house *)ctx)->open);
    return 0;
}

static void gate_done(struct mird_write *write)
{
    sem_post(&((struct late_house *)write->ctx_owner)->over);
}

struct one {
    struct late_house *all;
    int rc;
};

static void one_done(void *ctx, int rc, const struct mir_error *err)
{
    struct one *one = ctx;
    (void)err;
    one->rc = rc;
    sem_post(&one->all->over);
}

static void add_all(struct late_house *all)
{
    for (int i = 0; i < LEASES; i++) {
        struct mird_deployment *d = &all->leases[i];
        struct mird_operation op = {.kind = "deploy", .created_s = START_S};
        bool replayed;
        *d = (struct mird_deployment){
            .created_s = START_S, .deadline_s = START_S + 3600, .price = all->price};
        mir_id_new(mir_random_system(), d->id);
        mir_id_new(mir_random_system(), d->token);
        mir_id_new(mir_random_system(), op.id);
        snprintf(d->name, sizeof d->name, "late-%d", i);
        mir_copy(d->provider, sizeof d->provider, "local");
        mir_copy(op.deployment, sizeof op.deployment, d->id);
        assert_int_equal(
            mird_store_deployment_add(all->house->store, d, &op, NULL, "", "", &replayed, NULL), 0);
    }
}

/* All of them at once, in one group, and one of them twice from the same version: how many were
 * refused. */
static int extend_all(struct late_house *all)
{
    static const struct mird_news news = {.event_count = 1,
                                          .events = {{.kind = "note", .text = "extended"}},
                                          .audit_count = 1,
                                          .audits = {{.what = "extend"}}};
    struct mird_store *store = all->house->store;
    struct one ones[LEASES + 1] = {0};
    struct mird_write gate = {
        .write = wait_at_gate, .ctx = all, .ctx_owner = all, .done = gate_done};
    int refused = 0;
    sem_init(&all->open, 0, 0);
    sem_init(&all->over, 0, 0);
    assert_int_equal(mird_store_submit(store, &gate), 0);
    for (int i = 0; i <= LEASES; i++) {
        struct mird_deployment *d = &all->leases[i % LEASES];
        d->deadline_s += i < LEASES ? 60 : 0;
        ones[i].all = all;
        assert_int_equal(
            mird_store_deployment_submit(store, d, &news, d->deadline_s * 1000, one_done, &ones[i]),
            0);
    }
    sem_post(&all->open);
    for (int i = 0; i <= LEASES + 1; i++)
        sem_wait(&all->over);
    for (int i = 0; i <= LEASES; i++) {
        refused += ones[i].rc != 0;
        all->leases[i % LEASES].version += !ones[i].rc;
    }
    sem_destroy(&all->open);
    sem_destroy(&all->over);
    return refused;
}

static void check_one(struct mird_store *store, const struct mird_deployment *d, size_t told)
{
    struct mird_deployment by_id, by_name, by_token;
    struct mir_lease lease;
    struct mird_event *events = NULL;
    size_t count = 0;
    assert_int_equal(mird_store_deployment_get(store, d->id, &by_id, NULL), 0);
    assert_int_equal(mird_store_deployment_by_name(store, d->name, &by_name, NULL), 0);
    assert_int_equal(mird_store_deployment_by_token(store, d->token, &by_token, NULL), 1);
    assert_int_equal(mird_store_lease(store, d->id, &lease, NULL), 0);
    assert_int_equal(by_id.version, d->version);
    assert_int_equal(by_id.deadline_s, d->deadline_s);
    assert_int_equal(by_name.version, d->version);
    assert_int_equal(by_token.deadline_s, d->deadline_s);
    assert_int_equal(lease.deadline_s, d->deadline_s);
    assert_int_equal(mird_store_events(store, d->id, 0, 100, &events, &count, NULL), 0);
    assert_int_equal(count, told);
    assert_string_equal(events[0].text, "lease granted");
    assert_string_equal(events[told - 1].text, "extended");
    int64_t first = events[0].id;
    free(events);
    assert_int_equal(mird_store_events(store, d->id, first, 1, &events, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_true(events[0].id > first);
    free(events);
    json_t *audit = mird_store_audit(store, d->id, 0, 100, NULL);
    assert_int_equal(json_array_size(audit), told);
    json_decref(audit);
}

static void open_one(void *ctx, const struct mird_open_lease *lease)
{
    int64_t *sum_s = ctx;
    *sum_s += lease->deadline_s;
}

static void check_all(struct late_house *all, size_t told)
{
    struct mird_store *store = all->house->store;
    struct mird_audit_check check;
    int64_t found_s = 0, expected_s = 0;
    for (int i = 0; i < LEASES; i++) {
        check_one(store, &all->leases[i], told);
        expected_s += all->leases[i].deadline_s;
    }
    assert_int_equal(mird_store_open_leases(store, open_one, &found_s, NULL), 0);
    assert_int_equal(found_s, expected_s);
    assert_int_equal(mird_store_audit_check_all(store, &check, NULL), 0);
    assert_string_equal(check.why, "");
    assert_int_equal(check.entries, LEASES * told);
}

static int64_t count_late(struct mird_store *store)
{
    sqlite3_stmt *stmt = mird_sql_bind(store, "SELECT COUNT(*) FROM late", NULL, "");
    assert_int_equal(mird_sql_step(store, stmt, NULL), 1);
    int64_t count = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return count;
}

static void test_asked_meanwhile(void **state)
{
    struct late_house all = {.house = *state, .price.known = true};
    add_all(&all);
    assert_int_equal(extend_all(&all), 1); /* the second from one version */
    check_all(&all, 2);
    assert_int_equal(extend_all(&all), 1);
    check_all(&all, 3);
    /* By itself, over a row that may be late. */
    struct mird_deployment *d = &all.leases[3];
    d->deadline_s += 7;
    assert_int_equal(mird_store_deployment_update(all.house->store, d, NULL), 0);
    check_all(&all, 3);
    struct mird_store_figures figures;
    assert_int_equal(mird_store_figures(all.house->store, &figures, NULL), 0);
    assert_int_equal(figures.last_deadline_s, START_S + 3600 + 127);
    reopen(all.house);
    assert_int_equal(count_late(all.house->store), 0);
    check_all(&all, 3);
}

/* What the leases may cost is a column of the table: a late row leaves it alone, so one of a lease
 * that costs something keeps its deadline. */
static void test_costs_are_never_late(void **state)
{
    struct late_house all = {.house = *state,
                             .price = {.known = true, .per_hour_micro = 3600, .once_micro = 7}};
    struct mird_store *store = all.house->store;
    struct mird_committed sum;
    struct mird_deployment *d = &all.leases[5];
    add_all(&all);
    assert_int_equal(mird_store_committed(store, "", &sum, NULL), 0);
    assert_int_equal(sum.worst_micro, LEASES * (3600 + 7));
    for (int round = 1; round <= 2; round++) {
        assert_int_equal(extend_all(&all), 1);
        assert_int_equal(mird_store_committed(store, "", &sum, NULL), 0);
        assert_int_equal(sum.worst_micro, LEASES * (3600 + round * 60 + 7));
        check_all(&all, 1 + (size_t)round);
    }
    assert_int_equal(mird_store_committed(store, d->id, &sum, NULL), 0);
    assert_int_equal(sum.worst_micro, (LEASES - 1) * (3720 + 7));
    reopen(all.house);
    store = all.house->store;
    d->finished_s = START_S + 1;
    assert_int_equal(mird_store_deployment_update(store, d, NULL), 0);
    assert_int_equal(mird_store_committed(store, "", &sum, NULL), 0);
    assert_int_equal(sum.worst_micro, (LEASES - 1) * (3720 + 7));
    assert_string_equal(sum.unknown, "");
    d = &all.leases[6];
    d->deadline_s = MIR_FOREVER_S;
    assert_int_equal(mird_store_deployment_update(store, d, NULL), 0);
    assert_int_equal(mird_store_committed(store, "", &sum, NULL), 0);
    assert_string_equal(sum.endless, d->name);
}

/* As a crash leaves it: the rows are late, and nothing is in memory. */
static void test_loaded(void **state)
{
    struct late_house all = {.house = *state, .price.known = true};
    struct mird_store *store = all.house->store;
    add_all(&all);
    mird_store_enter(store);
    assert_int_equal(mird_sql_begin(store, NULL), 0);
    for (int i = 0; i < LEASES; i++) {
        struct mird_deployment *d = &all.leases[i];
        struct mird_late_row in_table = {.version = 1, .record = mird_deployment_record(d)};
        mir_copy(in_table.id, sizeof in_table.id, d->id);
        d->deadline_s += 1000;
        struct mird_late_row row = {.version = 2, .deadline_s = d->deadline_s, .state = 5};
        mir_copy(row.id, sizeof row.id, d->id);
        row.record = mird_deployment_record(d);
        mird_late_put(store, &row, &in_table);
        d->version = 2;
    }
    assert_int_equal(mird_sql_end(store, 0, NULL), 0);
    assert_int_equal(count_late(store), 1);
    /* A process that has nothing in memory. */
    mird_late_free(store->late);
    store->late = mird_late_new();
    assert_null(mird_late_find(store, all.leases[0].id));
    assert_int_equal(mird_late_load(store, NULL), 0);
    assert_int_equal(count_late(store), 0);
    mird_store_leave(store);
    for (int i = 0; i < LEASES; i++) {
        struct mird_deployment back;
        assert_int_equal(mird_store_deployment_get(store, all.leases[i].id, &back, NULL), 0);
        assert_int_equal(back.version, 2);
        assert_int_equal(back.deadline_s, all.leases[i].deadline_s);
    }
}

/* What is rolled back was never there, and a line that does not follow is damage. */
static void test_rolled_back(void **state)
{
    struct late_house all = {.house = *state, .price.known = true};
    struct mird_store *store = all.house->store;
    struct mir_error err = {0};
    add_all(&all);
    const char *id = all.leases[0].id;
    struct mird_late_row old = {.version = 1, .record = mir_strdup("{}")}, row = old;
    mir_copy(old.id, sizeof old.id, id);
    mir_copy(row.id, sizeof row.id, id);
    row.version = 2;
    row.record = mir_strdup("{\"a\":1}");
    mird_store_enter(store);
    assert_int_equal(mird_sql_begin(store, NULL), 0);
    mird_late_put(store, &row, &old);
    assert_non_null(mird_late_find(store, id));
    mird_sql_end(store, -1, NULL);
    assert_null(mird_late_find(store, id));
    assert_false(mird_late_any(store));
    mir_auto_free char *sql = mir_format("INSERT INTO late (n, bytes, body) VALUES (1, 1,"
                                         " '%s 7 8 0 0 0 0 0 0 0 {}' || char(10))",
                                         id);
    assert_int_equal(sqlite3_exec(store->db, sql, NULL, NULL, NULL), 0);
    assert_int_equal(mird_late_load(store, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(sqlite3_exec(store->db, "DELETE FROM late", NULL, NULL, NULL), 0);
    mird_store_leave(store);
}

/* A database with indexes by deployment: what they found is found from the rows. */
static void test_migrated(void **state)
{
    char dir[] = "/tmp/mird-late-XXXXXX", path[64];
    static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct house h = {0};
    sqlite3 *db = NULL;
    struct mird_event *events = NULL;
    size_t count = 0;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sqlite3_exec(db, mird_schema[i], NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "INSERT INTO deployments (id, name, provider, final, created_s, deadline_s,"
            " version, record) VALUES (replace(hex(zeroblob(16)), '0', 'a'), 'a', 'local',"
            " 0, 0, 0, 1, '{}'), (replace(hex(zeroblob(16)), '0', 'b'), 'b', 'local', 0,"
            " 0, 0, 1, '{}');"
            "INSERT INTO events (at_ms, deployment, kind, state, text) SELECT 0, deployments.id,"
            " 'note', '', CAST(n.value AS TEXT) FROM json_each('[1, 2, 3]') n, deployments;"
            "INSERT INTO audit (at_ms, who, what, subject, hash, deployment) SELECT 0,"
            " 'me', 'it', '', '', deployments.id FROM json_each('[1, 2]') n, deployments;"
            "PRAGMA user_version = 4",
            NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    mir_copy(h.dir, sizeof h.dir, dir);
    open_store(&h);
    assert_int_equal(mird_store_events(h.store, a, 0, 100, &events, &count, NULL), 0);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(events[i].deployment, a);
        assert_int_equal(events[i].text[0], '1' + (int)i);
    }
    free(events);
    json_t *audit = mird_store_audit(h.store, a, 0, 100, NULL);
    assert_int_equal(json_array_size(audit), 2);
    json_decref(audit);
    mird_store_close(h.store);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, h.dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asked_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_costs_are_never_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loaded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rolled_back, setup, teardown),
        cmocka_unit_test(test_migrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
