/* SPDX-License-Identifier: ISC */
#include "api/id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_bytes(void *ctx, void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            perror("getrandom");
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

const struct mir_random *mir_random_system(void)
{
    static const struct mir_random random = {system_bytes, NULL};
    return &random;
}

void mir_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

void mir_id_new(const struct mir_random *random, char out[MIR_ID_TEXT])
{
    unsigned char raw[16];
    random->bytes(random->ctx, raw, sizeof raw);
    mir_hex(raw, sizeof raw, out);
}

int mir_id_valid(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}
