/* SPDX-License-Identifier: ISC */
/* In a file of its own, so that a program which needs no libcrypto does not get it linked in. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "api/scarce.h"

static void *ssl_malloc(size_t size, const char *file, int line)
{
    return mir_scarce_malloc(size);
}

static void *ssl_realloc(void *old, size_t size, const char *file, int line)
{
    return mir_scarce_realloc(old, size);
}

static void ssl_free(void *old, const char *file, int line)
{
    free(old);
}

void mir_scarce_crypto_ends(void)
{
    CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free);
}
