/* SPDX-License-Identifier: ISC */
#include "unwrap.h"

#define ZLIB_CONST /* its input is const then */
#include <bzlib.h>
#include <inttypes.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "api/memory.h"

#define OUT_BYTES ((size_t)256 << 10)
#define XZ_MEMORY ((uint64_t)66 << 20) /* xz -9 needs 65 MiB */
#define ZSTD_WINDOW_LOG 25             /* 32 MiB; zstd -19 uses 8 MiB */

/* One step of a codec: what it took, what it gave, whether a stream ended there. */
struct step {
    const unsigned char *in;
    size_t in_len; /* left */
    unsigned char *out;
    size_t out_len; /* given */
    bool ended;
    bool too_hungry; /* beside a failure: more memory would help */
};

union state {
    z_stream gzip;
    bz_stream bzip2;
    lzma_stream xz;
    ZSTD_DStream *zstd;
};

struct codec {
    unsigned char magic[6];
    size_t magic_len;
    int (*open)(union state *state);
    /* 0, or -1 and *ret_why (static) */
    int (*step)(union state *state, struct step *step, const char **ret_why);
    void (*close)(union state *state);
};

struct krn_unwrap {
    const struct codec *codec; /* NULL: no wrapper */
    const char *name;
    union state state;
    bool open;        /* inside a stream */
    uint64_t streams; /* ended so far */
    uint64_t in_total;
    uint64_t out_total;
    const struct krn_limits *limits;
    krn_sink *sink;
    void *sink_ctx;
    unsigned char out[OUT_BYTES];
};

/* --- gzip --- */

static int gzip_open(union state *state)
{
    memset(&state->gzip, 0, sizeof state->gzip);
    return inflateInit2(&state->gzip, 15 + 16) == Z_OK ? 0 : -1; /* 16: a gzip header is needed */
}

static unsigned clip(size_t len)
{
    return len > INT_MAX ? INT_MAX : (unsigned)len;
}

static int gzip_step(union state *state, struct step *step, const char **ret_why)
{
    z_stream *z = &state->gzip;
    unsigned given = clip(step->in_len);
    z->next_in = step->in;
    z->avail_in = given;
    z->next_out = step->out;
    z->avail_out = OUT_BYTES;
    int rc = inflate(z, Z_NO_FLUSH);
    step->in += given - z->avail_in;
    step->in_len -= given - z->avail_in;
    step->out_len = OUT_BYTES - z->avail_out;
    step->ended = rc == Z_STREAM_END;
    if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
        return 0;
    *ret_why = rc == Z_MEM_ERROR ? "not enough memory" : z->msg ? z->msg : "invalid data";
    return -1;
}

static void gzip_close(union state *state)
{
    inflateEnd(&state->gzip);
}

/* --- bzip2 --- */

static int bzip2_open(union state *state)
{
    memset(&state->bzip2, 0, sizeof state->bzip2);
    return BZ2_bzDecompressInit(&state->bzip2, 0, 0) == BZ_OK ? 0 : -1;
}

static int bzip2_step(union state *state, struct step *step, const char **ret_why)
{
    bz_stream *b = &state->bzip2;
    unsigned given = clip(step->in_len);
    /* libbz2 does not write to its input; its interface is older than const. */
    union {
        const unsigned char *given;
        char *taken;
    } in = {.given = step->in};
    b->next_in = in.taken;
    b->avail_in = given;
    b->next_out = (char *)step->out;
    b->avail_out = OUT_BYTES;
    int rc = BZ2_bzDecompress(b);
    step->in += given - b->avail_in;
    step->in_len -= given - b->avail_in;
    step->out_len = OUT_BYTES - b->avail_out;
    step->ended = rc == BZ_STREAM_END;
    if (rc == BZ_OK || rc == BZ_STREAM_END)
        return 0;
    *ret_why = rc == BZ_DATA_ERROR_MAGIC ? "not bzip2 data"
               : rc == BZ_MEM_ERROR      ? "not enough memory"
                                         : "a checksum or a code is wrong";
    return -1;
}

static void bzip2_close(union state *state)
{
    BZ2_bzDecompressEnd(&state->bzip2);
}

/* --- xz --- */

static int xz_open(union state *state)
{
    lzma_stream fresh = LZMA_STREAM_INIT;
    state->xz = fresh;
    return lzma_stream_decoder(&state->xz, XZ_MEMORY, 0) == LZMA_OK ? 0 : -1;
}

static int xz_step(union state *state, struct step *step, const char **ret_why)
{
    lzma_stream *x = &state->xz;
    x->next_in = step->in;
    x->avail_in = step->in_len;
    x->next_out = step->out;
    x->avail_out = OUT_BYTES;
    lzma_ret rc = lzma_code(x, LZMA_RUN);
    step->in = x->next_in;
    step->in_len = x->avail_in;
    step->out_len = OUT_BYTES - x->avail_out;
    step->ended = rc == LZMA_STREAM_END;
    if (rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR)
        return 0;
    step->too_hungry = rc == LZMA_MEMLIMIT_ERROR;
    *ret_why = rc == LZMA_OPTIONS_ERROR  ? "it uses options that this build does not know"
               : rc == LZMA_FORMAT_ERROR ? "not xz data"
               : rc == LZMA_MEM_ERROR    ? "not enough memory"
                                         : "a checksum or a code is wrong";
    return -1;
}

static void xz_close(union state *state)
{
    lzma_end(&state->xz);
}

/* --- zstd --- */

static int zstd_open(union state *state)
{
    state->zstd = ZSTD_createDStream();
    if (!state->zstd)
        return -1;
    ZSTD_DCtx_setParameter(state->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return 0;
}

static int zstd_step(union state *state, struct step *step, const char **ret_why)
{
    ZSTD_inBuffer in = {step->in, step->in_len, 0};
    ZSTD_outBuffer out = {step->out, OUT_BYTES, 0};
    size_t rc = ZSTD_decompressStream(state->zstd, &out, &in);
    step->in += in.pos;
    step->in_len -= in.pos;
    step->out_len = out.pos;
    step->ended = rc == 0;
    if (!ZSTD_isError(rc))
        return 0;
    step->too_hungry = ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge;
    *ret_why = ZSTD_getErrorName(rc); /* a static text */
    return -1;
}

static void zstd_close(union state *state)
{
    ZSTD_freeDStream(state->zstd);
}

static const struct codec codecs[MIR_CONTAINER_COUNT] = {
    [MIR_CONTAINER_GZIP] = {{0x1f, 0x8b}, 2, gzip_open, gzip_step, gzip_close},
    [MIR_CONTAINER_BZIP2] = {{'B', 'Z', 'h'}, 3, bzip2_open, bzip2_step, bzip2_close},
    [MIR_CONTAINER_XZ] = {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_open, xz_step, xz_close},
    [MIR_CONTAINER_ZSTD] = {{0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_open, zstd_step, zstd_close},
};

enum mir_container krn_container_of(const unsigned char *head, size_t len)
{
    for (unsigned i = 0; i < MIR_CONTAINER_COUNT; i++) {
        const struct codec *codec = &codecs[i];
        if (codec->magic_len && len >= codec->magic_len &&
            !memcmp(head, codec->magic, codec->magic_len))
            return (enum mir_container)i;
    }
    return MIR_CONTAINER_NONE;
}

struct krn_unwrap *krn_unwrap_new(enum mir_container container, const struct krn_limits *limits,
                                  krn_sink *sink, void *sink_ctx)
{
    struct krn_unwrap *unwrap = mir_calloc(1, sizeof *unwrap);
    unwrap->codec = container == MIR_CONTAINER_NONE ? NULL : &codecs[container];
    unwrap->name = mir_container_name(container);
    unwrap->limits = limits;
    unwrap->sink = sink;
    unwrap->sink_ctx = sink_ctx;
    return unwrap;
}

void krn_unwrap_free(struct krn_unwrap *unwrap)
{
    if (!unwrap)
        return;
    if (unwrap->open)
        unwrap->codec->close(&unwrap->state);
    free(unwrap);
}

static int too_large(const struct krn_unwrap *u, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the %s data unpacks to more than %" PRIu64 " MiB", u->name,
             u->limits->max_unpacked_bytes >> 20);
    return mir_error_hint(err, "unpack it first and give the unpacked file");
}

static int give(struct krn_unwrap *u, size_t len, struct mir_error *err)
{
    u->out_total += len;
    if (u->out_total > u->limits->max_unpacked_bytes)
        return too_large(u, err);
    if (u->out_total > u->limits->ratio_from_bytes &&
        u->out_total / u->limits->max_ratio > u->in_total) {
        mir_fail(err, MIR_CORRUPT,
                 "%" PRIu64 " bytes of %s data unpack to more than %" PRIu64
                 " bytes: no kernel is packed like that",
                 u->in_total, u->name, u->out_total);
        return mir_error_hint(err, "if the file is meant to be so, unpack it first");
    }
    return u->sink(u->sink_ctx, u->out, len, err);
}

static int too_hungry(const struct krn_unwrap *u, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the %s data needs more memory to unpack than is given to it (%u MiB)",
             u->name, u->codec == &codecs[MIR_CONTAINER_XZ] ? 66 : 1u << (ZSTD_WINDOW_LOG - 20));
    return mir_error_hint(err, "unpack it first and give the unpacked file");
}

static int damaged(const struct krn_unwrap *u, const char *why, struct mir_error *err)
{
    if (u->streams && !u->open)
        return mir_fail(err, MIR_CORRUPT, "there are other bytes after the end of the %s data",
                        u->name);
    mir_fail(err, MIR_CORRUPT, "the %s data is damaged: %s", u->name, why);
    return mir_error_hint(err, "fetch or build the file again");
}

/* Between two streams: skip padding, then begin the next one. 1: begun, 0: nothing there. */
static int between(struct krn_unwrap *u, struct step *step, struct mir_error *err)
{
    while (u->streams && step->in_len && !*step->in) {
        step->in++;
        step->in_len--;
    }
    if (!step->in_len)
        return 0;
    if (u->streams && *step->in != u->codec->magic[0] && u->codec != &codecs[MIR_CONTAINER_ZSTD])
        return damaged(u, "", err); /* zstd knows skippable frames, which begin otherwise */
    if (u->codec->open(&u->state))
        return mir_fail(err, MIR_FAILED, "not enough memory to unpack %s data", u->name);
    u->open = true;
    return 1;
}

int krn_unwrap_feed(struct krn_unwrap *u, const unsigned char *data, size_t len,
                    struct mir_error *err)
{
    if (!u->codec)
        return u->sink(u->sink_ctx, data, len, err);
    u->in_total += len;
    struct step step = {.in = data, .in_len = len, .out = u->out};
    bool more = len > 0; /* a full output buffer means that the codec may hold more */
    while (more) {
        int begun = u->open ? 1 : between(u, &step, err);
        if (begun <= 0)
            return begun;
        size_t had = step.in_len;
        const char *why = NULL;
        step.out_len = 0;
        if (u->codec->step(&u->state, &step, &why))
            return step.too_hungry ? too_hungry(u, err) : damaged(u, why, err);
        if (step.out_len && give(u, step.out_len, err))
            return -1;
        if (step.ended) {
            u->codec->close(&u->state);
            u->open = false;
            u->streams++;
        } else if (step.in_len == had && !step.out_len && had) {
            return damaged(u, "it makes no progress", err);
        }
        more = step.in_len || (!step.ended && step.out_len == OUT_BYTES);
    }
    return 0;
}

int krn_unwrap_finish(struct krn_unwrap *u, struct mir_error *err)
{
    if (!u->codec || (u->streams && !u->open))
        return 0;
    mir_fail(err, MIR_CORRUPT, "the %s data ends too early: the file is cut off", u->name);
    return mir_error_hint(err, "fetch or copy the file again");
}
