/* SPDX-License-Identifier: ISC */
/* Two heaps of entries: those awake by the boot-time moment of their next look, those at rest by
 * their deadline, which is wall-clock time: a clock that is set moves the timer, not the heap. */
#include "api/memory.h"
#include "engine_parts.h"

static int64_t key(const struct mird_heap *heap, const struct mird_entry *entry)
{
    return heap->by_date ? entry->deadline_s : entry->wake_boot_ms;
}

static void place(struct mird_heap *heap, size_t at, struct mird_entry *entry)
{
    heap->entries[at] = entry;
    entry->heap_at = (uint32_t)at;
}

static void sift_up(struct mird_heap *heap, size_t at, struct mird_entry *entry)
{
    for (; at > 1 && key(heap, heap->entries[at / 2]) > key(heap, entry); at /= 2)
        place(heap, at, heap->entries[at / 2]);
    place(heap, at, entry);
}

static void sift_down(struct mird_heap *heap, size_t at, struct mird_entry *entry)
{
    for (;;) {
        size_t child = 2 * at;
        if (child > heap->count)
            break;
        if (child < heap->count &&
            key(heap, heap->entries[child + 1]) < key(heap, heap->entries[child]))
            child++;
        if (key(heap, heap->entries[child]) >= key(heap, entry))
            break;
        place(heap, at, heap->entries[child]);
        at = child;
    }
    place(heap, at, entry);
}

struct mird_entry *mird_heap_top(const struct mird_heap *heap)
{
    return heap->count ? heap->entries[1] : NULL;
}

void mird_heap_take(struct mird_engine *engine, struct mird_entry *entry)
{
    struct mird_heap *heap = entry->by_date ? &engine->resting : &engine->awake;
    size_t at = entry->heap_at;
    if (!at)
        return;
    entry->heap_at = 0;
    engine->lanes[entry->lane].resting -= entry->by_date;
    entry->by_date = false;
    struct mird_entry *last = heap->entries[heap->count--];
    if (last == entry)
        return;
    sift_up(heap, at, last);
    sift_down(heap, last->heap_at, last);
}

void mird_heap_put(struct mird_engine *engine, struct mird_entry *entry)
{
    mird_heap_take(engine, entry);
    entry->by_date = entry->rests && !entry->watched;
    engine->lanes[entry->lane].resting += entry->by_date;
    struct mird_heap *heap = entry->by_date ? &engine->resting : &engine->awake;
    if (++heap->count >= heap->room) {
        heap->room = heap->room ? heap->room + heap->room / 2 : 64;
        heap->entries = mir_realloc(heap->entries, heap->room, sizeof(struct mird_entry *));
    }
    sift_up(heap, heap->count, entry);
}
