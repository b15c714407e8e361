/* SPDX-License-Identifier: ISC */
/* The noun deployment: states, names, texts from outside, the REST document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "daemon/deployment.h"

#define NOW INT64_C(1800000000)

static struct mird_deployment make(void)
{
    struct mird_deployment d = {.created_s = NOW, .deadline_s = NOW + 60, .version = 3};
    mir_copy(d.id, sizeof d.id, "0123456789abcdef0123456789abcdef");
    mir_copy(d.name, sizeof d.name, "hello");
    mir_copy(d.provider, sizeof d.provider, "local");
    memset(d.kernel, 'a', 64);
    return d;
}

static void test_states(void **state)
{
    struct mird_deployment d = make();
    assert_int_equal(mird_deployment_state(&d), MIRD_PENDING);
    d.steps[MIRD_STEP_IMAGE] = MIRD_INTENT;
    assert_int_equal(mird_deployment_state(&d), MIRD_PREPARING);
    d.prepared = true;
    assert_int_equal(mird_deployment_state(&d), MIRD_UPLOADING);
    d.steps[MIRD_STEP_IMAGE] = MIRD_DONE;
    assert_int_equal(mird_deployment_state(&d), MIRD_LAUNCHING);
    d.seen_running = true;
    assert_int_equal(mird_deployment_state(&d), MIRD_RUNNING);
    d.seen_live = true;
    assert_int_equal(mird_deployment_state(&d), MIRD_LIVE);
    d.end_reason = MIRD_END_DEADLINE;
    d.ending_since_s = NOW;
    assert_int_equal(mird_deployment_state(&d), MIRD_ENDING);
    d.stuck = true;
    assert_int_equal(mird_deployment_state(&d), MIRD_STUCK);
    d.finished_s = NOW + 200;
    assert_int_equal(mird_deployment_state(&d), MIRD_GONE);
    d.seen_running = false;
    assert_int_equal(mird_deployment_state(&d), MIRD_FAILED);
    d.end_reason = MIRD_END_REMOVED;
    assert_int_equal(mird_deployment_state(&d), MIRD_GONE);
}

static void test_names(void **state)
{
    for (int i = 0; i < MIRD_STATE_COUNT; i++)
        assert_int_equal(mird_state_by_name(mird_state_name((enum mird_state)i)), i);
    assert_int_equal(mird_state_by_name("dead"), -1);
    assert_true(mird_state_final(MIRD_GONE) && mird_state_final(MIRD_FAILED));
    assert_false(mird_state_final(MIRD_STUCK));
    assert_string_equal(mird_end_reason_name(MIRD_END_GUEST), "guest");
    assert_string_equal(mird_end_reason_name(MIRD_END_NONE), "");
    assert_string_equal(mird_step_name(MIRD_STEP_HOOKS), "hooks");
}

static void test_clean(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"a\tb\x1b[31mc\x7f", "a b?[31mc?"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xe0\x80\xaf", "???"},      /* overlong */
        {"\xed\xa0\x80", "???"},      /* half a surrogate pair */
        {"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
        {"cut \xe2\x82", "cut ??"},   /* cut in the middle */
        {"\xff\xfe", "??"},
        {"", ""},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char text[64];
        mir_copy(text, sizeof text, rows[i].in);
        mird_text_clean(text);
        assert_string_equal(text, rows[i].out);
        json_t *json = json_string(text);
        assert_non_null(json);
        json_decref(json);
    }
}

static void test_url(void **state)
{
    char url[64];
    mird_url_make(url, sizeof url, "127.0.0.1", 8080);
    assert_string_equal(url, "http://127.0.0.1:8080/");
    mird_url_make(url, sizeof url, "::1", 80);
    assert_string_equal(url, "http://[::1]:80/");
}

static const char *text_of(const json_t *doc, const char *name)
{
    return json_string_value(json_object_get(doc, name));
}

static void test_document(void **state)
{
    static const char *const fields[] = {
        "id",     "name",        "provider",   "state",        "kernel",
        "url",    "addresses",   "ports",      "created_at",   "expires_at",
        "left_s", "finished_at", "end_reason", "hooks",        "cost",
        "site",   "site_url",    "badge_url",  "memory_bytes", "arguments",
        "owner",  "instance",    "steps",      "error",        "version"};
    struct mird_deployment d = make();
    json_t *doc = mird_deployment_json(&d, NOW + 10, "http://127.0.0.1:8420");
    for (size_t i = 0; i < MIR_NELEMS(fields); i++)
        if (!json_object_get(doc, fields[i]))
            fail_msg("no field '%s'", fields[i]);
    assert_true(json_is_null(json_object_get(doc, "site")));
    assert_true(json_is_null(json_object_get(doc, "error")));
    assert_int_equal(json_integer_value(json_object_get(doc, "left_s")), 50);
    json_decref(doc);
    mir_copy(d.url, sizeof d.url, "http://127.0.0.1:8080/");
    d.steps[MIRD_STEP_SITE] = MIRD_DONE;
    mir_copy(d.error_code, sizeof d.error_code, "timeout");
    d.hook_count = 1;
    mir_copy(d.hooks[0].name, sizeof d.hooks[0].name, "daemon");
    d.hooks[0].state = MIR_HOOK_ARMED;
    d.hooks[0].deadline_s = d.deadline_s;
    d.instance.port_count = 1;
    d.instance.ports[0].host_port = 8080;
    doc = mird_deployment_json(&d, NOW + 100, "http://127.0.0.1:8420");
    assert_string_equal(text_of(doc, "site_url"), "http://127.0.0.1:8420/sites/hello");
    assert_string_equal(text_of(doc, "badge_url"), "http://127.0.0.1:8420/badge/hello.svg");
    assert_int_equal(json_integer_value(json_object_get(doc, "left_s")), 0);
    json_t *hook = json_array_get(json_object_get(doc, "hooks"), 0);
    assert_string_equal(text_of(hook, "state"), "armed");
    assert_string_equal(text_of(hook, "deadline"), text_of(doc, "expires_at"));
    assert_string_equal(text_of(json_object_get(doc, "error"), "code"), "timeout");
    json_t *port = json_array_get(json_object_get(doc, "ports"), 0);
    assert_int_equal(json_integer_value(json_object_get(port, "host")), 8080);
    json_decref(doc);
}

static void test_forever(void **state)
{
    struct mird_deployment d = make(), back;
    d.deadline_s = MIR_FOREVER_S;
    mir_copy(d.reason, sizeof d.reason, "the status page");
    d.hook_count = 1;
    mir_copy(d.hooks[0].name, sizeof d.hooks[0].name, "daemon");
    d.hooks[0].deadline_s = MIR_FOREVER_S;
    char *text = mird_deployment_record(&d);
    json_t *record = json_loads(text, 0, NULL);
    assert_int_equal(mird_deployment_from_record(record, &back, NULL), 0);
    json_decref(record);
    free(text);
    assert_true(back.deadline_s == MIR_FOREVER_S);
    json_t *doc = mird_deployment_json(&back, NOW + 10, "");
    json_t *hook = json_array_get(json_object_get(doc, "hooks"), 0);
    json_t *cost = json_object_get(doc, "cost");
    assert_true(json_is_null(json_object_get(doc, "expires_at")));
    assert_true(json_is_null(json_object_get(doc, "left_s")));
    assert_true(json_is_true(json_object_get(doc, "forever")));
    assert_true(json_is_null(json_object_get(hook, "deadline")));
    assert_true(json_is_null(json_object_get(cost, "worst_micro")));
    assert_string_equal(text_of(doc, "reason"), "the status page");
    json_decref(doc);
    back.deadline_s = NOW + 60; /* it was given an end: the reason is history */
    doc = mird_deployment_json(&back, NOW + 10, "");
    assert_true(json_is_false(json_object_get(doc, "forever")));
    assert_true(json_is_null(json_object_get(doc, "reason")));
    assert_int_equal(json_integer_value(json_object_get(doc, "left_s")), 50);
    json_decref(doc);
}

static void again(const struct mird_deployment *d, struct mird_deployment *ret)
{
    char *text = mird_deployment_record(d);
    json_t *record = json_loads(text, 0, NULL);
    assert_non_null(record);
    assert_int_equal(mird_deployment_from_record(record, ret, NULL), 0);
    char *same = mird_deployment_record(ret);
    assert_string_equal(same, text);
    free(same);
    json_decref(record);
    free(text);
}

static void test_place(void **state)
{
    struct mird_deployment d = make(), back;
    d.price = (struct mir_price){.known = true,
                                 .per_hour_micro = 5200,
                                 .once_micro = 100,
                                 .least_s = 60,
                                 .date = "2026-11-20",
                                 .note = "without traffic"};
    d.place = (struct mir_place){.region = "eu-central-1",
                                 .type = "t3.nano",
                                 .spot = true,
                                 .ipv6_only = true,
                                 .keep_address = true,
                                 .open_given = true,
                                 .open_count = 2,
                                 .open = {22, 65535},
                                 .budget_micro = 2500000};
    d.running_ms = NOW * 1000;
    again(&d, &back);
    assert_string_equal(back.place.region, "eu-central-1");
    assert_string_equal(back.place.type, "t3.nano");
    assert_true(back.place.spot && back.place.ipv6_only && back.place.keep_address);
    assert_true(back.place.open_given);
    assert_int_equal(back.place.open_count, 2);
    assert_int_equal(back.place.open[1], 65535);
    assert_int_equal(back.place.budget_micro, 2500000);
    assert_int_equal(back.price.least_s, 60);
    assert_string_equal(back.price.note, "without traffic");
    json_t *doc = mird_deployment_json(&back, NOW + 30, "");
    const json_t *place = json_object_get(doc, "place"), *cost = json_object_get(doc, "cost");
    assert_string_equal(text_of(place, "type"), "t3.nano");
    assert_string_equal(text_of(place, "budget"), "2.50");
    assert_int_equal(json_integer_value(json_object_get(cost, "so_far_micro")), 187);
    assert_int_equal(json_integer_value(json_object_get(cost, "worst_micro")), 187);
    assert_int_equal(json_integer_value(json_object_get(cost, "budget_micro")), 2500000);
    assert_string_equal(text_of(cost, "price_date"), "2026-11-20");
    json_decref(doc);
}

/* A record from before there were prices is of something free; what is not known stays so. */
static void test_prices_of_old(void **state)
{
    struct mird_deployment d = make(), back;
    again(&d, &back);
    assert_false(back.price.known);
    d.price.known = true;
    again(&d, &back);
    assert_true(back.price.known);
    char *text = mird_deployment_record(&d);
    assert_null(strstr(text, "price"));
    assert_null(strstr(text, "place"));
    free(text);
}

static void test_open_url(void **state)
{
    struct mir_place place = {0};
    char url[64];
    mir_place_default_open(&place);
    mird_url_open(url, sizeof url, "198.51.100.7", &place);
    assert_string_equal(url, "http://198.51.100.7/");
    mird_url_open(url, sizeof url, "2001:db8::1", &place);
    assert_string_equal(url, "http://[2001:db8::1]/");
    place.open[0] = 8080;
    mird_url_open(url, sizeof url, "198.51.100.7", &place);
    assert_string_equal(url, "https://198.51.100.7/");
}

static void test_bad_records(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"id\":5}",
        "{\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\"}",
        "{\"steps\":[0,0,0,9],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\"}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"X\"}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"seen_live\":1}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"attempts\":-1}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"end_reason\":77}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"place\":{\"open\":[0]}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"place\":{\"open\":[65536]}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"place\":{\"open\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"place\":{\"budget_micro\":-1}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"place\":{\"region\":5}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"price\":{\"known\":true,\"per_hour_micro\":-1}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"price\":{\"once_micro\":-1}}",
        "{\"steps\":[0,0,0,0],\"id\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
        "\"price\":{\"date\":\"much too long for a date\"}}",
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mird_deployment d;
        struct mir_error err = {0};
        json_t *json = json_loads(rows[i], 0, NULL);
        assert_non_null(json);
        if (!mird_deployment_from_record(json, &d, &err))
            fail_msg("taken: %s", rows[i]);
        assert_int_equal(err.kind, MIR_CORRUPT);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_clean),         cmocka_unit_test(test_url),
        cmocka_unit_test(test_document),      cmocka_unit_test(test_bad_records),
        cmocka_unit_test(test_forever),       cmocka_unit_test(test_place),
        cmocka_unit_test(test_prices_of_old), cmocka_unit_test(test_open_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
