/* SPDX-License-Identifier: ISC */
/* An engine with a store of its own, over a provider in memory that can be told to misbehave. What
 * counts is the provider's own ledger (alive(), creates()), never the daemon's word. */
#ifndef UNIT_MIRD_HOUSE_H
#define UNIT_MIRD_HOUSE_H

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
#include "images/table_id.h"

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
    int64_t date_ahead_ms; /* 0: its answers have no Date */
    char last_arguments[512];
};

static struct cloud cloud = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline int fails(int *counter)
{
    return *counter > 0 && (*counter)--;
}

static inline int lost(struct mir_error *err)
{
    mir_fail(err, MIR_UNAVAILABLE, "the answer was lost");
    err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}

static inline struct ledger_row *row_of(const char *token)
{
    for (unsigned i = 0; i < cloud.count; i++)
        if (cloud.rows[i].there && !strcmp(cloud.rows[i].token, token))
            return &cloud.rows[i];
    return NULL;
}

static inline struct ledger_row *put_row(const struct mir_tags *tags)
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

static inline int fake_open(const struct mir_provider_env *env, void **ret_ctx,
                            struct mir_error *err)
{
    *ret_ctx = &cloud;
    return 0;
}

static inline void fake_close(void *ctx)
{
}

static inline void fake_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    *ret_count = 0;
}

static inline int fake_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    return 0;
}

static inline int fake_create(void *ctx, const struct mir_instance_spec *spec,
                              struct mir_instance *ret, struct mir_error *err)
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
        } else if (row->instance.state == MIR_INSTANCE_ENDED && !row->instance.started_ms) {
            row->instance.state = MIR_INSTANCE_RUNNING; /* goes on where the first one stopped */
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

static inline int fake_get(void *ctx, const char *token, struct mir_instance *ret,
                           struct mir_error *err)
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

static inline int fake_delete(void *ctx, const char *token, struct mir_error *err)
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

static inline int fake_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
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

static inline int fake_hooks(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks,
                             size_t max, size_t *ret_count, struct mir_error *err)
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

static inline int fake_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
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

static inline int64_t fake_date(void *ctx, int64_t *ret_boot_ms)
{
    (void)ctx;
    const struct mir_clock *clock = mir_clock_system();
    pthread_mutex_lock(&cloud.lock);
    int64_t ahead_ms = cloud.date_ahead_ms;
    pthread_mutex_unlock(&cloud.lock);
    *ret_boot_ms = clock->boot_ms(clock->ctx);
    return ahead_ms ? clock->utc_ms(clock->ctx) + ahead_ms : 0;
}

static const struct mir_provider fake = {.name = "fake",
                                         .tells_guests = true,
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
                                         .date = fake_date,
                                         .sweep = fake_sweep};

static inline unsigned alive(void)
{
    unsigned n = 0;
    pthread_mutex_lock(&cloud.lock);
    for (unsigned i = 0; i < cloud.count; i++)
        n += cloud.rows[i].there;
    pthread_mutex_unlock(&cloud.lock);
    return n;
}

static inline unsigned creates(void)
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

static inline void start(struct house *h)
{
    struct mir_error err = {0};
    h->core.state_dir = h->dir;
    if (mird_store_open(h->dir, &h->core.store, &err) ||
        mird_store_identity(h->core.store, &h->core.identity, &err) ||
        mird_engine_start(&h->core, &h->core.engine, &err))
        fail_msg("%s", err.text);
}

static inline void stop(struct house *h)
{
    mird_engine_stop(h->core.engine);
    h->core.engine = NULL;
    mird_store_close(h->core.store);
}

static inline void write_text(const char *path, const char *text)
{
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, text, strlen(text)), 0);
}

static inline int setup(void **state)
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
    mir_copy(h->kernel.table, sizeof h->kernel.table, img_table_id());
    h->kernel.takes_part =
        MIR_PART_ARGS | MIR_PART_DEADLINE | MIR_PART_CONSOLE_DEADLINE | MIR_PART_WELL_KNOWN;
    snprintf(path, sizeof path, "%s/kernels", h->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/kernels/%s", h->dir, h->kernel.sha256);
    write_text(path, "abcd");
    assert_int_equal(mird_store_kernel_put(h->core.store, &h->kernel, 1, &err), 0);
    *state = h;
    return 0;
}

static inline int teardown(void **state)
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

static inline struct mird_request request(const struct house *h, const char *name, int64_t ttl_s)
{
    struct mird_request r = {.ttl_s = ttl_s, .ports_given = true};
    mir_copy(r.provider, sizeof r.provider, "fake");
    mir_copy(r.kernel, sizeof r.kernel, h->kernel.sha256);
    mir_copy(r.name, sizeof r.name, name);
    mir_copy(r.owner, sizeof r.owner, "tester");
    return r;
}

static inline struct mird_operation deploy(struct house *h, const struct mird_request *r,
                                           struct mird_deployment *ret)
{
    struct mird_operation op;
    struct mir_error err = {0};
    if (mird_engine_deploy(h->core.engine, r, "", "", ret, &op, &err))
        fail_msg("deploy: %s", err.text);
    return op;
}

static inline struct mird_deployment read_it(struct house *h, const char *id)
{
    struct mird_deployment d;
    assert_int_equal(mird_store_deployment_get(h->core.store, id, &d, NULL), 0);
    return d;
}

static inline struct mird_deployment wait_state(struct house *h, const char *id,
                                                enum mird_state state)
{
    struct mird_deployment d;
    for (int i = 0; i < 3000; i++) {
        d = read_it(h, id);
        if (mird_deployment_state(&d) == state)
            return d;
        usleep(5000);
    }
    fail_msg("%s is %s, not %s", d.name, mird_state_name(mird_deployment_state(&d)),
             mird_state_name(state));
    return d;
}

static inline struct mird_operation wait_operation(struct house *h, const char *id)
{
    struct mird_operation op = {0};
    for (int i = 0; i < 3000 && !op.finished_s; i++) {
        assert_int_equal(mird_store_operation_get(h->core.store, id, &op, NULL), 0);
        usleep(5000);
    }
    assert_true(op.finished_s != 0);
    return op;
}

static inline bool has_event(struct house *h, const char *id, const char *text)
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

#endif
