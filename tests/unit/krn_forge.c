/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "krn_forge.h"

#define CONTENT 0x1000

void put16(unsigned char *p, uint16_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

void put32(unsigned char *p, uint32_t v)
{
    put16(p, (uint16_t)v);
    put16(p + 2, (uint16_t)(v >> 16));
}

void put64(unsigned char *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

void put32be(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

void put64be(unsigned char *p, uint64_t v)
{
    put32be(p, (uint32_t)(v >> 32));
    put32be(p + 4, (uint32_t)v);
}

void forge_elf(struct forge *f, bool is64, uint16_t machine)
{
    memset(f, 0, sizeof *f);
    f->is64 = is64;
    f->machine = machine;
    f->type = 2;
    f->len = CONTENT;
}

size_t forge_bytes(struct forge *f, const void *bytes, size_t len)
{
    size_t at = (f->len + 15) & ~(size_t)15;
    assert_true(at + len <= FORGE_BYTES);
    memcpy(f->data + at, bytes, len);
    f->len = at + len;
    return at;
}

static struct forge_part *add_segment(struct forge *f, uint32_t type)
{
    assert_true(f->segments < FORGE_PARTS);
    struct forge_part *part = &f->segment[f->segments++];
    part->type = type;
    return part;
}

void forge_segment(struct forge *f, uint32_t type, uint64_t offset, uint64_t filesz)
{
    struct forge_part *part = add_segment(f, type);
    part->offset = offset;
    part->filesz = part->memsz = filesz;
}

void forge_load(struct forge *f, uint64_t paddr, const void *bytes, size_t len, uint64_t memsz)
{
    forge_segment(f, 1, forge_bytes(f, bytes, len), len);
    f->segment[f->segments - 1].paddr = paddr;
    f->segment[f->segments - 1].memsz = memsz;
}

void forge_note(struct forge *f, const char *owner, uint32_t type, const void *desc, size_t len)
{
    unsigned char note[8192] = {0};
    size_t owner_size = strlen(owner) + 1, desc_at = 12 + ((owner_size + 3) & ~(size_t)3);
    assert_true(desc_at + len <= sizeof note);
    put32(note, (uint32_t)owner_size);
    put32(note + 4, (uint32_t)len);
    put32(note + 8, type);
    memcpy(note + 12, owner, owner_size);
    memcpy(note + desc_at, desc, len);
    size_t size = (desc_at + len + 3) & ~(size_t)3;
    forge_segment(f, 4, forge_bytes(f, note, size), size);
}

void forge_note32(struct forge *f, const char *owner, uint32_t type, uint32_t value)
{
    unsigned char desc[4];
    put32(desc, value);
    forge_note(f, owner, type, desc, sizeof desc);
}

void forge_section(struct forge *f, const char *name, uint32_t type, const void *bytes, size_t len)
{
    assert_true(f->sections < FORGE_PARTS);
    struct forge_part *part = &f->section[f->sections++];
    part->type = type;
    part->offset = forge_bytes(f, bytes, len);
    part->filesz = len;
    snprintf(part->name, sizeof part->name, "%s", name);
}

static void at_least(struct forge *f, size_t end)
{
    assert_true(end <= FORGE_BYTES);
    if (f->len < end)
        f->len = end;
}

void forge_mb1(struct forge *f, size_t at, uint32_t flags)
{
    at_least(f, at + 32);
    put32(f->data + at, 0x1BADB002);
    put32(f->data + at + 4, flags);
    put32(f->data + at + 8, 0u - 0x1BADB002u - flags);
    if (!(flags & 0x10000))
        return;
    put32(f->data + at + 12, 0x100000 + (uint32_t)at); /* the file from 0 on goes to 1 MiB */
    put32(f->data + at + 16, 0x100000);
    put32(f->data + at + 20, 0x100000 + (uint32_t)at + 32);
    put32(f->data + at + 24, 0x110000);
    put32(f->data + at + 28, 0x100020);
}

void forge_mb2(struct forge *f, size_t at)
{
    at_least(f, at + 16);
    put32(f->data + at, 0xE85250D6);
    put32(f->data + at + 8, 16);
    put32(f->data + at + 12, 0u - 0xE85250D6u - 16u);
}

void forge_solo5(struct forge *f, uint32_t target, uint32_t version)
{
    unsigned char desc[16] = {0};
    put32(desc, target);
    put32(desc + 4, version);
    forge_note(f, "Solo5", 0x31494241, desc, sizeof desc);
}

void forge_manifest(struct forge *f, const uint32_t *types, uint32_t count)
{
    unsigned char desc[12 + 64 * 104] = {0};
    put32(desc + 4, 1);
    put32(desc + 8, count + 1);
    put32(desc + 12 + 68, 0x40000000); /* the reserved first entry */
    for (uint32_t i = 0; i < count; i++) {
        unsigned char *entry = desc + 12 + (size_t)(i + 1) * 104;
        snprintf((char *)entry, 68, "dev%u", i);
        put32(entry + 68, types[i]);
    }
    forge_note(f, "Solo5", 0x3154464d, desc, 12 + (size_t)(count + 1) * 104);
}

static void word(const struct forge *f, unsigned char *p, uint64_t v)
{
    if (f->is64)
        put64(p, v);
    else
        put32(p, (uint32_t)v);
}

static size_t write_segments(struct forge *f, size_t at)
{
    for (unsigned i = 0; i < f->segments; i++) {
        const struct forge_part *part = &f->segment[i];
        unsigned char *p = f->data + at;
        size_t w = f->is64 ? 8 : 4;
        put32(p, part->type);
        unsigned char *offset = p + w; /* both classes: type (and flags in the 64-bit one) first */
        word(f, offset, part->offset);
        word(f, offset + w, part->paddr);
        word(f, offset + 2 * w, part->paddr);
        word(f, offset + 3 * w, part->filesz);
        word(f, offset + 4 * w, part->memsz);
        at += f->is64 ? 56 : 32;
    }
    return at;
}

static void write_section(const struct forge *f, unsigned char *p, uint32_t name,
                          const struct forge_part *part)
{
    size_t w = f->is64 ? 8 : 4;
    put32(p, name);
    put32(p + 4, part->type);
    word(f, p + 8 + 2 * w, part->offset);
    word(f, p + 8 + 3 * w, part->filesz);
}

/* The names' section comes last. Returns the offset of the table. */
static size_t write_sections(struct forge *f)
{
    unsigned char names[1024] = {0};
    uint32_t name_at[FORGE_PARTS], used = 1;
    forge_section(f, ".shstrtab", 3, names, 0);
    for (unsigned i = 0; i < f->sections; i++) {
        name_at[i] = used;
        memcpy(names + used, f->section[i].name, strlen(f->section[i].name) + 1);
        used += (uint32_t)strlen(f->section[i].name) + 1;
    }
    f->section[f->sections - 1].offset = forge_bytes(f, names, used);
    f->section[f->sections - 1].filesz = used;
    unsigned char table[FORGE_PARTS * 64] = {0};
    size_t size = f->is64 ? 64 : 40;
    for (unsigned i = 0; i < f->sections; i++)
        write_section(f, table + i * size, name_at[i], &f->section[i]);
    return forge_bytes(f, table, f->sections * size);
}

void forge_finish(struct forge *f)
{
    static const unsigned char ident[8] = {0x7f, 'E', 'L', 'F', 1, 1, 1, 0};
    size_t w = f->is64 ? 8 : 4, ehsize = f->is64 ? 64 : 52;
    size_t shoff = f->sections ? write_sections(f) : 0;
    unsigned char *p = f->data;
    memcpy(p, ident, sizeof ident);
    p[4] = f->is64 ? 2 : 1;
    put16(p + 16, f->type);
    put16(p + 18, f->machine);
    put32(p + 20, 1);
    word(f, p + 24, f->entry);
    word(f, p + 24 + w, f->segments ? ehsize : 0);
    word(f, p + 24 + 2 * w, shoff);
    unsigned char *tail = p + 24 + 3 * w + 4;
    put16(tail, (uint16_t)ehsize);
    put16(tail + 2, f->is64 ? 56 : 32);
    put16(tail + 4, (uint16_t)f->segments);
    put16(tail + 6, f->is64 ? 64 : 40);
    put16(tail + 8, (uint16_t)f->sections);
    put16(tail + 10, (uint16_t)(f->sections ? f->sections - 1 : 0));
    write_segments(f, ehsize);
}

int forge_inspect(struct forge *f, struct mir_kernel *ret, struct mir_error *err)
{
    forge_finish(f);
    return krn_inspect_memory(f->data, f->len, krn_limits_default(), ret, err);
}

void forge_is(struct forge *f, enum mir_format format, struct mir_kernel *ret)
{
    struct mir_error err = {0};
    if (forge_inspect(f, ret, &err))
        fail_msg("%s", err.text);
    assert_string_equal(mir_format_name(ret->format), mir_format_name(format));
}
