/* SPDX-License-Identifier: ISC */
#include "api/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/memory.h"

static ssize_t read_full(int fd, char *out, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = read(fd, out + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int mir_file_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_len,
                  struct mir_error *err)
{
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", path);
    size_t room = 4096, len = 0;
    mir_auto_free char *text = mir_calloc(room + 1, 1);
    for (;;) {
        ssize_t n = read_full(fd, text + len, room - len);
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read %s", path);
        len += (size_t)n;
        if (len > max_bytes)
            return mir_fail(err, MIR_CORRUPT, "%s is larger than %zu bytes", path, max_bytes);
        if (len < room)
            break;
        room *= 2;
        text = mir_realloc(text, room + 1, 1);
    }
    text[len] = '\0';
    *ret_text = mir_steal(&text);
    if (ret_len)
        *ret_len = len;
    return 0;
}

int mir_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_dir(int dir_fd)
{
    mir_auto_close int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int write_temp(int dir_fd, const char *temp, const void *data, size_t len, mode_t mode,
                      struct mir_error *err)
{
    mir_auto_close int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot create %s", temp);
    if (mir_write_all(fd, data, len))
        return mir_fail_errno(err, errno, "cannot write %s", temp);
    if (mir_fault_before("file.fsync", err))
        return -1;
    if (fsync(fd))
        return mir_fail_errno(err, errno, "cannot sync %s", temp);
    return 0;
}

int mir_file_write_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
                      struct mir_error *err)
{
    mir_auto_free char *temp = mir_format("%s.%ld.new", name, (long)gettid());
    if (write_temp(dir_fd, temp, data, len, mode, err)) {
        unlinkat(dir_fd, temp, 0);
        return -1;
    }
    int rc = mir_fault_before("file.rename", err);
    if (rc == 0 && renameat(dir_fd, temp, dir_fd, name))
        rc = mir_fail_errno(err, errno, "cannot put %s in place", name);
    if (rc) {
        unlinkat(dir_fd, temp, 0);
        return -1;
    }
    if (mir_fault_after("file.rename", err))
        return -1;
    if (sync_dir(dir_fd))
        return mir_fail_errno(err, errno, "cannot sync the directory of %s", name);
    return mir_fault_after("file.sync_dir", err);
}

int mir_dir_make(const char *path, mode_t mode, struct mir_error *err)
{
    char part[PATH_MAX];
    if (!*path)
        return mir_fail(err, MIR_USAGE, "the directory to make has no name");
    if (mir_copy(part, sizeof part, path))
        return mir_fail(err, MIR_USAGE, "path too long: %.64s...", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char was = *p;
        *p = '\0';
        struct stat st;
        if (mkdir(part, mode)) {
            int saved = errno;
            if (stat(part, &st) || !S_ISDIR(st.st_mode))
                return mir_fail_errno(err, saved, "cannot make directory %s", part);
        }
        *p = was;
        if (!was)
            return 0;
    }
}

#define REMOVE_DEPTH_MAX 8

static int remove_tree(int dir_fd, const char *name, unsigned depth, struct mir_error *err);

static int remove_entry(int dir_fd, const char *folder, const char *name, unsigned depth,
                        struct mir_error *err)
{
    if (!unlinkat(dir_fd, name, 0) || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return mir_fail_errno(err, errno, "cannot remove %s/%s", folder, name);
    if (depth >= REMOVE_DEPTH_MAX)
        return mir_fail(err, MIR_FAILED, "%s is nested too deeply to remove", folder);
    return remove_tree(dir_fd, name, depth + 1, err);
}

static int remove_tree(int dir_fd, const char *name, unsigned depth, struct mir_error *err)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : mir_fail_errno(err, errno, "cannot open %s", name);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return mir_fail_errno(err, errno, "cannot list %s", name);
    }
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = remove_entry(fd, name, e->d_name, depth, err);
    closedir(dir);
    if (!rc && unlinkat(dir_fd, name, AT_REMOVEDIR) && errno != ENOENT)
        rc = mir_fail_errno(err, errno, "cannot remove %s", name);
    return rc;
}

int mir_dir_remove_at(int dir_fd, const char *name, struct mir_error *err)
{
    return remove_tree(dir_fd, name, 0, err);
}
