/* SPDX-License-Identifier: ISC */
/* A snapshot, or a bundle, becomes an image. */
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define ROOT_HVM "/dev/xvda"
#define ROOT_PV "/dev/sda"

/* PV-GRUB is a kernel image of Amazon's own, another one in each region: hd00 for a disk with a
 * partition table, hd0 for a file system by itself. */
int cloud_put_kernel(struct put *put, struct mir_error *err)
{
    static const char *const amazon[] = {"amazon"};
    bool bare = put->needs.layout == MIR_LAYOUT_PVGRUB_BARE;
    if (!put->pv)
        return 0;
    mir_auto_free char *name =
        mir_format("pv-grub-%s_1.05-%s.gz", bare ? "hd0" : "hd00", mir_arch_name(put->arch));
    const char *const names[] = {name};
    const struct ec2_filter filter = {.name = "name", .values = names, .value_count = 1};
    const struct ec2_describe_images_args args = {
        .owners = amazon, .owner_count = 1, .filters = &filter, .filter_count = 1};
    struct ec2_images found = {.rows = NULL};
    if (ec2_describe_images(put->session, &args, put->until_ms, &found, err))
        return -1;
    int rc = found.count ? mir_copy(put->kernel, sizeof put->kernel, found.rows[0].id) : -1;
    ec2_images_clear(&found);
    if (!rc)
        return 0;
    mir_fail(err, MIR_POLICY, "region %s has no PV-GRUB any more",
             ec2_session_region(put->session));
    return mir_error_hint(err, "try another --region, or build the kernel for another target");
}

/* What a bundle says nothing of, as nothing of it was there in its time. */
static void describe_disk(const struct put *put, const struct ec2_device *device,
                          struct ec2_register *ret)
{
    ret->root_device = device->name;
    ret->devices = device;
    ret->device_count = 1;
    if (put->pv)
        return;
    ret->ena = put->needs.ena ? MIR_YES : MIR_NO;
    ret->boot_mode = put->needs.firmware == MIR_FIRMWARE_UEFI ? "uefi" : "legacy-bios";
    ret->imds = "v2.0";
}

int cloud_put_register(struct put *put, struct mir_error *err)
{
    static const char *const kinds[] = {"image"};
    struct ec2_image_id made = {.id = ""};
    struct ec2_tag_set set;
    mir_auto_free char *name = mir_format("mirage-%.16s-%s", put->disk, put->spec->tags.deployment);
    const struct ec2_device device = {.name = put->pv ? ROOT_PV : ROOT_HVM,
                                      .snapshot_id = put->snapshot,
                                      .volume_type = put->pv ? "standard" : "gp3",
                                      .delete_on_termination = MIR_YES};
    cloud_tag_sets(&put->tags, kinds, 1, &set);
    struct ec2_register args = {
        .name = name,
        .description = PUT_DESCRIPTION,
        .architecture = put->arch == MIR_ARCH_AARCH64 ? "arm64" : mir_arch_name(put->arch),
        .virtualization = put->pv ? "paravirtual" : "hvm",
        .ena = put->pv ? MIR_UNSAID : MIR_NO,
        .location = put->location,
        .kernel_id = put->kernel,
        .tags = &set,
        .tag_count = 1};
    struct mir_error said = {0};
    if (!*put->location)
        describe_disk(put, &device, &args);
    if (mir_fence_check(put->cloud->fence, err))
        return -1;
    if (ec2_register_image(put->session, &args, put->until_ms, &made, &said)) {
        /* An earlier attempt has made it, and it is not listed yet: the next one finds it. */
        if (!strcmp(said.provider_code, "InvalidAMIName.Duplicate"))
            said.retry = MIR_RETRY_TRANSIENT;
        return cloud_said(&said, err);
    }
    mir_copy(put->image, sizeof put->image, made.id);
    return 0;
}
