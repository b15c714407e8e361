/* SPDX-License-Identifier: ISC */
#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/id.h"
#include "api/memory.h"

static char *path_of(const struct fc_world *world, const char *name)
{
    return mir_format("%s/objects/%s", world->dir, name);
}

/* A new file; *ret_name owned. */
static int new_file(struct fc_world *world, char **ret_name, struct mir_error *err)
{
    mir_auto_free char *dir = mir_format("%s/objects", world->dir);
    char name[MIR_ID_TEXT];
    if (mir_dir_make(dir, 0700, err))
        return -1;
    mir_id_new(mir_random_system(), name);
    mir_auto_free char *path = path_of(world, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make %s", path);
    *ret_name = mir_strdup(name);
    return fd;
}

int fc_blob_append(int to, int from, uint64_t len)
{
    off_t at = 0;
    while ((uint64_t)at < len) {
        ssize_t sent = sendfile(to, from, &at, (size_t)(len - (uint64_t)at));
        if (sent <= 0)
            return -1;
    }
    return 0;
}

char *fc_blob_keep(struct fc_world *world, const struct fc_body *body, struct mir_error *err)
{
    mir_auto_free char *name = NULL;
    mir_auto_close int fd = new_file(world, &name, err);
    if (fd < 0)
        return NULL;
    int rc = body->fd >= 0 ? fc_blob_append(fd, body->fd, body->len)
                           : mir_write_all(fd, body->memory.data, body->memory.len);
    if (rc) {
        mir_fail_errno(err, errno, "cannot keep a body");
        fc_blob_drop(world, name);
        return NULL;
    }
    return mir_steal(&name);
}

char *fc_blob_join(struct fc_world *world, const json_t *names, struct mir_error *err)
{
    mir_auto_free char *name = NULL;
    mir_auto_close int fd = new_file(world, &name, err);
    size_t i;
    json_t *part;
    if (fd < 0)
        return NULL;
    json_array_foreach((json_t *)(uintptr_t)names, i, part)
    {
        mir_auto_close int from = fc_blob_open(world, json_string_value(part));
        off_t len = from >= 0 ? lseek(from, 0, SEEK_END) : -1;
        if (len < 0 || fc_blob_append(fd, from, (uint64_t)len)) {
            mir_fail_errno(err, errno, "cannot join the parts");
            fc_blob_drop(world, name);
            return NULL;
        }
    }
    return mir_steal(&name);
}

int fc_blob_open(const struct fc_world *world, const char *name)
{
    mir_auto_free char *path = path_of(world, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void fc_blob_drop(const struct fc_world *world, const char *name)
{
    mir_auto_free char *path = path_of(world, name);
    unlink(path);
}
