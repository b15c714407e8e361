/* SPDX-License-Identifier: ISC */
#include "snapshot_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

#define SUM_BYTES 32
#define SUMS_AT_ONCE 2048

char *fc_snapshot_data_path(const struct fc_world *world, const char *id)
{
    return mir_format("%s/snapshots/%s", world->dir, id);
}

static char *sums_path(const struct fc_world *world, const char *id)
{
    return mir_format("%s/snapshots/%s.sums", world->dir, id);
}

static int open_at(char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    free(path);
    return fd;
}

int fc_snapshot_data_begin(struct fc_world *world, const char *id, int64_t gib,
                           struct mir_error *err)
{
    mir_auto_free char *dir = mir_format("%s/snapshots", world->dir);
    if (mir_dir_make(dir, 0700, err))
        return -1;
    mir_auto_close int fd = open_at(fc_snapshot_data_path(world, id), O_RDWR | O_CREAT | O_TRUNC);
    mir_auto_close int sums = open_at(sums_path(world, id), O_RDWR | O_CREAT | O_TRUNC);
    int64_t blocks = gib * 2048;
    if (fd < 0 || sums < 0 || ftruncate(fd, gib << 30) || ftruncate(sums, blocks * SUM_BYTES))
        return mir_fail_errno(err, errno, "cannot make the data of %s", id);
    return 0;
}

int fc_snapshot_data_put(struct fc_world *world, const char *id, int64_t index, const void *data,
                         const unsigned char sha256[32], struct mir_error *err)
{
    mir_auto_close int fd = open_at(fc_snapshot_data_path(world, id), O_WRONLY);
    mir_auto_close int sums = open_at(sums_path(world, id), O_WRONLY);
    if (fd < 0 || sums < 0 ||
        pwrite(fd, data, FC_BLOCK_BYTES, index * FC_BLOCK_BYTES) != FC_BLOCK_BYTES ||
        pwrite(sums, sha256, SUM_BYTES, index * SUM_BYTES) != SUM_BYTES)
        return mir_fail_errno(err, errno, "cannot write a block of %s", id);
    return 0;
}

bool fc_snapshot_data_sum(struct fc_world *world, const char *id, int64_t index,
                          unsigned char sha256[32])
{
    static const unsigned char none[SUM_BYTES];
    mir_auto_close int sums = open_at(sums_path(world, id), O_RDONLY);
    return sums >= 0 && pread(sums, sha256, SUM_BYTES, index * SUM_BYTES) == SUM_BYTES &&
           memcmp(sha256, none, SUM_BYTES) != 0;
}

int fc_snapshot_data_get(struct fc_world *world, const char *id, int64_t index, void *out)
{
    unsigned char sum[SUM_BYTES];
    mir_auto_close int fd = open_at(fc_snapshot_data_path(world, id), O_RDONLY);
    if (fd < 0 || !fc_snapshot_data_sum(world, id, index, sum))
        return -1;
    return pread(fd, out, FC_BLOCK_BYTES, index * FC_BLOCK_BYTES) == FC_BLOCK_BYTES ? 0 : -1;
}

int64_t fc_snapshot_data_next(struct fc_world *world, const char *id, int64_t from)
{
    static const unsigned char none[SUM_BYTES];
    mir_auto_close int sums = open_at(sums_path(world, id), O_RDONLY);
    unsigned char *some = mir_calloc(SUMS_AT_ONCE, SUM_BYTES);
    int64_t found = -1;
    while (sums >= 0 && found < 0) {
        off_t data = lseek(sums, from * SUM_BYTES, SEEK_DATA); /* holes are skipped at once */
        if (data < 0)
            break;
        if (data / SUM_BYTES > from)
            from = data / SUM_BYTES;
        ssize_t got = pread(sums, some, SUMS_AT_ONCE * SUM_BYTES, from * SUM_BYTES);
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got / SUM_BYTES && found < 0; i++)
            if (memcmp(some + i * SUM_BYTES, none, SUM_BYTES) != 0)
                found = from + i;
        from += got / SUM_BYTES;
    }
    free(some);
    return found;
}

static void share(char *from, char *to)
{
    unlink(to);
    if (link(from, to))
        unlink(to);
    free(from);
    free(to);
}

void fc_snapshot_data_share(struct fc_world *world, const char *from, const char *to)
{
    share(fc_snapshot_data_path(world, from), fc_snapshot_data_path(world, to));
    share(sums_path(world, from), sums_path(world, to));
}

void fc_snapshot_data_remove(struct fc_world *world, const char *id)
{
    mir_auto_free char *path = fc_snapshot_data_path(world, id), *sums = sums_path(world, id);
    unlink(path);
    unlink(sums);
}
