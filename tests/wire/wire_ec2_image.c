/* SPDX-License-Identifier: ISC */
#include "ec2_wire.h"

#include "ec2/image.h"
#include "ec2/snapshot.h"
#include "ec2/volume.h"

#define IMAGE "ami-0aaaaaaaaaaaaaaa1"
#define SNAPSHOT "snap-0123456789abcdef0"

static const struct ec2_tag tags[] = {{"Installation", "0123"}};
static const char *const self[] = {"self"};
static const char *const installation[] = {"0123"};
static const struct ec2_filter filters[] = {{"tag:Installation", installation, 1}};

static int register_all(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"image", tags, 1}};
    static const struct ec2_device devices[] = {{.name = "/dev/xvda",
                                                 .snapshot_id = SNAPSHOT,
                                                 .volume_type = "gp3",
                                                 .delete_on_termination = MIR_YES}};
    struct ec2_register args = {.name = "mirage-1",
                                .description = "hello",
                                .architecture = "x86_64",
                                .virtualization = "hvm",
                                .root_device = "/dev/xvda",
                                .devices = devices,
                                .device_count = 1,
                                .ena = MIR_YES,
                                .sriov = "simple",
                                .boot_mode = "uefi-preferred",
                                .tpm = "v2.0",
                                .imds = "v2.0",
                                .kernel_id = "aki-fc8f11cc",
                                .ramdisk_id = "ari-1",
                                .location = "bucket/manifest.xml",
                                .tags = sets,
                                .tag_count = 1};
    struct ec2_image_id made = {{0}};
    int rc = ec2_register_image(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, IMAGE);
    return rc;
}

static int register_again(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_register args = {
        .name = "mirage-1", .architecture = "arm64", .virtualization = "hvm", .ena = MIR_NO};
    struct ec2_image_id made = {{0}};
    return ec2_register_image(session, &args, until_ms, &made, err);
}

static int deregister(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_deregister args = {.id = IMAGE, .delete_snapshots = true};
    return ec2_deregister_image(session, &args, until_ms, err);
}

static int create(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"image", tags, 1}, {"snapshot", tags, 1}};
    struct ec2_create_image_args args = {.instance_id = "i-1",
                                         .name = "copy",
                                         .description = "of i-1",
                                         .no_reboot = MIR_YES,
                                         .tags = sets,
                                         .tag_count = 2};
    struct ec2_image_id made = {{0}};
    int rc = ec2_create_image(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, "ami-0aaaaaaaaaaaaaaa2");
    return rc;
}

static int describe_images(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe_images_args args = {
        .owners = self, .owner_count = 1, .filters = filters, .filter_count = 1};
    struct ec2_images found = {0};
    int rc = ec2_describe_images(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    const struct ec2_image *i = &found.rows[0];
    assert_string_equal(i->id, IMAGE);
    assert_string_equal(i->name, "mirage-1");
    assert_string_equal(i->state, "available");
    assert_string_equal(i->architecture, "x86_64");
    assert_string_equal(i->boot_mode, "uefi-preferred");
    assert_string_equal(i->imds, "v2.0");
    assert_true(i->ena && !i->is_public);
    assert_int_equal(i->created_s, TEST_NOW_S);
    assert_int_equal(i->device_count, 1);
    assert_string_equal(i->devices[0].snapshot_id, SNAPSHOT);
    assert_int_equal(i->devices[0].size_gib, 1);
    assert_string_equal(ec2_tag_value(i->tags, i->tag_count, "Installation"), "0123");
    assert_string_equal(found.rows[1].state_reason, "The image is damaged");
    assert_string_equal(found.rows[1].kernel_id, "aki-fc8f11cc");
    ec2_images_clear(&found);
    return rc;
}

static int describe_snapshots(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe_snapshots_args args = {
        .owners = self, .owner_count = 1, .filters = filters, .filter_count = 1};
    struct ec2_snapshots found = {0};
    int rc = ec2_describe_snapshots(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].state, "completed");
    assert_string_equal(found.rows[0].progress, "100%");
    assert_int_equal(found.rows[0].tag_count, 1);
    assert_string_equal(found.rows[1].state_message, "The snapshot could not be made");
    assert_int_equal(found.rows[1].size_gib, 8);
    assert_true(found.rows[1].encrypted);
    ec2_snapshots_clear(&found);
    return rc;
}

static int delete_snapshot(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = SNAPSHOT};
    return ec2_delete_snapshot(session, &args, until_ms, err);
}

static int create_snapshot(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"snapshot", tags, 1}};
    struct ec2_create_snapshot_args args = {.volume_id = "vol-0eeeeeeeeeeeeeee1",
                                            .description = "of a disk",
                                            .tags = sets,
                                            .tag_count = 1};
    struct ec2_snapshot made = {0};
    int rc = ec2_create_snapshot(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, "snap-0123456789abcdef2");
    assert_string_equal(made.state, "pending");
    assert_int_equal(made.tag_count, 1);
    ec2_snapshot_clear(&made);
    return rc;
}

static int import(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct ec2_tag_set sets[] = {{"import-snapshot-task", tags, 1}};
    struct ec2_import args = {.description = "hello",
                              .client_token = "t",
                              .format = "RAW",
                              .bucket = "b",
                              .key = "k.raw",
                              .url = "s3://b/k.raw",
                              .role_name = "vmimport",
                              .tags = sets,
                              .tag_count = 1,
                              .encrypted = MIR_NO};
    struct ec2_import_task task = {0};
    int rc = ec2_import_snapshot(session, &args, until_ms, &task, err);
    assert_string_equal(task.id, "import-snap-0123456789abcdef0");
    assert_string_equal(task.state, "active");
    assert_string_equal(task.progress, "3");
    assert_string_equal(task.snapshot_id, "");
    ec2_import_task_clear(&task);
    return rc;
}

static int describe_tasks(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const ids[] = {"import-snap-0123456789abcdef0"};
    struct ec2_describe args = {.ids = ids, .id_count = 1, .filters = filters, .filter_count = 1};
    struct ec2_import_tasks found = {0};
    int rc = ec2_describe_import_tasks(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].state, "completed");
    assert_string_equal(found.rows[0].snapshot_id, "snap-0123456789abcdef3");
    ec2_import_tasks_clear(&found);
    return rc;
}

static int cancel(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "import-snap-0123456789abcdef0"};
    return ec2_cancel_import(session, &args, until_ms, err);
}

static int describe_volumes(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_describe args = {.filters = filters, .filter_count = 1};
    struct ec2_volumes found = {0};
    int rc = ec2_describe_volumes(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    const struct ec2_volume *v = &found.rows[0];
    assert_string_equal(v->id, "vol-0eeeeeeeeeeeeeee1");
    assert_string_equal(v->state, "in-use");
    assert_string_equal(v->type, "gp3");
    assert_int_equal(v->attachment_count, 1);
    assert_string_equal(v->attachments[0].instance_id, "i-0123456789abcdef0");
    assert_true(v->attachments[0].delete_on_termination);
    ec2_volumes_clear(&found);
    return rc;
}

static int delete_volume(struct ec2_session *session, int64_t until_ms, struct mir_error *err)
{
    struct ec2_target args = {.id = "vol-0eeeeeeeeeeeeeee1"};
    return ec2_delete_volume(session, &args, until_ms, err);
}

static const struct wire_case cases[] = {
    {"RegisterImage/all", register_all, MIR_OK, NULL},
    {"RegisterImage/duplicate", register_again, MIR_CONFLICT, "InvalidAMIName.Duplicate"},
    {"DeregisterImage/plain", deregister, MIR_OK, NULL},
    {"CreateImage/plain", create, MIR_OK, NULL},
    {"DescribeImages/own", describe_images, MIR_OK, NULL},
    {"DescribeSnapshots/own", describe_snapshots, MIR_OK, NULL},
    {"DeleteSnapshot/plain", delete_snapshot, MIR_OK, NULL},
    {"DeleteSnapshot/in-use", delete_snapshot, MIR_CONFLICT, "InvalidSnapshot.InUse"},
    {"CreateSnapshot/plain", create_snapshot, MIR_OK, NULL},
    {"ImportSnapshot/all", import, MIR_OK, NULL},
    {"DescribeImportSnapshotTasks/plain", describe_tasks, MIR_OK, NULL},
    {"CancelImportTask/plain", cancel, MIR_OK, NULL},
    {"DescribeVolumes/plain", describe_volumes, MIR_OK, NULL},
    {"DeleteVolume/plain", delete_volume, MIR_OK, NULL},
};

WIRE_MAIN(cases)
