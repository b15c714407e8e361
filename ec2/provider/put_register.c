/* SPDX-License-Identifier: ISC */
/* A snapshot becomes an image. */
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define ROOT_HVM "/dev/xvda"
#define ROOT_PV "/dev/sda"

/* PV-GRUB is a kernel image of Amazon's own, another one in each region. */
static int find_pvgrub(struct put *put, char ret_id[EC2_ID_TEXT], struct mir_error *err)
{
    static const char *const amazon[] = {"amazon"};
    static const char *const names[] = {"pv-grub-hd00_1.05-x86_64.gz"};
    static const struct ec2_filter filter = {.name = "name", .values = names, .value_count = 1};
    const struct ec2_describe_images_args args = {
        .owners = amazon, .owner_count = 1, .filters = &filter, .filter_count = 1};
    struct ec2_images found = {.rows = NULL};
    if (ec2_describe_images(put->session, &args, put->until_ms, &found, err))
        return -1;
    int rc = found.count ? mir_copy(ret_id, EC2_ID_TEXT, found.rows[0].id) : -1;
    ec2_images_clear(&found);
    if (!rc)
        return 0;
    mir_fail(err, MIR_POLICY, "region %s has no PV-GRUB any more",
             ec2_session_region(put->session));
    return mir_error_hint(err, "try another --region, or build the kernel for another target");
}

int cloud_put_register(struct put *put, struct mir_error *err)
{
    static const char *const kinds[] = {"image"};
    bool pv = put->needs.layout == MIR_LAYOUT_PVGRUB;
    char pvgrub[EC2_ID_TEXT] = "";
    struct ec2_image_id made = {.id = ""};
    struct ec2_tag_set set;
    mir_auto_free char *name = mir_format("mirage-%.16s-%s", put->disk, put->spec->tags.deployment);
    const struct ec2_device device = {.name = pv ? ROOT_PV : ROOT_HVM,
                                      .snapshot_id = put->snapshot,
                                      .volume_type = pv ? "standard" : "gp3",
                                      .delete_on_termination = EC2_YES};
    if (pv && find_pvgrub(put, pvgrub, err))
        return -1;
    cloud_tag_sets(&put->tags, kinds, 1, &set);
    const struct ec2_register args = {
        .name = name,
        .description = PUT_DESCRIPTION,
        .architecture = put->machine.arch == MIR_ARCH_AARCH64 ? "arm64" : "x86_64",
        .virtualization = pv ? "paravirtual" : "hvm",
        .root_device = device.name,
        .devices = &device,
        .device_count = 1,
        .ena = pv               ? EC2_UNSAID
               : put->needs.ena ? EC2_YES
                                : EC2_NO,
        .boot_mode = pv                                         ? NULL
                     : put->needs.firmware == MIR_FIRMWARE_UEFI ? "uefi"
                                                                : "legacy-bios",
        .imds = pv ? NULL : "v2.0",
        .kernel_id = pvgrub,
        .tags = &set,
        .tag_count = 1};
    struct mir_error said = {0};
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
