/* SPDX-License-Identifier: ISC */
/* What our bindings look at and delete, and cannot make: moto.py has made it before, tagged. */
#include <string.h>

#include "api/memory.h"
#include "moto.h"

#define PREPARED(filter) by_filter(filter, "tag:kept", "prepared")

static void call_subnet(void)
{
    struct ec2_subnets subnets = {0};
    struct one_filter filter;
    CALL("DescribeSubnets", ec2_describe_subnets, PREPARED(&filter), &subnets);
    EXPECT(subnets.count == 1);
    if (subnets.count) {
        EXPECT(subnets.rows[0].ipv6_on_launch && subnets.rows[0].ipv6_count == 1);
        EXPECT(subnets.rows[0].ipv6_count && strstr(subnets.rows[0].ipv6[0].cidr, "::/64"));
    }
    ec2_subnets_clear(&subnets);
}

static void call_interface(void)
{
    struct ec2_nics nics = {0};
    struct one_filter filter;
    struct one_id id;
    CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces, PREPARED(&filter), &nics);
    EXPECT(nics.count == 1);
    if (nics.count) {
        mir_copy(moto.nic, sizeof moto.nic, nics.rows[0].id);
        SAME(nics.rows[0].state, "available");
        SAME(nics.rows[0].description, "of nobody");
        SAME(nics.rows[0].instance_id, "");
        KEPT(&nics.rows[0], "prepared");
    }
    CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces, by_id(&id, moto.nic), &nics);
    EXPECT(nics.count == 1);
    ec2_nics_clear(&nics);
}

static void snapshot_spare(void)
{
    struct one_tag one;
    struct ec2_create_snapshot_args args = {
        .volume_id = moto.spare, .tags = tagged(&one, "snapshot", "prepared"), .tag_count = 1};
    struct ec2_snapshot snapshot = {0};
    CALL("CreateSnapshot", ec2_create_snapshot, &args, &snapshot);
    EXPECT(snapshot.encrypted);
    ec2_snapshot_clear(&snapshot);
}

static void call_encrypted(void)
{
    struct ec2_volumes volumes = {0};
    struct ec2_snapshots snapshots = {0};
    struct one_filter filter;
    CALL("DescribeVolumes", ec2_describe_volumes, PREPARED(&filter), &volumes);
    EXPECT(volumes.count == 1);
    if (volumes.count) {
        mir_copy(moto.spare, sizeof moto.spare, volumes.rows[0].id);
        SAME(volumes.rows[0].state, "available");
        EXPECT(volumes.rows[0].encrypted && volumes.rows[0].size_gib == 3);
    }
    snapshot_spare();
    struct ec2_describe_snapshots_args args = {.filters = &filter.filter, .filter_count = 1};
    CALL("DescribeSnapshots", ec2_describe_snapshots, &args, &snapshots);
    EXPECT(snapshots.count == 1);
    if (snapshots.count) {
        SAME(snapshots.rows[0].volume_id, moto.spare);
        EXPECT(snapshots.rows[0].encrypted && snapshots.rows[0].size_gib == 3);
    }
    ec2_volumes_clear(&volumes);
    ec2_snapshots_clear(&snapshots);
}

void call_prepared(void)
{
    call_subnet();
    call_interface();
    call_encrypted();
}

void delete_prepared(void)
{
    struct ec2_target nic = {.id = moto.nic}, volume = {.id = moto.spare};
    struct ec2_nics nics = {0};
    struct ec2_volumes volumes = {0};
    struct one_filter filter;
    TRY_DO("DeleteNetworkInterface", ec2_delete_network_interface, &nic);
    TRY_DO("DeleteVolume", ec2_delete_volume, &volume);
    CALL("DescribeNetworkInterfaces", ec2_describe_network_interfaces, PREPARED(&filter), &nics);
    CALL("DescribeVolumes", ec2_describe_volumes, PREPARED(&filter), &volumes);
    EXPECT(nics.count == 0 && volumes.count == 0);
    ec2_nics_clear(&nics);
    ec2_volumes_clear(&volumes);
}
