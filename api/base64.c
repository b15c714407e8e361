/* SPDX-License-Identifier: ISC */
#include "api/base64.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *mir_base64(const void *data, size_t len)
{
    const unsigned char *in = data;
    char *out = mir_calloc((len + 2) / 3 * 4 + 1, 1), *to = out;
    for (size_t i = 0; i < len; i += 3) {
        unsigned group = (unsigned)in[i] << 16;
        group |= i + 1 < len ? (unsigned)in[i + 1] << 8 : 0;
        group |= i + 2 < len ? (unsigned)in[i + 2] : 0;
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = i + 1 < len ? digits[group >> 6 & 63] : '=';
        *to++ = i + 2 < len ? digits[group & 63] : '=';
    }
    return out;
}

char *mir_base64_decode(const char *text, size_t *ret_len)
{
    char *out = mir_calloc(strlen(text) / 4 * 3 + 4, 1);
    size_t len = 0;
    unsigned group = 0, have = 0, padding = 0;
    for (; *text; text++) {
        if (strchr(" \t\r\n", *text))
            continue;
        const char *digit = strchr(digits, *text);
        if (*text == '=' ? have < 2 : !digit || padding)
            break;
        padding += *text == '=';
        group = group << 6 | (*text == '=' ? 0 : (unsigned)(digit - digits));
        if (++have < 4)
            continue;
        for (unsigned i = 0; i < 3 - padding; i++)
            out[len++] = (char)(group >> (16 - 8 * i) & 0xff);
        group = have = 0;
        if (padding) {
            text++;
            break;
        }
    }
    text += strspn(text, " \t\r\n");
    if (*text || have) {
        free(out);
        return NULL;
    }
    *ret_len = len;
    return out;
}
