/* SPDX-License-Identifier: ISC */
#include "gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"
#include "images/stream.h"
#include "sort.h"

int img_gather_init(struct img_gather *gather, int fd, struct mir_error *err)
{
    struct stat st;
    *gather = (struct img_gather){.fd = fd};
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "cannot read the disk image");
    if (!S_ISREG(st.st_mode)) {
        mir_fail(err, MIR_USAGE, "the disk image is not a regular file");
        return mir_error_hint(err, "copy it into one");
    }
    gather->file_bytes = (uint64_t)st.st_size;
    return 0;
}

void img_gather_clear(struct img_gather *gather)
{
    img_disk_clear(&gather->disk);
    free(gather->tables);
    gather->tables = NULL;
}

static bool inside(const struct img_gather *gather, uint64_t file_at, uint64_t len)
{
    return file_at <= gather->file_bytes && len <= gather->file_bytes - file_at;
}

static int cut_off(struct mir_error *err)
{
    mir_fail(err, MIR_CORRUPT,
             "the disk image is cut off or damaged: parts of it would lie behind"
             " the end of the file");
    return mir_error_hint(err, "fetch or copy the file again");
}

static int too_many(struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the disk image consists of more than %zu pieces",
             IMG_READ_EXTENTS_MAX);
    return mir_error_hint(err, "put it together: qemu-img convert -O raw OLD NEW");
}

int img_gather_read(const struct img_gather *gather, uint64_t file_at, void *buf, size_t len,
                    struct mir_error *err)
{
    struct img_input input = {.fd = gather->fd, .seekable = true};
    if (!inside(gather, file_at, len))
        return cut_off(err);
    return img_input_read(&input, file_at, buf, len, err);
}

int img_gather_table(struct img_gather *gather, uint64_t file_at, void *buf, size_t len,
                     struct mir_error *err)
{
    if (gather->table_count == IMG_READ_EXTENTS_MAX)
        return too_many(err);
    if (gather->table_count == gather->table_room) {
        gather->table_room = gather->table_room ? 2 * gather->table_room : 16;
        gather->tables = mir_realloc(gather->tables, gather->table_room, sizeof *gather->tables);
    }
    gather->tables[gather->table_count++] = (struct img_range){file_at, len};
    return img_gather_read(gather, file_at, buf, len, err);
}

static int add_last(struct img_gather *gather, struct mir_error *err)
{
    struct img_extent e = gather->last;
    gather->last = (struct img_extent){0};
    if (!e.len)
        return 0;
    if (gather->disk.count == IMG_READ_EXTENTS_MAX)
        return too_many(err);
    return e.packed_len ? img_disk_packed(&gather->disk, e.at, e.input_at, e.packed_len, e.len, err)
                        : img_disk_input(&gather->disk, e.at, e.input_at, e.len, err);
}

int img_gather_add(struct img_gather *gather, uint64_t at, uint64_t file_at, uint64_t len,
                   struct mir_error *err)
{
    struct img_extent *e = &gather->last;
    if (!inside(gather, file_at, len))
        return cut_off(err);
    if (e->len && !e->packed_len && e->at + e->len == at && e->input_at + e->len == file_at) {
        e->len += len;
        return 0;
    }
    if (add_last(gather, err))
        return -1;
    *e = (struct img_extent){.at = at, .len = len, .input_at = file_at};
    return 0;
}

int img_gather_packed(struct img_gather *gather, uint64_t at, uint64_t file_at, uint32_t packed_len,
                      uint64_t len, struct mir_error *err)
{
    if (!inside(gather, file_at, packed_len))
        return cut_off(err);
    if (add_last(gather, err))
        return -1;
    gather->last =
        (struct img_extent){.at = at, .len = len, .input_at = file_at, .packed_len = packed_len};
    return 0;
}

/* The file's next data at or behind *at, before `end`: false when there is none. */
static bool next_data(int fd, uint64_t *at, uint64_t end, uint64_t *ret_len)
{
    off_t data = lseek(fd, (off_t)*at, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return false;
    if (data < 0) /* a file system that does not know */
        data = (off_t)*at;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole <= data || (uint64_t)hole > end)
        hole = (off_t)end;
    *at = (uint64_t)data;
    *ret_len = (uint64_t)data < end ? (uint64_t)hole - (uint64_t)data : 0;
    return (uint64_t)data < end;
}

int img_gather_whole(struct img_gather *gather, uint64_t size, struct mir_error *err)
{
    uint64_t at = 0, len = 0;
    if (!inside(gather, 0, size))
        return cut_off(err);
    while (at < size && next_data(gather->fd, &at, size, &len)) {
        if (img_gather_add(gather, at, at, len, err))
            return -1;
        at += len;
    }
    return 0;
}

/* A table that is its own content, or a piece that stands for many, is how a small file becomes an
 * endless disk. */
static int check_once(const struct img_gather *gather, struct mir_error *err)
{
    const struct img_disk *disk = &gather->disk;
    size_t count = disk->count + gather->table_count;
    mir_auto_free struct img_range *all = mir_calloc(count + 1, sizeof *all);
    for (size_t i = 0; i < disk->count; i++)
        all[i] =
            (struct img_range){disk->extents[i].input_at, img_extent_input_len(&disk->extents[i])};
    if (gather->table_count)
        memcpy(all + disk->count, gather->tables, gather->table_count * sizeof *all);
    img_sort_by_place(all, count, sizeof *all);
    for (size_t i = 1; i < count; i++)
        if (all[i - 1].at + all[i - 1].len > all[i].at) {
            mir_fail(err, MIR_CORRUPT, "damaged disk image: a part of the file is used twice");
            return mir_error_hint(err, "fetch or copy the file again; qemu-img check says more");
        }
    return 0;
}

int img_gather_end(struct img_gather *gather, struct img_disk *ret_disk, struct mir_error *err)
{
    if (add_last(gather, err) || img_disk_seal(&gather->disk, err) || check_once(gather, err))
        return -1;
    *ret_disk = gather->disk;
    gather->disk = (struct img_disk){0};
    return 0;
}
