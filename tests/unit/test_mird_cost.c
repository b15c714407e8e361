/* SPDX-License-Identifier: ISC */
/* What a deployment costs, so far and at most, and what a budget says to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/cost.h"

#define NOW INT64_C(1800000000)
#define HOUR 3600

static const struct mir_price nano = {
    .known = true, .per_hour_micro = 5200, .once_micro = 100, .least_s = 60};
static const struct mir_price nothing = {.known = true};
static const struct mir_price secret = {.note = "its type is in no table"};

static struct mird_deployment make(void)
{
    struct mird_deployment d = {.created_s = NOW, .deadline_s = NOW + HOUR, .price = nano};
    mir_copy(d.name, sizeof d.name, "hello");
    mir_copy(d.provider, sizeof d.provider, "ec2");
    return d;
}

static void test_worst(void **state)
{
    struct mir_price once = {.known = true, .once_micro = 7};
    assert_int_equal(mird_cost_worst(&nano, NOW, NOW + HOUR), 5300);
    assert_int_equal(mird_cost_worst(&nano, NOW, NOW + 1), 187);
    assert_int_equal(mird_cost_worst(&nothing, NOW, MIR_FOREVER_S), 0);
    assert_int_equal(mird_cost_worst(&secret, NOW, NOW + HOUR), MIRD_COST_UNKNOWN);
    assert_true(mird_cost_worst(&nano, NOW, MIR_FOREVER_S) == MIRD_COST_ENDLESS);
    assert_int_equal(mird_cost_worst(&once, NOW, MIR_FOREVER_S), 7);
    assert_true(mird_cost_most(&nothing, NOW, MIR_FOREVER_S) == MIRD_COST_ENDLESS);
    assert_int_equal(mird_cost_most(&nothing, NOW, NOW + HOUR), 0);
}

/* What is not there costs nothing; what may be there does, from the grant. */
static void test_so_far(void **state)
{
    struct mird_deployment d = make();
    assert_int_equal(mird_cost_so_far(&d, NOW + 600), 0);
    d.last_create_ms = (NOW + 10) * 1000;
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), 5300);
    d.running_ms = (NOW + 1800) * 1000;
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), 2700);
    d.instance.started_ms = (NOW + 900) * 1000 + 999; /* what its provider says comes first */
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), 4000);
    d.finished_s = NOW + 2700;
    assert_int_equal(mird_cost_so_far(&d, NOW + 99 * HOUR), 2700);
    d.trail.instance.gone_ms = (NOW + 1800) * 1000;
    assert_int_equal(mird_cost_so_far(&d, NOW + 99 * HOUR), 1400);
    d.price.known = false;
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), MIRD_COST_UNKNOWN);
    d = make();
    d.last_create_ms = (NOW + 10) * 1000; /* it was refused, and nothing was ever seen of it */
    d.finished_s = NOW + 20;
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), 0);
    d.trail.object_count = 1;
    assert_int_equal(mird_cost_so_far(&d, NOW + HOUR), 187);
}

static json_int_t number(const json_t *cost, const char *name)
{
    assert_true(json_is_integer(json_object_get(cost, name)));
    return json_integer_value(json_object_get(cost, name));
}

static void test_document(void **state)
{
    struct mird_deployment d = make();
    d.running_ms = NOW * 1000;
    d.place.budget_micro = 9;
    json_t *cost = mird_deployment_cost_json(&d, NOW + 1800);
    assert_int_equal(number(cost, "per_hour_micro"), 5200);
    assert_int_equal(number(cost, "once_micro"), 100);
    assert_int_equal(number(cost, "so_far_micro"), 2700);
    assert_int_equal(number(cost, "worst_micro"), 5300);
    assert_int_equal(number(cost, "budget_micro"), 9);
    assert_true(json_is_null(json_object_get(cost, "price_date")));
    json_decref(cost);
    cost = mird_deployment_cost_json(&d, NOW + 2 * HOUR); /* not gone in time: it costs on */
    assert_int_equal(number(cost, "worst_micro"), 10500);
    json_decref(cost);
    d.finished_s = NOW + 1800; /* and what is over costs no more */
    cost = mird_deployment_cost_json(&d, NOW + 2 * HOUR);
    assert_int_equal(number(cost, "worst_micro"), 2700);
    json_decref(cost);
    d.finished_s = 0;
    d.deadline_s = MIR_FOREVER_S;
    cost = mird_deployment_cost_json(&d, NOW + 1800);
    assert_true(json_is_null(json_object_get(cost, "worst_micro")));
    assert_int_equal(number(cost, "so_far_micro"), 2700);
    json_decref(cost);
    d.price = secret;
    cost = mird_deployment_cost_json(&d, NOW + 1800);
    assert_true(json_is_null(json_object_get(cost, "per_hour_micro")));
    assert_true(json_is_null(json_object_get(cost, "so_far_micro")));
    assert_true(json_is_null(json_object_get(cost, "worst_micro")));
    assert_string_equal(json_string_value(json_object_get(cost, "note")), secret.note);
    json_decref(cost);
}

/* --- budgets --- */

static void test_committed(void **state)
{
    struct mird_committed c = {0};
    mird_committed_add(&c, "a", 5);
    mird_committed_add(&c, "b", 6);
    assert_int_equal(c.worst_micro, 11);
    assert_true(!*c.unknown && !*c.endless);
    mird_committed_add(&c, "c", INT64_MAX - 1);
    assert_true(c.worst_micro == INT64_MAX);
    mird_committed_add(&c, "d", MIRD_COST_UNKNOWN);
    mird_committed_add(&c, "e", MIRD_COST_ENDLESS);
    assert_string_equal(c.unknown, "d");
    assert_string_equal(c.endless, "e");
}

struct budget_row {
    const struct mir_price *price;
    int64_t deadline_s, own_micro, all_micro;
    struct mird_committed others;
    const char *extends;
    const char *text, *hint; /* NULL: it is within the budget */
};

static const struct budget_row rows[] = {
    {&nano, NOW + HOUR, 0, 0, {0}, NULL, NULL, NULL},
    {&nano, MIR_FOREVER_S, 0, 0, {0}, NULL, NULL, NULL},
    {&secret, NOW + HOUR, 0, 0, {0}, NULL, NULL, NULL},
    {&nano, NOW + HOUR, 5300, 5300, {0}, NULL, NULL, NULL},
    {&nothing, MIR_FOREVER_S, 1, 1, {.unknown = "x"}, NULL, NULL, NULL},
    {&nano,
     NOW + HOUR,
     5299,
     0,
     {0},
     NULL,
     "until its deadline it may cost 0.0053 USD, which is more than its budget of 0.005299 USD",
     "nothing was started; deploy with --ttl 3599s (59m 59s) or less, or with --budget 0.0053 or "
     "more"},
    {&nano,
     NOW + HOUR,
     120,
     0,
     {0},
     NULL,
     "more than its budget",
     "nothing was started; deploy with --budget 0.0053 or more"},
    {&nano,
     NOW + HOUR,
     4000,
     0,
     {0},
     "hello",
     "more than its budget",
     "its deadline stays; it may live for 45m 0s from its beginning"},
    {&nano,
     NOW + HOUR,
     0,
     6000,
     {.worst_micro = 701},
     NULL,
     "it may cost 0.0053 USD, and what is under way 0.000701 USD, which is more than the budget "
     "here of 0.006 USD",
     "--ttl 3599s (59m 59s) or less, end one with mirage-deploy rm NAME, or raise budget in "
     "section [policy]"},
    {&nano, NOW + HOUR, 0, 6000, {.worst_micro = 700}, NULL, NULL, NULL},
    {&nano,
     NOW + HOUR,
     0,
     6000,
     {.worst_micro = INT64_MAX},
     "hello",
     "more than the budget here",
     "its deadline stays; end one with"},
    {&nano,
     NOW + HOUR,
     0,
     99999,
     {.unknown = "found"},
     NULL,
     "cannot be held: 'found' runs at a price that is not known",
     "mirage-deploy rm found"},
    {&nano,
     NOW + HOUR,
     0,
     99999,
     {.endless = "status"},
     NULL,
     "cannot be held: 'status' costs and has no end",
     "mirage-deploy rm status"},
    {&nano, NOW + HOUR, 99999, 0, {.endless = "status"}, NULL, NULL, NULL},
    {&secret,
     NOW + HOUR,
     1,
     0,
     {0},
     NULL,
     "what it costs on ec2 is not known (its type is in no table), so no budget can hold it",
     "deploy without --budget"},
    {&secret, NOW + HOUR, 0, 1, {0}, NULL, "is not known", "take budget out of section [policy]"},
    {&secret, NOW + HOUR, 0, 1, {0}, "hello", "is not known", "mirage-deploy rm hello"},
    {&nano,
     MIR_FOREVER_S,
     99999,
     0,
     {0},
     NULL,
     "without an end costs without an end",
     "--ttl or --until"},
    {&nano, MIR_FOREVER_S, 0, 99999, {0}, NULL, "without an end", "--ttl or --until"},
};

static void test_budgets(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const struct budget_row *row = &rows[i];
        const struct mird_budget budget = {.provider = "ec2",
                                           .price = row->price,
                                           .created_s = NOW,
                                           .deadline_s = row->deadline_s,
                                           .own_micro = row->own_micro,
                                           .all_micro = row->all_micro,
                                           .committed = &row->others,
                                           .extends = row->extends};
        struct mir_error err = {0};
        int rc = mird_budget_check(&budget, &err);
        if (rc != (row->text ? -1 : 0))
            fail_msg("row %zu: %d %s", i, rc, err.text);
        if (!row->text)
            continue;
        assert_int_equal(err.kind, MIR_POLICY);
        if (!strstr(err.text, row->text) || !strstr(err.hint, row->hint))
            fail_msg("row %zu: '%s' (%s)", i, err.text, err.hint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worst),    cmocka_unit_test(test_so_far),
        cmocka_unit_test(test_document), cmocka_unit_test(test_committed),
        cmocka_unit_test(test_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
