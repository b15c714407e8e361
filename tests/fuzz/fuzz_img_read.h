/* SPDX-License-Identifier: ISC */
/* What the fuzzers of ready-made disks have in common: bytes as a file, read, and judged. */
#ifndef TESTS_FUZZ_IMG_READ_H
#define TESTS_FUZZ_IMG_READ_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/container.h"
#include "images/extents.h"
#include "images/reader.h"

/* One descriptor for all runs. */
static inline int fuzz_file(int *fd, const uint8_t *data, size_t size)
{
    if (*fd < 0)
        *fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (ftruncate(*fd, 0) || pwrite(*fd, data, size, 0) != (ssize_t)size || lseek(*fd, 0, SEEK_SET))
        abort();
    return *fd;
}

/* Sealed, in order, inside the file; and no part of the file stands for more than itself. */
static inline void fuzz_judge(const struct img_disk *disk, size_t file_bytes)
{
    uint64_t end = 0, taken = 0;
    if (!disk->sealed || !disk->size || disk->size > IMG_DISK_BYTES_MAX)
        abort();
    for (size_t i = 0; i < disk->count; i++) {
        const struct img_extent *e = &disk->extents[i];
        if (e->bytes || !e->len || e->at < end || e->at + e->len > disk->size ||
            e->input_at > file_bytes || img_extent_input_len(e) > file_bytes - e->input_at)
            abort();
        end = e->at + e->len;
        taken += img_extent_input_len(e);
    }
    if (taken > file_bytes)
        abort();
}

static inline bool fuzz_is_packed(const struct img_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        if (disk->extents[i].packed_len)
            return true;
    return false;
}

/* What was taken can be written, and the stream of it read; but for pieces that do not unpack. */
static inline void fuzz_convert(const struct img_disk *disk, int fd)
{
    static int out = -1;
    struct mir_error err = {0};
    struct img_input input;
    struct img_output output;
    struct img_extents x;
    struct img_run run = {.len = 1};
    img_input_init(&input, fd);
    fuzz_file(&out, (const uint8_t *)"", 0);
    img_output_init(&output, out);
    int rc = img_container_write(img_container_by_name("extents"), disk, &input, &output, &err);
    if (rc && fuzz_is_packed(disk) && err.kind == MIR_CORRUPT)
        return;
    if (rc || lseek(out, 0, SEEK_SET) || img_extents_open(&x, out, IMG_DISK_BYTES_MAX, &err))
        abort();
    while (run.len)
        if (img_extents_next(&x, &run, &err))
            abort();
    if (x.bytes != img_disk_written(disk))
        abort();
    img_extents_clear(&x);
}

static inline void fuzz_read(enum mir_format format, const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct mir_error err = {0};
    struct img_disk disk = {0};
    fuzz_file(&fd, data, size);
    if (img_read_disk(fd, format, &disk, &err)) {
        if (err.kind == MIR_OK || err.kind == MIR_INTERNAL || !err.text[0] || disk.size)
            abort();
        return;
    }
    fuzz_judge(&disk, size);
    fuzz_convert(&disk, fd);
    img_disk_clear(&disk);
}

#endif
