/* SPDX-License-Identifier: ISC */
#include "api/price.h"

#include "scratch.h"

static void amounts(void **state)
{
    static const struct {
        const char *text;
        int64_t micro; /* 0: refused */
    } rows[] = {
        {"1", 1000000},
        {"2.50", 2500000},
        {"0.004", 4000},
        {"0.000001", 1},
        {"007", 7000000},
        {"1000000", MIR_MONEY_MAX},
        {"1000000.000001", 0},
        {"1000001", 0},
        {"99999999999999999999999999", 0},
        {"0", 0},
        {"0.000000", 0},
        {"0.0000001", 0},
        {"", 0},
        {".5", 0},
        {"1.", 0},
        {"1,5", 0},
        {"-1", 0},
        {"+1", 0},
        {" 1", 0},
        {"1 ", 0},
        {"$1", 0},
        {"1e3", 0},
        {"1.5.2", 0},
        {"0x10", 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        int64_t micro = 77;
        struct mir_error err = {0};
        int rc = mir_money_parse(rows[i].text, &micro, &err);
        if (rc != (rows[i].micro ? 0 : -1) || micro != (rows[i].micro ? rows[i].micro : 77))
            fail_msg("'%s': %d, %lld", rows[i].text, rc, (long long)micro);
        if (rc) {
            assert_int_equal(err.kind, MIR_USAGE);
            assert_non_null(strstr(err.hint, "2.50"));
        }
    }
}

static void texts(void **state)
{
    static const struct {
        int64_t micro;
        const char *text;
    } rows[] = {
        {0, "0.00"},
        {1, "0.000001"},
        {4000, "0.004"},
        {2500000, "2.50"},
        {-1200000, "-1.20"},
        {1000000, "1.00"},
        {1234567, "1.234567"},
        {INT64_MAX, "9223372036854.775807"},
        {INT64_MIN, "-9223372036854.775808"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char text[MIR_MONEY_TEXT];
        mir_money_format(rows[i].micro, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void costs(void **state)
{
    struct mir_price price = {.known = true, .per_hour_micro = 5200, .once_micro = 100};
    assert_int_equal(mir_price_cost(&price, 3600), 5300);
    assert_int_equal(mir_price_cost(&price, 1), 102); /* 1.44 micro, and nobody is told less */
    assert_int_equal(mir_price_cost(&price, 0), 100);
    assert_int_equal(mir_price_cost(&price, -5), 100);
    price.least_s = 60;
    assert_int_equal(mir_price_cost(&price, 1), 187);
    assert_int_equal(mir_price_cost(&price, 61), 189);
    price.per_hour_micro = INT64_MAX / 2;
    assert_true(mir_price_cost(&price, 3600) == INT64_MAX);
    price = (struct mir_price){.known = true, .once_micro = INT64_MAX, .per_hour_micro = 1};
    assert_true(mir_price_cost(&price, 1) == INT64_MAX);
    price.known = false;
    assert_int_equal(mir_price_cost(&price, 3600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts),
        cmocka_unit_test(texts),
        cmocka_unit_test(costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
