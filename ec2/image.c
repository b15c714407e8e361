/* SPDX-License-Identifier: ISC */
#include "ec2/image.h"

#include <string.h>

#include "compute_tables.h"

#define REGISTER(member, name, kind) EC2_ROW(struct ec2_register, member, name, kind)

static const struct ec2_field register_fields[] = {
    REGISTER(name, "Name", EC2_PUT_TEXT),
    REGISTER(description, "Description", EC2_PUT_TEXT),
    REGISTER(architecture, "Architecture", EC2_PUT_TEXT),
    REGISTER(virtualization, "VirtualizationType", EC2_PUT_TEXT),
    REGISTER(root_device, "RootDeviceName", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_register, devices, device_count, "BlockDeviceMapping", EC2_PUT_LIST,
             &ec2_device_table),
    REGISTER(ena, "EnaSupport", EC2_PUT_FLAG),
    REGISTER(sriov, "SriovNetSupport", EC2_PUT_TEXT),
    REGISTER(boot_mode, "BootMode", EC2_PUT_TEXT),
    REGISTER(tpm, "TpmSupport", EC2_PUT_TEXT),
    REGISTER(imds, "ImdsSupport", EC2_PUT_TEXT),
    REGISTER(kernel_id, "KernelId", EC2_PUT_TEXT),
    REGISTER(ramdisk_id, "RamdiskId", EC2_PUT_TEXT),
    REGISTER(location, "ImageLocation", EC2_PUT_TEXT),
    EC2_ROW_TAGS(struct ec2_register),
    EC2_ROW_DRY_RUN(struct ec2_register),
};
static const struct ec2_table register_table = EC2_TABLE(struct ec2_register, register_fields);

static const struct ec2_field id_fields[] = {
    EC2_MUST(struct ec2_image_id, id, "imageId", EC2_GET_TEXT),
};
static const struct ec2_table id_table = EC2_TABLE(struct ec2_image_id, id_fields);

static const struct ec2_field deregister_fields[] = {
    EC2_MUST(struct ec2_deregister, id, "ImageId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_deregister, delete_snapshots, "DeleteAssociatedSnapshots", EC2_PUT_TRUE),
    EC2_ROW_DRY_RUN(struct ec2_deregister),
};
static const struct ec2_table deregister_table =
    EC2_TABLE(struct ec2_deregister, deregister_fields);

static const struct ec2_field create_fields[] = {
    EC2_MUST(struct ec2_create_image_args, instance_id, "InstanceId", EC2_PUT_TEXT),
    EC2_MUST(struct ec2_create_image_args, name, "Name", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_image_args, description, "Description", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_create_image_args, no_reboot, "NoReboot", EC2_PUT_FLAG),
    EC2_ROW_TAGS(struct ec2_create_image_args),
    EC2_ROW_DRY_RUN(struct ec2_create_image_args),
};
static const struct ec2_table create_table = EC2_TABLE(struct ec2_create_image_args, create_fields);

static const struct ec2_field describe_fields[] = {
    EC2_MANY(struct ec2_describe_images_args, ids, id_count, "ImageId", EC2_PUT_IDS, NULL),
    EC2_MANY(struct ec2_describe_images_args, owners, owner_count, "Owner", EC2_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_describe_images_args),
};
static const struct ec2_table describe_table =
    EC2_TABLE(struct ec2_describe_images_args, describe_fields);

static const struct ec2_field device_fields[] = {
    EC2_ROW(struct ec2_found_device, name, "deviceName", EC2_GET_CUT),
    EC2_ROW(struct ec2_found_device, snapshot_id, "ebs/snapshotId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_found_device, size_gib, "ebs/volumeSize", EC2_GET_NUMBER),
    EC2_ROW(struct ec2_found_device, delete_on_termination, "ebs/deleteOnTermination",
            EC2_GET_TRUE),
};
static const struct ec2_table device_table = EC2_TABLE(struct ec2_found_device, device_fields);

#define HAS(member, path, kind) EC2_ROW(struct ec2_image, member, path, kind)

static const struct ec2_field image_fields[] = {
    EC2_MUST(struct ec2_image, id, "imageId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_image, state, "imageState", EC2_GET_TEXT),
    HAS(name, "name", EC2_GET_TEXT),
    HAS(state_reason, "stateReason/message", EC2_GET_CUT),
    HAS(owner, "imageOwnerId", EC2_GET_CUT),
    HAS(location, "imageLocation", EC2_GET_CUT),
    HAS(architecture, "architecture", EC2_GET_TEXT),
    HAS(virtualization, "virtualizationType", EC2_GET_TEXT),
    HAS(boot_mode, "bootMode", EC2_GET_TEXT),
    HAS(root_device, "rootDeviceName", EC2_GET_CUT),
    HAS(root_device_type, "rootDeviceType", EC2_GET_TEXT),
    HAS(kernel_id, "kernelId", EC2_GET_TEXT),
    HAS(imds, "imdsSupport", EC2_GET_TEXT),
    HAS(created_s, "creationDate", EC2_GET_TIME),
    HAS(ena, "enaSupport", EC2_GET_TRUE),
    HAS(is_public, "isPublic", EC2_GET_TRUE),
    EC2_MANY(struct ec2_image, devices, device_count, "blockDeviceMapping/item", EC2_GET_LIST,
             &device_table),
    EC2_ROW_FOUND_TAGS(struct ec2_image),
};
static const struct ec2_table image_table = EC2_TABLE(struct ec2_image, image_fields);

static const struct ec2_field images_fields[] = {
    EC2_MANY(struct ec2_images, rows, count, "imagesSet/item", EC2_GET_LIST, &image_table),
};
static const struct ec2_table images_table = EC2_TABLE(struct ec2_images, images_fields);

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
    if (!args->architecture || !args->virtualization || (!pv && args->ena == EC2_UNSAID))
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
