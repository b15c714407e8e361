/* SPDX-License-Identifier: ISC */
/* Both ends of the stream; the daemon links them, and nothing else of a bundle. */
#include "images/bundle_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/file.h"
#include "api/memory.h"

#define BUFFER_BYTES ((size_t)256 << 10)
#define LENGTH_TEXT 9 /* digits of a length, and the terminator */

/* --- writing --- */

static int send_all(int fd, const void *bytes, size_t len, struct mir_error *err)
{
    return mir_write_all(fd, bytes, len)
               ? mir_fail_errno(err, errno, "cannot hand over the bundle's files")
               : 0;
}

int img_bundle_stream_file(void *ctx, const char *name, const void *bytes, size_t len,
                           struct mir_error *err)
{
    const int *fd = ctx;
    char head[IMG_BUNDLE_FILE_NAME + LENGTH_TEXT + 2];
    int head_len = snprintf(head, sizeof head, "%.103s %zu\n", name, len);
    return send_all(*fd, head, (size_t)head_len, err) || send_all(*fd, bytes, len, err) ? -1 : 0;
}

int img_bundle_stream_end(int fd, struct mir_error *err)
{
    return send_all(fd, "\n", 1, err);
}

/* --- reading --- */

void img_bundle_stream_init(struct img_bundle_stream *stream, int fd)
{
    *stream = (struct img_bundle_stream){.fd = fd};
    stream->buffer = mir_calloc(1, BUFFER_BYTES);
}

void img_bundle_stream_clear(struct img_bundle_stream *stream)
{
    free(stream->buffer);
    stream->buffer = NULL;
}

static int corrupt(const char *what, struct mir_error *err)
{
    return mir_fail(err, MIR_CORRUPT, "the stream of the bundle's files %s", what);
}

/* At least a byte, at most len; *ret_len. */
static int take(struct img_bundle_stream *stream, void *buf, size_t len, size_t *ret_len,
                struct mir_error *err)
{
    ssize_t n;
    do
        n = read(stream->fd, buf, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return mir_fail_errno(err, errno, "cannot read the bundle's files");
    if (n == 0)
        return corrupt("is cut off", err);
    *ret_len = (size_t)n;
    return 0;
}

/* Up to `mark`, byte by byte: there are few of them, and what follows is not ours to take. */
static int take_text(struct img_bundle_stream *stream, char mark, char *out, size_t size,
                     struct mir_error *err)
{
    size_t taken;
    for (size_t i = 0; i < size; i++) {
        if (take(stream, out + i, 1, &taken, err))
            return -1;
        if (out[i] == mark) {
            out[i] = '\0';
            return 0;
        }
        if (i == 0 && out[i] == '\n') {
            stream->ended = true;
            return 0;
        }
    }
    return corrupt("has a name or a length that is too long", err);
}

static bool is_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *text && *text != '.' && !text[strspn(text, allowed)];
}

/* Digits alone, so that there is one way to say a number. */
static uint64_t length_of(const char *text)
{
    size_t len = strlen(text);
    bool plain = len && *text != '0' && strspn(text, "0123456789") == len;
    return plain ? strtoull(text, NULL, 10) : 0;
}

static int begin_file(struct img_bundle_stream *stream, struct mir_error *err)
{
    char name[IMG_BUNDLE_FILE_NAME], length[LENGTH_TEXT];
    if (take_text(stream, ' ', name, sizeof name, err) || stream->ended)
        return stream->ended ? 0 : -1;
    if (take_text(stream, '\n', length, sizeof length, err))
        return -1;
    uint64_t len = length_of(length);
    if (!is_name(name) || !len || len > IMG_BUNDLE_FILE_MAX ||
        stream->files == IMG_BUNDLE_FILES_MAX)
        return corrupt("names a file that no bundle has", err);
    mir_copy(stream->name, sizeof stream->name, name);
    stream->len = len;
    stream->at = 0;
    stream->files++;
    return 0;
}

int img_bundle_stream_next(struct img_bundle_stream *stream, struct img_bundle_piece *ret,
                           struct mir_error *err)
{
    size_t taken = 0;
    if (!stream->ended && stream->at == stream->len && begin_file(stream, err))
        return -1;
    if (!stream->ended) {
        uint64_t left = stream->len - stream->at;
        if (take(stream, stream->buffer, left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES, &taken,
                 err))
            return -1;
    }
    *ret = (struct img_bundle_piece){
        .name = stream->name, .at = stream->at, .len = taken, .data = stream->buffer};
    stream->at += taken;
    return 0;
}
