/* SPDX-License-Identifier: ISC */
/* What writer and reader of VHD share. Format: Microsoft's VHD specification of 2006. */
#ifndef IMAGES_DISK_VHD_H
#define IMAGES_DISK_VHD_H

#include <stddef.h>
#include <stdint.h>

#define IMG_VHD_FOOTER 512
#define IMG_VHD_HEADER 1024 /* of a dynamic disk */
#define IMG_VHD_UNUSED 0xffffffffu

enum { IMG_VHD_FIXED = 2, IMG_VHD_DYNAMIC = 3, IMG_VHD_DIFFERENCING = 4 };

/* The complement of the sum of all bytes, but for the four at `hole` where it is kept. */
static inline uint32_t img_vhd_sum(const unsigned char *p, size_t len, size_t hole)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i >= hole && i < hole + 4 ? 0 : p[i];
    return ~sum;
}
#define IMG_VHD_FOOTER_SUM 64
#define IMG_VHD_HEADER_SUM 36

/* A block's bitmap: a bit per sector, rounded up to whole sectors. */
static inline uint64_t img_vhd_bitmap_bytes(uint64_t block_bytes)
{
    return (block_bytes / 512 / 8 + 511) / 512 * 512;
}

#endif
