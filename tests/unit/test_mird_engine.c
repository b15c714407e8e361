/* SPDX-License-Identifier: ISC */
/* The engine over a provider in memory that can be told to misbehave; what counts is the
 * provider's own ledger, never the daemon's word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/engine.h"
#include "engine_parts.h"

/* --- the provider in memory --- */

#define LEDGER_MAX 256
#define CONSOLE "one\ntwo\nthree\n"

struct ledger_row {
    struct mir_instance instance;
    char token[MIR_ID_TEXT];
    bool there, was_dead;
    int64_t hook_s;
};

struct cloud {
    pthread_mutex_t lock;
    struct ledger_row rows[LEDGER_MAX];
    unsigned count, creates, deletes;
    /* Faults: how many more times. */
    int create_refused, create_lost, create_vanished, get_fails, sweep_fails, delete_fails,
        delete_ignored;
    unsigned create_ms;
    char last_arguments[512];
};

static struct cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int fails(int *counter)
{
    return *counter > 0 && (*counter)--;
}

static int lost(struct mir_error *err)
{
    mir_fail(err, MIR_UNAVAILABLE, "the answer was lost");
    err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}

static struct ledger_row *row_of(const char *token)
{
    for (unsigned i = 0; i < cloud.count; i++)
        if (cloud.rows[i].there && !strcmp(cloud.rows[i].token, token))
            return &cloud.rows[i];
    return NULL;
}

static struct ledger_row *put_row(const struct mir_tags *tags)
{
    assert_true(cloud.count < LEDGER_MAX);
    struct ledger_row *row = &cloud.rows[cloud.count++];
    memset(row, 0, sizeof *row);
    row->there = true;
    row->instance.state = MIR_INSTANCE_RUNNING;
    row->instance.tags = *tags;
    snprintf(row->instance.id, sizeof row->instance.id, "f-%u", cloud.count);
    mir_copy(row->token, sizeof row->token, tags->deployment);
    return row;
}

static int fake_open(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    *ret_ctx = &cloud;
    return 0;
}

static void fake_close(void *ctx)
{
}

static void fake_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    *ret_count = 0;
}

static int fake_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    return 0;
}

static int fake_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                       struct mir_error *err)
{
    pthread_mutex_lock(&cloud.lock);
    unsigned wait_ms = cloud.create_ms;
    pthread_mutex_unlock(&cloud.lock);
    usleep(wait_ms * 1000);
    pthread_mutex_lock(&cloud.lock);
    int rc = 0;
    mir_copy(cloud.last_arguments, sizeof cloud.last_arguments, spec->arguments);
    if (fails(&cloud.create_refused)) {
        rc = mir_fail(err, MIR_CONFLICT, "port 80 is in use");
    } else if (fails(&cloud.create_vanished)) {
        rc = lost(err);
    } else {
        struct ledger_row *row = row_of(spec->lease->id);
        if (!row) {
            row = put_row(&spec->tags);
            cloud.creates++;
        }
        memcpy(row->instance.ports, spec->ports, sizeof spec->ports);
        row->instance.port_count = spec->port_count;
        *ret = row->instance;
        if (fails(&cloud.create_lost))
            rc = lost(err);
    }
    pthread_mutex_unlock(&cloud.lock);
    return rc;
}

static int fake_get(void *ctx, const char *token, struct mir_instance *ret, struct mir_error *err)
{
    pthread_mutex_lock(&cloud.lock);
    int rc = 0;
    struct ledger_row *row = row_of(token);
    if (fails(&cloud.get_fails))
        rc = mir_fail(err, MIR_UNAVAILABLE, "no answer");
    else
        *ret = row ? row->instance : (struct mir_instance){.state = MIR_INSTANCE_ABSENT};
    pthread_mutex_unlock(&cloud.lock);
    return rc;
}

static int fake_delete(void *ctx, const char *token, struct mir_error *err)
{
    pthread_mutex_lock(&cloud.lock);
    int rc = 0;
    struct ledger_row *row = row_of(token);
    cloud.deletes++;
    if (fails(&cloud.delete_fails))
        rc = mir_fail(err, MIR_UNAVAILABLE, "no answer");
    else if (row && !fails(&cloud.delete_ignored))
        row->there = false;
    pthread_mutex_unlock(&cloud.lock);
    return rc;
}

static int fake_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                        uint64_t *ret_next, struct mir_error *err)
{
    size_t len = strlen(CONSOLE);
    pthread_mutex_lock(&cloud.lock);
    bool there = row_of(token) != NULL;
    pthread_mutex_unlock(&cloud.lock);
    *ret_next = offset;
    if (there && offset < len) {
        mir_buf_add(out, &CONSOLE[offset], len - offset);
        *ret_next = len;
    }
    return 0;
}

static int fake_hooks(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                      size_t *ret_count, struct mir_error *err)
{
    pthread_mutex_lock(&cloud.lock);
    struct ledger_row *row = row_of(lease->id);
    if (row)
        row->hook_s = lease->deadline_s;
    hooks[0] = (struct mir_hook){.name = "keeper",
                                 .state = row ? MIR_HOOK_ARMED : MIR_HOOK_FAILED,
                                 .deadline_s = lease->deadline_s};
    *ret_count = 1;
    pthread_mutex_unlock(&cloud.lock);
    return 0;
}

static int fake_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    static struct mir_instance list[LEDGER_MAX];
    static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
    unsigned count = 0;
    pthread_mutex_lock(&list_lock);
    pthread_mutex_lock(&cloud.lock);
    int rc = fails(&cloud.sweep_fails) ? mir_fail(err, MIR_THROTTLED, "slower") : 0;
    for (unsigned i = 0; i < cloud.count; i++)
        if (cloud.rows[i].there)
            list[count++] = cloud.rows[i].instance;
    pthread_mutex_unlock(&cloud.lock);
    for (unsigned i = 0; !rc && i < count; i++)
        if (fn(fn_ctx, &list[i]))
            break;
    pthread_mutex_unlock(&list_lock);
    return rc;
}

static const struct mir_provider fake = {.name = "fake",
                                         .title = "in memory",
                                         .poll_ms = 50,
                                         .guest_args = "ip=10.0.2.15/24 gw=10.0.2.2",
                                         .guest_host = "10.0.2.2",
                                         .open = fake_open,
                                         .close = fake_close,
                                         .check = fake_check,
                                         .admit = fake_admit,
                                         .instance_create = fake_create,
                                         .instance_get = fake_get,
                                         .instance_delete = fake_delete,
                                         .instance_console = fake_console,
                                         .hooks_arm = fake_hooks,
                                         .sweep = fake_sweep};

static unsigned alive(void)
{
    unsigned n = 0;
    pthread_mutex_lock(&cloud.lock);
    for (unsigned i = 0; i < cloud.count; i++)
        n += cloud.rows[i].there;
    pthread_mutex_unlock(&cloud.lock);
    return n;
}

static unsigned creates(void)
{
    pthread_mutex_lock(&cloud.lock);
    unsigned n = cloud.creates;
    pthread_mutex_unlock(&cloud.lock);
    return n;
}

/* --- the daemon around it --- */

struct house {
    char dir[64];
    struct mird_core core;
    struct mir_kernel kernel;
};

static void start(struct house *h)
{
    struct mir_error err = {0};
    h->core.state_dir = h->dir;
    if (mird_store_open(h->dir, &h->core.store, &err) ||
        mird_store_identity(h->core.store, &h->core.identity, &err) ||
        mird_engine_start(&h->core, &h->core.engine, &err))
        fail_msg("%s", err.text);
}

static void stop(struct house *h)
{
    mird_engine_stop(h->core.engine);
    h->core.engine = NULL;
    mird_store_close(h->core.store);
}

static void write_text(const char *path, const char *text)
{
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, text, strlen(text)), 0);
}

static int setup(void **state)
{
    static const char conf[] = "[policy]\nttl_min = 1s\nttl_max = 1h\ndeployments_max = 100\n"
                               "[daemon]\nlive_timeout = 1s\n";
    struct house *h = mir_calloc(1, sizeof *h);
    struct mir_config *config = NULL;
    struct mir_error err = {0};
    mir_copy(h->dir, sizeof h->dir, "/tmp/mird-engine-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    mir_log_set_level(getenv("VERBOSE") ? MIR_LOG_DEBUG : MIR_LOG_ERROR);
    char path[160];
    snprintf(path, sizeof path, "%s/conf", h->dir);
    write_text(path, conf);
    assert_int_equal(mir_config_load_file(path, &config, &err), 0);
    h->core = (struct mird_core){.clock = mir_clock_system(),
                                 .random = mir_random_system(),
                                 .config = config,
                                 .hub = mird_hub_new()};
    const struct mir_provider_env env = {
        .config = config, .state_dir = h->dir, .installation = "x", .clock = mir_clock_system()};
    assert_int_equal(mir_prov_open(&fake, &env, &h->core.providers[0], &err), 0);
    h->core.provider_count = 1;
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    memset(&cloud, 0, sizeof cloud);
    memcpy(&cloud.lock, &fresh, sizeof fresh);
    start(h);
    memset(h->kernel.sha256, 'a', 64);
    h->kernel.bytes = h->kernel.unpacked_bytes = 4;
    h->kernel.format = MIR_FORMAT_MULTIBOOT1;
    h->kernel.takes_part = MIR_PART_ARGS | MIR_PART_DEADLINE | MIR_PART_WELL_KNOWN;
    snprintf(path, sizeof path, "%s/kernels", h->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/kernels/%s", h->dir, h->kernel.sha256);
    write_text(path, "abcd");
    assert_int_equal(mird_store_kernel_put(h->core.store, &h->kernel, 1, &err), 0);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;
    stop(h);
    mir_prov_close(h->core.providers[0]);
    mird_hub_free(h->core.hub);
    mir_config_free((struct mir_config *)(uintptr_t)h->core.config);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, h->dir, NULL), 0);
    free(h);
    return 0;
}

static struct mird_request request(const struct house *h, const char *name, int64_t ttl_s)
{
    struct mird_request r = {.ttl_s = ttl_s, .ports_given = true};
    mir_copy(r.provider, sizeof r.provider, "fake");
    mir_copy(r.kernel, sizeof r.kernel, h->kernel.sha256);
    mir_copy(r.name, sizeof r.name, name);
    mir_copy(r.owner, sizeof r.owner, "tester");
    return r;
}

static struct mird_operation deploy(struct house *h, const struct mird_request *r,
                                    struct mird_deployment *ret)
{
    struct mird_operation op;
    struct mir_error err = {0};
    if (mird_engine_deploy(h->core.engine, r, "", "", ret, &op, &err))
        fail_msg("deploy: %s", err.text);
    return op;
}

static struct mird_deployment read_it(struct house *h, const char *id)
{
    struct mird_deployment d;
    assert_int_equal(mird_store_deployment_get(h->core.store, id, &d, NULL), 0);
    return d;
}

static struct mird_deployment wait_state(struct house *h, const char *id, enum mird_state state)
{
    struct mird_deployment d;
    for (int i = 0; i < 3000; i++) {
        d = read_it(h, id);
        if (mird_deployment_state(&d, mir_now_s(mir_clock_system())) == state)
            return d;
        usleep(5000);
    }
    fail_msg("%s is %s, not %s", d.name,
             mird_state_name(mird_deployment_state(&d, mir_now_s(mir_clock_system()))),
             mird_state_name(state));
    return d;
}

static struct mird_operation wait_operation(struct house *h, const char *id)
{
    struct mird_operation op = {0};
    for (int i = 0; i < 3000 && !op.finished_s; i++) {
        assert_int_equal(mird_store_operation_get(h->core.store, id, &op, NULL), 0);
        usleep(5000);
    }
    assert_true(op.finished_s != 0);
    return op;
}

static bool has_event(struct house *h, const char *id, const char *text)
{
    struct mird_event *list = NULL;
    size_t count = 0;
    bool found = false;
    assert_int_equal(mird_store_events(h->core.store, id, 0, 1000, &list, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        found |= strstr(list[i].text, text) != NULL;
    free(list);
    return found;
}

/* --- tests --- */

static void test_whole_life(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "", 2);
    struct mird_operation op = wait_operation(h, deploy(h, &r, &d).id);
    assert_false(op.failed);
    assert_memory_equal(d.name, "multiboot1-", 11);
    d = read_it(h, d.id);
    assert_int_equal(d.hook_count, 3);
    assert_string_equal(d.hooks[0].name, "keeper");
    assert_int_equal(d.hooks[0].state, MIR_HOOK_ARMED);
    assert_int_equal(d.hooks[1].state, MIR_HOOK_ARMED);
    assert_int_equal(d.hooks[2].state, MIR_HOOK_OFF);
    assert_non_null(strstr(cloud.last_arguments, " grace=30 ip=10.0.2.15/24 gw=10.0.2.2"));
    assert_non_null(strstr(cloud.last_arguments, d.token));
    assert_int_equal(alive(), 1);
    d = wait_state(h, d.id, MIRD_GONE);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    assert_true(d.finished_s >= d.deadline_s && d.finished_s <= d.deadline_s + 2);
    assert_int_equal(alive(), 0);
    assert_int_equal(creates(), 1);
    char *path = mird_engine_log_path(&h->core, d.id), *text = NULL;
    assert_int_equal(mir_file_read(path, 4096, &text, NULL, NULL), 0);
    assert_string_equal(text, CONSOLE);
    free(text);
    free(path);
}

static void test_remove(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    struct mird_request r = request(h, "hello", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    assert_int_equal(mird_engine_remove(h->core.engine, "hello", "me", &d, &op, &err), 0);
    assert_false(wait_operation(h, op.id).failed);
    assert_int_equal(alive(), 0);
    wait_state(h, d.id, MIRD_GONE);
    /* Again: nothing to do is a success. */
    assert_int_equal(mird_engine_remove(h->core.engine, d.id, "me", &d, &op, &err), 0);
    assert_true(op.finished_s != 0);
    assert_int_equal(
        mird_engine_extend(h->core.engine, "hello", "me", d.deadline_s + 9, 0, &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_engine_remove(h->core.engine, "never", "me", &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

static void test_lost_answers(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "lost", 600);
    cloud.create_vanished = 2; /* nothing happened, and nobody can know */
    cloud.create_lost = 1;     /* it happened, and nobody was told */
    cloud.get_fails = 2;
    assert_false(wait_operation(h, deploy(h, &r, &d).id).failed);
    assert_int_equal(creates(), 1);
    assert_int_equal(alive(), 1);
    pthread_mutex_lock(&cloud.lock);
    cloud.delete_fails = 2;
    cloud.delete_ignored = 2;
    cloud.get_fails = 2;
    cloud.sweep_fails = 2;
    pthread_mutex_unlock(&cloud.lock);
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, "lost", "me", &d, &op, NULL), 0);
    assert_false(wait_operation(h, op.id).failed);
    assert_int_equal(alive(), 0);
    assert_int_equal(creates(), 1);
}

static void test_refused(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "refused", 600);
    cloud.create_refused = 1;
    struct mird_operation op = wait_operation(h, deploy(h, &r, &d).id);
    assert_true(op.failed);
    assert_string_equal(op.error_code, "conflict");
    assert_string_equal(op.error_text, "port 80 is in use");
    wait_state(h, d.id, MIRD_FAILED);
    assert_int_equal(alive(), 0);
    /* The name is free again. */
    wait_operation(h, deploy(h, &r, &d).id);
}

static void test_deadline_during_create(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    /* Deadlines are whole seconds, so a lease of one could be over before the launch. */
    struct mird_request r = request(h, "slow", 2);
    cloud.create_ms = 2500;
    deploy(h, &r, &d);
    d = wait_state(h, d.id, MIRD_GONE);
    assert_int_equal(d.end_reason, MIRD_END_DEADLINE);
    assert_int_equal(alive(), 0);
}

static void test_guest_ends(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "dies", 600);
    mir_copy(r.url, sizeof r.url, "http://127.0.0.1:1/");
    struct mird_operation op = deploy(h, &r, &d);
    wait_state(h, d.id, MIRD_RUNNING);
    pthread_mutex_lock(&cloud.lock);
    cloud.rows[0].instance.state = MIR_INSTANCE_ENDED;
    mir_copy(cloud.rows[0].instance.end_reason, sizeof cloud.rows[0].instance.end_reason,
             "powered off");
    pthread_mutex_unlock(&cloud.lock);
    op = wait_operation(h, op.id);
    assert_true(op.failed);
    assert_non_null(strstr(op.error_text, "powered off"));
    d = wait_state(h, d.id, MIRD_GONE);
    assert_int_equal(d.end_reason, MIRD_END_GUEST);
    assert_int_equal(alive(), 0);
    assert_true(has_event(h, d.id, "console: three"));
    assert_true(has_event(h, d.id, "console: one"));
}

static void test_live(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "site", 600);
    r.list = true;
    mir_copy(r.url, sizeof r.url, "http://127.0.0.1:1/");
    struct mird_operation op = deploy(h, &r, &d);
    for (int i = 0; i < 2000 && read_it(h, d.id).steps[MIRD_STEP_SITE] != MIRD_DONE; i++)
        usleep(2000);
    struct mird_site site;
    assert_int_equal(mird_store_site_get(h->core.store, "site", &site, NULL), 0);
    struct mird_probe probe = {
        .ok = true, .status = 200, .token_matched = true, .guest_deadline_s = d.deadline_s};
    mird_engine_probed(h->core.engine, d.id, &probe);
    assert_false(wait_operation(h, op.id).failed);
    d = wait_state(h, d.id, MIRD_LIVE);
    assert_int_equal(d.hooks[2].state, MIR_HOOK_ARMED); /* the guest's own word */
    assert_int_equal(mird_engine_remove(h->core.engine, "site", "me", &d, &op, NULL), 0);
    wait_operation(h, op.id);
    assert_int_equal(mird_store_site_get(h->core.store, "site", &site, NULL), 0);
    assert_int_equal(site.state, MIRD_SITE_GONE);
}

static void test_never_live(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "mute", 600);
    mir_copy(r.url, sizeof r.url, "http://127.0.0.1:1/");
    struct mird_operation op = wait_operation(h, deploy(h, &r, &d).id);
    assert_true(op.failed);
    assert_string_equal(op.error_code, "timeout");
    wait_state(h, d.id, MIRD_RUNNING);
    assert_int_equal(alive(), 1);
}

static void test_extension(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    struct mird_request r = request(h, "longer", 2);
    wait_operation(h, deploy(h, &r, &d).id);
    int64_t later_s = d.deadline_s + 2;
    assert_int_equal(
        mird_engine_extend(h->core.engine, "longer", "me", d.deadline_s + 99999, 0, &d, &op, &err),
        -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(
        mird_engine_extend(h->core.engine, "longer", "me", later_s, 999, &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_engine_extend(h->core.engine, "longer", "me", later_s, 0, &d, &op, &err),
                     0);
    assert_int_equal(read_it(h, d.id).deadline_s, later_s); /* durable before the answer */
    assert_false(wait_operation(h, op.id).failed);
    assert_int_equal(cloud.rows[0].hook_s, later_s);
    assert_int_equal(read_it(h, d.id).hooks[0].deadline_s, later_s);
    d = wait_state(h, d.id, MIRD_GONE);
    assert_true(d.finished_s >= later_s);
    assert_int_equal(alive(), 0);
}

static void test_restart(void **state)
{
    struct house *h = *state;
    struct mird_deployment kept, ended, late;
    struct mird_request r = request(h, "kept", 600);
    wait_operation(h, deploy(h, &r, &kept).id);
    r = request(h, "ended", 600);
    wait_operation(h, deploy(h, &r, &ended).id);
    r = request(h, "late", 1);
    wait_operation(h, deploy(h, &r, &late).id);
    stop(h);
    assert_int_equal(alive(), 3); /* they run on */
    cloud.rows[1].there = false;
    sleep(2);
    start(h);
    wait_state(h, late.id, MIRD_GONE);
    assert_int_equal(wait_state(h, ended.id, MIRD_GONE).end_reason, MIRD_END_GUEST);
    assert_int_equal(read_it(h, kept.id).finished_s, 0);
    assert_int_equal(alive(), 1);
    assert_int_equal(creates(), 3);
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, kept.id, "me", &kept, &op, NULL), 0);
    wait_operation(h, op.id);
    assert_int_equal(alive(), 0);
}

static void test_restart_with_intent(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "intent", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    stop(h);
    /* As if killed between the request and the answer. */
    struct mird_store *store = NULL;
    assert_int_equal(mird_store_open(h->dir, &store, NULL), 0);
    assert_int_equal(mird_store_deployment_get(store, d.id, &d, NULL), 0);
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    d.steps[MIRD_STEP_HOOKS] = MIRD_TODO;
    d.seen_running = d.goal_over = false;
    assert_int_equal(mird_store_deployment_update(store, &d, NULL), 0);
    mird_store_close(store);
    start(h);
    wait_state(h, d.id, MIRD_RUNNING);
    assert_int_equal(creates(), 1);
    assert_int_equal(alive(), 1);
}

static void add_stray(struct house *h, const char *id, bool signed_well)
{
    struct mir_tags tags = {.expires_s = mir_now_s(mir_clock_system()) + 600};
    mir_copy(tags.installation, sizeof tags.installation, h->core.identity.installation);
    mir_copy(tags.deployment, sizeof tags.deployment, id);
    mir_tags_sign(&tags, h->core.identity.tag_key);
    if (!signed_well)
        tags.signature[3] = tags.signature[3] == '0' ? '1' : '0';
    pthread_mutex_lock(&cloud.lock);
    put_row(&tags);
    pthread_mutex_unlock(&cloud.lock);
}

static void test_sweep(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "known", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    add_stray(h, "11111111111111111111111111111111", true);
    add_stray(h, "22222222222222222222222222222222", false);
    assert_int_equal(alive(), 3);
    assert_int_equal(mird_sweep_once(h->core.engine, h->core.providers[0], NULL), 0);
    assert_int_equal(alive(), 2);
    assert_null(row_of("11111111111111111111111111111111"));
    assert_non_null(row_of("22222222222222222222222222222222")); /* never touched */
    assert_non_null(row_of(d.id));
}

static void test_conflicts(void **state)
{
    struct house *h = *state;
    struct mird_deployment d, again;
    struct mird_operation op, op_again;
    struct mir_error err = {0};
    struct mird_request r = request(h, "taken", 600), other = request(h, "other", 600);
    r.port_count = other.port_count = 1;
    r.ports[0] = (struct mir_port){.host_port = 8080, .guest_port = 80};
    other.ports[0] = r.ports[0];
    struct mird_engine *engine = h->core.engine;
    assert_int_equal(mird_engine_deploy(engine, &r, "key", "sha", &d, &op, &err), 0);
    assert_string_equal(d.url, "http://127.0.0.1:8080/");
    assert_int_equal(mird_engine_deploy(engine, &r, "key", "sha", &again, &op_again, &err), 0);
    assert_string_equal(again.id, d.id);
    assert_string_equal(op_again.id, op.id);
    assert_int_equal(mird_engine_deploy(engine, &r, "key", "else", &again, &op_again, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(mird_engine_deploy(engine, &other, "", "", &again, &op_again, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_non_null(strstr(err.text, "'taken'"));
    r.ports[0].host_port = 8081;
    assert_int_equal(mird_engine_deploy(engine, &r, "", "", &again, &op_again, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    mir_copy(r.provider, sizeof r.provider, "fike");
    assert_int_equal(mird_engine_deploy(engine, &r, "", "", &again, &op_again, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    wait_operation(h, op.id);
    assert_int_equal(alive(), 1);
}

/* The state directory on a file system of 3 MiB that somebody has filled. */
static void test_disk_full(void **state)
{
    struct house *h = *state;
    struct mird_deployment d, other;
    struct mird_operation op;
    struct mir_error err = {0};
    char path[160];
    stop(h);
    if (mount("tmpfs", h->dir, "tmpfs", 0, "size=3m,mode=700")) {
        print_message("SKIPPED test_disk_full: cannot mount a small file system: %s\n",
                      strerror(errno));
        start(h);
        skip();
    }
    snprintf(path, sizeof path, "%s/kernels", h->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/kernels/%s", h->dir, h->kernel.sha256);
    write_text(path, "abcd");
    start(h);
    assert_int_equal(mird_store_kernel_put(h->core.store, &h->kernel, 1, &err), 0);
    struct mird_request r = request(h, "full", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    snprintf(path, sizeof path, "%s/filler", h->dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    char block[4096] = {0};
    while (write(fd, block, sizeof block) > 0)
        ;
    close(fd);
    /* Nothing new is begun, and nothing is acknowledged that is not written... */
    r = request(h, "more", 600);
    for (int i = 0; i < 64; i++)
        if (mird_engine_deploy(h->core.engine, &r, "", "", &other, &op, &err)) {
            assert_int_equal(err.kind, MIR_NO_SPACE);
            break;
        } else {
            wait_operation(h, op.id);
            snprintf(r.name, sizeof r.name, "more-%d", i);
        }
    assert_int_equal(err.kind, MIR_NO_SPACE);
    /* ...but what runs can be ended, on the space kept in reserve. */
    assert_int_equal(mird_engine_remove(h->core.engine, d.id, "me", &d, &op, &err), 0);
    assert_false(wait_operation(h, op.id).failed);
    pthread_mutex_lock(&cloud.lock);
    bool there = row_of(d.id) != NULL;
    pthread_mutex_unlock(&cloud.lock);
    assert_false(there);
    stop(h);
    assert_int_equal(umount(h->dir), 0);
    start(h);
}

static void test_many(void **state)
{
    struct house *h = *state;
    struct mird_deployment d[40];
    struct mird_engine_figures figures;
    char name[16];
    pthread_mutex_lock(&cloud.lock);
    cloud.create_lost = 8;
    cloud.delete_fails = 20;
    cloud.delete_ignored = 10;
    cloud.create_ms = 5;
    pthread_mutex_unlock(&cloud.lock);
    for (unsigned i = 0; i < MIR_NELEMS(d); i++) {
        snprintf(name, sizeof name, "many-%u", i);
        struct mird_request r = request(h, name, 3);
        deploy(h, &r, &d[i]);
    }
    for (unsigned i = 0; i < MIR_NELEMS(d); i++)
        wait_state(h, d[i].id, MIRD_GONE);
    assert_int_equal(alive(), 0);
    assert_int_equal(creates(), 40);
    mird_engine_figures(h->core.engine, &figures);
    assert_int_equal(figures.teardowns_ok, 40);
    assert_true(figures.teardowns_failed >= 1);
    assert_true(figures.worst_lateness_s <= 3);
    assert_true(figures.reaper_age_ms < 15000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whole_life),
        TEST(test_remove),
        TEST(test_lost_answers),
        TEST(test_refused),
        TEST(test_deadline_during_create),
        TEST(test_guest_ends),
        TEST(test_live),
        TEST(test_never_live),
        TEST(test_extension),
        TEST(test_restart),
        TEST(test_restart_with_intent),
        TEST(test_sweep),
        TEST(test_conflicts),
        TEST(test_disk_full),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
