/* SPDX-License-Identifier: ISC */
/* Snapshots, written block by block; images of them; volumes. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2/ebs.h"
#include "moto.h"

/* --- EBS direct --- */

static void put_block(const char *snapshot, uint64_t index, unsigned char fill,
                      unsigned char ret_digest[EC2_EBS_DIGEST])
{
    unsigned char *data = mir_calloc(1, EC2_EBS_BLOCK);
    struct ec2_ebs_put put = {.snapshot_id = snapshot, .index = index, .data = data};
    memset(data, fill, EC2_EBS_BLOCK);
    SHA256(data, EC2_EBS_BLOCK, put.digest);
    EXPECT(!ec2_ebs_put_block(calls.session, &put, calls.until_ms, &calls.err));
    memcpy(ret_digest, put.digest, EC2_EBS_DIGEST);
    free(data);
}

static void get_block(const char *snapshot, const struct ec2_ebs_block *block, unsigned char fill)
{
    unsigned char *data = mir_calloc(1, EC2_EBS_BLOCK);
    EXPECT(!ec2_ebs_get_block(calls.session, snapshot, (uint64_t)block->index, block->token,
                              calls.until_ms, data, &calls.err));
    EXPECT(data[0] == fill && data[EC2_EBS_BLOCK - 1] == fill);
    free(data);
}

/* A completed one of the blocks 0, which every one has alike, and 7. */
static void write_snapshot(const struct ec2_ebs_start *start, unsigned char fill,
                           char ret_id[EC2_ID_TEXT])
{
    struct ec2_ebs_snapshot snapshot = {0};
    unsigned char digests[2][EC2_EBS_DIGEST], digest[EC2_EBS_DIGEST];
    char status[16] = "";
    CALL("StartSnapshot", ec2_ebs_start_snapshot, start, &snapshot);
    SAME(snapshot.status, "pending");
    EXPECT(snapshot.volume_gib == start->volume_gib);
    put_block(snapshot.id, 0, 1, digests[0]);
    put_block(snapshot.id, 7, fill, digests[1]);
    SHA256(digests[0], sizeof digests, digest);
    EXPECT(!ec2_ebs_complete_snapshot(calls.session, snapshot.id, 2, digest, calls.until_ms, status,
                                      &calls.err));
    SAME(status, "completed");
    mir_copy(ret_id, EC2_ID_TEXT, snapshot.id);
}

static void list_blocks(const char *snapshot, const char *first)
{
    struct ec2_ebs_blocks blocks = {0};
    made("ListSnapshotBlocks",
         ec2_ebs_list_blocks(calls.session, snapshot, NULL, calls.until_ms, &blocks, &calls.err),
         NULL, &blocks);
    EXPECT(blocks.count == 2 && blocks.volume_gib == 2 && blocks.rows[1].index == 7);
    if (blocks.count == 2)
        get_block(snapshot, &blocks.rows[1], 3);
    ec2_ebs_blocks_clear(&blocks);
    made("ListChangedBlocks",
         ec2_ebs_list_blocks(calls.session, snapshot, first, calls.until_ms, &blocks, &calls.err),
         NULL, &blocks);
    EXPECT(blocks.count == 1 && blocks.volume_gib == 2 && blocks.rows[0].index == 7);
    EXPECT(blocks.count && blocks.rows[0].first_token && blocks.rows[0].token);
    ec2_ebs_blocks_clear(&blocks);
}

static void describe_snapshots(void)
{
    const char *id = moto.snapshot, *owner = "self";
    struct ec2_describe_snapshots_args args = {.ids = &id, .id_count = 1};
    struct ec2_snapshots snapshots = {0};
    struct one_filter filter;
    CALL("DescribeSnapshots", ec2_describe_snapshots, &args, &snapshots);
    EXPECT(snapshots.count == 1);
    if (snapshots.count) {
        const struct ec2_snapshot *row = &snapshots.rows[0];
        SAME(row->state, "completed");
        SAME(row->progress, "100%");
        SAME(row->owner, MOTO_ACCOUNT);
        SAME(row->description, "of blocks");
        EXPECT(row->size_gib == 2 && recent(row->started_s));
        KEPT(row, "snapshot");
    }
    by_filter(&filter, "tag:kept", "snapshot");
    args = (struct ec2_describe_snapshots_args){
        .owners = &owner, .owner_count = 1, .filters = &filter.filter, .filter_count = 1};
    CALL("DescribeSnapshots", ec2_describe_snapshots, &args, &snapshots);
    EXPECT(snapshots.count == 1);
    ec2_snapshots_clear(&snapshots);
}

void call_blocks(void)
{
    const struct ec2_pair tags[] = {{"kept", "snapshot"}};
    struct ec2_ebs_start first = {.volume_gib = 2, .token = "first", .description = "before"};
    struct ec2_ebs_start start = {.volume_gib = 2,
                                  .description = "of blocks",
                                  .tags = tags,
                                  .tag_count = 1,
                                  .token = "second",
                                  .encrypted = true,
                                  .key_arn = "arn:aws:kms:" MOTO_REGION ":" MOTO_ACCOUNT ":key/k",
                                  .timeout_min = 10};
    char before[EC2_ID_TEXT];
    write_snapshot(&first, 2, before);
    start.parent_id = before;
    write_snapshot(&start, 3, moto.snapshot);
    list_blocks(moto.snapshot, before);
    describe_snapshots();
    struct ec2_target target = {.id = before};
    TRY_DO("DeleteSnapshot", ec2_delete_snapshot, &target);
}

/* --- images --- */

/* moto keeps the name, and puts a root device of its own behind it. */
static void check_image(const struct ec2_image *image)
{
    SAME(image->name, "an image");
    SAME(image->state, "available");
    SAME(image->owner, MOTO_ACCOUNT);
    SAME(image->root_device, "/dev/sda1");
    SAME(image->boot_mode, "uefi");
    EXPECT(!image->is_public && recent(image->created_s));
    EXPECT(image->device_count == 1);
    if (image->device_count) {
        SAME(image->devices[0].name, "/dev/sda1");
        EXPECT(!strncmp(image->devices[0].snapshot_id, "snap-", 5));
        EXPECT(image->devices[0].size_gib == 15);
    }
}

/* One of Amazon's, for instances: it has all that moto knows of an image. */
static void find_image(const char *name)
{
    struct ec2_images images = {0};
    struct one_filter filter;
    by_filter(&filter, "name", name);
    struct ec2_describe_images_args args = {.filters = &filter.filter, .filter_count = 1};
    CALL("DescribeImages", ec2_describe_images, &args, &images);
    EXPECT(images.count == 1);
    if (images.count) {
        const struct ec2_image *image = &images.rows[0];
        mir_copy(moto.base, sizeof moto.base, image->id);
        SAME(image->name, name);
        SAME(image->architecture, "x86_64");
        SAME(image->virtualization, "hvm");
        SAME(image->root_device_type, "ebs");
        SAME(image->location, "amazon/getting-started");
        EXPECT(image->is_public && strcmp(image->owner, MOTO_ACCOUNT) != 0);
    }
    ec2_images_clear(&images);
}

static void describe_images(void)
{
    const char *id = moto.image, *owner = "self";
    struct ec2_describe_images_args args = {.ids = &id, .id_count = 1};
    struct ec2_images images = {0};
    struct one_filter filter;
    CALL("DescribeImages", ec2_describe_images, &args, &images);
    EXPECT(images.count == 1);
    if (images.count)
        check_image(&images.rows[0]);
    by_filter(&filter, "name", "an image");
    args = (struct ec2_describe_images_args){
        .owners = &owner, .owner_count = 1, .filters = &filter.filter, .filter_count = 1};
    CALL("DescribeImages", ec2_describe_images, &args, &images);
    EXPECT(images.count == 1);
    ec2_images_clear(&images);
}

void call_images(void)
{
    struct one_tag one;
    const struct ec2_device devices[] = {MOTO_DEVICE};
    struct ec2_register args = {.name = "an image",
                                .description = "of a snapshot",
                                .architecture = "arm64",
                                .virtualization = "hvm",
                                .root_device = "/dev/xvda",
                                .devices = devices,
                                .device_count = 1,
                                .ena = MIR_YES,
                                .sriov = "simple",
                                .boot_mode = "uefi",
                                .tpm = "v2.0",
                                .imds = "v2.0",
                                .kernel_id = "aki-00000000000000001",
                                .ramdisk_id = "ari-00000000000000001",
                                .location = "bucket/manifest.xml",
                                .tags = tagged(&one, "image", "image"),
                                .tag_count = 1};
    struct ec2_image_id image = {0};
    TRY_CALL("RegisterImage", ec2_register_image, &args, &image);
    mir_copy(moto.image, sizeof moto.image, image.id);
    describe_images();
    find_image(MOTO_BASE);
}

/* --- volumes --- */

static void check_volume(const struct ec2_volume *volume)
{
    SAME(volume->state, "in-use");
    SAME(volume->zone, MOTO_ZONE);
    SAME(volume->type, "gp3");
    SAME(volume->snapshot_id, moto.snapshot);
    EXPECT(volume->size_gib == 2 && recent(volume->created_s) && !volume->encrypted);
    EXPECT(volume->attachment_count == 1);
    if (volume->attachment_count) {
        SAME(volume->attachments[0].instance_id, moto.instance);
        SAME(volume->attachments[0].device, "/dev/xvda");
        SAME(volume->attachments[0].state, "attached");
    }
    KEPT(volume, "volume");
}

static void describe_volumes(void)
{
    struct ec2_volumes volumes = {0};
    struct one_filter filter;
    struct one_id id;
    CALL("DescribeVolumes", ec2_describe_volumes,
         by_filter(&filter, "attachment.instance-id", moto.instance), &volumes);
    EXPECT(volumes.count == 1);
    if (volumes.count)
        mir_copy(moto.volume, sizeof moto.volume, volumes.rows[0].id);
    CALL("DescribeVolumes", ec2_describe_volumes, by_id(&id, moto.volume), &volumes);
    EXPECT(volumes.count == 1);
    if (volumes.count)
        check_volume(&volumes.rows[0]);
    ec2_volumes_clear(&volumes);
}

static void snapshot_volume(void)
{
    struct one_tag one;
    struct ec2_create_snapshot_args args = {.volume_id = moto.volume,
                                            .description = "of a volume",
                                            .tags = tagged(&one, "snapshot", "copy"),
                                            .tag_count = 1};
    struct ec2_snapshot snapshot = {0};
    TRY_CALL("CreateSnapshot", ec2_create_snapshot, &args, &snapshot);
    SAME(snapshot.volume_id, moto.volume);
    SAME(snapshot.description, "of a volume");
    SAME(snapshot.owner, MOTO_ACCOUNT);
    EXPECT(snapshot.size_gib == 2 && recent(snapshot.started_s));
    KEPT(&snapshot, "copy");
    struct ec2_target target = {.id = snapshot.id};
    DO("DeleteSnapshot", ec2_delete_snapshot, &target);
    ec2_snapshot_clear(&snapshot);
}

static void image_instance(void)
{
    struct one_tag one;
    struct ec2_create_image_args args = {.instance_id = moto.instance,
                                         .name = "of an instance",
                                         .description = "as it is",
                                         .no_reboot = MIR_YES,
                                         .tags = tagged(&one, "image", "of an instance"),
                                         .tag_count = 1};
    struct ec2_image_id image = {0};
    struct ec2_images images = {0};
    struct one_filter filter;
    TRY_CALL("CreateImage", ec2_create_image, &args, &image);
    by_filter(&filter, "tag:kept", "of an instance");
    struct ec2_describe_images_args which = {.filters = &filter.filter, .filter_count = 1};
    CALL("DescribeImages", ec2_describe_images, &which, &images);
    EXPECT(images.count == 1);
    if (images.count)
        SAME(images.rows[0].name, "of an instance");
    ec2_images_clear(&images);
    struct ec2_deregister gone = {.id = image.id};
    DO("DeregisterImage", ec2_deregister_image, &gone);
}

void call_volumes(void)
{
    describe_volumes();
    snapshot_volume();
    image_instance();
}

void delete_disks(void)
{
    struct ec2_deregister image = {.id = moto.image, .delete_snapshots = true};
    struct ec2_target snapshot = {.id = moto.snapshot};
    const char *owner = "self";
    struct ec2_describe_images_args ours = {.owners = &owner, .owner_count = 1};
    struct ec2_images images = {0};
    struct ec2_volumes volumes = {0};
    struct one_filter filter;
    TRY_DO("DeregisterImage", ec2_deregister_image, &image);
    CALL("DescribeImages", ec2_describe_images, &ours, &images);
    EXPECT(images.count == 0);
    DO("DeleteSnapshot", ec2_delete_snapshot, &snapshot);
    CALL("DescribeVolumes", ec2_describe_volumes, by_filter(&filter, "tag:kept", "volume"),
         &volumes);
    EXPECT(volumes.count == 0);
    ec2_images_clear(&images);
    ec2_volumes_clear(&volumes);
}
