/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/process.h"
#include "ctx.h"
#include "disk.h"
#include "firmware.h"

int local_admit_how(const struct mir_kernel *kernel, enum local_how *ret, struct mir_error *err)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, "local");
    if (kernel->arch != MIR_ARCH_X86_64 && kernel->arch != MIR_ARCH_I386 &&
        kernel->arch != MIR_ARCH_UNKNOWN)
        return mir_fail(err, MIR_POLICY, "this kernel is built for %s; local runs x86 only",
                        mir_arch_name(kernel->arch));
    if (!boots)
        return mir_fail(err, MIR_POLICY, "nothing is known of how this kernel boots locally");
    int how = local_how_by_name(boots->how);
    if (how < 0) /* whether a bad verdict is overruled was settled before (--anyway) */
        return mir_fail(err, MIR_POLICY, "this kernel cannot boot locally: %s",
                        *boots->why ? boots->why : "no way to start it is known");
    *ret = (enum local_how)how;
    return 0;
}

static int admit_memory(const struct mir_instance_spec *spec, const struct mir_machine *machine,
                        struct mir_error *err)
{
    struct sysinfo info;
    uint64_t bytes = spec->memory_bytes, least = mir_machine_memory(machine, spec->kernel);
    if (bytes != 0 && bytes < least) {
        mir_fail(err, MIR_POLICY, "%s needs %llu MiB of memory, %llu MiB are given", spec->name,
                 (unsigned long long)((least + (1 << 20) - 1) >> 20),
                 (unsigned long long)(bytes >> 20));
        return mir_error_hint(err, "--memory %lluM",
                              (unsigned long long)((least + (1 << 20) - 1) >> 20));
    }
    if (bytes != 0 && bytes < LOCAL_MEMORY_MIN)
        return mir_fail(err, MIR_USAGE, "an instance needs at least %llu MiB of memory",
                        (unsigned long long)(LOCAL_MEMORY_MIN >> 20));
    if (sysinfo(&info))
        return 0;
    uint64_t host = (uint64_t)info.totalram * info.mem_unit;
    if (bytes <= host && least <= host)
        return 0;
    mir_fail(err, MIR_POLICY, "%llu MiB of memory are more than this machine's %llu MiB",
             (unsigned long long)((bytes > least ? bytes : least) >> 20),
             (unsigned long long)(host >> 20));
    return mir_error_hint(err, "ask for less with --memory");
}

/* QEMU emulates a processor that virtualises. Whether KVM passes its own on is the administrator's
 * choice, and mostly not made. */
bool local_admit_virtualises(const struct mir_kernel *kernel)
{
    const struct mir_family *family = mir_kernel_family(kernel, "local", "qemu-pc");
    return family && family->needs.virtualisation;
}

/* Control characters would end a line of QEMU's configuration or of the guest's. */
static int admit_arguments(const char *text, struct mir_error *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return mir_fail(err, MIR_USAGE, "kernel arguments hold a control character (byte %d)",
                            (unsigned char)*p);
    json_t *probe = json_string(text);
    if (!probe)
        return mir_fail(err, MIR_USAGE, "kernel arguments have to be UTF-8");
    json_decref(probe);
    return 0;
}

static const char *tender_of(enum local_how how)
{
    return how == LOCAL_HOW_SOLO5_SPT ? "solo5-spt" : "solo5-hvt";
}

static int admit_tender(const struct mir_instance_spec *spec, enum local_how how,
                        struct mir_error *err)
{
    const struct mir_kernel *kernel = spec->kernel;
    const char *tender = tender_of(how);
    mir_auto_free char *path = mir_program_search(tender, NULL);
    if (!path) {
        mir_fail(err, MIR_POLICY, "%s kernels need the program %s, which is not on PATH",
                 mir_format_name(kernel->format), tender);
        return mir_error_hint(err,
                              "build it from https://github.com/Solo5/solo5 (make, then "
                              "copy tenders/%s/%s to a directory on PATH), or build the "
                              "kernel with -t virtio",
                              tender + 6, tender);
    }
    if (how == LOCAL_HOW_SOLO5_HVT && access("/dev/kvm", R_OK | W_OK)) {
        mir_fail(err, MIR_POLICY, "hvt kernels need /dev/kvm, which cannot be opened");
        return mir_error_hint(err, "join the group kvm, take a carrier with an emulated processor "
                                   "(--carrier always), or build the kernel with -t spt");
    }
    return 0;
}

unsigned local_admit_nics(const struct mir_kernel *kernel, const struct mir_machine *machine)
{
    if (machine->nic == MIR_CARD_NONE)
        return 0;
    return kernel->format == MIR_FORMAT_SOLO5_VIRTIO ? mir_kernel_demanded(kernel, MIR_DEVICE_NET)
                                                     : 1;
}

static int admit_network(const struct mir_instance_spec *spec, const struct mir_machine *machine,
                         struct mir_error *err)
{
    if (machine->nic != MIR_CARD_NONE || spec->port_count == 0 || mir_kernel_demands(spec->kernel))
        return 0; /* what a manifest has to say, the pre-flight says */
    mir_fail(err, MIR_POLICY, "there is no network card, so no port can be published");
    return mir_error_hint(err,
                          "leave the published ports (-p) out, or choose a card: --nic virtio");
}

/* Under QEMU, Solo5 gets as many network cards as its manifest names. A tender would need a tap
 * device for the network, which an ordinary user cannot make: it gives no devices at all. */
const struct mir_offer *local_offer(const struct mir_kernel *kernel)
{
    static const struct mir_offer qemu = {.nics_max = LOCAL_NICS_MAX,
                                          .fix = "build the kernel without it, or with fewer"};
    static const struct mir_offer tender = {
        .fix = "build the kernel with -t virtio: it gets a network under QEMU"};
    const struct mir_boots *boots = mir_kernel_boots(kernel, "local");
    int how = boots ? local_how_by_name(boots->how) : -1;
    return how == LOCAL_HOW_SOLO5_SPT || how == LOCAL_HOW_SOLO5_HVT ? &tender : &qemu;
}

static int admit_qemu(const struct local_ctx *local, enum local_how how,
                      const struct mir_instance_spec *spec, const struct mir_machine *machine,
                      struct mir_error *err)
{
    struct local_qemu qemu;
    struct local_firmware firmware;
    char format[8];
    if (local_qemu_find(local->root_fd, local->qemu, &qemu, err))
        return -1;
    if (local->accel.choice == LOCAL_ACCEL_KVM && local_admit_virtualises(spec->kernel)) {
        mir_fail(err, MIR_POLICY,
                 "this kernel needs a machine that virtualises, which is emulated "
                 "here, and accelerator = kvm does not allow that");
        return mir_error_hint(err, "set [local] accelerator = auto");
    }
    if (local->accel.choice == LOCAL_ACCEL_KVM && access("/dev/kvm", R_OK | W_OK)) {
        mir_fail(err, MIR_POLICY, "accelerator = kvm, but /dev/kvm cannot be opened");
        return mir_error_hint(err, "join the group kvm, or set [local] accelerator = auto");
    }
    if (machine->firmware == MIR_FIRMWARE_UEFI && local_firmware_find(local->uefi, &firmware, err))
        return -1;
    if (how == LOCAL_HOW_QEMU_DISK && spec->kernel_path)
        return local_disk_admit(spec->kernel_path, spec->kernel->format, format, err);
    return 0;
}

int local_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    enum local_how how;
    struct mir_machine machine;
    if (local_admit_how(spec->kernel, &how, err) ||
        mir_machine_choose(&spec->machine, spec->kernel, local_how_name(how), &machine, err) ||
        admit_memory(spec, &machine, err) || admit_network(spec, &machine, err) ||
        admit_arguments(spec->arguments, err))
        return -1;
    bool qemu = how == LOCAL_HOW_QEMU_KERNEL || how == LOCAL_HOW_QEMU_DISK;
    if (qemu ? admit_qemu(local, how, spec, &machine, err) : admit_tender(spec, how, err))
        return -1;
    return mir_preflight(spec->kernel, local_offer(spec->kernel), spec->port_count, err);
}
