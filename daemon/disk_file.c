/* SPDX-License-Identifier: ISC */
#include "disk_file.h"

#include <errno.h>
#include <unistd.h>

#define BUILD_MS 120000
#define BLOCK_BYTES_PER_MS ((uint64_t)20 << 10) /* 20 MiB each second, of a slow disk */

static int copy(const struct mir_imager *imager, struct mir_disk *disk, int fd,
                struct mir_error *err)
{
    struct mir_disk_range range;
    do {
        if (imager->next(disk, &range, err))
            return -1;
        if (pwrite(fd, range.data, range.len, (off_t)range.at) != (ssize_t)range.len)
            return mir_fail_errno(err, errno, "cannot write the disk");
    } while (range.len);
    return 0;
}

int mird_disk_write(const struct mir_imager *imager, const struct mir_instance_spec *spec,
                    const struct mir_needs *needs, uint64_t max_bytes, int fd,
                    struct mir_error *err)
{
    struct mir_disk *disk;
    uint64_t size;
    int rc = 0;
    uint64_t blocks = spec->blocks ? mir_blocks_bytes(spec->blocks) : 0;
    int64_t build_ms = BUILD_MS + (int64_t)(blocks / BLOCK_BYTES_PER_MS);
    if (imager->open(imager->ctx, spec, needs, build_ms, &disk, &size, err))
        return -1;
    if (size > max_bytes)
        rc = mir_fail(err, MIR_POLICY, "a disk of %llu bytes is too large to be started here",
                      (unsigned long long)size);
    if (!rc)
        rc = copy(imager, disk, fd, err);
    imager->close(disk);
    if (!rc && ftruncate(fd, (off_t)size))
        rc = mir_fail_errno(err, errno, "cannot write the disk");
    return rc;
}
