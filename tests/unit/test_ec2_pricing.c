/* SPDX-License-Identifier: ISC */
/* What is made of a product's text: one price, or an error. */
#include "scratch.h"

#include "ec2/pricing.h"

#define PRODUCT(attributes, dimensions)                                                            \
    "{\"product\":{\"attributes\":{" attributes "}},\"terms\":{\"OnDemand\":{\"A\":{"              \
    "\"priceDimensions\":{" dimensions "}}}}}"
#define NANO "\"instanceType\":\"t3.nano\",\"regionCode\":\"us-east-1\""
#define HOUR(name, usd) "\"" name "\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"USD\":\"" usd "\"}}"

static void test_millionths(void **state)
{
    static const struct {
        const char *text;
        int64_t micro;
    } rows[] = {
        {PRODUCT(NANO, HOUR("a", "0.0052000000")), 5200},
        {PRODUCT(NANO, HOUR("a", "0.0000001")), 1},
        {PRODUCT(NANO, HOUR("a", "1.00000000001")), 1000001},
        {PRODUCT(NANO, HOUR("a", "12")), 12000000},
        {PRODUCT(NANO, HOUR("a", "0.5")), 500000},
        {PRODUCT(NANO, HOUR("a", "0.0000000000")), 0},
        {PRODUCT(NANO, HOUR("a", "999999999.999999")), 999999999999999},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct ec2_hourly price = {.micro_usd = -7};
        struct mir_error err = {0};
        if (ec2_product_hourly(rows[i].text, &price, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(price.micro_usd, rows[i].micro);
        assert_string_equal(price.type, "t3.nano");
        assert_string_equal(price.region, "us-east-1");
    }
}

static void test_no_price(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "7",
        "[]",
        "{}",
        "{\"product\":7,\"terms\":[]}",
        PRODUCT(NANO, ""),
        PRODUCT(NANO, HOUR("a", "")),
        PRODUCT(NANO, HOUR("a", "-1")),
        PRODUCT(NANO, HOUR("a", "1e3")),
        PRODUCT(NANO, HOUR("a", "1.")),
        PRODUCT(NANO, HOUR("a", ".5")),
        PRODUCT(NANO, HOUR("a", "1.5x")),
        PRODUCT(NANO, HOUR("a", "1234567890")),
        PRODUCT(NANO, HOUR("a", "1") "," HOUR("b", "2")),
        PRODUCT(NANO, "\"a\":{\"unit\":\"Quantity\",\"pricePerUnit\":{\"USD\":\"1\"}}"),
        PRODUCT(NANO, "\"a\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"CNY\":\"1\"}}"),
        PRODUCT(NANO, "\"a\":{\"unit\":\"Hrs\",\"pricePerUnit\":{\"USD\":1}}"),
        PRODUCT("\"instanceType\":\"t3.nano\"", HOUR("a", "1")),
        PRODUCT("\"regionCode\":\"us-east-1\"", HOUR("a", "1")),
    };
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        struct ec2_hourly price = {.micro_usd = -7};
        struct mir_error err = {0};
        if (!ec2_product_hourly(texts[i], &price, &err))
            fail_msg("%s was taken", texts[i]);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_int_equal(price.micro_usd, -7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_millionths),
        cmocka_unit_test(test_no_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
