/* SPDX-License-Identifier: ISC */
/* The store: what is acknowledged is there again, whatever happens to the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "daemon/store.h"
#include "mird_shelf.h"
#include "schema.h"

static struct mird_deployment make(const char *name)
{
    struct mird_deployment d = {.created_s = 1800000000, .deadline_s = 1800003600};
    mir_id_new(mir_random_system(), d.id);
    mir_id_new(mir_random_system(), d.token);
    mir_copy(d.name, sizeof d.name, name);
    mir_copy(d.provider, sizeof d.provider, "local");
    mir_copy(d.owner, sizeof d.owner, "tester");
    mir_copy(d.arguments, sizeof d.arguments, "a=\"b\" \\ \xc3\xa9");
    memset(d.kernel, 'a', 64);
    d.memory_bytes = UINT64_C(1) << 40;
    d.price.known = true;
    d.port_count = 1;
    d.ports[0] = (struct mir_port){.address = "127.0.0.1", .host_port = 65535, .guest_port = 80};
    return d;
}

static struct mird_operation operation(const struct mird_deployment *d)
{
    struct mird_operation op = {.kind = "deploy", .created_s = d->created_s};
    mir_id_new(mir_random_system(), op.id);
    mir_copy(op.deployment, sizeof op.deployment, d->id);
    mir_copy(op.name, sizeof op.name, d->name);
    return op;
}

static int add(struct house *h, struct mird_deployment *d, const char *key, const char *sha,
               bool *ret_replayed, struct mir_error *err)
{
    struct mird_operation op = operation(d);
    return mird_store_deployment_add(h->store, d, &op, NULL, key, sha, ret_replayed, err);
}

static void add_well(struct house *h, struct mird_deployment *d)
{
    bool replayed;
    struct mir_error err = {0};
    if (add(h, d, "", "", &replayed, &err))
        fail_msg("%s", err.text);
}

/* What it has gone through before it was added is told after the grant, in the order of things. */
static void test_added_with_news(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = make("hasty");
    struct mird_operation op = operation(&d);
    struct mird_news news = {.event_count = 1,
                             .events = {{.kind = "state", .state = "launching", .text = "asked"}}};
    struct mird_event *events;
    size_t count;
    bool replayed;
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    assert_int_equal(mird_store_deployment_add(h->store, &d, &op, &news, "", "", &replayed, NULL),
                     0);
    reopen(h);
    assert_int_equal(mird_store_events(h->store, d.id, 0, 10, &events, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(events[0].state, "pending");
    assert_string_equal(events[0].text, "lease granted");
    assert_string_equal(events[1].state, "launching");
    assert_string_equal(events[1].text, "asked");
    assert_true(events[1].at_ms >= events[0].at_ms);
    free(events);
    assert_int_equal(mird_store_deployment_get(h->store, d.id, &d, NULL), 0);
    assert_int_equal(d.steps[MIRD_STEP_INSTANCE], MIRD_INTENT);
}

static void test_whole_record(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = make("whole"), back;
    add_well(h, &d);
    d.steps[MIRD_STEP_INSTANCE] = MIRD_UNDOING;
    d.end_reason = MIRD_END_GUEST;
    d.seen_live = d.stuck = true;
    d.last_create_ms = INT64_C(1800000000123);
    d.instance.state = MIR_INSTANCE_STOPPING;
    d.instance.port_count = 2;
    d.instance.ports[1].guest_port = 443;
    mir_copy(d.instance.end_reason, sizeof d.instance.end_reason, "powered off");
    d.hook_count = 2;
    mir_copy(d.hooks[1].name, sizeof d.hooks[1].name, "daemon");
    d.hooks[1].state = MIR_HOOK_ARMED;
    mir_copy(d.error_text, sizeof d.error_text, "because");
    assert_int_equal(mird_store_deployment_update(h->store, &d, NULL), 0);
    reopen(h);
    assert_int_equal(mird_store_deployment_get(h->store, d.id, &back, NULL), 0);
    /* Field by field through the same form: padding does not count. */
    char *a = mird_deployment_record(&d), *b = mird_deployment_record(&back);
    assert_string_equal(a, b);
    free(a);
    free(b);
    assert_int_equal(back.version, 2);
    assert_int_equal(back.last_create_ms, d.last_create_ms);
    assert_int_equal(back.memory_bytes, d.memory_bytes);
    assert_string_equal(back.arguments, d.arguments);
    assert_string_equal(back.hooks[1].name, "daemon");
}

static void test_versions(void **state)
{
    struct house *h = *state;
    struct mird_deployment mine = make("versions"), other;
    struct mir_error err = {0};
    add_well(h, &mine);
    assert_int_equal(mine.version, 1);
    other = mine;
    assert_int_equal(mird_store_deployment_update(h->store, &mine, &err), 0);
    assert_int_equal(mine.version, 2);
    other.deadline_s += 1000;
    assert_int_equal(mird_store_deployment_update(h->store, &other, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_store_deployment_get(h->store, mine.id, &other, NULL), 0);
    assert_int_equal(other.deadline_s, mine.deadline_s);
}

static void test_names(void **state)
{
    struct house *h = *state;
    struct mird_deployment first = make("name"), second = make("name"), found;
    struct mir_error err = {0};
    bool replayed;
    add_well(h, &first);
    assert_int_equal(add(h, &second, "", "", &replayed, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_non_null(strstr(err.text, "'name'"));
    first.finished_s = 1800000100;
    assert_int_equal(mird_store_deployment_update(h->store, &first, NULL), 0);
    assert_int_equal(mird_store_deployment_by_name(h->store, "name", &found, NULL), 0);
    assert_string_equal(found.id, first.id);
    add_well(h, &second);
    assert_int_equal(mird_store_deployment_by_name(h->store, "name", &found, NULL), 0);
    assert_string_equal(found.id, second.id);
    struct mird_deployment *list;
    size_t count;
    assert_int_equal(mird_store_deployments(h->store, false, "", 10, &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    free(list);
    assert_int_equal(mird_store_deployments(h->store, true, "", 10, &list, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].id, second.id); /* newest first */
    free(list);
    struct mir_lease lease = {0};
    assert_int_equal(mird_store_lease(h->store, first.id, &lease, &err), -1);
    assert_false(lease.durable);
    assert_int_equal(mird_store_lease(h->store, second.id, &lease, &err), 0);
    assert_true(lease.durable);
    assert_int_equal(lease.deadline_s, second.deadline_s);
}

static void test_idempotency(void **state)
{
    struct house *h = *state;
    struct mird_deployment first = make("once"), again = make("once"), late = make("later");
    struct mir_error err = {0};
    bool replayed = true;
    assert_int_equal(add(h, &first, "key", "sha", &replayed, &err), 0);
    assert_false(replayed);
    assert_int_equal(add(h, &again, "key", "sha", &replayed, &err), 0);
    assert_true(replayed);
    assert_string_equal(again.id, first.id);
    again = make("once");
    assert_int_equal(add(h, &again, "key", "other", &replayed, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    late.created_s += 86401;
    assert_int_equal(add(h, &late, "key", "other", &replayed, &err), 0);
    assert_false(replayed);
}

static void test_news(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = make("news");
    struct mird_operation op = operation(&d), back;
    struct mird_news news = {.event_count = 1,
                             .end_count = 1,
                             .audit_count = 1,
                             .audits = {{.who = "me", .what = "test"}}};
    struct mird_event *events;
    size_t count;
    bool replayed;
    assert_int_equal(mird_store_deployment_add(h->store, &d, &op, NULL, "", "", &replayed, NULL),
                     0);
    mir_copy(news.events[0].kind, sizeof news.events[0].kind, "note");
    mir_copy(news.events[0].text, sizeof news.events[0].text, "something");
    mir_copy(news.ends[0].kind, sizeof news.ends[0].kind, "deploy");
    news.ends[0].failed = true;
    mir_fail(&news.error, MIR_TIMEOUT, "too slow");
    /* A stale version: nothing of it is written. */
    struct mird_deployment stale = d;
    stale.version = 9;
    assert_int_equal(mird_store_deployment_commit(h->store, &stale, &news, 5000, NULL), -1);
    assert_int_equal(mird_store_events(h->store, d.id, 0, 100, &events, &count, NULL), 0);
    assert_int_equal(count, 1);
    free(events);
    assert_int_equal(mird_store_deployment_commit(h->store, &d, &news, 5000, NULL), 0);
    assert_int_equal(mird_store_events(h->store, d.id, 0, 100, &events, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(events[0].state, "pending");
    assert_string_equal(events[1].text, "something");
    assert_int_equal(events[1].at_ms, 5000);
    int64_t last = events[1].id;
    free(events);
    assert_int_equal(mird_store_events(h->store, NULL, last, 100, &events, &count, NULL), 0);
    assert_int_equal(count, 0);
    free(events);
    assert_int_equal(mird_store_operation_get(h->store, op.id, &back, NULL), 0);
    assert_true(back.failed);
    assert_int_equal(back.finished_s, 5);
    assert_string_equal(back.error_code, "timeout");
    assert_string_equal(back.error_text, "too slow");
}

static void test_identity_and_settings(void **state)
{
    struct house *h = *state;
    struct mird_identity first, second;
    char path[128];
    struct stat st;
    mird_store_identity(h->store, &first, NULL);
    assert_int_equal(mird_store_setting_put(h->store, "public-port", "8421", NULL), 0);
    reopen(h);
    mird_store_identity(h->store, &second, NULL);
    assert_memory_equal(&first, &second, sizeof first);
    char *value = mird_store_setting_get(h->store, "public-port");
    assert_string_equal(value, "8421");
    free(value);
    assert_int_equal(mird_store_setting_put(h->store, "public-port", NULL, NULL), 0);
    assert_null(mird_store_setting_get(h->store, "public-port"));
    snprintf(path, sizeof path, "%s/identity", h->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/state.db", h->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/reserve", h->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size == 1 << 20 && st.st_blocks >= (1 << 20) / 512);
    mird_store_reserve_release(h->store);
    assert_int_equal(stat(path, &st), -1);
    mird_store_reserve_restore(h->store);
    assert_int_equal(stat(path, &st), 0);
}

static void test_kernels_and_sites(void **state)
{
    struct house *h = *state;
    struct mir_kernel kernel = {.bytes = 7, .format = MIR_FORMAT_XEN_PVH}, back;
    struct mird_site site = {.state = MIRD_SITE_LIVE, .added_s = 5}, *list;
    struct mird_site found;
    struct mir_error err = {0};
    size_t count;
    memset(kernel.sha256, 'b', 64);
    assert_int_equal(mird_store_kernel_get(h->store, kernel.sha256, &back, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(mird_store_kernel_put(h->store, &kernel, 1, NULL), 0);
    assert_int_equal(mird_store_kernel_get(h->store, kernel.sha256, &back, NULL), 0);
    assert_int_equal(back.format, MIR_FORMAT_XEN_PVH);
    mir_copy(site.name, sizeof site.name, "site");
    mir_copy(site.url, sizeof site.url, "http://127.0.0.1:1/");
    assert_int_equal(mird_store_site_put(h->store, &site, NULL), 0);
    site.state = MIRD_SITE_DOWN;
    assert_int_equal(mird_store_site_put(h->store, &site, NULL), 0);
    assert_int_equal(mird_store_site_get(h->store, "site", &found, NULL), 0);
    assert_int_equal(found.state, MIRD_SITE_DOWN);
    assert_int_equal(mird_store_sites(h->store, &list, &count, NULL), 0);
    assert_int_equal(count, 1);
    free(list);
    assert_int_equal(mird_store_site_delete(h->store, "site", NULL), 0);
    assert_int_equal(mird_store_site_get(h->store, "site", &found, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

/* What is asked of many without their documents. */
static void test_questions(void **state)
{
    struct house *h = *state;
    struct mird_deployment d[5], found, *page;
    struct mird_store_figures figures;
    char name[16], holder[MIR_NAME_TEXT];
    size_t count;
    for (unsigned i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "q-%u", i);
        d[i] = make(name);
        d[i].deadline_s += i;
        d[i].ports[0].host_port = (uint16_t)(8000 + i);
        add_well(h, &d[i]);
    }
    assert_int_equal(mird_store_deployments(h->store, true, "", 2, &page, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(page[1].id, d[3].id);
    free(page);
    assert_int_equal(mird_store_deployments(h->store, false, d[3].id, 9, &page, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_string_equal(page[0].id, d[2].id);
    free(page);
    struct mir_port port = {.address = "0.0.0.0", .host_port = 8002};
    assert_int_equal(mird_store_port_holder(h->store, &port, holder, NULL), 1);
    assert_string_equal(holder, "q-2");
    mir_copy(port.address, sizeof port.address, "127.0.0.2");
    assert_int_equal(mird_store_port_holder(h->store, &port, holder, NULL), 0);
    assert_int_equal(mird_store_deployment_by_token(h->store, d[4].token, &found, NULL), 1);
    assert_string_equal(found.id, d[4].id);
    d[4].finished_s = d[4].deadline_s;
    assert_int_equal(mird_store_deployment_update(h->store, &d[4], NULL), 0);
    assert_int_equal(mird_store_deployment_by_token(h->store, d[4].token, &found, NULL), 0);
    port.host_port = 8004;
    mir_copy(port.address, sizeof port.address, "127.0.0.1");
    assert_int_equal(mird_store_port_holder(h->store, &port, holder, NULL), 0);
    assert_int_equal(mird_store_open_count(h->store, 3, &count, NULL), 0);
    assert_int_equal(count, 3); /* and no further */
    assert_int_equal(mird_store_figures(h->store, &figures, NULL), 0);
    assert_int_equal(figures.open, 4);
    assert_int_equal(figures.by_state[MIRD_PENDING], 4);
    assert_int_equal(figures.by_state[MIRD_FAILED], 1);
    assert_int_equal(figures.first_deadline_s, d[0].deadline_s);
    assert_int_equal(figures.last_deadline_s, d[3].deadline_s);
}

static void note_lease(void *ctx, const struct mird_open_lease *lease)
{
    struct mird_open_lease *found = ctx;
    unsigned at = found[0].id[0] ? 1 : 0;
    found[at] = *lease;
}

/* What rests has its wake-up at the deadline, and all else comes first. */
static void test_open_leases(void **state)
{
    struct house *h = *state;
    struct mird_deployment rests = make("rests"), busy = make("busy");
    struct mird_open_lease found[2] = {0};
    rests.steps[MIRD_STEP_INSTANCE] = rests.steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    rests.seen_running = rests.goal_over = true;
    add_well(h, &rests);
    add_well(h, &busy);
    assert_int_equal(mird_store_open_leases(h->store, note_lease, found, NULL), 0);
    assert_string_equal(found[0].id, busy.id);
    assert_int_equal(found[0].wake_s, 0);
    assert_string_equal(found[1].id, rests.id);
    assert_int_equal(found[1].wake_s, rests.deadline_s);
    assert_string_equal(found[1].provider, "local");
    busy.finished_s = 1800000001;
    rests.end_reason = MIRD_END_REMOVED;
    rests.ending_since_s = 1800000001;
    assert_int_equal(mird_store_deployment_update(h->store, &busy, NULL), 0);
    assert_int_equal(mird_store_deployment_update(h->store, &rests, NULL), 0);
    memset(found, 0, sizeof found);
    assert_int_equal(mird_store_open_leases(h->store, note_lease, found, NULL), 0);
    assert_string_equal(found[0].id, rests.id);
    assert_int_equal(found[0].wake_s, 0);
    assert_int_equal(found[1].id[0], 0);
}

/* Many threads at once, one of them always wrong: what is acknowledged is there, what is refused is
 * not, and nobody gets the answer of another. */
#define WRITERS 8
#define WRITES 40

static void *write_many(void *ctx)
{
    struct house *h = ctx;
    struct mird_deployment d = make("x");
    struct mird_operation op = operation(&d);
    bool replayed;
    snprintf(d.name, sizeof d.name, "w-%.12s", d.id);
    uintptr_t wrong =
        (uintptr_t)mird_store_deployment_add(h->store, &d, &op, NULL, "", "", &replayed, NULL);
    for (unsigned i = 0; i < WRITES; i++) {
        struct mird_deployment stale = d;
        struct mir_error err = {0};
        stale.version += 7;
        d.attempts = i + 1;
        wrong += mird_store_deployment_update(h->store, &d, NULL) != 0;
        wrong +=
            mird_store_deployment_update(h->store, &stale, &err) != -1 || err.kind != MIR_CONFLICT;
    }
    struct mird_deployment back;
    wrong += mird_store_deployment_get(h->store, d.id, &back, NULL) != 0 ||
             back.version != WRITES + 1 || back.attempts != WRITES;
    return (void *)wrong;
}

static void test_groups(void **state)
{
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, *state), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

/* A child adds deployments and says so on a pipe after each; killed at some moment, all that it
 * had said is there. */
static void test_kill(void **state)
{
    struct house *h = *state;
    for (int round = 0; round < 8; round++) {
        int fds[2];
        mird_store_close(h->store);
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            open_store(h);
            for (;;) {
                char name[32];
                struct mird_deployment d = make("x");
                snprintf(name, sizeof name, "n-%.8s", d.id);
                mir_copy(d.name, sizeof d.name, name);
                add_well(h, &d);
                if (write(fds[1], d.id, 32) != 32)
                    _exit(1);
            }
        }
        close(fds[1]);
        char ids[200][33] = {{0}};
        int count = 0;
        while (count < 5 + 3 * round && read(fds[0], ids[count], 32) == 32)
            count++;
        kill(pid, SIGKILL);
        while (count < 200 && read(fds[0], ids[count], 32) == 32)
            count++;
        waitpid(pid, NULL, 0);
        close(fds[0]);
        open_store(h);
        struct mird_deployment d;
        for (int i = 0; i < count; i++)
            assert_int_equal(mird_store_deployment_get(h->store, ids[i], &d, NULL), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_added_with_news),
        TEST(test_versions),
        TEST(test_whole_record),
        TEST(test_versions),
        TEST(test_names),
        TEST(test_idempotency),
        TEST(test_news),
        TEST(test_identity_and_settings),
        TEST(test_kill),
        TEST(test_kernels_and_sites),
        TEST(test_questions),
        TEST(test_open_leases),
        TEST(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
