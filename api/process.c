/* SPDX-License-Identifier: ISC */
#include "api/process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

static int read_boot_id(char out[MIR_BOOT_ID_TEXT], struct mir_error *err)
{
    mir_auto_free char *text = NULL;
    if (mir_file_read("/proc/sys/kernel/random/boot_id", 64, &text, NULL, err))
        return -1;
    text[strcspn(text, "\n")] = '\0';
    if (mir_copy(out, MIR_BOOT_ID_TEXT, text))
        return mir_fail(err, MIR_INTERNAL, "boot id of unexpected length");
    return 0;
}

/* State letter and start time. The command in field 2 may hold anything, so count from the last
 * parenthesis. */
static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_start, struct mir_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    mir_auto_free char *text = NULL;
    if (mir_file_read(path, 4096, &text, NULL, err))
        return -1;
    const char *p = strrchr(text, ')');
    if (!p || sscanf(p + 1,
                     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                     "%" SCNu64,
                     ret_state, ret_start) != 2)
        return mir_fail(err, MIR_CORRUPT, "cannot read %s", path);
    return 0;
}

int mir_process_of(pid_t pid, struct mir_process *ret, struct mir_error *err)
{
    struct mir_process process = {.pid = pid};
    char state;
    if (read_stat(pid, &state, &process.start_ticks, err) || read_boot_id(process.boot_id, err))
        return -1;
    *ret = process;
    return 0;
}

int mir_process_open(const struct mir_process *process)
{
    if (process->pid <= 0)
        return -1;
    /* Open first, compare after: once the fd is held the pid cannot be re-used behind it. */
    mir_auto_close int fd = pidfd_open(process->pid, 0);
    if (fd < 0)
        return -1;
    char state, boot_id[MIR_BOOT_ID_TEXT];
    uint64_t start;
    if (read_stat(process->pid, &state, &start, NULL) || read_boot_id(boot_id, NULL))
        return -1;
    if (state == 'Z' || state == 'X' || start != process->start_ticks ||
        strcmp(boot_id, process->boot_id))
        return -1;
    return mir_steal_fd(&fd);
}

int mir_process_alive(const struct mir_process *process)
{
    mir_auto_close int fd = mir_process_open(process);
    return fd >= 0;
}

int mir_process_signal(const struct mir_process *process, int sig, struct mir_error *err)
{
    mir_auto_close int fd = mir_process_open(process);
    if (fd < 0)
        return 0;
    if (pidfd_send_signal(fd, sig, NULL, 0) && errno != ESRCH)
        return mir_fail_errno(err, errno, "cannot signal process %d", (int)process->pid);
    return 0;
}

int mir_process_wait_gone(const struct mir_process *process, int timeout_ms, struct mir_error *err)
{
    mir_auto_close int fd = mir_process_open(process);
    if (fd < 0)
        return 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, timeout_ms) > 0)
        return 0;
    return mir_fail(err, MIR_TIMEOUT, "process %d did not end within %d ms", (int)process->pid,
                    timeout_ms);
}

/* The file or folder of that name beside the running program, or in the folder of an installation;
 * owned, NULL when there is none that can be used so. */
static char *find_beside(const char *name, const char *installed_in, int access_mode)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = NULL;
    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
    }
    if (slash) {
        *slash = '\0';
        char *beside = mir_format("%s/%s", self, name);
        if (!access(beside, access_mode))
            return beside;
        free(beside);
    }
    char *installed = mir_format("%s/%s", installed_in, name);
    if (!access(installed, access_mode))
        return installed;
    free(installed);
    return NULL;
}

static char *found_or_missing(char *path, const char *what, const char *name,
                              const char *installed_in, struct mir_error *err)
{
    if (path)
        return path;
    mir_fail(err, MIR_NOT_FOUND, "the %s %s is missing", what, name);
    mir_error_hint(err, "it belongs beside this program or in %s; install again", installed_in);
    return NULL;
}

char *mir_program_path(const char *name, struct mir_error *err)
{
    return found_or_missing(find_beside(name, MIR_LIBEXECDIR, X_OK), "program", name,
                            MIR_LIBEXECDIR, err);
}

char *mir_data_path(const char *name, struct mir_error *err)
{
    return found_or_missing(find_beside(name, MIR_DATADIR, R_OK), "file or folder", name,
                            MIR_DATADIR, err);
}

static char *usable(const char *path)
{
    return access(path, X_OK) ? NULL : realpath(path, NULL);
}

char *mir_program_search(const char *name, struct mir_error *err)
{
    char *found = strchr(name, '/') ? usable(name) : NULL;
    const char *path = getenv("PATH");
    if (!path || !*path)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (!found && !strchr(name, '/') && *path) {
        size_t len = strcspn(path, ":");
        mir_auto_free char *candidate = mir_format("%.*s/%s", (int)len, path, name);
        found = usable(candidate);
        path += len;
        path += *path == ':';
    }
    if (!found)
        mir_fail(err, MIR_NOT_FOUND, "the program %s was not found", name);
    return found;
}
