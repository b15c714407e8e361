/* SPDX-License-Identifier: ISC */
#include "api/place.h"

#include "api/json.h"
#include "scratch.h"

static int parse(const char *text, struct mir_place *ret, struct mir_error *err)
{
    *err = (struct mir_error){0};
    json_t *json = mir_json_parse(text, strlen(text), 65536, err);
    assert_non_null(json);
    int rc = mir_place_from_json(json, ret, err);
    json_decref(json);
    return rc;
}

static void there_and_back(void **state)
{
    static const char *const rows[] = {
        "{}",
        ("{\"region\":\"eu-central-1\",\"type\":\"t3.nano\",\"spot\":true,\"ipv6_only\":true,"
         "\"keep_address\":true,\"open\":[80,8443],\"budget\":\"2.50\"}"),
        "{\"open\":[]}",
        "{\"cloud\":\"my-cloud.2\",\"region\":\"RegionOne\"}",
        "{\"type\":\"General Purpose 1\",\"budget\":\"0.000001\"}",
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_place place;
        struct mir_error err;
        if (parse(rows[i], &place, &err))
            fail_msg("%s: %s", rows[i], err.text);
        json_t *json = mir_place_to_json(&place);
        mir_auto_free char *text = mir_json_text(json);
        json_decref(json);
        assert_string_equal(text, rows[i]);
    }
}

static void parts(void **state)
{
    struct mir_place place;
    struct mir_error err;
    assert_int_equal(parse("{\"region\":\"r\",\"open\":[22,65535],\"budget\":\"1\",\"type\":null,"
                           "\"spot\":false}",
                           &place, &err),
                     0);
    assert_string_equal(place.region, "r");
    assert_string_equal(place.type, "");
    assert_true(place.open_given && !place.spot);
    assert_int_equal(place.open_count, 2);
    assert_int_equal(place.open[1], 65535);
    assert_int_equal(place.budget_micro, 1000000);
    assert_true(mir_place_opens(&place, 22) && !mir_place_opens(&place, 80));
    mir_place_default_open(&place);
    assert_int_equal(place.open_count, 2);
    assert_false(mir_place_opens(&place, 80)); /* what was asked for stays */
    assert_int_equal(mir_place_from_json(NULL, &place, &err), 0);
    assert_null(mir_place_asked(&place));
    assert_false(place.open_given);
    mir_place_default_open(&place);
    assert_true(mir_place_opens(&place, 80) && mir_place_opens(&place, 443));
    assert_int_equal(place.open_count, 2);
    assert_null(mir_place_asked(&place)); /* a default is no wish */
}

static void bad_ones(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"[]", "has to be an object"},
        {"\"eu\"", "has to be an object"},
        {"{\"regoin\":\"x\"}", "unknown field 'regoin'"},
        {"{\"cloud\":\"my cloud\"}", "is not a cloud"},
        {"{\"region\":5}", "has to be a text"},
        {"{\"region\":\"eu/../x\"}", "is not a region"},
        {"{\"region\":\"eu central\"}", "is not a region"},
        {"{\"region\":\"eu\\ncentral\"}", "is not a region"},
        {"{\"region\":\"01234567890123456789012345678901\"}", "too long for a region"},
        {"{\"type\":\"t3.nano?x\"}", "is not a machine type"},
        {"{\"type\":\" t3\"}", "is not a machine type"},
        {"{\"type\":\"t3 \"}", "is not a machine type"},
        {"{\"type\":\"t\xc3\xa9\"}", "is not a machine type"},
        {"{\"spot\":1}", "true or false"},
        {"{\"ipv6_only\":\"yes\"}", "true or false"},
        {"{\"keep_address\":0}", "true or false"},
        {"{\"open\":80}", "list of ports"},
        {"{\"open\":[\"80\"]}", "between 1 and 65535"},
        {"{\"open\":[0]}", "between 1 and 65535"},
        {"{\"open\":[65536]}", "between 1 and 65535"},
        {"{\"open\":[80,80]}", "opened twice"},
        {"{\"open\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "at most 16"},
        {"{\"budget\":2.5}", "has to be a text"},
        {"{\"budget\":\"lots\"}", "budget: 'lots' is not an amount"},
        {"{\"budget\":\"0\"}", "allows nothing"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_place place = {.region = "untouched"};
        struct mir_error err;
        if (!parse(rows[i].text, &place, &err))
            fail_msg("taken: %s", rows[i].text);
        assert_int_equal(err.kind, MIR_USAGE);
        if (!strstr(err.text, rows[i].word))
            fail_msg("%s: '%s' does not say '%s'", rows[i].text, err.text, rows[i].word);
        assert_string_equal(place.region, "untouched");
    }
}

/* Each part that is asked for is named by its option; a budget is everybody's. */
static void what_is_asked(void **state)
{
    static const struct {
        const char *text, *option;
    } rows[] = {
        {"{\"cloud\":\"x\"}", "cloud"},
        {"{\"region\":\"x\"}", "region"},
        {"{\"type\":\"x\"}", "type"},
        {"{\"spot\":true}", "spot"},
        {"{\"ipv6_only\":true}", "ipv6-only"},
        {"{\"keep_address\":true}", "keep-address"},
        {"{\"open\":[]}", "open"},
        {"{\"budget\":\"1\"}", NULL},
        {"{\"spot\":false}", NULL},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_place place;
        struct mir_error err;
        assert_int_equal(parse(rows[i].text, &place, &err), 0);
        const char *option = mir_place_asked(&place);
        assert_true(!option == !rows[i].option);
        if (option)
            assert_string_equal(option, rows[i].option);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(parts),
        cmocka_unit_test(bad_ones),
        cmocka_unit_test(what_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
