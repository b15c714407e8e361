/* SPDX-License-Identifier: ISC */
#include "ec2/spot.h"

#include "compute_tables.h"

static const struct mir_field prices_args_fields[] = {
    MIR_MANY(struct ec2_spot_prices_args, types, type_count, "InstanceType", MIR_PUT_TEXTS, NULL),
    MIR_MANY(struct ec2_spot_prices_args, products, product_count, "ProductDescription",
             MIR_PUT_TEXTS, NULL),
    MIR_ROW(struct ec2_spot_prices_args, zone, "AvailabilityZone", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_spot_prices_args, from_s, "StartTime", MIR_PUT_TIME),
    MIR_ROW(struct ec2_spot_prices_args, to_s, "EndTime", MIR_PUT_TIME),
};
static const struct mir_table prices_args_table =
    MIR_TABLE(struct ec2_spot_prices_args, prices_args_fields);

static const struct mir_field price_fields[] = {
    MIR_MUST(struct ec2_spot_price, type, "instanceType", MIR_GET_TEXT),
    MIR_MUST(struct ec2_spot_price, price, "spotPrice", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_price, zone, "availabilityZone", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_price, product, "productDescription", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_price, since_s, "timestamp", MIR_GET_TIME),
};
static const struct mir_table price_table = MIR_TABLE(struct ec2_spot_price, price_fields);

static const struct mir_field prices_fields[] = {
    MIR_MANY(struct ec2_spot_prices, rows, count, "spotPriceHistorySet/item", MIR_GET_LIST,
             &price_table),
};
static const struct mir_table prices_table = MIR_TABLE(struct ec2_spot_prices, prices_fields);

EC2_DESCRIBE_TABLE(describe_table, "SpotInstanceRequestId");
EC2_TARGET_TABLE(cancel_table, "SpotInstanceRequestId.1");

static const struct mir_field request_fields[] = {
    MIR_MUST(struct ec2_spot_request, id, "spotInstanceRequestId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_request, instance_id, "instanceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_request, state, "state", MIR_GET_TEXT),
    MIR_ROW(struct ec2_spot_request, status, "status/code", MIR_GET_CUT),
    MIR_ROW(struct ec2_spot_request, status_message, "status/message", MIR_GET_CUT),
    EC2_ROW_FOUND_TAGS(struct ec2_spot_request),
};
static const struct mir_table request_table = MIR_TABLE(struct ec2_spot_request, request_fields);

static const struct mir_field requests_fields[] = {
    MIR_MANY(struct ec2_spot_requests, rows, count, "spotInstanceRequestSet/item", MIR_GET_LIST,
             &request_table),
};
static const struct mir_table requests_table = MIR_TABLE(struct ec2_spot_requests, requests_fields);

enum { PRICES, REQUESTS, CANCEL };

const struct ec2_operation ec2_spot_operations[] = {
    [PRICES] = EC2_LOOK_PAGES("DescribeSpotPriceHistory", &prices_args_table, &prices_table, 1000),
    [REQUESTS] =
        EC2_LOOK_PAGES("DescribeSpotInstanceRequests", &describe_table, &requests_table, 1000),
    [CANCEL] = EC2_ACT("CancelSpotInstanceRequests", &cancel_table, NULL),
    {0},
};

EC2_FUNCTION(ec2_describe_spot_prices, struct ec2_spot_prices_args, struct ec2_spot_prices,
             &ec2_spot_operations[PRICES], ec2_operate_all)
EC2_CLEAR(ec2_spot_prices_clear, struct ec2_spot_prices, &prices_table)
EC2_FUNCTION(ec2_describe_spot_requests, struct ec2_describe, struct ec2_spot_requests,
             &ec2_spot_operations[REQUESTS], ec2_operate_all)
EC2_CLEAR(ec2_spot_requests_clear, struct ec2_spot_requests, &requests_table)
EC2_FUNCTION_PLAIN(ec2_cancel_spot_request, struct ec2_target, &ec2_spot_operations[CANCEL])
