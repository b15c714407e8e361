/* SPDX-License-Identifier: ISC */
/* What can be deployed at all: to an account that somebody has named, a kernel that the chosen type
 * of machine starts. */
#include "api/memory.h"
#include "cloud.h"
#include "machines.h"

#define MIB ((uint64_t)1 << 20)

/* This provider has ended what it launched only where that was our own stand-in: it has to be told
 * before it spends anybody's money. */
bool cloud_may_deploy(const struct cloud *cloud)
{
    struct ec2_setting endpoint = {.value = NULL};
    if (!cloud->configured)
        return false;
    return cloud->preview ||
           (!ec2_config_endpoint(cloud->config, EC2_COMPUTE, &endpoint, NULL) && endpoint.value);
}

static int admit_account(const struct cloud *cloud, const struct mir_instance_spec *spec,
                         struct mir_error *err)
{
    if (((!cloud->configured || !*spec->place.region) && cloud_ready(cloud, err)) ||
        cloud_way_reaches(cloud, spec->place.region, err))
        return -1;
    if (cloud_may_deploy(cloud))
        return 0;
    mir_fail(err, MIR_POLICY, "deploying to Amazon itself is a preview, which is not switched on");
    return mir_error_hint(err,
                          "try it with mirage-fakecloud (AWS_ENDPOINT_URL), or switch it on and "
                          "look after it yourself: preview = yes in section [ec2]");
}

int cloud_needs(const struct mir_instance_spec *spec, struct ec2_machine *ret_machine,
                struct mir_needs *ret_needs, struct mir_error *err)
{
    struct ec2_machine machine;
    if (ec2_machine_named(spec->place.type, &machine, err))
        return -1;
    const struct mir_family *row = mir_kernel_family(spec->kernel, "ec2", machine.family);
    if (!row || row->needs.image == MIR_IMAGE_NONE) {
        mir_fail(err, MIR_POLICY, "no image of this %s kernel starts %s: %s",
                 mir_format_name(spec->kernel->format), spec->place.type,
                 row ? row->why : "nothing is known of it");
        return mir_error_hint(err,
                              "choose another --type; `mirage-deploy inspect` says which kinds");
    }
    *ret_machine = machine;
    *ret_needs = row->needs;
    return 0;
}

static int admit_kernel(const struct mir_instance_spec *spec, const struct ec2_machine *machine,
                        struct mir_error *err)
{
    const struct mir_kernel *kernel = spec->kernel;
    if (!ec2_machine_runs(machine, kernel->arch)) {
        mir_fail(err, MIR_POLICY, "this kernel is built for %s, and %s is %s",
                 mir_arch_name(kernel->arch), machine->type, mir_arch_name(machine->arch));
        return mir_error_hint(err, "choose another --type, or leave it to the provider");
    }
    if (!spec->memory_bytes || spec->memory_bytes >= kernel->min_memory_bytes)
        return 0;
    mir_fail(err, MIR_POLICY, "%s needs %u MiB of memory, and %s has %u MiB", spec->name,
             (unsigned)((kernel->min_memory_bytes + MIB - 1) / MIB), machine->type,
             (unsigned)(spec->memory_bytes / MIB));
    return mir_error_hint(err, "choose a larger --type");
}

int cloud_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err)
{
    struct ec2_machine machine;
    struct mir_needs needs;
    return admit_account(ctx, spec, err) || cloud_needs(spec, &machine, &needs, err) ||
                   cloud_way_starts(ctx, &machine, err) || admit_kernel(spec, &machine, err)
               ? -1
               : 0;
}
