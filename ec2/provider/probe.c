/* SPDX-License-Identifier: ISC */
#include "probe.h"

#include <string.h>

#include "api/memory.h"
#include "ec2/pricing.h"
#include "ec2/scheduler.h"
#include "policy.h"

/* Nobody has these: what is ended here would be nothing, even if a dry run were carried out. */
#define MADE_UP "0123456789abcdef0"
#define ANY_IMAGE "al2023-ami-2023.*-kernel-6.1-x86_64"
#define NOBODYS_KEY CLOUD_KEY_ROOT "doctor"
#define NOBODYS_SCHEDULE "mirage-0123456789abcdef0123456789abcdef"

struct probing {
    struct cloud *cloud;
    struct ec2_session *session;
    int64_t until_ms;
    struct cloud_filter ours;
    struct cloud_tags tags; /* as of a deployment, for conditions that go by the request's */
    char image[EC2_ID_TEXT], subnet[EC2_ID_TEXT], vpc[EC2_ID_TEXT]; /* real; "" not found */
};

/* 0, or -1 with what was said. */
typedef int probe_fn(const struct probing *p, struct mir_error *said);

/* --- looking: nothing but the answer's rows --- */

#define LOOK(function, type, describe, clear)                                                      \
    static int function(const struct probing *p, struct mir_error *said)                           \
    {                                                                                              \
        const struct ec2_describe args = {.filters = p->ours.rows, .filter_count = p->ours.count}; \
        struct type found = {.rows = NULL};                                                        \
        int rc = describe(p->session, &args, p->until_ms, &found, said);                           \
        clear(&found);                                                                             \
        return rc;                                                                                 \
    }

LOOK(look_addresses, ec2_addresses, ec2_describe_addresses, ec2_addresses_clear)
LOOK(look_groups, ec2_groups, ec2_describe_security_groups, ec2_groups_clear)
LOOK(look_instances, ec2_instances, ec2_describe_instances, ec2_instances_clear)
LOOK(look_nics, ec2_nics, ec2_describe_network_interfaces, ec2_nics_clear)
LOOK(look_subnets, ec2_subnets, ec2_describe_subnets, ec2_subnets_clear)
LOOK(look_volumes, ec2_volumes, ec2_describe_volumes, ec2_volumes_clear)

static const char *const self[] = {"self"};

static int look_images(const struct probing *p, struct mir_error *said)
{
    const struct ec2_describe_images_args args = {
        .owners = self, .owner_count = 1, .filters = p->ours.rows, .filter_count = p->ours.count};
    struct ec2_images found = {.rows = NULL};
    int rc = ec2_describe_images(p->session, &args, p->until_ms, &found, said);
    ec2_images_clear(&found);
    return rc;
}

static int look_snapshots(const struct probing *p, struct mir_error *said)
{
    const struct ec2_describe_snapshots_args args = {
        .owners = self, .owner_count = 1, .filters = p->ours.rows, .filter_count = p->ours.count};
    struct ec2_snapshots found = {.rows = NULL};
    int rc = ec2_describe_snapshots(p->session, &args, p->until_ms, &found, said);
    ec2_snapshots_clear(&found);
    return rc;
}

static int look_regions(const struct probing *p, struct mir_error *said)
{
    const struct ec2_regions_args args = {.all = false};
    struct ec2_regions found = {.rows = NULL};
    int rc = ec2_describe_regions(p->session, &args, p->until_ms, &found, said);
    ec2_regions_clear(&found);
    return rc;
}

static int look_price(const struct probing *p, struct mir_error *said)
{
    struct ec2_hourly hourly;
    return ec2_get_hourly(p->session, "t3.micro", ec2_session_region(p->session), p->until_ms,
                          &hourly, said);
}

static int look_schedule(const struct probing *p, struct mir_error *said)
{
    const struct ec2_schedule_name args = {.name = NOBODYS_SCHEDULE};
    struct ec2_schedule found = {.input = NULL};
    int rc = ec2_get_schedule(p->session, &args, p->until_ms, &found, said);
    ec2_schedule_clear(&found);
    return rc;
}

static int look_note(const struct probing *p, struct mir_error *said)
{
    mir_auto_buf struct mir_buf note;
    mir_buf_init(&note, MIR_NOTE_MAX + 1);
    return cloud_note_get(p->cloud, &note, said);
}

static int look_console(const struct probing *p, struct mir_error *said)
{
    const struct ec2_console_args args = {.id = "i-" MADE_UP, .dry_run = true};
    struct ec2_console found = {.text = NULL};
    int rc = ec2_get_console_output(p->session, &args, p->until_ms, &found, said);
    ec2_console_clear(&found);
    return rc;
}

/* --- the bucket --- */

static int look_bucket(const struct probing *p, struct mir_error *said)
{
    const struct ec2_s3_object bucket = {.bucket = p->cloud->bucket};
    struct ec2_s3_list found = {.rows = NULL};
    int rc = ec2_s3_list_objects(p->session, &bucket, NOBODYS_KEY, p->until_ms, &found, said);
    ec2_s3_list_clear(&found);
    return rc;
}

static int look_uploads(const struct probing *p, struct mir_error *said)
{
    const struct ec2_s3_object bucket = {.bucket = p->cloud->bucket};
    struct ec2_s3_uploads found = {.rows = NULL};
    int rc = ec2_s3_list_uploads(p->session, &bucket, NOBODYS_KEY, p->until_ms, &found, said);
    ec2_s3_uploads_clear(&found);
    return rc;
}

static int look_object(const struct probing *p, struct mir_error *said)
{
    const struct ec2_s3_object object = {.bucket = p->cloud->bucket, .key = NOBODYS_KEY};
    struct ec2_s3_head found;
    int rc = ec2_s3_head(p->session, &object, p->until_ms, &found, said);
    if (!rc)
        ec2_s3_head_clear(&found);
    return rc;
}

static int look_imports(const struct probing *p, struct mir_error *said)
{
    const struct ec2_describe args = {.id_count = 0};
    struct ec2_import_tasks found = {.rows = NULL};
    int rc = ec2_describe_import_tasks(p->session, &args, p->until_ms, &found, said);
    ec2_import_tasks_clear(&found);
    return rc;
}

static int end_upload(const struct probing *p, struct mir_error *said)
{
    const struct ec2_s3_object object = {.bucket = p->cloud->bucket, .key = NOBODYS_KEY};
    return ec2_s3_abort(p->session, &object, MADE_UP, p->until_ms, said);
}

/* Who may not is told so; who may, that the object is not there. */
static int make_import(const struct probing *p, struct mir_error *said)
{
    static const char *const kinds[] = {"import-snapshot-task"};
    struct ec2_tag_set set;
    struct ec2_import_task made = {.id = ""};
    cloud_tag_sets(&p->tags, kinds, 1, &set);
    const struct ec2_import args = {.client_token = "mirage-doctor",
                                    .format = "VMDK",
                                    .bucket = p->cloud->bucket,
                                    .key = NOBODYS_KEY,
                                    .role_name = p->cloud->import_role,
                                    .tags = &set,
                                    .tag_count = 1,
                                    .dry_run = true};
    int rc = ec2_import_snapshot(p->session, &args, p->until_ms, &made, said);
    return rc && strcmp(said->provider_code, "InvalidParameter") ? -1 : 0;
}

/* --- making --- */

static int make_address(const struct probing *p, struct mir_error *said)
{
    static const char *const kinds[] = {"elastic-ip"};
    struct ec2_tag_set set;
    struct ec2_address made = {.tags = NULL};
    cloud_tag_sets(&p->tags, kinds, 1, &set);
    const struct ec2_allocate args = {.tags = &set, .tag_count = 1, .dry_run = true};
    return ec2_allocate_address(p->session, &args, p->until_ms, &made, said);
}

static int make_group(const struct probing *p, struct mir_error *said)
{
    static const char *const kinds[] = {"security-group"};
    struct ec2_tag_set set;
    struct ec2_group_id made = {.id = ""};
    cloud_tag_sets(&p->tags, kinds, 1, &set);
    const struct ec2_create_group_args args = {.name = "mirage-doctor",
                                               .description = "a question of mirage-deploy",
                                               .vpc_id = p->vpc,
                                               .tags = &set,
                                               .tag_count = 1,
                                               .dry_run = true};
    return ec2_create_security_group(p->session, &args, p->until_ms, &made, said);
}

static int make_image(const struct probing *p, struct mir_error *said)
{
    static const char *const kinds[] = {"image"};
    const struct ec2_device device = {.name = "/dev/xvda", .snapshot_id = "snap-" MADE_UP};
    struct ec2_tag_set set;
    struct ec2_image_id made = {.id = ""};
    cloud_tag_sets(&p->tags, kinds, 1, &set);
    mir_auto_free char *nobodys = mir_format("%s/" NOBODYS_KEY, p->cloud->bucket);
    const bool bundle = p->cloud->way == CLOUD_BY_BUNDLE;
    const struct ec2_register args = {.name = "mirage-doctor",
                                      .architecture = "x86_64",
                                      .virtualization = "hvm",
                                      .root_device = bundle ? NULL : device.name,
                                      .devices = &device,
                                      .device_count = bundle ? 0 : 1,
                                      .location = bundle ? nobodys : NULL,
                                      .ena = MIR_NO,
                                      .tags = &set,
                                      .tag_count = 1,
                                      .dry_run = true};
    int rc = ec2_register_image(p->session, &args, p->until_ms, &made, said);
    return rc && strcmp(said->provider_code, "InvalidManifest") ? -1 : 0;
}

static int make_instance(const struct probing *p, struct mir_error *said)
{
    static const char *const kinds[] = {"instance", "volume", "network-interface"};
    const struct ec2_interface interface = {
        .subnet_id = p->subnet, .public_address = MIR_YES, .delete_on_termination = MIR_YES};
    struct ec2_tag_set sets[MIR_NELEMS(kinds)];
    struct ec2_instances made = {.rows = NULL};
    cloud_tag_sets(&p->tags, kinds, MIR_NELEMS(kinds), sets);
    const struct ec2_run args = {.count = 1,
                                 .image_id = p->image,
                                 .type = "t3.micro",
                                 .client_token = "mirage-doctor",
                                 .shutdown_behavior = "terminate",
                                 .interfaces = *p->subnet ? &interface : NULL,
                                 .interface_count = *p->subnet ? 1 : 0,
                                 .tags = sets,
                                 .tag_count = MIR_NELEMS(sets),
                                 .dry_run = true};
    if (!*p->image)
        return mir_fail(said, MIR_FAILED, "no image to ask with was found");
    int rc = ec2_run_instances(p->session, &args, p->until_ms, &made, said);
    ec2_instances_clear(&made);
    return rc;
}

/* --- changing and ending what is not there --- */

#define END(function, delete, made_up)                                                             \
    static int function(const struct probing *p, struct mir_error *said)                           \
    {                                                                                              \
        const struct ec2_target args = {.id = made_up MADE_UP, .dry_run = true};                   \
        return delete (p->session, &args, p->until_ms, said);                                      \
    }

END(end_address, ec2_release_address, "eipalloc-")
END(end_association, ec2_disassociate_address, "eipassoc-")
END(end_group, ec2_delete_security_group, "sg-")
END(end_import, ec2_cancel_import, "import-snap-")
END(end_nic, ec2_delete_network_interface, "eni-")
END(end_snapshot, ec2_delete_snapshot, "snap-")
END(end_volume, ec2_delete_volume, "vol-")

static int end_image(const struct probing *p, struct mir_error *said)
{
    const struct ec2_deregister args = {.id = "ami-" MADE_UP, .dry_run = true};
    return ec2_deregister_image(p->session, &args, p->until_ms, said);
}

static int end_instance(const struct probing *p, struct mir_error *said)
{
    const struct ec2_change args = {.id = "i-" MADE_UP, .dry_run = true};
    struct ec2_changed changed = {.before = 0};
    return ec2_terminate_instance(p->session, &args, p->until_ms, &changed, said);
}

static int change_address(const struct probing *p, struct mir_error *said)
{
    const struct ec2_associate args = {
        .allocation_id = "eipalloc-" MADE_UP, .interface_id = "eni-" MADE_UP, .dry_run = true};
    struct ec2_association made = {.id = ""};
    return ec2_associate_address(p->session, &args, p->until_ms, &made, said);
}

static int change_group(const struct probing *p, struct mir_error *said)
{
    static const struct ec2_range loopback = {.cidr = "127.0.0.1/32"};
    static const struct ec2_rule rule = {
        .protocol = "tcp", .from = 80, .to = 80, .ipv4 = &loopback, .ipv4_count = 1};
    const struct ec2_rules args = {
        .group_id = "sg-" MADE_UP, .rules = &rule, .rule_count = 1, .dry_run = true};
    return ec2_authorize_ingress(p->session, &args, p->until_ms, said);
}

static int change_instance(const struct probing *p, struct mir_error *said)
{
    const struct ec2_modify args = {
        .id = "i-" MADE_UP, .disable_api_termination = MIR_NO, .dry_run = true};
    return ec2_modify_instance(p->session, &args, p->until_ms, said);
}

static int change_tags(const struct probing *p, struct mir_error *said)
{
    static const char *const ids[] = {"i-" MADE_UP};
    const struct ec2_tagging args = {.ids = ids,
                                     .id_count = 1,
                                     .tags = p->tags.rows,
                                     .tag_count = p->tags.count,
                                     .dry_run = true};
    return ec2_create_tags(p->session, &args, p->until_ms, said);
}

/* --- all of them --- */

struct probe {
    const char *action;
    probe_fn *ask; /* NULL: it knows no dry run */
    bool made_up;  /* asked for something that is not there */
};

/* Every action of the policy (policy.c), and those that a bucket adds. */
static const struct probe probes[] = {
    {"ec2:DescribeAddresses", look_addresses, false},
    {"ec2:DescribeImages", look_images, false},
    {"ec2:DescribeInstances", look_instances, false},
    {"ec2:DescribeNetworkInterfaces", look_nics, false},
    {"ec2:DescribeRegions", look_regions, false},
    {"ec2:DescribeSecurityGroups", look_groups, false},
    {"ec2:DescribeSnapshots", look_snapshots, false},
    {"ec2:DescribeSubnets", look_subnets, false},
    {"ec2:DescribeVolumes", look_volumes, false},
    {"pricing:GetProducts", look_price, false},
    {"scheduler:GetSchedule", look_schedule, false},
    {"ssm:GetParameter", look_note, false},
    {"ec2:AllocateAddress", make_address, false},
    {"ec2:CreateSecurityGroup", make_group, false},
    {"ec2:RegisterImage", make_image, true}, /* of a snapshot that is not there */
    {"ec2:RunInstances", make_instance, false},
    {"ec2:AssociateAddress", change_address, true},
    {"ec2:AuthorizeSecurityGroupIngress", change_group, true},
    {"ec2:CreateTags", change_tags, true},
    {"ec2:DeleteNetworkInterface", end_nic, true},
    {"ec2:DeleteSecurityGroup", end_group, true},
    {"ec2:DeleteSnapshot", end_snapshot, true},
    {"ec2:DeleteVolume", end_volume, true},
    {"ec2:DeregisterImage", end_image, true},
    {"ec2:DisassociateAddress", end_association, true},
    {"ec2:GetConsoleOutput", look_console, true},
    {"ec2:ModifyInstanceAttribute", change_instance, true},
    {"ec2:ReleaseAddress", end_address, true},
    {"ec2:TerminateInstances", end_instance, true},
    {"ebs:CompleteSnapshot", NULL, false},
    {"ebs:PutSnapshotBlock", NULL, false},
    {"ebs:StartSnapshot", NULL, false},
    {"ec2:DescribeInstanceAttribute", NULL, false},
    {"iam:PassRole", NULL, false},
    {"scheduler:CreateSchedule", NULL, false},
    {"scheduler:DeleteSchedule", NULL, false},
    {"scheduler:UpdateSchedule", NULL, false},
    {"ssm:PutParameter", NULL, false},
};

static const struct probe bucket_probes[] = {
    {"ec2:CancelImportTask", end_import, true},
    {"ec2:DescribeImportSnapshotTasks", look_imports, false},
    {"ec2:ImportSnapshot", make_import, false},
    {"s3:AbortMultipartUpload", end_upload, false},
    {"s3:GetObject", look_object, false},
    {"s3:ListBucket", look_bucket, false},
    {"s3:ListBucketMultipartUploads", look_uploads, false},
    {"s3:DeleteObject", NULL, false},
    {"s3:PutObject", NULL, false},
    {"s3:PutObjectAcl", NULL, false},
};

static enum cloud_verdict judge(int rc, bool made_up, const struct mir_error *said)
{
    /* That it is not there is said to whoever may do it. */
    if (!rc || said->kind == MIR_NOT_FOUND)
        return CLOUD_ALLOWED;
    if (said->kind != MIR_CREDENTIALS)
        return CLOUD_NOT_TOLD;
    return made_up ? CLOUD_REFUSED_UNKNOWN : CLOUD_REFUSED;
}

/* What questions are asked with, as far as it can be found. */
static void find_things(struct probing *p)
{
    static const char *const yes[] = {"true"}, *const amazon[] = {"amazon"},
                             *const names[] = {ANY_IMAGE};
    static const struct ec2_filter usual = {
        .name = "default-for-az", .values = yes, .value_count = 1};
    static const struct ec2_filter named = {.name = "name", .values = names, .value_count = 1};
    const char *const given[] = {p->cloud->subnet};
    const struct ec2_describe where = {.ids = given,
                                       .id_count = *p->cloud->subnet ? 1 : 0,
                                       .filters = &usual,
                                       .filter_count = *p->cloud->subnet ? 0 : 1};
    const struct ec2_describe_images_args what = {
        .owners = amazon, .owner_count = 1, .filters = &named, .filter_count = 1};
    struct ec2_subnets subnets = {.rows = NULL};
    struct ec2_images images = {.rows = NULL};
    if (!ec2_describe_subnets(p->session, &where, p->until_ms, &subnets, NULL) && subnets.count) {
        mir_copy(p->subnet, sizeof p->subnet, subnets.rows[0].id);
        mir_copy(p->vpc, sizeof p->vpc, subnets.rows[0].vpc_id);
    }
    if (!ec2_describe_images(p->session, &what, p->until_ms, &images, NULL) && images.count)
        mir_copy(p->image, sizeof p->image, images.rows[0].id);
    ec2_subnets_clear(&subnets);
    ec2_images_clear(&images);
}

static void ask(const struct probing *p, const struct probe *rows, size_t count,
                cloud_verdict_fn *fn, void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        struct mir_error said = {0};
        enum cloud_verdict verdict = CLOUD_NOT_ASKED;
        if (!cloud_action_used(rows[i].action, p->cloud->way))
            continue; /* of another way of an image */
        if (rows[i].ask) {
            int rc = rows[i].ask(p, &said);
            verdict = judge(rc, rows[i].made_up, &said);
        }
        fn(ctx, rows[i].action, verdict, &said);
    }
}

void cloud_probe(struct cloud *cloud, struct ec2_session *session, int64_t until_ms,
                 cloud_verdict_fn *fn, void *ctx)
{
    struct probing p = {.cloud = cloud, .session = session, .until_ms = until_ms};
    cloud_by_us(&p.ours);
    cloud_tags_add(&p.tags, TAG_INSTALLATION, cloud->installation);
    find_things(&p);
    ask(&p, probes, MIR_NELEMS(probes), fn, ctx);
    if (*cloud->bucket)
        ask(&p, bucket_probes, MIR_NELEMS(bucket_probes), fn, ctx);
}
