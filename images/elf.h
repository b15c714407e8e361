/* SPDX-License-Identifier: ISC */
/*
 * ELF through bounds-checked accessors over a window: 32 and 64 bit, little-endian. Nothing is
 * mapped or trusted; every offset and size is checked without overflow before it is used.
 *
 * Limits: 1024 program headers, 65535 sections, 4096 notes per file.
 */
#ifndef IMAGES_ELF_H
#define IMAGES_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "window.h"

struct krn_elf {
    const struct krn_window *window; /* borrowed */
    bool is64;
    bool big_endian; /* then nothing but `machine` and `type` is filled in */
    uint16_t type;
    uint16_t machine;
    uint64_t entry;
    uint64_t phoff;
    uint64_t shoff;
    unsigned phnum;
    unsigned phentsize;
    unsigned shnum;
    unsigned shentsize;
    unsigned shstrndx;
};

enum { KRN_PT_LOAD = 1, KRN_PT_INTERP = 3, KRN_PT_NOTE = 4 };
enum { KRN_EM_386 = 3, KRN_EM_X86_64 = 62, KRN_EM_AARCH64 = 183 };
enum { KRN_ET_REL = 1, KRN_ET_CORE = 4 };

struct krn_segment {
    uint32_t type;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t paddr;
    uint64_t filesz;
    uint64_t memsz;
};

struct krn_note {
    const unsigned char *owner; /* without its terminator */
    size_t owner_len;
    uint32_t type;
    const unsigned char *desc;
    size_t desc_len;
};

int krn_is_elf(const struct krn_window *window);

/* Reads the file header and checks that both header tables and the contents of all segments lie
 * inside the file. MIR_CORRUPT names what does not. */
int krn_elf_open(struct krn_elf *elf, const struct krn_window *window, struct mir_error *err);

/* 0, or -1 when there is no such segment. */
int krn_elf_segment(const struct krn_elf *elf, unsigned index, struct krn_segment *ret);

/* Calls `take` for every note of the PT_NOTE segments, or of the SHT_NOTE sections when there is
 * no such segment. Stops at, and returns, the first answer that is not 0. A note that does not fit
 * ends its segment silently: loaders ignore it as well. */
typedef int krn_note_fn(void *ctx, const struct krn_note *note, struct mir_error *err);
int krn_elf_notes(const struct krn_elf *elf, krn_note_fn *take, void *ctx, struct mir_error *err);

int krn_note_owner_is(const struct krn_note *note, const char *owner);

/* The contents of the first section of that name, borrowed, or NULL. */
const unsigned char *krn_elf_section(const struct krn_elf *elf, const char *name, size_t *ret_len);

/* "x86-64", "riscv", ... or "machine 4711". */
void krn_elf_machine_name(uint16_t machine, char *out, size_t size);

#endif
