/* SPDX-License-Identifier: ISC */
/* Format of the notes: Solo5's elf_abi.h; names and numbers only. */
#include "solo5_kind.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NOTE_ABI 0x31494241U /* "ABI1" */
#define OWNER "Solo5"

struct span {
    const unsigned char *at;
    size_t len;
};

/* Copies size bytes from an offset; false where the file ends before. */
static bool take(const struct span *from, uint64_t offset, void *ret, size_t size)
{
    if (offset > from->len || size > from->len - offset)
        return false;
    memcpy(ret, from->at + offset, size);
    return true;
}

static size_t padded(uint32_t len)
{
    return ((size_t)len + 3) / 4 * 4;
}

static enum car_solo5_kind kind_of(uint32_t target)
{
    static const enum car_solo5_kind kinds[] = {CAR_SOLO5_UNSAID, CAR_SOLO5_HVT, CAR_SOLO5_SPT};

    return target < sizeof(kinds) / sizeof(kinds[0]) ? kinds[target] : CAR_SOLO5_UNSAID;
}

static enum car_solo5_kind in_notes(const struct span *notes)
{
    Elf64_Nhdr head;
    uint32_t target;

    for (size_t at = 0; take(notes, at, &head, sizeof(head));
         at += sizeof(head) + padded(head.n_namesz) + padded(head.n_descsz)) {
        size_t name = at + sizeof(head);
        char owner[sizeof(OWNER)];

        if (head.n_type == NOTE_ABI && head.n_namesz == sizeof(owner) &&
            take(notes, name, owner, sizeof(owner)) && memcmp(owner, OWNER, sizeof(owner)) == 0 &&
            take(notes, name + padded(sizeof(owner)), &target, sizeof(target)))
            return kind_of(target);
    }
    return CAR_SOLO5_UNSAID;
}

enum car_solo5_kind car_solo5_kind(const unsigned char *file, size_t len)
{
    const struct span all = {file, len};
    enum car_solo5_kind kind = CAR_SOLO5_UNSAID;
    Elf64_Ehdr head;
    Elf64_Phdr part;

    if (!take(&all, 0, &head, sizeof(head)) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phoff > len)
        return CAR_SOLO5_UNSAID;
    for (unsigned i = 0; i < head.e_phnum && kind == CAR_SOLO5_UNSAID &&
                         take(&all, head.e_phoff + i * sizeof(part), &part, sizeof(part));
         i++) {
        if (part.p_type == PT_NOTE && part.p_offset <= len && part.p_filesz <= len - part.p_offset)
            kind = in_notes(&(struct span){file + part.p_offset, part.p_filesz});
    }
    return kind;
}
