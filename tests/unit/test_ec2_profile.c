/* SPDX-License-Identifier: ISC */
/* The first argument is tests/ec2/profiles.json: what botocore is held to as well. */
#include "profile.h"

#include <errno.h>

#include <jansson.h>

#include "api/buf.h"
#include "scratch.h"

static const char *cases_path;

/* The lines of a case as one text (owned), NULL when it has no such file. */
static char *joined(const json_t *test, const char *file)
{
    const json_t *lines = json_object_get(test, file), *line;
    if (!lines)
        return NULL;
    struct mir_buf text;
    mir_buf_init(&text, 65536);
    size_t i;
    json_array_foreach(lines, i, line)
    {
        assert_int_equal(mir_buf_adds(&text, i > 0 ? "\n" : ""), 0);
        assert_int_equal(mir_buf_adds(&text, json_string_value(line)), 0);
    }
    return mir_buf_take(&text);
}

/* What a collection says of one section, as the cases write it. */
static json_t *section_json(const struct ec2_profiles *list, enum ec2_section kind,
                            const char *name)
{
    json_t *section = json_object();
    const struct ec2_property *p;
    for (size_t i = 0; (p = ec2_profiles_property(list, kind, name, i)); i++) {
        if (!*p->sub) {
            if (!json_is_object(json_object_get(section, p->key)))
                json_object_set_new(section, p->key, json_string(p->value));
            continue;
        }
        if (!json_is_object(json_object_get(section, p->key)))
            json_object_set_new(section, p->key, json_object());
        json_object_set_new(json_object_get(section, p->key), p->sub, json_string(p->value));
    }
    return section;
}

static void check_sections(const struct ec2_profiles *list, const json_t *test)
{
    static const struct {
        const char *name;
        enum ec2_section kind;
    } kinds[] = {{"profiles", EC2_SECTION_PROFILE},
                 {"services", EC2_SECTION_SERVICES},
                 {"sso-session", EC2_SECTION_SSO_SESSION}};
    for (size_t k = 0; k < MIR_NELEMS(kinds); k++) {
        json_t *seen = json_object(), *none = json_object();
        const json_t *told = json_object_get(test, kinds[k].name);
        const char *name;
        for (size_t i = 0; (name = ec2_profiles_name(list, kinds[k].kind, i)); i++) {
            assert_true(ec2_profiles_has(list, kinds[k].kind, name));
            json_object_set_new(seen, name, section_json(list, kinds[k].kind, name));
        }
        if (!json_equal(seen, told ? told : none))
            print_error("seen: %s\n", json_dumps(seen, 0));
        assert_true(json_equal(seen, told ? told : none));
        json_decref(seen);
        json_decref(none);
    }
}

static void check_case(const json_t *test)
{
    static const char *const names[EC2_PROFILE_FILES] = {"config", "credentials"};
    struct ec2_profiles *list = ec2_profiles_new();
    struct mir_error err = {0};
    int rc = 0;
    for (int file = 0; file < EC2_PROFILE_FILES && !rc; file++) {
        mir_auto_free char *text = joined(test, names[file]);
        if (text)
            rc = ec2_profiles_parse(list, (enum ec2_profile_file)file, names[file], text,
                                    strlen(text), &err);
    }
    const json_t *line = json_object_get(test, "error");
    if (line) {
        mir_auto_free char *where = mir_format("config:%d: ", (int)json_integer_value(line));
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_ptr_equal(strstr(err.text, where), err.text);
        assert_string_not_equal(err.hint, "");
    } else {
        assert_int_equal(rc, 0);
        check_sections(list, test);
        size_t warnings = 0;
        while (ec2_profiles_warning(list, warnings))
            warnings++;
        assert_int_equal(warnings, json_integer_value(json_object_get(test, "warnings")));
    }
    ec2_profiles_free(list);
}

static void reads_the_cases(void **state)
{
    json_t *cases = json_load_file(cases_path, 0, NULL), *test;
    assert_non_null(cases);
    assert_true(json_array_size(cases) >= 60);
    size_t i;
    json_array_foreach(cases, i, test)
    {
        print_message("  %s\n", json_string_value(json_object_get(test, "name")));
        check_case(test);
    }
    json_decref(cases);
}

static void says_where_a_value_stands(void **state)
{
    mir_auto_free char *config =
        scratch_file(state, "config", "[profile foo]\n\nregion = r1\nrole_arn = x\n");
    mir_auto_free char *keys = scratch_file(state, "credentials", "[foo]\nregion = r2\n");
    mir_auto_free char *absent = mir_format("%s/absent", (const char *)*state);
    struct ec2_profiles *list = ec2_profiles_new();
    bool found = true;
    assert_int_equal(ec2_profiles_read(list, EC2_FILE_CONFIG, absent, &found, NULL), 0);
    assert_false(found);
    assert_int_equal(ec2_profiles_read(list, EC2_FILE_CONFIG, config, &found, NULL), 0);
    assert_true(found);
    assert_int_equal(ec2_profiles_read(list, EC2_FILE_CREDENTIALS, keys, &found, NULL), 0);

    const struct ec2_property *p =
        ec2_profiles_get(list, EC2_SECTION_PROFILE, "foo", "region", NULL);
    assert_string_equal(p->value, "r2");
    assert_string_equal(p->path, keys);
    assert_int_equal(p->file, EC2_FILE_CREDENTIALS);
    p = ec2_profiles_get_in(list, EC2_FILE_CONFIG, EC2_SECTION_PROFILE, "foo", "region", "");
    assert_string_equal(p->value, "r1");
    assert_int_equal(p->line, 3);
    assert_null(ec2_profiles_get(list, EC2_SECTION_PROFILE, "foo", "region", "sub"));
    assert_null(ec2_profiles_get(list, EC2_SECTION_SERVICES, "foo", "region", NULL));
    assert_null(ec2_profiles_get(list, EC2_SECTION_PROFILE, "bar", "region", NULL));
    ec2_profiles_free(list);
    ec2_profiles_free(NULL);
}

static void refuses_what_is_no_such_file(void **state)
{
    struct mir_error err = {0};
    struct ec2_profiles *list = ec2_profiles_new();
    assert_int_equal(ec2_profiles_parse(list, EC2_FILE_CONFIG, "f", "[default]\n\0", 11, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    err = (struct mir_error){0};
    assert_int_equal(ec2_profiles_read(list, EC2_FILE_CONFIG, *state, NULL, &err), -1);
    assert_int_equal(err.sys_errno, EISDIR);
    ec2_profiles_free(list);
}

/* A text of `head` and then `line` repeated. */
static int parse_many(const char *head, const char *line, size_t count, struct mir_error *err)
{
    struct mir_buf text;
    mir_buf_init(&text, (size_t)8 << 20);
    assert_int_equal(mir_buf_adds(&text, head), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(mir_buf_adds(&text, line), 0);
    struct ec2_profiles *list = ec2_profiles_new();
    int rc = ec2_profiles_parse(list, EC2_FILE_CONFIG, "f", text.data, text.len, err);
    ec2_profiles_free(list);
    mir_buf_clear(&text);
    return rc;
}

static void has_limits(void **state)
{
    static const struct {
        const char *head, *line;
        size_t allowed, refused;
    } cases[] = {
        {"[default]\n", "a=1\n", EC2_PROFILE_ITEMS_MAX - 1, EC2_PROFILE_ITEMS_MAX},
        {"[default]\na=1\n", " x\n", EC2_PROFILE_ITEMS_MAX - 2, EC2_PROFILE_ITEMS_MAX - 1},
        {"[default]\na=1\n", " xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
         1023, 1025},
        {"", "[x]\n", EC2_PROFILE_ITEMS_MAX * 2, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct mir_error err = {0};
        assert_int_equal(parse_many(cases[i].head, cases[i].line, cases[i].allowed, &err), 0);
        if (!cases[i].refused)
            continue;
        assert_int_equal(parse_many(cases[i].head, cases[i].line, cases[i].refused, &err), -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_cases),
        cmocka_unit_test(says_where_a_value_stands),
        cmocka_unit_test(refuses_what_is_no_such_file),
        cmocka_unit_test(has_limits),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s profiles.json\n", argv[0]);
        return 2;
    }
    cases_path = argv[1];
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
