/* SPDX-License-Identifier: ISC */
#include "start.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/paths.h"
#include "api/process.h"
#include "daemon/provider_list.h"
#include "daemon/public_link.h"
#include "lock.h"
#include "notify.h"
#include "rest.h"

#define PUBLIC_DEFAULT "127.0.0.1:8420"

struct mird_daemon {
    struct mird_core core;
    struct mir_config *config;
    char *state_dir, *socket_path, *helper_path; /* owned */
    int lock_fd;
    struct mird_rest *rest;
};

static int set_log_level(const char *name, struct mir_error *err)
{
    static const struct {
        const char *name;
        enum mir_log_level level;
    } levels[] = {{"error", MIR_LOG_ERROR},
                  {"warn", MIR_LOG_WARN},
                  {"info", MIR_LOG_INFO},
                  {"debug", MIR_LOG_DEBUG}};
    for (size_t i = 0; name && i < MIR_NELEMS(levels); i++)
        if (!strcmp(levels[i].name, name)) {
            mir_log_set_level(levels[i].level);
            return 0;
        }
    if (!name)
        return 0;
    mir_fail(err, MIR_USAGE, "no log level '%.32s'", name);
    return mir_error_hint(err, "one of error, warn, info, debug");
}

static char *absolute(const char *path)
{
    if (*path == '/')
        return mir_strdup(path);
    mir_auto_free char *here = getcwd(NULL, 0);
    return mir_format("%s/%s", here ? here : "", path);
}

/* A state directory given on the command line means a daemon, and a socket, of its own. */
static int find_paths(struct mird_daemon *daemon, const struct mird_options *options,
                      struct mir_error *err)
{
    daemon->state_dir = options->state ? absolute(options->state) : mir_path_state(err);
    if (!daemon->state_dir)
        return -1;
    if (options->socket)
        daemon->socket_path = absolute(options->socket);
    else if (options->state && !getenv("MIRAGE_DEPLOY_SOCKET"))
        daemon->socket_path = mir_format("%s/api.sock", daemon->state_dir);
    else
        daemon->socket_path = mir_path_socket(err);
    daemon->helper_path = mir_program_path("mirage-image", err);
    return daemon->socket_path && daemon->helper_path ? 0 : -1;
}

static int make_state_dir(const struct mird_daemon *daemon, struct mir_error *err)
{
    struct stat st;
    if (mir_dir_make(daemon->state_dir, 0700, err)) {
        mir_error_wrap(err, "state directory");
        return mir_error_hint(err, "make it writable for this user, or set MIRAGE_DEPLOY_STATE to "
                                   "a directory that is");
    }
    if (stat(daemon->state_dir, &st))
        return mir_fail_errno(err, errno, "cannot look at %s", daemon->state_dir);
    if (!(st.st_mode & 0022))
        return 0;
    mir_fail(err, MIR_POLICY, "others may write to the state directory %s", daemon->state_dir);
    return mir_error_hint(err, "chmod go-w %s", daemon->state_dir);
}

/* A provider that cannot be opened must not keep the others' deadlines from being met. */
static void open_providers(struct mird_core *core)
{
    const struct mir_provider_env env = {.config = core->config,
                                         .state_dir = core->state_dir,
                                         .installation = core->identity.installation,
                                         .clock = core->clock};
    for (size_t i = 0; i < mird_provider_list_count && i < MIRD_PROVIDERS_MAX; i++) {
        struct mir_error err = {0};
        struct mir_prov *prov;
        if (!mir_prov_open(mird_provider_list[i], &env, &prov, &err))
            core->providers[core->provider_count++] = prov;
        else
            mir_log(MIR_LOG_ERROR, "start", "provider %s is not available: %s",
                    mird_provider_list[i]->name, err.text);
    }
}

static void start_public(struct mird_daemon *daemon, const struct mird_options *options)
{
    const char *listen = options->public_at;
    if (!listen || !*listen)
        listen = getenv("MIRAGE_DEPLOY_PUBLIC");
    if (!listen || !*listen)
        listen = mir_config_get(daemon->config, "public", "listen");
    if (!listen || !*listen)
        listen = PUBLIC_DEFAULT;
    if (!strcmp(listen, "none"))
        return;
    struct mir_error err = {0};
    if (mird_public_start(&daemon->core, listen, &daemon->core.public_link, &err))
        mir_log(MIR_LOG_ERROR, "start", "no public pages: %s", err.text);
}

/* "16G", "512MiB", or bytes. */
static int read_size(const char *text, uint64_t *ret, struct mir_error *err)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (unit)
        end += 1 + (!strcmp(end + 1, "iB") ? 2 : !strcmp(end + 1, "B") ? 1 : 0);
    if (errno || end == text || *text == '-' || *end || !value || value > UINT64_MAX >> shift)
        return mir_fail(err, MIR_USAGE, "'%.40s' is not a size", text);
    *ret = (uint64_t)value << shift;
    return 0;
}

static int read_rest_config(const struct mir_config *config, struct mird_rest_config *ret,
                            struct mir_error *err)
{
    const char *size = mir_config_get(config, "daemon", "kernel_max");
    const char *mode = mir_config_get(config, "daemon", "socket_mode");
    if (size && read_size(size, &ret->kernel_max_bytes, err))
        return mir_error_wrap(err, "kernel_max under [daemon]");
    if (ret->kernel_max_bytes > MIRD_KERNEL_MAX_BYTES)
        ret->kernel_max_bytes = MIRD_KERNEL_MAX_BYTES;
    if (mode && !strcmp(mode, "0660"))
        ret->socket_mode = 0660;
    else if (mode && strcmp(mode, "0600") != 0)
        return mir_fail(err, MIR_USAGE, "socket_mode under [daemon] is 0600 or 0660, not '%.16s'",
                        mode);
    return 0;
}

static int start_all(struct mird_daemon *daemon, const struct mird_options *options,
                     struct mir_error *err)
{
    struct mird_core *core = &daemon->core;
    struct mird_rest_config rest = {.socket_mode = 0600};
    if (set_log_level(options->log_level, err) || find_paths(daemon, options, err) ||
        make_state_dir(daemon, err))
        return -1;
    core->clock = mir_clock_system();
    core->random = mir_random_system();
    core->state_dir = daemon->state_dir;
    core->helper_path = daemon->helper_path;
    if (mird_lock_take(core->state_dir, mir_now_s(core->clock), &daemon->lock_fd, err) ||
        mir_config_load(&daemon->config, err) || read_rest_config(daemon->config, &rest, err) ||
        mird_store_open(core->state_dir, &core->store, err) ||
        mird_store_identity(core->store, &core->identity, err))
        return -1;
    core->config = daemon->config;
    core->hub = mird_hub_new();
    open_providers(core);
    start_public(daemon, options);
    rest.socket_path = daemon->socket_path;
    if (mird_engine_start(core, &core->engine, err) ||
        mird_rest_start(core, &rest, &daemon->rest, err))
        return -1;
    return 0;
}

static void free_all(struct mird_daemon *daemon)
{
    struct mird_core *core = &daemon->core;
    mird_rest_stop(daemon->rest);
    if (core->engine)
        mird_engine_stop(core->engine);
    if (core->public_link)
        mird_public_stop(core->public_link);
    for (size_t i = 0; i < core->provider_count; i++)
        mir_prov_close(core->providers[i]);
    mird_hub_free(core->hub);
    mird_rest_free(daemon->rest);
    if (core->store)
        mird_store_close(core->store);
    mir_config_free(daemon->config);
    mir_cleanup_closep(&daemon->lock_fd);
    explicit_bzero(&core->identity, sizeof core->identity);
    free(daemon->state_dir);
    free(daemon->socket_path);
    free(daemon->helper_path);
    free(daemon);
}

int mird_start(const struct mird_options *options, struct mird_daemon **ret, struct mir_error *err)
{
    struct mird_daemon *daemon = mir_calloc(1, sizeof *daemon);
    daemon->lock_fd = -1;
    if (start_all(daemon, options, err)) {
        free_all(daemon);
        return -1;
    }
    mir_log(MIR_LOG_INFO, "start", "mirage-deployd %s serves %s, state in %s%s%s", MIR_VERSION,
            daemon->socket_path, daemon->state_dir, daemon->core.public_url[0] ? ", pages at " : "",
            daemon->core.public_url);
    *ret = daemon;
    return 0;
}

/* What a user has to know when the daemon goes: what still runs, and until when. */
static void say_what_runs(const struct mird_core *core)
{
    struct mird_store_figures figures;
    if (mird_store_figures(core->store, &figures, NULL))
        return;
    char until[MIR_TIME_SIZE];
    mir_time_format(figures.last_deadline_s, until);
    if (figures.open)
        mir_log(MIR_LOG_WARN, "stop", "%zu deployment%s running until %s at the latest",
                figures.open, figures.open == 1 ? " keeps" : "s keep", until);
    else
        mir_log(MIR_LOG_INFO, "stop", "nothing is left running");
}

void mird_stop(struct mird_daemon *daemon)
{
    mird_notify("STOPPING=1\n");
    mird_rest_stop(daemon->rest);
    mird_engine_stop(mir_steal(&daemon->core.engine));
    say_what_runs(&daemon->core);
    free_all(daemon);
}
