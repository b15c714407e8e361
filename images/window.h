/* SPDX-License-Identifier: ISC */
/*
 * What the probes see of a kernel: the beginning of its (unpacked) bytes, its last sector and its
 * size. Filled once by a stream of any length, so that memory stays bounded.
 *
 * Owned by one thread. An ELF file keeps more than anything else does, because its section tables
 * lie at its end; a disk image needs no more than its first tables.
 */
#ifndef IMAGES_WINDOW_H
#define IMAGES_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/inspect.h"

#define KRN_TAIL_BYTES 512

struct krn_window {
    unsigned char *data; /* owned: bytes 0 .. kept-1 */
    size_t kept;
    size_t room;   /* allocated */
    void *mapping; /* owned: what `data` lies in when it is large */
    size_t mapping_bytes;
    uint64_t size;                      /* all that came by */
    unsigned char tail[KRN_TAIL_BYTES]; /* the last bytes; valid when size >= KRN_TAIL_BYTES */
    size_t keep_elf_bytes;
    size_t keep_other_bytes;
};

void krn_window_init(struct krn_window *window, const struct krn_limits *limits);
void krn_window_clear(struct krn_window *window);
void krn_window_add(struct krn_window *window, const unsigned char *data, size_t len);

/* The bytes [offset, offset + len), borrowed, or NULL when they are not all kept. Any two numbers
 * may be given: nothing overflows. */
const unsigned char *krn_window_at(const struct krn_window *window, uint64_t offset, uint64_t len);

/* 1 when [offset, offset + len) lies inside the file, kept or not. */
int krn_window_has(const struct krn_window *window, uint64_t offset, uint64_t len);

#endif
