/* SPDX-License-Identifier: ISC */
#include "guest_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

#define NEW_FILE FC_GUEST_DISK_DIR "/new"
#define CHUNK ((size_t)1 << 20)

bool fc_guest_disk_exists(int state_fd, const char *volume)
{
    mir_auto_free char *path = mir_format(FC_GUEST_DISK_DIR "/%s", volume);
    return !faccessat(state_fd, path, F_OK, 0);
}

static int copy_range(int from, int to, off_t at, off_t end, struct mir_error *err)
{
    mir_auto_free char *chunk = mir_calloc(1, CHUNK);
    while (at < end) {
        size_t want = end - at < (off_t)CHUNK ? (size_t)(end - at) : CHUNK;
        ssize_t got = pread(from, chunk, want, at);
        if (got > 0 && pwrite(to, chunk, (size_t)got, at) == got)
            at += got;
        else
            return mir_fail_errno(err, got ? errno : EIO, "cannot copy a snapshot's blocks");
    }
    return 0;
}

/* What was never written is a hole in the snapshot's file, and stays one. */
static int copy_blocks(int from, int to, struct mir_error *err)
{
    for (off_t end = 0;;) {
        off_t at = lseek(from, end, SEEK_DATA);
        if (at < 0)
            return errno == ENXIO ? 0 : mir_fail_errno(err, errno, "cannot read a snapshot");
        end = lseek(from, at, SEEK_HOLE);
        if (end < 0 || copy_range(from, to, at, end, err))
            return -1;
    }
}

static off_t size_of(const struct fc_guest_disk *disk)
{
    off_t whole = disk->snapshot_fd >= 0 ? lseek(disk->snapshot_fd, 0, SEEK_END) : 0;
    return disk->gib && !disk->qcow2 ? (off_t)disk->gib << 30 : whole;
}

int fc_guest_disk_make(int state_fd, const struct fc_guest_disk *disk, struct mir_error *err)
{
    if (fc_guest_disk_exists(state_fd, disk->volume))
        return 0;
    mir_auto_free char *path = mir_format(FC_GUEST_DISK_DIR "/%s", disk->volume);
    if (mkdirat(state_fd, FC_GUEST_DISK_DIR, 0700) && errno != EEXIST)
        return mir_fail_errno(err, errno, "cannot make the folder of volumes");
    mir_auto_close int fd =
        openat(state_fd, NEW_FILE, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, size_of(disk)))
        return mir_fail_errno(err, errno, "cannot make the disk of %s", disk->volume);
    if (disk->snapshot_fd >= 0 && copy_blocks(disk->snapshot_fd, fd, err))
        return mir_error_wrap(err, "the disk of %s", disk->volume);
    if (renameat(state_fd, NEW_FILE, state_fd, path))
        return mir_fail_errno(err, errno, "cannot name the disk of %s", disk->volume);
    return 0;
}

int fc_guest_file_make(int state_fd, const struct fc_guest_disk *file, struct mir_error *err)
{
    return *file->volume ? fc_guest_disk_make(state_fd, file, err) : 0;
}

static bool exists(const struct fc_guest_wants *wants, const char *volume)
{
    for (size_t i = 0; i < wants->volume_count; i++)
        if (!strcmp(wants->volumes[i], volume))
            return true;
    return false;
}

void fc_guest_disks_sweep(int state_fd, const struct fc_guest_wants *wants)
{
    int fd = openat(state_fd, FC_GUEST_DISK_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (*entry->d_name != '.' && !exists(wants, entry->d_name))
            unlinkat(fd, entry->d_name, 0);
    closedir(folder);
}
