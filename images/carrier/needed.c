/* SPDX-License-Identifier: ISC */
#include "needed.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "elf.h"

#define PT_DYNAMIC 2
#define ENTRIES_MAX 1024
enum { DT_NULL = 0, DT_NEEDED = 1, DT_STRTAB = 5 };

void img_needed_clear(struct img_needed *needed)
{
    free(needed->interpreter);
    for (size_t i = 0; i < needed->count; i++)
        free(needed->libraries[i]);
    *needed = (struct img_needed){0};
}

bool img_is_elf(const void *bytes, size_t len)
{
    return len > 4 && !memcmp(bytes, "\177ELF", 4);
}

/* A text in the file; NULL when it does not end in there. */
static const char *text_at(const struct krn_window *window, uint64_t offset)
{
    if (offset >= window->kept)
        return NULL;
    const char *text = (const char *)window->data + offset;
    return memchr(text, 0, window->kept - (size_t)offset) ? text : NULL;
}

/* Where in the file the address lies; UINT64_MAX: nowhere. */
static uint64_t offset_of(const struct krn_elf *elf, uint64_t address)
{
    struct krn_segment seg;
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++)
        if (seg.type == KRN_PT_LOAD && address >= seg.vaddr && address - seg.vaddr < seg.filesz)
            return seg.offset + (address - seg.vaddr);
    return UINT64_MAX;
}

/* The value of the index-th entry with that tag; false when there is none. */
static bool dynamic(const struct krn_elf *elf, const struct krn_segment *seg, uint64_t tag,
                    unsigned index, uint64_t *ret)
{
    for (unsigned i = 0; i < ENTRIES_MAX && (uint64_t)(i + 1) * 16 <= seg->filesz; i++) {
        const unsigned char *p = krn_window_at(elf->window, seg->offset + (uint64_t)i * 16, 16);
        if (!p || krn_le64(p) == DT_NULL)
            return false;
        if (krn_le64(p) == tag && !index--) {
            *ret = krn_le64(p + 8);
            return true;
        }
    }
    return false;
}

static int read_dynamic(const struct krn_elf *elf, const struct krn_segment *seg,
                        struct img_needed *ret, struct mir_error *err)
{
    uint64_t strings = 0, name;
    if (dynamic(elf, seg, DT_STRTAB, 0, &strings))
        strings = offset_of(elf, strings);
    for (unsigned i = 0; dynamic(elf, seg, DT_NEEDED, i, &name); i++) {
        const char *text =
            strings <= UINT64_MAX - name ? text_at(elf->window, strings + name) : NULL;
        if (!text || !*text || strchr(text, '/') || strlen(text) > 200)
            return mir_fail(err, MIR_CORRUPT, "a library that it needs has no name");
        if (i == IMG_NEEDED_MAX)
            return mir_fail(err, MIR_CORRUPT, "it needs more than %d libraries", IMG_NEEDED_MAX);
        ret->libraries[ret->count++] = mir_strdup(text);
    }
    return 0;
}

static int read_segments(const struct krn_elf *elf, struct img_needed *ret, struct mir_error *err)
{
    struct krn_segment seg;
    for (unsigned i = 0; !krn_elf_segment(elf, i, &seg); i++) {
        if (seg.type == PT_DYNAMIC && read_dynamic(elf, &seg, ret, err))
            return -1;
        if (seg.type != KRN_PT_INTERP || ret->interpreter)
            continue;
        const char *text = text_at(elf->window, seg.offset);
        if (!text || *text != '/' || strlen(text) > 200)
            return mir_fail(err, MIR_CORRUPT, "its interpreter has no name");
        ret->interpreter = mir_strdup(text + 1);
    }
    return 0;
}

static int open_elf(struct krn_window *window, struct krn_elf *elf, const void *bytes, size_t len,
                    struct mir_error *err)
{
    krn_window_init(window, krn_limits_default());
    krn_window_add(window, bytes, len);
    return krn_elf_open(elf, window, err);
}

int img_needed_read(const void *bytes, size_t len, struct img_needed *ret, struct mir_error *err)
{
    struct krn_window window;
    struct krn_elf elf;
    struct img_needed needed = {0};
    if (!img_is_elf(bytes, len))
        return mir_fail(err, MIR_CORRUPT, "no ELF file");
    int rc = open_elf(&window, &elf, bytes, len, err);
    if (!rc && (!elf.is64 || elf.machine != KRN_EM_X86_64))
        rc = mir_fail(err, MIR_CORRUPT, "not for x86-64");
    if (!rc)
        rc = read_segments(&elf, &needed, err);
    krn_window_clear(&window);
    if (rc) {
        img_needed_clear(&needed);
        return -1;
    }
    *ret = needed;
    return 0;
}

char *img_modinfo(const void *bytes, size_t len, const char *key)
{
    struct krn_window window;
    struct krn_elf elf;
    size_t size = 0, key_len = strlen(key);
    char *found = NULL;
    const unsigned char *p =
        open_elf(&window, &elf, bytes, len, NULL) ? NULL : krn_elf_section(&elf, ".modinfo", &size);
    for (size_t at = 0; p && at < size && !found;) {
        const char *text = (const char *)p + at;
        size_t n = strnlen(text, size - at);
        if (n > key_len && text[key_len] == '=' && !strncmp(text, key, key_len))
            found = mir_format("%.*s", (int)(n - key_len - 1), text + key_len + 1);
        at += n + 1;
    }
    krn_window_clear(&window);
    return found ? found : mir_strdup("");
}
