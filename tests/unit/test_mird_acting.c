/* SPDX-License-Identifier: ISC */
/* Two daemons on one store: the row, what it refuses, and the lock that is taken over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/file.h"
#include "api/memory.h"
#include "bell.h"
#include "daemon/store_acting.h"
#include "lock.h"
#include "standby.h"
#include "tenure.h"

static char dir[64];

static int setup(void **state)
{
    mir_copy(dir, sizeof dir, "/tmp/mird-acting-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    return mir_dir_remove_at(AT_FDCWD, dir, NULL);
}

/* --- the row --- */

static struct mird_store *open_acting(struct mird_acting *as)
{
    struct mir_error err = {0};
    struct mird_store *store = NULL;
    if (mird_store_open_acting(dir, as, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static struct mird_store *open_standby(void)
{
    struct mir_error err = {0};
    struct mird_store *store = NULL;
    if (mird_store_open_standby(dir, &store, &err))
        fail_msg("%s", err.text);
    return store;
}

static struct mird_deployment make(const char *name)
{
    struct mird_deployment d = {.created_s = 1800000000, .deadline_s = 1800003600};
    mir_id_new(mir_random_system(), d.id);
    mir_copy(d.name, sizeof d.name, name);
    mir_copy(d.provider, sizeof d.provider, "local");
    memset(d.kernel, 'a', 64);
    return d;
}

static int add(struct mird_store *store, struct mird_deployment *d, struct mir_error *err)
{
    struct mird_operation op = {.kind = "deploy", .created_s = d->created_s};
    bool replayed;
    mir_id_new(mir_random_system(), op.id);
    mir_copy(op.deployment, sizeof op.deployment, d->id);
    return mird_store_deployment_add(store, d, &op, NULL, "", "", &replayed, err);
}

static void assert_refused(int rc, const struct mir_error *err)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err->kind, MIR_UNAVAILABLE);
    assert_non_null(strstr(err->text, "another daemon has taken over"));
    assert_string_equal(err->hint, "ask that one: it answers at /second");
}

static void count_lost(void *ctx)
{
    ++*(int *)ctx;
}

static size_t count_of(struct mird_store *store)
{
    struct mird_deployment *list = NULL;
    size_t count = 0;
    assert_int_equal(mird_store_deployments(store, true, "", 100, &list, &count, NULL), 0);
    free(list);
    return count;
}

/* Every way in which a store is written. */
static void test_fenced(void **state)
{
    struct mird_acting first, second;
    struct mir_error err = {0};
    mird_acting_init(&first, "/first");
    mird_acting_init(&second, "/second");
    struct mird_store *old = open_acting(&first);
    struct mird_deployment d = make("one"), e = make("two");
    int lost = 0;
    mird_store_on_lost(old, count_lost, &lost);
    assert_int_equal(first.row.epoch, 1);
    assert_int_equal(add(old, &d, &err), 0);
    assert_false(mird_store_lost(old));
    struct mird_store *young = open_acting(&second);
    assert_int_equal(second.row.epoch, 2);
    struct mird_deployment changed = d;
    changed.deadline_s += 60;
    assert_refused(mird_store_deployment_update(old, &changed, &err), &err);
    assert_true(mird_store_lost(old));
    assert_refused(add(old, &e, &err), &err);
    assert_refused(mird_store_setting_put(old, "key", "value", &err), &err);
    assert_refused(mird_store_site_delete(old, "one", &err), &err);
    assert_refused(mird_store_audit_add(old, 1, "who", "what", "whom", &err), &err);
    assert_refused(mird_store_deployment_adopt(old, &e, 1, &err), &err);
    assert_refused(mird_store_operations_finish(old, d.id, "", 1, NULL, &err), &err);
    assert_refused(mird_store_answer(old, &err), &err);
    assert_refused(mird_store_hand_back(old, &err), &err);
    assert_int_equal(lost, 1);
    /* What it may still do is read; nothing of the above was written. */
    struct mird_deployment back;
    assert_int_equal(mird_store_deployment_get(old, d.id, &back, NULL), 0);
    assert_int_equal(back.deadline_s, d.deadline_s);
    assert_int_equal(back.version, 1);
    assert_int_equal(count_of(young), 1);
    assert_null(mird_store_setting_get(young, "key"));
    assert_int_equal(mird_store_deployment_update(young, &changed, &err), 0);
    mird_store_close(old);
    mird_store_close(young);
}

/* A record that could not be written is not put over what the new one has written since. */
static void test_older_record(void **state)
{
    struct mird_acting first, second;
    struct mir_error err = {0};
    mird_acting_init(&first, "/first");
    mird_acting_init(&second, "/second");
    struct mird_store *old = open_acting(&first);
    struct mird_deployment d = make("one");
    assert_int_equal(add(old, &d, NULL), 0);
    struct mird_store *young = open_acting(&second);
    struct mird_deployment newer = d, older = d;
    newer.deadline_s += 7200;
    assert_int_equal(mird_store_deployment_update(young, &newer, NULL), 0);
    for (int i = 0; i < 3; i++) { /* also with the version that is on the disk by now */
        older.version = (uint64_t)i + 1;
        assert_refused(mird_store_deployment_update(old, &older, &err), &err);
    }
    mird_store_close(old);
    mird_store_close(young);
}

static void test_standby(void **state)
{
    struct mird_acting first, second, seen;
    struct mir_error err = {0};
    struct mird_store *none = NULL;
    assert_int_equal(mird_store_open_standby(dir, &none, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    mird_acting_init(&first, "/first");
    mird_acting_init(&second, "/second");
    struct mird_store *acting = open_acting(&first), *standby = open_standby();
    struct mird_deployment d = make("one");
    int64_t before = mird_store_change_count(standby);
    assert_int_equal(mird_store_change_count(standby), before);
    assert_int_equal(add(acting, &d, NULL), 0);
    assert_int_not_equal(mird_store_change_count(standby), before);
    assert_int_equal(count_of(standby), 1);
    /* It writes nothing. */
    struct mird_deployment e = make("two");
    assert_int_equal(add(standby, &e, &err), -1);
    assert_int_equal(mird_store_setting_put(standby, "key", "value", &err), -1);
    assert_int_equal(mird_store_acting(standby, &seen, &err), 0);
    assert_string_equal(seen.socket, "/first");
    assert_int_equal(seen.pid, getpid());
    assert_int_equal(seen.row.beat, 0);
    assert_int_equal(mird_store_answer(acting, &err), 0);
    struct mird_acting answered;
    assert_int_equal(mird_store_acting(standby, &answered, &err), 0);
    assert_int_equal(answered.row.beat, 1);
    /* What it saw is no longer so. */
    assert_int_equal(mird_store_take_over(standby, &seen.row, &second, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_store_answer(acting, &err), 0);
    assert_int_equal(mird_store_acting(standby, &seen, &err), 0);
    assert_int_equal(mird_store_take_over(standby, &seen.row, &second, &err), 0);
    assert_int_equal(second.row.epoch, 2);
    assert_refused(mird_store_deployment_update(acting, &d, &err), &err);
    assert_int_equal(mird_store_setting_put(standby, "key", "value", &err), -1);
    mird_store_close(standby);
    struct mird_store *young = open_acting(&second);
    assert_int_equal(second.row.epoch, 2);
    assert_int_equal(mird_store_deployment_update(young, &d, &err), 0);
    mird_store_close(acting);
    mird_store_close(young);
}

/* A claim that was overtaken before it was used. */
static void test_yet_another(void **state)
{
    struct mird_acting first, second, third;
    struct mir_error err = {0};
    struct mird_store *store = NULL;
    mird_acting_init(&first, "");
    mird_acting_init(&second, "");
    mird_acting_init(&third, "");
    struct mird_store *acting = open_acting(&first), *standby = open_standby();
    assert_int_equal(mird_store_take_over(standby, &first.row, &second, &err), 0);
    assert_int_equal(mird_store_take_over(standby, &first.row, &third, &err), -1);
    assert_int_equal(mird_store_take_over(standby, &second.row, &third, &err), 0);
    assert_int_equal(mird_store_open_acting(dir, &second, &store, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    mird_store_close(standby);
    mird_store_close(acting);
}

static void test_handed_back(void **state)
{
    struct mird_acting first, seen;
    mird_acting_init(&first, "/first");
    struct mird_store *acting = open_acting(&first), *standby = open_standby();
    assert_int_equal(mird_store_hand_back(acting, NULL), 0);
    assert_int_equal(mird_store_acting(standby, &seen, NULL), 0);
    assert_string_equal(seen.row.holder, "");
    assert_int_equal(mird_store_setting_put(acting, "key", "value", NULL), -1);
    mird_store_close(acting);
    mird_store_close(standby);
}

/* Many that want it at once: one gets it. */
struct racer {
    struct mird_epoch_row seen;
    atomic_int *won;
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    struct mird_store *standby = open_standby();
    struct mird_acting as;
    mird_acting_init(&as, "");
    if (!mird_store_take_over(standby, &racer->seen, &as, NULL))
        atomic_fetch_add(racer->won, 1);
    mird_store_close(standby);
    return NULL;
}

static void test_race(void **state)
{
    struct mird_acting first;
    mird_acting_init(&first, "");
    struct mird_store *acting = open_acting(&first);
    for (int64_t round = 0; round < 5; round++) {
        struct mird_acting now;
        atomic_int won = 0;
        pthread_t threads[4];
        assert_int_equal(mird_store_acting(acting, &now, NULL), 0);
        assert_int_equal(now.row.epoch, first.row.epoch + round);
        struct racer racer = {.seen = now.row, .won = &won};
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racer), 0);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&won), 1);
    }
    mird_store_close(acting);
}

/* --- the lock --- */

/* A process that holds the lock and then is stopped. */
static pid_t stopped_holder(void)
{
    int ready[2], fd;
    char c;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (mird_lock_take(dir, 1, &fd, NULL) || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    return pid;
}

static void test_kill_holder(void **state)
{
    struct mir_error err = {0};
    int fd = -1, status = 0;
    pid_t pid = stopped_holder();
    pid_t other = fork();
    if (other == 0)
        for (;;)
            pause();
    /* Nobody but the holder. */
    assert_int_equal(mird_lock_kill_holder(dir, other, 1000, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(waitpid(other, &status, WNOHANG), 0);
    assert_int_equal(mird_lock_take(dir, 2, &fd, &err), -1);
    assert_int_equal(mird_lock_kill_holder(dir, pid, 5000, &err), 0);
    assert_int_equal(mird_lock_take(dir, 3, &fd, &err), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(mird_lock_kill_holder(dir, pid, 1000, &err), 0); /* it has ended */
    close(fd);
    kill(other, SIGKILL);
    waitpid(other, &status, 0);
}

static void test_replace(void **state)
{
    struct mir_error err = {0};
    int fd = -1, third = -1, status = 0;
    char path[96];
    pid_t pid = stopped_holder();
    assert_int_equal(mird_lock_take(dir, 2, &fd, &err), -1);
    assert_int_equal(mird_lock_replace(dir, 3, &fd, &err), 0);
    assert_true(mird_lock_current(dir, fd));
    assert_int_equal(mird_lock_take(dir, 4, &third, &err), -1); /* held by the new one */
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_int_equal(mird_lock_take(dir, 5, &third, &err), -1); /* the old one's end is nothing */
    /* And once more: what we hold is no longer the one. */
    assert_int_equal(mird_lock_replace(dir, 6, &third, &err), 0);
    assert_false(mird_lock_current(dir, fd));
    assert_true(mird_lock_current(dir, third));
    /* Deleted by hand: nobody has taken over. */
    snprintf(path, sizeof path, "%s/lock", dir);
    assert_int_equal(unlink(path), 0);
    assert_true(mird_lock_current(dir, third));
    close(fd);
    close(third);
}

/* --- the two roles --- */

static void count_up(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static bool comes_true(bool (*check)(void *ctx), void *ctx)
{
    for (int i = 0; i < 1000 && !check(ctx); i++)
        poll(NULL, 0, 20);
    return check(ctx);
}

static bool was_counted(void *ctx)
{
    return atomic_load((atomic_int *)ctx) > 0;
}

static bool was_answered(void *store)
{
    struct mird_acting now;
    return !mird_store_acting(store, &now, NULL) && now.row.beat > 0;
}

static struct mird_tenure *begin_tenure(struct mird_store **ret_store, atomic_int *lost)
{
    struct mird_acting as;
    int lock_fd = -1;
    assert_int_equal(mird_lock_take(dir, 1, &lock_fd, NULL), 0);
    mird_acting_init(&as, "/first");
    *ret_store = open_acting(&as);
    struct mird_tenure *tenure = mird_tenure_new(dir, lock_fd, *ret_store, count_up, lost);
    assert_int_equal(mird_tenure_start(tenure, NULL), 0);
    return tenure;
}

static void end_tenure(struct mird_tenure *tenure, struct mird_store *store)
{
    mird_tenure_end(tenure);
    mird_store_close(store);
    mird_tenure_free(tenure);
}

/* The lock alone says it, before the database is asked; and then for ever. */
static void test_fence(void **state)
{
    struct mird_store *store;
    struct mir_error err = {0};
    struct mird_acting now;
    atomic_int lost = 0;
    int fd = -1;
    char path[96], aside[96];
    struct mird_tenure *tenure = begin_tenure(&store, &lost);
    const struct mir_fence *fence = mird_tenure_fence(tenure);
    assert_int_equal(mir_fence_check(fence, &err), 0);
    snprintf(path, sizeof path, "%s/lock", dir);
    snprintf(aside, sizeof aside, "%s/ours", dir);
    assert_int_equal(link(path, aside), 0);
    assert_int_equal(atomic_load(&lost), 0); /* one name more: looked at, and nothing */
    assert_int_equal(mird_lock_replace(dir, 2, &fd, NULL), 0);
    for (int i = 0; i < 5000 && !atomic_load(&lost); i++) /* without being asked */
        poll(NULL, 0, 1);
    assert_int_equal(atomic_load(&lost), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mir_fence_check(fence, &err), -1);
        assert_int_equal(err.kind, MIR_UNAVAILABLE);
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
        assert_true(mird_tenure_lost(tenure));
        assert_int_equal(atomic_load(&lost), 1);
        assert_int_equal(rename(aside, path), i ? -1 : 0); /* even if it were undone */
    }
    end_tenure(tenure, store); /* and the row is not ours to hand back */
    struct mird_store *standby = open_standby();
    assert_int_equal(mird_store_acting(standby, &now, NULL), 0);
    assert_string_not_equal(now.row.holder, "");
    mird_store_close(standby);
    close(fd);
}

/* Silence while nobody asks; who takes over in the store is noticed at the next answer. */
static void test_answers(void **state)
{
    struct mird_store *store;
    struct mird_acting now, other;
    atomic_int lost = 0;
    struct mird_tenure *tenure = begin_tenure(&store, &lost);
    assert_false(was_answered(store));
    int bell = mird_bell_ring(dir);
    assert_true(bell >= 0);
    assert_true(comes_true(was_answered, store));
    struct mird_store *standby = open_standby();
    assert_int_equal(mird_store_acting(standby, &now, NULL), 0);
    mird_acting_init(&other, "/second");
    assert_int_equal(mird_store_take_over(standby, &now.row, &other, NULL), 0);
    close(bell);
    bell = mird_bell_ring(dir);
    assert_true(comes_true(was_counted, &lost));
    struct pollfd fds = {.fd = bell};
    assert_int_equal(poll(&fds, 1, 0), 0);
    end_tenure(tenure, store);
    assert_int_equal(poll(&fds, 1, 0), 1); /* its reader has gone */
    assert_int_equal(mird_bell_ring(dir), -1);
    close(bell);
    mird_store_close(standby);
}

static void test_hand_over(void **state)
{
    struct mird_store *store;
    atomic_int lost = 0, won = 0;
    struct mird_standby *standby;
    struct mird_inheritance inheritance;
    struct mird_tenure *tenure = begin_tenure(&store, &lost);
    struct mird_store *reading = open_standby();
    const struct mird_standby_config config = {.state_dir = dir,
                                               .socket = "/second",
                                               .store = reading,
                                               .silence_ms = 60000,
                                               .on_news = count_up,
                                               .on_won = count_up,
                                               .ctx = &won};
    const struct mird_standby_config quiet = {.state_dir = dir,
                                              .socket = "/second",
                                              .store = reading,
                                              .silence_ms = 60000,
                                              .on_news = count_up,
                                              .on_won = count_up,
                                              .ctx = &lost};
    /* One that is ended before its turn. */
    assert_int_equal(mird_standby_start(&quiet, &standby, NULL), 0);
    assert_true(comes_true(was_answered, store));
    assert_false(mird_standby_won(standby));
    assert_false(mird_standby_end(standby, &inheritance));
    assert_int_equal(mird_standby_start(&config, &standby, NULL), 0);
    end_tenure(tenure, store);
    assert_true(comes_true(was_counted, &won));
    for (int i = 0; i < 500 && !mird_standby_won(standby); i++)
        poll(NULL, 0, 20);
    assert_true(mird_standby_end(standby, &inheritance));
    assert_true(inheritance.lock_fd >= 0);
    assert_string_equal(inheritance.socket, "/first");
    mird_store_close(reading);
    struct mird_store *ours = open_acting(&inheritance.as);
    assert_int_equal(inheritance.as.row.epoch, 2);
    mird_store_close(ours);
    close(inheritance.lock_fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as in the daemon: a bell may lose its reader while it is rung */
    const struct CMUnitTest tests[] = {
        TEST(test_fenced),      TEST(test_older_record), TEST(test_standby),
        TEST(test_yet_another), TEST(test_handed_back),  TEST(test_race),
        TEST(test_kill_holder), TEST(test_replace),      TEST(test_fence),
        TEST(test_answers),     TEST(test_hand_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
