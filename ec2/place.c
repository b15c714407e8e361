/* SPDX-License-Identifier: ISC */
#include "ec2/place.h"

#include "compute_tables.h"

static const struct mir_field regions_args_fields[] = {
    MIR_MANY(struct ec2_regions_args, names, name_count, "RegionName", MIR_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_regions_args),
    MIR_ROW(struct ec2_regions_args, all, "AllRegions", MIR_PUT_TRUE),
};
static const struct mir_table regions_args_table =
    MIR_TABLE(struct ec2_regions_args, regions_args_fields);

static const struct mir_field region_fields[] = {
    MIR_MUST(struct ec2_region, name, "regionName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_region, endpoint, "regionEndpoint", MIR_GET_TEXT),
    MIR_ROW(struct ec2_region, opt_in, "optInStatus", MIR_GET_TEXT),
};
static const struct mir_table region_table = MIR_TABLE(struct ec2_region, region_fields);

static const struct mir_field regions_fields[] = {
    MIR_MANY(struct ec2_regions, rows, count, "regionInfo/item", MIR_GET_LIST, &region_table),
};
static const struct mir_table regions_table = MIR_TABLE(struct ec2_regions, regions_fields);

EC2_DESCRIBE_TABLE(zones_args_table, "ZoneName");

static const struct mir_field zone_fields[] = {
    MIR_MUST(struct ec2_zone, name, "zoneName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_zone, id, "zoneId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_zone, type, "zoneType", MIR_GET_TEXT),
    MIR_ROW(struct ec2_zone, state, "zoneState", MIR_GET_TEXT),
};
static const struct mir_table zone_table = MIR_TABLE(struct ec2_zone, zone_fields);

static const struct mir_field zones_fields[] = {
    MIR_MANY(struct ec2_zones, rows, count, "availabilityZoneInfo/item", MIR_GET_LIST, &zone_table),
};
static const struct mir_table zones_table = MIR_TABLE(struct ec2_zones, zones_fields);

enum { REGIONS, ZONES };

const struct ec2_operation ec2_place_operations[] = {
    [REGIONS] = EC2_LOOK("DescribeRegions", &regions_args_table, &regions_table),
    [ZONES] = EC2_LOOK("DescribeAvailabilityZones", &zones_args_table, &zones_table),
    {0},
};

EC2_FUNCTION(ec2_describe_regions, struct ec2_regions_args, struct ec2_regions,
             &ec2_place_operations[REGIONS], ec2_operate)
EC2_CLEAR(ec2_regions_clear, struct ec2_regions, &regions_table)
EC2_FUNCTION(ec2_describe_zones, struct ec2_describe, struct ec2_zones,
             &ec2_place_operations[ZONES], ec2_operate)
EC2_CLEAR(ec2_zones_clear, struct ec2_zones, &zones_table)
