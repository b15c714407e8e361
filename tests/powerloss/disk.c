/* SPDX-License-Identifier: ISC */
/* The recording VFS, and the disks that a power loss may leave. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "powerloss.h"

#define SECTOR 512

static struct disk *_Atomic recording; /* for fsync below, which has no argument for it */

const char *const disk_names[DISK_FILES] = {"state.db", "state.db-wal", "state.db-journal"};
const char *const keep_names[KEEP_COUNT] = {"lost", "some writes", "torn", "all"};

uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    return dice_next(dice) % sides;
}

/* --- recording --- */

struct recorded {
    sqlite3_file base;
    struct disk *disk;
    enum disk_file file;
};

static sqlite3_file *below(sqlite3_file *file)
{
    return (sqlite3_file *)((struct recorded *)file + 1);
}

/* With the lock held. */
static void record(struct disk *disk, const struct disk_op *op, const void *bytes)
{
    if (disk->op_count == disk->op_room) {
        disk->op_room = disk->op_room ? 2 * disk->op_room : 4096;
        disk->ops = mir_realloc(disk->ops, disk->op_room, sizeof *disk->ops);
    }
    struct disk_op *put = &disk->ops[disk->op_count++];
    *put = *op;
    if (op->kind != DISK_WRITE)
        return;
    while (disk->byte_count + op->len > disk->byte_room) {
        disk->byte_room = disk->byte_room ? 2 * disk->byte_room : 1 << 20;
        disk->bytes = mir_realloc(disk->bytes, disk->byte_room, 1);
    }
    memcpy(disk->bytes + disk->byte_count, bytes, op->len);
    put->data = disk->byte_count;
    disk->byte_count += op->len;
}

static bool is_due(int64_t *in)
{
    return *in > 0 && --*in == 0;
}

static int rec_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    struct recorded *self = (struct recorded *)file;
    struct disk *disk = self->disk;
    struct disk_op op = {.kind = DISK_WRITE, .file = self->file, .at = at, .len = (size_t)len};
    pthread_mutex_lock(&disk->lock);
    int rc = SQLITE_OK;
    if (disk->dead) {
        pthread_mutex_unlock(&disk->lock);
        return rc;
    }
    disk->write_count++;
    if (is_due(&disk->fail_write_in))
        rc = SQLITE_IOERR_WRITE;
    else
        rc = below(file)->pMethods->xWrite(below(file), from, len, at);
    if (!rc)
        record(disk, &op, from);
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

static int rec_sync(sqlite3_file *file, int flags)
{
    struct recorded *self = (struct recorded *)file;
    struct disk *disk = self->disk;
    struct disk_op op = {.kind = DISK_SYNC, .file = self->file};
    pthread_mutex_lock(&disk->lock);
    bool real = !disk->dead && !disk->lies;
    if (!disk->dead && is_due(&disk->fail_sync_in))
        op.kind = DISK_SYNC_FAILED;
    disk->sync_count += !disk->dead;
    if (real)
        record(disk, &op, NULL);
    pthread_mutex_unlock(&disk->lock);
    if (op.kind == DISK_SYNC_FAILED)
        return SQLITE_IOERR_FSYNC;
    return real ? below(file)->pMethods->xSync(below(file), flags) : SQLITE_OK;
}

/* SQLite syncs files through its VFS, and the directory of a new one by itself; so does the store
 * with its own. */
static void note_directory(int fd)
{
    struct stat st;
    struct disk *disk = atomic_load(&recording);
    if (!disk || fstat(fd, &st) || !S_ISDIR(st.st_mode))
        return;
    pthread_mutex_lock(&disk->lock);
    if (!disk->dead && !disk->lies)
        record(disk, &(struct disk_op){.kind = DISK_SYNC_NAMES}, NULL);
    pthread_mutex_unlock(&disk->lock);
}

int fsync(int fd)
{
    note_directory(fd);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    note_directory(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

static int rec_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct recorded *self = (struct recorded *)file;
    struct disk_op op = {.kind = DISK_TRUNCATE, .file = self->file, .at = size};
    pthread_mutex_lock(&self->disk->lock);
    int rc = SQLITE_OK;
    if (!self->disk->dead) {
        record(self->disk, &op, NULL);
        rc = below(file)->pMethods->xTruncate(below(file), size);
    }
    pthread_mutex_unlock(&self->disk->lock);
    return rc;
}

static int rec_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    struct disk *disk = (struct disk *)vfs->pAppData;
    int rc = SQLITE_OK;
    pthread_mutex_lock(&disk->lock);
    for (int i = 0; i < DISK_FILES && !disk->dead; i++) {
        const char *base = strrchr(name, '/');
        if (!base || strcmp(base + 1, disk_names[i]) != 0)
            continue;
        record(disk, &(struct disk_op){.kind = DISK_DELETE, .file = (enum disk_file)i}, NULL);
        if (sync_directory)
            record(disk, &(struct disk_op){.kind = DISK_SYNC, .file = (enum disk_file)i}, NULL);
    }
    if (!disk->dead)
        rc = disk->below->xDelete(disk->below, name, sync_directory);
    pthread_mutex_unlock(&disk->lock);
    return rc;
}

/* --- the rest goes through --- */

static int rec_close(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

static int rec_read(sqlite3_file *file, void *to, int len, sqlite3_int64 at)
{
    return below(file)->pMethods->xRead(below(file), to, len, at);
}

static int rec_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return below(file)->pMethods->xFileSize(below(file), ret);
}

static int rec_lock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xLock(below(file), level);
}

static int rec_unlock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int rec_reserved_lock(sqlite3_file *file, int *ret)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), ret);
}

static int rec_control(sqlite3_file *file, int op, void *arg)
{
    return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int rec_sector(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int rec_device(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int rec_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    return below(file)->pMethods->xShmMap(below(file), region, size, extend, ret);
}

static int rec_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), offset, n, flags);
}

static void rec_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int rec_shm_unmap(sqlite3_file *file, int delete)
{
    return below(file)->pMethods->xShmUnmap(below(file), delete);
}

static const sqlite3_io_methods rec_methods = {
    .iVersion = 2,
    .xClose = rec_close,
    .xRead = rec_read,
    .xWrite = rec_write,
    .xTruncate = rec_truncate,
    .xSync = rec_sync,
    .xFileSize = rec_size,
    .xLock = rec_lock,
    .xUnlock = rec_unlock,
    .xCheckReservedLock = rec_reserved_lock,
    .xFileControl = rec_control,
    .xSectorSize = rec_sector,
    .xDeviceCharacteristics = rec_device,
    .xShmMap = rec_shm_map,
    .xShmLock = rec_shm_lock,
    .xShmBarrier = rec_shm_barrier,
    .xShmUnmap = rec_shm_unmap,
};

static int rec_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct disk *disk = (struct disk *)vfs->pAppData;
    struct recorded *self = (struct recorded *)file;
    int kinds[DISK_FILES] = {SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, SQLITE_OPEN_MAIN_JOURNAL};
    for (int i = 0; i < DISK_FILES; i++) {
        if (!(flags & kinds[i]))
            continue;
        file->pMethods = NULL;
        int rc = disk->below->xOpen(disk->below, name, below(file), flags, ret_flags);
        if (rc == SQLITE_OK) {
            *self = (struct recorded){{&rec_methods}, disk, (enum disk_file)i};
            return SQLITE_OK;
        }
        if (below(file)->pMethods)
            below(file)->pMethods->xClose(below(file));
        return rc;
    }
    return disk->below->xOpen(disk->below, name, file, flags, ret_flags);
}

void disk_start(struct disk *disk)
{
    sqlite3_initialize();
    pthread_mutex_init(&disk->lock, NULL);
    disk->below = sqlite3_vfs_find(NULL);
    disk->vfs = *disk->below;
    disk->vfs.zName = "recorder";
    disk->vfs.pAppData = disk;
    disk->vfs.szOsFile += (int)sizeof(struct recorded);
    disk->vfs.xOpen = rec_open;
    disk->vfs.xDelete = rec_delete;
    disk->vfs.pNext = NULL;
    sqlite3_vfs_register(&disk->vfs, 1);
    atomic_store(&recording, disk);
}

void disk_stop(struct disk *disk)
{
    atomic_store(&recording, NULL);
    sqlite3_vfs_unregister(&disk->vfs);
    pthread_mutex_destroy(&disk->lock);
}

size_t disk_now(struct disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    size_t now = disk->op_count;
    pthread_mutex_unlock(&disk->lock);
    return now;
}

/* --- images --- */

void image_clear(struct image *image)
{
    for (int i = 0; i < DISK_FILES; i++)
        free(image->files[i].bytes);
    *image = (struct image){0};
}

static void make_room(struct image_file *file, size_t size)
{
    if (size <= file->room)
        return;
    file->room = 2 * size;
    file->bytes = mir_realloc(file->bytes, file->room, 1);
}

void image_copy(struct image *to, const struct image *from)
{
    for (int i = 0; i < DISK_FILES; i++) {
        const struct image_file *source = &from->files[i];
        struct image_file *file = &to->files[i];
        make_room(file, source->size);
        if (source->size)
            memcpy(file->bytes, source->bytes, source->size);
        file->size = source->size;
        file->exists = source->exists;
    }
}

void image_write(const struct image *image, const char *dir)
{
    for (int i = 0; i < DISK_FILES; i++) {
        const struct image_file *file = &image->files[i];
        mir_auto_free char *path = mir_format("%s/%s", dir, disk_names[i]);
        if (!file->exists) {
            unlink(path);
            continue;
        }
        /* Over what is there: its pages of memory are used again. */
        mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, file->bytes, file->size) != (ssize_t)file->size ||
            ftruncate(fd, (off_t)file->size))
            abort();
    }
    mir_auto_free char *log_index = mir_format("%s/state.db-shm", dir);
    unlink(log_index); /* memory: nothing of it survives */
}

static void set_size(struct image_file *file, size_t size)
{
    make_room(file, size);
    if (size > file->size)
        memset(file->bytes + file->size, 0, size - file->size);
    file->size = size;
}

static void put(struct image_file *file, const unsigned char *bytes, size_t at, size_t len)
{
    if (at + len > file->size)
        set_size(file, at + len);
    memcpy(file->bytes + at, bytes, len);
    file->exists = true;
}

static void apply(const struct disk *disk, const struct disk_op *op, struct image *image)
{
    struct image_file *file = &image->files[op->file];
    if (op->kind == DISK_WRITE) {
        put(file, disk->bytes + op->data, (size_t)op->at, op->len);
    } else if (op->kind == DISK_TRUNCATE) {
        set_size(file, (size_t)op->at);
        file->exists = true;
    } else if (op->kind == DISK_DELETE) {
        file->size = 0;
        file->exists = false;
    }
}

/* Each sector that it touches by itself. */
static void apply_torn(const struct disk *disk, const struct disk_op *op, struct dice *dice,
                       uint64_t of_four, struct image *image)
{
    for (size_t done = 0; done < op->len;) {
        size_t at = (size_t)op->at + done, len = SECTOR - at % SECTOR;
        if (len > op->len - done)
            len = op->len - done;
        if (dice_roll(dice, 4) < of_four)
            put(&image->files[op->file], disk->bytes + op->data + done, at, len);
        done += len;
    }
}

/* --- walking --- */

void walk_start(struct walk *walk, const struct disk *disk, struct dice *dice)
{
    *walk = (struct walk){.disk = disk, .dice = dice};
}

void walk_stop(struct walk *walk)
{
    image_clear(&walk->durable);
    free(walk->pending);
}

/* What is pending of a file is on the disk now; or, after a failure, by chance or not at all. */
static void flush(struct walk *walk, enum disk_file file, bool failed)
{
    size_t left = 0;
    for (size_t i = 0; i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->disk->ops[walk->pending[i]];
        if (op->file != file)
            walk->pending[left++] = walk->pending[i];
        else if (!failed)
            apply(walk->disk, op, &walk->durable);
        else if (walk->dice && op->kind == DISK_WRITE)
            apply_torn(walk->disk, op, walk->dice, 2, &walk->durable);
    }
    walk->pending_count = left;
}

/* Deletions are on the disk, and with them nothing of what the files were before. */
static void flush_names(struct walk *walk)
{
    size_t last[DISK_FILES] = {0}, left = 0;
    for (size_t i = 0; i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->disk->ops[walk->pending[i]];
        if (op->kind != DISK_DELETE)
            continue;
        apply(walk->disk, op, &walk->durable);
        last[op->file] = i + 1;
    }
    for (size_t i = 0; i < walk->pending_count; i++)
        if (i >= last[walk->disk->ops[walk->pending[i]].file])
            walk->pending[left++] = walk->pending[i];
    walk->pending_count = left;
}

void walk_to(struct walk *walk, size_t at)
{
    for (; walk->at < at; walk->at++) {
        const struct disk_op *op = &walk->disk->ops[walk->at];
        if (op->kind == DISK_SYNC_NAMES) {
            flush_names(walk);
            continue;
        }
        if (op->kind == DISK_SYNC || op->kind == DISK_SYNC_FAILED) {
            flush(walk, op->file, op->kind == DISK_SYNC_FAILED);
            continue;
        }
        if (walk->pending_count == walk->pending_room) {
            walk->pending_room = walk->pending_room ? 2 * walk->pending_room : 256;
            walk->pending = mir_realloc(walk->pending, walk->pending_room, sizeof *walk->pending);
        }
        walk->pending[walk->pending_count++] = walk->at;
    }
}

void walk_image(const struct walk *walk, enum keep keep, struct dice *dice, struct image *ret)
{
    bool old_name[DISK_FILES] = {false}; /* the deletion is lost, and what was made anew with it */
    image_copy(ret, &walk->durable);
    uint64_t of_four = keep == KEEP_ALL ? 4 : keep == KEEP_NOTHING ? 0 : 1 + dice_roll(dice, 3);
    for (size_t i = 0; of_four && i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->disk->ops[walk->pending[i]];
        if (old_name[op->file])
            continue;
        if (keep == KEEP_SECTORS && op->kind == DISK_WRITE)
            apply_torn(walk->disk, op, dice, of_four, ret);
        else if (of_four == 4 || dice_roll(dice, 4) < of_four)
            apply(walk->disk, op, ret);
        else
            old_name[op->file] = op->kind == DISK_DELETE;
    }
}
