/* SPDX-License-Identifier: ISC */
/* Numbers into bytes, without alignment or sign surprises: the other way of images/bytes.h. */
#ifndef IMAGES_DISK_PUT_H
#define IMAGES_DISK_PUT_H

#include <stdint.h>

static inline void img_put_le16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

static inline void img_put_le32(unsigned char *p, uint32_t value)
{
    img_put_le16(p, value & 0xffff);
    img_put_le16(p + 2, value >> 16);
}

static inline void img_put_le64(unsigned char *p, uint64_t value)
{
    img_put_le32(p, (uint32_t)value);
    img_put_le32(p + 4, (uint32_t)(value >> 32));
}

#endif
