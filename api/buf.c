/* SPDX-License-Identifier: ISC */
#include "api/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

void mir_buf_init(struct mir_buf *buf, size_t max_bytes)
{
    memset(buf, 0, sizeof *buf);
    buf->max = max_bytes;
}

void mir_buf_clear(struct mir_buf *buf)
{
    free(buf->data);
    mir_buf_init(buf, buf->max);
}

void mir_buf_reset(struct mir_buf *buf)
{
    buf->len = 0;
    buf->full = false;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Room for `more` bytes and the terminator, or -1 with `full` set. */
static int reserve(struct mir_buf *buf, size_t more)
{
    if (buf->full || more > buf->max - buf->len) {
        buf->full = true;
        return -1;
    }
    size_t need = buf->len + more + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap ? buf->cap : 64;
        while (cap < need)
            cap *= 2;
        buf->data = mir_realloc(buf->data, cap, 1);
        buf->cap = cap;
    }
    return 0;
}

int mir_buf_add(struct mir_buf *buf, const void *data, size_t len)
{
    if (reserve(buf, len))
        return -1;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int mir_buf_adds(struct mir_buf *buf, const char *text)
{
    return mir_buf_add(buf, text, strlen(text));
}

int mir_buf_addf(struct mir_buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    int rc = need < 0 ? -1 : reserve(buf, (size_t)need);
    if (rc == 0) {
        vsnprintf(buf->data + buf->len, (size_t)need + 1, fmt, again);
        buf->len += (size_t)need;
    }
    va_end(again);
    return rc;
}

void mir_buf_drop(struct mir_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
    } else {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }
    if (buf->data)
        buf->data[buf->len] = '\0';
}

const char *mir_buf_text(const struct mir_buf *buf)
{
    return buf->data ? buf->data : "";
}

char *mir_buf_take(struct mir_buf *buf)
{
    char *out = buf->data ? buf->data : mir_strdup("");
    mir_buf_init(buf, buf->max);
    return out;
}
