/* SPDX-License-Identifier: ISC */
/*
 * Sorting in the sandbox. The C library's qsort() may ask the kernel for the machine's memory, to
 * choose how much of it to take: a call that ends the process in there. This one asks nobody, takes
 * no memory, and passes once over what is in order already, as extents nearly always are. Pure.
 */
#ifndef IMAGES_DISK_SORT_H
#define IMAGES_DISK_SORT_H

#include <stddef.h>

#define IMG_SORT_BYTES_MAX 64 /* of one item */

/* Items of `size` bytes, at most IMG_SORT_BYTES_MAX, that begin with the uint64_t to sort by; those
 * with the same number come in any order, the same one every time. */
void img_sort_by_place(void *items, size_t count, size_t size);

#endif
