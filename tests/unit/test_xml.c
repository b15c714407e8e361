/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include "api/buf.h"
#include "api/xml.h"

static struct mir_xml *parse(const char *text, struct mir_error *err)
{
    return mir_xml_parse(text, strlen(text), 1 << 20, err);
}

static const char reply[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!-- of a service --><R xmlns=\"http://ec2.example/doc/\" xmlns:x=\"y\">\n"
    "  <requestId>r-1</requestId>\n"
    "  <set><item><id>a</id><x:name>A &amp; B</x:name></item>"
    "<other/><item><id>b</id></item></set>\n"
    "  <empty/><split>one<!-- two -->three<![CDATA[<4>]]></split>\n"
    "  <mixed>before<in>inner</in>after</mixed>\n"
    "</R>";

static void test_found_by_name(void **state)
{
    struct mir_error err = {0};
    mir_auto_xml struct mir_xml *xml = parse(reply, &err);
    assert_non_null(xml);
    const struct mir_xml_node *root = mir_xml_root(xml);
    assert_string_equal(mir_xml_name(root), "R");
    assert_string_equal(mir_xml_get(root, "requestId"), "r-1");
    assert_string_equal(mir_xml_get(root, "set/item/name"), "A & B");
    assert_string_equal(mir_xml_get(root, "empty"), "");
    assert_string_equal(mir_xml_get(root, "split"), "onethree<4>");
    assert_string_equal(mir_xml_get(root, "mixed"), "before");
    assert_string_equal(mir_xml_get(root, "mixed/in"), "inner");
    assert_ptr_equal(mir_xml_find(root, ""), root);
    static const char *const absent[] = {"set/item/nam", "requestI", "set/items", "a/b", "item"};
    for (size_t i = 0; i < MIR_NELEMS(absent); i++) {
        assert_null(mir_xml_find(root, absent[i]));
        assert_string_equal(mir_xml_get(root, absent[i]), "");
    }
}

static void test_gone_through(void **state)
{
    mir_auto_xml struct mir_xml *xml = parse(reply, NULL);
    const struct mir_xml_node *set = mir_xml_find(mir_xml_root(xml), "set");
    char seen[8] = "";
    for (const struct mir_xml_node *n = mir_xml_first(set, "item"); n; n = mir_xml_next(n, "item"))
        snprintf(seen + strlen(seen), 4, "%s", mir_xml_get(n, "id"));
    assert_string_equal(seen, "ab");
    const struct mir_xml_node *any = mir_xml_first(set, NULL);
    any = mir_xml_next(any, NULL);
    assert_string_equal(mir_xml_name(any), "other");
    assert_null(mir_xml_first(NULL, "x"));
    assert_null(mir_xml_next(NULL, "x"));
    assert_string_equal(mir_xml_text(NULL), "");
    mir_xml_wipe(xml);
    assert_string_equal(mir_xml_get(mir_xml_root(xml), "set/item/id"), "");
}

/* Long enough to be met in pieces, and cut by what stands for a character. */
static void test_long_text(void **state)
{
    struct mir_buf text, want;
    mir_buf_init(&text, 1 << 20);
    mir_buf_init(&want, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        mir_buf_addf(&text, "%d&amp;\xc3\xbc", i);
        mir_buf_addf(&want, "%d&\xc3\xbc", i);
    }
    mir_auto_free char *document = mir_format("<a>\n<b>%s</b><c/></a>", mir_buf_text(&text));
    mir_auto_xml struct mir_xml *xml = parse(document, NULL);
    assert_string_equal(mir_xml_get(mir_xml_root(xml), "b"), mir_buf_text(&want));
    assert_string_equal(mir_xml_text(mir_xml_root(xml)), "\n");
    mir_buf_clear(&text);
    mir_buf_clear(&want);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "plain",
        "<a>",
        "<a><b></a>",
        "<a/><b/>",
        "<html><body><p>Service Unavailable</body></html>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<a>&undefined;</a>",
        "<a>\xff</a>",
        "<a b='1' b='2'/>",
    };
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        assert_null(parse(bad[i], &err));
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_true(*err.text);
    }
    struct mir_error err = {0};
    assert_null(mir_xml_parse("<a/>", 4, 3, &err));
    assert_int_equal(err.kind, MIR_CORRUPT);
}

/* Each level an element of its own; the root is the first. */
static char *nested(unsigned depth)
{
    struct mir_buf text;
    mir_buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < depth; i++)
        mir_buf_adds(&text, "<a>");
    for (unsigned i = 0; i < depth; i++)
        mir_buf_adds(&text, "</a>");
    return mir_buf_take(&text);
}

static void test_depth_is_limited(void **state)
{
    mir_auto_free char *fits = nested(MIR_XML_DEPTH_MAX);
    mir_auto_xml struct mir_xml *xml = parse(fits, NULL);
    assert_non_null(xml);
    static const unsigned depths[] = {MIR_XML_DEPTH_MAX + 1, 300, 20000};
    for (size_t i = 0; i < MIR_NELEMS(depths); i++) {
        struct mir_error err = {0};
        mir_auto_free char *deep = nested(depths[i]);
        assert_null(parse(deep, &err));
        assert_int_equal(err.kind, MIR_CORRUPT);
    }
}

/* --- what is wanted of it --- */

static void test_of_a_long_document_what_is_wanted(void **state)
{
    static const char *const paths[] = {"set/item", "mixed"};
    const struct mir_xml_wanted wanted = {.paths = paths, .path_count = MIR_NELEMS(paths)};
    mir_auto_xml struct mir_xml *xml =
        mir_xml_parse_wanted(reply, strlen(reply), 1 << 20, &wanted, NULL);
    const struct mir_xml_node *root = mir_xml_root(xml);
    assert_string_equal(mir_xml_name(root), "R");
    assert_null(mir_xml_find(root, "requestId"));
    assert_string_equal(mir_xml_get(root, "mixed"), "before");
    assert_null(mir_xml_find(root, "mixed/in"));
    const struct mir_xml_node *item = mir_xml_find(root, "set/item");
    assert_non_null(item);
    assert_null(mir_xml_first(item, NULL));
    assert_non_null(mir_xml_next(item, NULL)); /* the other item; "other" is not there */
    assert_null(mir_xml_next(mir_xml_next(item, NULL), NULL));
}

static void test_too_many_names_are_all_kept(void **state)
{
    char names[200][8];
    const char *paths[200];
    for (size_t i = 0; i < MIR_NELEMS(paths); i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        paths[i] = names[i];
    }
    const struct mir_xml_wanted wanted = {.paths = paths, .path_count = MIR_NELEMS(paths)};
    mir_auto_xml struct mir_xml *xml =
        mir_xml_parse_wanted(reply, strlen(reply), 1 << 20, &wanted, NULL);
    assert_string_equal(mir_xml_get(mir_xml_root(xml), "set/item/id"), "a");
}

static int collect_row(void *ctx, const struct mir_xml_node *node, struct mir_error *err)
{
    struct mir_buf *seen = ctx;
    mir_buf_addf(seen, "%s%s,", mir_xml_get(node, "id"), mir_xml_get(node, "name"));
    if (!strcmp(mir_xml_get(node, "id"), "bad"))
        return mir_fail(err, MIR_CORRUPT, "a bad one");
    return 0;
}

static struct mir_xml *rows_of(const char *text, const char *each, struct mir_buf *seen,
                               struct mir_error *err)
{
    const struct mir_xml_wanted wanted = {.each = each, .row = collect_row, .ctx = seen};
    mir_buf_reset(seen);
    return mir_xml_parse_wanted(text, strlen(text), 1 << 20, &wanted, err);
}

static void test_rows_are_handed_over_and_forgotten(void **state)
{
    struct mir_buf seen;
    mir_buf_init(&seen, 1 << 20);
    mir_auto_xml struct mir_xml *xml = rows_of(reply, "set/item", &seen, NULL);
    assert_string_equal(mir_buf_text(&seen), "aA & B,b,");
    const struct mir_xml_node *root = mir_xml_root(xml), *set = mir_xml_find(root, "set");
    assert_string_equal(mir_xml_name(mir_xml_first(set, NULL)), "other");
    assert_null(mir_xml_next(mir_xml_first(set, NULL), NULL));
    assert_string_equal(mir_xml_get(root, "mixed"), "before");
    static const struct {
        const char *text, *each, *seen;
    } rows[] = {
        {"<r><o><i><id>1</id></i></o><x><i><id>2</id></i></x><o/><o><i/><i><id>3</id></i></o></r>",
         "o/i", "1,,3,"},
        {"<r><i><i><id>1</id></i><id>2</id></i></r>", "i", "2,"},
        {"<r><i><i><id>1</id></i><id>2</id></i></r>", "i/i", "1,"},
        {"<r><i><id>1</id></i></r>", "r/i", ""},
        {"<r><i><id>1</id></i></r>", "", ""},
        {"<i><id>1</id></i>", "i", ""},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        mir_auto_xml struct mir_xml *one = rows_of(rows[i].text, rows[i].each, &seen, NULL);
        assert_non_null(one);
        assert_string_equal(mir_buf_text(&seen), rows[i].seen);
    }
    mir_buf_clear(&seen);
}

/* More than a chunk of memory each, before and in the rows. */
static void test_long_rows(void **state)
{
    struct mir_buf text, seen;
    mir_buf_init(&text, 8 << 20);
    mir_buf_init(&seen, 8 << 20);
    mir_buf_adds(&text, "<r><head>h</head>");
    for (int i = 0; i < 50; i++) {
        mir_buf_addf(&text, "<i><id>%d</id><long>%0*d</long>", i, 1 + i * 3000, 7);
        for (int j = 0; j < 40 * i; j++)
            mir_buf_adds(&text, "<n>x</n>");
        mir_buf_adds(&text, "</i>");
    }
    mir_buf_adds(&text, "<tail>t</tail></r>");
    const struct mir_xml_wanted wanted = {.each = "i", .row = collect_row, .ctx = &seen};
    mir_auto_xml struct mir_xml *xml =
        mir_xml_parse_wanted(mir_buf_text(&text), text.len, text.max, &wanted, NULL);
    assert_string_equal(mir_xml_get(mir_xml_root(xml), "head"), "h");
    assert_string_equal(mir_xml_get(mir_xml_root(xml), "tail"), "t");
    assert_string_equal(mir_xml_name(mir_xml_next(mir_xml_first(mir_xml_root(xml), NULL), NULL)),
                        "tail");
    assert_non_null(strstr(mir_buf_text(&seen), "48,49,"));
    mir_buf_clear(&text);
    mir_buf_clear(&seen);
}

static void test_a_row_that_is_refused(void **state)
{
    struct mir_buf seen;
    struct mir_error err = {0};
    mir_buf_init(&seen, 1 << 20);
    assert_null(rows_of("<r><i><id>bad</id></i><i><id>2</id></i></r>", "i", &seen, &err));
    assert_string_equal(mir_buf_text(&seen), "bad,");
    assert_string_equal(err.text, "a bad one");
    err = (struct mir_error){0};
    assert_null(rows_of("<r><i><id>1</id></i><i>", "i", &seen, &err));
    assert_string_equal(mir_buf_text(&seen), "1,");
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_non_null(strstr(err.text, "not XML"));
    mir_buf_clear(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_name),
        cmocka_unit_test(test_gone_through),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_of_a_long_document_what_is_wanted),
        cmocka_unit_test(test_too_many_names_are_all_kept),
        cmocka_unit_test(test_rows_are_handed_over_and_forgotten),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_a_row_that_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
