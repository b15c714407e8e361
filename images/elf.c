/* SPDX-License-Identifier: ISC */
#include "elf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define PHNUM_MAX 1024
#define NOTES_MAX 4096
#define SHT_NULL 0
#define SHT_NOTE 7
#define SHT_NOBITS 8
#define MEMORY_MAX ((uint64_t)1 << 40) /* no kernel asks for a terabyte */

struct section {
    uint32_t name;
    uint32_t type;
    uint64_t offset;
    uint64_t size;
};

/* Where the fields of both classes lie; one reader serves both. */
struct layout {
    unsigned ehsize;
    unsigned phentsize, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz;
    unsigned shentsize, sh_offset, sh_size;
    unsigned e_entry, e_phoff, e_shoff, e_tail; /* e_tail: at e_phentsize */
};

static const struct layout layouts[2] = {
    {52, 32, 4, 8, 12, 16, 20, 40, 16, 20, 24, 28, 32, 42},
    {64, 56, 8, 16, 24, 32, 40, 64, 24, 32, 24, 32, 40, 54},
};

static const struct layout *layout_of(const struct krn_elf *elf)
{
    return &layouts[elf->is64];
}

static uint64_t word(const struct krn_elf *elf, const unsigned char *p)
{
    return elf->is64 ? krn_le64(p) : krn_le32(p);
}

int krn_is_elf(const struct krn_window *window)
{
    const unsigned char *p = krn_window_at(window, 0, 4);
    return p && !memcmp(p, "\177ELF", 4);
}

static int cut_off(struct mir_error *err, const char *what, uint64_t end, uint64_t size)
{
    mir_fail(err, MIR_CORRUPT,
             "the ELF file is cut off: %s ends at byte %" PRIu64 ", the file has %" PRIu64, what,
             end, size);
    return mir_error_hint(err, "fetch, copy or build the file again");
}

static int section_at(const struct krn_elf *elf, unsigned index, struct section *ret)
{
    const struct layout *at = layout_of(elf);
    if (index >= elf->shnum)
        return -1;
    const unsigned char *p =
        krn_window_at(elf->window, elf->shoff + (uint64_t)index * elf->shentsize, at->shentsize);
    if (!p)
        return -1;
    *ret = (struct section){
        .name = krn_le32(p),
        .type = krn_le32(p + 4),
        .offset = word(elf, p + at->sh_offset),
        .size = word(elf, p + at->sh_size),
    };
    return 0;
}

/* A table of `count` entries at `offset` has to lie inside the file. */
static int check_table(const struct krn_elf *elf, const char *what, uint64_t offset, unsigned count,
                       unsigned entsize, unsigned min_entsize, struct mir_error *err)
{
    if (!count)
        return 0;
    if (entsize < min_entsize)
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: %s entries of %u bytes", what,
                        entsize);
    uint64_t bytes = (uint64_t)count * entsize;
    if (offset > UINT64_MAX - bytes)
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: %s lies beyond all addresses", what);
    if (!krn_window_has(elf->window, offset, bytes))
        return cut_off(err, what, offset + bytes, elf->window->size);
    return 0;
}

static int check_segment(const struct krn_elf *elf, unsigned index, struct mir_error *err)
{
    struct krn_segment seg;
    char what[32];
    if (krn_elf_segment(elf, index, &seg))
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: program header %u lies too deep in it",
                        index);
    snprintf(what, sizeof what, "segment %u", index);
    if (seg.filesz > UINT64_MAX - seg.offset)
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: %s lies beyond all addresses", what);
    if (seg.filesz && !krn_window_has(elf->window, seg.offset, seg.filesz))
        return cut_off(err, what, seg.offset + seg.filesz, elf->window->size);
    if (seg.type != KRN_PT_LOAD)
        return 0;
    if (seg.filesz > seg.memsz)
        return mir_fail(err, MIR_CORRUPT,
                        "damaged ELF file: %s is larger in the file than in memory", what);
    if (seg.memsz > MEMORY_MAX || seg.paddr > UINT64_MAX - seg.memsz)
        return mir_fail(err, MIR_CORRUPT,
                        "damaged ELF file: %s asks for %" PRIu64 " bytes of memory at 0x%" PRIx64,
                        what, seg.memsz, seg.paddr);
    return 0;
}

/* Loaders do without sections, but a file that has lost some has lost its end. */
static int check_sections(const struct krn_elf *elf, struct mir_error *err)
{
    struct section sec;
    for (unsigned i = 1; !section_at(elf, i, &sec); i++) {
        char what[32];
        if (sec.type == SHT_NOBITS || sec.type == SHT_NULL || !sec.size)
            continue;
        snprintf(what, sizeof what, "section %u", i);
        if (sec.size > UINT64_MAX - sec.offset)
            return mir_fail(err, MIR_CORRUPT, "damaged ELF file: %s lies beyond all addresses",
                            what);
        if (!krn_window_has(elf->window, sec.offset, sec.size))
            return cut_off(err, what, sec.offset + sec.size, elf->window->size);
    }
    return 0;
}

static int check_tables(const struct krn_elf *elf, struct mir_error *err)
{
    const struct layout *at = layout_of(elf);
    if (elf->phnum > PHNUM_MAX)
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: %u program headers", elf->phnum);
    if (check_table(elf, "its program header table", elf->phoff, elf->phnum, elf->phentsize,
                    at->phentsize, err) ||
        check_table(elf, "its section table", elf->shoff, elf->shnum, elf->shentsize, at->shentsize,
                    err))
        return -1;
    for (unsigned i = 0; i < elf->phnum; i++)
        if (check_segment(elf, i, err))
            return -1;
    return check_sections(elf, err);
}

int krn_elf_open(struct krn_elf *elf, const struct krn_window *window, struct mir_error *err)
{
    const unsigned char *p = krn_window_at(window, 0, 20);
    if (!p)
        return cut_off(err, "its header", layouts[0].ehsize, window->size);
    *elf = (struct krn_elf){.window = window, .is64 = p[4] == 2, .big_endian = p[5] == 2};
    if ((p[4] != 1 && p[4] != 2) || (p[5] != 1 && p[5] != 2))
        return mir_fail(err, MIR_CORRUPT, "damaged ELF file: class %u, byte order %u", p[4], p[5]);
    elf->type = elf->big_endian ? krn_be16(p + 16) : krn_le16(p + 16);
    elf->machine = elf->big_endian ? krn_be16(p + 18) : krn_le16(p + 18);
    const struct layout *at = layout_of(elf);
    p = krn_window_at(window, 0, at->ehsize);
    if (!p)
        return cut_off(err, "its header", at->ehsize, window->size);
    if (elf->big_endian)
        return 0;
    elf->entry = word(elf, p + at->e_entry);
    elf->phoff = word(elf, p + at->e_phoff);
    elf->shoff = word(elf, p + at->e_shoff);
    elf->phentsize = krn_le16(p + at->e_tail);
    elf->phnum = krn_le16(p + at->e_tail + 2);
    elf->shentsize = krn_le16(p + at->e_tail + 4);
    elf->shnum = elf->shoff ? krn_le16(p + at->e_tail + 6) : 0;
    elf->shstrndx = krn_le16(p + at->e_tail + 8);
    return check_tables(elf, err);
}

int krn_elf_segment(const struct krn_elf *elf, unsigned index, struct krn_segment *ret)
{
    const struct layout *at = layout_of(elf);
    if (index >= elf->phnum)
        return -1;
    const unsigned char *p =
        krn_window_at(elf->window, elf->phoff + (uint64_t)index * elf->phentsize, at->phentsize);
    if (!p)
        return -1;
    *ret = (struct krn_segment){
        .type = krn_le32(p),
        .offset = word(elf, p + at->p_offset),
        .vaddr = word(elf, p + at->p_vaddr),
        .paddr = word(elf, p + at->p_paddr),
        .filesz = word(elf, p + at->p_filesz),
        .memsz = word(elf, p + at->p_memsz),
    };
    return 0;
}

static uint64_t align4(uint64_t n)
{
    return (n + 3) & ~(uint64_t)3;
}

/* Notes are padded to 4 bytes also where the segment says 8: every producer the house knows. */
static int walk_notes(const unsigned char *p, uint64_t len, unsigned *budget, krn_note_fn *take,
                      void *ctx, struct mir_error *err)
{
    while (p && len >= 12 && *budget) {
        uint64_t name_len = krn_le32(p), desc_len = krn_le32(p + 4);
        uint64_t desc_at = 12 + align4(name_len);
        if (desc_at > len || desc_len > len - desc_at)
            return 0;
        struct krn_note note = {.owner = p + 12,
                                .owner_len = (size_t)name_len,
                                .type = krn_le32(p + 8),
                                .desc = p + desc_at,
                                .desc_len = (size_t)desc_len};
        while (note.owner_len && !note.owner[note.owner_len - 1])
            note.owner_len--;
        (*budget)--;
        int rc = take(ctx, &note, err);
        uint64_t step = desc_at + align4(desc_len);
        if (rc || step >= len)
            return rc;
        p += step;
        len -= step;
    }
    return 0;
}

int krn_elf_notes(const struct krn_elf *elf, krn_note_fn *take, void *ctx, struct mir_error *err)
{
    unsigned budget = NOTES_MAX;
    bool any = false;
    struct krn_segment seg;
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++) {
        if (seg.type != KRN_PT_NOTE || !seg.filesz)
            continue;
        any = true;
        int rc = walk_notes(krn_window_at(elf->window, seg.offset, seg.filesz), seg.filesz, &budget,
                            take, ctx, err);
        if (rc)
            return rc;
    }
    struct section sec;
    for (unsigned i = 0; !any && !section_at(elf, i, &sec); i++) {
        if (sec.type != SHT_NOTE)
            continue;
        int rc = walk_notes(krn_window_at(elf->window, sec.offset, sec.size), sec.size, &budget,
                            take, ctx, err);
        if (rc)
            return rc;
    }
    return 0;
}

int krn_note_owner_is(const struct krn_note *note, const char *owner)
{
    return note->owner_len == strlen(owner) && !memcmp(note->owner, owner, note->owner_len);
}

const unsigned char *krn_elf_section(const struct krn_elf *elf, const char *name, size_t *ret_len)
{
    struct section names, sec;
    if (section_at(elf, elf->shstrndx, &names) || names.type == SHT_NOBITS)
        return NULL;
    size_t name_size = strlen(name) + 1;
    for (unsigned i = 0; !section_at(elf, i, &sec); i++) {
        if (sec.name > names.size || name_size > names.size - sec.name ||
            names.offset > UINT64_MAX - sec.name)
            continue;
        const unsigned char *p = krn_window_at(elf->window, names.offset + sec.name, name_size);
        if (!p || memcmp(p, name, name_size) || sec.type == SHT_NOBITS)
            continue;
        p = krn_window_at(elf->window, sec.offset, sec.size);
        if (p)
            *ret_len = (size_t)sec.size;
        return p;
    }
    return NULL;
}

void krn_elf_machine_name(uint16_t machine, char *out, size_t size)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {
        {KRN_EM_386, "i386"},
        {KRN_EM_X86_64, "x86_64"},
        {KRN_EM_AARCH64, "aarch64"},
        {2, "sparc"},
        {4, "m68k"},
        {8, "mips"},
        {20, "ppc"},
        {21, "ppc64"},
        {22, "s390x"},
        {40, "arm"},
        {43, "sparc64"},
        {243, "riscv"},
        {258, "loongarch"},
    };
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        if (names[i].machine == machine) {
            snprintf(out, size, "%s", names[i].name);
            return;
        }
    }
    snprintf(out, size, "machine %u", machine);
}
