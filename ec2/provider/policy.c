/* SPDX-License-Identifier: ISC */
#include "policy.h"

#include <string.h>

#include "api/memory.h"
#include "cloud.h"

#define ROLE_NAME "mirage-deploy-scheduler"
#define EC2_ARN "arn:aws:ec2:*:*:"
#define EC2_SHARED_ARN "arn:aws:ec2:*::" /* things that have no account in their names */
#define BUCKET_ARN "arn:aws:s3:::@"
#define RESOURCES_MAX 8

/* --- the table --- */

/* Of which ways of an image an action is. Where EBS direct is configured together with a bucket,
 * what goes through that has to be found and ended all the same. */
#define EBS (1u << CLOUD_BY_EBS)
#define BUNDLE (1u << CLOUD_BY_BUNDLE)
#define NOT_BUNDLE (EBS | 1u << CLOUD_BY_IMPORT)
#define ALL (NOT_BUNDLE | BUNDLE)

static const struct cloud_action actions[] = {
    {"ec2:DescribeAddresses", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeImages", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeInstances", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeNetworkInterfaces", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeRegions", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeSecurityGroups", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeSnapshots", CLOUD_LOOK, ALL, true},
    {"ec2:DescribeSubnets", CLOUD_LOOK, ALL, false},
    {"ec2:DescribeVolumes", CLOUD_LOOK, ALL, true},
    {"pricing:GetProducts", CLOUD_LOOK, ALL, false},
    {"ec2:DescribeInstanceAttribute", CLOUD_LOOK_OURS, ALL, false},
    {"ec2:GetConsoleOutput", CLOUD_LOOK_OURS, ALL, false},
    {"ebs:StartSnapshot", CLOUD_MAKE, EBS, false},
    {"ec2:AllocateAddress", CLOUD_MAKE, ALL, false},
    {"ec2:CreateSecurityGroup", CLOUD_MAKE, ALL, false},
    {"ec2:RegisterImage", CLOUD_MAKE, ALL, false},
    {"ec2:RunInstances", CLOUD_MAKE, ALL, false},
    {"ec2:CreateSecurityGroup", CLOUD_MAKE_FROM, ALL, false},
    {"ec2:RegisterImage", CLOUD_MAKE_FROM, NOT_BUNDLE, false},
    {"ec2:RunInstances", CLOUD_LAUNCH_FROM, ALL, false},
    {"ec2:CreateTags", CLOUD_TAG_NEW, ALL, false},
    {"ebs:CompleteSnapshot", CLOUD_CHANGE, EBS, false},
    {"ebs:PutSnapshotBlock", CLOUD_CHANGE, EBS, false},
    {"ec2:AssociateAddress", CLOUD_CHANGE, ALL, false},
    {"ec2:AuthorizeSecurityGroupIngress", CLOUD_CHANGE, ALL, false},
    {"ec2:CreateTags", CLOUD_CHANGE, ALL, false},
    {"ec2:DeleteNetworkInterface", CLOUD_CHANGE, ALL, true},
    {"ec2:DeleteSecurityGroup", CLOUD_CHANGE, ALL, true},
    {"ec2:DeleteSnapshot", CLOUD_CHANGE, ALL, true},
    {"ec2:DeleteVolume", CLOUD_CHANGE, ALL, true},
    {"ec2:DeregisterImage", CLOUD_CHANGE, ALL, true},
    {"ec2:DisassociateAddress", CLOUD_CHANGE, ALL, true},
    {"ec2:ModifyInstanceAttribute", CLOUD_CHANGE, ALL, true},
    {"ec2:ReleaseAddress", CLOUD_CHANGE, ALL, true},
    {"ec2:TerminateInstances", CLOUD_CHANGE, ALL, true},
    {"scheduler:CreateSchedule", CLOUD_SCHEDULE, ALL, false},
    {"scheduler:DeleteSchedule", CLOUD_SCHEDULE, ALL, true},
    {"scheduler:GetSchedule", CLOUD_SCHEDULE, ALL, false},
    {"scheduler:UpdateSchedule", CLOUD_SCHEDULE, ALL, false},
    {"iam:PassRole", CLOUD_PASS_ROLE, ALL, false},
    {"ssm:GetParameter", CLOUD_NOTE, ALL, false},
    {"ssm:PutParameter", CLOUD_NOTE, ALL, true},
    {"ec2:DescribeImportSnapshotTasks", CLOUD_IMPORT_LOOK, NOT_BUNDLE, true},
    {"ec2:ImportSnapshot", CLOUD_IMPORT, NOT_BUNDLE, false},
    {"ec2:ImportSnapshot", CLOUD_IMPORT_INTO, NOT_BUNDLE, false},
    {"ec2:CreateTags", CLOUD_IMPORT_TAG, NOT_BUNDLE, false},
    {"ec2:CreateTags", CLOUD_IMPORT_ADOPT, NOT_BUNDLE, true},
    {"ec2:CancelImportTask", CLOUD_IMPORT_END, NOT_BUNDLE, true},
    {"s3:ListBucket", CLOUD_BUCKET, ALL, true},
    {"s3:ListBucketMultipartUploads", CLOUD_BUCKET, NOT_BUNDLE, true},
    {"s3:AbortMultipartUpload", CLOUD_OBJECTS, NOT_BUNDLE, true},
    {"s3:DeleteObject", CLOUD_OBJECTS, ALL, true},
    {"s3:GetObject", CLOUD_OBJECTS, NOT_BUNDLE, false},
    {"s3:PutObject", CLOUD_OBJECTS, ALL, false},
    {"s3:PutObjectAcl", CLOUD_OBJECTS, BUNDLE, false},
};

/* What is true of everything that carries our tag, whatever its value: which installation will
 * deploy is not known when somebody gives the permission. */
static json_t *in_request(void)
{
    return json_pack("{s:{s:s}}", "Null", "aws:RequestTag/" TAG_INSTALLATION, "false");
}

static json_t *on_thing(void)
{
    return json_pack("{s:{s:s}}", "Null", "aws:ResourceTag/" TAG_INSTALLATION, "false");
}

/* By itself the permission to tag would be one to change everything: whatever is tagged is ours. */
static json_t *while_making(void)
{
    return json_pack("{s:{s:[s,s,s,s,s]}}", "StringEquals", "ec2:CreateAction", "AllocateAddress",
                     "CreateSecurityGroup", "RegisterImage", "RunInstances", "StartSnapshot");
}

static json_t *to_scheduler(void)
{
    return json_pack("{s:{s:s}}", "StringEquals", "iam:PassedToService", "scheduler.amazonaws.com");
}

static json_t *while_importing(void)
{
    return json_pack("{s:{s:s}}", "StringEquals", "ec2:CreateAction", "ImportSnapshot");
}

/* A snapshot that is made of no volume has this one for its own: so those that are made of
 * somebody's volumes cannot become ours. */
static json_t *made_of_no_volume(void)
{
    return json_pack("{s:{s:s},s:{s:s}}", "Null", "aws:RequestTag/" TAG_INSTALLATION, "false",
                     "ArnLike", "ec2:ParentVolume", EC2_ARN "volume/vol-ffffffff");
}

/* Source of which resources and conditions an action goes by: AWS Service Authorization Reference,
 * EC2, EBS, EventBridge Scheduler, IAM. */
static const struct {
    const char *sid;
    const char *resources[RESOURCES_MAX]; /* ends with NULL; '@' is the bucket's name */
    json_t *(*condition)(void);           /* NULL: none */
} statements[CLOUD_BOUNDS_COUNT] = {
    [CLOUD_LOOK] = {"Look", {"*"}, NULL},
    [CLOUD_LOOK_OURS] = {"LookAtOurs", {EC2_ARN "instance/*"}, on_thing},
    [CLOUD_MAKE] = {"Make",
                    {EC2_ARN "elastic-ip/*", EC2_ARN "instance/*", EC2_ARN "network-interface/*",
                     EC2_ARN "security-group/*", EC2_ARN "volume/*", EC2_SHARED_ARN "image/*",
                     EC2_SHARED_ARN "snapshot/*"},
                    in_request},
    [CLOUD_MAKE_FROM] = {"MakeFrom", {EC2_ARN "vpc/*", EC2_SHARED_ARN "snapshot/*"}, NULL},
    [CLOUD_LAUNCH_FROM] = {"LaunchFrom",
                           {EC2_ARN "security-group/*", EC2_ARN "spot-instances-request/*",
                            EC2_ARN "subnet/*", EC2_SHARED_ARN "image/*",
                            EC2_SHARED_ARN "snapshot/*"},
                           NULL},
    [CLOUD_TAG_NEW] = {"TagWhatIsMade", {"*"}, while_making},
    [CLOUD_CHANGE] = {"ChangeAndEndOurs", {"*"}, on_thing},
    [CLOUD_SCHEDULE] = {"Schedule", {"arn:aws:scheduler:*:*:schedule/default/mirage-*"}, NULL},
    [CLOUD_PASS_ROLE] = {"PassRole", {"arn:aws:iam::*:role/" ROLE_NAME}, to_scheduler},
    [CLOUD_NOTE] = {"Note", {"arn:aws:ssm:*:*:parameter/mirage-deploy/*"}, NULL},
    [CLOUD_IMPORT_LOOK] = {"LookAtImports", {"*"}, NULL},
    [CLOUD_IMPORT] = {"Import", {EC2_ARN "import-snapshot-task/*"}, in_request},
    [CLOUD_IMPORT_INTO] = {"ImportInto", {EC2_SHARED_ARN "snapshot/*"}, NULL},
    [CLOUD_IMPORT_TAG] = {"TagImports", {EC2_ARN "import-snapshot-task/*"}, while_importing},
    [CLOUD_IMPORT_ADOPT] = {"TagImported", {EC2_SHARED_ARN "snapshot/*"}, made_of_no_volume},
    [CLOUD_IMPORT_END] = {"EndImports", {EC2_ARN "import-snapshot-task/*"}, on_thing},
    [CLOUD_BUCKET] = {"LookIntoBucket", {BUCKET_ARN}, NULL},
    [CLOUD_OBJECTS] = {"KeepObjects", {BUCKET_ARN "/" CLOUD_KEY_ROOT "*"}, NULL},
};

size_t cloud_action_count(void)
{
    return MIR_NELEMS(actions);
}

const struct cloud_action *cloud_action_at(size_t i)
{
    return &actions[i];
}

/* --- the documents --- */

static json_t *document(json_t *statement_list)
{
    return json_pack("{s:s,s:o}", "Version", "2012-10-17", "Statement", statement_list);
}

static json_t *resource_text(const char *pattern, const char *bucket)
{
    size_t len = strcspn(pattern, "@");
    return pattern[len] ? json_sprintf("%.*s%s%s", (int)len, pattern, bucket, pattern + len + 1)
                        : json_string(pattern);
}

/* What the configuration says of it. */
struct said {
    const char *bucket, *role; /* NULL none */
    enum cloud_way way;
    bool reaper; /* what mirage-reap does, and no more */
};

/* Whether an action is of what is asked for. */
static bool is_wanted(const struct cloud_action *action, const struct said *said)
{
    return (action->reaps || !said->reaper) && (action->ways >> said->way & 1);
}

bool cloud_action_used(const char *name, enum cloud_way way)
{
    for (size_t i = 0; i < MIR_NELEMS(actions); i++)
        if (!strcmp(actions[i].name, name) && (actions[i].ways >> way & 1))
            return true;
    return false;
}

static json_t *statement_of(enum cloud_bounds bounds, const struct said *said)
{
    json_t *allowed = json_array(), *resources = json_array();
    for (size_t i = 0; i < MIR_NELEMS(actions); i++)
        if (actions[i].bounds == bounds && is_wanted(&actions[i], said))
            json_array_append_new(allowed, json_string(actions[i].name));
    for (size_t i = 0; i < RESOURCES_MAX && statements[bounds].resources[i]; i++)
        json_array_append_new(resources,
                              resource_text(statements[bounds].resources[i], said->bucket));
    json_t *statement = json_pack("{s:s,s:s,s:o,s:o}", "Sid", statements[bounds].sid, "Effect",
                                  "Allow", "Action", allowed, "Resource", resources);
    if (statements[bounds].condition)
        json_object_set_new(statement, "Condition", statements[bounds].condition());
    return statement;
}

static json_t *trust_in(const char *service)
{
    return json_pack("{s:s,s:s,s:{s:s}}", "Effect", "Allow", "Action", "sts:AssumeRole",
                     "Principal", "Service", service);
}

static json_t *role_document(void)
{
    json_t *may = json_pack("[{s:s,s:s,s:s,s:s,s:o}]", "Sid", "EndOurs", "Effect", "Allow",
                            "Action", "ec2:TerminateInstances", "Resource", EC2_ARN "instance/*",
                            "Condition", on_thing());
    json_t *trust = json_pack("[o]", trust_in("scheduler.amazonaws.com"));
    return json_pack("{s:s,s:o,s:o}", "name", ROLE_NAME, "trust", document(trust), "policy",
                     document(may));
}

/* What AWS says that this role needs, of our objects alone. Source: VM Import/Export guide,
 * "Required service role". */
static json_t *import_role_document(const struct said *said)
{
    json_t *trust = trust_in("vmie.amazonaws.com");
    json_object_set_new(trust, "Condition",
                        json_pack("{s:{s:s}}", "StringEquals", "sts:ExternalId", "vmimport"));
    json_t *look = json_pack("{s:s,s:s,s:[s,s],s:o}", "Sid", "LookIntoBucket", "Effect", "Allow",
                             "Action", "s3:GetBucketLocation", "s3:ListBucket", "Resource",
                             resource_text(BUCKET_ARN, said->bucket));
    json_t *take = json_pack("{s:s,s:s,s:s,s:o}", "Sid", "ReadObjects", "Effect", "Allow", "Action",
                             "s3:GetObject", "Resource",
                             resource_text(BUCKET_ARN "/" CLOUD_KEY_ROOT "*", said->bucket));
    json_t *make = json_pack("{s:s,s:s,s:[s,s,s],s:s}", "Sid", "MakeSnapshots", "Effect", "Allow",
                             "Action", "ec2:CopySnapshot", "ec2:Describe*",
                             "ec2:ModifySnapshotAttribute", "Resource", "*");
    return json_pack("{s:s,s:o,s:o}", "name", said->role ? said->role : "vmimport", "trust",
                     document(json_pack("[o]", trust)), "policy",
                     document(json_pack("[o,o,o]", look, take, make)));
}

static json_t *policy_of(const struct said *said)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < (said->bucket ? CLOUD_BOUNDS_COUNT : CLOUD_IMPORT_LOOK); i++) {
        json_t *statement = statement_of((enum cloud_bounds)i, said);
        if (json_array_size(json_object_get(statement, "Action")))
            json_array_append(list, statement);
        json_decref(statement);
    }
    return document(list);
}

json_t *cloud_policy(const struct mir_config *config)
{
    struct said said = {.bucket = mir_config_said(config, "ec2", "bucket"),
                        .role = mir_config_said(config, "ec2", "import_role")};
    cloud_way_read(mir_config_said(config, "ec2", "upload"), &said.way,
                   NULL); /* a wrong word is said elsewhere */
    struct said reaper = said;
    reaper.reaper = true;
    json_t *all = json_pack("{s:o,s:o,s:o}", "policy", policy_of(&said), "reaper",
                            policy_of(&reaper), "role", role_document());
    if (said.bucket && said.way != CLOUD_BY_BUNDLE)
        json_object_set_new(all, "import_role", import_role_document(&said));
    return all;
}
