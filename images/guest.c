/* SPDX-License-Identifier: ISC */
/*
 * Whose kernel or disk it is, where the content says so and it matters for what starts it:
 * Unikraft's sections (its support/scripts/uk-libinfo.py), OSv's boot sector (arch/x64/boot16.S),
 * Nanos's file system (the magic in front of its log).
 */
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "probes.h"

#define SECTOR 512
#define DISK_ID 0x1b8
#define PARTITIONS 446

static void name_guest(struct krn_facts *facts, const char *name)
{
    mir_copy(facts->guest_os, sizeof facts->guest_os, name);
}

/* An ELF32 of Unikraft holds 64-bit code behind a 32-bit entry, for the sake of multiboot loaders:
 * it needs a 64-bit processor. */
void krn_probe_unikraft(const struct krn_elf *elf, struct krn_facts *facts)
{
    static const char *const sections[] = {".uk_libinfo", ".uk_inittab", ".uk_ctortab"};
    struct mir_kernel *k = &facts->kernel;
    bool found = false;
    size_t len;
    for (size_t i = 0; i < MIR_NELEMS(sections); i++)
        found |= krn_elf_section(elf, sections[i], &len) != NULL;
    if (!found || (k->boot_ways & MIR_BOOT_SOLO5))
        return;
    facts->conditions |= KRN_UNIKRAFT;
    name_guest(facts, "Unikraft");
    if (k->arch == MIR_ARCH_I386)
        k->arch = MIR_ARCH_X86_64;
}

void krn_probe_osv(const unsigned char *sector, struct krn_facts *facts)
{
    static const unsigned char id[6] = {'V', 'S', 'O'};
    if (memcmp(sector + DISK_ID, id, sizeof id) != 0)
        return;
    facts->conditions |= KRN_OSV;
    name_guest(facts, "OSv");
}

void krn_probe_nanos(const struct krn_window *window, struct krn_facts *facts)
{
    const unsigned char *sector = krn_window_at(window, 0, SECTOR);
    for (unsigned i = 0; sector && i < 4; i++) {
        uint64_t at = (uint64_t)krn_le32(sector + PARTITIONS + 16 * i + 8) * SECTOR;
        const unsigned char *start = at ? krn_window_at(window, at, 6) : NULL;
        if (!start || memcmp(start, "NVMTFS", 6) != 0)
            continue;
        facts->conditions |= KRN_NANOS;
        name_guest(facts, "Nanos");
    }
}
