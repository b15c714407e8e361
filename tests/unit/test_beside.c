/* SPDX-License-Identifier: ISC */
/* Things done side by side: all of them at once, each with its own end; and one after the other
 * where no thread can be had. */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "api/beside.h"

#define CROWD 5

static pthread_barrier_t all_there;
static int threads_left = -1; /* that can be had; below 0: as many as are wanted */

/* The linker puts it in front of the real one (--wrap). */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg)
{
    if (!threads_left)
        return EAGAIN;
    threads_left -= threads_left > 0;
    return __real_pthread_create(thread, attr, fn, arg);
}

struct one {
    pthread_t thread;
    enum mir_kind fails;
    bool meets;
};

/* Nobody gets past the barrier before all have come: they really are there at once. */
static int be(void *ctx, struct mir_error *err)
{
    struct one *one = ctx;
    one->thread = pthread_self();
    if (one->meets)
        pthread_barrier_wait(&all_there);
    return one->fails ? mir_fail(err, one->fails, "as it was told") : 0;
}

static void fill(struct mir_beside *list, struct one *ones, bool meet)
{
    for (size_t i = 0; i < CROWD; i++) {
        ones[i] = (struct one){.meets = meet};
        list[i] = (struct mir_beside){.fn = be, .ctx = &ones[i], .rc = 7};
    }
}

static size_t threads_now(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/task");
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* A thread that was joined may still stand in /proc for a moment. */
static bool threads_settle(size_t *ret)
{
    *ret = threads_now();
    for (int i = 0, same = 0; i < 1000 && same < 20; i++, usleep(2000)) {
        size_t now = threads_now();
        same = now == *ret ? same + 1 : 0;
        *ret = now;
        if (same == 20)
            return true;
    }
    return false;
}

static bool threads_are(size_t wanted)
{
    for (int i = 0; i < 1000; i++) {
        if (threads_now() == wanted)
            return true;
        usleep(2000);
    }
    return false;
}

static void test_at_once(void **state)
{
    struct mir_beside list[CROWD];
    struct one ones[CROWD];
    size_t before = 0;
    pthread_barrier_init(&all_there, NULL, CROWD);
    fill(list, ones, false);
    mir_beside(list, CROWD); /* a sanitizer's own thread comes with the first one */
    assert_true(threads_settle(&before));
    for (int round = 0; round < 50; round++) {
        fill(list, ones, true);
        mir_beside(list, CROWD);
        for (size_t i = 0; i < CROWD; i++)
            assert_int_equal(list[i].rc, 0);
        assert_true(pthread_equal(ones[CROWD - 1].thread, pthread_self()));
        assert_int_equal(mir_beside_first(list, CROWD, NULL), 0);
    }
    pthread_barrier_destroy(&all_there);
    assert_true(threads_are(before));
}

/* All are done whatever becomes of the others, and the first in the list is the one that is told.
 */
static void test_errors(void **state)
{
    struct mir_beside list[CROWD];
    struct one ones[CROWD];
    struct mir_error err = {0};
    fill(list, ones, false);
    ones[1].fails = MIR_UNAVAILABLE;
    ones[4].fails = MIR_CREDENTIALS;
    mir_beside(list, CROWD);
    assert_int_equal(list[0].rc, 0);
    assert_int_equal(list[1].rc, -1);
    assert_int_equal(list[4].rc, -1);
    assert_int_equal(list[4].err.kind, MIR_CREDENTIALS);
    assert_int_equal(mir_beside_first(list, CROWD, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(mir_beside_first(list, CROWD, NULL), -1);
    assert_int_equal(mir_beside_first(list, 1, &err), 0);
}

static void test_one_and_none(void **state)
{
    struct one alone = {.meets = false};
    struct mir_beside list[] = {{.fn = be, .ctx = &alone, .rc = 7}};
    mir_beside(list, 0);
    assert_int_equal(list[0].rc, 7);
    mir_beside(list, 1);
    assert_int_equal(list[0].rc, 0);
    assert_true(pthread_equal(alone.thread, pthread_self()));
}

/* The caller does them all, the last one first, which is its own anyway. */
static void test_no_threads(void **state)
{
    struct mir_beside list[CROWD];
    struct one ones[CROWD];
    fill(list, ones, false);
    ones[2].fails = MIR_TIMEOUT;
    threads_left = 0;
    mir_beside(list, CROWD);
    threads_left = -1;
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(list[i].rc, i == 2 ? -1 : 0);
        assert_true(pthread_equal(ones[i].thread, pthread_self()));
    }
}

/* One thread, and none for the rest. */
static void test_one_thread(void **state)
{
    struct mir_beside list[CROWD];
    struct one ones[CROWD];
    fill(list, ones, false);
    threads_left = 1;
    mir_beside(list, CROWD);
    threads_left = -1;
    assert_false(pthread_equal(ones[0].thread, pthread_self()));
    for (size_t i = 1; i < CROWD; i++)
        assert_true(pthread_equal(ones[i].thread, pthread_self()));
    assert_int_equal(mir_beside_first(list, CROWD, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once),      cmocka_unit_test(test_errors),
        cmocka_unit_test(test_one_and_none), cmocka_unit_test(test_no_threads),
        cmocka_unit_test(test_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
