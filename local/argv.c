/* SPDX-License-Identifier: ISC */
#include "argv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "dir.h"

#define CONF_LINE_MAX 1000 /* QEMU reads lines into 1024 bytes */

bool local_how_is_qemu(enum local_how how)
{
    return how == LOCAL_HOW_QEMU_KERNEL || how == LOCAL_HOW_QEMU_DISK;
}

static void add_owned(struct local_argv *argv, char *word)
{
    argv->words = mir_realloc(argv->words, argv->count + 2, sizeof *argv->words);
    argv->words[argv->count++] = word;
    argv->words[argv->count] = NULL;
}

static void add(struct local_argv *argv, const char *word)
{
    add_owned(argv, mir_strdup(word));
}

static void add_all(struct local_argv *argv, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(argv, words[i]);
}

void local_argv_clear(struct local_argv *argv)
{
    for (size_t i = 0; i < argv->count; i++)
        free(argv->words[i]);
    free(argv->words);
    *argv = (struct local_argv){0};
}

static unsigned long long mebibytes(uint64_t bytes)
{
    return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

bool local_arguments_hidden(const struct local_spec *spec)
{
    return strlen(spec->arguments) < CONF_LINE_MAX && !strpbrk(spec->arguments, "\"\n\r");
}

/* QEMU's devices for what a machine is made of. */
static const char *const nic_devices[MIR_CARD_COUNT] = {[MIR_CARD_ANY] = "virtio-net-pci",
                                                        [MIR_CARD_VIRTIO] = "virtio-net-pci",
                                                        [MIR_CARD_E1000] = "e1000",
                                                        [MIR_CARD_E1000E] = "e1000e"};

static const struct disk_device {
    const char *bus;  /* a device that has to be there first; NULL: none */
    const char *disk; /* "drive=" and "bootindex=" follow */
} disk_devices[MIR_MACHINE_BUSES] = {
    [MIR_BUS_NONE] = {NULL, "ide-hd"},
    [MIR_BUS_IDE] = {NULL, "ide-hd"},
    [MIR_BUS_VIRTIO] = {NULL, "virtio-blk-pci"},
    [MIR_BUS_NVME] = {NULL, "nvme,serial=disk0"},
    [MIR_BUS_SCSI] = {"virtio-scsi-pci,id=scsi0", "scsi-hd,bus=scsi0.0"}};

static void add_nic(struct local_argv *argv, const struct local_spec *spec, unsigned index)
{
    struct mir_buf net;
    mir_buf_init(&net, 8192);
    mir_buf_addf(&net, "user,id=net%u,restrict=off", index);
    for (unsigned i = 0; index == 0 && i < spec->port_count; i++)
        mir_buf_addf(&net, ",hostfwd=tcp:%s:%u-:%u", spec->ports[i].address,
                     (unsigned)spec->ports[i].host_port, (unsigned)spec->ports[i].guest_port);
    add(argv, "-netdev");
    add_owned(argv, mir_buf_take(&net));
    add(argv, "-device");
    /* Without the network boot ROM: nothing of ours boots from the network, and it takes time. */
    add_owned(argv, mir_format("%s,netdev=net%u,romfile=", nic_devices[spec->hardware.nic], index));
}

static void add_disk(struct local_argv *argv, const struct local_spec *spec)
{
    const struct disk_device *device = &disk_devices[spec->hardware.disk];
    if (device->bus) {
        add(argv, "-device");
        add(argv, device->bus);
    }
    add(argv, "-drive");
    /* snapshot: what the guest writes goes to a file of its own that vanishes with it. */
    add_owned(argv, mir_format("file=" LOCAL_KERNEL_FILE ",if=none,id=disk0,snapshot=on,format=%s",
                               spec->disk_format));
    add(argv, "-device");
    add_owned(argv, mir_format("%s,drive=disk0,bootindex=0", device->disk));
}

/* UEFI lies in two flash chips: its code, which is the machine's, and its variables, which it
 * writes. BIOS is QEMU's own. */
static void add_firmware(struct local_argv *argv, const struct local_spec *spec)
{
    static const char *const uefi[] = {
        "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" LOCAL_FIRMWARE_FILE, "-drive",
        "if=pflash,unit=1,format=raw,file=" LOCAL_VARS_FILE};
    if (spec->hardware.firmware == MIR_FIRMWARE_UEFI)
        add_all(argv, uefi, MIR_NELEMS(uefi));
}

static void build_qemu(struct local_argv *argv, const struct local_spec *spec)
{
    static const char *const fixed[] = {"-nodefaults",
                                        "-no-user-config",
                                        "-display",
                                        "none",
                                        "-no-reboot",
                                        "-chardev",
                                        "stdio,id=console,signal=off",
                                        "-serial",
                                        "chardev:console",
                                        "-chardev",
                                        "socket,id=qmp,fd=3",
                                        "-mon",
                                        "chardev=qmp,mode=control",
                                        "-device",
                                        "isa-debug-exit"};
    static const char *const sandbox[] = {
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"};
    add(argv, spec->program);
    add(argv, "-name");
    add_owned(argv, mir_format("mirage-%s", spec->name));
    if (spec->sandbox)
        add_all(argv, sandbox, MIR_NELEMS(sandbox));
    add(argv, "-readconfig");
    add(argv, LOCAL_QEMU_FILE);
    add_all(argv, fixed, MIR_NELEMS(fixed));
    add(argv, "-m");
    add_owned(argv, mir_format("%lluM", mebibytes(spec->memory_bytes)));
    for (unsigned i = 0; i < spec->nic_count; i++)
        add_nic(argv, spec, i);
    add_firmware(argv, spec);
    if (spec->how == LOCAL_HOW_QEMU_DISK)
        add_disk(argv, spec);
    else if (*spec->arguments && !local_arguments_hidden(spec)) {
        add(argv, "-append");
        add(argv, spec->arguments);
    }
}

/* A tender joins the words after the kernel with single spaces for the guest. */
static void build_tender(struct local_argv *argv, const struct local_spec *spec)
{
    add(argv, spec->program);
    add_owned(argv, mir_format("--mem=%llu", mebibytes(spec->memory_bytes)));
    add(argv, "--");
    add(argv, LOCAL_KERNEL_FILE);
    for (const char *p = spec->arguments; *p;) {
        size_t len = strcspn(p, " ");
        if (len > 0)
            add_owned(argv, mir_format("%.*s", (int)len, p));
        p += len;
        p += strspn(p, " ");
    }
}

void local_argv_build(const struct local_spec *spec, struct local_argv *ret)
{
    *ret = (struct local_argv){0};
    if (local_how_is_qemu(spec->how))
        build_qemu(ret, spec);
    else
        build_tender(ret, spec);
}

void local_qemu_conf(const struct local_spec *spec, struct mir_buf *out)
{
    mir_buf_addf(out, "[machine]\n  type = \"%s\"\n  accel = \"%s\"\n", spec->machine,
                 spec->accelerator);
    if (spec->how != LOCAL_HOW_QEMU_KERNEL)
        return;
    mir_buf_adds(out, "  kernel = \"" LOCAL_KERNEL_FILE "\"\n");
    if (*spec->arguments && local_arguments_hidden(spec))
        mir_buf_addf(out, "  append = \"%s\"\n", spec->arguments);
}
