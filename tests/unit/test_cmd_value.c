/* SPDX-License-Identifier: ISC */
#include "value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {
        {"1", 1},          {"64M", 64 << 20},
        {"64m", 64 << 20}, {"64MiB", 64 << 20},
        {"1g", 1 << 30},   {"512K", 512 << 10},
        {"2B", 2},         {"67108864", 64 << 20},
        {"", 0},           {"0", 0},
        {"-1", 0},         {"64X", 0},
        {"M", 0},          {"1.5G", 0},
        {"64 M", 0},       {"99999999999999999999", 0},
        {"2048P", 0},      {"64MiBs", 0},
        {" 1", 0},         {"1023P", 1023ULL << 50},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        uint64_t bytes = 0;
        struct mir_error err = {0};
        int rc = cmd_size_parse(rows[i].text, &bytes, &err);
        assert_int_equal(rc, rows[i].bytes ? 0 : -1);
        assert_true(bytes == rows[i].bytes);
        if (rc) {
            assert_int_equal(err.kind, MIR_USAGE);
            assert_true(*err.hint != '\0');
        }
    }
}

static void size_texts(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},           {1023, "1023 B"},     {1024, "1 KiB"},          {1536, "1.5 KiB"},
        {10 << 10, "10 KiB"}, {64 << 20, "64 MiB"}, {UINT64_MAX, "16383 PiB"}};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char text[32];
        cmd_size_format(rows[i].bytes, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

/* What has no form of its own here is checked all the same, with the fix. */
static void of_clouds(void **state)
{
    static const struct {
        enum cmd_opt opt;
        const char *text;
        bool taken;
    } rows[] = {
        {OPT_CLOUD, "my-cloud.2", true},
        {OPT_CLOUD, "my cloud", false},
        {OPT_REGION, "eu-central-1", true},
        {OPT_REGION, "RegionOne", true},
        {OPT_REGION, "eu central", false},
        {OPT_REGION, "a/b", false},
        {OPT_REGION, "", false},
        {OPT_TYPE, "t3.nano", true},
        {OPT_TYPE, "General Purpose 1", true},
        {OPT_TYPE, "t3:nano", false},
        {OPT_OPEN, "443", true},
        {OPT_OPEN, "65535", true},
        {OPT_OPEN, "0", false},
        {OPT_OPEN, "65536", false},
        {OPT_OPEN, "80:80", false},
        {OPT_OPEN, "http", false},
        {OPT_BUDGET, "2.50", true},
        {OPT_BUDGET, "0", false},
        {OPT_BUDGET, "2,50", false},
        {OPT_BUDGET, "-1", false},
        {OPT_SPOT, "yes", true},
        {OPT_SPOT, "perhaps", false},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        int rc = cmd_value_check(&cmd_options[rows[i].opt], rows[i].text, "--it", &err);
        if (rc != (rows[i].taken ? 0 : -1))
            fail_msg("'%s': %d %s", rows[i].text, rc, err.text);
        if (rc) {
            assert_int_equal(err.kind, MIR_USAGE);
            assert_non_null(strstr(err.text, "--it"));
            assert_true(*err.hint != '\0');
        }
    }
}

static void ports(void **state)
{
    static const struct {
        const char *text;
        int rc;
        struct mir_port port;
    } rows[] = {
        {"80", 0, {"", 0, 80}},
        {"8080:80", 0, {"", 8080, 80}},
        {"0:80", 0, {"", 0, 80}},
        {"0.0.0.0:8080:80", 0, {"0.0.0.0", 8080, 80}},
        {"[::1]:8080:80", 0, {"::1", 8080, 80}},
        {"::1:8080:80", 0, {"::1", 8080, 80}},
        {"0", -1, {"", 0, 0}},
        {"", -1, {"", 0, 0}},
        {"65536", -1, {"", 0, 0}},
        {"8080:", -1, {"", 0, 0}},
        {":80", -1, {"", 0, 0}},
        {"example.org:8080:80", -1, {"", 0, 0}},
        {"80x:80", -1, {"", 0, 0}},
        {"1.2.3.4:80", -1, {"", 0, 0}},
        {"0000080", -1, {"", 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_port port = {0};
        struct mir_error err = {0};
        assert_int_equal(cmd_port_parse(rows[i].text, &port, &err), rows[i].rc);
        assert_string_equal(port.address, rows[i].port.address);
        assert_int_equal(port.host_port, rows[i].port.host_port);
        assert_int_equal(port.guest_port, rows[i].port.guest_port);
    }
}

static void since(void **state)
{
    int64_t utc_s = 0;
    (void)state;
    assert_int_equal(cmd_since_parse("10m", 1000, &utc_s, NULL), 0);
    assert_int_equal(utc_s, 400);
    assert_int_equal(cmd_since_parse("1970-01-01T00:00:07Z", 1000, &utc_s, NULL), 0);
    assert_int_equal(utc_s, 7);
    assert_int_equal(cmd_since_parse("yesterday", 1000, &utc_s, NULL), -1);
}

static void truths(void **state)
{
    (void)state;
    assert_int_equal(cmd_truth("yes"), 1);
    assert_int_equal(cmd_truth("TRUE"), 1);
    assert_int_equal(cmd_truth("1"), 1);
    assert_int_equal(cmd_truth("off"), 0);
    assert_int_equal(cmd_truth(""), 0);
    assert_int_equal(cmd_truth("maybe"), -1);
}

/* Every refusal names how the value was given, and has a fix. */
static void checks(void **state)
{
    static const struct {
        enum cmd_opt opt;
        const char *text;
        int rc;
    } rows[] = {
        {OPT_TTL, "1h30m", 0},
        {OPT_TTL, "soon", -1},
        {OPT_TTL, "0", -1},
        {OPT_TTL, "", -1},
        {OPT_TTL, "11y", -1},
        {OPT_UNTIL, "2026-11-20T18:30:00Z", 0},
        {OPT_UNTIL, "18:30", -1},
        {OPT_NAME, "hello", 0},
        {OPT_NAME, "Hello", -1},
        {OPT_NAME, "-x", -1},
        {OPT_URL, "http://127.0.0.1:8080/", 0},
        {OPT_URL, "https://example.org", 0},
        {OPT_URL, "http://[::1]/", 0},
        {OPT_URL, "example.org", -1},
        {OPT_URL, "ftp://example.org/", -1},
        {OPT_URL, "http://a b/", -1},
        {OPT_FOR, "live", 0},
        {OPT_FOR, "alive", -1},
        {OPT_JSON, "maybe", -1},
        {OPT_JSON, "no", 0},
        {OPT_PUBLISH, "80", 0},
        {OPT_PUBLISH, "http", -1},
        {OPT_MEMORY, "lots", -1},
        {OPT_SINCE, "5m", 0},
        {OPT_KERNEL, "any file", 0},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        int rc = cmd_value_check(&cmd_options[rows[i].opt], rows[i].text, "--given", &err);
        assert_int_equal(rc, rows[i].rc);
        if (rc) {
            assert_int_equal(err.kind, MIR_USAGE);
            assert_true(!strncmp(err.text, "--given", 7));
            assert_true(*err.hint != '\0');
        }
    }
}

static void near_choice(void **state)
{
    struct mir_error err = {0};
    (void)state;
    assert_int_equal(cmd_value_check(&cmd_options[OPT_FOR], "lives", "--for", &err), -1);
    assert_non_null(strstr(err.hint, "did you mean live?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),  cmocka_unit_test(size_texts),  cmocka_unit_test(of_clouds),
        cmocka_unit_test(ports),  cmocka_unit_test(since),       cmocka_unit_test(truths),
        cmocka_unit_test(checks), cmocka_unit_test(near_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
