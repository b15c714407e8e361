/* SPDX-License-Identifier: ISC */
/*
 * Makes small ELF files with any combination of notes, sections and headers, right or wrong, for
 * the tests of the probes. Memory is static inside the struct; too much is an assertion.
 */
#ifndef TESTS_KRN_FORGE_H
#define TESTS_KRN_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/inspect.h"

#define FORGE_BYTES ((size_t)128 << 10)
#define FORGE_PARTS 16

struct forge_part {
    uint32_t type; /* PT_ or SHT_ */
    uint64_t offset, paddr, filesz, memsz;
    char name[24];
};

struct forge {
    unsigned char data[FORGE_BYTES];
    size_t len;
    bool is64;
    uint16_t machine;
    uint16_t type; /* ET_ */
    uint64_t entry;
    unsigned segments;
    unsigned sections;
    struct forge_part segment[FORGE_PARTS];
    struct forge_part section[FORGE_PARTS];
};

/* An ELF file without anything; content begins at offset 0x1000. */
void forge_elf(struct forge *f, bool is64, uint16_t machine);

/* Room for bytes in the file, 16-aligned; returns the offset. */
size_t forge_bytes(struct forge *f, const void *bytes, size_t len);

/* A PT_LOAD of these bytes. */
void forge_load(struct forge *f, uint64_t paddr, const void *bytes, size_t len, uint64_t memsz);

/* A PT_NOTE segment with one note. */
void forge_note(struct forge *f, const char *owner, uint32_t type, const void *desc, size_t len);
void forge_note32(struct forge *f, const char *owner, uint32_t type, uint32_t value);
void forge_segment(struct forge *f, uint32_t type, uint64_t offset, uint64_t filesz);
void forge_section(struct forge *f, const char *name, uint32_t type, const void *bytes, size_t len);

/* Multiboot headers at the given offset of the file. */
void forge_mb1(struct forge *f, size_t at, uint32_t flags);
void forge_mb2(struct forge *f, size_t at);

/* Solo5: ABI note; manifest with `count` devices of these types, named "dev0" and so on. */
void forge_solo5(struct forge *f, uint32_t target, uint32_t version);
void forge_manifest(struct forge *f, const uint32_t *types, uint32_t count);

/* Write the headers. The file is data[0 .. len-1] then. */
void forge_finish(struct forge *f);

/* Finish and inspect. */
int forge_inspect(struct forge *f, struct mir_kernel *ret, struct mir_error *err);

/* Inspect; a failure is a failed assertion that shows the message. */
void forge_is(struct forge *f, enum mir_format format, struct mir_kernel *ret);

void put16(unsigned char *p, uint16_t v);
void put32(unsigned char *p, uint32_t v);
void put64(unsigned char *p, uint64_t v);
void put32be(unsigned char *p, uint32_t v);
void put64be(unsigned char *p, uint64_t v);

#endif
