/* SPDX-License-Identifier: ISC */
#include "api/scarce.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "api/memory.h"

void *mir_scarce_malloc(size_t size)
{
    return mir_realloc(NULL, 1, size);
}

void *mir_scarce_realloc(void *old, size_t size)
{
    return mir_realloc(old, 1, size);
}

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

void mir_scarce_memory_ends(void)
{
    json_set_alloc_funcs(mir_scarce_malloc, free);
    CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free);
}
