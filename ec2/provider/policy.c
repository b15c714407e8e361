/* SPDX-License-Identifier: ISC */
#include "policy.h"

#include "api/memory.h"
#include "cloud.h"

#define ROLE_NAME "mirage-deploy-scheduler"
#define EC2_ARN "arn:aws:ec2:*:*:"
#define EC2_SHARED_ARN "arn:aws:ec2:*::" /* things that have no account in their names */
#define RESOURCES_MAX 8

/* --- the table --- */

static const struct cloud_action actions[] = {
    {"ec2:DescribeAddresses", CLOUD_LOOK, true},
    {"ec2:DescribeImages", CLOUD_LOOK, true},
    {"ec2:DescribeInstances", CLOUD_LOOK, true},
    {"ec2:DescribeNetworkInterfaces", CLOUD_LOOK, true},
    {"ec2:DescribeRegions", CLOUD_LOOK, true},
    {"ec2:DescribeSecurityGroups", CLOUD_LOOK, true},
    {"ec2:DescribeSnapshots", CLOUD_LOOK, true},
    {"ec2:DescribeSubnets", CLOUD_LOOK, false},
    {"ec2:DescribeVolumes", CLOUD_LOOK, true},
    {"pricing:GetProducts", CLOUD_LOOK, false},
    {"ec2:DescribeInstanceAttribute", CLOUD_LOOK_OURS, false},
    {"ec2:GetConsoleOutput", CLOUD_LOOK_OURS, false},
    {"ebs:StartSnapshot", CLOUD_MAKE, false},
    {"ec2:AllocateAddress", CLOUD_MAKE, false},
    {"ec2:CreateSecurityGroup", CLOUD_MAKE, false},
    {"ec2:RegisterImage", CLOUD_MAKE, false},
    {"ec2:RunInstances", CLOUD_MAKE, false},
    {"ec2:CreateSecurityGroup", CLOUD_MAKE_FROM, false},
    {"ec2:RegisterImage", CLOUD_MAKE_FROM, false},
    {"ec2:RunInstances", CLOUD_LAUNCH_FROM, false},
    {"ec2:CreateTags", CLOUD_TAG_NEW, false},
    {"ebs:CompleteSnapshot", CLOUD_CHANGE, false},
    {"ebs:PutSnapshotBlock", CLOUD_CHANGE, false},
    {"ec2:AssociateAddress", CLOUD_CHANGE, false},
    {"ec2:AuthorizeSecurityGroupIngress", CLOUD_CHANGE, false},
    {"ec2:CreateTags", CLOUD_CHANGE, false},
    {"ec2:DeleteNetworkInterface", CLOUD_CHANGE, true},
    {"ec2:DeleteSecurityGroup", CLOUD_CHANGE, true},
    {"ec2:DeleteSnapshot", CLOUD_CHANGE, true},
    {"ec2:DeleteVolume", CLOUD_CHANGE, true},
    {"ec2:DeregisterImage", CLOUD_CHANGE, true},
    {"ec2:DisassociateAddress", CLOUD_CHANGE, true},
    {"ec2:ModifyInstanceAttribute", CLOUD_CHANGE, true},
    {"ec2:ReleaseAddress", CLOUD_CHANGE, true},
    {"ec2:TerminateInstances", CLOUD_CHANGE, true},
    {"scheduler:CreateSchedule", CLOUD_SCHEDULE, false},
    {"scheduler:DeleteSchedule", CLOUD_SCHEDULE, true},
    {"scheduler:GetSchedule", CLOUD_SCHEDULE, false},
    {"scheduler:UpdateSchedule", CLOUD_SCHEDULE, false},
    {"iam:PassRole", CLOUD_PASS_ROLE, false},
    {"ssm:GetParameter", CLOUD_NOTE, false},
    {"ssm:PutParameter", CLOUD_NOTE, true},
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

/* Source of which resources and conditions an action goes by: AWS Service Authorization Reference,
 * EC2, EBS, EventBridge Scheduler, IAM. */
static const struct {
    const char *sid;
    const char *resources[RESOURCES_MAX]; /* ends with NULL */
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

static json_t *statement_of(enum cloud_bounds bounds, bool reaper)
{
    json_t *allowed = json_array(), *resources = json_array();
    for (size_t i = 0; i < MIR_NELEMS(actions); i++)
        if (actions[i].bounds == bounds && (!reaper || actions[i].reaps))
            json_array_append_new(allowed, json_string(actions[i].name));
    for (size_t i = 0; i < RESOURCES_MAX && statements[bounds].resources[i]; i++)
        json_array_append_new(resources, json_string(statements[bounds].resources[i]));
    json_t *statement = json_pack("{s:s,s:s,s:o,s:o}", "Sid", statements[bounds].sid, "Effect",
                                  "Allow", "Action", allowed, "Resource", resources);
    if (statements[bounds].condition)
        json_object_set_new(statement, "Condition", statements[bounds].condition());
    return statement;
}

static json_t *role_document(void)
{
    json_t *trust = json_pack("[{s:s,s:s,s:{s:s}}]", "Effect", "Allow", "Action", "sts:AssumeRole",
                              "Principal", "Service", "scheduler.amazonaws.com");
    json_t *may = json_pack("[{s:s,s:s,s:s,s:s,s:o}]", "Sid", "EndOurs", "Effect", "Allow",
                            "Action", "ec2:TerminateInstances", "Resource", EC2_ARN "instance/*",
                            "Condition", on_thing());
    return json_pack("{s:s,s:o,s:o}", "name", ROLE_NAME, "trust", document(trust), "policy",
                     document(may));
}

static json_t *policy_of(bool reaper)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < CLOUD_BOUNDS_COUNT; i++) {
        json_t *statement = statement_of((enum cloud_bounds)i, reaper);
        if (json_array_size(json_object_get(statement, "Action")))
            json_array_append(list, statement);
        json_decref(statement);
    }
    return document(list);
}

json_t *cloud_policy(void)
{
    return json_pack("{s:o,s:o,s:o}", "policy", policy_of(false), "reaper", policy_of(true), "role",
                     role_document());
}
