/* SPDX-License-Identifier: ISC */
#include "api/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/json.h"

static char *as_json(json_t *tree)
{
    return json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static void reads(void **state)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"", "null"},
        {"# nothing but a comment\n", "null"},
        {"a: b", "{\"a\":\"b\"}"},
        {"a: {b: [c, 'd e', \"f\\n\"]}", "{\"a\":{\"b\":[\"c\",\"d e\",\"f\\n\"]}}"},
        {"- ~\n- null\n-\n- ''\n", "[null,null,null,\"\"]"},
        {"[yes, No, TRUE, off, y, 'yes', \"false\"]",
         "[true,false,true,false,\"y\",\"yes\",\"false\"]"},
        /* Numbers stay what was written. */
        {"[1, 2.10, 0123, 0x1f, 1e3, 1_000, 12:30:45, 2026-01-01]",
         "[\"1\",\"2.10\",\"0123\",\"0x1f\",\"1e3\",\"1_000\",\"12:30:45\",\"2026-01-01\"]"},
        {"yes: 1\n2: 3\n", "{\"2\":\"3\",\"yes\":\"1\"}"},
        {"[! yes, !!str no, !!str ~]", "[true,\"no\",\"~\"]"},
        {"a: |\n  b\n  c\n", "{\"a\":\"b\\nc\\n\"}"},
        {"a: &x {k: 1}\nb: *x\n", "{\"a\":{\"k\":\"1\"},\"b\":{\"k\":\"1\"}}"},
        {"- &x 1\n- &x 2\n- *x\n", "[\"1\",\"2\",\"2\"]"},
        {"a: &x {k: 1, l: 2}\nb: {k: 3, <<: *x}\n",
         "{\"a\":{\"k\":\"1\",\"l\":\"2\"},\"b\":{\"k\":\"3\",\"l\":\"2\"}}"},
        {"<<: [{a: 1}, {a: 2, b: 3}]\n", "{\"a\":\"1\",\"b\":\"3\"}"},
        {"'<<': {a: 1}\n", "{\"<<\":{\"a\":\"1\"}}"},
        {"{\"a\": [1, true, null]}", "{\"a\":[\"1\",true,null]}"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        json_t *tree;
        struct mir_error err = {0};
        int rc = mir_yaml_parse(cases[i].yaml, strlen(cases[i].yaml), 4096, &tree, NULL, &err);
        if (rc)
            fail_msg("%s: %s", cases[i].yaml, err.text);
        mir_auto_free char *got = as_json(tree);
        assert_string_equal(got, cases[i].json);
        mir_json_wipe(tree);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "line 3: 'a' is said twice"},
        {"<<: {a: 1}\n<<: {b: 1}\n", "line 2: '<<' is said twice"},
        {"a: 1\n---\nb: 1\n", "line 2: a second document begins"},
        {"a:\n\t- b\n", "line 2: found character that cannot start any token"},
        {"a: [b\n", "line 2: did not find expected ',' or ']'"},
        {"a: *b\n", "line 1: 'b' is an alias of nothing that stands before it"},
        {"&a [*a]", "line 1: 'a' is an alias of nothing that stands before it"},
        {"{[a]: b}", "line 1: a key has to be a text"},
        {"a: &x b\n*x : c\n", "line 2: a key has to be a text"},
        {"a: !!python/object:os.system b\n",
         "line 1: 'tag:yaml.org,2002:python/object:os.system' is a tag that is not read here"},
        {"!!set {a, b}", "line 1: 'tag:yaml.org,2002:set' is a tag that is not read here"},
        {"a: \"\\0\"\n", "line 1: there is a NUL in a text"},
        {"<<: 1\n", "line 1: << takes a mapping, or a list of them"},
        {"a: \xff\n", "line 1: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        json_t *tree = NULL;
        struct mir_error err = {0};
        assert_int_equal(
            mir_yaml_parse(cases[i].yaml, strlen(cases[i].yaml), 4096, &tree, NULL, &err), -1);
        assert_null(tree);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_string_equal(err.text, cases[i].text);
    }
}

static void knows_the_lines(void **state)
{
    static const char yaml[] = "a: 1\nb:\n  c: 2\n  d:\n  - e: 3\n  - f\nx: {<<: {y: 1}}\n";
    json_t *tree, *lines;
    assert_int_equal(mir_yaml_parse(yaml, sizeof yaml - 1, 4096, &tree, &lines, NULL), 0);
    mir_auto_free char *got = as_json(lines);
    assert_string_equal(got, "{\"a#\":1,\"b\":{\"c#\":3,\"d\":[{\"e#\":5},null],\"d#\":4},"
                             "\"b#\":2,\"x\":{\"y#\":7},\"x#\":7}");
    json_decref(tree);
    json_decref(lines);
}

/* "[[[[...]]]]" */
static void nested(struct mir_buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        mir_buf_adds(out, "[");
    for (unsigned i = 0; i < depth; i++)
        mir_buf_adds(out, "]");
}

static int parse(const struct mir_buf *text, struct mir_error *err)
{
    json_t *tree = NULL;
    int rc = mir_yaml_parse(text->data, text->len, 1 << 20, &tree, NULL, err);
    json_decref(tree);
    return rc;
}

static void has_limits(void **state)
{
    struct mir_error err = {0};
    mir_auto_buf struct mir_buf text;
    mir_buf_init(&text, 1 << 20);
    nested(&text, MIR_YAML_DEPTH_MAX);
    assert_int_equal(parse(&text, &err), 0);
    mir_buf_reset(&text);
    nested(&text, MIR_YAML_DEPTH_MAX + 1);
    assert_int_equal(parse(&text, &err), -1);
    assert_string_equal(err.text, "line 1: it is nested too deeply");

    /* An alias brings its own depth, and its own nodes. */
    mir_buf_reset(&text);
    mir_buf_adds(&text, "- &a ");
    nested(&text, 20);
    mir_buf_adds(&text, "\n- [[[[[[[[[[[[*a]]]]]]]]]]]]\n");
    assert_int_equal(parse(&text, &err), -1);
    assert_string_equal(err.text, "line 2: it is nested too deeply");

    mir_buf_reset(&text);
    mir_buf_adds(&text, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
    for (char c = 'b'; c < 'k'; c++)
        mir_buf_addf(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1,
                     c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    assert_int_equal(parse(&text, &err), -1);
    assert_string_equal(err.text, "line 5: there is too much in it");

    assert_int_equal(mir_yaml_parse("a: b", 4, 3, NULL, NULL, &err), -1);
    assert_string_equal(err.text, "YAML document of 4 bytes; at most 3 are taken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(knows_the_lines),
        cmocka_unit_test(has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
