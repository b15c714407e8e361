/* SPDX-License-Identifier: ISC */
#include "squeeze.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "api/memory.h"
#include "unwrap.h"

#define ZSTD_LEVEL_BEST 19
#define ZSTD_LEVEL_QUICK 6 /* a kernel of 7 MB in a tenth of a second */
/* Its window, 8 MiB, has all of the shim; more would cost memory on both sides. */
#define XZ_PRESET_BEST (6 | LZMA_PRESET_EXTREME)
#define XZ_PRESET_QUICK 1  /* a kernel of 7 MB in half a second, an eighth smaller than zstd's */
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

int img_squeeze_xz(const void *data, size_t len, enum img_squeeze how, struct mir_buf *out,
                   struct mir_error *err)
{
    bool best = how == IMG_SQUEEZE_BEST;
    lzma_options_lzma options;
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t room = lzma_stream_buffer_bound(len), n = 0;
    mir_auto_free unsigned char *packed = mir_calloc(1, room ? room : 1);
    if (lzma_lzma_preset(&options, best ? XZ_PRESET_BEST : XZ_PRESET_QUICK))
        return mir_fail(err, MIR_INTERNAL, "liblzma does not know the preset");
    lzma_ret rc = lzma_stream_buffer_encode(filters, best ? LZMA_CHECK_NONE : LZMA_CHECK_CRC32,
                                            NULL, data, len, packed, &n, room);
    if (rc == LZMA_MEM_ERROR)
        mir_memory_out();
    if (rc != LZMA_OK)
        return mir_fail(err, MIR_INTERNAL, "liblzma ended with %d", (int)rc);
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

unsigned char *img_unsqueeze_zstd(const void *data, size_t len, size_t bytes)
{
    mir_auto_free unsigned char *out = mir_calloc(1, bytes ? bytes : 1);
    return ZSTD_decompress(out, bytes, data, len) == bytes ? mir_steal(&out) : NULL;
}

void img_squeeze_edition(char *out, size_t size)
{
    snprintf(out, size, "zstd %s, liblzma %s", ZSTD_versionString(), lzma_version_string());
}
