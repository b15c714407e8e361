/* SPDX-License-Identifier: ISC */
/*
 * The Linux boot protocol: x86 bzImage ("HdrS") and the arm64 Image.
 * Format: the kernel's Documentation/arch/x86/boot.rst and arch/arm64/booting.rst.
 */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "probes.h"

#define SETUP_HEADER 0x268
#define XLF_KERNEL_64 1

static int probe_x86(const struct krn_window *window, struct krn_facts *facts,
                     struct mir_error *err)
{
    const unsigned char *p = krn_window_at(window, 0, 0x230);
    if (!p || krn_le16(p + 0x1fe) != 0xaa55 || memcmp(p + 0x202, "HdrS", 4))
        return 0;
    struct mir_kernel *k = &facts->kernel;
    unsigned version = krn_le16(p + 0x206);
    unsigned setup_sectors = p[0x1f1] ? p[0x1f1] : 4;
    /* syssize counts 16-byte units and may round up beyond the end. */
    uint64_t setup = (setup_sectors + 1) * 512u, system = (uint64_t)krn_le32(p + 0x1f4) * 16;
    k->format = MIR_FORMAT_LINUX;
    k->boot_ways |= MIR_BOOT_LINUX;
    k->arch = MIR_ARCH_I386;
    k->load_bytes = krn_le32(p + 0x214) + system;
    const unsigned char *full = krn_window_at(window, 0, SETUP_HEADER);
    if (full && version >= 0x20a)
        k->load_bytes = krn_le64(full + 0x258) % UINT32_MAX + krn_le32(full + 0x260);
    if (full && version >= 0x20c && (krn_le16(full + 0x236) & XLF_KERNEL_64))
        k->arch = MIR_ARCH_X86_64;
    snprintf(facts->detail, sizeof facts->detail, "protocol %u.%02u", version >> 8, version & 0xff);
    if (window->size < setup || (version >= 0x204 && window->size + 16 < setup + system)) {
        mir_fail(err, MIR_CORRUPT, "the Linux image is cut off: %llu bytes are announced",
                 (unsigned long long)(setup + system));
        return mir_error_hint(err, "fetch or copy the file again");
    }
    return 0;
}

static int probe_arm64(const struct krn_window *window, struct krn_facts *facts)
{
    const unsigned char *p = krn_window_at(window, 0, 64);
    if (!p || memcmp(p + 0x38, "ARM\x64", 4))
        return 0;
    struct mir_kernel *k = &facts->kernel;
    k->format = MIR_FORMAT_LINUX;
    k->boot_ways |= MIR_BOOT_LINUX;
    k->arch = MIR_ARCH_AARCH64;
    k->load_bytes = krn_le64(p + 16) & UINT32_MAX;
    snprintf(facts->machine, sizeof facts->machine, "aarch64");
    snprintf(facts->detail, sizeof facts->detail, "Image");
    return 0;
}

int krn_probe_linux(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    return probe_x86(window, facts, err) || probe_arm64(window, facts) ? -1 : 0;
}
