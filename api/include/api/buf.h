/* SPDX-License-Identifier: ISC */
/*
 * A growing byte buffer with a maximum that its maker states: the only home for anything an
 * outsider can size. `data` is always NUL-terminated (after the first append), `len` excludes it.
 *
 * An append that would pass `max` changes nothing, sets `full` and returns -1; the flag stays, so
 * a writer may append many times and look once at the end. Owned by one thread.
 */
#ifndef API_BUF_H
#define API_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"

struct mir_buf {
    char *data; /* owned; NULL before the first append */
    size_t len;
    size_t cap;
    size_t max;
    bool full;
};

void mir_buf_init(struct mir_buf *buf, size_t max_bytes);
void mir_buf_clear(struct mir_buf *buf); /* frees; keeps max */
void mir_buf_reset(struct mir_buf *buf); /* empties; keeps the memory */
int mir_buf_add(struct mir_buf *buf, const void *data, size_t len);
int mir_buf_adds(struct mir_buf *buf, const char *text);
int mir_buf_addf(struct mir_buf *buf, const char *fmt, ...) MIR_PRINTF(2, 3);
void mir_buf_drop(struct mir_buf *buf, size_t len); /* forget the first len bytes */

/* The text, "" when empty; borrowed. */
const char *mir_buf_text(const struct mir_buf *buf);

/* Returns owned text (never NULL) and leaves the buffer empty. */
char *mir_buf_take(struct mir_buf *buf);

#define mir_auto_buf MIR_CLEANUP(mir_buf_clear)

#endif
