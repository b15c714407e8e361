/* SPDX-License-Identifier: ISC */
/* Numbers into bytes: the counterpart of bytes.h. The callers have made the room. */
#ifndef IMAGES_DISK_PUT_H
#define IMAGES_DISK_PUT_H

#include <stdint.h>

static inline void img_put_be16(unsigned char *p, uint16_t n)
{
    p[0] = (unsigned char)(n >> 8);
    p[1] = (unsigned char)n;
}

static inline void img_put_be32(unsigned char *p, uint32_t n)
{
    img_put_be16(p, (uint16_t)(n >> 16));
    img_put_be16(p + 2, (uint16_t)n);
}

static inline void img_put_be64(unsigned char *p, uint64_t n)
{
    img_put_be32(p, (uint32_t)(n >> 32));
    img_put_be32(p + 4, (uint32_t)n);
}

static inline void img_put_le16(unsigned char *p, uint16_t n)
{
    p[0] = (unsigned char)n;
    p[1] = (unsigned char)(n >> 8);
}

static inline void img_put_le32(unsigned char *p, uint32_t n)
{
    img_put_le16(p, (uint16_t)n);
    img_put_le16(p + 2, (uint16_t)(n >> 16));
}

static inline void img_put_le64(unsigned char *p, uint64_t n)
{
    img_put_le32(p, (uint32_t)n);
    img_put_le32(p + 4, (uint32_t)(n >> 32));
}

#endif
