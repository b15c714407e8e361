/* SPDX-License-Identifier: ISC */
#include "ec2/image.h"

#include <string.h>

#include "compute_tables.h"

#define REGISTER(member, name, kind) MIR_ROW(struct ec2_register, member, name, kind)

static const struct mir_field register_fields[] = {
    REGISTER(name, "Name", MIR_PUT_TEXT),
    REGISTER(description, "Description", MIR_PUT_TEXT),
    REGISTER(architecture, "Architecture", MIR_PUT_TEXT),
    REGISTER(virtualization, "VirtualizationType", MIR_PUT_TEXT),
    REGISTER(root_device, "RootDeviceName", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_register, devices, device_count, "BlockDeviceMapping", MIR_PUT_LIST,
             &ec2_device_table),
    REGISTER(ena, "EnaSupport", MIR_PUT_FLAG),
    REGISTER(sriov, "SriovNetSupport", MIR_PUT_TEXT),
    REGISTER(boot_mode, "BootMode", MIR_PUT_TEXT),
    REGISTER(tpm, "TpmSupport", MIR_PUT_TEXT),
    REGISTER(imds, "ImdsSupport", MIR_PUT_TEXT),
    REGISTER(kernel_id, "KernelId", MIR_PUT_TEXT),
    REGISTER(ramdisk_id, "RamdiskId", MIR_PUT_TEXT),
    REGISTER(location, "ImageLocation", MIR_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_register),
    EC2_ROW_DRY_RUN(struct ec2_register),
};
static const struct mir_table register_table = MIR_TABLE(struct ec2_register, register_fields);

static const struct mir_field id_fields[] = {
    MIR_MUST(struct ec2_image_id, id, "imageId", MIR_GET_TEXT),
};
static const struct mir_table id_table = MIR_TABLE(struct ec2_image_id, id_fields);

static const struct mir_field deregister_fields[] = {
    MIR_MUST(struct ec2_deregister, id, "ImageId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_deregister, delete_snapshots, "DeleteAssociatedSnapshots", MIR_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_deregister),
};
static const struct mir_table deregister_table =
    MIR_TABLE(struct ec2_deregister, deregister_fields);

static const struct mir_field create_fields[] = {
    MIR_MUST(struct ec2_create_image_args, instance_id, "InstanceId", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_create_image_args, name, "Name", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_image_args, description, "Description", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_create_image_args, no_reboot, "NoReboot", MIR_PUT_FLAG),
    EC2_ROW_TAGS(struct ec2_create_image_args),
    EC2_ROW_DRY_RUN(struct ec2_create_image_args),
};
static const struct mir_table create_table = MIR_TABLE(struct ec2_create_image_args, create_fields);

static const struct mir_field describe_fields[] = {
    MIR_MANY(struct ec2_describe_images_args, ids, id_count, "ImageId", MIR_PUT_IDS, NULL),
    MIR_MANY(struct ec2_describe_images_args, owners, owner_count, "Owner", MIR_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_describe_images_args),
};
static const struct mir_table describe_table =
    MIR_TABLE(struct ec2_describe_images_args, describe_fields);

static const struct mir_field device_fields[] = {
    MIR_ROW(struct ec2_found_device, name, "deviceName", MIR_GET_CUT),
    MIR_ROW(struct ec2_found_device, snapshot_id, "ebs/snapshotId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_found_device, size_gib, "ebs/volumeSize", MIR_GET_NUMBER),
    MIR_ROW(struct ec2_found_device, delete_on_termination, "ebs/deleteOnTermination",
            MIR_GET_TRUE),
};
static const struct mir_table device_table = MIR_TABLE(struct ec2_found_device, device_fields);

#define HAS(member, path, kind) MIR_ROW(struct ec2_image, member, path, kind)

static const struct mir_field image_fields[] = {
    MIR_MUST(struct ec2_image, id, "imageId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_image, state, "imageState", MIR_GET_TEXT),
    HAS(name, "name", MIR_GET_TEXT),
    HAS(state_reason, "stateReason/message", MIR_GET_CUT),
    HAS(owner, "imageOwnerId", MIR_GET_CUT),
    HAS(location, "imageLocation", MIR_GET_CUT),
    HAS(architecture, "architecture", MIR_GET_TEXT),
    HAS(virtualization, "virtualizationType", MIR_GET_TEXT),
    HAS(boot_mode, "bootMode", MIR_GET_TEXT),
    HAS(root_device, "rootDeviceName", MIR_GET_CUT),
    HAS(root_device_type, "rootDeviceType", MIR_GET_TEXT),
    HAS(kernel_id, "kernelId", MIR_GET_TEXT),
    HAS(imds, "imdsSupport", MIR_GET_TEXT),
    HAS(created_s, "creationDate", MIR_GET_TIME),
    HAS(ena, "enaSupport", MIR_GET_TRUE),
    HAS(is_public, "isPublic", MIR_GET_TRUE),
    MIR_MANY(struct ec2_image, devices, device_count, "blockDeviceMapping/item", MIR_GET_LIST,
             &device_table),
    EC2_ROW_FOUND_TAGS(struct ec2_image),
};
static const struct mir_table image_table = MIR_TABLE(struct ec2_image, image_fields);

static const struct mir_field images_fields[] = {
    MIR_MANY(struct ec2_images, rows, count, "imagesSet/item", MIR_GET_LIST, &image_table),
};
static const struct mir_table images_table = MIR_TABLE(struct ec2_images, images_fields);

enum { REGISTER_ONE, DEREGISTER, CREATE, DESCRIBE };

const struct ec2_operation ec2_image_operations[] = {
    [REGISTER_ONE] = EC2_ACT("RegisterImage", &register_table, &id_table),
    [DEREGISTER] = EC2_ACT("DeregisterImage", &deregister_table, NULL),
    [CREATE] = EC2_ACT("CreateImage", &create_table, &id_table),
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeImages", &describe_table, &images_table, 1000),
    {0},
};

int ec2_register_image(struct ec2_session *session, const struct ec2_register *args,
                       int64_t until_ms, struct ec2_image_id *ret, struct mir_error *err)
{
    bool pv = args->virtualization && !strcmp(args->virtualization, "paravirtual");
    if (!args->architecture || !args->virtualization || (!pv && args->ena == MIR_UNSAID))
        return mir_fail(err, MIR_USAGE,
                        "an image needs an architecture, a virtualization, and a word on ENA");
    return ec2_operate(session, &ec2_image_operations[REGISTER_ONE], args, until_ms, ret, err);
}

EC2_FUNCTION_PLAIN(ec2_deregister_image, struct ec2_deregister, &ec2_image_operations[DEREGISTER])
EC2_FUNCTION(ec2_create_image, struct ec2_create_image_args, struct ec2_image_id,
             &ec2_image_operations[CREATE], ec2_operate)
EC2_FUNCTION(ec2_describe_images, struct ec2_describe_images_args, struct ec2_images,
             &ec2_image_operations[DESCRIBE], ec2_operate_all)
EC2_CLEAR(ec2_images_clear, struct ec2_images, &images_table)
