/* SPDX-License-Identifier: ISC */
#include "ec2/pricing.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "compute_tables.h"

#define PRODUCT_MAX ((size_t)1 << 20)
#define MICRO_DIGITS 6
#define WHOLE_DIGITS_MAX 9

static const struct mir_field filter_fields[] = {
    MIR_MUST(struct ec2_product_filter, type, "Type", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_product_filter, field, "Field", MIR_PUT_TEXT),
    MIR_MUST(struct ec2_product_filter, value, "Value", MIR_PUT_TEXT),
};
static const struct mir_table filter_table = MIR_TABLE(struct ec2_product_filter, filter_fields);

static const struct mir_field args_fields[] = {
    MIR_MUST(struct ec2_products_args, service, "ServiceCode", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_products_args, filters, filter_count, "Filters", MIR_PUT_LIST,
             &filter_table),
};
static const struct mir_table args_table = MIR_TABLE(struct ec2_products_args, args_fields);

static const struct mir_field product_fields[] = {
    MIR_MUST(struct ec2_product, text, "", MIR_GET_OWNED),
};
static const struct mir_table product_table = MIR_TABLE(struct ec2_product, product_fields);

static const struct mir_field products_fields[] = {
    MIR_MANY(struct ec2_products, rows, count, "PriceList", MIR_GET_LIST, &product_table),
};
static const struct mir_table products_table = MIR_TABLE(struct ec2_products, products_fields);

const struct ec2_operation ec2_pricing_operations[] = {
    {.name = "GetProducts",
     .service = EC2_PRICING,
     .protocol = EC2_JSON11,
     .version = "AWSPriceListService",
     .request = &args_table,
     .reply = &products_table,
     .reads = true,
     .page = 100,
     .page_size = "MaxResults",
     .page_token = "NextToken",
     .page_next = "NextToken"},
    {0},
};

EC2_FUNCTION(ec2_get_products, struct ec2_products_args, struct ec2_products,
             &ec2_pricing_operations[0], ec2_operate_all)
EC2_CLEAR(ec2_products_clear, struct ec2_products, &products_table)

/* --- one price --- */

/* "0.0052000000" in millionths, rounded up; -1: it is no such number. */
static int64_t micro_of(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    if (!whole || whole > WHOLE_DIGITS_MAX)
        return -1;
    int64_t micro = 0;
    for (size_t i = 0; i < whole; i++)
        micro = micro * 10 + (text[i] - '0');
    const char *fraction = text[whole] == '.' ? text + whole + 1 : "";
    size_t digits = strspn(fraction, "0123456789");
    if (text[whole] && (!digits || fraction[digits]))
        return -1;
    for (size_t i = 0; i < MICRO_DIGITS; i++)
        micro = micro * 10 + (i < digits ? fraction[i] - '0' : 0);
    bool rest =
        digits > MICRO_DIGITS && strspn(fraction + MICRO_DIGITS, "0") < digits - MICRO_DIGITS;
    return micro + rest;
}

/* The one on-demand price by the hour that there has to be; -1: there is none, or more. */
static int64_t on_demand(json_t *product)
{
    const char *term_key, *dimension_key;
    json_t *term, *dimension;
    int64_t found = -1;
    json_object_foreach(json_object_get(json_object_get(product, "terms"), "OnDemand"), term_key,
                        term)
    {
        json_object_foreach(json_object_get(term, "priceDimensions"), dimension_key, dimension)
        {
            const char *unit = json_string_value(json_object_get(dimension, "unit"));
            const char *usd = json_string_value(
                json_object_get(json_object_get(dimension, "pricePerUnit"), "USD"));
            int64_t micro = usd ? micro_of(usd) : -1;
            if (found >= 0 || micro < 0 || !unit || strcmp(unit, "Hrs") != 0)
                return -1;
            found = micro;
        }
    }
    return found;
}

int ec2_product_hourly(const char *text, struct ec2_hourly *ret, struct mir_error *err)
{
    json_t *json = mir_json_parse(text, strlen(text), PRODUCT_MAX, NULL);
    json_t *about = json_object_get(json_object_get(json, "product"), "attributes");
    const char *type = json_string_value(json_object_get(about, "instanceType"));
    const char *region = json_string_value(json_object_get(about, "regionCode"));
    struct ec2_hourly made = {.micro_usd = on_demand(json)};
    int rc = !type || !region || made.micro_usd < 0 ||
             mir_copy(made.type, sizeof made.type, type) ||
             mir_copy(made.region, sizeof made.region, region);
    json_decref(json);
    if (rc)
        return mir_fail(err, MIR_CORRUPT, "a product without one price by the hour");
    *ret = made;
    return 0;
}

int ec2_get_hourly(struct ec2_session *session, const char *type, const char *region,
                   int64_t until_ms, struct ec2_hourly *ret, struct mir_error *err)
{
    const struct ec2_product_filter filters[] = {
        {"TERM_MATCH", "instanceType", type},       {"TERM_MATCH", "regionCode", region},
        {"TERM_MATCH", "operatingSystem", "Linux"}, {"TERM_MATCH", "tenancy", "Shared"},
        {"TERM_MATCH", "preInstalledSw", "NA"},     {"TERM_MATCH", "capacitystatus", "Used"},
    };
    struct ec2_products_args args = {"AmazonEC2", filters, MIR_NELEMS(filters)};
    struct ec2_products products = {0};
    if (ec2_get_products(session, &args, until_ms, &products, err))
        return -1;
    int rc = products.count ? ec2_product_hourly(products.rows[0].text, ret, err)
                            : mir_fail(err, MIR_NOT_FOUND, "%s has no price for %s in %s",
                                       args.service, type, region);
    ec2_products_clear(&products);
    return rc;
}
