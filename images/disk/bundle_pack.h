/* SPDX-License-Identifier: ISC */
/* Bytes in at one end, parts out at the other: digest, gzip, AES, cut. */
#ifndef IMAGES_DISK_BUNDLE_PACK_H
#define IMAGES_DISK_BUNDLE_PACK_H

#include <openssl/evp.h>
#include <zlib.h>

#include "api/buf.h"
#include "images/bundle.h"

#define IMG_SHA1_BYTES 20

struct img_pack {
    const struct img_bundle *bundle;    /* borrowed */
    const struct img_bundle_sink *sink; /* borrowed */
    EVP_MD_CTX *digest;                 /* of what comes in; owned */
    EVP_CIPHER_CTX *cipher;             /* owned */
    z_stream deflate;
    bool deflating;
    unsigned char *chunk; /* deflated, then encrypted; owned */
    unsigned char *part;  /* owned */
    size_t part_len;
    uint64_t bytes;        /* of all parts */
    unsigned parts;        /* how many there are */
    struct mir_buf listed; /* the manifest's rows of the parts */
};

int img_pack_open(struct img_pack *pack, const struct img_bundle *bundle,
                  const struct img_bundle_sink *sink, struct mir_error *err);
void img_pack_clear(struct img_pack *pack);
#define mir_auto_pack MIR_CLEANUP(img_pack_clear)

int img_pack_add(struct img_pack *pack, const void *data, size_t len, struct mir_error *err);

/* Nothing more comes: the last part goes out. */
int img_pack_end(struct img_pack *pack, unsigned char ret_digest[IMG_SHA1_BYTES],
                 struct mir_error *err);

#endif
