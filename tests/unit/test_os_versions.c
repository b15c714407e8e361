/* SPDX-License-Identifier: ISC */
/* Addresses of endpoints, discovery documents, and which microversion is spoken. */
#include "scratch.h"

#include "api/json.h"
#include "versions.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *url, *before, *version, *behind;
        int major, minor;
    } rows[] = {
        {"http://h:8774/v2.1", "http://h:8774", "v2.1", "", 2, 1},
        {"http://h:8774/v2.1/", "http://h:8774", "v2.1", "", 2, 1},
        {"https://H.example:443/compute/v2.1/0123abcd//", "https://h.example/compute", "v2.1",
         "/0123abcd", 2, 1},
        {"http://h/identity", "http://h/identity", NULL, "", 0, 0},
        {"http://h/identity/v3", "http://h/identity", "v3", "", 3, 0},
        {"http://h", "http://h", NULL, "", 0, 0},
        {"http://h/", "http://h", NULL, "", 0, 0},
        {"http://h:8776/v3/AUTH_v2x", "http://h:8776", "v3", "/AUTH_v2x", 3, 0},
        {"http://h/a//v2.1//p", "http://h/a", "v2.1", "//p", 2, 1},
        {"http://h//v3", "http://h", "v3", "", 3, 0},
        {"http://h/v1/x/v2/y", "http://h/v1/x", "v2", "/y", 2, 0},
        {"http://h/version3/vx/v/v2.1.5/v2./v-1", "http://h/version3/vx/v/v2.1.5/v2./v-1", NULL, "",
         0, 0},
        {"http://[::1]:5000/v3", "http://[::1]:5000", "v3", "", 3, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct os_address a;
        struct mir_error err = {0};
        if (os_address_split(rows[i].url, &a, &err))
            fail_msg("%s: %s", rows[i].url, err.text);
        assert_string_equal(a.before, rows[i].before);
        assert_string_equal(a.version ? a.version : "", rows[i].version ? rows[i].version : "");
        assert_int_equal(!a.version, !rows[i].version);
        assert_string_equal(a.behind, rows[i].behind);
        assert_int_equal(a.major, rows[i].major);
        assert_int_equal(a.minor, rows[i].minor);
        os_address_clear(&a);
    }
    static const char *const wrong[] = {"h:5000/v3",     "ftp://h/v3",    "http://h/v3?x=y",
                                        "http://h/v3#x", "http://u@h/v3", ""};
    for (size_t i = 0; i < MIR_NELEMS(wrong); i++) {
        struct os_address a;
        struct mir_error err = {0};
        assert_int_equal(os_address_split(wrong[i], &a, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

static int read_text(const char *text, struct os_versions *ret, struct mir_error *err)
{
    json_t *json = mir_json_parse(text, strlen(text), 65536, NULL);
    assert_non_null(json);
    int rc = os_versions_read(json, ret, err);
    json_decref(json);
    return rc;
}

#define LINK(href) "\"links\":[{\"rel\":\"self\",\"href\":\"" href "\"}]"
#define V(id, status, href) "{\"id\":\"" id "\",\"status\":\"" status "\"," LINK(href) "}"
#define ALL(versions) "{\"versions\":[" versions "]}"
#define NOVA_OLD                                                                                   \
    "{\"id\":\"v2.0\",\"status\":\"SUPPORTED\",\"version\":\"\",\"min_version\":\"\"," LINK(       \
        "http://h/v2/") "}"
#define NOVA(most)                                                                                 \
    "{\"id\":\"v2.1\",\"status\":\"CURRENT\",\"version\":\"" most                                  \
    "\",\"min_version\":\"2.1\"," LINK("http://h/v2.1/") "}"
#define GLANCE                                                                                     \
    V("v2.9", "SUPPORTED", "http://h/v2/")                                                         \
    "," V("v2.15", "CURRENT", "http://h/v2/") "," V(                                               \
        "v2.16", "EXPERIMENTAL", "http://h/v2/") "," V("v1.1", "DEPRECATED", "http://h/v1/")

static void test_documents(void **state)
{
    static const struct {
        const char *text;
        int major, minor;
        const char *segment;
        int micro_min, micro_max;
    } rows[] = {
        /* Keystone */
        {"{\"versions\":{\"values\":[" V("v3.14", "stable", "http://h:5000/v3/") "]}}", 3, 14, "v3",
         0, 0},
        /* Glance: the newest of many */
        {ALL(GLANCE), 2, 15, "v2", 0, 0},
        /* Nova, unversioned: 2.1 and not the frozen 2.0 */
        {ALL(NOVA("2.93") "," NOVA_OLD), 2, 1, "v2.1", 1, 93},
        /* Nova, versioned */
        {"{\"version\":" NOVA("2.72") "}", 2, 1, "v2.1", 1, 72},
        /* relative, and of another path */
        {ALL("{\"id\":\"v2.0\"," LINK("/v2.0") "}"), 2, 0, "v2.0", 0, 0},
        {ALL("{\"id\":\"v2.0\"," LINK("v2.0/") "}"), 2, 0, "v2.0", 0, 0},
        /* what is no address of a version is left aside, and so is another version's */
        {"{\"versions\":[{\"id\":\"v2.0\"," LINK("http://evil/x") "}]}", 2, 0, "", 0, 0},
        {"{\"versions\":[{\"id\":\"v2.0\"," LINK("http://h/v3") "}]}", 2, 0, "", 0, 0},
        {"{\"versions\":[{\"id\":\"v2.0\",\"links\":[{\"rel\":\"describedby\",\"href\":\"/"
         "v2.9\"},"
         "{\"href\":\"http://h/v2\",\"target\":\"v2\"}]}]}",
         2, 0, "v2", 0, 0},
        {"{\"versions\":[{\"id\":\"v2.0\"}]}", 2, 0, "", 0, 0},
        /* bare */
        {"{\"id\":\"v1.0\",\"status\":\"CURRENT\"," LINK("http://h/v1") "}", 1, 0, "v1", 0, 0},
        {"{\"versions\":[{\"id\":\"nonsense\"},7,{},{\"id\":\"v2.0\"}]}", 2, 0, "", 0, 0},
        {"{\"version\":{\"id\":\"v3.0\",\"max_version\":\"3.70\",\"min_version\":\"3.0\"}}", 3, 0,
         "", 0, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct os_versions versions;
        struct mir_error err = {0};
        if (read_text(rows[i].text, &versions, &err))
            fail_msg("%s: %s", rows[i].text, err.text);
        const struct os_version *v = os_versions_newest(&versions, rows[i].major);
        if (!v || v->minor != rows[i].minor || strcmp(v->segment, rows[i].segment) != 0 ||
            v->micro_min != rows[i].micro_min || v->micro_max != rows[i].micro_max)
            fail_msg("%s: minor %d, segment '%s', 2.%d to 2.%d", rows[i].text, v ? v->minor : -1,
                     v ? v->segment : "", v ? v->micro_min : -1, v ? v->micro_max : -1);
        assert_null(os_versions_newest(&versions, 9));
    }
    static const char *const none[] = {"{}",
                                       "[]",
                                       "7",
                                       "{\"versions\":[]}",
                                       "{\"versions\":{}}",
                                       "{\"versions\":7}",
                                       "{\"version\":[]}",
                                       "{\"versions\":[{\"id\":\"2.0\"}]}",
                                       "{\"versions\":[{\"id\":\"v2.x\"}]}",
                                       "{\"versions\":[{\"id\":7}]}"};
    for (size_t i = 0; i < MIR_NELEMS(none); i++) {
        struct os_versions versions;
        struct mir_error err = {0};
        if (!read_text(none[i], &versions, &err) || err.kind != MIR_CORRUPT)
            fail_msg("%s", none[i]);
    }
}

/* Many more than there is room for. */
static void test_many_versions(void **state)
{
    json_t *list = json_array();
    for (int i = 0; i < 3 * OS_VERSIONS_MAX; i++) {
        mir_auto_free char *id = mir_format("v2.%d", i);
        json_array_append_new(list, json_pack("{s:s}", "id", id));
    }
    json_t *json = json_pack("{s:o}", "versions", list);
    struct os_versions versions;
    assert_int_equal(os_versions_read(json, &versions, NULL), 0);
    assert_int_equal(versions.count, OS_VERSIONS_MAX);
    json_decref(json);
}

static void test_microversions(void **state)
{
    static const struct {
        int least, most;
        const char *pin;
        int rc, want;
    } rows[] = {
        {1, 93, NULL, 0, OS_MICRO_BEST},
        {1, 93, "", 0, OS_MICRO_BEST},
        {1, 93, "2", 0, OS_MICRO_BEST},
        {1, 93, "latest", 0, OS_MICRO_BEST},
        {1, 60, NULL, 0, 60},
        {80, 93, NULL, 0, 80},
        {1, 93, "2.1", 0, 1},
        {1, 93, "2.90", 0, 90},
        {1, 93, "2.94", -1, 0},
        {10, 93, "2.5", -1, 0},
        {1, 93, "3.5", -1, 0},
        {1, 93, "two", -1, 0},
        {1, 93, "2.x", -1, 0},
        {0, 0, NULL, 0, 0},
        {0, 0, "2.1", 0, 0},
        {0, 0, "2", 0, 0},
        {0, 0, "2.30", -1, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct os_version v = {.major = 2, .micro_min = rows[i].least, .micro_max = rows[i].most};
        struct mir_error err = {0};
        int got = -7;
        int rc = os_micro_choose(&v, rows[i].pin, &got, &err);
        if (rc != rows[i].rc || (!rc && got != rows[i].want) || (rc && err.kind != MIR_USAGE))
            fail_msg("%d..%d, pin %s: %d, 2.%d", rows[i].least, rows[i].most,
                     rows[i].pin ? rows[i].pin : "none", rc, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_many_versions),
        cmocka_unit_test(test_microversions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
