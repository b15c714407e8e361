/* SPDX-License-Identifier: ISC */
/*
 * The decompressors and what stands between their streams. The first byte says in which pieces
 * the rest is fed; whatever the pieces, what comes out has to be the same.
 */
#include <stdlib.h>

#include "unwrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct krn_limits limits = {
    .max_unpacked_bytes = 512 << 10, .max_ratio = 1000, .ratio_from_bytes = 64 << 10};

struct sum {
    uint64_t bytes;
    uint32_t hash;
};

static int add(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    struct sum *sum = ctx;
    sum->bytes += len;
    for (size_t i = 0; i < len; i++)
        sum->hash = (sum->hash ^ data[i]) * 16777619u;
    return 0;
}

static int unpack(const uint8_t *data, size_t size, size_t step, struct sum *sum)
{
    struct mir_error err = {0};
    struct krn_unwrap *u = krn_unwrap_new(krn_container_of(data, size), &limits, add, sum);
    int rc = 0;
    for (size_t at = 0; !rc && at < size; at += step)
        rc = krn_unwrap_feed(u, data + at, size - at < step ? size - at : step, &err);
    if (!rc)
        rc = krn_unwrap_finish(u, &err);
    krn_unwrap_free(u);
    if (rc && (!err.text[0] || err.kind == MIR_OK))
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || krn_container_of(data + 1, size - 1) == MIR_CONTAINER_NONE)
        return 0;
    struct sum whole = {0}, pieces = {0};
    int rc = unpack(data + 1, size - 1, size, &whole);
    /* What is refused may have given more or less of it by then; what is taken is the same. */
    int rc_pieces = unpack(data + 1, size - 1, data[0] + 1u, &pieces);
    if (!rc && !rc_pieces && (whole.bytes != pieces.bytes || whole.hash != pieces.hash))
        abort();
    if (whole.bytes > limits.max_unpacked_bytes || pieces.bytes > limits.max_unpacked_bytes)
        abort();
    return 0;
}
