/* SPDX-License-Identifier: ISC */
/*
 * Text that must not be seen: a key, a token. A type of its own, so that it cannot be printed by
 * accident and is wiped when it goes; it has no format and no JSON.
 *
 * Owned by one thread. A zeroed struct is an empty secret. Limit: MIR_SECRET_MAX bytes.
 */
#ifndef API_SECRET_H
#define API_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"

#define MIR_SECRET_MAX 65536

struct mir_secret {
    char *text; /* owned, NUL-terminated; NULL: empty */
    size_t len;
};

/* Copies `len` bytes (NULL or 0: empty) over what was there, which is wiped. MIR_USAGE: longer than
 * MIR_SECRET_MAX, or with a NUL inside; nothing is changed then. */
int mir_secret_set(struct mir_secret *secret, const char *text, size_t len, struct mir_error *err);

/* `to` becomes a copy of `from`. */
void mir_secret_copy(struct mir_secret *to, const struct mir_secret *from);

/* Wipes and frees. */
void mir_secret_clear(struct mir_secret *secret);

/* The text, "" when empty; borrowed. Every call is a place to look at: where does it go? */
const char *mir_secret_text(const struct mir_secret *secret);
bool mir_secret_empty(const struct mir_secret *secret);

/* In a time that depends on the lengths alone. */
bool mir_secret_equal(const struct mir_secret *a, const struct mir_secret *b);

/* Zeroes memory in a way that no compiler leaves out. */
void mir_wipe(void *memory, size_t len);

#define mir_auto_secret MIR_CLEANUP(mir_secret_clear)

#endif
