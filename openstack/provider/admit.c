/* SPDX-License-Identifier: ISC */
/* What can be deployed at all: a kernel that the cloud's machines start, where a network is. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "stack.h"

#define MIB ((uint64_t)1 << 20)

const char *stack_family(const struct mir_kernel *kernel)
{
    return kernel->arch == MIR_ARCH_AARCH64 ? "kvm-arm64" : "kvm-x86";
}

/* Nova's libvirt driver hands a kernel image to the loader of QEMU, which is what starts it on this
 * machine as well: the row of that machine says whether it does. */
static bool loaded_directly(const struct mir_kernel *kernel)
{
    const struct mir_family *here = mir_kernel_family(kernel, "local", "qemu-pc");
    return kernel->arch != MIR_ARCH_AARCH64 && here && here->needs.direct_kernel &&
           (here->verdict == MIR_VERDICT_BOOTS || here->verdict == MIR_VERDICT_UNKNOWN);
}

/* What `boot` says cannot always be had. */
static int check_boot(const struct stack *stack, const struct mir_kernel *kernel, bool direct,
                      bool disk, struct mir_error *err)
{
    if ((direct || stack->boot != STACK_BOOT_KERNEL) && (disk || stack->boot != STACK_BOOT_DISK))
        return 0;
    mir_fail(err, MIR_POLICY, "this %s kernel cannot be started %s",
             mir_format_name(kernel->format),
             stack->boot == STACK_BOOT_DISK ? "from a disk" : "by the cloud's own loader");
    return mir_error_hint(err, "leave that to the provider: boot = auto in section [openstack]");
}

/* The root disk of a kernel that the cloud loads holds nothing, and must not be seen by a kernel
 * that names its devices. */
static struct mir_needs direct_needs(const struct mir_kernel *kernel, const struct mir_needs *disk)
{
    enum mir_bus usual = mir_kernel_demands(kernel) ? MIR_BUS_IDE : MIR_BUS_VIRTIO;
    enum mir_bus bus = disk->disk_bus != MIR_BUS_NONE ? disk->disk_bus : usual;
    return (struct mir_needs){.direct_kernel = true, .disk_bus = bus, .nic = MIR_NIC_VIRTIO};
}

bool stack_has_disk(const struct mir_family *row)
{
    return row && !row->needs.direct_kernel && row->needs.image != MIR_IMAGE_NONE;
}

int stack_needs(const struct stack *stack, const struct mir_kernel *kernel, struct mir_needs *ret,
                struct mir_error *err)
{
    const struct mir_family *row = mir_kernel_family(kernel, "openstack", stack_family(kernel));
    bool direct = row && (row->needs.direct_kernel || loaded_directly(kernel));
    bool disk = stack_has_disk(row);
    if (!direct && !disk) {
        mir_fail(err, MIR_POLICY, "no image of this %s kernel starts: %s",
                 mir_format_name(kernel->format), row ? row->why : "nothing is known of it");
        return mir_error_hint(err, "`mirage-deploy inspect` says where it would");
    }
    if (check_boot(stack, kernel, direct, disk, err))
        return -1;
    bool by_loader = direct && stack->boot != STACK_BOOT_DISK;
    *ret = by_loader ? direct_needs(kernel, &row->needs) : row->needs;
    return 0;
}

static int admit_kernel(const struct mir_instance_spec *spec, struct mir_error *err)
{
    const struct mir_kernel *kernel = spec->kernel;
    if (!spec->memory_bytes || spec->memory_bytes >= kernel->min_memory_bytes)
        return 0;
    mir_fail(err, MIR_POLICY, "%s needs %u MiB of memory, and %s has %u MiB", spec->name,
             (unsigned)((kernel->min_memory_bytes + MIB - 1) / MIB), spec->place.type,
             (unsigned)(spec->memory_bytes / MIB));
    return mir_error_hint(err, "choose a larger --type");
}

static int admit_spot(const struct mir_place *place, struct mir_error *err)
{
    if (!place->spot)
        return 0;
    mir_fail(err, MIR_USAGE, "OpenStack has no spot machines");
    return mir_error_hint(err, "leave --spot away");
}

/* What would be refused in the middle of a deploy is refused before it. */
static int admit_services(const struct stack *stack, struct stack_site *site, int64_t until_ms,
                          struct mir_error *err)
{
    static const enum os_service needed[] = {OS_IMAGE, OS_COMPUTE, OS_NETWORK, OS_RESERVATION};
    for (size_t i = 0; i < MIR_NELEMS(needed) - !stack->leased; i++) {
        char *endpoint = NULL;
        if (os_session_endpoint(site->session, needed[i], until_ms, &endpoint, err))
            return -1;
        free(endpoint);
    }
    return 0;
}

static int admit_site(struct stack *stack, const struct mir_instance_spec *spec,
                      struct mir_error *err)
{
    const struct mir_place *place = &spec->place;
    struct stack_site *site;
    struct stack_network network;
    if (stack_site(stack, place->cloud, place->region, &site, err))
        return -1;
    int64_t until_ms = os_until(site->session, STACK_CALL_MS);
    return admit_services(stack, site, until_ms, err) ||
                   stack_outlives(site, spec->tags.expires_s, until_ms, err) ||
                   stack_network_choose(stack, site, place, until_ms, &network, err) ||
                   stack_room(stack, site, place, &network, until_ms, err)
               ? -1
               : 0;
}

int stack_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    struct mir_needs needs;
    return admit_spot(&spec->place, err) || stack_needs(ctx, spec->kernel, &needs, err) ||
                   admit_kernel(spec, err) || admit_site(ctx, spec, err)
               ? -1
               : 0;
}
