/* SPDX-License-Identifier: ISC */
#include "bundle_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bundle_keys.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define LISTED_BYTES_MAX ((size_t)1 << 20) /* 10 GiB that cannot be compressed: 1030 parts */
#define GZIP_BITS (MAX_WBITS + 16)
#define LEVEL 6

static int failed(struct mir_error *err)
{
    return mir_fail(err, MIR_FAILED, "the bundle cannot be digested or encrypted");
}

int img_pack_open(struct img_pack *pack, const struct img_bundle *bundle,
                  const struct img_bundle_sink *sink, struct mir_error *err)
{
    *pack = (struct img_pack){.bundle = bundle, .sink = sink};
    mir_buf_init(&pack->listed, LISTED_BYTES_MAX);
    pack->chunk = mir_calloc(2, CHUNK_BYTES + EVP_MAX_BLOCK_LENGTH);
    pack->part = mir_calloc(1, IMG_BUNDLE_PART_BYTES);
    pack->digest = EVP_MD_CTX_new();
    pack->cipher = EVP_CIPHER_CTX_new();
    if (deflateInit2(&pack->deflate, LEVEL, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        mir_memory_out();
    pack->deflating = true;
    if (!pack->digest || !pack->cipher || EVP_DigestInit_ex(pack->digest, EVP_sha1(), NULL) != 1 ||
        EVP_EncryptInit_ex(pack->cipher, EVP_aes_128_cbc(), NULL, bundle->random,
                           bundle->random + 16) != 1)
        return failed(err);
    return 0;
}

void img_pack_clear(struct img_pack *pack)
{
    EVP_MD_CTX_free(pack->digest);
    EVP_CIPHER_CTX_free(pack->cipher);
    if (pack->deflating)
        deflateEnd(&pack->deflate);
    free(pack->chunk);
    free(pack->part);
    mir_buf_clear(&pack->listed);
    *pack = (struct img_pack){0};
}

static int end_part(struct img_pack *pack, struct mir_error *err)
{
    unsigned char digest[IMG_SHA1_BYTES];
    char name[IMG_BUNDLE_NAME_MAX + 24];
    if (EVP_Digest(pack->part, pack->part_len, digest, NULL, EVP_sha1(), NULL) != 1)
        return failed(err);
    snprintf(name, sizeof name, "%s.part.%u", pack->bundle->name, pack->parts);
    mir_buf_addf(&pack->listed,
                 "<part index=\"%u\"><filename>%s</filename><digest algorithm=\"SHA1\">",
                 pack->parts, name);
    img_bundle_hex(&pack->listed, digest, sizeof digest);
    mir_buf_adds(&pack->listed, "</digest></part>");
    if (pack->sink->file(pack->sink->ctx, name, pack->part, pack->part_len, err))
        return -1;
    pack->bytes += pack->part_len;
    pack->parts++;
    pack->part_len = 0;
    return 0;
}

/* A full part goes out when the next byte comes, so that no part is empty. */
static int cut(struct img_pack *pack, const unsigned char *data, size_t len, struct mir_error *err)
{
    while (len) {
        if (pack->part_len == IMG_BUNDLE_PART_BYTES && end_part(pack, err))
            return -1;
        size_t room = IMG_BUNDLE_PART_BYTES - pack->part_len, n = len < room ? len : room;
        memcpy(pack->part + pack->part_len, data, n);
        pack->part_len += n;
        data += n;
        len -= n;
    }
    return 0;
}

/* What was deflated into the chunk's first half, encrypted into its second. */
static int encrypt(struct img_pack *pack, size_t len, struct mir_error *err)
{
    unsigned char *out = pack->chunk + CHUNK_BYTES;
    int n = 0;
    if (EVP_EncryptUpdate(pack->cipher, out, &n, pack->chunk, (int)len) != 1)
        return failed(err);
    return cut(pack, out, (size_t)n, err);
}

static int deflate_all(struct img_pack *pack, int flush, struct mir_error *err)
{
    z_stream *z = &pack->deflate;
    do {
        z->next_out = pack->chunk;
        z->avail_out = CHUNK_BYTES;
        if (deflate(z, flush) == Z_STREAM_ERROR)
            return mir_fail(err, MIR_INTERNAL, "the bundle cannot be compressed");
        if (encrypt(pack, CHUNK_BYTES - z->avail_out, err))
            return -1;
    } while (!z->avail_out);
    return 0;
}

int img_pack_add(struct img_pack *pack, const void *data, size_t len, struct mir_error *err)
{
    if (EVP_DigestUpdate(pack->digest, data, len) != 1)
        return failed(err);
    pack->deflate.next_in = (unsigned char *)(uintptr_t)data; /* which zlib only reads */
    pack->deflate.avail_in = (uInt)len;
    return deflate_all(pack, Z_NO_FLUSH, err);
}

int img_pack_end(struct img_pack *pack, unsigned char ret_digest[IMG_SHA1_BYTES],
                 struct mir_error *err)
{
    int n = 0;
    pack->deflate.avail_in = 0;
    if (deflate_all(pack, Z_FINISH, err))
        return -1;
    if (EVP_EncryptFinal_ex(pack->cipher, pack->chunk, &n) != 1)
        return failed(err);
    if (cut(pack, pack->chunk, (size_t)n, err) || end_part(pack, err))
        return -1;
    return EVP_DigestFinal_ex(pack->digest, ret_digest, NULL) == 1 ? 0 : failed(err);
}
