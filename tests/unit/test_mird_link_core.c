/* SPDX-License-Identifier: ISC */
/* The core's side of the link, which starts this very program as its public process. */
#include <dirent.h>
#include <signal.h>

#include "daemon/prober.h"
#include "daemon/public_link.h"
#include "daemon/public_server.h"
#include "daemon/registry.h"
#include "mird_pages.h"

struct cored {
    struct mird_core core;
    struct mird_public *link;
    struct tiny_server site;
};

static int cored_start(void **state)
{
    void *dir = NULL;
    assert_int_equal(scratch_make(&dir), 0);
    struct cored *c = mir_calloc(1, sizeof *c);
    struct mir_error err = {0};
    c->core.clock = mir_clock_system();
    c->core.random = mir_random_system();
    c->core.state_dir = dir;
    c->core.hub = mird_hub_new();
    if (mird_store_open(dir, &c->core.store, &err) ||
        mird_store_identity(c->core.store, &c->core.identity, &err) ||
        mird_public_start(&c->core, "127.0.0.1:0", &c->link, &err))
        fail_msg("%s", err.text);
    tiny_start(&c->site, good_site);
    *state = c;
    return 0;
}

static int cored_stop(void **state)
{
    struct cored *c = *state;
    void *dir = (void *)(uintptr_t)c->core.state_dir;
    mird_public_stop(c->link);
    mird_hub_free(c->core.hub);
    mird_store_close(c->core.store);
    tiny_stop(&c->site);
    scratch_remove(&dir);
    free(c);
    return 0;
}

static struct mird_deployment add_deployment(struct cored *c, const char *id, const char *name)
{
    struct mird_deployment d = {
        .provider = "local", .url_origin = "derived", .token = TOKEN, .list = true};
    struct mird_operation op = {.kind = "deploy"};
    struct mir_error err = {0};
    bool replayed;
    mir_copy(d.id, sizeof d.id, id);
    mir_copy(d.name, sizeof d.name, name);
    memset(d.kernel, 'a', sizeof d.kernel - 1);
    snprintf(d.url, sizeof d.url, "http://127.0.0.1:%u/", c->site.port);
    d.created_s = mir_now_s(c->core.clock);
    d.deadline_s = d.created_s + 600;
    mir_id_new(c->core.random, op.id);
    mir_copy(op.deployment, sizeof op.deployment, id);
    mir_copy(op.name, sizeof op.name, name);
    if (mird_store_deployment_add(c->core.store, &d, &op, NULL, "", "", &replayed, &err))
        fail_msg("%s", err.text);
    return d;
}

static enum mird_site_state state_of(struct cored *c, const char *name)
{
    struct mird_site site;
    assert_int_equal(mird_store_site_get(c->core.store, name, &site, NULL), 0);
    return site.state;
}

static void await_state(struct cored *c, const char *name, enum mird_site_state wanted)
{
    for (int i = 0; i < 1000 && state_of(c, name) != wanted; i++)
        poll(NULL, 0, 20);
    assert_int_equal(state_of(c, name), wanted);
}

static void test_launched_live_gone(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    struct mird_site site;
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 30, &site, &err), 0);
    assert_int_equal(site.state, MIRD_SITE_VERIFIED);
    assert_true(site.private_ok);
    await_state(c, "hello", MIRD_SITE_LIVE);
    await_badge(c->core.public_url, "hello", "live");
    assert_body(c->core.public_url, "/sites.json", 200, "\"signature\"");

    /* Again, as after a restart of the daemon: what was seen stays. */
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 30, &site, &err), 0);
    assert_int_equal(site.state, MIRD_SITE_LIVE);
    assert_int_equal(mird_site_deadline(&c->core, d.id, d.deadline_s + 60, &err), 0);
    assert_int_equal(mird_store_site_get(c->core.store, "hello", &site, NULL), 0);
    assert_int_equal(site.expires_s, d.deadline_s + 60);
    assert_int_equal(mird_site_remove(&c->core, "hello", &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);

    assert_int_equal(mird_site_deployment_ended(&c->core, d.id, &err), 0);
    await_badge(c->core.public_url, "hello", "gone");
    assert_body(c->core.public_url, "/", 200, "Past sites");
    assert_int_equal(mird_site_remove(&c->core, "hello", &err), 0);
    await_badge(c->core.public_url, "hello", "unknown");
}

/* The engine forgot to say so, or the daemon was down: the deployment's end is noticed. */
static void test_tidy_follows_deployments(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = {.provider = "local",
                                .name = "ghost",
                                .id = DEPLOYMENT,
                                .url_origin = "derived",
                                .list = true,
                                .url = "http://127.0.0.1:1/"};
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 1, NULL, &err), 0); /* not in store */
    await_state(c, "ghost", MIRD_SITE_GONE);
}

/* The one child of this process: children are listed with the thread that made them. 0: none, or
 * a kernel that does not list them. */
static pid_t public_pid(void)
{
    pid_t found = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && !found && (e = readdir(tasks));) {
        mir_auto_free char *path = mir_format("/proc/self/task/%s/children", e->d_name);
        mir_auto_free char *list = NULL;
        if (!mir_file_read(path, 4096, &list, NULL, NULL))
            found = (pid_t)strtol(list, NULL, 10);
    }
    if (tasks)
        closedir(tasks);
    return found;
}

static void test_public_process_is_started_again(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    atomic_store(&c->site.mute, true);
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 60, NULL, &err), 0);
    await_badge(c->core.public_url, "hello", "verified");
    pid_t first = public_pid();
    if (first <= 0) {
        print_message("SKIP %s: no /proc/PID/task/TID/children here\n", __func__);
        skip();
    }
    kill(first, SIGKILL);
    /* The same address answers again, and the awaited site is still probed often. */
    await_badge(c->core.public_url, "hello", "verified");
    atomic_store(&c->site.mute, false);
    await_state(c, "hello", MIRD_SITE_LIVE);
    await_badge(c->core.public_url, "hello", "live");
    assert_true(public_pid() != first);
}

static void test_add_verify_hide(void **state)
{
    struct cored *c = *state;
    struct mird_site site;
    struct mir_error err = {0};
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/x", NULL, &site, &err), 0);
    assert_string_equal(site.name, "www-example-org");
    assert_int_equal(site.state, MIRD_SITE_CLAIMED);
    assert_true(mir_id_valid(site.token));
    struct mird_site again;
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/x", NULL, &again, &err), 0);
    assert_string_equal(site.token, again.token);
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/y", NULL, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_site_hide(&c->core, "www-example-org", true, &again, &err), 0);
    assert_true(again.hidden);
    assert_int_equal(mird_site_verify(&c->core, "www-example-org", NULL, &err), 0);
    assert_int_equal(mird_site_remove(&c->core, "www-example-org", &err), 0);
    assert_int_equal(mird_site_verify(&c->core, "www-example-org", NULL, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

struct refusal {
    const char *url, *name;
    enum mir_kind kind;
};

static void test_refused_additions(void **state)
{
    static const struct refusal list[] = {
        {"ftp://example.org/", "a", MIR_USAGE},
        {"http://example.org/", "-a", MIR_USAGE},
        {"http://example.org/", "A", MIR_USAGE},
        {"http://127.0.0.1/", "a", MIR_POLICY},
        {"http://10.0.0.1/", "a", MIR_POLICY},
        {"http://169.254.169.254/latest/", "a", MIR_POLICY},
        {"http://[::1]/", "a", MIR_POLICY},
        {"http://[::ffff:10.0.0.1]/", "a", MIR_POLICY},
        {"http://localhost/", "a", MIR_POLICY},
        {"http://printer.local/", "a", MIR_POLICY},
        {"http://intranet/", "a", MIR_POLICY},
        {"http://example.org:22/", "a", MIR_POLICY},
        {"http://example.org:6379/", "a", MIR_POLICY},
    };
    struct cored *c = *state;
    for (size_t i = 0; i < MIR_NELEMS(list); i++) {
        struct mir_error err = {0};
        if (mird_site_add(&c->core, list[i].url, list[i].name, NULL, &err) == 0)
            fail_msg("taken: %s", list[i].url);
        assert_int_equal(err.kind, list[i].kind);
    }
    mir_auto_free char *words = mir_calloc(1, 301);
    memset(words, 'a', 300);
    mir_auto_free char *url = mir_format("http://example.org/%s", words);
    assert_int_equal(mird_site_add(&c->core, url, "a", NULL, NULL), -1);
}

static void test_announced(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_core *core = &c->core;
    static const char other[] = "99999999999999999999999999999999";
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    /* A stranger's: a claim, once; the name is then taken. */
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", other, &err), 0);
    assert_int_equal(state_of(c, "a"), MIRD_SITE_CLAIMED);
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", other, &err), 0);
    assert_int_equal(mird_site_announce(core, "a", "http://b.example/", other, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    static const char third[] = "33333333333333333333333333333333";
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", third, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_site_announce(core, "b", "http://10.0.2.15/", other, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    /* Our guest's, under whatever name and address it believes to have. */
    assert_int_equal(mird_site_launched(core, &d, NULL, 0, NULL, &err), 0);
    assert_int_equal(mird_site_announce(core, "guest", "http://10.0.2.15/", TOKEN, &err), 0);
    struct mird_site none;
    assert_int_equal(mird_store_site_get(core->store, "guest", &none, NULL), -1);
    await_state(c, "hello", MIRD_SITE_LIVE);
}

static void test_claims_are_limited(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    int taken = 0;
    for (int i = 0; i < MIRD_SITES_CLAIMED_MAX + 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        taken += mird_site_announce(&c->core, name, "http://a.example/", TOKEN, &err) == 0;
    }
    assert_int_equal(taken, MIRD_SITES_CLAIMED_MAX);
    assert_int_equal(err.kind, MIR_POLICY);
}

static void test_ports_are_remembered(void **state)
{
    struct cored *c = *state;
    mir_auto_free char *url = NULL;
    struct mir_error err = {0};
    mir_auto_free char *busy = mir_strdup(c->core.public_url + strlen("http://"));
    assert_int_equal(mird_public_bind(busy, &url, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    static const char *const bad[] = {
        "", "x", "1.2.3.4:", ":70000", "::1:80", "example.org:80", "[::1]80"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        assert_int_equal(mird_public_bind(bad[i], &url, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

#define CORED(test) cmocka_unit_test_setup_teardown(test, cored_start, cored_stop)

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "--public-fd"))
        return mird_public_main((int)strtol(argv[2], NULL, 10), argv[4]);
    const struct CMUnitTest tests[] = {
        CORED(test_launched_live_gone),
        CORED(test_tidy_follows_deployments),
        CORED(test_public_process_is_started_again),
        CORED(test_add_verify_hide),
        CORED(test_refused_additions),
        CORED(test_announced),
        CORED(test_claims_are_limited),
        CORED(test_ports_are_remembered),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
