/* SPDX-License-Identifier: ISC */
#include "vmlinux.h"

#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "elf.h"

#define WORD ((size_t)4)
#define LISTS_MAX 3 /* of 64 bits, of 32 bits that count down (until Linux 6.14), of 32 bits */
#define BTF_HEAD 24
#define BTF_MAGIC 0xeb9f
#define BTF_VERSION 1

/* --- what stands behind it --- */

/* The addresses from the first byte in memory to behind the last; but for the section of variables
 * per processor, which says that it begins at 0, and stands among the others. */
struct span {
    uint64_t begin, end;
};

static struct span find_span(const struct krn_elf *elf)
{
    struct krn_segment seg;
    struct span span = {.begin = UINT64_MAX};
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++) {
        if (seg.type != KRN_PT_LOAD || !seg.vaddr || seg.memsz > UINT64_MAX - seg.vaddr)
            continue;
        span.begin = seg.vaddr < span.begin ? seg.vaddr : span.begin;
        span.end = seg.vaddr + seg.memsz > span.end ? seg.vaddr + seg.memsz : span.end;
    }
    return span;
}

static bool are_relocations(const unsigned char *p, size_t len, const struct span *span)
{
    unsigned lists = 0;
    if (len % WORD || krn_le32(p))
        return false;
    for (size_t at = 0; at < len; at += WORD) {
        uint32_t word = krn_le32(p + at);
        uint64_t address = word | (word >> 31 ? (uint64_t)UINT32_MAX << 32 : 0);
        if (!word)
            lists++;
        else if (address < span->begin || address >= span->end)
            return false;
    }
    return lists <= LISTS_MAX;
}

/* The table of sections is the last of an ELF file that is whole without what stands behind it. */
static const char *cut_relocations(const struct krn_elf *elf, size_t *len, size_t *ret_cut)
{
    uint64_t end = elf->shoff + (uint64_t)elf->shnum * elf->shentsize;
    if (end == *len || !elf->shnum)
        return "nothing stands behind the ELF file";
    const struct krn_window shorter = {.data = elf->window->data, .kept = (size_t)end, .size = end};
    struct krn_elf whole;
    size_t behind = *len - (size_t)end;
    struct span span = find_span(elf);
    if (krn_elf_open(&whole, &shorter, NULL) || behind < WORD ||
        !are_relocations(elf->window->data + end, behind, &span))
        return "what stands behind the ELF file are no lists of addresses";
    *len = (size_t)end;
    *ret_cut = behind;
    return NULL;
}

/* --- its types --- */

/* A header of this version, with types right behind it and their names behind these, to the end. */
static bool are_types(const unsigned char *p, size_t len)
{
    if (!p || len < BTF_HEAD || krn_le16(p) != BTF_MAGIC || p[2] != BTF_VERSION)
        return false;
    uint64_t types_at = krn_le32(p + 8), types = krn_le32(p + 12);
    uint64_t names_at = krn_le32(p + 16), names = krn_le32(p + 20);
    return krn_le32(p + 4) == BTF_HEAD && !types_at && names_at == types &&
           BTF_HEAD + types + names == len;
}

static const char *blank_types(const struct krn_elf *elf, bool wanted, size_t *ret_blanked)
{
    size_t len = 0;
    const unsigned char *p = krn_elf_section(elf, ".BTF", &len);
    if (!wanted)
        return "its configuration does not say CONFIG_MODULE_ALLOW_BTF_MISMATCH=y";
    if (!are_types(p, len))
        return "it has no section .BTF of the form that is known";
    memset(elf->window->data + (p - elf->window->data), 0, len);
    *ret_blanked = len;
    return NULL;
}

void img_vmlinux_spare(unsigned char *kernel, size_t *len, bool types, struct img_spared *ret)
{
    static const char no_elf[] = "it is no whole ELF file for x86-64";
    /* All of it is there already, so the window need not keep any. */
    const struct krn_window window = {.data = kernel, .kept = *len, .size = *len};
    struct krn_elf elf;
    *ret = (struct img_spared){.relocations_why = no_elf, .types_why = no_elf};
    if (!krn_is_elf(&window) || krn_elf_open(&elf, &window, NULL) || elf.big_endian || !elf.is64 ||
        elf.machine != KRN_EM_X86_64)
        return;
    ret->types_why = blank_types(&elf, types, &ret->types);
    ret->relocations_why = cut_relocations(&elf, len, &ret->relocations);
}

bool img_vmlinux_needs_no_types(const void *config, size_t len)
{
    static const char line[] = "\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n";
    return memmem(config, len, line, sizeof line - 1) != NULL;
}
