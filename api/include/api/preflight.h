/* SPDX-License-Identifier: ISC */
/*
 * The pre-flight: the devices that a kernel's manifest demands against those that an instance will
 * have. Solo5 aborts at once when a device of its manifest is not there, and on a virtio device
 * that its manifest does not name: so it is said before anything is started or paid for.
 *
 * Pure; any thread. Kernels without a Solo5 manifest demand nothing, and always pass.
 */
#ifndef API_PREFLIGHT_H
#define API_PREFLIGHT_H

#include <stdbool.h>

#include "api/error.h"
#include "api/kernel.h"

/* What an instance will have. */
struct mir_offer {
    unsigned nics_max;   /* network cards that can be given: as many as the kernel demands */
    unsigned blocks_max; /* block devices beside the root disk, in the same way */
    enum mir_bus root;   /* where the root disk stands; none: there is no root disk */
    const char *fix; /* for the hint: what to do about a device that cannot be given; borrowed */
};

/* True for a kernel that says by a manifest which devices it demands. */
bool mir_kernel_demands(const struct mir_kernel *kernel);
unsigned mir_kernel_demanded(const struct mir_kernel *kernel, enum mir_device_kind kind);

/* ports: how many ports are to be published, which takes a network. 0, or MIR_POLICY with the
 * device and the fix; no --anyway helps, since the guest would abort. */
int mir_preflight(const struct mir_kernel *kernel, const struct mir_offer *offer, unsigned ports,
                  struct mir_error *err);

#endif
