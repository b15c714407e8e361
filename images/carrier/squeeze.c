/* SPDX-License-Identifier: ISC */
#include "squeeze.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "api/memory.h"
#include "unwrap.h"

#define ZSTD_LEVEL_BEST 19
#define ZSTD_LEVEL_QUICK 6 /* a kernel of 7 MB in a tenth of a second */
#define ZSTD_WINDOW_LOG 23 /* 8 MiB, which Linux takes of the memory while it unpacks */

static int too_large(struct mir_error *err)
{
    return mir_fail(err, MIR_NO_SPACE, "what is packed is larger than it may be");
}

int img_squeeze_zstd(const void *data, size_t len, enum img_squeeze how, struct mir_buf *out,
                     struct mir_error *err)
{
    const struct {
        ZSTD_cParameter parameter;
        int value;
    } settings[] = {
        {ZSTD_c_compressionLevel, how == IMG_SQUEEZE_BEST ? ZSTD_LEVEL_BEST : ZSTD_LEVEL_QUICK},
        {ZSTD_c_windowLog, ZSTD_WINDOW_LOG},
        {ZSTD_c_checksumFlag, 1}};
    size_t room = ZSTD_compressBound(len), n = 0;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (!zstd)
        mir_memory_out();
    for (size_t i = 0; i < MIR_NELEMS(settings) && !ZSTD_isError(n); i++)
        n = ZSTD_CCtx_setParameter(zstd, settings[i].parameter, settings[i].value);
    mir_auto_free char *packed = mir_calloc(1, room);
    if (!ZSTD_isError(n))
        n = ZSTD_compress2(zstd, packed, room, data, len);
    ZSTD_freeCCtx(zstd);
    if (ZSTD_isError(n))
        return mir_fail(err, MIR_INTERNAL, "zstd: %s", ZSTD_getErrorName(n));
    return mir_buf_add(out, packed, n) ? too_large(err) : 0;
}

int img_squeeze_gzip(const void *data, size_t len, struct mir_buf *out, struct mir_error *err)
{
    z_stream z = {0};
    gz_header head = {.os = 3};
    if (len > UINT_MAX / 2)
        return too_large(err);
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        mir_memory_out();
    size_t room = deflateBound(&z, (uLong)len) + 64;
    mir_auto_free unsigned char *packed = mir_calloc(1, room);
    z.next_in = data;
    z.avail_in = (uInt)len;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    int rc = deflateSetHeader(&z, &head);
    if (rc == Z_OK)
        rc = deflate(&z, Z_FINISH);
    size_t n = room - z.avail_out;
    deflateEnd(&z);
    if (rc != Z_STREAM_END)
        return mir_fail(err, MIR_INTERNAL, "zlib ended with %d", rc);
    return mir_buf_add(out, packed, n) ? too_large(err) : 0;
}

static int take(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    struct mir_buf *buf = ctx;
    return mir_buf_add(buf, data, len) ? mir_fail(err, MIR_CORRUPT, "it unpacks to too much") : 0;
}

int img_unsqueeze(const void *data, size_t len, size_t max_bytes, unsigned char **ret,
                  size_t *ret_len, struct mir_error *err)
{
    mir_auto_buf struct mir_buf buf;
    mir_buf_init(&buf, max_bytes);
    struct krn_unwrap *unwrap =
        krn_unwrap_new(krn_container_of(data, len), krn_limits_default(), take, &buf);
    int rc = krn_unwrap_feed(unwrap, data, len, err) || krn_unwrap_finish(unwrap, err) ? -1 : 0;
    krn_unwrap_free(unwrap);
    if (rc)
        return -1;
    *ret_len = buf.len;
    union {
        char *text;
        unsigned char *bytes;
    } taken = {.text = mir_buf_take(&buf)};
    *ret = taken.bytes;
    return 0;
}

void img_squeeze_edition(char *out, size_t size)
{
    snprintf(out, size, "zstd %s, zlib %s", ZSTD_versionString(), zlibVersion());
}
