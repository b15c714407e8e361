/* SPDX-License-Identifier: ISC */
/*
 * The SHA-256 that names a kernel. Plain value, nothing to free; any thread, one value in one at a
 * time. A library of its own: the inspector and the command line link it, with libcrypto's function
 * inside (docs/decisions/0010).
 */
#ifndef IMAGES_DIGEST_H
#define IMAGES_DIGEST_H

#include <stddef.h>

#include "api/kernel.h"

#define KRN_DIGEST_BYTES 32

struct krn_digest {
    unsigned char state[128]; /* libcrypto's SHA256_CTX; checked to fit */
} __attribute__((aligned(16)));

void krn_digest_init(struct krn_digest *digest);
void krn_digest_add(struct krn_digest *digest, const void *data, size_t len);
void krn_digest_bytes(struct krn_digest *digest, unsigned char out[KRN_DIGEST_BYTES]);
void krn_digest_text(struct krn_digest *digest, char out[MIR_SHA256_TEXT]);

/* Of the whole file behind fd (borrowed; its offset is not used). name: for messages, which say why
 * it cannot be read. Blocking, as long as the file is. */
int img_digest_fd(int fd, const char *name, char ret[MIR_SHA256_TEXT], struct mir_error *err);

#endif
