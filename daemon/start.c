/* SPDX-License-Identifier: ISC */
#include "start.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/provider_list.h"
#include "daemon/public_link.h"
#include "imager.h"
#include "lock.h"
#include "notify.h"
#include "rest.h"
#include "settings.h"
#include "standby.h"
#include "tenure.h"

#define PORT_WAIT_MS 2000  /* for the public process of a daemon that has just ended to be gone */
#define STORE_WAIT_MS 5000 /* for a daemon that is just starting to make its database */
#define SUCCESSOR_MS 10000 /* for who has raised the epoch to put its lock in the place of ours */
#define PIECE_MS 50

struct mird_daemon {
    struct mird_settings settings;
    struct mird_core core;
    struct mird_tenure *tenure;   /* it acts, or ... */
    struct mird_standby *standby; /* ... it stands by */
    struct mird_rest *rest;
};

/* The main thread waits for signals: it is told like this that the role has changed. */
static void wake_main(void *ctx)
{
    (void)ctx;
    kill(getpid(), SIGUSR1);
}

static void begin_core(struct mird_daemon *daemon)
{
    daemon->core = (struct mird_core){.clock = mir_clock_system(),
                                      .random = mir_random_system(),
                                      .config = daemon->settings.config,
                                      .state_dir = daemon->settings.state_dir,
                                      .helper_path = daemon->settings.helper_path,
                                      .imager = mird_imager(daemon->settings.helper_path)};
}

/* A provider that cannot be opened must not keep the others' deadlines from being met; its own are
 * met as soon as it can. */
static void open_providers(struct mird_core *core, const struct mir_fence *fence)
{
    const struct mir_provider_env env = {.config = core->config,
                                         .state_dir = core->state_dir,
                                         .installation = core->identity.installation,
                                         .tag_key = core->identity.tag_key,
                                         .clock = core->clock,
                                         .fence = fence,
                                         .imager = &core->imager};
    for (size_t i = 0; i < mird_provider_list_count && i < MIRD_PROVIDERS_MAX; i++) {
        struct mir_error err = {0};
        struct mir_prov *prov = mir_prov_new(mird_provider_list[i], &env);
        core->providers[core->provider_count++] = prov;
        if (mir_prov_ready(prov, &err))
            mir_log(MIR_LOG_ERROR, "start", "%s; tried again when it is needed", err.text);
    }
}

/* --- acting --- */

/* The port on which the pages were, while the process that served them is about to be gone: they
 * are to stay where they were. */
static void await_port(const struct mird_core *core, const char *listen)
{
    bool usual = !strcmp(listen, MIRD_PUBLIC_DEFAULT);
    mir_auto_free char *port = usual ? mird_store_setting_get(core->store, "public-port") : NULL;
    mir_auto_free char *address = port ? mir_format("127.0.0.1:%s", port) : mir_strdup(listen);
    for (int waited = 0; waited < PORT_WAIT_MS; waited += PIECE_MS) {
        mir_auto_free char *url = NULL;
        mir_auto_close int fd = mird_public_bind(address, &url, NULL);
        if (fd >= 0)
            return;
        poll(NULL, 0, PIECE_MS);
    }
}

static void start_public(struct mird_daemon *daemon, bool taken_over)
{
    struct mird_core *core = &daemon->core;
    struct mir_error err = {0};
    const char *listen = daemon->settings.public_at;
    if (!strcmp(listen, "none"))
        return;
    if (taken_over)
        await_port(core, listen);
    int rc = mird_public_start(core, listen, &core->public_link, &err);
    if (rc)
        mir_log(MIR_LOG_ERROR, "start", "no public pages: %s", err.text);
    /* One that was shut out and not ended keeps the port. The prober is needed all the same. */
    if (rc && taken_over && err.kind == MIR_CONFLICT &&
        !mird_public_start(core, "127.0.0.1:0", &core->public_link, &err))
        mir_log(MIR_LOG_WARN, "start", "until the next start the pages are at %s",
                core->public_url);
}

/* Takes the lock. */
static int start_acting(struct mird_daemon *daemon, int lock_fd, struct mird_acting *as,
                        bool taken_over, struct mir_error *err)
{
    struct mird_core *core = &daemon->core;
    begin_core(daemon);
    if (mird_store_open_acting(core->state_dir, as, &core->store, err)) {
        close(lock_fd);
        return -1;
    }
    daemon->tenure = mird_tenure_new(core->state_dir, lock_fd, core->store, wake_main, daemon);
    if (mird_store_identity(core->store, &core->identity, err) ||
        mird_tenure_start(daemon->tenure, err))
        return -1;
    core->hub = mird_hub_new();
    open_providers(core, mird_tenure_fence(daemon->tenure));
    start_public(daemon, taken_over);
    struct mird_engine *engine;
    if (mird_engine_start(core, &engine, err))
        return -1;
    mird_core_set_engine(core, engine);
    mird_tenure_engine(daemon->tenure, engine);
    mird_public_refresh(core->public_link);
    return mird_rest_start(core, &daemon->settings.rest, &daemon->rest, err);
}

/* Who knows only where the one before answered finds us there, too; and where we are looked for
 * when we act, unless somebody else has a socket there. Each leads here directly, so that a standby
 * may take the name of one that led there. */
static void answer_there(const struct mird_daemon *daemon, const char *path, bool before)
{
    const char *own = daemon->settings.socket_path;
    struct stat st;
    if (!path || !*path || !strcmp(path, own) ||
        (!lstat(path, &st) && !S_ISLNK(st.st_mode) && !(before && S_ISSOCK(st.st_mode))))
        return;
    mir_auto_free char *fresh = mir_format("%s.%d", path, (int)getpid());
    unlink(fresh);
    if (symlink(own, fresh) || rename(fresh, path)) {
        mir_log(MIR_LOG_WARN, "start", "cannot answer at %s as well: %s", path, strerror(errno));
        unlink(fresh);
    }
}

/* --- standing by --- */

static void on_news(void *ctx)
{
    const struct mird_daemon *daemon = ctx;
    mird_rest_wake(daemon->rest);
}

static int not_its_socket(const struct mird_daemon *daemon, struct mird_acting *ret,
                          struct mir_error *err)
{
    if (mird_store_acting(daemon->core.store, ret, err))
        return -1;
    if (strcmp(ret->socket, daemon->settings.socket_path) != 0)
        return 0;
    mir_fail(err, MIR_CONFLICT, "the daemon that acts answers at %s", ret->socket);
    return mir_error_hint(err, "give the standby a socket of its own: --socket PATH");
}

static int start_standby(struct mird_daemon *daemon, struct mir_error *err)
{
    struct mird_core *core = &daemon->core;
    struct mird_acting other;
    begin_core(daemon);
    core->standby = true;
    if (mird_store_open_standby(core->state_dir, &core->store, err) ||
        not_its_socket(daemon, &other, err) ||
        mird_store_identity(core->store, &core->identity, err))
        return -1;
    core->hub = mird_hub_new();
    open_providers(core, NULL); /* for what they are; nobody asks them to do anything */
    if (mird_rest_start(core, &daemon->settings.rest, &daemon->rest, err))
        return -1;
    const struct mird_standby_config config = {.state_dir = core->state_dir,
                                               .socket = daemon->settings.socket_path,
                                               .store = core->store,
                                               .silence_ms = daemon->settings.silence_ms,
                                               .kill_silent = daemon->settings.kill_silent,
                                               .on_news = on_news,
                                               .on_won = wake_main,
                                               .ctx = daemon};
    if (mird_standby_start(&config, &daemon->standby, err))
        return -1;
    mir_log(MIR_LOG_INFO, "start", "mirage-deployd %s stands by at %s for process %" PRId64,
            MIR_VERSION, daemon->settings.socket_path, other.pid);
    return 0;
}

/* --- the order of all --- */

static void stop_role(struct mird_daemon *daemon)
{
    struct mird_core *core = &daemon->core;
    struct mird_inheritance unwanted;
    mird_rest_stop(daemon->rest);
    if (daemon->standby && mird_standby_end(mir_steal(&daemon->standby), &unwanted))
        close(unwanted.lock_fd);
    if (daemon->tenure)
        mird_tenure_engine(daemon->tenure, NULL);
    if (core->public_link) /* it tells the engine what the prober sees, to the last */
        mird_public_halt(core->public_link);
    mird_engine_stop(core->engine);
    if (core->public_link)
        mird_public_stop(core->public_link);
    for (size_t i = 0; i < core->provider_count; i++)
        mir_prov_close(core->providers[i]);
    mird_hub_free(core->hub);
    mird_rest_free(mir_steal(&daemon->rest));
    if (daemon->tenure)
        mird_tenure_end(daemon->tenure);
    if (core->store)
        mird_store_close(core->store);
    mird_tenure_free(mir_steal(&daemon->tenure));
    explicit_bzero(core, sizeof *core);
}

static void free_all(struct mird_daemon *daemon)
{
    stop_role(daemon);
    mird_settings_clear(&daemon->settings);
    free(daemon);
}

static void say_serving(const struct mird_daemon *daemon)
{
    mir_log(MIR_LOG_INFO, "start", "mirage-deployd %s serves %s, state in %s%s%s", MIR_VERSION,
            daemon->settings.socket_path, daemon->settings.state_dir,
            daemon->core.public_url[0] ? ", pages at " : "", daemon->core.public_url);
}

static int start_role(struct mird_daemon *daemon, struct mir_error *err)
{
    const struct mird_settings *settings = &daemon->settings;
    struct mird_acting as;
    int lock_fd = -1;
    int64_t now_s = mir_now_s(mir_clock_system());
    if (!mird_lock_take(settings->state_dir, now_s, &lock_fd, err)) {
        mird_acting_init(&as, settings->socket_path);
        if (start_acting(daemon, lock_fd, &as, false, err))
            return -1;
        say_serving(daemon);
        return 0;
    }
    return err->kind == MIR_CONFLICT && settings->standby ? start_standby(daemon, err) : -1;
}

int mird_start(const struct mird_options *options, struct mird_daemon **ret, struct mir_error *err)
{
    struct mird_daemon *daemon = mir_calloc(1, sizeof *daemon);
    int rc = mird_settings_read(options, &daemon->settings, err);
    if (!rc)
        rc = start_role(daemon, err);
    for (int waited = 0;
         rc && err->kind == MIR_NOT_FOUND && options->standby && waited < STORE_WAIT_MS;
         waited += PIECE_MS) {
        stop_role(daemon);
        poll(NULL, 0, PIECE_MS);
        rc = start_role(daemon, err);
    }
    if (rc) {
        free_all(daemon);
        return -1;
    }
    *ret = daemon;
    return 0;
}

/* Whoever has raised the epoch is still about to find out whether we hold the lock: as long as we
 * do it can tell who we are. It may also have ended in the middle of it; then we are free to. */
static void await_successor(const struct mird_daemon *daemon)
{
    for (int waited = 0; mird_tenure_has_lock(daemon->tenure) && waited < SUCCESSOR_MS;
         waited += PIECE_MS)
        poll(NULL, 0, PIECE_MS);
}

static int lost(struct mird_daemon *daemon)
{
    mir_log(
        MIR_LOG_WARN, "start",
        "another daemon has taken over %s: nothing more is done here, and this one begins again "
        "as its standby",
        daemon->settings.state_dir);
    mird_notify("STATUS=shut out\n");
    mird_rest_stop(mir_steal(&daemon->rest));
    await_successor(daemon);
    return 1;
}

int mird_role_changed(struct mird_daemon *daemon, struct mir_error *err)
{
    struct mird_inheritance won;
    if (daemon->tenure && mird_tenure_lost(daemon->tenure))
        return lost(daemon);
    if (!daemon->standby || !mird_standby_won(daemon->standby))
        return 0;
    mird_standby_end(mir_steal(&daemon->standby), &won);
    stop_role(daemon);
    if (start_acting(daemon, won.lock_fd, &won.as, true, err))
        return -1;
    answer_there(daemon, won.socket, true);
    answer_there(daemon, daemon->settings.usual_socket, false);
    say_serving(daemon);
    mird_notify("STATUS=serving\n");
    return 0;
}

bool mird_stands_by(const struct mird_daemon *daemon)
{
    return daemon->standby;
}

/* What a user has to know when the daemon goes: what still runs, and until when. */
static void say_what_runs(const struct mird_core *core)
{
    struct mird_store_figures figures;
    if (mird_store_figures(core->store, &figures, NULL))
        return;
    char until[MIR_TIME_SIZE];
    bool forever = mir_forever(figures.last_deadline_s);
    mir_time_format(figures.last_deadline_s, until);
    if (figures.open)
        mir_log(MIR_LOG_WARN, "stop", "%zu deployment%s running %s%s", figures.open,
                figures.open == 1 ? " keeps" : "s keep", forever ? "" : "until ",
                forever ? "until removed: not all have a deadline" : until);
    else
        mir_log(MIR_LOG_INFO, "stop", "nothing is left running");
}

void mird_stop(struct mird_daemon *daemon)
{
    mird_notify("STOPPING=1\n");
    mird_rest_stop(daemon->rest);
    if (daemon->tenure) {
        mird_tenure_engine(daemon->tenure, NULL);
        if (daemon->core.public_link)
            mird_public_halt(daemon->core.public_link);
        mird_engine_stop(mir_steal(&daemon->core.engine));
        say_what_runs(&daemon->core);
    }
    free_all(daemon);
}
