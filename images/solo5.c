/* SPDX-License-Identifier: ISC */
/*
 * Solo5 kernels: the ABI note (target and version) and the manifest note (devices).
 * Format: Solo5's elf_abi.h and mft_abi.h; names and numbers only.
 */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "probes.h"

#define NOTE_ABI1 0x31494241u /* "ABI1" */
#define NOTE_MFT1 0x3154464du /* "MFT1" */
#define MFT_HEAD 12           /* four bytes of padding, version, number of entries */
#define MFT_ENTRY 104
#define MFT_NAME 68
#define MFT_ENTRIES_MAX 64
#define MFT_RESERVED 0x40000000u /* types from here on are Solo5's own */

static const struct {
    enum mir_format format;
    enum mir_powers_off powers_off;
    const char *name;
} targets[] = {
    /* A tender ends with its guest; Xen destroys the domain on a power-off hypercall. virtio can
     * power off only since Solo5 0.12.0, and no note tells the release. */
    [1] = {MIR_FORMAT_SOLO5_HVT, MIR_POWERS_OFF_YES, "hvt"},
    [2] = {MIR_FORMAT_SOLO5_SPT, MIR_POWERS_OFF_YES, "spt"},
    [3] = {MIR_FORMAT_SOLO5_VIRTIO, MIR_POWERS_OFF_UNKNOWN, "virtio"},
    [4] = {MIR_FORMAT_SOLO5_MUEN, MIR_POWERS_OFF_UNKNOWN, "muen"},
    [5] = {MIR_FORMAT_ELF, MIR_POWERS_OFF_UNKNOWN, "genode"},
    [6] = {MIR_FORMAT_SOLO5_XEN, MIR_POWERS_OFF_YES, "xen"},
};

static int take_abi(struct krn_facts *facts, const struct krn_note *note, struct mir_error *err)
{
    if (note->desc_len < 8)
        return mir_fail(err, MIR_CORRUPT, "the Solo5 ABI note is too short");
    uint32_t target = krn_le32(note->desc);
    struct mir_kernel *k = &facts->kernel;
    k->solo5_abi_version = krn_le32(note->desc + 4);
    k->boot_ways |= MIR_BOOT_SOLO5;
    if (!target || target >= MIR_NELEMS(targets)) {
        k->format = MIR_FORMAT_ELF;
        facts->conditions |= KRN_SOLO5_OTHER;
        snprintf(facts->guest_os, sizeof facts->guest_os, "target %u", target);
        return 0;
    }
    k->format = targets[target].format;
    k->powers_off = targets[target].powers_off;
    mir_copy(facts->guest_os, sizeof facts->guest_os, targets[target].name);
    if (k->format == MIR_FORMAT_ELF)
        facts->conditions |= KRN_SOLO5_OTHER;
    return 0;
}

static int take_device(struct krn_facts *facts, const unsigned char *entry, struct mir_error *err)
{
    struct mir_kernel *k = &facts->kernel;
    uint32_t type = krn_le32(entry + MFT_NAME);
    if (type >= MFT_RESERVED)
        return 0;
    if (!entry[0] || !memchr(entry, 0, MFT_NAME))
        return mir_fail(err, MIR_CORRUPT, "the Solo5 manifest names a device without a valid name");
    if (k->device_count >= MIR_KERNEL_DEVICES_MAX)
        return mir_fail(err, MIR_CORRUPT, "the Solo5 manifest names more than %d devices",
                        MIR_KERNEL_DEVICES_MAX);
    struct mir_device *device = &k->devices[k->device_count++];
    krn_text(device->name, sizeof device->name, entry, MFT_NAME);
    device->kind = type == 1 ? MIR_DEVICE_BLOCK : type == 2 ? MIR_DEVICE_NET : MIR_DEVICE_OTHER;
    return 0;
}

static int take_manifest(struct krn_facts *facts, const struct krn_note *note,
                         struct mir_error *err)
{
    if (note->desc_len < MFT_HEAD)
        return mir_fail(err, MIR_CORRUPT, "the Solo5 manifest is too short");
    uint32_t version = krn_le32(note->desc + 4), entries = krn_le32(note->desc + 8);
    if (version != 1)
        return mir_fail(err, MIR_CORRUPT, "the Solo5 manifest has version %u; only 1 is known",
                        version);
    if (entries > MFT_ENTRIES_MAX || note->desc_len < MFT_HEAD + (size_t)entries * MFT_ENTRY)
        return mir_fail(err, MIR_CORRUPT,
                        "the Solo5 manifest announces %u entries and does not hold them", entries);
    struct mir_kernel *k = &facts->kernel;
    unsigned networks = 0;
    k->device_count = 0;
    facts->conditions |= KRN_SOLO5_STUB; /* until an ABI note says otherwise */
    for (uint32_t i = 0; i < entries; i++)
        if (take_device(facts, note->desc + MFT_HEAD + (size_t)i * MFT_ENTRY, err))
            return -1;
    for (unsigned i = 0; i < k->device_count; i++)
        networks += k->devices[i].kind == MIR_DEVICE_NET;
    if (networks > 1)
        facts->conditions |= KRN_TWO_NETWORKS;
    return 0;
}

static int take_note(void *ctx, const struct krn_note *note, struct mir_error *err)
{
    if (!krn_note_owner_is(note, "Solo5"))
        return 0;
    if (note->type == NOTE_ABI1)
        return take_abi(ctx, note, err);
    if (note->type == NOTE_MFT1)
        return take_manifest(ctx, note, err);
    return 0;
}

int krn_probe_solo5(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err)
{
    if (krn_elf_notes(elf, take_note, facts, err))
        return -1;
    if (facts->kernel.boot_ways & MIR_BOOT_SOLO5)
        facts->conditions &= ~KRN_SOLO5_STUB;
    return 0;
}
