/* SPDX-License-Identifier: ISC */
#include "api/proof.h"

#include <string.h>

#include "api/memory.h"
#include "api/preflight.h"

/* --- the nearest machine --- */

#define BIOS MIR_FIRMWARE_BIOS
#define UEFI MIR_FIRMWARE_UEFI
#define IDE MIR_BUS_IDE
#define NVME MIR_BUS_NVME
#define VIRTIO_BLK MIR_BUS_VIRTIO

/* Sources: EC2's user guide (instance types, boot modes) and Nova's image properties. "seen": run
 * with the tests' kernels, tests/e2e/image_prove.py. */
static const struct mir_proof_target targets[] = {
    /* What the layouts are for, with devices that most kernels for QEMU and KVM know. */
    {MIR_PROOF_ANYWHERE,
     "any PC that starts by BIOS",
     {BIOS, IDE, MIR_CARD_VIRTIO},
     "IDE is what every BIOS and every boot loader reads, and no kernel aborts at; virtio is the "
     "card that unikernels know (seen)"},
    {MIR_PROOF_ANYWHERE,
     "any PC that starts by UEFI",
     {UEFI, NVME, MIR_CARD_VIRTIO},
     "NVMe is the disk of the clouds that start by UEFI; virtio is the card that unikernels know "
     "(seen)"},
    /* doc: t2, m4 and older: legacy BIOS only; Xen's qemu-dm emulates a PIIX3 with IDE disks. Its
     * cards are Xen's netfront; the emulated one is an rtl8139 or e1000. */
    {"ec2-xen-hvm",
     "EC2, Xen HVM types (t2, m4, r4)",
     {BIOS, IDE, MIR_CARD_E1000},
     "these types start by BIOS from an emulated IDE disk; QEMU has no Xen netfront, and e1000 is "
     "the emulated card of Xen's device model, so a kernel with a Xen driver alone stays without "
     "a network here"},
    /* doc: default boot mode of x86 images is legacy-bios where the type has both. */
    {"ec2-nitro",
     "EC2, Nitro types (t3, m5 and later)",
     {BIOS, NVME, MIR_CARD_E1000E},
     "EBS disks are NVMe, and an image without a boot mode starts by BIOS; QEMU has no ENA, and "
     "e1000e is its nearest PCI Express card, so a kernel with an ENA driver alone stays without "
     "a network here"},
    {"ec2-nitro",
     "EC2, Nitro types (t3, m5 and later)",
     {UEFI, NVME, MIR_CARD_E1000E},
     "EBS disks are NVMe, and images with boot mode uefi start by UEFI; of the card the same is "
     "true as by BIOS"},
    /* doc: libvirt's defaults under Nova: hw_disk_bus=virtio, hw_vif_model=virtio, SeaBIOS. The
     * same QEMU, so this is the target itself. */
    {"openstack-kvm",
     "OpenStack on KVM",
     {BIOS, VIRTIO_BLK, MIR_CARD_VIRTIO},
     "the same virtual machine: Nova's defaults are BIOS, a virtio disk and a virtio card; a "
     "kernel that aborts at the disk gets hw_disk_bus=ide, here as there"},
    {"openstack-kvm",
     "OpenStack on KVM",
     {UEFI, VIRTIO_BLK, MIR_CARD_VIRTIO},
     "the same with hw_firmware_type=uefi, whose firmware is OVMF there too"},
    /* doc: Flex is OpenStack on KVM. */
    {"rackspace-flex",
     "Rackspace Flex",
     {BIOS, VIRTIO_BLK, MIR_CARD_VIRTIO},
     "Flex is OpenStack on KVM, with Nova's defaults"},
    {"rackspace-flex",
     "Rackspace Flex",
     {UEFI, VIRTIO_BLK, MIR_CARD_VIRTIO},
     "Flex is OpenStack on KVM, with hw_firmware_type=uefi"},
};

const struct mir_proof_target *mir_proof_targets(size_t *ret_count)
{
    *ret_count = MIR_NELEMS(targets);
    return targets;
}

const struct mir_proof_target *mir_proof_target_find(const char *family, enum mir_firmware firmware)
{
    for (size_t i = 0; i < MIR_NELEMS(targets); i++)
        if (!strcmp(targets[i].family, family) &&
            (!firmware || firmware == targets[i].machine.firmware))
            return &targets[i];
    return NULL;
}

const struct mir_proof_target *mir_proof_target_for(const char *provider,
                                                    const struct mir_needs *needs)
{
    const size_t len = strlen(provider);
    const enum mir_firmware firmware = needs->firmware ? needs->firmware : MIR_FIRMWARE_BIOS;
    const struct mir_proof_target *found = NULL;
    if (needs->layout == MIR_LAYOUT_PVGRUB || needs->layout == MIR_LAYOUT_PVGRUB_BARE)
        return NULL;
    for (size_t i = 0; i < MIR_NELEMS(targets); i++) {
        const struct mir_proof_target *row = &targets[i];
        if (strncmp(row->family, provider, len) != 0 || row->family[len] != '-' ||
            row->machine.firmware != firmware)
            continue;
        if (!found || row->machine.disk == needs->disk_bus)
            found = row;
    }
    return found;
}

struct mir_machine mir_proof_machine(const struct mir_proof_target *target,
                                     const struct mir_kernel *kernel)
{
    struct mir_machine machine = target->machine;
    if (kernel->format != MIR_FORMAT_SOLO5_VIRTIO)
        return machine;
    if (!mir_kernel_demanded(kernel, MIR_DEVICE_NET))
        machine.nic = MIR_CARD_NONE;
    if (machine.disk == MIR_BUS_VIRTIO && !mir_kernel_demanded(kernel, MIR_DEVICE_BLOCK))
        machine.disk = MIR_BUS_IDE;
    return machine;
}

#define MIB ((uint64_t)1 << 20)
#define MEMORY_LEAST (256 * MIB) /* the smallest types of the clouds have 512 */
#define MEMORY_BESIDE (128 * MIB)

uint64_t mir_proof_memory(const struct mir_kernel *kernel)
{
    uint64_t bytes = (kernel->min_memory_bytes + MIB - 1) / MIB * MIB + MEMORY_BESIDE;
    return bytes < MEMORY_LEAST ? MEMORY_LEAST : bytes;
}

/* --- what counts --- */

const char *mir_proof_verdict_name(enum mir_proof_verdict verdict)
{
    static const char *const names[] = {"waiting", "answered", "spoke", "failed"};
    return (unsigned)verdict < MIR_NELEMS(names) ? names[verdict] : "";
}

enum mir_proof_verdict mir_proof_judge(const struct mir_proof_seen *seen)
{
    bool spoke = seen->spoke_ms >= 0, late = seen->now_ms >= seen->limit_ms;
    if (seen->answered)
        return MIR_PROOF_ANSWERED;
    if (seen->ended)
        return spoke && !strcmp(seen->end_reason, "powered off") ? MIR_PROOF_SPOKE
                                                                 : MIR_PROOF_FAILED;
    if (!spoke)
        return late ? MIR_PROOF_FAILED : MIR_PROOF_WAIT;
    bool enough = !seen->may_answer ||
                  (!seen->promises && seen->now_ms - seen->spoke_ms >= MIR_PROOF_ANSWER_MS);
    return enough || late ? MIR_PROOF_SPOKE : MIR_PROOF_WAIT;
}

/* How the lines of firmware and boot loaders begin, after control sequences and blanks. Rather one
 * too many: a kernel's first line that looks like one of these only waits for its second. */
static const char *const not_the_kernel[] = {
    "BdsDxe:",         /* OVMF */
    "UEFI ",           /* its shell */
    "SeaBIOS",         /* BIOS, where its screen is the serial port */
    "iPXE",            /* boot ROMs */
    "Booting ",        /* SeaBIOS "from Hard Disk", GRUB "a command list" */
    "Boot failed",     /* SeaBIOS */
    "No bootable",     /* both */
    ">>",              /* ">>Start PXE over IPv4" */
    "Shell>",          /* UEFI's */
    "Welcome to GRUB", /* core image */
    "GRUB",            /* boot sector: "GRUB loading." */
    "grub",            /* its rescue prompt */
    "error: ",         /* GRUB's complaints */
    "WARNING: no console will be available to OS", /* GRUB before a multiboot kernel */
    "Entering rescue mode",                        /* GRUB without its modules */
    "Press any key",                               /* after these */
    "Loading ",                                    /* GRUB, SYSLINUX */
    "SYSLINUX",                                    /* and its sisters */
    "EXTLINUX",
    "ISOLINUX",
    "boot:",
    "mirage-deploy: the boot ", /* our own boot configuration (images/disk/bootconf.c) */
};

/* Length of the control sequence (ECMA-48) at p; what is cut off counts as one. */
static size_t control(const char *p, const char *end)
{
    const char *q = p + 1;
    if (q == end)
        return 1;
    if (*q != '[')
        return 2;
    for (q++; q < end && (*q < '@' || *q > '~'); q++)
        ;
    return (size_t)((q < end ? q + 1 : q) - p);
}

/* The next line without control sequences and control characters, without blanks before it; false
 * at the end. *ret_whole: it ended in a newline. A carriage return ends one as well. */
static bool next_line(const char **at, const char *end, char *ret, size_t size, bool *ret_whole)
{
    size_t len = 0;
    const char *p = *at;
    if (p == end)
        return false;
    while (p < end && *p != '\n' && *p != '\r') {
        if (*p == '\x1b') {
            p += control(p, end);
            continue;
        }
        bool visible = (unsigned char)*p > ' ' || (*p == ' ' && len > 0);
        if (visible && *p != 0x7f && len + 1 < size)
            ret[len++] = *p;
        p++;
    }
    ret[len] = '\0';
    *ret_whole = p < end;
    *at = p < end ? p + 1 : p;
    return true;
}

/* Is it, or may it become, a line of somebody else's? */
static bool is_not_kernel(const char *line, bool whole)
{
    size_t len = strlen(line);
    for (size_t i = 0; i < MIR_NELEMS(not_the_kernel); i++) {
        size_t known = strlen(not_the_kernel[i]);
        size_t both = whole || len >= known ? known : len;
        if (!strncmp(line, not_the_kernel[i], both))
            return true;
    }
    return false;
}

bool mir_proof_spoke(const char *console, size_t len)
{
    char line[64];
    bool whole;
    for (const char *at = console; next_line(&at, console + len, line, sizeof line, &whole);)
        if (*line && !is_not_kernel(line, whole))
            return true;
    return false;
}

bool mir_proof_spoke_inside(const char *console, size_t len)
{
    static const char guest[] = "guest| ";
    char line[64];
    bool whole;
    for (const char *at = console; next_line(&at, console + len, line, sizeof line, &whole);)
        if (!strncmp(line, guest, sizeof guest - 1) && line[sizeof guest - 1])
            return true;
    return false;
}
