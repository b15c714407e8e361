/* SPDX-License-Identifier: ISC */
/* What a token says, and which endpoint of its catalog is meant. */
#include "scratch.h"

#include "api/json.h"
#include "catalog.h"

#define E(interface, region, url)                                                                  \
    "{\"id\":\"e\",\"interface\":\"" interface "\",\"region_id\":\"" region                        \
    "\",\"region\":\"" region "\",\"url\":\"" url "\"}"
#define S(type, name, endpoints)                                                                   \
    "{\"type\":\"" type "\",\"name\":\"" name "\",\"endpoints\":[" endpoints "]},"

static const char token[] =
    "{\"user\":{\"id\":\"u\",\"name\":\"demo\",\"domain\":{\"id\":\"d\",\"name\":\"Default\"}},"
    "\"project\":{\"id\":\"p\",\"name\":\"mine\",\"domain\":{\"id\":\"d\",\"name\":\"Default\"}},"
    "\"expires_at\":\"2026-11-18T11:06:40.000000Z\",\"roles\":[{\"id\":\"1\",\"name\":"
    "\"member\"},{\"id\":\"2\",\"name\":\"reader\"}],\"catalog\":["
    /* clang-format off */
    S("compute_legacy", "old", E("public", "A", "http://old"))
    S("compute", "nova", E("internal", "A", "http://nova-in-a") ","
                         E("public", "A", "http://nova-a") ","
                         E("public", "B", "http://nova-b"))
    S("compute", "nova2", E("public", "A", "http://nova2-a"))
    S("image", "glance", E("publicURL", "A", "http://glance-a"))
    S("volumev3", "cinder", E("public", "A", "http://cinder-a"))
    /* clang-format on */
    "{\"type\":\"network\",\"name\":\"neutron\",\"endpoints\":[{\"interface\":\"public\","
    "\"region\":\"A\",\"url\":null}]},"
    "{\"type\":\"workflow\",\"endpoints\":[]},{\"name\":\"nameless\"}]}";

static void read_token(struct os_who *who)
{
    struct mir_error err = {0};
    json_t *json = mir_json_parse(token, sizeof token - 1, 65536, &err);
    if (!json || mir_json_read(&os_who_table, json, who, &err))
        fail_msg("%s", err.text);
    json_decref(json);
}

static void test_who(void **state)
{
    os_auto_who struct os_who who = {.user_id = ""};
    read_token(&who);
    assert_string_equal(who.user_id, "u");
    assert_string_equal(who.user_name, "demo");
    assert_string_equal(who.user_domain, "Default");
    assert_string_equal(who.project_id, "p");
    assert_string_equal(who.project_name, "mine");
    assert_int_equal(who.expires_s, 1795000000);
    assert_int_equal(who.role_count, 2);
    assert_string_equal(who.roles[1].name, "reader");
    assert_int_equal(who.service_count, 8);
}

/* What the user says, where that leads; NULL: nowhere, and with which code. */
struct find_case {
    enum os_service service;
    const char *region, *interface, *type, *name, *own_region, *own_interface;
    const char *url, *code;
};

static const struct find_case cases[] = {
    {OS_COMPUTE, "A", NULL, NULL, "nova", NULL, NULL, "http://nova-a", ""},
    {OS_COMPUTE, "B", NULL, NULL, NULL, NULL, NULL, "http://nova-b", ""},
    {OS_COMPUTE, "A", "internal", NULL, NULL, NULL, NULL, "http://nova-in-a", ""},
    {OS_COMPUTE, "A", "internalURL", NULL, NULL, NULL, NULL, "http://nova-in-a", ""},
    {OS_COMPUTE, "A", "admin", NULL, NULL, NULL, NULL, NULL, "EndpointNotFound"},
    {OS_COMPUTE, "A", NULL, NULL, "nova2", NULL, NULL, "http://nova2-a", ""},
    {OS_COMPUTE, "A", NULL, NULL, "nova3", NULL, NULL, NULL, "EndpointNotFound"},
    {OS_COMPUTE, "A", NULL, "compute_legacy", NULL, NULL, NULL, "http://old", ""},
    {OS_COMPUTE, NULL, NULL, NULL, "nova", NULL, NULL, NULL, ""}, /* in two regions */
    {OS_COMPUTE, NULL, NULL, NULL, "nova2", NULL, NULL, "http://nova2-a", ""},
    {OS_COMPUTE, "", "", NULL, "nova2", NULL, NULL, "http://nova2-a", ""},
    {OS_COMPUTE, "A", NULL, NULL, NULL, "B", NULL, "http://nova-b", ""},
    {OS_COMPUTE, "A", "public", NULL, NULL, NULL, "internal", "http://nova-in-a", ""},
    {OS_IMAGE, "A", NULL, NULL, NULL, NULL, NULL, "http://glance-a", ""},
    {OS_IMAGE, "a", NULL, NULL, NULL, NULL, NULL, NULL, "EndpointNotFound"},
    {OS_VOLUME, "A", NULL, NULL, NULL, NULL, NULL, "http://cinder-a", ""}, /* by an alias */
    {OS_NETWORK, "A", NULL, NULL, NULL, NULL, NULL, NULL, "EndpointNotFound"},
    {OS_WORKFLOW, "A", NULL, NULL, NULL, NULL, NULL, NULL, "EndpointNotFound"},
    {OS_RESERVATION, "A", NULL, NULL, NULL, NULL, NULL, NULL, "EndpointNotFound"},
};

/* Texts are not changed; the cloud's members are for whoever owns them. */
static char *own(const char *text)
{
    return mir_strdup(text);
}

static void test_find(void **state)
{
    os_auto_who struct os_who who = {.user_id = ""};
    read_token(&who);
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        const struct find_case *c = &cases[i];
        struct os_cloud cloud = {.region = own(c->region), .interface = own(c->interface)};
        cloud.services[c->service] = (struct os_service_choice){.service_type = own(c->type),
                                                                .service_name = own(c->name),
                                                                .region = own(c->own_region),
                                                                .interface = own(c->own_interface)};
        struct mir_error err = {0};
        const struct os_found_endpoint *found = os_catalog_find(&who, &cloud, c->service, &err);
        if (!found != !c->url || (found && strcmp(found->url, c->url) != 0))
            fail_msg("case %zu: %s: %s", i, found ? found->url : "none", err.text);
        assert_string_equal(err.provider_code, c->code);
        assert_int_equal(err.kind, c->url ? MIR_OK : MIR_USAGE);
        assert_int_equal(*err.hint != '\0', !c->url);
        os_cloud_clear(&cloud);
    }
}

/* Of a token without a project the fault is told, not the lack of endpoints. */
static void test_no_project(void **state)
{
    struct os_who who = {.user_id = "u"};
    struct os_cloud cloud = {.name = NULL};
    struct mir_error err = {0};
    assert_null(os_catalog_find(&who, &cloud, OS_COMPUTE, &err));
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, "for no project"));
    assert_string_equal(err.provider_code, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_no_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
