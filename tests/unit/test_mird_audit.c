/* SPDX-License-Identifier: ISC */
/* The audit log: what is written stays as it was written, and whoever changes it is found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/file.h"
#include "api/memory.h"
#include "daemon/store.h"
#include "mird_meddle.h"
#include "mird_shelf.h"

static int meddle(struct house *h, const char *sql)
{
    mird_store_close(h->store);
    int rc = mird_meddle(h->dir, sql);
    open_store(h);
    return rc;
}

#define NO_TRIGGERS                                                                                \
    "DROP TRIGGER audit_never_changed; DROP TRIGGER audit_never_removed;"                          \
    "DROP TRIGGER audit_never_replaced;"

static void add_rows(struct house *h, int count)
{
    for (int i = 0; i < count; i++) {
        struct mird_audit row = {.at_ms = 1800000000123 + i, .what = "extend", .subject = "hello"};
        snprintf(row.who, sizeof row.who, "user-%d", i);
        snprintf(row.detail, sizeof row.detail, "\"quoted\"\\ %d", i);
        memset(row.deployment, 'a' + i % 2, sizeof row.deployment - 1);
        assert_int_equal(mird_store_audit_put(h->store, &row, NULL), 0);
    }
}

static struct mird_audit_check check(struct house *h)
{
    struct mird_audit_check ret;
    assert_int_equal(mird_store_audit_check_all(h->store, &ret, NULL), 0);
    return ret;
}

static const char *text_of(const json_t *list, size_t i, const char *field)
{
    return json_string_value(json_object_get(json_array_get(list, i), field));
}

static void test_rows(void **state)
{
    struct house *h = *state;
    char id[MIR_ID_TEXT] = "";
    /* The deployments that the rows are about. */
    assert_int_equal(meddle(h, "INSERT INTO deployments (id, name, provider, final, created_s,"
                               " deadline_s, version, record) SELECT replace(hex(zeroblob(16)),"
                               " '0', c.value), c.value, 'local', 0, 0, 0, 1, '{}'"
                               " FROM json_each('[\"a\", \"b\"]') c"),
                     SQLITE_OK);
    add_rows(h, 5);
    json_t *all = mird_store_audit(h->store, NULL, 0, 100, NULL);
    assert_int_equal(json_array_size(all), 5);
    assert_string_equal(text_of(all, 0, "at"), "2027-01-15T08:00:00.123Z");
    assert_string_equal(text_of(all, 4, "who"), "user-4");
    assert_string_equal(text_of(all, 4, "detail"), "\"quoted\"\\ 4");
    json_decref(all);
    memset(id, 'a', sizeof id - 1);
    json_t *one = mird_store_audit(h->store, id, 1, 100, NULL);
    assert_int_equal(json_array_size(one), 2);
    assert_string_equal(text_of(one, 0, "who"), "user-2");
    json_decref(one);
    /* Nobody's name and no moment: the daemon's, and now. */
    assert_int_equal(mird_store_audit_put(h->store, &(struct mird_audit){.what = "x"}, NULL), 0);
    json_t *last = mird_store_audit(h->store, NULL, 5, 100, NULL);
    assert_string_equal(text_of(last, 0, "who"), "daemon");
    assert_true(strcmp(text_of(last, 0, "at"), "2026-") >= 0);
    json_decref(last);
}

static void test_whole(void **state)
{
    struct house *h = *state;
    struct mird_audit_check whole = check(h);
    assert_int_equal(whole.entries, 0);
    assert_int_equal(whole.broken, 0);
    add_rows(h, 7);
    assert_int_equal(meddle(h, ""), SQLITE_OK);
    add_rows(h, 3); /* continued after a restart */
    whole = check(h);
    assert_int_equal(whole.entries, 10);
    assert_int_equal(whole.broken, 0);
    assert_int_equal(strlen(whole.head), 64);
    /* In pieces it comes to the same. */
    struct mird_audit_check pieces = {0};
    int rounds = 0;
    while (mird_store_audit_check(h->store, &pieces, 3, NULL) > 0)
        rounds++;
    assert_int_equal(rounds, 3);
    assert_memory_equal(&pieces, &whole, sizeof whole);
}

static void test_append_only(void **state)
{
    struct house *h = *state;
    add_rows(h, 3);
    assert_int_equal(meddle(h, "UPDATE audit SET who = 'x' WHERE id = 2"), SQLITE_CONSTRAINT);
    assert_int_equal(meddle(h, "DELETE FROM audit WHERE id = 3"), SQLITE_CONSTRAINT);
    assert_int_equal(meddle(h, "DELETE FROM audit"), SQLITE_CONSTRAINT);
    assert_int_equal(meddle(h, "INSERT OR REPLACE INTO audit (id, at_ms, who, what, subject, hash)"
                               " VALUES (2, 0, '', '', '', '')"),
                     SQLITE_CONSTRAINT);
    assert_int_equal(check(h).entries, 3);
    assert_int_equal(check(h).broken, 0);
}

/* What goes round the triggers is found by the chain, and named by its first row. */
static void test_broken(void **state)
{
    static const struct {
        const char *sql;
        int64_t broken;
        const char *why;
    } rows[] = {
        {NO_TRIGGERS "UPDATE audit SET who = 'mallory' WHERE id = 4", 4, "its hash"},
        {NO_TRIGGERS "UPDATE audit SET detail = '' WHERE id = 1", 1, "its hash"},
        {NO_TRIGGERS "UPDATE audit SET at_ms = at_ms + 1 WHERE id = 6", 6, "its hash"},
        {NO_TRIGGERS "UPDATE audit SET form = 3 WHERE id = 2", 2, "form"},
        {NO_TRIGGERS "DELETE FROM audit WHERE id = 3", 4, "rows are missing"},
        {NO_TRIGGERS "DELETE FROM audit WHERE id = 1", 2, "rows are missing"},
        {NO_TRIGGERS "DELETE FROM audit WHERE id >= 5", 5, "removed from the end"},
        {NO_TRIGGERS "DELETE FROM audit", 1, "removed from the end"},
        {NO_TRIGGERS "INSERT INTO audit (at_ms, who, what, subject, hash) SELECT at_ms, who, what,"
                     " subject, hash FROM audit WHERE id = 6",
         7, "its hash"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct house *h;
        setup((void **)&h);
        add_rows(h, 6);
        assert_int_equal(meddle(h, rows[i].sql), SQLITE_OK);
        struct mird_audit_check found = check(h);
        assert_int_equal(found.broken, rows[i].broken);
        if (!strstr(found.why, rows[i].why))
            fail_msg("%s: %s", rows[i].sql, found.why);
        teardown((void **)&h);
    }
    (void)state;
}

/* A log that the first release wrote goes on in the same chain. */
static void test_first_release(void **state)
{
    char dir[] = "/tmp/mird-audit-XXXXXX", path[64];
    struct house h = {0};
    sqlite3 *db;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, mird_schema[0], NULL, NULL, NULL), SQLITE_OK);
    /* printf '["",1800000000,"me","deploy","old"]' | sha256sum; then with that for "". */
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO audit (at_s, who, what, subject, hash) VALUES"
                     " (1800000000, 'me', 'deploy', 'old', "
                     "'23d24ced8c79a626b073834af61647171a00b572db8ff51445dc7bf5c224e6a7'),"
                     " (1800000009, 'daemon', 'gone', 'old', "
                     "'9894eeaa75516344df6c78c6c4f8b85d57665fae4695804a0d7370623964c806');"
                     "PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    mir_copy(h.dir, sizeof h.dir, dir);
    open_store(&h);
    add_rows(&h, 2);
    struct mird_audit_check whole = check(&h);
    assert_string_equal(whole.why, "");
    assert_int_equal(whole.entries, 4);
    json_t *all = mird_store_audit(h.store, NULL, 0, 1, NULL);
    assert_string_equal(text_of(all, 0, "at"), "2027-01-15T08:00:00.000Z");
    json_decref(all);
    mird_store_close(h.store);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, h.dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_append_only, setup, teardown),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_first_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
