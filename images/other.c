/* SPDX-License-Identifier: ISC */
/*
 * Files that are recognised and have no format of their own: PE programs for EFI firmware (unified
 * kernel images among them), and disks in containers that nothing here starts.
 * Formats: Microsoft's PE specification, UAPI's unified kernel image, VMware's VMDK 5.0 note,
 * Microsoft's VHDX, VirtualBox's VDI, QEMU's QED.
 */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "probes.h"

/* --- PE --- */

#define PE_OFFSET 0x3c
#define PE_HEAD 24      /* signature and COFF header */
#define PE_SUBSYSTEM 68 /* in the optional header, 32 and 64 bit alike */
#define PE_SECTION 40
#define PE_SECTIONS_MAX 96
#define EFI_APPLICATION 10

static const struct {
    uint16_t machine;
    enum mir_arch arch;
} machines[] = {{0x014c, MIR_ARCH_I386}, {0x8664, MIR_ARCH_X86_64}, {0xaa64, MIR_ARCH_AARCH64}};

static bool has_section(const unsigned char *sections, unsigned count, const char *name)
{
    size_t len = strlen(name);
    for (unsigned i = 0; i < count; i++)
        if (!memcmp(sections + (size_t)i * PE_SECTION, name, len) &&
            (len == 8 || !sections[(size_t)i * PE_SECTION + len]))
            return true;
    return false;
}

/* What systemd's stub is linked with: the kernel, its initrd, its arguments. */
static void describe_sections(const unsigned char *sections, unsigned count,
                              struct krn_facts *facts)
{
    bool unified = has_section(sections, count, ".linux");
    snprintf(facts->guest_os, sizeof facts->guest_os, "%s", unified ? "unified kernel image" : "");
    snprintf(facts->detail, sizeof facts->detail, "%s%s%s", mir_arch_name(facts->kernel.arch),
             unified && has_section(sections, count, ".initrd") ? ", with initrd" : "",
             unified && has_section(sections, count, ".cmdline") ? ", with arguments" : "");
}

int krn_probe_efi(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    const unsigned char *dos = krn_window_at(window, 0, 64);
    if (!dos || memcmp(dos, "MZ", 2) != 0)
        return 0;
    uint64_t at = krn_le32(dos + PE_OFFSET);
    const unsigned char *pe = krn_window_at(window, at, PE_HEAD + PE_SUBSYSTEM + 2);
    if (!pe || memcmp(pe, "PE\0\0", 4) != 0)
        return 0;
    unsigned count = krn_le16(pe + 6), optional = krn_le16(pe + 20);
    if (krn_le16(pe + PE_HEAD + PE_SUBSYSTEM) != EFI_APPLICATION) {
        facts->conditions |= KRN_EFI_DRIVER;
        return 0;
    }
    facts->kernel.boot_ways |= MIR_BOOT_EFI_APP;
    for (size_t i = 0; i < MIR_NELEMS(machines); i++)
        if (machines[i].machine == krn_le16(pe + 4))
            facts->kernel.arch = machines[i].arch;
    if (facts->kernel.arch == MIR_ARCH_UNKNOWN)
        facts->conditions |= KRN_OTHER_MACHINE;
    const unsigned char *sections =
        count <= PE_SECTIONS_MAX
            ? krn_window_at(window, at + PE_HEAD + optional, (uint64_t)count * PE_SECTION)
            : NULL;
    if (!sections)
        return mir_fail(err, MIR_CORRUPT,
                        "the EFI application is cut off or damaged: it names %u "
                        "sections that are not there",
                        count);
    describe_sections(sections, count, facts);
    return 0;
}

/* --- disks --- */

static const struct {
    unsigned at;
    const char *magic;
    unsigned len;
    const char *name;
} disks[] = {
    {0, "COWD", 4, "VMDK of ESX"},
    {0, "# Disk DescriptorFile", 21, "VMDK descriptor without a disk"},
    {0, "vhdxfile", 8, "VHDX"},
    {0, "QED\0", 4, "QED"},
    {0x40, "\x7f\x10\xda\xbe", 4, "VDI"},
};

int krn_probe_other_disk(const struct krn_window *window, struct krn_facts *facts,
                         struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(disks); i++) {
        const unsigned char *p = krn_window_at(window, disks[i].at, disks[i].len);
        if (!p || memcmp(p, disks[i].magic, disks[i].len) != 0)
            continue;
        facts->conditions |= KRN_OTHER_DISK;
        snprintf(facts->guest_os, sizeof facts->guest_os, "%s", disks[i].name);
        return 0;
    }
    return 0;
}
