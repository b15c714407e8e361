/* SPDX-License-Identifier: ISC */
/* Certificates and keys of a bundle: the only place that does anything with RSA. */
#ifndef IMAGES_DISK_BUNDLE_KEYS_H
#define IMAGES_DISK_BUNDLE_KEYS_H

#include <openssl/evp.h>

#include "api/buf.h"
#include "images/bundle.h"

#define IMG_BUNDLE_RSA_BYTES_MAX 1024 /* 8192 bits */

struct img_bundle_keys {
    EVP_PKEY *user, *ec2, *signer; /* owned */
    const unsigned char *seed;     /* borrowed; for the padding */
};

/* MIR_CREDENTIALS. Clear them in any case. */
int img_bundle_keys_open(struct img_bundle_keys *keys, const struct img_bundle *bundle,
                         struct mir_error *err);
void img_bundle_keys_clear(struct img_bundle_keys *keys);
#define mir_auto_bundle_keys MIR_CLEANUP(img_bundle_keys_clear)

/* Appends secret (16 bytes), as hexadecimal text encrypted to that key, in hexadecimal. label: a
 * number of its own for each call, so that no two paddings are alike. */
int img_bundle_seal(const struct img_bundle_keys *keys, EVP_PKEY *to, unsigned char label,
                    const unsigned char secret[16], struct mir_buf *out, struct mir_error *err);

/* Appends the RSA-SHA1 signature of text in hexadecimal. */
int img_bundle_sign(const struct img_bundle_keys *keys, const char *text, size_t len,
                    struct mir_buf *out, struct mir_error *err);

void img_bundle_hex(struct mir_buf *out, const unsigned char *bytes, size_t len);

#endif
