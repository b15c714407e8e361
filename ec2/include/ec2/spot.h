/* SPDX-License-Identifier: ISC */
/* Spot capacity: its prices, and the requests behind spot instances. ec2/tag.h says what all these
 * calls have in common. */
#ifndef EC2_SPOT_H
#define EC2_SPOT_H

#include "ec2/tag.h"

struct ec2_spot_prices_args {
    const char *const *types;
    size_t type_count;
    const char *const *products; /* "Linux/UNIX" */
    size_t product_count;
    const char *zone;
    int64_t from_s, to_s; /* from now: the prices of now */
};

struct ec2_spot_price {
    char type[EC2_WORD_TEXT], zone[EC2_WORD_TEXT], product[EC2_WORD_TEXT];
    char price[24]; /* USD per hour, decimal */
    int64_t since_s;
};

struct ec2_spot_prices {
    struct ec2_spot_price *rows;
    size_t count;
};

int ec2_describe_spot_prices(struct ec2_session *session, const struct ec2_spot_prices_args *args,
                             int64_t until_ms, struct ec2_spot_prices *ret, struct mir_error *err);
void ec2_spot_prices_clear(struct ec2_spot_prices *prices);

struct ec2_spot_request {
    char id[EC2_ID_TEXT], instance_id[EC2_ID_TEXT];
    char state[EC2_WORD_TEXT]; /* "open", "active", "closed", "cancelled", "failed" */
    char status[80], status_message[160];
    struct ec2_found_tag *tags;
    size_t tag_count;
};

struct ec2_spot_requests {
    struct ec2_spot_request *rows;
    size_t count;
};

int ec2_describe_spot_requests(struct ec2_session *session, const struct ec2_describe *args,
                               int64_t until_ms, struct ec2_spot_requests *ret,
                               struct mir_error *err);
void ec2_spot_requests_clear(struct ec2_spot_requests *requests);
/* Its instance goes on. */
int ec2_cancel_spot_request(struct ec2_session *session, const struct ec2_target *args,
                            int64_t until_ms, struct mir_error *err);

#endif
