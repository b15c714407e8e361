/* SPDX-License-Identifier: ISC */
#include "api/secret.h"

#include <string.h>

#include "api/memory.h"

void mir_wipe(void *memory, size_t len)
{
    if (memory)
        explicit_bzero(memory, len);
}

void mir_secret_clear(struct mir_secret *secret)
{
    mir_wipe(secret->text, secret->len);
    free(secret->text);
    *secret = (struct mir_secret){0};
}

static void put(struct mir_secret *secret, const char *text, size_t len)
{
    char *copy = NULL;
    if (len) {
        copy = mir_calloc(len + 1, 1);
        memcpy(copy, text, len);
    }
    mir_secret_clear(secret);
    secret->text = copy;
    secret->len = len;
}

int mir_secret_set(struct mir_secret *secret, const char *text, size_t len, struct mir_error *err)
{
    if (len > MIR_SECRET_MAX)
        return mir_fail(err, MIR_USAGE, "a secret of %zu bytes; at most %d are taken", len,
                        MIR_SECRET_MAX);
    if (len && memchr(text, '\0', len))
        return mir_fail(err, MIR_USAGE, "a secret with a zero byte in it");
    put(secret, text, text ? len : 0);
    return 0;
}

void mir_secret_copy(struct mir_secret *to, const struct mir_secret *from)
{
    if (to != from)
        put(to, from->text, from->len);
}

const char *mir_secret_text(const struct mir_secret *secret)
{
    return secret->text ? secret->text : "";
}

bool mir_secret_empty(const struct mir_secret *secret)
{
    return !secret->len;
}

bool mir_secret_equal(const struct mir_secret *a, const struct mir_secret *b)
{
    if (a->len != b->len)
        return false;
    volatile unsigned char differs = 0;
    for (size_t i = 0; i < a->len; i++)
        differs = differs | (unsigned char)(a->text[i] ^ b->text[i]);
    return !differs;
}
