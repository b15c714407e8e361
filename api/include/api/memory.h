/* SPDX-License-Identifier: ISC */
/*
 * Small allocations: they abort on exhaustion, so that no caller has a path for it. Whatever an
 * outsider can size goes through a mir_buf with a stated maximum instead. All results are owned
 * by the caller and freed with free().
 */
#ifndef API_MEMORY_H
#define API_MEMORY_H

#include <stddef.h>

#include "api/error.h"

_Noreturn void mir_memory_out(void); /* says so, and aborts */

void *mir_calloc(size_t count, size_t size); /* zeroed */
void *mir_realloc(void *old, size_t count, size_t size);
char *mir_strdup(const char *text); /* NULL gives NULL */
char *mir_format(const char *fmt, ...) MIR_PRINTF(1, 2);

/* Copy text into a fixed field of `size` bytes, always terminated; 0, or -1 when it was cut. */
int mir_copy(char *field, size_t size, const char *text);

#endif
