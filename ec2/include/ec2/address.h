/* SPDX-License-Identifier: ISC */
/*
 * Elastic addresses: they cost money from allocation to release, in use or not. ec2/tag.h says what
 * all these calls have in common. Associating and disassociating are idempotent.
 */
#ifndef EC2_ADDRESS_H
#define EC2_ADDRESS_H

#include "ec2/tag.h"

struct ec2_allocate {
    const struct ec2_tag_set *tags; /* for elastic-ip */
    size_t tag_count;
    bool dry_run;
};

struct ec2_address {
    char allocation_id[EC2_ID_TEXT], association_id[EC2_ID_TEXT];
    char address[64];
    char instance_id[EC2_ID_TEXT], interface_id[EC2_ID_TEXT];
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_addresses {
    struct ec2_address *rows;
    size_t count;
};

/* Has no token: is asked for once and never repeated when its answer was lost. Only allocation_id
 * and address are filled. */
int ec2_allocate_address(struct ec2_session *session, const struct ec2_allocate *args,
                         int64_t until_ms, struct ec2_address *ret, struct mir_error *err);

struct ec2_associate {
    const char *allocation_id;
    const char *instance_id, *interface_id; /* one of them */
    enum mir_flag allow_reassociation;
    bool dry_run;
};

struct ec2_association {
    char id[EC2_ID_TEXT];
};

int ec2_associate_address(struct ec2_session *session, const struct ec2_associate *args,
                          int64_t until_ms, struct ec2_association *ret, struct mir_error *err);
/* By association id. */
int ec2_disassociate_address(struct ec2_session *session, const struct ec2_target *args,
                             int64_t until_ms, struct mir_error *err);
/* By allocation id; MIR_CONFLICT while it is associated. */
int ec2_release_address(struct ec2_session *session, const struct ec2_target *args,
                        int64_t until_ms, struct mir_error *err);
/* By allocation ids. */
int ec2_describe_addresses(struct ec2_session *session, const struct ec2_describe *args,
                           int64_t until_ms, struct ec2_addresses *ret, struct mir_error *err);
void ec2_addresses_clear(struct ec2_addresses *addresses);

#endif
