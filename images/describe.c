/* SPDX-License-Identifier: ISC */
#include "describe.h"

#include <stdio.h>

#define MIB ((uint64_t)1 << 20)
#define MIN_MEMORY (16 * MIB)
#define MEMORY_MAX ((uint64_t)1 << 40)

/* What is needed beside the bytes that are loaded: stack, heap, page tables, buffers. A floor to
 * refuse what cannot work, not a recommendation. */
static const struct {
    uint64_t headroom;
    const char *text;
} formats[MIR_FORMAT_COUNT] = {
    [MIR_FORMAT_UNKNOWN] = {0, "not a kernel or disk that is known here"},
    [MIR_FORMAT_XEN_PV] = {24 * MIB, "classic Xen PV kernel"},
    [MIR_FORMAT_XEN_PVH] = {8 * MIB, "Xen PVH kernel"},
    [MIR_FORMAT_SOLO5_HVT] = {8 * MIB, "Solo5 hvt kernel"},
    [MIR_FORMAT_SOLO5_SPT] = {8 * MIB, "Solo5 spt kernel"},
    [MIR_FORMAT_SOLO5_VIRTIO] = {8 * MIB, "Solo5 virtio kernel"},
    [MIR_FORMAT_SOLO5_MUEN] = {8 * MIB, "Solo5 muen kernel"},
    [MIR_FORMAT_SOLO5_XEN] = {8 * MIB, "Solo5 xen kernel (PVH)"},
    [MIR_FORMAT_MULTIBOOT1] = {8 * MIB, "multiboot 1 kernel"},
    [MIR_FORMAT_MULTIBOOT2] = {8 * MIB, "multiboot 2 kernel"},
    [MIR_FORMAT_LINUX] = {64 * MIB, "image with the Linux boot protocol"},
    [MIR_FORMAT_DISK_RAW] = {128 * MIB, "raw disk image"},
    [MIR_FORMAT_DISK_QCOW2] = {128 * MIB, "qcow2 disk image"},
    [MIR_FORMAT_DISK_VHD] = {128 * MIB, "VHD disk image"},
    [MIR_FORMAT_DISK_VMDK] = {128 * MIB, "VMDK disk image"},
    [MIR_FORMAT_ELF] = {0, "ELF file without a boot header"},
};

static const struct {
    uint64_t condition;
    const char *text;
} specials[] = {
    {KRN_PACKED_TWICE, "a compressed file inside a compressed file"},
    {KRN_BIG_ENDIAN, "big-endian ELF file"},
    {KRN_OTHER_DISK, "disk image"},
    {KRN_EFI_DRIVER, "PE file that is no EFI application"},
    {KRN_SOLO5_STUB, "Solo5 stub (no target)"},
    {KRN_SOLO5_OTHER, "Solo5 kernel for another target"},
    {KRN_OBJECT_FILE, "ELF object or core file"},
    {KRN_LINUX_PROGRAM, "ELF program for an operating system"},
};

static const char *title_of(const struct krn_facts *facts)
{
    for (size_t i = 0; i < MIR_NELEMS(specials); i++)
        if (facts->conditions & specials[i].condition)
            return specials[i].text;
    if (facts->kernel.boot_ways & MIR_BOOT_EFI_APP)
        return "EFI application";
    return formats[facts->kernel.format].text;
}

static const char *also_of(const struct krn_facts *facts)
{
    const struct mir_kernel *k = &facts->kernel;
    uint32_t mb = MIR_BOOT_MULTIBOOT1 | MIR_BOOT_MULTIBOOT2;
    if (k->format == MIR_FORMAT_XEN_PVH && (k->boot_ways & mb))
        return ", also multiboot";
    if (k->format == MIR_FORMAT_XEN_PVH && (k->boot_ways & MIR_BOOT_XEN_PV_NOTES))
        return ", also Xen PV";
    if (k->format == MIR_FORMAT_XEN_PV)
        return k->boot_ways & MIR_BOOT_XEN_PV_NOTES ? ", by notes" : ", by __xen_guest string";
    if (k->format == MIR_FORMAT_MULTIBOOT1 && (k->boot_ways & MIR_BOOT_MULTIBOOT2))
        return ", also multiboot 2";
    return "";
}

void krn_describe(struct krn_facts *facts)
{
    const char *guest = facts->guest_os, *detail = facts->detail;
    snprintf(facts->kernel.description, sizeof facts->kernel.description, "%s%s%s%s%s%s%s",
             title_of(facts), *guest ? " (" : "", guest, *guest ? ")" : "", also_of(facts),
             *detail ? ", " : "", detail);
}

/* What is loaded, rounded up to whole MiB, plus the headroom of the format, and never less than
 * 16 MiB. 0 for a file that starts nowhere. */
void krn_min_memory(struct krn_facts *facts)
{
    struct mir_kernel *k = &facts->kernel;
    uint64_t headroom = formats[k->format].headroom;
    if (!headroom)
        return;
    uint64_t load = k->load_bytes < MEMORY_MAX ? k->load_bytes : MEMORY_MAX;
    uint64_t need = (load + MIB - 1) / MIB * MIB + headroom;
    k->min_memory_bytes = need < MIN_MEMORY ? MIN_MEMORY : need;
}
