/* SPDX-License-Identifier: ISC */
/*
 * Xen guests: PVH entry note, PV notes, and the string section of the years before notes.
 * Format: Xen's public/elfnote.h (note owner "Xen") and its older __xen_guest convention.
 */
#include <string.h>

#include "bytes.h"
#include "probes.h"

enum {
    XEN_HYPERCALL_PAGE = 2,
    XEN_VIRT_BASE = 3,
    XEN_VERSION = 5,
    XEN_GUEST_OS = 6,
    XEN_LOADER = 8,
    XEN_PHYS32_ENTRY = 18,
};

static int take_note(void *ctx, const struct krn_note *note, struct mir_error *err)
{
    struct krn_facts *facts = ctx;
    if (!krn_note_owner_is(note, "Xen"))
        return 0;
    switch (note->type) {
    case XEN_PHYS32_ENTRY:
        if (note->desc_len < 4)
            return mir_fail(err, MIR_CORRUPT, "the Xen PVH note holds no entry address");
        facts->kernel.boot_ways |= MIR_BOOT_PVH;
        facts->kernel.entry = krn_le32(note->desc);
        return 0;
    case XEN_GUEST_OS:
        krn_text(facts->guest_os, sizeof facts->guest_os, note->desc, note->desc_len);
        facts->kernel.boot_ways |= MIR_BOOT_XEN_PV_NOTES;
        return 0;
    case XEN_HYPERCALL_PAGE:
    case XEN_VIRT_BASE:
    case XEN_VERSION:
    case XEN_LOADER:
        facts->kernel.boot_ways |= MIR_BOOT_XEN_PV_NOTES;
        return 0;
    default:
        return 0;
    }
}

/* "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,...": one string, comma-separated. */
static void take_string(struct krn_facts *facts, const unsigned char *text, size_t len)
{
    static const char key[] = "GUEST_OS=";
    const size_t key_len = sizeof key - 1;
    facts->kernel.boot_ways |= MIR_BOOT_XEN_PV_STRING;
    for (size_t at = 0; at < len && text[at];) {
        const unsigned char *comma = memchr(text + at, ',', len - at);
        size_t word = comma ? (size_t)(comma - text) - at : len - at;
        if (word > key_len && !memcmp(text + at, key, key_len))
            krn_text(facts->guest_os, sizeof facts->guest_os, text + at + key_len, word - key_len);
        at += word + 1;
    }
}

int krn_probe_xen(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err)
{
    if (krn_elf_notes(elf, take_note, facts, err))
        return -1;
    size_t len = 0;
    const unsigned char *text = krn_elf_section(elf, "__xen_guest", &len);
    if (text)
        take_string(facts, text, len);
    return 0;
}
