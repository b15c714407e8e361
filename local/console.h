/* SPDX-License-Identifier: ISC */
/*
 * A guest's console on disk, bounded however much the guest says: the first MiB for good (early
 * boot is what people look for), then the newest three segments of one MiB each. A byte's offset
 * is its place in everything the guest ever said and never changes; where segments were dropped,
 * a reader gets one line saying how much is missing.
 *
 * One writer (the keeper); any number of readers in any process at any time.
 */
#ifndef LOCAL_CONSOLE_H
#define LOCAL_CONSOLE_H

#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"

#define LOCAL_CONSOLE_SEGMENT ((uint64_t)1 << 20)
#define LOCAL_CONSOLE_TAIL 3 /* segments kept beside the first */

struct local_console {
    int dir_fd;      /* borrowed */
    int fd;          /* of the present segment; -1 none */
    uint64_t offset; /* of the next byte */
    uint64_t lost;   /* bytes that could not be written (disk full) and were not yet spoken of */
};

void local_console_begin(struct local_console *console, int dir_fd);
/* Never fails: what cannot be written is counted and spoken of when writing works again. */
void local_console_write(struct local_console *console, const void *data, size_t len);
void local_console_end(struct local_console *console);

/* As mir_provider.instance_console says, without the token. */
int local_console_read(int dir_fd, uint64_t offset, struct mir_buf *out, uint64_t *ret_next,
                       struct mir_error *err);

#endif
