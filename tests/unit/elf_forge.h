/* SPDX-License-Identifier: ISC */
/* Programs, libraries and kernel modules for tests: whole as to their headers, and with no code. */
#ifndef ELF_FORGE_H
#define ELF_FORGE_H

#include <stdint.h>
#include <string.h>

#include "api/buf.h"

#define FORGE_ADDRESS 0x10000 /* where the file is loaded to */
#define FORGE_MAX ((size_t)64 << 10)

static inline void forge_put(unsigned char *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (unsigned char)(value >> (8 * i));
}

static inline void forge_head(unsigned char *p, unsigned type, unsigned machine)
{
    memcpy(p, "\177ELF\2\1\1", 7);
    forge_put(p + 16, type, 2);
    forge_put(p + 18, machine, 2);
    forge_put(p + 20, 1, 4);
    forge_put(p + 52, 64, 2);
    forge_put(p + 54, 56, 2);
    forge_put(p + 58, 64, 2);
}

static inline void forge_segment(unsigned char *p, unsigned type, uint64_t at, uint64_t len)
{
    forge_put(p, type, 4);
    forge_put(p + 8, at, 8);
    forge_put(p + 16, FORGE_ADDRESS + at, 8);
    forge_put(p + 24, FORGE_ADDRESS + at, 8);
    forge_put(p + 32, len, 8);
    forge_put(p + 40, len, 8);
}

/* needed: "liba.so.1 libb.so"; interpreter NULL: a library. `out` is initialised. */
static inline void forge_program(struct mir_buf *out, unsigned machine, const char *needed,
                                 const char *interpreter)
{
    unsigned char bytes[4096] = {0}, *dynamic = bytes + 512;
    char *strings = (char *)bytes + 1024;
    size_t string = 1;
    forge_head(bytes, 3, machine);
    forge_put(bytes + 32, 64, 8);
    forge_put(bytes + 56, interpreter ? 3 : 2, 2);
    forge_segment(bytes + 64, 1, 0, sizeof bytes);
    forge_segment(bytes + 120, 2, 512, 512);
    for (; *needed; dynamic += 16) {
        size_t len = strcspn(needed, " ");
        memcpy(strings + string, needed, len);
        forge_put(dynamic, 1, 8);
        forge_put(dynamic + 8, string, 8);
        string += len + 1;
        needed += len + (needed[len] == ' ');
    }
    forge_put(dynamic, 5, 8);
    forge_put(dynamic + 8, FORGE_ADDRESS + 1024, 8);
    if (interpreter) {
        memcpy(bytes + 2048, interpreter, strlen(interpreter));
        forge_segment(bytes + 176, 3, 2048, strlen(interpreter) + 1);
    }
    mir_buf_init(out, FORGE_MAX);
    mir_buf_add(out, bytes, sizeof bytes);
}

static inline void forge_section(unsigned char *p, unsigned name, unsigned type, uint64_t at,
                                 uint64_t len)
{
    forge_put(p, name, 4);
    forge_put(p + 4, type, 4);
    forge_put(p + 24, at, 8);
    forge_put(p + 32, len, 8);
}

/* depends: "a,b". `out` is initialised. */
static inline void forge_module(struct mir_buf *out, const char *depends)
{
    static const char names[] = "\0.modinfo\0.shstrtab";
    static const char info[] = "license=GPL\0depends=";
    unsigned char bytes[1024] = {0};
    size_t info_len = sizeof info - 1 + strlen(depends) + 1;
    forge_head(bytes, 1, 62);
    forge_put(bytes + 40, 256, 8);
    forge_put(bytes + 60, 3, 2);
    forge_put(bytes + 62, 2, 2);
    forge_section(bytes + 256 + 64, 1, 1, 512, info_len);
    forge_section(bytes + 256 + 128, 10, 3, 128, sizeof names);
    memcpy(bytes + 128, names, sizeof names);
    memcpy(bytes + 512, info, sizeof info - 1);
    memcpy(bytes + 512 + sizeof info - 1, depends, strlen(depends));
    mir_buf_init(out, FORGE_MAX);
    mir_buf_add(out, bytes, sizeof bytes);
}

/* A Linux, unpacked: 32 bytes of types in section .BTF, 12 of lists of addresses behind the file.
 */
enum {
    FORGE_TYPES_AT = 512,
    FORGE_TYPES_BYTES = 32,
    FORGE_SECTIONS_AT = 1024,
    FORGE_LINUX_BYTES = FORGE_SECTIONS_AT + 3 * 64,
    FORGE_LISTS_BYTES = 12
};

static inline void forge_types(unsigned char *p)
{
    forge_put(p, 0xeb9f, 2);
    forge_put(p + 2, 1, 1);
    forge_put(p + 4, 24, 4);
    forge_put(p + 12, 5, 4); /* bytes of types, and behind them of names */
    forge_put(p + 16, 5, 4);
    forge_put(p + 20, 3, 4);
    memcpy(p + 24, "ttttt\0n", 8);
}

static inline void forge_linux(unsigned char bytes[FORGE_LINUX_BYTES + FORGE_LISTS_BYTES])
{
    static const char names[] = "\0.BTF\0.shstrtab";
    memset(bytes, 0, FORGE_LINUX_BYTES + FORGE_LISTS_BYTES);
    forge_head(bytes, 2, 62);
    forge_put(bytes + 32, 64, 8);
    forge_put(bytes + 40, FORGE_SECTIONS_AT, 8);
    forge_put(bytes + 56, 2, 2);
    forge_put(bytes + 60, 3, 2);
    forge_put(bytes + 62, 2, 2);
    forge_segment(bytes + 64, 1, 0, FORGE_SECTIONS_AT);
    forge_put(bytes + 64 + 16, 0xffffffff81000000, 8);
    forge_put(bytes + 64 + 40, 0x10000, 8);
    forge_segment(bytes + 120, 1, 256, 64); /* what there is once per processor */
    forge_put(bytes + 120 + 16, 0, 8);
    memcpy(bytes + 256, names, sizeof names);
    forge_types(bytes + FORGE_TYPES_AT);
    forge_section(bytes + FORGE_SECTIONS_AT + 64, 1, 1, FORGE_TYPES_AT, FORGE_TYPES_BYTES);
    forge_section(bytes + FORGE_SECTIONS_AT + 128, 6, 3, 256, sizeof names);
    forge_put(bytes + FORGE_LINUX_BYTES + 4, 0x81000000, 4);
    forge_put(bytes + FORGE_LINUX_BYTES + 8, 0x8100ffff, 4);
}

#endif
