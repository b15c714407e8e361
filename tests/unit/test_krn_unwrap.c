/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "api/memory.h"
#include "unwrap.h"

/* Data with some pattern and some noise, larger than every buffer inside. */
#define PLAIN_BYTES ((size_t)700 << 10)
#define PACKED_MAX (PLAIN_BYTES * 2)

static unsigned char plain[PLAIN_BYTES];

struct packed {
    unsigned char *data;
    size_t len;
};

struct result {
    unsigned char *data;
    size_t len;
};

static int collect(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    struct result *result = ctx;
    result->data = mir_realloc(result->data, result->len + len, 1);
    memcpy(result->data + result->len, data, len);
    result->len += len;
    return 0;
}

static int count(void *ctx, const unsigned char *data, size_t len, struct mir_error *err)
{
    *(size_t *)ctx += len;
    return 0;
}

static void pack_gzip(const void *data, size_t len, struct packed *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)len;
    z.next_out = out->data;
    z.avail_out = (unsigned)PACKED_MAX;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len = PACKED_MAX - z.avail_out;
    deflateEnd(&z);
}

static void pack_bzip2(const void *data, size_t len, struct packed *out)
{
    unsigned size = (unsigned)PACKED_MAX;
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data, &size, (char *)(uintptr_t)data,
                                              (unsigned)len, 9, 0, 0),
                     BZ_OK);
    out->len = size;
}

static void pack_xz(const void *data, size_t len, struct packed *out)
{
    out->len = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, data, len, out->data,
                                             &out->len, PACKED_MAX),
                     LZMA_OK);
}

static void pack_zstd(const void *data, size_t len, struct packed *out)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1); /* as the zstd program does */
    out->len = ZSTD_compress2(ctx, out->data, PACKED_MAX, data, len);
    ZSTD_freeCCtx(ctx);
    assert_false(ZSTD_isError(out->len));
}

static const struct {
    enum mir_container container;
    void (*pack)(const void *data, size_t len, struct packed *out);
} packers[] = {
    {MIR_CONTAINER_GZIP, pack_gzip},
    {MIR_CONTAINER_BZIP2, pack_bzip2},
    {MIR_CONTAINER_XZ, pack_xz},
    {MIR_CONTAINER_ZSTD, pack_zstd},
};

static struct packed pack(size_t codec, const void *data, size_t len)
{
    struct packed out = {malloc(PACKED_MAX), 0};
    assert_non_null(out.data);
    packers[codec].pack(data, len, &out);
    return out;
}

static int unpack(enum mir_container container, const unsigned char *data, size_t len, size_t step,
                  struct result *result, struct mir_error *err)
{
    struct krn_unwrap *u = krn_unwrap_new(container, krn_limits_default(), collect, result);
    int rc = 0;
    for (size_t at = 0; !rc && at < len; at += step)
        rc = krn_unwrap_feed(u, data + at, len - at < step ? len - at : step, err);
    if (!rc)
        rc = krn_unwrap_finish(u, err);
    krn_unwrap_free(u);
    return rc;
}

static void test_round_trip(void **state)
{
    static const size_t steps[] = {1 << 20, 4097, 61};
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, plain, PLAIN_BYTES);
        assert_int_equal(krn_container_of(p.data, p.len), packers[i].container);
        for (size_t s = 0; s < MIR_NELEMS(steps); s++) {
            struct result r = {0};
            struct mir_error err = {0};
            if (unpack(packers[i].container, p.data, p.len, steps[s], &r, &err))
                fail_msg("%s", err.text);
            assert_int_equal(r.len, PLAIN_BYTES);
            assert_memory_equal(r.data, plain, PLAIN_BYTES);
            free(r.data);
        }
        free(p.data);
    }
}

/* Without a checksum behind it a codec takes the last byte before it has given the last one. */
static void test_without_checksum(void **state)
{
    static unsigned char zeros[3 << 20];
    struct packed p = {malloc(PACKED_MAX), 0};
    struct result r = {0};
    p.len = ZSTD_compress(p.data, PACKED_MAX, zeros, sizeof zeros, 3);
    assert_int_equal(unpack(MIR_CONTAINER_ZSTD, p.data, p.len, 1 << 20, &r, NULL), 0);
    assert_int_equal(r.len, sizeof zeros);
    free(r.data);
    free(p.data);
}

static void test_no_wrapper(void **state)
{
    struct result r = {0};
    assert_int_equal(krn_container_of(plain, 6), MIR_CONTAINER_NONE);
    assert_int_equal(krn_container_of((const unsigned char *)"BZ", 2), MIR_CONTAINER_NONE);
    assert_int_equal(unpack(MIR_CONTAINER_NONE, plain, PLAIN_BYTES, 1000, &r, NULL), 0);
    assert_int_equal(r.len, PLAIN_BYTES);
    free(r.data);
}

/* As `cat a.gz b.gz` makes them, and with padding between and behind. */
static void test_several_streams(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, "hello", 5);
        size_t pad = 8, len = 2 * p.len + 2 * pad;
        unsigned char *both = mir_calloc(1, len);
        memcpy(both, p.data, p.len);
        memcpy(both + p.len + pad, p.data, p.len);
        for (size_t step = 1; step <= len; step += len - 1) {
            struct result r = {0};
            struct mir_error err = {0};
            if (unpack(packers[i].container, both, len, step, &r, &err))
                fail_msg("%s", err.text);
            assert_int_equal(r.len, 10);
            assert_memory_equal(r.data, "hellohello", 10);
            free(r.data);
        }
        free(both);
        free(p.data);
    }
}

static void test_rubbish_behind(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, "hello", 5);
        struct result r = {0};
        struct mir_error err = {0};
        memcpy(p.data + p.len, "rubbish!", 8);
        assert_int_equal(unpack(packers[i].container, p.data, p.len + 8, 1 << 20, &r, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        free(r.data);
        free(p.data);
    }
}

static void test_cut_everywhere(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, plain, 600);
        for (size_t len = 1; len < p.len; len++) {
            struct result r = {0};
            struct mir_error err = {0};
            assert_int_equal(unpack(packers[i].container, p.data, len, 1 << 20, &r, &err), -1);
            assert_int_equal(err.kind, MIR_CORRUPT);
            assert_non_null(strstr(err.text, "cut off"));
            assert_non_null(strstr(err.text, mir_container_name(packers[i].container)));
            free(r.data);
        }
        free(p.data);
    }
}

/* A flipped bit is refused wherever a checksum covers it, and harmless everywhere. */
static void test_flipped_bits(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, plain, 600);
        unsigned refused = 0;
        for (size_t bit = 0; bit < p.len * 8; bit += 13) {
            struct result r = {0};
            struct mir_error err = {0};
            p.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (unpack(packers[i].container, p.data, p.len, 1 << 20, &r, &err)) {
                assert_true(err.kind == MIR_CORRUPT || err.kind == MIR_USAGE);
                refused++;
            }
            p.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            free(r.data);
        }
        assert_true(refused > p.len / 4);
        free(p.data);
    }
}

static int limited(size_t codec, const struct krn_limits *limits, size_t *ret_out,
                   struct mir_error *err)
{
    size_t zeros_len = (size_t)8 << 20;
    void *zeros = mir_calloc(1, zeros_len);
    struct packed p = {malloc(PACKED_MAX), 0};
    packers[codec].pack(zeros, zeros_len, &p);
    free(zeros);
    struct krn_unwrap *u = krn_unwrap_new(packers[codec].container, limits, count, ret_out);
    int rc = krn_unwrap_feed(u, p.data, p.len, err);
    if (!rc)
        rc = krn_unwrap_finish(u, err);
    krn_unwrap_free(u);
    free(p.data);
    return rc;
}

static void test_limits(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct krn_limits limits = *krn_limits_default();
        struct mir_error err = {0};
        size_t out = 0;
        assert_int_equal(limited(i, &limits, &out, &err), 0);
        assert_int_equal(out, 8 << 20);
        limits.max_unpacked_bytes = 3 << 20;
        out = 0;
        assert_int_equal(limited(i, &limits, &out, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.text, "more than 3 MiB"));
        assert_true(out <= 3 << 20);
        limits = *krn_limits_default();
        limits.max_ratio = 100;
        limits.ratio_from_bytes = 1 << 20;
        out = 0;
        assert_int_equal(limited(i, &limits, &out, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_true(out < 8 << 20);
    }
}

/* What asks for more memory than there is for it is no damage: the user can do something. */
static void test_hungry(void **state)
{
    static const unsigned char zstd_128_mib[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0, 0, 0};
    lzma_options_lzma options;
    lzma_lzma_preset(&options, 1);
    options.dict_size = 128 << 20;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    unsigned char xz[4096];
    size_t xz_len = 0;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, plain, 500, xz,
                                               &xz_len, sizeof xz),
                     LZMA_OK);
    for (int i = 0; i < 2; i++) {
        struct result r = {0};
        struct mir_error err = {0};
        assert_int_equal(unpack(i ? MIR_CONTAINER_XZ : MIR_CONTAINER_ZSTD, i ? xz : zstd_128_mib,
                                i ? xz_len : sizeof zstd_128_mib, 1 << 20, &r, &err),
                         -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.text, "more memory"));
        free(r.data);
    }
}

/* Through the whole inspection: compressed twice is said, not unpacked. */
static void test_twice(void **state)
{
    struct packed once = pack(0, "hello", 5);
    struct packed twice = pack(3, once.data, once.len);
    struct mir_kernel k;
    assert_int_equal(krn_inspect_memory(twice.data, twice.len, krn_limits_default(), &k, NULL), 0);
    assert_int_equal(k.container, MIR_CONTAINER_ZSTD);
    assert_int_equal(k.format, MIR_FORMAT_UNKNOWN);
    assert_non_null(strstr(k.description, "inside"));
    assert_non_null(strstr(mir_kernel_boots(&k, "local")->why, "twice"));
    free(once.data);
    free(twice.data);
}

static void test_empty_inside(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(packers); i++) {
        struct packed p = pack(i, "", 0);
        struct mir_kernel k;
        struct mir_error err = {0};
        assert_int_equal(krn_inspect_memory(p.data, p.len, krn_limits_default(), &k, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        free(p.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_wrapper),
        cmocka_unit_test(test_without_checksum),
        cmocka_unit_test(test_several_streams),
        cmocka_unit_test(test_rubbish_behind),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_hungry),
        cmocka_unit_test(test_empty_inside),
    };
    uint32_t x = 1;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = i % 3 ? (unsigned char)(i >> 4) : (unsigned char)(x >> 24);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
