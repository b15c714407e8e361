/* SPDX-License-Identifier: ISC */
#include "ec2/address.h"

#include "compute_tables.h"

/* Always in a VPC: there is no other kind any more. */
static const char *const domain = "vpc";

struct allocation {
    struct ec2_allocate args;
    const char *domain;
};

static const struct mir_field allocate_fields[] = {
    MIR_ROW(struct allocation, domain, "Domain", MIR_PUT_TEXT),
    MIR_MANY(struct allocation, args.tags, args.tag_count, "TagSpecification", MIR_PUT_LIST,
             &ec2_tag_set_table),
    MIR_ROW(struct allocation, args.dry_run, "DryRun", MIR_PUT_TRUE),
};
static const struct mir_table allocate_table = MIR_TABLE(struct allocation, allocate_fields);

static const struct mir_field allocated_fields[] = {
    MIR_MUST(struct ec2_address, allocation_id, "allocationId", MIR_GET_TEXT),
    MIR_MUST(struct ec2_address, address, "publicIp", MIR_GET_TEXT),
};
static const struct mir_table allocated_table = MIR_TABLE(struct ec2_address, allocated_fields);

static const struct mir_field associate_fields[] = {
    MIR_MUST(struct ec2_associate, allocation_id, "AllocationId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_associate, instance_id, "InstanceId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_associate, interface_id, "NetworkInterfaceId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_associate, allow_reassociation, "AllowReassociation", MIR_PUT_FLAG),
    EC2_ROW_DRY_RUN(struct ec2_associate),
};
static const struct mir_table associate_table = MIR_TABLE(struct ec2_associate, associate_fields);

static const struct mir_field association_fields[] = {
    MIR_MUST(struct ec2_association, id, "associationId", MIR_GET_TEXT),
};
static const struct mir_table association_table =
    MIR_TABLE(struct ec2_association, association_fields);

EC2_TARGET_TABLE(disassociate_table, "AssociationId");
EC2_TARGET_TABLE(release_table, "AllocationId");
EC2_DESCRIBE_TABLE(describe_table, "AllocationId");

static const struct mir_field address_fields[] = {
    MIR_MUST(struct ec2_address, address, "publicIp", MIR_GET_TEXT),
    MIR_ROW(struct ec2_address, allocation_id, "allocationId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_address, association_id, "associationId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_address, instance_id, "instanceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_address, interface_id, "networkInterfaceId", MIR_GET_TEXT),
    EC2_ROW_FOUND_TAGS(struct ec2_address),
};
static const struct mir_table address_table = MIR_TABLE(struct ec2_address, address_fields);

static const struct mir_field addresses_fields[] = {
    MIR_MANY(struct ec2_addresses, rows, count, "addressesSet/item", MIR_GET_LIST, &address_table),
};
static const struct mir_table addresses_table = MIR_TABLE(struct ec2_addresses, addresses_fields);

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
