/* SPDX-License-Identifier: ISC */
/* Random identities: 128 bits from the kernel, written as 32 lower-case hex digits. */
#ifndef API_ID_H
#define API_ID_H

#include <stddef.h>
#include <stdint.h>

#define MIR_ID_TEXT 33 /* 32 hex digits and the terminator */

struct mir_random {
    void (*bytes)(void *ctx, void *out, size_t len);
    void *ctx;
};

/* getrandom(2); aborts when the machine has none. Static, any thread. */
const struct mir_random *mir_random_system(void);

void mir_id_new(const struct mir_random *random, char out[MIR_ID_TEXT]);
int mir_id_valid(const char *text); /* 1 when text is such an id */

/* `len` bytes as 2*len hex digits and a terminator. */
void mir_hex(const void *data, size_t len, char *out);

#endif
