/* SPDX-License-Identifier: ISC */
/* Memory that is not there: one allocation in the planned role fails. Only counted while such a
 * plan is there ("fail-before:daemon.malloc#N"), since nothing happens more often. With a
 * sanitizer the allocator is the sanitizer's, and this is passed by. */
#include <errno.h>
#include <stddef.h>

#include "meddle.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

uint32_t meddle_malloc_at; /* 0: nobody counts; never written once the program runs */

static int fails(void)
{
    if (!meddle_malloc_at || !meddle_page ||
        atomic_fetch_add(&meddle_page->planned, 1) + 1 != meddle_malloc_at)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}
