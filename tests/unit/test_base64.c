/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include "api/base64.h"

struct pair {
    const char *bytes;
    size_t len;
    const char *text;
};

/* The first seven from RFC 4648. */
static const struct pair pairs[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\x00\xff\xfe\x10", 4, "AP/+EA=="},
};

static void test_both_ways(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(pairs); i++) {
        mir_auto_free char *text = mir_base64(pairs[i].bytes, pairs[i].len);
        assert_string_equal(text, pairs[i].text);
        size_t len = 99;
        mir_auto_free char *bytes = mir_base64_decode(pairs[i].text, &len);
        assert_non_null(bytes);
        assert_int_equal(len, pairs[i].len);
        assert_memory_equal(bytes, pairs[i].bytes, len);
        assert_int_equal(bytes[len], 0);
    }
}

static void test_line_ends_between(void **state)
{
    size_t len = 0;
    mir_auto_free char *bytes = mir_base64_decode(" Zm9v\r\nYm\tE= \n", &len);
    assert_int_equal(len, 5);
    assert_memory_equal(bytes, "fooba", 5);
}

static void test_none(void **state)
{
    static const char *const bad[] = {"Z",     "Zg",   "Zg=",      "Zm9",  "=",
                                      "====",  "Z===", "Zg==Zg==", "Zg=a", "Zm9v!",
                                      "Zm9v=", "Zm-_", "Zg==\x3d"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        size_t len = 99;
        if (mir_base64_decode(bad[i], &len))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(len, 99);
    }
}

static void test_every_length(void **state)
{
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 5);
    for (size_t n = 0; n < sizeof bytes; n++) {
        mir_auto_free char *text = mir_base64(bytes, n);
        size_t len = 0;
        mir_auto_free char *back = mir_base64_decode(text, &len);
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_line_ends_between),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
