/* SPDX-License-Identifier: ISC */
#include "api/json.h"

#include "scratch.h"

static json_t *parse(const char *text, struct mir_error *err)
{
    return mir_json_parse(text, strlen(text), 1000, err);
}

static void parses_documents(void **state)
{
    json_t *json = mir_json_parse("{\"a\": [1, true, null]} ", 22, 1000, NULL);
    assert_non_null(json);
    char *text = mir_json_text(json);
    assert_string_equal(text, "{\"a\":[1,true,null]}");
    free(text);
    json_decref(json);
    json = parse("7", NULL);
    assert_int_equal(json_integer_value(json), 7);
    json_decref(json);
    text = mir_json_text(NULL);
    assert_string_equal(text, "null");
    free(text);
}

/* To the byte: hashes of old rows are taken of what jansson wrote. */
static void writes_by_hand_as_jansson_does(void **state)
{
    static const char *const texts[] = {"", "plain", "\"quoted\" \\ back", "a/b \xc3\xa9 \x7f",
                                        "\x01\b\f\n\r\t\x1f"};
    static const int64_t numbers[] = {0, 7, -7, 1800000000123, INT64_MAX, INT64_MIN};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(texts) + MIR_NELEMS(numbers); i++) {
        struct mir_buf out;
        mir_buf_init(&out, 1000);
        bool is_text = i < MIR_NELEMS(texts);
        json_t *json =
            is_text ? json_string(texts[i]) : json_integer(numbers[i - MIR_NELEMS(texts)]);
        if (is_text)
            mir_json_put_text(&out, texts[i]);
        else
            mir_json_put_integer(&out, numbers[i - MIR_NELEMS(texts)]);
        char *text = mir_json_text(json);
        assert_string_equal(mir_buf_text(&out), text);
        free(text);
        json_decref(json);
        mir_buf_clear(&out);
    }
}

static void says_where_a_document_is_wrong(void **state)
{
    static const char *const bad[] = {"",           "{",       "{\"a\":1,\"a\":2}", "[1] 2",
                                      "{\"a\":01}", "nothing", "\"\xff\""};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        assert_null(parse(bad[i], &err));
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.text, "line 1"));
    }
    struct mir_error err = {0};
    assert_null(mir_json_parse("[1]", 3, 2, &err));
    assert_non_null(strstr(err.text, "3 bytes"));
}

static void refuses_deep_nesting(void **state)
{
    char deep[10001];
    memset(deep, '[', 10000);
    deep[10000] = '\0';
    struct mir_error err = {0};
    assert_null(mir_json_parse(deep, 10000, 10000, &err));
    assert_int_equal(err.kind, MIR_USAGE);
}

static void unknown_fields_are_named(void **state)
{
    static const char *const allowed[] = {"provider", "kernel", "ttl"};
    json_t *good = parse("{\"ttl\":\"1h\",\"kernel\":\"x\"}", NULL);
    assert_int_equal(mir_json_only(good, allowed, 3, NULL), 0);
    json_decref(good);

    struct mir_error err = {0};
    json_t *bad = parse("{\"ttl\":\"1h\",\"kernle\":\"x\"}", NULL);
    assert_int_equal(mir_json_only(bad, allowed, 3, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, "'kernle'"));
    assert_non_null(strstr(err.hint, "'kernel'"));
    json_decref(bad);

    bad = parse("{\"completely-other\":1}", NULL);
    assert_int_equal(mir_json_only(bad, allowed, 3, &err), -1);
    assert_string_equal(err.hint, "");
    json_decref(bad);
    bad = parse("[1]", NULL);
    assert_int_equal(mir_json_only(bad, allowed, 3, &err), -1);
    json_decref(bad);
}

static void members_are_typed(void **state)
{
    json_t *obj = parse("{\"t\":\"x\",\"n\":5,\"b\":false,\"z\":null}", NULL);
    const char *text = "kept";
    long long number = 1;
    int flag = 1;
    assert_int_equal(mir_json_get_text(obj, "absent", &text, NULL), 0);
    assert_int_equal(mir_json_get_text(obj, "z", &text, NULL), 0);
    assert_string_equal(text, "kept");
    assert_int_equal(mir_json_get_text(obj, "t", &text, NULL), 0);
    assert_string_equal(text, "x");
    assert_int_equal(mir_json_get_int(obj, "n", &number, NULL), 0);
    assert_int_equal(number, 5);
    assert_int_equal(mir_json_get_bool(obj, "b", &flag, NULL), 0);
    assert_int_equal(flag, 0);

    struct mir_error err = {0};
    assert_int_equal(mir_json_get_text(obj, "n", &text, &err), -1);
    assert_non_null(strstr(err.text, "'n'"));
    assert_int_equal(mir_json_get_int(obj, "t", &number, &err), -1);
    assert_int_equal(mir_json_get_bool(obj, "n", &flag, &err), -1);
    assert_string_equal(text, "x");
    assert_int_equal(number, 5);
    assert_int_equal(flag, 0);
    json_decref(obj);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_documents),
        cmocka_unit_test(writes_by_hand_as_jansson_does),
        cmocka_unit_test(says_where_a_document_is_wrong),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(unknown_fields_are_named),
        cmocka_unit_test(members_are_typed),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
