/* SPDX-License-Identifier: ISC */
/* Where instances stand: VPCs, subnets, network interfaces. ec2/tag.h says what all these calls
 * have in common. */
#ifndef EC2_NETWORK_H
#define EC2_NETWORK_H

#include "ec2/tag.h"

struct ec2_ipv6_block {
    char cidr[64];
};

struct ec2_subnet {
    char id[EC2_ID_TEXT], vpc_id[EC2_ID_TEXT], zone[EC2_WORD_TEXT], state[EC2_WORD_TEXT];
    char cidr[64];
    int64_t free_addresses;
    bool default_for_zone;
    bool public_on_launch; /* instances get a public IPv4 address */
    bool ipv6_on_launch, ipv6_only;
    struct ec2_ipv6_block *ipv6;
    size_t ipv6_count;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_subnets {
    struct ec2_subnet *rows;
    size_t count;
};

int ec2_describe_subnets(struct ec2_session *session, const struct ec2_describe *args,
                         int64_t until_ms, struct ec2_subnets *ret, struct mir_error *err);
void ec2_subnets_clear(struct ec2_subnets *subnets);

struct ec2_vpc {
    char id[EC2_ID_TEXT], state[EC2_WORD_TEXT], cidr[64];
    bool is_default;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_vpcs {
    struct ec2_vpc *rows;
    size_t count;
};

int ec2_describe_vpcs(struct ec2_session *session, const struct ec2_describe *args,
                      int64_t until_ms, struct ec2_vpcs *ret, struct mir_error *err);
void ec2_vpcs_clear(struct ec2_vpcs *vpcs);

struct ec2_nic {
    char id[EC2_ID_TEXT], subnet_id[EC2_ID_TEXT], vpc_id[EC2_ID_TEXT];
    char state[EC2_WORD_TEXT]; /* "available", "in-use", ... */
    char description[EC2_NAME_TEXT];
    char instance_id[EC2_ID_TEXT];       /* that it is attached to; "" none */
    char address[64];                    /* public IPv4 */
    bool delete_on_termination, managed; /* managed: a service of AWS owns it */
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_nics {
    struct ec2_nic *rows;
    size_t count;
};

int ec2_describe_network_interfaces(struct ec2_session *session, const struct ec2_describe *args,
                                    int64_t until_ms, struct ec2_nics *ret, struct mir_error *err);
void ec2_nics_clear(struct ec2_nics *nics);
int ec2_delete_network_interface(struct ec2_session *session, const struct ec2_target *args,
                                 int64_t until_ms, struct mir_error *err);

#endif
