/* SPDX-License-Identifier: ISC */
#include "ec2/address.h"

#include "compute_tables.h"

/* Always in a VPC: there is no other kind any more. */
static const char *const domain = "vpc";

struct allocation {
    struct ec2_allocate args;
    const char *domain;
};

static const struct ec2_field allocate_fields[] = {
    EC2_ROW(struct allocation, domain, "Domain", EC2_PUT_TEXT),
    EC2_MANY(struct allocation, args.tags, args.tag_count, "TagSpecification", EC2_PUT_LIST,
             &ec2_tag_set_table),
    EC2_ROW(struct allocation, args.dry_run, "DryRun", EC2_PUT_TRUE),
};
static const struct ec2_table allocate_table = EC2_TABLE(struct allocation, allocate_fields);

static const struct ec2_field allocated_fields[] = {
    EC2_MUST(struct ec2_address, allocation_id, "allocationId", EC2_GET_TEXT),
    EC2_MUST(struct ec2_address, address, "publicIp", EC2_GET_TEXT),
};
static const struct ec2_table allocated_table = EC2_TABLE(struct ec2_address, allocated_fields);

static const struct ec2_field associate_fields[] = {
    EC2_MUST(struct ec2_associate, allocation_id, "AllocationId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_associate, instance_id, "InstanceId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_associate, interface_id, "NetworkInterfaceId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_associate, allow_reassociation, "AllowReassociation", EC2_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_associate),
};
static const struct ec2_table associate_table = EC2_TABLE(struct ec2_associate, associate_fields);

static const struct ec2_field association_fields[] = {
    EC2_MUST(struct ec2_association, id, "associationId", EC2_GET_TEXT),
};
static const struct ec2_table association_table =
    EC2_TABLE(struct ec2_association, association_fields);

EC2_TARGET_TABLE(disassociate_table, "AssociationId");
EC2_TARGET_TABLE(release_table, "AllocationId");
EC2_DESCRIBE_TABLE(describe_table, "AllocationId");

static const struct ec2_field address_fields[] = {
    EC2_MUST(struct ec2_address, address, "publicIp", EC2_GET_TEXT),
    EC2_ROW(struct ec2_address, allocation_id, "allocationId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_address, association_id, "associationId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_address, instance_id, "instanceId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_address, interface_id, "networkInterfaceId", EC2_GET_TEXT),
    EC2_ROW_FOUND_TAGS(struct ec2_address),
};
static const struct ec2_table address_table = EC2_TABLE(struct ec2_address, address_fields);

static const struct ec2_field addresses_fields[] = {
    EC2_MANY(struct ec2_addresses, rows, count, "addressesSet/item", EC2_GET_LIST, &address_table),
};
static const struct ec2_table addresses_table = EC2_TABLE(struct ec2_addresses, addresses_fields);

enum { ALLOCATE, ASSOCIATE, DISASSOCIATE, RELEASE, DESCRIBE };

const struct ec2_operation ec2_address_operations[] = {
    [ALLOCATE] = EC2_ACT_ONCE("AllocateAddress", &allocate_table, &allocated_table),
    [ASSOCIATE] = EC2_ACT("AssociateAddress", &associate_table, &association_table),
    [DISASSOCIATE] = EC2_ACT("DisassociateAddress", &disassociate_table, NULL),
    [RELEASE] = EC2_ACT("ReleaseAddress", &release_table, NULL),
    [DESCRIBE] = EC2_LOOK("DescribeAddresses", &describe_table, &addresses_table),
    {0},
};

#define OPERATION(which) (&ec2_address_operations[which])

int ec2_allocate_address(struct ec2_session *session, const struct ec2_allocate *args,
                         int64_t until_ms, struct ec2_address *ret, struct mir_error *err)
{
    struct allocation whole = {*args, domain};
    return ec2_operate(session, OPERATION(ALLOCATE), &whole, until_ms, ret, err);
}

EC2_FUNCTION(ec2_associate_address, struct ec2_associate, struct ec2_association,
             OPERATION(ASSOCIATE), ec2_operate)
EC2_FUNCTION_PLAIN(ec2_disassociate_address, struct ec2_target, OPERATION(DISASSOCIATE))
EC2_FUNCTION_PLAIN(ec2_release_address, struct ec2_target, OPERATION(RELEASE))
EC2_FUNCTION(ec2_describe_addresses, struct ec2_describe, struct ec2_addresses, OPERATION(DESCRIBE),
             ec2_operate)
EC2_CLEAR(ec2_addresses_clear, struct ec2_addresses, &addresses_table)
