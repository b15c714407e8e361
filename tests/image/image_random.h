/* SPDX-License-Identifier: ISC */
/*
 * Disks and files made up from a seed. A disk: ranges of an input in its order, made bytes, written
 * zeros, holes; a few bytes or some MiB long, at borders of sectors and blocks more often than not.
 * For tests only.
 */
#ifndef TESTS_IMAGE_RANDOM_H
#define TESTS_IMAGE_RANDOM_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/file.h"
#include "images/disk.h"

#define IMAGE_RANDOM_MADE_MAX ((uint64_t)8 << 20) /* bytes that are no range of the input */

static inline uint64_t image_dice(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint64_t image_dice_below(uint64_t *state, uint64_t bound)
{
    return bound ? image_dice(state) % bound : 0;
}

/* A length of one of several magnitudes, rounded to one of several blocks. */
static inline uint64_t image_dice_len(uint64_t *state)
{
    static const uint64_t blocks[] = {1, 512, 4096, 65536, 65536, 2 << 20};
    uint64_t len = image_dice(state) >> (64 - 1 - image_dice_below(state, 22));
    uint64_t block = blocks[image_dice_below(state, sizeof blocks / sizeof *blocks)];
    return (len + block - 1) / block * block;
}

/* A file in memory of that many bytes, which the caller closes; -1 when it cannot be made. */
static inline int image_input(uint64_t seed, size_t len)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    uint64_t dice = seed;
    unsigned char *bytes = malloc(len);
    for (size_t i = 0; bytes && i < len; i++)
        bytes[i] = (unsigned char)(image_dice(&dice) >> 20);
    if (fd >= 0 && (!bytes || mir_write_all(fd, bytes, len))) {
        close(fd);
        fd = -1;
    }
    free(bytes);
    return fd;
}

static inline int image_random_made(struct img_disk *disk, uint64_t *dice, uint64_t at,
                                    uint64_t len, struct mir_error *err)
{
    unsigned char *bytes = img_disk_room(disk, at, len, err);
    bool zeros = image_dice(dice) % 3 == 0;
    for (uint64_t i = 0; bytes && !zeros && i < len; i++)
        bytes[i] = (unsigned char)(image_dice(dice) >> 24);
    return bytes ? 0 : -1;
}

static inline int image_random(struct img_disk *disk, uint64_t seed, uint64_t size,
                               uint64_t input_bytes, struct mir_error *err)
{
    uint64_t dice = seed * 2654435761u + 88172645463325252u, at = 0, input_at = 0;
    if (img_disk_init(disk, size, err))
        return -1;
    for (unsigned pieces = 3 + (unsigned)image_dice_below(&dice, 40); pieces; pieces--) {
        if (image_dice(&dice) % 3)
            at += image_dice(&dice) % 8 ? image_dice_len(&dice) : image_dice_below(&dice, size);
        uint64_t len = image_dice_len(&dice);
        if (at >= size || image_dice(&dice) % 16 == 0)
            break;
        if (len > size - at)
            len = size - at;
        if (!len)
            continue;
        int rc = 0;
        if (image_dice(&dice) % 2 && len <= input_bytes - input_at) {
            rc = img_disk_input(disk, at, input_at, len, err);
            input_at += len;
        } else if (len <= IMAGE_RANDOM_MADE_MAX - disk->made_bytes) {
            rc = image_random_made(disk, &dice, at, len, err);
        }
        if (rc)
            return -1;
        at += len;
    }
    return img_disk_seal(disk, err);
}

#endif
