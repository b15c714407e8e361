/* SPDX-License-Identifier: ISC */
#include "window.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api/memory.h"

#define FIRST_ROOM ((size_t)64 << 10)
#define LARGE_ROOM ((size_t)512 << 10) /* more than this is mapped, and never moves again */
#define HUGE_PAGE ((size_t)2 << 20)

void krn_window_init(struct krn_window *window, const struct krn_limits *limits)
{
    *window = (struct krn_window){.keep_elf_bytes = limits->keep_elf_bytes,
                                  .keep_other_bytes = limits->keep_other_bytes};
}

void krn_window_clear(struct krn_window *window)
{
    if (window->mapping)
        munmap(window->mapping, window->mapping_bytes);
    else
        free(window->data);
    window->data = window->mapping = NULL;
    window->kept = window->room = window->mapping_bytes = 0;
}

/* Room for all that may come, of which the kernel gives what is used: in large pages if it has
 * them, for a fault at every small one costs more than the copying. */
static void map_room(struct krn_window *window, size_t cap)
{
    size_t bytes = cap + HUGE_PAGE;
    unsigned char *mapping =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        mir_memory_out();
    size_t over = (uintptr_t)mapping % HUGE_PAGE;
    unsigned char *data = mapping + (over ? HUGE_PAGE - over : 0);
    madvise(data, cap, MADV_HUGEPAGE); /* a wish */
    if (window->kept)
        memcpy(data, window->data, window->kept);
    free(window->data);
    window->data = data;
    window->room = cap;
    window->mapping = mapping;
    window->mapping_bytes = bytes;
}

static void make_room(struct krn_window *window, size_t need, size_t cap)
{
    if (need <= window->room)
        return;
    if (need > LARGE_ROOM) {
        map_room(window, cap);
        return;
    }
    size_t room = window->room ? window->room : FIRST_ROOM;
    while (room < need)
        room *= 2;
    if (room > cap)
        room = cap;
    window->data = mir_realloc(window->data, room, 1);
    window->room = room;
}

static void keep(struct krn_window *window, const unsigned char *data, size_t len)
{
    static const unsigned char elf_magic[4] = {0x7f, 'E', 'L', 'F'};
    const unsigned char *head = window->kept ? window->data : data;
    size_t head_len = window->kept ? window->kept : len;
    bool elf = head_len >= sizeof elf_magic && !memcmp(head, elf_magic, sizeof elf_magic);
    size_t cap = elf ? window->keep_elf_bytes : window->keep_other_bytes;
    if (window->kept >= cap || !len)
        return;
    size_t n = len < cap - window->kept ? len : cap - window->kept;
    make_room(window, window->kept + n, cap);
    memcpy(window->data + window->kept, data, n);
    window->kept += n;
}

void krn_window_add(struct krn_window *window, const unsigned char *data, size_t len)
{
    /* Nothing may be kept behind a gap: once the cap was reached, no more comes in. */
    if (window->kept == window->size)
        keep(window, data, len);
    window->size += len;
    if (len >= KRN_TAIL_BYTES) {
        memcpy(window->tail, data + len - KRN_TAIL_BYTES, KRN_TAIL_BYTES);
    } else if (len) {
        memmove(window->tail, window->tail + len, KRN_TAIL_BYTES - len);
        memcpy(window->tail + KRN_TAIL_BYTES - len, data, len);
    }
}

const unsigned char *krn_window_at(const struct krn_window *window, uint64_t offset, uint64_t len)
{
    if (offset > window->kept || len > window->kept - offset || !window->data)
        return NULL;
    return window->data + offset;
}

int krn_window_has(const struct krn_window *window, uint64_t offset, uint64_t len)
{
    return offset <= window->size && len <= window->size - offset;
}
