/* SPDX-License-Identifier: ISC */
/* The writer and the two readers that every call goes through. */
#include "scratch.h"

#include "api/flag.h"
#include "api/json.h"
#include "api/record.h"
#include "api/secret.h"

/* --- written --- */

struct inner {
    const char *text;
    int64_t number;
    const char *const *names;
    size_t name_count;
};

struct outer {
    const char *text, *empty, *absent;
    int64_t number, none, zero, time;
    bool yes, no;
    enum mir_flag on, off, unsaid;
    const void *data;
    size_t data_len;
    const char *const *names;
    size_t name_count;
    const struct inner *rows;
    size_t row_count;
};

static const struct mir_field inner_fields[] = {
    MIR_ROW(struct inner, text, "Text", MIR_PUT_TEXT),
    MIR_ROW(struct inner, number, "Number", MIR_PUT_ALWAYS),
    MIR_MANY(struct inner, names, name_count, "Name", MIR_PUT_TEXTS, NULL),
};
static const struct mir_table inner_table = MIR_TABLE(struct inner, inner_fields);

static const struct mir_field outer_fields[] = {
    MIR_ROW(struct outer, text, "In.Text", MIR_PUT_TEXT),
    MIR_ROW(struct outer, empty, "Empty", MIR_PUT_TEXT),
    MIR_ROW(struct outer, absent, "Absent", MIR_PUT_TEXT),
    MIR_ROW(struct outer, number, "In.Number", MIR_PUT_NUMBER),
    MIR_ROW(struct outer, none, "None", MIR_PUT_NUMBER),
    MIR_ROW(struct outer, zero, "Zero", MIR_PUT_ALWAYS),
    MIR_ROW(struct outer, time, "Time", MIR_PUT_TIME),
    MIR_ROW(struct outer, yes, "Yes", MIR_PUT_TRUE),
    MIR_ROW(struct outer, no, "No", MIR_PUT_TRUE),
    MIR_ROW(struct outer, on, "On", MIR_PUT_FLAG),
    MIR_ROW(struct outer, off, "Off", MIR_PUT_FLAG),
    MIR_ROW(struct outer, unsaid, "Unsaid", MIR_PUT_FLAG),
    MIR_MANY(struct outer, data, data_len, "Data", MIR_PUT_BASE64, NULL),
    MIR_MANY(struct outer, names, name_count, "Name", MIR_PUT_TEXTS, NULL),
    MIR_MANY(struct outer, rows, row_count, "Row", MIR_PUT_LIST, &inner_table),
};
static const struct mir_table outer_table = MIR_TABLE(struct outer, outer_fields);

static const char *const two[] = {"a b", "c&d"};
static const struct inner rows[] = {{"x", 0, two, 2}, {NULL, -1, NULL, 0}};
static const struct outer example = {.text = "t=\xc3\xa9",
                                     .empty = "",
                                     .number = -7,
                                     .time = 1795000000,
                                     .yes = true,
                                     .on = MIR_YES,
                                     .off = MIR_NO,
                                     .data = "\x00\xff",
                                     .data_len = 2,
                                     .names = two,
                                     .name_count = 2,
                                     .rows = rows,
                                     .row_count = 2};

static void test_form(void **state)
{
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 4096);
    mir_form_add(&out, "Action", "X");
    mir_form_write(&out, &outer_table, &example);
    assert_string_equal(out.data,
                        "Action=X&In.Text=t%3D%C3%A9&In.Number=-7&Zero=0&"
                        "Time=2026-11-18T11%3A06%3A40Z&Yes=true&On=true&Off=false&Data=AP8%3D&"
                        "Name.1=a%20b&Name.2=c%26d&Row.1.Text=x&Row.1.Number=0&"
                        "Row.1.Name.1=a%20b&Row.1.Name.2=c%26d&Row.2.Number=-1");
}

static void test_json_written(void **state)
{
    json_t *json = mir_json_write(&outer_table, &example);
    mir_auto_free char *text = mir_json_text(json);
    assert_string_equal(text, "{\"In\":{\"Text\":\"t=\xc3\xa9\",\"Number\":-7},\"Zero\":0,"
                              "\"Time\":\"2026-11-18T11:06:40Z\",\"Yes\":true,\"On\":true,"
                              "\"Off\":false,\"Data\":\"AP8=\",\"Name\":[\"a b\",\"c&d\"],"
                              "\"Row\":[{\"Text\":\"x\",\"Number\":0,\"Name\":[\"a b\",\"c&d\"]},"
                              "{\"Number\":-1}]}");
    json_decref(json);
}

/* --- read --- */

struct tag {
    char *key;
    char value[4];
};

struct found {
    char id[8], cut[4];
    char *owned, *bytes;
    size_t byte_count;
    int64_t number, time;
    bool flag;
    struct mir_secret secret;
    struct tag *tags;
    size_t tag_count;
};

struct all {
    struct found *rows;
    size_t count;
};

static const struct mir_field tag_fields[] = {
    MIR_MUST(struct tag, key, "key", MIR_GET_OWNED),
    MIR_ROW(struct tag, value, "value", MIR_GET_TEXT),
};
static const struct mir_table tag_table = MIR_TABLE(struct tag, tag_fields);

static const struct mir_field found_fields[] = {
    MIR_MUST(struct found, id, "id", MIR_GET_TEXT),
    MIR_ROW(struct found, cut, "in/cut", MIR_GET_CUT),
    MIR_ROW(struct found, owned, "owned", MIR_GET_OWNED),
    MIR_MANY(struct found, bytes, byte_count, "bytes", MIR_GET_BASE64, NULL),
    MIR_ROW(struct found, number, "number", MIR_GET_NUMBER),
    MIR_ROW(struct found, time, "time", MIR_GET_TIME),
    MIR_ROW(struct found, flag, "flag", MIR_GET_TRUE),
    MIR_ROW(struct found, secret, "secret", MIR_GET_SECRET),
    MIR_MANY(struct found, tags, tag_count, "tagSet/item", MIR_GET_LIST, &tag_table),
};
static const struct mir_table found_table = MIR_TABLE(struct found, found_fields);

static const struct mir_field all_fields[] = {
    MIR_MANY(struct all, rows, count, "outer/item/inner/item", MIR_GET_LIST, &found_table),
};
static const struct mir_table all_table = MIR_TABLE(struct all, all_fields);

static int read_xml(const struct mir_table *table, const char *text, void *ret,
                    struct mir_error *err)
{
    mir_auto_xml struct mir_xml *xml = mir_xml_parse(text, strlen(text), 1 << 20, NULL);
    assert_non_null(xml);
    return mir_xml_read(table, mir_xml_root(xml), ret, err);
}

static void check_found(const struct found *f)
{
    assert_string_equal(f->id, "i-1");
    assert_string_equal(f->cut, "lon");
    assert_string_equal(f->owned, "some text");
    assert_int_equal(f->byte_count, 2);
    assert_memory_equal(f->bytes, "\x00\xff", 3);
    assert_int_equal(f->number, -5);
    assert_int_equal(f->time, 1795000000);
    assert_true(f->flag);
    assert_string_equal(mir_secret_text(&f->secret), "hush");
    assert_int_equal(f->tag_count, 2);
    assert_string_equal(f->tags[0].key, "k");
    assert_string_equal(f->tags[1].value, "");
}

static void test_xml_read(void **state)
{
    struct found f = {0};
    assert_int_equal(
        read_xml(&found_table,
                 "<r><id>i-1</id><in><cut>longer</cut></in><owned>some text</owned><bytes>AP8=\n"
                 "</bytes><number>-5</number><time>2026-11-18T11:06:40.000Z</time><flag>true</flag>"
                 "<secret>hush</secret><tagSet><item><key>k</key><value>v</value></item><item><key>"
                 "l</key></item></tagSet><more/></r>",
                 &f, NULL),
        0);
    check_found(&f);
    mir_record_clear(&found_table, &f);
    static const struct found zero;
    assert_memory_equal(&f, &zero, sizeof f);
}

static void test_json_read(void **state)
{
    static const char *const texts[] = {
        "{\"id\":\"i-1\",\"in\":{\"cut\":\"longer\"},\"owned\":\"some text\",\"bytes\":\"AP8=\","
        "\"number\":-5,\"time\":1795000000.25,\"flag\":true,\"secret\":\"hush\",\"tagSet\":{"
        "\"item\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"l\",\"value\":null}]}}",
        "{\"id\":\"i-1\",\"in\":{\"cut\":\"longer\"},\"owned\":\"some text\",\"bytes\":\"AP8=\","
        "\"number\":\"-5\",\"time\":1.795E9,\"flag\":true,\"secret\":\"hush\",\"tagSet\":{"
        "\"item\":[{\"key\":\"k\"},{\"key\":\"l\"}]}}"};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        json_t *json = mir_json_parse(texts[i], strlen(texts[i]), 4096, NULL);
        struct found f = {0};
        assert_int_equal(mir_json_read(&found_table, json, &f, NULL), 0);
        check_found(&f);
        mir_record_clear(&found_table, &f);
        json_decref(json);
    }
}

static void test_rows_of_lists_in_lists(void **state)
{
    struct all all = {0};
    static const char text[] = "<r><outer><item><inner><item><id>a</id></item><item><id>b</id>"
                               "</item></inner></item><item/><item><inner><item><id>c</id></item>"
                               "</inner></item></outer></r>";
    for (size_t round = 1; round <= 3; round++) {
        assert_int_equal(read_xml(&all_table, text, &all, NULL), 0);
        assert_int_equal(all.count, 3 * round);
    }
    assert_string_equal(all.rows[8].id, "c");
    mir_record_clear(&all_table, &all);
    assert_null(all.rows);
}

static void test_times(void **state)
{
    static const char *const texts[] = {
        "\"2026-11-18T11:06:40Z\"", "\"2026-11-18T12:06:40+01:00\"",
        "\"2026-11-18T11:06:40\"",  "\"2026-11-18T11:06:40.123456\"",
        "\"2026-11-18 11:06:40\"",  "1795000000"};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        mir_auto_free char *text = mir_format("{\"id\":\"a\",\"time\":%s}", texts[i]);
        json_t *json = mir_json_parse(text, strlen(text), 4096, NULL);
        struct found f = {0};
        if (mir_json_read(&found_table, json, &f, NULL) || f.time != 1795000000)
            fail_msg("%s: %lld", texts[i], (long long)f.time);
        mir_record_clear(&found_table, &f);
        json_decref(json);
    }
}

static void test_damaged(void **state)
{
    static const char *const texts[] = {
        "<r/>",
        "<r><id/></r>",
        "<r><id>too long!</id></r>",
        "<r><id>a</id><number>5x</number></r>",
        "<r><id>a</id><number>99999999999999999999</number></r>",
        "<r><id>a</id><time>yesterday</time></r>",
        "<r><id>a</id><flag>yes</flag></r>",
        "<r><id>a</id><bytes>A</bytes></r>",
        "<r><id>a</id><bytes>AP8=AP8=</bytes></r>",
        "<r><id>a</id><tagSet><item><key>k</key></item><item/></tagSet></r>",
        "<r><id>a</id><tagSet><item><key>k</key><value>long</value></item></tagSet></r>"};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        struct found f = {0};
        struct mir_error err = {0};
        assert_int_equal(read_xml(&found_table, texts[i], &f, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        mir_record_clear(&found_table, &f);
    }
    static const char *const documents[] = {"{\"id\":{}}", "{\"id\":[\"a\"]}", "{}",
                                            "{\"id\":\"a\",\"tagSet\":{\"item\":7}}",
                                            "{\"id\":\"a\",\"tagSet\":{\"item\":[7]}}"};
    for (size_t i = 0; i < MIR_NELEMS(documents); i++) {
        json_t *json = mir_json_parse(documents[i], strlen(documents[i]), 4096, NULL);
        struct found f = {0};
        struct mir_error err = {0};
        assert_int_equal(mir_json_read(&found_table, json, &f, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        mir_record_clear(&found_table, &f);
        json_decref(json);
    }
}

/* --- maps: objects whose members' names are somebody's own --- */

struct pair {
    const char *key, *value;
};

struct asked {
    const char *name, *port;
    const json_t *free;
    const struct pair *pairs, *beside;
    size_t pair_count, beside_count;
};

static const struct mir_field pair_fields[] = {
    MIR_ROW(struct pair, key, "*", MIR_PUT_TEXT),
    MIR_ROW(struct pair, value, "", MIR_PUT_EMPTY),
};
static const struct mir_table pair_table = MIR_TABLE(struct pair, pair_fields);
static const struct mir_field asked_fields[] = {
    MIR_ROW(struct asked, name, "server.name", MIR_PUT_TEXT),
    MIR_ROW(struct asked, port, "server.port_id", MIR_PUT_NULL),
    MIR_ROW(struct asked, free, "server.free", MIR_PUT_JSON),
    MIR_MANY(struct asked, pairs, pair_count, "server.metadata", MIR_PUT_MAP, &pair_table),
    MIR_MANY(struct asked, beside, beside_count, "server.", MIR_PUT_MAP, &pair_table),
};
static const struct mir_table asked_table = MIR_TABLE(struct asked, asked_fields);

static void test_maps_written(void **state)
{
    static const struct pair pairs[] = {{"a.b/c:d", "x"}, {"name", ""}, {"n", NULL}};
    static const struct pair beside[] = {{"hw_disk_bus", "ide"}, {"name", "not this one"}};
    json_t *free_form = json_pack("{s:[i]}", "k", 7);
    const struct asked asks[] = {
        {.name = "s"}, {"s", "p", free_form, pairs, beside, MIR_NELEMS(pairs), MIR_NELEMS(beside)}};
    static const char *const texts[] = {
        "{\"server\":{\"name\":\"s\",\"port_id\":null}}",
        "{\"server\":{\"name\":\"s\",\"port_id\":\"p\",\"free\":{\"k\":[7]},\"metadata\":{"
        "\"a.b/c:d\":\"x\",\"name\":\"\",\"n\":\"\"},\"hw_disk_bus\":\"ide\"}}"};
    for (size_t i = 0; i < MIR_NELEMS(asks); i++) {
        json_t *json = mir_json_write(&asked_table, &asks[i]);
        mir_auto_free char *text = mir_json_text(json);
        assert_string_equal(text, texts[i]);
        json_decref(json);
    }
    json_decref(free_form); /* it was copied */
}

struct found_pair {
    char *key, *value;
};

struct found_address {
    char text[46];
};

struct found_net {
    char *name;
    struct found_address *rows;
    size_t count;
};

struct found_maps {
    struct found_pair *pairs, *simple;
    struct found_net *nets;
    size_t pair_count, simple_count, net_count;
};

static const struct mir_field found_pair_fields[] = {
    MIR_ROW(struct found_pair, key, "*", MIR_GET_OWNED),
    MIR_ROW(struct found_pair, value, "", MIR_GET_OWNED),
};
static const struct mir_table found_pair_table = MIR_TABLE(struct found_pair, found_pair_fields);
static const struct mir_field found_address_fields[] = {
    MIR_MUST(struct found_address, text, "addr", MIR_GET_TEXT),
};
static const struct mir_table found_address_table =
    MIR_TABLE(struct found_address, found_address_fields);
static const struct mir_field found_net_fields[] = {
    MIR_ROW(struct found_net, name, "*", MIR_GET_OWNED),
    MIR_MANY(struct found_net, rows, count, "", MIR_GET_LIST, &found_address_table),
};
static const struct mir_table found_net_table = MIR_TABLE(struct found_net, found_net_fields);
static const struct mir_field found_maps_fields[] = {
    MIR_MANY(struct found_maps, pairs, pair_count, "metadata", MIR_GET_MAP, &found_pair_table),
    MIR_MANY(struct found_maps, simple, simple_count, "", MIR_GET_SIMPLE, &found_pair_table),
    MIR_MANY(struct found_maps, nets, net_count, "addresses", MIR_GET_MAP, &found_net_table),
};
static const struct mir_table found_maps_table = MIR_TABLE(struct found_maps, found_maps_fields);

static int read_maps(const char *text, struct found_maps *ret, struct mir_error *err)
{
    json_t *json = mir_json_parse(text, strlen(text), 4096, NULL);
    assert_non_null(json);
    int rc = mir_json_read(&found_maps_table, json, ret, err);
    json_decref(json);
    return rc;
}

static void test_maps_read(void **state)
{
    struct found_maps all = {0}, more = {0};
    static const char text[] =
        "{\"metadata\":{\"a/b\":\"x\",\"empty\":\"\"},\"id\":7,\"tags\":[\"t\"],\"none\":null,"
        "\"on\":true,\"addresses\":{\"my net\":[{\"addr\":\"10.0.0.1\"},{\"addr\":\"::1\"}],"
        "\"bare\":[]}}";
    assert_int_equal(read_maps(text, &all, NULL), 0);
    assert_int_equal(all.pair_count, 2);
    assert_string_equal(all.pairs[0].key, "a/b");
    assert_string_equal(all.pairs[0].value, "x");
    assert_null(all.pairs[1].value);
    assert_int_equal(all.simple_count, 2); /* neither lists, objects nor null */
    assert_string_equal(all.simple[0].value, "7");
    assert_string_equal(all.simple[1].value, "true");
    assert_int_equal(all.net_count, 2);
    assert_string_equal(all.nets[0].name, "my net");
    assert_int_equal(all.nets[0].count, 2);
    assert_string_equal(all.nets[0].rows[1].text, "::1");
    assert_int_equal(all.nets[1].count, 0);
    /* the next page */
    assert_int_equal(read_maps(text, &more, NULL), 0);
    mir_record_append(&found_maps_table, &all, &more);
    assert_int_equal(all.pair_count, 4);
    assert_int_equal(all.net_count, 4);
    assert_string_equal(all.nets[2].rows[0].text, "10.0.0.1");
    assert_int_equal(more.net_count, 0);
    assert_null(more.nets);
    mir_record_clear(&found_maps_table, &more);
    /* and a row added to what was joined has its room */
    assert_int_equal(read_maps(text, &all, NULL), 0);
    assert_int_equal(all.net_count, 6);
    mir_record_clear(&found_maps_table, &all);
    assert_null(all.nets);
}

static void test_maps_damaged(void **state)
{
    static const char *const texts[] = {
        "{\"metadata\":[]}",         "{\"metadata\":7}",           "{\"metadata\":{\"a\":{}}}",
        "{\"addresses\":{\"n\":7}}", "{\"addresses\":{\"n\":{}}}", "{\"addresses\":{\"n\":[{}]}}",
    };
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        struct found_maps all = {0};
        struct mir_error err = {0};
        if (!read_maps(texts[i], &all, &err) || err.kind != MIR_CORRUPT)
            fail_msg("%s", texts[i]);
        mir_record_clear(&found_maps_table, &all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps_written), cmocka_unit_test(test_maps_read),
        cmocka_unit_test(test_maps_damaged), cmocka_unit_test(test_form),
        cmocka_unit_test(test_json_written), cmocka_unit_test(test_xml_read),
        cmocka_unit_test(test_json_read),    cmocka_unit_test(test_rows_of_lists_in_lists),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
