/* SPDX-License-Identifier: ISC */
/*
 * Security groups: which ports are open, and to whom. ec2/tag.h says what all these calls have in
 * common. A second group of one name in a VPC and a rule that is there already are refused
 * (MIR_CONFLICT), as is deleting a group that something is still in.
 */
#ifndef EC2_GROUP_H
#define EC2_GROUP_H

#include "ec2/tag.h"

struct ec2_create_group_args {
    const char *name, *description; /* both needed; at most 255 ASCII characters */
    const char *vpc_id;
    const struct ec2_tag_set *tags; /* for security-group */
    size_t tag_count;
    bool dry_run;
};

struct ec2_group_id {
    char id[EC2_ID_TEXT];
};

int ec2_create_security_group(struct ec2_session *session, const struct ec2_create_group_args *args,
                              int64_t until_ms, struct ec2_group_id *ret, struct mir_error *err);
int ec2_delete_security_group(struct ec2_session *session, const struct ec2_target *args,
                              int64_t until_ms, struct mir_error *err);

struct ec2_range {
    const char *cidr; /* "0.0.0.0/0", or "::/0" where IPv6 is meant */
    const char *description;
};

struct ec2_rule {
    const char *protocol; /* "tcp", "udp", "icmp", "icmpv6", "-1" all */
    int64_t from, to;     /* ports; ICMP: type and code, -1 all */
    const struct ec2_range *ipv4, *ipv6;
    size_t ipv4_count, ipv6_count;
    const char *const *group_ids; /* whoever is in one of these */
    size_t group_count;
};

struct ec2_rules {
    const char *group_id;
    const struct ec2_rule *rules;
    size_t rule_count;
    bool dry_run;
};

int ec2_authorize_ingress(struct ec2_session *session, const struct ec2_rules *args,
                          int64_t until_ms, struct mir_error *err);
int ec2_revoke_ingress(struct ec2_session *session, const struct ec2_rules *args, int64_t until_ms,
                       struct mir_error *err);
int ec2_authorize_egress(struct ec2_session *session, const struct ec2_rules *args,
                         int64_t until_ms, struct mir_error *err);
int ec2_revoke_egress(struct ec2_session *session, const struct ec2_rules *args, int64_t until_ms,
                      struct mir_error *err);

struct ec2_found_range {
    char cidr[64];
};

struct ec2_found_rule {
    char protocol[16];
    int64_t from, to;
    struct ec2_found_range *ipv4, *ipv6;
    size_t ipv4_count, ipv6_count;
};

struct ec2_group {
    char id[EC2_ID_TEXT], name[EC2_NAME_TEXT], description[EC2_NAME_TEXT], vpc_id[EC2_ID_TEXT];
    struct ec2_found_rule *ingress, *egress;
    size_t ingress_count, egress_count;
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_groups {
    struct ec2_group *rows;
    size_t count;
};

int ec2_describe_security_groups(struct ec2_session *session, const struct ec2_describe *args,
                                 int64_t until_ms, struct ec2_groups *ret, struct mir_error *err);
void ec2_groups_clear(struct ec2_groups *groups);

#endif
