/* SPDX-License-Identifier: ISC */
/*
 * Multiboot 1 and 2 headers, found by magic and checksum where their specifications allow them:
 * within the first 8 KiB on 4 bytes, within the first 32 KiB on 8 bytes.
 */
#include "bytes.h"
#include "probes.h"

#define MB1_MAGIC 0x1BADB002u
#define MB1_SEARCH 8192
#define MB1_HEADER 12
#define MB1_ADDRESSES 32 /* header with address fields */
#define MB1_HAS_ADDRESSES (1u << 16)
#define MB2_MAGIC 0xE85250D6u
#define MB2_SEARCH 32768
#define MB2_HEADER 16

static const unsigned char *find(const struct krn_window *window, size_t search, size_t align,
                                 size_t header, int (*is)(const unsigned char *p),
                                 uint64_t *ret_offset)
{
    for (uint64_t at = 0; at + header <= search; at += align) {
        const unsigned char *p = krn_window_at(window, at, header);
        if (!p)
            return NULL;
        if (is(p)) {
            *ret_offset = at;
            return p;
        }
    }
    return NULL;
}

static int is_mb1(const unsigned char *p)
{
    return krn_le32(p) == MB1_MAGIC && krn_le32(p) + krn_le32(p + 4) + krn_le32(p + 8) == 0;
}

static int is_mb2(const unsigned char *p)
{
    return krn_le32(p) == MB2_MAGIC &&
           krn_le32(p) + krn_le32(p + 4) + krn_le32(p + 8) + krn_le32(p + 12) == 0;
}

struct addresses {
    uint32_t header, load, load_end, bss_end, entry;
};

/* The fields have to describe a piece of this very file, as a loader would check. */
static int read_addresses(const struct krn_window *window, uint64_t at, struct addresses *ret)
{
    const unsigned char *p = krn_window_at(window, at, MB1_ADDRESSES);
    if (!p)
        return -1;
    struct addresses a = {krn_le32(p + 12), krn_le32(p + 16), krn_le32(p + 20), krn_le32(p + 24),
                          krn_le32(p + 28)};
    if (a.header < a.load || a.header - a.load > at)
        return -1;
    uint64_t from = at - (a.header - a.load);
    uint64_t text = a.load_end ? (uint64_t)a.load_end - a.load : window->size - from;
    if ((a.load_end && a.load_end < a.load) || !krn_window_has(window, from, text))
        return -1;
    if (a.bss_end && a.bss_end < a.load + text)
        return -1;
    *ret = a;
    return 0;
}

static void take_mb1(const struct krn_window *window, const struct krn_elf *elf, uint64_t at,
                     uint32_t flags, struct krn_facts *facts)
{
    struct mir_kernel *k = &facts->kernel;
    struct addresses a;
    bool fields = (flags & MB1_HAS_ADDRESSES) && !read_addresses(window, at, &a);
    if (!elf && !fields)
        return; /* four bytes and a checksum alone do not make a flat file a kernel */
    k->boot_ways |= MIR_BOOT_MULTIBOOT1;
    if (fields || (elf && !elf->is64 && elf->machine == KRN_EM_386))
        facts->conditions |= KRN_MB1_LOADABLE;
    if (!elf) {
        k->format = MIR_FORMAT_MULTIBOOT1;
        k->arch = MIR_ARCH_I386;
        k->entry = a.entry;
        k->load_bytes = a.bss_end ? a.bss_end : a.load_end ? a.load_end : a.load + window->size;
    }
}

int krn_probe_multiboot(const struct krn_window *window, const struct krn_elf *elf,
                        struct krn_facts *facts, struct mir_error *err)
{
    uint64_t at;
    const unsigned char *p = find(window, MB1_SEARCH, 4, MB1_HEADER, is_mb1, &at);
    if (p)
        take_mb1(window, elf, at, krn_le32(p + 4), facts);
    if (elf && find(window, MB2_SEARCH, 8, MB2_HEADER, is_mb2, &at))
        facts->kernel.boot_ways |= MIR_BOOT_MULTIBOOT2;
    return 0;
}
