/* SPDX-License-Identifier: ISC */
#include "api/config.h"

#include "scratch.h"

static void reads_sections_keys_and_comments(void **state)
{
    mir_auto_free char *path = scratch_file(state, "config",
                                            "# a comment\n"
                                            "ttl = 2h\n"
                                            "\n"
                                            "[local]\n"
                                            "  memory=64M  \n"
                                            "; another\n"
                                            "note = a = b # kept\r\n"
                                            "empty =\n"
                                            "[ other ]\n"
                                            "ttl = 1h");
    struct mir_config *config = NULL;
    struct mir_error err = {0};
    assert_int_equal(mir_config_load_file(path, &config, &err), 0);
    assert_string_equal(mir_config_get(config, "", "ttl"), "2h");
    assert_string_equal(mir_config_get(config, "local", "memory"), "64M");
    assert_string_equal(mir_config_get(config, "local", "note"), "a = b # kept");
    assert_string_equal(mir_config_get(config, "local", "empty"), "");
    assert_string_equal(mir_config_get(config, "other", "ttl"), "1h");
    assert_null(mir_config_get(config, "local", "ttl"));
    assert_null(mir_config_get(config, "none", "ttl"));

    size_t count = 0;
    const struct mir_config_entry *entries = mir_config_entries(config, &count);
    assert_int_equal(count, 5);
    assert_string_equal(entries[1].file, path);
    assert_int_equal(entries[1].line, 5);
    assert_int_equal(entries[4].line, 10);
    mir_config_free(config);
}

static void copies_texts_and_chooses_words(void **state)
{
    mir_auto_free char *path = scratch_file(state, "config",
                                            "[cloud]\n"
                                            "name = near\n"
                                            "empty =\n"
                                            "way = disk\n"
                                            "format = qcow2\n"
                                            "long = 12345678\n");
    static const char *const ways[] = {"auto", "kernel", "disk", NULL};
    static const char *const formats[] = {"", "raw", "vhd", NULL};
    struct mir_config *config = NULL;
    struct mir_error err = {0};
    char name[8] = "", empty[8] = "kept", other[8] = "kept";
    const struct mir_config_text rows[] = {{"name", name, sizeof name},
                                           {"empty", empty, sizeof empty},
                                           {"other", other, sizeof other}};
    const struct mir_config_text late[] = {{"long", name, sizeof name}};
    bool any = false;
    int chosen = 7;
    assert_int_equal(mir_config_load_file(path, &config, &err), 0);
    assert_int_equal(mir_config_texts(config, "cloud", rows, 3, &any, &err), 0);
    assert_true(any);
    assert_string_equal(name, "near");
    assert_string_equal(empty, "kept");
    assert_string_equal(other, "kept");
    assert_int_equal(mir_config_texts(config, "cloud", rows + 1, 2, &any, &err), 0);
    assert_false(any);
    assert_int_equal(mir_config_texts(config, "cloud", late, 1, &any, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_string_equal(err.text, "[cloud] long = is too long");
    assert_int_equal(mir_config_choice(config, "cloud", "way", ways, &chosen, &err), 0);
    assert_int_equal(chosen, 2);
    assert_int_equal(mir_config_choice(config, "cloud", "empty", ways, &chosen, &err), 0);
    assert_int_equal(chosen, 0);
    assert_int_equal(mir_config_choice(NULL, "cloud", "way", ways, &chosen, &err), 0);
    assert_int_equal(mir_config_choice(config, "cloud", "name", ways, &chosen, &err), -1);
    assert_string_equal(err.text, "[cloud] name = near: has to be auto, kernel or disk");
    assert_int_equal(mir_config_choice(config, "cloud", "format", formats, &chosen, &err), -1);
    assert_string_equal(err.text, "[cloud] format = qcow2: has to be raw or vhd");
    mir_config_free(config);
}

static void names_the_line_it_cannot_read(void **state)
{
    static const char *const bad[] = {"ttl = 1h\nnonsense\n", "\n= 1h\n", "\n[local\n"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        mir_auto_free char *path = scratch_file(state, "bad", bad[i]);
        mir_auto_free char *where = mir_format("%s:2:", path);
        struct mir_config *config = NULL;
        struct mir_error err = {0};
        assert_int_equal(mir_config_load_file(path, &config, &err), -1);
        assert_null(config);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.text, where));
        assert_string_not_equal(err.hint, "");
    }
}

static void nearer_files_shadow_farther_ones(void **state)
{
    const char *dir = *state;
    mir_auto_free char *user = mir_format("%s/xdg/mirage-deploy", dir);
    assert_int_equal(mir_dir_make(user, 0700, NULL), 0);
    mir_auto_free char *near = scratch_file(state, "mirage-deploy.ini", "ttl = 1h\n");
    mir_auto_free char *far =
        scratch_file(state, "xdg/mirage-deploy/config", "ttl = 2h\nname = far\n");
    mir_auto_free char *xdg = mir_format("%s/xdg", dir);
    mir_auto_free char *was = getcwd(NULL, 0);
    unsetenv("MIRAGE_DEPLOY_CONFIG");
    setenv("XDG_CONFIG_HOME", xdg, 1);
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(access(near, R_OK), 0);

    struct mir_config *config = NULL;
    assert_int_equal(mir_config_load(&config, NULL), 0);
    assert_string_equal(mir_config_get(config, "", "ttl"), "1h");
    assert_string_equal(mir_config_get(config, "", "name"), "far");
    mir_config_free(config);

    /* One file named: it alone counts, and has to be there. */
    setenv("MIRAGE_DEPLOY_CONFIG", far, 1);
    assert_int_equal(mir_config_load(&config, NULL), 0);
    assert_string_equal(mir_config_get(config, "", "ttl"), "2h");
    mir_config_free(config);
    setenv("MIRAGE_DEPLOY_CONFIG", "/nonexistent/config", 1);
    struct mir_error err = {0};
    assert_int_equal(mir_config_load(&config, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
    unsetenv("MIRAGE_DEPLOY_CONFIG");
    assert_int_equal(chdir(was), 0);
}

static void absent_files_are_no_fault(void **state)
{
    mir_auto_free char *was = getcwd(NULL, 0);
    unsetenv("MIRAGE_DEPLOY_CONFIG");
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    assert_int_equal(chdir(*state), 0);
    unlink("mirage-deploy.ini");
    struct mir_config *config = NULL;
    assert_int_equal(mir_config_load(&config, NULL), 0);
    mir_config_free(config);
    assert_int_equal(chdir(was), 0);
}

static void refuses_a_file_that_is_too_large(void **state)
{
    char *text = mir_calloc(MIR_CONFIG_FILE_MAX + 2, 1);
    memset(text, '#', MIR_CONFIG_FILE_MAX + 1);
    mir_auto_free char *path = scratch_file(state, "large", text);
    free(text);
    struct mir_config *config = NULL;
    struct mir_error err = {0};
    assert_int_equal(mir_config_load_file(path, &config, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

static void nothing_configured(void **state)
{
    struct mir_config *config = mir_config_new();
    size_t count = 1;
    mir_config_entries(config, &count);
    assert_int_equal(count, 0);
    assert_null(mir_config_get(config, "", "ttl"));
    assert_null(mir_config_get(NULL, "", "ttl"));
    mir_config_free(config);
    mir_config_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sections_keys_and_comments),
        cmocka_unit_test(copies_texts_and_chooses_words),
        cmocka_unit_test(names_the_line_it_cannot_read),
        cmocka_unit_test(nearer_files_shadow_farther_ones),
        cmocka_unit_test(absent_files_are_no_fault),
        cmocka_unit_test(refuses_a_file_that_is_too_large),
        cmocka_unit_test(nothing_configured),
    };
    return cmocka_run_group_tests_name("config", tests, scratch_make, scratch_remove);
}
