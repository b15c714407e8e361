/* SPDX-License-Identifier: ISC */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "api/paths.h"
#include "api/process.h"
#include "daemon/epoch.h"

#define TAKEOVER_MAX_S 300
#define STANDBYS_MAX 16u

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

static bool somebody_answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mir_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && !mir_copy(address.sun_path, sizeof address.sun_path, path) &&
           (!connect(fd, (const struct sockaddr *)&address, sizeof address) || errno == EAGAIN);
}

/* A standby's, beside the store: not where another one answers, standing by or acting. What only
 * leads to one that acts is free: that one is found at its usual place. */
static char *place_beside(const char *state_dir)
{
    struct stat st;
    char *path = mir_format("%s/standby.sock", state_dir);
    for (unsigned i = 2; i <= STANDBYS_MAX; i++) {
        if (lstat(path, &st) || S_ISLNK(st.st_mode) || !somebody_answers(path))
            break;
        free(path);
        path = mir_format("%s/standby-%u.sock", state_dir, i);
    }
    return path;
}

/* A state directory given on the command line means a daemon, and a socket, of its own. */
static char *usual_socket(const char *state_dir, const struct mird_options *options,
                          struct mir_error *err)
{
    if (options->socket)
        return absolute(options->socket);
    if (options->state && !getenv("MIRAGE_DEPLOY_SOCKET"))
        return mir_format("%s/api.sock", state_dir);
    return mir_path_socket(err);
}

int mird_socket_paths(const struct mird_options *options, const char *state_dir, char **ret_path,
                      char **ret_usual, struct mir_error *err)
{
    bool beside = options->standby && (!options->socket || options->shut_out);
    char *usual = usual_socket(state_dir, options, beside ? NULL : err);
    char *path = beside ? place_beside(state_dir) : usual ? mir_strdup(usual) : NULL;
    if (!path)
        return -1;
    *ret_path = path;
    *ret_usual = usual;
    return 0;
}

static int find_paths(struct mird_settings *settings, const struct mird_options *options,
                      struct mir_error *err)
{
    settings->state_dir = options->state ? absolute(options->state) : mir_path_state(err);
    if (!settings->state_dir ||
        mird_socket_paths(options, settings->state_dir, &settings->socket_path,
                          &settings->usual_socket, err))
        return -1;
    settings->helper_path = mir_program_path("mirage-image", err);
    return settings->helper_path ? 0 : -1;
}

static int make_state_dir(const struct mird_settings *settings, struct mir_error *err)
{
    struct stat st;
    if (mir_dir_make(settings->state_dir, 0700, err)) {
        mir_error_wrap(err, "state directory");
        return mir_error_hint(err, "make it writable for this user, or set MIRAGE_DEPLOY_STATE to "
                                   "a directory that is");
    }
    if (stat(settings->state_dir, &st))
        return mir_fail_errno(err, errno, "cannot look at %s", settings->state_dir);
    if (!(st.st_mode & 0022))
        return 0;
    mir_fail(err, MIR_POLICY, "others may write to the state directory %s", settings->state_dir);
    return mir_error_hint(err, "chmod go-w %s", settings->state_dir);
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

static int read_takeover(struct mird_settings *settings, struct mir_error *err)
{
    const char *after = mir_config_get(settings->config, "daemon", "takeover_after");
    const char *by = mir_config_get(settings->config, "daemon", "takeover_by");
    int64_t after_s = MIRD_EPOCH_SILENCE_MS / 1000;
    if (after && (mir_duration_parse(after, &after_s, err) || after_s > TAKEOVER_MAX_S)) {
        mir_fail(err, MIR_USAGE, "takeover_after under [daemon] is 1s to 5m, not '%.16s'", after);
        return mir_error_hint(err, "15s is the usual");
    }
    settings->silence_ms = after_s * 1000;
    settings->kill_silent = !by || !strcmp(by, "kill");
    if (!settings->kill_silent && strcmp(by, "fence") != 0)
        return mir_fail(err, MIR_USAGE, "takeover_by under [daemon] is kill or fence, not '%.16s'",
                        by);
    return 0;
}

static const char *find_listen(const struct mird_settings *settings,
                               const struct mird_options *options)
{
    const char *listen = options->public_at;
    if (!listen || !*listen)
        listen = getenv("MIRAGE_DEPLOY_PUBLIC");
    if (!listen || !*listen)
        listen = mir_config_get(settings->config, "public", "listen");
    return listen && *listen ? listen : MIRD_PUBLIC_DEFAULT;
}

int mird_settings_read(const struct mird_options *options, struct mird_settings *ret,
                       struct mir_error *err)
{
    struct mird_settings settings = {.rest.socket_mode = 0600, .standby = options->standby};
    if (set_log_level(options->log_level, err) || find_paths(&settings, options, err) ||
        make_state_dir(&settings, err) || mir_config_load(&settings.config, err) ||
        read_rest_config(settings.config, &settings.rest, err) || read_takeover(&settings, err)) {
        mird_settings_clear(&settings);
        return -1;
    }
    settings.rest.socket_path = settings.socket_path;
    settings.public_at = find_listen(&settings, options);
    *ret = settings;
    return 0;
}

void mird_settings_clear(struct mird_settings *settings)
{
    mir_config_free(settings->config);
    free(settings->state_dir);
    free(settings->socket_path);
    free(settings->usual_socket);
    free(settings->helper_path);
    *settings = (struct mird_settings){0};
}
