/* SPDX-License-Identifier: ISC */
#include "os_words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool fos_pointer_read(const char *path, char name[FOS_MEMBER_MAX])
{
    size_t len = 0;
    if (*path++ != '/')
        return false;
    for (; *path && len + 1 < FOS_MEMBER_MAX; path++) {
        char c = *path;
        if (c == '/')
            return false;
        if (c == '~') {
            c = path[1] == '1' ? '/' : '~';
            if (path[1] != '0' && path[1] != '1')
                return false;
            path++;
        }
        name[len++] = c;
    }
    name[len] = '\0';
    return len > 0 && !*path;
}

/* Digits, and what follows them; what is larger than any object is the largest. */
static bool read_number(const char **at, uint64_t *ret)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    *ret = strtoull(*at, &end, 10);
    *at = end;
    return true;
}

static int last_bytes(uint64_t count, uint64_t size, uint64_t *ret_at, uint64_t *ret_len)
{
    uint64_t len = count < size ? count : size;
    if (!len)
        return -1;
    *ret_at = size - len;
    *ret_len = len;
    return 1;
}

int fos_byte_range(const char *text, uint64_t size, uint64_t *ret_at, uint64_t *ret_len)
{
    uint64_t from, to = UINT64_MAX;
    if (!text || strncmp(text, "bytes=", 6) != 0)
        return 0;
    text += 6;
    if (*text == '-') {
        text++;
        return read_number(&text, &from) && !*text ? last_bytes(from, size, ret_at, ret_len) : 0;
    }
    if (!read_number(&text, &from) || *text++ != '-' || (*text && !read_number(&text, &to)) ||
        *text || to < from)
        return 0; /* several, or none of these: all of it is sent */
    if (from >= size)
        return -1;
    *ret_at = from;
    *ret_len = (to < size ? to + 1 : size) - from;
    return 1;
}
