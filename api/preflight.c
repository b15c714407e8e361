/* SPDX-License-Identifier: ISC */
#include "api/preflight.h"

bool mir_kernel_demands(const struct mir_kernel *kernel)
{
    return kernel->format >= MIR_FORMAT_SOLO5_HVT && kernel->format <= MIR_FORMAT_SOLO5_XEN;
}

unsigned mir_kernel_demanded(const struct mir_kernel *kernel, enum mir_device_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < kernel->device_count; i++)
        count += kernel->devices[i].kind == kind;
    return count;
}

static const char *name_of(const struct mir_kernel *kernel, enum mir_device_kind kind)
{
    for (unsigned i = 0; i < kernel->device_count; i++)
        if (kernel->devices[i].kind == kind)
            return kernel->devices[i].name;
    return "";
}

static int too_many(const struct mir_kernel *kernel, enum mir_device_kind kind, unsigned max,
                    const char *what, const char *fix, struct mir_error *err)
{
    unsigned count = mir_kernel_demanded(kernel, kind);
    if (count <= max)
        return 0;
    if (count == 1)
        mir_fail(err, MIR_POLICY, "its manifest demands the %s '%s', and there is none here", what,
                 name_of(kernel, kind));
    else
        mir_fail(err, MIR_POLICY, "its manifest demands %u %ss ('%s' and others); %u can be given",
                 count, what, name_of(kernel, kind), max);
    return mir_error_hint(err, "%s", fix);
}

/* A virtio root disk is a block device like any other to the guest. */
static int check_root(const struct mir_kernel *kernel, const struct mir_offer *offer,
                      struct mir_error *err)
{
    if (offer->root != MIR_BUS_VIRTIO || mir_kernel_demanded(kernel, MIR_DEVICE_BLOCK))
        return 0;
    mir_fail(err, MIR_POLICY,
             "its manifest names no block device, and it aborts on a root disk by virtio");
    return mir_error_hint(err, "put the root disk on IDE or SCSI (hw_disk_bus)");
}

int mir_preflight(const struct mir_kernel *kernel, const struct mir_offer *offer, unsigned ports,
                  struct mir_error *err)
{
    if (!mir_kernel_demands(kernel))
        return 0;
    if (too_many(kernel, MIR_DEVICE_NET, offer->nics_max, "network", offer->fix, err) ||
        too_many(kernel, MIR_DEVICE_BLOCK, offer->blocks_max + (offer->root == MIR_BUS_VIRTIO),
                 "block device", offer->fix, err) ||
        too_many(kernel, MIR_DEVICE_OTHER, 0, "device of an unknown kind", offer->fix, err) ||
        check_root(kernel, offer, err))
        return -1;
    if (!ports || mir_kernel_demanded(kernel, MIR_DEVICE_NET))
        return 0;
    mir_fail(err, MIR_POLICY, "its manifest names no network, so no port of it can be published");
    return mir_error_hint(err, "leave -p and --open away");
}
