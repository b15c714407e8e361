/* SPDX-License-Identifier: ISC */
/*
 * Numbers out of bytes, without alignment or sign surprises, and text out of bytes that a
 * stranger wrote. The callers have checked that the bytes are there.
 */
#ifndef IMAGES_BYTES_H
#define IMAGES_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t krn_le16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t krn_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t krn_le64(const unsigned char *p)
{
    return krn_le32(p) | (uint64_t)krn_le32(p + 4) << 32;
}

static inline uint16_t krn_be16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t krn_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t krn_be64(const unsigned char *p)
{
    return (uint64_t)krn_be32(p) << 32 | krn_be32(p + 4);
}

/* Copy at most len bytes up to the first NUL into a field of `size`; everything that is not
 * printable ASCII becomes '?', so that the result is safe for terminals and JSON alike. */
static inline void krn_text(char *field, size_t size, const unsigned char *bytes, size_t len)
{
    size_t i = 0;
    for (; i + 1 < size && i < len && bytes[i]; i++)
        field[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    field[i] = '\0';
}

#endif
