/* SPDX-License-Identifier: ISC */
#include "ec2/place.h"

#include "compute_tables.h"

static const struct ec2_field regions_args_fields[] = {
    EC2_MANY(struct ec2_regions_args, names, name_count, "RegionName", EC2_PUT_TEXTS, NULL),
    EC2_ROW_FILTERS(struct ec2_regions_args),
    EC2_ROW(struct ec2_regions_args, all, "AllRegions", EC2_PUT_TRUE),
};
static const struct ec2_table regions_args_table =
    EC2_TABLE(struct ec2_regions_args, regions_args_fields);

static const struct ec2_field region_fields[] = {
    EC2_MUST(struct ec2_region, name, "regionName", EC2_GET_TEXT),
    EC2_ROW(struct ec2_region, endpoint, "regionEndpoint", EC2_GET_TEXT),
    EC2_ROW(struct ec2_region, opt_in, "optInStatus", EC2_GET_TEXT),
};
static const struct ec2_table region_table = EC2_TABLE(struct ec2_region, region_fields);

static const struct ec2_field regions_fields[] = {
    EC2_MANY(struct ec2_regions, rows, count, "regionInfo/item", EC2_GET_LIST, &region_table),
};
static const struct ec2_table regions_table = EC2_TABLE(struct ec2_regions, regions_fields);

EC2_DESCRIBE_TABLE(zones_args_table, "ZoneName");

static const struct ec2_field zone_fields[] = {
    EC2_MUST(struct ec2_zone, name, "zoneName", EC2_GET_TEXT),
    EC2_ROW(struct ec2_zone, id, "zoneId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_zone, type, "zoneType", EC2_GET_TEXT),
    EC2_ROW(struct ec2_zone, state, "zoneState", EC2_GET_TEXT),
};
static const struct ec2_table zone_table = EC2_TABLE(struct ec2_zone, zone_fields);

static const struct ec2_field zones_fields[] = {
    EC2_MANY(struct ec2_zones, rows, count, "availabilityZoneInfo/item", EC2_GET_LIST, &zone_table),
};
static const struct ec2_table zones_table = EC2_TABLE(struct ec2_zones, zones_fields);

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
