/* SPDX-License-Identifier: ISC */
/*
 * A program without memory ends, and is started again with everything that it had acknowledged:
 * that is safer than what libraries make of a failed allocation (jansson calls the text damaged, a
 * digest is left out). mir_calloc and its like end the program anyway; this makes JSON and OpenSSL
 * do so, too. Each is a call of its own, since not every program has both.
 */
#ifndef API_SCARCE_H
#define API_SCARCE_H

#include <stddef.h>

/* Once, first of all in a program that keeps or decides anything: before any thread, and before
 * anything else of the library. */
void mir_scarce_memory_ends(void); /* jansson */
void mir_scarce_crypto_ends(void); /* OpenSSL; links libcrypto in */

/* malloc and realloc that do not fail. */
void *mir_scarce_malloc(size_t size);
void *mir_scarce_realloc(void *old, size_t size);

#endif
