/* SPDX-License-Identifier: ISC */
#include "guest_argv.h"

#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "guest_disk.h"

static void add_owned(struct fc_guest_argv *argv, char *word)
{
    argv->words = mir_realloc(argv->words, argv->count + 2, sizeof *argv->words);
    argv->words[argv->count++] = word;
    argv->words[argv->count] = NULL;
}

static void add_all(struct fc_guest_argv *argv, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_owned(argv, mir_strdup(words[i]));
}

/* An option and its value, which is taken. */
static void add_option(struct fc_guest_argv *argv, const char *option, char *value)
{
    add_owned(argv, mir_strdup(option));
    add_owned(argv, value);
}

void fc_guest_argv_clear(struct fc_guest_argv *argv)
{
    for (size_t i = 0; i < argv->count; i++)
        free(argv->words[i]);
    free(argv->words);
    *argv = (struct fc_guest_argv){0};
}

/* BIOS is QEMU's own, SeaBIOS. UEFI lies in two flash chips: its code, and its variables. */
static void add_firmware(struct fc_guest_argv *argv, const struct fc_guest_want *want)
{
    if (!want->uefi)
        return;
    add_option(argv, "-drive",
               mir_strdup("if=pflash,unit=0,format=raw,readonly=on,file=" FC_GUEST_UEFI_CODE));
    add_option(argv, "-drive",
               mir_format("if=pflash,unit=1,format=raw,file=" FC_GUEST_DIR "/%s/" FC_GUEST_VARS,
                          want->instance));
}

/* Nitro types have NVMe, whose serial number is the volume's id without the dash. What Xen types
 * have besides Xen's own devices is IDE. */
static void add_disks(struct fc_guest_argv *argv, const struct fc_guest_want *want)
{
    for (size_t i = 0; i < want->disk_count; i++) {
        const char *volume = want->disks[i].volume, *digits = volume + strcspn(volume, "-");
        add_option(argv, "-drive",
                   mir_format("if=none,id=disk%zu,format=%s,discard=unmap,file=" FC_GUEST_DISK_DIR
                              "/%s",
                              i, want->disks[i].qcow2 ? "qcow2" : "raw", volume));
        if (want->bus) {
            add_option(argv, "-device",
                       mir_format("%s,drive=disk%zu,bootindex=%zu", want->bus, i,
                                  i + 1)); /* 0 is a kernel's own */
            continue;
        }
        add_option(argv, "-device",
                   mir_format("%s,drive=disk%zu,bootindex=%zu,serial=vol%.17s",
                              want->nvme ? "nvme" : "ide-hd", i, i, digits + (*digits == '-')));
    }
}

/* Neither ENA nor Xen's card is anything that QEMU has. Ports are opened when the machine runs. */
static void add_network(struct fc_guest_argv *argv, const struct fc_guest_want *want)
{
    add_option(argv, "-netdev",
               *want->subnet
                   ? mir_format("user,id=" FC_GUEST_NET ",net=%s,host=%s,dhcpstart=%s,dns=%s",
                                want->subnet, want->gateway, want->fixed, want->dns)
                   : mir_strdup("user,id=" FC_GUEST_NET));
    add_option(argv, "-device",
               mir_format("%s,netdev=" FC_GUEST_NET "%s%s,romfile=",
                          want->card ? want->card : "virtio-net-pci", *want->mac ? ",mac=" : "",
                          want->mac));
}

/* Booted without a boot loader: the kernel is read by QEMU. */
static void add_kernel(struct fc_guest_argv *argv, const struct fc_guest_want *want)
{
    if (!*want->kernel.volume)
        return;
    add_option(argv, "-kernel", mir_format(FC_GUEST_DISK_DIR "/%s", want->kernel.volume));
    add_option(argv, "-append", mir_strdup(want->words));
    if (*want->ramdisk.volume)
        add_option(argv, "-initrd", mir_format(FC_GUEST_DISK_DIR "/%s", want->ramdisk.volume));
}

static void add_console(struct fc_guest_argv *argv, const struct fc_guest_want *want)
{
    add_option(argv, "-chardev",
               mir_format("stdio,id=console,signal=off,logappend=on,logfile=" FC_GUEST_DIR
                          "/%s/" FC_GUEST_CONSOLE,
                          want->instance));
    add_option(argv, "-serial", mir_strdup("chardev:console"));
    add_option(argv, "-chardev", mir_format("socket,id=qmp,fd=%d", FC_GUEST_QMP_FD));
    add_option(argv, "-mon", mir_strdup("chardev=qmp,mode=control"));
}

void fc_guest_argv_build(const struct fc_guest_want *want, const char *program,
                         struct fc_guest_argv *ret)
{
    static const char *const fixed[] = {
        "-nodefaults", "-no-user-config",
        "-accel",      "tcg",
        "-smp",        "1",
        "-display",    "none",
        "-vga",        "std",
        "-sandbox",    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"};
    char now[MIR_TIME_SIZE];
    *ret = (struct fc_guest_argv){0};
    mir_time_format(want->now_s, now);
    add_owned(ret, mir_strdup(program));
    add_option(ret, "-name", mir_strdup(want->instance));
    add_all(ret, fixed, MIR_NELEMS(fixed));
    add_option(ret, "-machine", mir_strdup(want->machine ? want->machine : "pc"));
    if (want->bus && !strcmp(want->bus, "scsi-hd"))
        add_option(ret, "-device", mir_strdup("virtio-scsi-pci"));
    add_option(ret, "-cpu", mir_format("qemu64,svm=%s", want->virtualises ? "on" : "off"));
    add_option(ret, "-m", mir_format("%uM", want->memory_mib));
    add_option(ret, "-rtc", mir_format("base=%.19s", now));
    add_firmware(ret, want);
    add_disks(ret, want);
    add_kernel(ret, want);
    add_network(ret, want);
    add_console(ret, want);
}
