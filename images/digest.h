/* SPDX-License-Identifier: ISC */
/* The SHA-256 that names a kernel. Plain value, nothing to free. */
#ifndef IMAGES_DIGEST_H
#define IMAGES_DIGEST_H

#include <stddef.h>

#include "api/kernel.h"

struct krn_digest {
    unsigned char state[128]; /* libcrypto's SHA256_CTX; checked to fit */
} __attribute__((aligned(16)));

void krn_digest_init(struct krn_digest *digest);
void krn_digest_add(struct krn_digest *digest, const void *data, size_t len);
void krn_digest_text(struct krn_digest *digest, char out[MIR_SHA256_TEXT]);

#endif
