/* SPDX-License-Identifier: ISC */
/* The route table against its mirrors: the OpenAPI document and docs/REST.md. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "rest.h"

static void test_table(void **state)
{
    for (size_t i = 0; i < mird_rest_route_count; i++) {
        const struct mird_http_route *route = &mird_rest_routes[i];
        assert_non_null(route->handle);
        assert_true(route->pattern[0] == '/');
        assert_non_null(route->query); /* unknown parameters are refused everywhere */
        assert_true(strlen(route->summary) > 5);
        /* What changes something commits, and that blocks. */
        if (strcmp(route->method, "GET") != 0)
            assert_true(route->flags & MIRD_HTTP_WORKER);
        else
            assert_int_equal(route->body_max, 0);
        if (route->flags & MIRD_HTTP_OPEN)
            assert_string_equal(route->method, "GET");
        for (size_t k = 0; k < i; k++)
            assert_false(!strcmp(route->method, mird_rest_routes[k].method) &&
                         !strcmp(route->pattern, mird_rest_routes[k].pattern));
    }
}

static int in_table(const char *method, const char *pattern)
{
    for (size_t i = 0; i < mird_rest_route_count; i++)
        if (!strcasecmp(mird_rest_routes[i].method, method) &&
            !strcmp(mird_rest_routes[i].pattern, pattern))
            return 1;
    return 0;
}

static void test_openapi(void **state)
{
    json_t *doc = mird_openapi(mird_rest_routes, mird_rest_route_count);
    assert_non_null(doc);
    json_t *paths = json_object_get(doc, "paths"), *path, *operation;
    const char *pattern, *method;
    size_t count = 0;
    json_object_foreach(paths, pattern, path)
    {
        json_object_foreach(path, method, operation)
        {
            if (!in_table(method, pattern))
                fail_msg("%s %s is in the document only", method, pattern);
            assert_non_null(json_object_get(operation, "summary"));
            json_t *parameters = json_object_get(operation, "parameters");
            size_t braces = 0;
            for (const char *p = pattern; (p = strchr(p, '{')); p++)
                braces++;
            assert_true(json_array_size(parameters) >= braces);
            count++;
        }
    }
    assert_int_equal(count, mird_rest_route_count);
    json_t *post = json_object_get(json_object_get(paths, "/v1/deployments"), "post");
    json_t *schema = json_object_get(
        json_object_get(json_object_get(json_object_get(post, "requestBody"), "content"),
                        "application/json"),
        "schema");
    assert_non_null(json_object_get(json_object_get(schema, "properties"), "ttl"));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), 2);
    json_decref(doc);
}

/* docs/REST.md of this source tree, owned; NULL when it is not there. */
static char *read_doc(void)
{
    mir_auto_free char *path = mir_strdup(__FILE__);
    char *tail = strstr(path, "tests/unit/");
    char *text = NULL;
    if (!tail)
        return NULL;
    *tail = '\0';
    mir_auto_free char *doc = mir_format("%sdocs/REST.md", path);
    return mir_file_read(doc, 1 << 20, &text, NULL, NULL) ? NULL : text;
}

/* Every `METHOD /path` in the first cell of a table row; *seen marks those of the table. */
static size_t check_row(char *row, bool *seen)
{
    size_t found = 0;
    char *end = strstr(row + 1, " |");
    if (end)
        *end = '\0';
    for (char *p = row; (p = strchr(p, '`'));) {
        char *close = strchr(p + 1, '`');
        assert_non_null(close);
        *close = '\0';
        char *space = strchr(p + 1, ' ');
        if (!space || space[1] != '/')
            fail_msg("docs/REST.md: '%s' is no METHOD /path", p + 1);
        *space = '\0';
        size_t i = 0;
        while (i < mird_rest_route_count && (strcmp(mird_rest_routes[i].method, p + 1) != 0 ||
                                             strcmp(mird_rest_routes[i].pattern, space + 1) != 0))
            i++;
        if (i == mird_rest_route_count)
            fail_msg("docs/REST.md: %s %s is not in the route table", p + 1, space + 1);
        seen[i] = true;
        found++;
        p = close + 1;
    }
    return found;
}

static void test_doc(void **state)
{
    mir_auto_free char *text = read_doc();
    if (!text) {
        print_message("test_doc skipped: docs/REST.md not found from %s\n", __FILE__);
        skip();
    }
    bool seen[64] = {false};
    size_t found = 0;
    assert_true(mird_rest_route_count <= MIR_NELEMS(seen));
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!strncmp(line, "| `", 3))
            found += check_row(line, seen);
    }
    assert_true(found > 20);
    for (size_t i = 0; i < mird_rest_route_count; i++)
        if (!seen[i])
            fail_msg("%s %s is not in docs/REST.md", mird_rest_routes[i].method,
                     mird_rest_routes[i].pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_openapi),
        cmocka_unit_test(test_doc),
    };
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
