/* SPDX-License-Identifier: ISC */
/*
 * moto_calls URL: makes every call of the bindings that moto (at URL, freshly reset) implements,
 * with all that it can send, and checks what is read of the answers against what was asked. Prints
 * "ok GROUP" or "not ok GROUP" for each group of calls, below what was not met; tests/ec2/moto.py
 * makes TAP of it. At the end every parameter of every call has to have been sent, and every member
 * of every answer to have come, but for the gaps of moto below.
 */
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "coverage.h"
#include "moto.h"

struct moto moto;

#define NOT_MADE(operation)                                                                        \
    {                                                                                              \
        operation, "", "moto does not implement it"                                                \
    }
#define INSIDE(operation)                                                                          \
    {                                                                                              \
        operation, "(parameters)", "sent from a struct inside; read back here instead"             \
    }

#define NOT_FILLED(operation, name)                                                                \
    {                                                                                              \
        operation, name, "moto does not fill it"                                                   \
    }
#define LAUNCHED "instancesSet/item[]/"
#define FOUND "reservationSet/item/instancesSet/item[]/"

static const struct coverage_gap gaps[] = {
    NOT_MADE("GetProducts"),
    NOT_MADE("GetConsoleScreenshot"),
    NOT_MADE("ImportSnapshot"),
    NOT_MADE("DescribeImportSnapshotTasks"),
    NOT_MADE("CancelImportTask"),
    INSIDE("AllocateAddress"),
    INSIDE("CreateSchedule"),
    INSIDE("UpdateSchedule"),
    {"GetConsoleOutput", "DryRun", "moto answers all the same"},
    {"RunInstances", LAUNCHED "instanceState/code", "0 is pending, which it is then"},
    {"StartInstances", "instancesSet/item/currentState/code", "0 is pending, which it is then"},
    {"RunInstances", LAUNCHED "reason", "nothing has happened yet"},
    {"RunInstances", LAUNCHED "stateReason/*", "nothing has happened yet"},
    NOT_FILLED("RunInstances", LAUNCHED "ipv6Address"),
    NOT_FILLED("RunInstances", LAUNCHED "bootMode"),
    NOT_FILLED("RunInstances", LAUNCHED "currentInstanceBootMode"),
    NOT_FILLED("RunInstances", LAUNCHED "spotInstanceRequestId"),
    NOT_FILLED("RunInstances", LAUNCHED "kernelId"),
    NOT_FILLED("RunInstances", LAUNCHED "enaSupport"),
    NOT_FILLED("DescribeInstances", FOUND "ipv6Address"),
    NOT_FILLED("DescribeInstances", FOUND "bootMode"),
    NOT_FILLED("DescribeInstances", FOUND "currentInstanceBootMode"),
    NOT_FILLED("DescribeInstances", FOUND "spotInstanceRequestId"),
    NOT_FILLED("DescribeInstances", FOUND "kernelId"),
    NOT_FILLED("DescribeInstances", FOUND "enaSupport"),
    NOT_FILLED("DescribeImages", "imagesSet/item[]/stateReason/message"),
    NOT_FILLED("DescribeImages", "imagesSet/item[]/kernelId"),
    NOT_FILLED("DescribeImages", "imagesSet/item[]/imdsSupport"),
    NOT_FILLED("DescribeImages", "imagesSet/item[]/enaSupport"),
    {"DescribeImages", "imagesSet/item[]/blockDeviceMapping/item[]/ebs/deleteOnTermination",
     "moto says no, whatever was asked"},
    {"DescribeSubnets", "subnetSet/item[]/ipv6Native",
     "moto says of such a subnet that it has 2^64 - 5 free addresses, which is no number"},
    {"DescribeNetworkInterfaces", "networkInterfaceSet/item[]/requesterManaged",
     "a service of AWS has none here"},
    NOT_FILLED("DescribeSnapshots", "snapshotSet/item[]/statusMessage"),
    NOT_FILLED("CreateSnapshot", "statusMessage"),
    NOT_FILLED("DescribeSpotInstanceRequests", "spotInstanceRequestSet/item[]/status/message"),
    {"DescribeVolumes", "volumeSet/item[]/attachmentSet/item[]/deleteOnTermination",
     "moto says no, whatever was asked"},
};

void made(const char *operation, int rc, const void *args, const void *ret)
{
    mir_auto_free char *what = mir_format("%s (%s)", operation, calls.err.provider_code);
    const struct ec2_operation *known = covered_operation(operation);
    if (known && !rc)
        covered(known, args, ret);
    expect(known && !rc, what);
}

const struct ec2_describe *by_id(struct one_id *one, const char *id)
{
    one->id = id;
    one->args = (struct ec2_describe){.ids = &one->id, .id_count = 1};
    return &one->args;
}

const struct ec2_describe *by_filter(struct one_filter *one, const char *name, const char *value)
{
    one->value = value;
    one->filter = (struct ec2_filter){name, &one->value, 1};
    one->args = (struct ec2_describe){.filters = &one->filter, .filter_count = 1};
    return &one->args;
}

const struct ec2_tag_set *tagged(struct one_tag *one, const char *resource_type, const char *value)
{
    one->tag = (struct ec2_tag){"kept", value};
    one->set = (struct ec2_tag_set){resource_type, &one->tag, 1};
    return &one->set;
}

bool recent(int64_t at_s)
{
    int64_t now_s = mir_clock_system()->utc_ms(NULL) / 1000;
    return at_s > now_s - 3600 && at_s < now_s + 300;
}

static void check_coverage(void)
{
    calls.failed += (unsigned)coverage_report(gaps, MIR_NELEMS(gaps));
}

/* In this order: one leaves for the next what it needs. */
static const struct {
    const char *name;
    void (*call)(void);
} groups[] = {
    {"identity", call_identity},
    {"regions and zones", call_places},
    {"instance types, offerings, spot prices", call_types},
    {"VPCs and subnets", call_networks},
    {"security groups and their rules", call_groups},
    {"key pairs", call_keys},
    {"snapshots, block by block", call_blocks},
    {"images", call_images},
    {"instances", call_instances},
    {"spot instances and requests", call_spot},
    {"subnets, interfaces, volumes, snapshots of others", call_prepared},
    {"elastic addresses", call_addresses},
    {"volumes, and images of instances", call_volumes},
    {"instances that change", call_changes},
    {"roles", call_roles},
    {"buckets and objects", call_objects},
    {"objects in parts", call_parts},
    {"schedules", call_schedules},
    {"parameters", call_parameters},
    {"instances end", delete_instances},
    {"disks are deleted", delete_disks},
    {"interfaces and volumes are deleted", delete_prepared},
    {"networks are deleted", delete_networks},
    {"every name of every table came by", check_coverage},
};

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    calls_open(argv[1], MOTO_REGION);
    unsigned failed = 0;
    for (size_t i = 0; i < MIR_NELEMS(groups); i++) {
        calls.failed = 0;
        groups[i].call();
        printf("%s %s\n", calls.failed ? "not ok" : "ok", groups[i].name);
        failed += calls.failed;
    }
    calls_close();
    return failed > 0;
}
