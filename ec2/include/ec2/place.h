/* SPDX-License-Identifier: ISC */
/* Regions and availability zones. ec2/tag.h says what all these calls have in common. */
#ifndef EC2_PLACE_H
#define EC2_PLACE_H

#include "ec2/tag.h"

struct ec2_regions_args {
    const char *const *names;
    size_t name_count;
    const struct ec2_filter *filters;
    size_t filter_count;
    bool all; /* those that the account has not opted in to, too */
};

struct ec2_region {
    char name[EC2_WORD_TEXT], endpoint[128], opt_in[EC2_WORD_TEXT];
};

struct ec2_regions {
    struct ec2_region *rows;
    size_t count;
};

int ec2_describe_regions(struct ec2_session *session, const struct ec2_regions_args *args,
                         int64_t until_ms, struct ec2_regions *ret, struct mir_error *err);
void ec2_regions_clear(struct ec2_regions *regions);

struct ec2_zone {
    char name[EC2_WORD_TEXT], id[EC2_WORD_TEXT], type[EC2_WORD_TEXT];
    char state[EC2_WORD_TEXT]; /* "available", ... */
};

struct ec2_zones {
    struct ec2_zone *rows;
    size_t count;
};

/* By names, of the session's region. */
int ec2_describe_zones(struct ec2_session *session, const struct ec2_describe *args,
                       int64_t until_ms, struct ec2_zones *ret, struct mir_error *err);
void ec2_zones_clear(struct ec2_zones *zones);

#endif
