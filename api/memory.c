/* SPDX-License-Identifier: ISC */
#include "api/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mir_memory_out(void)
{
    fputs("out of memory\n", stderr);
    abort();
}

static void *must(void *p)
{
    if (!p)
        mir_memory_out();
    return p;
}

void *mir_calloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *mir_realloc(void *old, size_t count, size_t size)
{
    return must(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mir_strdup(const char *text)
{
    return text ? must(strdup(text)) : NULL;
}

char *mir_format(const char *fmt, ...)
{
    char *out = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&out, fmt, ap);
    va_end(ap);
    return must(n < 0 ? NULL : out);
}

int mir_copy(char *field, size_t size, const char *text)
{
    size_t len = strlen(text);
    int cut = len >= size;
    if (cut)
        len = size - 1;
    memcpy(field, text, len);
    field[len] = '\0';
    return cut ? -1 : 0;
}
