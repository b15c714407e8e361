/* SPDX-License-Identifier: ISC */
/* The compatibility table asked about one kernel. */
#include <stdio.h>
#include <string.h>

#include "api/block.h"
#include "api/memory.h"
#include "facts.h"
#include "images/compat.h"

const struct krn_rule *krn_rule_for(enum krn_family_id id, enum mir_format format, uint64_t bits)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count - 1; i++) {
        const struct krn_rule *rule = &rules[i];
        if ((rule->families & (1u << id)) && (rule->need & bits) == rule->need &&
            (rule->format == KRN_ANY_FORMAT || rule->format == (int)format))
            return rule;
    }
    return &rules[count - 1];
}

static uint64_t machine_bit(const struct mir_kernel *kernel)
{
    uint32_t disk = kernel->boot_ways & (MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK);
    if (kernel->arch == MIR_ARCH_X86_64)
        return KRN_X86;
    if (kernel->arch == MIR_ARCH_I386)
        return KRN_X86 | KRN_X86_32;
    if (kernel->arch == MIR_ARCH_AARCH64)
        return KRN_ARM64;
    /* Boot code of the BIOS is x86's, unless the disk starts by EFI as well. */
    return disk == MIR_BOOT_BIOS_DISK ? KRN_X86 : 0;
}

static enum mir_powers_off powers_off(const struct mir_kernel *kernel,
                                      const struct krn_family *family, enum mir_verdict verdict)
{
    if (verdict == MIR_VERDICT_CANNOT)
        return MIR_POWERS_OFF_UNKNOWN;
    if (verdict == MIR_VERDICT_CARRIER) /* whatever the kernel does, the carrier does */
        return family->power == KRN_POWER_UNKNOWN ? MIR_POWERS_OFF_UNKNOWN : MIR_POWERS_OFF_YES;
    if (kernel->powers_off == MIR_POWERS_OFF_YES && family->power == KRN_POWER_UNKNOWN)
        return MIR_POWERS_OFF_UNKNOWN;
    return kernel->powers_off;
}

/* The devices that the kernel demands have the last word: without them the guest aborts. What a
 * carrier gives, it gives everywhere. */
static bool devices_refuse(const struct mir_kernel *kernel, const struct krn_family *family,
                           struct mir_family *row)
{
    static const struct mir_offer carried = {
        .nics_max = 1,
        .blocks_max = MIR_BLOCKS_MAX,
        .fix = "a carrier gives one network and 16 block devices; build the kernel without the "
               "rest"};
    struct mir_error err = {0};
    bool by_carrier = row->carrier != MIR_CARRIER_NONE; /* as a rule, or when one is asked for */
    const struct mir_offer *offer = by_carrier ? &carried : family->offer;
    if ((row->verdict == MIR_VERDICT_CANNOT && !by_carrier) || !offer ||
        !mir_preflight(kernel, offer, 0, &err))
        return false;
    row->verdict = MIR_VERDICT_CANNOT;
    row->carrier = MIR_CARRIER_NONE;
    row->needs = (struct mir_needs){0};
    snprintf(row->why, sizeof row->why, "Solo5 aborts: %.140s: %.80s.", err.text, err.hint);
    return true;
}

/* What a carrier gives it has to be given to the carrier. */
static void ask_for_blocks(const struct mir_kernel *kernel, struct mir_family *row)
{
    unsigned count = mir_kernel_demanded(kernel, MIR_DEVICE_BLOCK);
    size_t len = strlen(row->why);
    if (row->carrier == MIR_CARRIER_NONE || !mir_kernel_demands(kernel) || !count)
        return;
    snprintf(row->why + len, sizeof row->why - len,
             " Give its %u block device%s: --block "
             "NAME=FILE.",
             count, count > 1 ? "s" : "");
}

/* Its disk is read by the firmware alone: on IDE that is twice as quick as on virtio, and where the
 * machine is QEMU's own, twice as quick again on NVMe. */
static struct mir_needs carried_needs(const struct mir_kernel *kernel,
                                      const struct krn_family *family)
{
    struct mir_needs needs = *krn_way_needs(KRN_WAY_CARRIED);
    bool own = family->image == MIR_IMAGE_NONE;
    /* All of them start inside of a virtual machine that the carrier makes. */
    needs.virtualisation = kernel->format == MIR_FORMAT_SOLO5_HVT ||
                           kernel->format == MIR_FORMAT_SOLO5_XEN ||
                           kernel->format == MIR_FORMAT_XEN_PVH;
    needs.image = family->image;
    needs.nic = family->nic;
    needs.ena = family->nic == MIR_NIC_ENA;
    needs.disk_bus = own                                  ? MIR_BUS_NVME
                     : family->disk_bus == MIR_BUS_VIRTIO ? MIR_BUS_IDE
                                                          : family->disk_bus;
    return needs;
}

/* On a virtio bus the disk would be a device that a Solo5 kernel's manifest does not name, and so
 * would be a network card: it would abort. */
static struct mir_needs needs_of(const struct mir_kernel *kernel, const struct krn_family *family,
                                 const struct krn_rule *rule)
{
    struct mir_needs needs = *krn_way_needs(rule->way);
    if (rule->carrier != MIR_CARRIER_NONE) /* also one that has to be asked for */
        return carried_needs(kernel, family);
    if (rule->way == KRN_WAY_NONE)
        return needs;
    needs.nic = family->nic;
    needs.ena = family->nic == MIR_NIC_ENA;
    if (!needs.direct_kernel) {
        needs.image = family->image;
        needs.disk_bus = family->disk_bus;
    } else if (family->image != MIR_IMAGE_NONE) {
        needs.image = MIR_IMAGE_RAW; /* Nova wants a root image all the same, and of this kind */
    }
    if (mir_kernel_demands(kernel) && needs.disk_bus == MIR_BUS_VIRTIO)
        needs.disk_bus = MIR_BUS_IDE;
    if (mir_kernel_demands(kernel) && !mir_kernel_demanded(kernel, MIR_DEVICE_NET))
        needs.nic = MIR_NIC_NONE;
    return needs;
}

/* Returns how it is started there. */
static const char *fill_family(const struct mir_kernel *kernel, uint64_t bits,
                               enum krn_family_id id, struct mir_family *row)
{
    const struct krn_family *family = krn_family(id);
    const struct krn_rule *rule = krn_rule_for(id, kernel->format, bits);
    row->verdict = rule->verdict;
    row->carrier = rule->carrier;
    row->needs = needs_of(kernel, family, rule);
    mir_copy(row->family, sizeof row->family, family->name);
    mir_copy(row->why, sizeof row->why, rule->why);
    const char *how = devices_refuse(kernel, family, row) ? "" : rule->how;
    ask_for_blocks(kernel, row);
    row->powers_off = powers_off(kernel, family, row->verdict);
    return how;
}

static bool better(enum mir_verdict verdict, enum mir_verdict than)
{
    static const unsigned rank[MIR_VERDICT_COUNT] = {[MIR_VERDICT_BOOTS] = 4,
                                                     [MIR_VERDICT_CARRIER] = 3,
                                                     [MIR_VERDICT_UNKNOWN] = 2,
                                                     [MIR_VERDICT_NO_NETWORK] = 1};
    return rank[verdict] > rank[than];
}

static void raise_provider(struct mir_boots *boots, const struct mir_family *row, const char *how)
{
    boots->verdict = row->verdict;
    mir_copy(boots->how, sizeof boots->how, how);
    mir_copy(boots->why, sizeof boots->why, row->why);
}

void krn_compat_fill(struct mir_kernel *kernel, uint64_t conditions)
{
    uint64_t bits = kernel->boot_ways | conditions | machine_bit(kernel);
    struct mir_boots *boots = NULL;
    kernel->boots_count = kernel->family_count = 0;
    for (unsigned id = 0; id < KRN_FAMILY_COUNT; id++) {
        const struct krn_family *family = krn_family(id);
        struct mir_family *row = &kernel->families[kernel->family_count++];
        bool first = !boots || strcmp(boots->provider, family->provider) != 0;
        *row = (struct mir_family){.boots = first ? kernel->boots_count : kernel->boots_count - 1};
        const char *how = fill_family(kernel, bits, id, row);
        if (first) {
            boots = &kernel->boots[kernel->boots_count++];
            *boots = (struct mir_boots){0};
            mir_copy(boots->provider, sizeof boots->provider, family->provider);
        }
        if (first || better(row->verdict, boots->verdict))
            raise_provider(boots, row, how);
    }
}
