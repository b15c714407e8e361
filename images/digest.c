/* SPDX-License-Identifier: ISC */
/*
 * libcrypto's plain SHA-256. Its successor EVP is the same code behind a provider that has to be
 * looked up first: 0.45 ms of 2, in a process that every deploy waits for, and files that would
 * have to be opened before the sandbox closes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "images/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)64 << 10)

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct krn_digest), "room for libcrypto's state");
_Static_assert(KRN_DIGEST_BYTES == SHA256_DIGEST_LENGTH, "one length");

static SHA256_CTX *state_of(struct krn_digest *digest)
{
    return (SHA256_CTX *)(void *)digest->state;
}

void krn_digest_init(struct krn_digest *digest)
{
    SHA256_Init(state_of(digest));
}

void krn_digest_add(struct krn_digest *digest, const void *data, size_t len)
{
    SHA256_Update(state_of(digest), data, len);
}

void krn_digest_bytes(struct krn_digest *digest, unsigned char out[KRN_DIGEST_BYTES])
{
    SHA256_Final(out, state_of(digest));
}

void krn_digest_text(struct krn_digest *digest, char out[MIR_SHA256_TEXT])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[KRN_DIGEST_BYTES];
    krn_digest_bytes(digest, bytes);
    for (unsigned i = 0; i < sizeof bytes; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[2 * sizeof bytes] = '\0';
}

int img_digest_fd(int fd, const char *name, char ret[MIR_SHA256_TEXT], struct mir_error *err)
{
    unsigned char chunk[CHUNK_BYTES];
    struct krn_digest digest;
    krn_digest_init(&digest);
    for (off_t at = 0;;) {
        ssize_t n = pread(fd, chunk, sizeof chunk, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mir_fail_errno(err, errno, "cannot read %s", name);
        if (n == 0)
            break;
        krn_digest_add(&digest, chunk, (size_t)n);
        at += n;
    }
    krn_digest_text(&digest, ret);
    return 0;
}
