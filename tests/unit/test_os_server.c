/* SPDX-License-Identifier: ISC */
/* What a creating request says in each version of Nova's API, and what is refused there. */
#include "os_server.h"

#include <signal.h>

#include "openstack/compute.h"

static const char *const tags[] = {"t"};
static const struct os_nic nics[] = {{.network_id = "net"}};
static const struct os_disk disks[] = {
    {.source = "image", .source_id = "i", .destination = "volume", .volume_type = "ssd"}};

#define BASIC "{\"server\":{\"name\":\"n\",\"flavorRef\":\"f\",\"imageRef\":\"i\""
#define BASE .name = "n", .flavor_id = "f", .image_id = "i"

struct version_case {
    const char *pin; /* NULL: the best */
    struct os_create_server args;
    const char *body; /* NULL: refused before anything is sent */
};

static const struct version_case cases[] = {
    {NULL, {BASE}, BASIC ",\"networks\":\"auto\"}}"},
    {NULL,
     {BASE, .description = "d", .tags = tags, .tag_count = 1},
     BASIC ",\"description\":\"d\",\"tags\":[\"t\"],\"networks\":\"auto\"}}"},
    {NULL, {BASE, .network_mode = "none"}, BASIC ",\"networks\":\"none\"}}"},
    {NULL,
     {BASE, .network_mode = "none", .nics = nics, .nic_count = 1},
     BASIC ",\"networks\":[{\"uuid\":\"net\"}]}}"},
    {"2.51",
     {BASE, .description = "d", .tags = tags, .tag_count = 1},
     BASIC ",\"description\":\"d\",\"networks\":\"auto\"}}"},
    {"2.52",
     {BASE, .tags = tags, .tag_count = 1},
     BASIC ",\"tags\":[\"t\"],\"networks\":\"auto\"}}"},
    {"2.36", {BASE}, BASIC "}}"},
    {"2.36", {BASE, .network_mode = "auto"}, BASIC "}}"},
    {"2.36", {BASE, .network_mode = "none"}, NULL},
    {"2.37", {BASE, .network_mode = "none"}, BASIC ",\"networks\":\"none\"}}"},
    {"2.1",
     {BASE, .description = "d", .tags = tags, .tag_count = 1, .nics = nics, .nic_count = 1},
     BASIC ",\"networks\":[{\"uuid\":\"net\"}]}}"},
    {"2.66", {BASE, .disks = disks, .disk_count = 1}, NULL},
    {"2.67",
     {BASE, .disks = disks, .disk_count = 1},
     BASIC ",\"networks\":\"auto\",\"block_device_mapping_v2\":[{\"source_type\":\"image\","
           "\"uuid\":\"i\",\"destination_type\":\"volume\",\"boot_index\":0,\"volume_type\":"
           "\"ssd\"}]}}"},
};

#define MADE OS_JSON("202 X") "{\"server\":{\"id\":\"s\"}}"

static void world_pinned(struct test_world *w, char *pin, const char *last)
{
    const char *answers[] = {OS_TOKEN, OS_NOVA_VERSION, last, NULL};
    world_prepare(w, answers);
    w->cloud.services[OS_COMPUTE].microversion = pin;
    world_session(w);
    os_auto_who struct os_who who = {.user_id = ""};
    assert_int_equal(os_who_am_i(w->session, os_until(w->session, 9000), &who, NULL), 0);
}

static void test_versions(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        const struct version_case *c = &cases[i];
        struct test_world w;
        struct mir_error err = {0};
        char id[OS_ID_TEXT] = "";
        mir_auto_free char *pin = mir_strdup(c->pin);
        world_pinned(&w, pin, MADE);
        int rc = os_server_create(w.session, &c->args, os_until(w.session, 9000), id, &err);
        world_close(&w);
        if (!rc != !!c->body || w.server.request_count != (c->body ? 3 : 2))
            fail_msg("%zu: %d, %s", i, rc, err.text);
        if (c->body)
            assert_string_equal(script_body(w.server.requests[2]), c->body);
        else
            assert_int_equal(err.kind, MIR_USAGE);
        world_free(&w);
    }
}

/* A filter that Nova does not know yet would be none. */
static void test_tags_before_their_time(void **state)
{
    struct test_world w;
    struct mir_error err = {0};
    char pin[] = "2.25";
    os_auto_servers struct os_servers found = {0};
    struct os_list_servers args = {.tags = "t"};
    world_pinned(&w, pin, OS_JSON("200 X") "{\"servers\":[]}");
    int64_t until = os_until(w.session, 9000);
    assert_int_equal(os_server_list(w.session, &args, until, &found, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(os_server_tag(w.session, "s", "t", until, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    args.tags = "";
    assert_int_equal(os_server_list(w.session, &args, until, &found, &err), 0);
    world_close(&w);
    mir_auto_free char *version = script_header(w.server.requests[2], "OpenStack-API-Version");
    assert_string_equal(version, "compute 2.25");
    world_free(&w);
}

static void test_many_groups(void **state)
{
    static const char *const none[] = {NULL};
    const char *groups[33];
    struct test_world w;
    struct mir_error err = {0};
    char id[OS_ID_TEXT] = "";
    for (size_t i = 0; i < MIR_NELEMS(groups); i++)
        groups[i] = "g";
    struct os_create_server args = {BASE, .groups = groups, .group_count = MIR_NELEMS(groups)};
    world_open(&w, none);
    assert_int_equal(os_server_create(w.session, &args, os_until(w.session, 9000), id, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    world_close(&w);
    assert_int_equal(world_requests(&w), 0);
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_tags_before_their_time),
        cmocka_unit_test(test_many_groups),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
