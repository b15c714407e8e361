/* SPDX-License-Identifier: ISC */
#include "api/scarce.h"

#include <jansson.h>
#include <stdlib.h>

#include "api/memory.h"

void *mir_scarce_malloc(size_t size)
{
    return mir_realloc(NULL, 1, size);
}

void *mir_scarce_realloc(void *old, size_t size)
{
    return mir_realloc(old, 1, size);
}

void mir_scarce_memory_ends(void)
{
    json_set_alloc_funcs(mir_scarce_malloc, free);
}
