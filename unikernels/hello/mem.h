/* SPDX-License-Identifier: ISC */
/*
 * The few memory and string functions the kernel and the compiler need. The prototypes are those
 * of the C library: mem.c defines them for the kernel, host tests use the host's own.
 */
#ifndef HELLO_MEM_H
#define HELLO_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);

#endif
