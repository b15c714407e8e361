/* SPDX-License-Identifier: ISC */
#include "api/machine.h"

#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/preflight.h"

static const char *const cards[MIR_CARD_COUNT] = {"", "virtio", "e1000", "e1000e", "none"};

const char *mir_card_name(enum mir_card card)
{
    return (unsigned)card < MIR_CARD_COUNT ? cards[card] : "";
}

/* --- what goes with what --- */

bool mir_kernel_is_disk(const struct mir_kernel *kernel)
{
    return kernel->format == MIR_FORMAT_DISK_RAW || kernel->format == MIR_FORMAT_DISK_QCOW2 ||
           kernel->format == MIR_FORMAT_DISK_VHD || kernel->format == MIR_FORMAT_DISK_VMDK;
}

static bool is_tender(const char *how)
{
    return !strncmp(how, "solo5-", 6);
}

/* A tender's guest has no machine around it. */
static int choose_tender(const struct mir_machine *asked, const struct mir_kernel *kernel,
                         struct mir_error *err)
{
    const char *what = asked->firmware ? "firmware" : asked->disk ? "disk bus" : NULL;
    if (!what && asked->nic && asked->nic != MIR_CARD_NONE)
        what = "network card";
    if (!what)
        return 0;
    mir_fail(err, MIR_POLICY, "%s kernels run under a tender, where no %s can be chosen",
             mir_format_name(kernel->format), what);
    return mir_error_hint(err, "leave the machine away, or build the kernel with -t virtio");
}

/* QEMU's own loader brings the kernel into memory: it knows BIOS machines, and there is no disk. */
static int refuse_loaded(const struct mir_machine *asked, const struct mir_kernel *kernel,
                         struct mir_error *err)
{
    if (asked->firmware == MIR_FIRMWARE_UEFI)
        mir_fail(err, MIR_POLICY, "a %s kernel has no way in from UEFI by itself",
                 mir_format_name(kernel->format));
    else if (asked->disk)
        mir_fail(err, MIR_POLICY, "a %s kernel is loaded without a disk, so there is no disk bus",
                 mir_format_name(kernel->format));
    else
        return 0;
    return mir_error_hint(err, "make a disk of it with mirage-deploy image build, and deploy that");
}

static int choose_firmware(const struct mir_machine *asked, const struct mir_kernel *kernel,
                           struct mir_machine *machine, struct mir_error *err)
{
    bool bios = (kernel->boot_ways & MIR_BOOT_BIOS_DISK) != 0;
    bool efi = (kernel->boot_ways & MIR_BOOT_EFI_DISK) != 0;
    if (!asked->firmware)
        machine->firmware = efi && !bios ? MIR_FIRMWARE_UEFI : MIR_FIRMWARE_BIOS;
    /* UEFI also starts disks with an MBR; BIOS starts nothing without boot code. */
    if (machine->firmware != MIR_FIRMWARE_BIOS || bios || !efi)
        return 0;
    mir_fail(err, MIR_POLICY, "the disk has a GPT but no BIOS boot code, so BIOS cannot start it");
    return mir_error_hint(err, "choose UEFI: --firmware uefi");
}

/* Solo5 on virtio aborts on a card that its manifest does not name, and without one that it does;
 * it has a driver for virtio alone. */
static int choose_nic(const struct mir_machine *asked, const struct mir_kernel *kernel,
                      struct mir_machine *machine, struct mir_error *err)
{
    bool wants = kernel->format != MIR_FORMAT_SOLO5_VIRTIO ||
                 mir_kernel_demanded(kernel, MIR_DEVICE_NET) > 0;
    if (!asked->nic)
        machine->nic = wants ? MIR_CARD_VIRTIO : MIR_CARD_NONE;
    if (kernel->format != MIR_FORMAT_SOLO5_VIRTIO ||
        machine->nic == (wants ? MIR_CARD_VIRTIO : MIR_CARD_NONE))
        return 0;
    mir_fail(err, MIR_POLICY,
             wants ? "the kernel's manifest demands a virtio network card, not '%s'"
                   : "the kernel's manifest names no network card, and it aborts with '%s'",
             mir_card_name(machine->nic));
    return mir_error_hint(err, "leave the network card to the provider");
}

/* As the table of where it boots says for this way of starting it; everything has IDE. */
static enum mir_bus usual_bus(const struct mir_kernel *kernel, const char *how)
{
    for (unsigned i = 0; i < kernel->family_count; i++) {
        const struct mir_family *family = &kernel->families[i];
        if (family->needs.disk_bus && !strcmp(kernel->boots[family->boots].how, how))
            return family->needs.disk_bus;
    }
    return MIR_BUS_IDE;
}

int mir_machine_choose(const struct mir_machine *asked, const struct mir_kernel *kernel,
                       const char *how, struct mir_machine *ret, struct mir_error *err)
{
    struct mir_machine machine = *asked;
    bool disk = mir_kernel_is_disk(kernel) || !strcmp(how, "qemu-disk");
    if (is_tender(how)) {
        if (choose_tender(asked, kernel, err))
            return -1;
        *ret = machine;
        return 0;
    }
    if (!disk && refuse_loaded(asked, kernel, err))
        return -1;
    if (disk && !machine.disk)
        machine.disk = usual_bus(kernel, how);
    if (disk ? choose_firmware(asked, kernel, &machine, err) : 0)
        return -1;
    if (!machine.firmware)
        machine.firmware = MIR_FIRMWARE_BIOS;
    if (choose_nic(asked, kernel, &machine, err))
        return -1;
    *ret = machine;
    return 0;
}

uint64_t mir_machine_memory(const struct mir_machine *machine, const struct mir_kernel *kernel)
{
    uint64_t least = kernel->min_memory_bytes;
    bool more = machine->firmware == MIR_FIRMWARE_UEFI && least < MIR_UEFI_MEMORY;
    return more ? MIR_UEFI_MEMORY : least;
}

/* --- JSON --- */

static void set(json_t *json, const char *name, const char *text)
{
    if (*text)
        json_object_set_new(json, name, json_string(text));
}

json_t *mir_machine_to_json(const struct mir_machine *machine)
{
    json_t *json = json_object();
    set(json, "firmware", mir_firmware_name(machine->firmware));
    set(json, "disk", mir_bus_name(machine->disk));
    set(json, "nic", mir_card_name(machine->nic));
    return json;
}

/* What a part may be, by its number. */
static const char *firmware_name(unsigned index)
{
    return mir_firmware_name((enum mir_firmware)index);
}

static const char *bus_name(unsigned index)
{
    return mir_bus_name((enum mir_bus)index);
}

static const char *card_name(unsigned index)
{
    return mir_card_name((enum mir_card)index);
}

struct part {
    const char *name;
    const char *(*name_of)(unsigned index);
    unsigned count;
};

static int no_such_part(const struct part *part, const char *text, struct mir_error *err)
{
    mir_auto_buf struct mir_buf known;
    mir_buf_init(&known, 128);
    for (unsigned i = 1; i < part->count; i++)
        mir_buf_addf(&known, "%s%s", i > 1 ? ", " : "", part->name_of(i));
    mir_fail(err, MIR_USAGE, "'%.40s' is no %s of a machine", text, part->name);
    return mir_error_hint(err, "there is: %s", mir_buf_text(&known));
}

static int read_part(const json_t *json, const struct part *part, unsigned *ret,
                     struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(json, part->name, &text, err))
        return -1;
    for (unsigned i = 1; text && i < part->count; i++)
        if (!strcmp(part->name_of(i), text)) {
            *ret = i;
            return 0;
        }
    return text ? no_such_part(part, text, err) : 0;
}

int mir_machine_from_json(const json_t *json, struct mir_machine *ret, struct mir_error *err)
{
    static const char *const allowed[] = {"firmware", "disk", "nic"};
    static const struct part parts[] = {{"firmware", firmware_name, MIR_MACHINE_FIRMWARES},
                                        {"disk", bus_name, MIR_MACHINE_BUSES},
                                        {"nic", card_name, MIR_CARD_COUNT}};
    unsigned values[MIR_NELEMS(parts)] = {0};
    if (json && !json_is_null(json) && !json_is_object(json))
        return mir_fail(err, MIR_USAGE, "field 'machine' has to be an object");
    bool given = json_is_object(json);
    if (given && mir_json_only((json_t *)(uintptr_t)json, allowed, MIR_NELEMS(allowed), err))
        return mir_error_wrap(err, "machine");
    for (size_t i = 0; given && i < MIR_NELEMS(parts); i++)
        if (read_part(json, &parts[i], &values[i], err))
            return mir_error_wrap(err, "machine");
    *ret = (struct mir_machine){.firmware = (enum mir_firmware)values[0],
                                .disk = (enum mir_bus)values[1],
                                .nic = (enum mir_card)values[2]};
    return 0;
}
