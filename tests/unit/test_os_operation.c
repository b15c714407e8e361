/* SPDX-License-Identifier: ISC */
/* Calls that tables describe: paths, parameters in the address, pages, damaged answers. */
#include "os_server.h"

#include <signal.h>

#include "api/json.h"
#include "openstack/compute.h"
#include "openstack/image.h"
#include "openstack/network.h"
#include "operations.h"

static void test_paths(void **state)
{
    static const struct {
        const char *path, *parts[3], *want; /* NULL: refused */
    } rows[] = {
        {"/servers/%/action", {"abc-1"}, "/servers/abc-1/action"},
        {"/a/%/b/%", {"x y", "ä/&?#%"}, "/a/x%20y/b/%C3%A4%2F%26%3F%23%25"},
        {"/plain", {NULL}, "/plain"},
        {"/a/%", {""}, NULL},
        {"/a/%", {NULL}, NULL},
        {"/a/%", {"."}, NULL},
        {"/a/%", {".."}, NULL},
        {"/a/%", {"..."}, "/a/..."},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_error err = {0};
        mir_auto_free char *got = os_path_fill(rows[i].path, rows[i].parts, &err);
        if (!got != !rows[i].want || (got && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: %s", rows[i].path, got ? got : "refused");
        assert_int_equal(err.kind, got ? MIR_OK : MIR_USAGE);
    }
    char *longest = mir_calloc(5001, 1);
    memset(longest, 'x', 5000);
    const char *part = longest;
    struct mir_error err = {0};
    assert_null(os_path_fill("/a/%", &part, &err));
    assert_int_equal(err.kind, MIR_USAGE);
    free(longest);
    /* and no such call is sent */
    static const char *const none[] = {NULL};
    struct test_world w;
    world_open(&w, none);
    os_auto_server struct os_server server = {.id = ""};
    int64_t until = os_until(w.session, 9000);
    assert_int_equal(os_server_get(w.session, "", until, &server, &err), -1);
    assert_int_equal(os_server_delete(w.session, "", until, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    world_close(&w);
    assert_int_equal(world_requests(&w), 0);
    world_free(&w);
}

static void test_next_pages(void **state)
{
    static const struct os_operation links = {.paging = OS_PAGES_LINKS, .page_next = "x_links"},
                                     next = {.paging = OS_PAGES_NEXT, .page_next = "next"},
                                     none = {.paging = OS_NO_PAGES, .page_next = "next"};
    static const struct {
        const struct os_operation *operation;
        const char *reply, *want; /* NULL: damaged */
    } rows[] = {
        {&links, "{}", ""},
        {&links, "{\"x_links\":[]}", ""},
        {&links, "{\"x_links\":7}", ""},
        {&links, "{\"x_links\":[{\"rel\":\"previous\",\"href\":\"http://h/a?b\"}]}", ""},
        {&links,
         "{\"x_links\":[{\"rel\":\"previous\",\"href\":\"http://h/"
         "a?b\"},{\"rel\":\"next\",\"href\":"
         "\"http://evil:1/other?limit=2&marker=abc\"}]}",
         "limit=2&marker=abc"},
        {&links, "{\"x_links\":[{\"rel\":\"next\",\"href\":\"http://h/a\"}]}", NULL},
        {&links, "{\"x_links\":[{\"rel\":\"next\"}]}", ""},
        {&next, "{\"next\":\"/v2/images?marker=abc#x\"}", "marker=abc"},
        {&next, "{\"next\":null}", ""},
        {&next, "{\"next\":7}", ""},
        {&next, "{\"next\":\"/v2/images?a b\"}", NULL},
        {&next, "{\"next\":\"/v2/images?a\\r\\nX: y\"}", NULL},
        {&next, "{\"next\":\"/v2/images?0123456789012345678901234567890123456789\"}", NULL},
        {&none, "{\"next\":\"/v2/images?marker=abc\"}", ""},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char got[32] = "?";
        struct mir_error err = {0};
        json_t *json = mir_json_parse(rows[i].reply, strlen(rows[i].reply), 4096, NULL);
        int rc = os_page_next(rows[i].operation, json, got, sizeof got, &err);
        if (!rc != !!rows[i].want || (!rc && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: %d, '%s'", rows[i].reply, rc, got);
        assert_int_equal(err.kind, rc ? MIR_CORRUPT : MIR_OK);
        json_decref(json);
    }
}

#define IMAGE(id) "{\"id\":\"" id "\",\"status\":\"active\",\"tags\":[\"t\"],\"p\":\"q\"}"

static void test_all_pages(void **state)
{
    static const char *const answers[] = {
        OS_JSON("200 OK") "{\"images\":[" IMAGE("1") "," IMAGE(
            "2") "],\"next\":\"/elsewhere/v2/images?limit=100&marker=2&tag=a%20b\"}",
        OS_JSON("200 OK") "{\"images\":[" IMAGE("3") "],\"next\":\"/v2/images?marker=3\"}",
        OS_JSON("200 OK") "{\"images\":[]}", NULL};
    static const char *const tags[] = {"a b", "c"};
    const struct os_pair property = {"hw_disk_bus", "ide"};
    struct os_list_images args = {
        .owner = "p", .tags = tags, .tag_count = 2, .properties = &property, .property_count = 1};
    struct test_world w;
    os_auto_images struct os_images found = {0};
    world_open(&w, answers);
    assert_int_equal(os_image_list(w.session, &args, os_until(w.session, 9000), &found, NULL), 0);
    world_close(&w);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.rows[2].id, "3");
    assert_string_equal(os_pair_value(found.rows[2].properties, found.rows[2].property_count, "p"),
                        "q");
    static const char *const wanted[] = {
        "GET /image/v2/images?limit=100&owner=p&tag=a%20b&tag=c&hw_disk_bus=ide HTTP/1.1\r\n",
        "GET /image/v2/images?limit=100&marker=2&tag=a%20b HTTP/1.1\r\n",
        "GET /image/v2/images?marker=3 HTTP/1.1\r\n"};
    assert_int_equal(world_requests(&w), 3);
    for (size_t i = 0; i < 3; i++)
        if (strncmp(world_request(&w, i), wanted[i], strlen(wanted[i])) != 0)
            fail_msg("%.120s", world_request(&w, i));
    world_free(&w);
}

/* Half of a list is none, and pages that lead to themselves end. */
static void test_bad_pages(void **state)
{
    static const char *const scripts[][5] = {
        {OS_JSON("200 OK") "{\"images\":[" IMAGE("1") "],\"next\":\"?m=1\"}",
         OS_JSON("404 X") "{\"message\":\"No image found with ID 1\",\"code\":\"404 Not Found\","
                          "\"title\":\"Not Found\"}"},
        {OS_JSON("200 OK") "{\"images\":[" IMAGE("1") "],\"next\":\"?m=1\"}",
         OS_JSON("200 OK") "{\"images\":[" IMAGE("1") "],\"next\":\"?m=1\"}"},
        {OS_JSON("200 OK") "{\"images\":7}", OS_JSON("200 OK") "{\"images\":[{\"id\":\"1\"}]}",
         OS_JSON("200 OK") "[]"},
        {OS_JSON("200 OK") "{\"images\":[" IMAGE("1"), OS_JSON("200 OK") "", OS_JSON("200 OK") "7"},
    };
    static const enum mir_kind kinds[] = {MIR_NOT_FOUND, MIR_CORRUPT, MIR_CORRUPT, MIR_CORRUPT};
    for (size_t i = 0; i < MIR_NELEMS(scripts); i++) {
        struct test_world w;
        os_auto_images struct os_images found = {0};
        struct os_list_images args = {.name = NULL};
        struct mir_error err = {0};
        world_open(&w, scripts[i]);
        assert_int_equal(os_image_list(w.session, &args, os_until(w.session, 60000), &found, &err),
                         -1);
        assert_int_equal(err.kind, kinds[i]);
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
        assert_int_equal(found.count, 0);
        world_close(&w);
        world_free(&w);
    }
}

/* A damaged answer to what made something: it is there, and nobody knows its name. */
static void test_made_and_not_told(void **state)
{
    static const char *const answers[] = {OS_JSON("202 X") "{\"server\":{}}", NULL};
    struct test_world w;
    struct mir_error err = {0};
    struct os_create_server args = {.name = "n", .flavor_id = "f", .image_id = "i"};
    char id[OS_ID_TEXT] = "before";
    world_open(&w, answers);
    assert_int_equal(os_server_create(w.session, &args, os_until(w.session, 9000), id, &err), -1);
    world_close(&w);
    assert_int_equal(world_requests(&w), 1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    assert_string_equal(id, "before");
    world_free(&w);
}

static void test_needed_parameters(void **state)
{
    static const char *const none[] = {NULL};
    struct test_world w;
    struct mir_error err = {0};
    struct os_create_server args = {.name = "n"};
    struct os_create_floating_ip ip = {.description = "d"};
    struct os_floating_ip made = {.id = ""};
    char id[OS_ID_TEXT];
    world_open(&w, none);
    int64_t until = os_until(w.session, 9000);
    assert_int_equal(os_server_create(w.session, &args, until, id, &err), -1);
    assert_string_equal(err.text, "CreateServer: flavorRef is missing");
    assert_int_equal(os_floating_ip_create(w.session, &ip, until, &made, &err), -1);
    assert_string_equal(err.text, "CreateFloatingIp: floating_network_id is missing");
    world_close(&w);
    assert_int_equal(world_requests(&w), 0);
    world_free(&w);
}

/* What is wrong with it; NULL: nothing. */
static const char *wrong_with(const struct os_operation *o)
{
    bool get = !strcmp(o->method, "GET"), post = !strcmp(o->method, "POST");
    if (!o->path || *o->path != '/' || (o->reads && !get && !post))
        return "path or method";
    if (!strncmp(o->name, "Create", 6) && !o->once)
        return "may be made more than once";
    if (o->once && (o->reads || o->paging))
        return "reads, and is made once";
    if (o->paging && (!o->page_next || !o->reply))
        return "pages that nobody finds";
    return NULL;
}

/* Every table says what can be done with it, and no creating call may be repeated. */
static void test_operations_are_whole(void **state)
{
    size_t count = 0;
    for (size_t i = 0; os_operation_lists[i]; i++)
        for (const struct os_operation *o = os_operation_lists[i]; o->name; o++, count++)
            if (wrong_with(o))
                fail_msg("%s: %s", o->name, wrong_with(o));
    assert_true(count > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_next_pages),
        cmocka_unit_test(test_all_pages),
        cmocka_unit_test(test_bad_pages),
        cmocka_unit_test(test_made_and_not_told),
        cmocka_unit_test(test_needed_parameters),
        cmocka_unit_test(test_operations_are_whole),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
