/* SPDX-License-Identifier: ISC */
#include "sort.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct items {
    unsigned char *first;
    size_t size;
};

static void *item(const struct items *all, size_t i)
{
    return all->first + i * all->size;
}

static uint64_t place(const struct items *all, size_t i)
{
    uint64_t at;
    memcpy(&at, item(all, i), sizeof at);
    return at;
}

static void swap(const struct items *all, size_t i, size_t k)
{
    unsigned char kept[IMG_SORT_BYTES_MAX];
    memcpy(kept, item(all, i), all->size);
    memcpy(item(all, i), item(all, k), all->size);
    memcpy(item(all, k), kept, all->size);
}

/* Of the heap of `count` items everything below i is in order: now i is as well. */
static void sift(const struct items *all, size_t i, size_t count)
{
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && place(all, child + 1) > place(all, child))
            child++;
        if (place(all, i) >= place(all, child))
            return;
        swap(all, i, child);
    }
}

static bool in_order(const struct items *all, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (place(all, i - 1) > place(all, i))
            return false;
    return true;
}

void img_sort_by_place(void *items, size_t count, size_t size)
{
    const struct items all = {items, size};
    if (in_order(&all, count))
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift(&all, i, count);
    for (size_t end = count; --end > 0;) {
        swap(&all, 0, end);
        sift(&all, 0, end);
    }
}
