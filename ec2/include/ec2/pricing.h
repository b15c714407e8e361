/* SPDX-License-Identifier: ISC */
/*
 * Prices of AWS's services (GetProducts). Blocking, any thread; ec2/session.h says what every call
 * has in common. Source: AWS Price List API 2017-10-15. Money is in millionths of a US dollar.
 */
#ifndef EC2_PRICING_H
#define EC2_PRICING_H

#include <stddef.h>

#include "ec2/session.h"

struct ec2_product_filter {
    const char *type; /* "TERM_MATCH" */
    const char *field, *value;
};

struct ec2_products_args {
    const char *service; /* "AmazonEC2" */
    const struct ec2_product_filter *filters;
    size_t filter_count;
};

/* One product with its terms: JSON in a text. */
struct ec2_product {
    char *text; /* owned */
};

struct ec2_products {
    struct ec2_product *rows;
    size_t count;
};

int ec2_get_products(struct ec2_session *session, const struct ec2_products_args *args,
                     int64_t until_ms, struct ec2_products *ret, struct mir_error *err);
void ec2_products_clear(struct ec2_products *products);

/* What an hour of an on-demand instance costs: of a shared machine with Linux and nothing else. */
struct ec2_hourly {
    char type[40];   /* "t3.nano" */
    char region[40]; /* "eu-central-1" */
    int64_t micro_usd;
};

/* Read from such a text; MIR_CORRUPT: it says no such thing. Pure. */
int ec2_product_hourly(const char *text, struct ec2_hourly *ret, struct mir_error *err);

/* Of one instance type in one region, wherever the session is; MIR_NOT_FOUND: it is not offered. */
int ec2_get_hourly(struct ec2_session *session, const char *type, const char *region,
                   int64_t until_ms, struct ec2_hourly *ret, struct mir_error *err);

#endif
