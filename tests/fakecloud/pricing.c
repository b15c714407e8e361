/* SPDX-License-Identifier: ISC */
/* The price list, API 2017-10-15: what instance types cost, as the offer files say it. Every price
 * is the one of us-east-1, a little more elsewhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/json.h"
#include "api/memory.h"
#include "ec2_types.h"
#include "rest.h"

#define PAGE_MAX 100
#define ABROAD_PERCENT 110

static const struct fc_param products_params[] = {
    {"ServiceCode", FC_TEXT, true},      {"Filters.#.Type", FC_TEXT, false},
    {"Filters.#.Field", FC_TEXT, false}, {"Filters.#.Value", FC_TEXT, false},
    {"FormatVersion", FC_TEXT, false},   {"NextToken", FC_TEXT, false},
    {"MaxResults", FC_INT, false},       {NULL, FC_TEXT, false},
};

/* --- one product --- */

static json_t *attributes_of(const struct fc_instance_type *type, const char *region)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:s}", "instanceType",
                     type->name, "regionCode", region, "operatingSystem", "Linux", "tenancy",
                     "Shared", "preInstalledSw", "NA", "capacitystatus", "Used", "licenseModel",
                     "No License required", "operation", "RunInstances", "vcpu",
                     json_sprintf("%u", type->vcpus), "memory",
                     json_sprintf("%u MiB", type->memory_mib), "locationType", "AWS Region",
                     "servicecode", "AmazonEC2");
}

static json_t *terms_of(const char *sku, int64_t micro)
{
    mir_auto_free char *term = mir_format("%s.JRTCKXETXF", sku);
    mir_auto_free char *rate = mir_format("%s.6YS6EN2CT7", term);
    json_t *dimension =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:[],s:{s:o}}", "rateCode", rate, "unit", "Hrs",
                  "beginRange", "0", "endRange", "Inf", "description",
                  "per On Demand Linux Instance Hour", "appliesTo", "pricePerUnit", "USD",
                  json_sprintf("%" PRId64 ".%06" PRId64 "0000", micro / 1000000, micro % 1000000));
    json_t *offer = json_pack("{s:s,s:s,s:s,s:{s:o},s:{}}", "sku", sku, "offerTermCode",
                              "JRTCKXETXF", "effectiveDate", "2026-11-01T00:00:00Z",
                              "priceDimensions", rate, dimension, "termAttributes");
    return json_pack("{s:{s:o}}", "OnDemand", term, offer);
}

static json_t *product(const struct fc_instance_type *type, const char *region, unsigned number)
{
    char sku[20];
    int64_t micro = type->micro_usd_per_h;
    if (strcmp(region, "us-east-1") != 0)
        micro = micro * ABROAD_PERCENT / 100;
    snprintf(sku, sizeof sku, "FAKE%012u", number);
    return json_pack("{s:{s:s,s:o,s:s},s:s,s:o,s:s,s:s}", "product", "productFamily",
                     "Compute Instance", "attributes", attributes_of(type, region), "sku", sku,
                     "serviceCode", "AmazonEC2", "terms", terms_of(sku, micro), "version",
                     "20261101000000", "publicationDate", "2026-11-01T00:00:00Z");
}

/* --- the call --- */

static int check_filters(struct fc_call *call, struct fc_refusal *refusal)
{
    size_t i;
    json_t *filter;
    json_array_foreach(fc_param_list(call, "Filters"), i, filter)
    {
        if (strcmp(fc_text_at(filter, "Type"), "TERM_MATCH") != 0)
            return fc_refuse(refusal, 400, "InvalidParameterException",
                             "This fake knows the filter TERM_MATCH alone");
        if (!*fc_text_at(filter, "Field") || !fc_at(filter, "Value"))
            return fc_refuse(refusal, 400, "InvalidParameterException",
                             "A filter has a Field and a Value");
    }
    return 0;
}

static bool passes(struct fc_call *call, const json_t *document)
{
    const json_t *attributes = fc_at(document, "product.attributes");
    size_t i;
    json_t *filter;
    json_array_foreach(fc_param_list(call, "Filters"), i, filter)
    {
        const char *field = fc_text_at(filter, "Field"), *value = fc_text_at(filter, "Value");
        const char *there = !strcmp(field, "productFamily")
                                ? fc_text_at(document, "product.productFamily")
                                : fc_text_at(attributes, field);
        if (strcasecmp(there, value) != 0)
            return false;
    }
    return true;
}

static int get_products(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *token = fc_param_text(call, "NextToken");
    const char *version = fc_param_text(call, "FormatVersion");
    int64_t max = fc_param_int(call, "MaxResults", PAGE_MAX);
    unsigned from = token ? (unsigned)strtoul(token, NULL, 10) : 0, number = 0, count;
    const struct fc_instance_type *types = fc_types(&count);
    if (strcmp(fc_param_text(call, "ServiceCode"), "AmazonEC2") != 0)
        return fc_refuse(refusal, 400, "NotFoundException", "Service code not found: %.60s",
                         fc_param_text(call, "ServiceCode"));
    if (max < 1 || max > PAGE_MAX || (version && strcmp(version, "aws_v1") != 0))
        return fc_refuse(refusal, 400, "InvalidParameterException",
                         "MaxResults is 1 to %d, FormatVersion aws_v1", PAGE_MAX);
    if (check_filters(call, refusal))
        return -1;
    json_t *rows = json_array();
    *ret_reply = json_pack("{s:s,s:o}", "FormatVersion", "aws_v1", "PriceList", rows);
    for (const char *const *region = fc_regions; *region; region++)
        for (unsigned i = 0; i < count; i++, number++) {
            json_t *document = number >= from ? product(&types[i], *region, number) : NULL;
            bool wanted = document && passes(call, document);
            if (wanted && json_array_size(rows) == (size_t)max) {
                json_object_set_new(*ret_reply, "NextToken", json_sprintf("%u", number));
                json_decref(document);
                return 0;
            }
            if (wanted) { /* each as a text of its own */
                mir_auto_free char *text = mir_json_text(document);
                json_array_append_new(rows, json_string(text));
            }
            json_decref(document);
        }
    return 0;
}

static const struct fc_operation operations[] = {
    {.name = "GetProducts", .handle = get_products, .params = products_params},
    {.name = NULL},
};

const struct fc_service fc_service_pricing = {.name = "pricing",
                                              .version = "AWSPriceListService",
                                              .protocol = FC_PROTOCOL_JSON,
                                              .operations = operations};
