/* SPDX-License-Identifier: ISC */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"

#define CHUNK_BYTES ((size_t)256 << 10)

int krn_source_open(struct krn_source *source, int fd, struct mir_error *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return mir_fail_errno(err, errno, "cannot look at the file");
    if (S_ISDIR(st.st_mode))
        return mir_fail(err, MIR_USAGE, "it is a directory");
    *source = (struct krn_source){.fd = fd, .regular = S_ISREG(st.st_mode)};
    source->size = source->regular ? (uint64_t)st.st_size : 0;
    source->buffer = mir_calloc(1, CHUNK_BYTES);
    source->zeroed = true;
    return 0;
}

void krn_source_memory(struct krn_source *source, const void *data, size_t len)
{
    *source = (struct krn_source){.fd = -1, .memory = data, .memory_len = len, .size = len};
}

void krn_source_close(struct krn_source *source)
{
    free(source->buffer);
    source->buffer = NULL;
}

/* Bytes of hole at the current offset; finds out how far the data reaches otherwise. A file system
 * that cannot say answers with data up to the end. */
static uint64_t hole_here(struct krn_source *source)
{
    if (!source->regular || source->offset < source->data_end || source->offset >= source->size)
        return 0;
    off_t data = lseek(source->fd, (off_t)source->offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO)
        return source->size - source->offset;
    if (data > 0 && (uint64_t)data > source->offset)
        return (uint64_t)data < source->size ? (uint64_t)data - source->offset
                                             : source->size - source->offset;
    off_t hole = data < 0 ? -1 : lseek(source->fd, (off_t)source->offset, SEEK_HOLE);
    source->data_end = hole > 0 ? (uint64_t)hole : source->size;
    return 0;
}

static int fill(struct krn_source *source, size_t want, size_t *ret_len, struct mir_error *err)
{
    size_t have = 0;
    source->zeroed = false;
    while (have < want) {
        void *to = source->buffer + have;
        ssize_t n = source->regular
                        ? pread(source->fd, to, want - have, (off_t)(source->offset + have))
                        : read(source->fd, to, want - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read the file");
        if (!n)
            break;
        have += (size_t)n;
    }
    *ret_len = have;
    return 0;
}

int krn_source_next(struct krn_source *source, const unsigned char **ret_data, size_t *ret_len,
                    struct mir_error *err)
{
    if (source->fd < 0) {
        *ret_data = source->memory + source->offset;
        *ret_len = source->memory_len - (size_t)source->offset;
        source->offset = source->memory_len;
        return 0;
    }
    uint64_t hole = hole_here(source);
    if (hole) {
        if (!source->zeroed)
            memset(source->buffer, 0, CHUNK_BYTES);
        source->zeroed = true;
        *ret_len = hole < CHUNK_BYTES ? (size_t)hole : CHUNK_BYTES;
    } else if (fill(source, CHUNK_BYTES, ret_len, err)) {
        return -1;
    }
    source->offset += *ret_len;
    *ret_data = source->buffer;
    return 0;
}
