/* SPDX-License-Identifier: ISC */
/* The engine over a provider in memory that can be told to misbehave. */
#include "mird_house.h"

#include "daemon/block_store.h"

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

/* A kernel goes when nothing uses it any more, and not before; then it is not known. */
static void test_forget_kernel(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mir_error err = {0};
    char path[256];
    struct mird_request r = request(h, "site", 600);
    snprintf(path, sizeof path, "%s/kernels/%s", h->dir, h->kernel.sha256);
    struct mird_operation op = deploy(h, &r, &d);
    assert_int_equal(mird_engine_forget_kernel(h->core.engine, h->kernel.sha256, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_non_null(strstr(err.text, "'site'"));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(mird_engine_remove(h->core.engine, "site", "me", &d, &op, NULL), 0);
    wait_operation(h, op.id);
    assert_int_equal(mird_engine_forget_kernel(h->core.engine, h->kernel.sha256, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mird_engine_forget_kernel(h->core.engine, h->kernel.sha256, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    assert_int_equal(mird_engine_deploy(h->core.engine, &r, "", "", &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
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

/* Deployed, and stopped as if killed between the request and the answer. */
static struct mird_deployment stop_at_intent(struct house *h)
{
    struct mird_deployment d;
    struct mird_request r = request(h, "intent", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    stop(h);
    struct mird_store *store = NULL;
    assert_int_equal(mird_store_open(h->dir, &store, NULL), 0);
    assert_int_equal(mird_store_deployment_get(store, d.id, &d, NULL), 0);
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    d.steps[MIRD_STEP_HOOKS] = MIRD_TODO;
    d.seen_running = d.goal_over = false;
    d.hook_count = 0;
    assert_int_equal(mird_store_deployment_update(store, &d, NULL), 0);
    mird_store_close(store);
    return d;
}

/* The provider keeps the place of an instance that was never started: it is started now. */
static void test_restart_before_the_start(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = stop_at_intent(h);
    struct mir_instance *found = &cloud.rows[0].instance;
    found->state = MIR_INSTANCE_ENDED;
    found->started_ms = 0;
    mir_copy(found->end_reason, sizeof found->end_reason, "never started");
    start(h);
    for (int i = 0; i < 1000 && !read_it(h, d.id).hook_count; i++)
        usleep(5000);
    d = read_it(h, d.id);
    assert_int_equal(d.end_reason, MIRD_END_NONE);
    assert_int_equal(d.hook_count, 3);
    assert_int_equal(d.instance.state, MIR_INSTANCE_RUNNING);
    assert_int_equal(creates(), 1);
}

static void test_restart_with_intent(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = stop_at_intent(h);
    start(h);
    wait_state(h, d.id, MIRD_RUNNING);
    assert_int_equal(creates(), 1);
    assert_int_equal(alive(), 1);
}

static int64_t utc_an_hour_back(void *ctx)
{
    (void)ctx;
    return mir_clock_system()->utc_ms(mir_clock_system()->ctx) - 3600000;
}

/* What the store has seen counts: it would be late by an hour else. */
static void test_clock_set_back_while_down(void **state)
{
    struct house *h = *state;
    const struct mir_clock *system = mir_clock_system();
    const struct mir_clock back = {
        .utc_ms = utc_an_hour_back, .boot_ms = system->boot_ms, .ctx = system->ctx};
    struct mird_deployment d;
    struct mird_request r = request(h, "late", 2);
    wait_operation(h, deploy(h, &r, &d).id);
    stop(h);
    h->core.clock = &back;
    start(h);
    assert_int_equal(wait_state(h, d.id, MIRD_GONE).end_reason, MIRD_END_DEADLINE);
    assert_int_equal(alive(), 0);
    stop(h);
    h->core.clock = system;
    start(h);
}

static _Atomic int64_t slept_ms;

static int64_t utc_after_sleep(void *ctx)
{
    return mir_clock_system()->utc_ms(ctx) + atomic_load(&slept_ms);
}

static int64_t boot_after_sleep(void *ctx)
{
    return mir_clock_system()->boot_ms(ctx) + atomic_load(&slept_ms);
}

/* The reaper cannot have turned while the machine slept: an extension that comes first on waking
 * finds it well, and one that really hangs is found out by the question after this one. */
static void test_sleep_is_not_late(void **state)
{
    struct house *h = *state;
    const struct mir_clock slept = {.utc_ms = utc_after_sleep, .boot_ms = boot_after_sleep};
    struct mird_engine_figures figures;
    struct mird_deployment d;
    struct mird_operation op;
    stop(h);
    h->core.clock = &slept;
    start(h);
    struct mird_request r = request(h, "sleeper", 3600);
    wait_operation(h, deploy(h, &r, &d).id);
    for (int night = 0; night < 3; night++) {
        atomic_fetch_add(&slept_ms, 240000);
        mird_engine_figures(h->core.engine, &figures);
        assert_true(figures.reaper_late_ms < 60000);
        atomic_fetch_add(&slept_ms, 240000);
        assert_int_equal(
            mird_engine_extend(h->core.engine, d.id, "me", d.deadline_s + 60, 0, &d, &op, NULL), 0);
        assert_false(wait_operation(h, op.id).failed);
        d = read_it(h, d.id);
        for (unsigned i = 0; i < d.hook_count; i++)
            if (!strcmp(d.hooks[i].name, "daemon"))
                assert_int_equal(d.hooks[i].state, MIR_HOOK_ARMED);
        assert_string_equal(d.hooks[d.hook_count - 2].name, "daemon");
    }
    stop(h);
    h->core.clock = mir_clock_system();
    atomic_store(&slept_ms, 0);
    start(h);
}

static void assert_behind(struct house *h, int64_t least_ms, int64_t most_ms)
{
    struct mird_engine_figures figures;
    mird_engine_figures(h->core.engine, &figures);
    assert_in_range(figures.clock_behind_ms, least_ms, most_ms);
}

/* What a sweep has written down is known after a restart; a byte that is wrong in it is not
 * believed. */
static void test_mark_of_the_time(void **state)
{
    struct house *h = *state;
    const struct mir_clock ahead = {.utc_ms = utc_after_sleep,
                                    .boot_ms = mir_clock_system()->boot_ms};
    struct mird_deployment d;
    struct mird_request r = request(h, "marked", 3600);
    wait_operation(h, deploy(h, &r, &d).id);
    atomic_store(&slept_ms, 600000);
    stop(h);
    h->core.clock = &ahead;
    start(h);
    mird_engine_clock_mark(h->core.engine);
    stop(h);
    h->core.clock = mir_clock_system();
    start(h);
    assert_behind(h, 590000, 610000);
    stop(h);
    mir_auto_free char *path = mir_format("%s/clock", h->dir);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    assert_int_equal(fseek(file, 5, SEEK_SET), 0);
    fputc('9', file);
    assert_int_equal(fclose(file), 0);
    start(h);
    assert_behind(h, 0, 610000); /* not months */
    atomic_store(&slept_ms, 0);
}

/* A provider that says it is an hour later is believed: early is cheap. */
static void test_date_of_the_provider(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "told", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    pthread_mutex_lock(&cloud.lock);
    cloud.date_ahead_ms = 3600000;
    pthread_mutex_unlock(&cloud.lock);
    assert_int_equal(mird_sweep_once(h->core.engine, h->core.providers[0], NULL), 0);
    assert_int_equal(wait_state(h, d.id, MIRD_GONE).end_reason, MIRD_END_DEADLINE);
    assert_int_equal(alive(), 0);
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

static char *put_block(struct house *h, char first, int64_t age_s)
{
    char sha256[MIR_SHA256_TEXT];
    memset(sha256, first, sizeof sha256 - 1);
    sha256[sizeof sha256 - 1] = '\0';
    mir_auto_free char *folder = mird_blocks_folder(h->core.state_dir);
    char *path = mir_format("%s/%s", folder, sha256);
    int64_t now_s = mir_now_s(h->core.clock);
    const struct timespec then[2] = {{.tv_sec = now_s - age_s}, {.tv_sec = now_s - age_s}};
    assert_int_equal(mir_dir_make(folder, 0700, NULL), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, then), 0);
    close(fd);
    return path;
}

/* The contents of block devices that were sent and never deployed. */
static void test_unused_blocks(void **state)
{
    struct house *h = *state;
    char asked[MIR_SHA256_TEXT];
    uint64_t bytes;
    memset(asked, 'c', sizeof asked - 1);
    asked[sizeof asked - 1] = '\0';
    mir_auto_free char *old = put_block(h, 'a', 3700), *fresh = put_block(h, 'b', 3500);
    mir_auto_free char *wanted = put_block(h, 'c', 3700);
    assert_int_equal(mird_block_find(&h->core, asked, &bytes, NULL), 0);
    mird_blocks_sweep(h->core.engine);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(fresh, F_OK), 0);
    assert_int_equal(access(wanted, F_OK), 0);
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

/* What a kernel was thought to be by other rules is no ground to start it. */
static void test_stale_inspection(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    struct mird_request r = request(h, "stale", 600);
    json_t *plan = NULL;
    h->core.helper_path = "/nonexistent/mirage-image"; /* so that it cannot be looked at again */
    mir_copy(h->kernel.table, sizeof h->kernel.table, "of another edition");
    assert_int_equal(mird_store_kernel_put(h->core.store, &h->kernel, 1, &err), 0);
    assert_int_equal(mird_engine_plan(h->core.engine, &r, &plan, &err), -1);
    assert_non_null(strstr(err.text, "inspector"));
    assert_int_equal(mird_engine_deploy(h->core.engine, &r, "key-of-stale", "", &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_INTERNAL);
    assert_int_equal(mird_store_deployment_get(h->core.store, "stale", &d, NULL), -1);
    assert_int_equal(alive(), 0);
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
    assert_true(figures.reaper_late_ms < 15000);
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
        TEST(test_restart_before_the_start),
        TEST(test_restart_with_intent),
        TEST(test_clock_set_back_while_down),
        TEST(test_sleep_is_not_late),
        TEST(test_mark_of_the_time),
        TEST(test_date_of_the_provider),
        TEST(test_forget_kernel),
        TEST(test_sweep),
        TEST(test_unused_blocks),
        TEST(test_conflicts),
        TEST(test_stale_inspection),
        TEST(test_disk_full),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
