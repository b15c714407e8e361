/* SPDX-License-Identifier: ISC */
#include "openstack/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

/* A world of files and variables, and what becomes of it. */
struct fixture {
    char folder[64];
    char *variables[16];
    size_t variable_count;
    const char *cloud, *region, *answer; /* the answer of a profile's URL */
    char asked[256];
    struct os_config *config;
    struct os_cloud got;
    struct mir_error err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    snprintf(f->folder, sizeof f->folder, "/tmp/os-config-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
}

static void put(struct fixture *f, const char *path, const char *text)
{
    mir_auto_free char *whole = mir_format("%s/%s", f->folder, path);
    for (char *slash = strchr(whole + strlen(f->folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void set(struct fixture *f, const char *variable)
{
    f->variables[f->variable_count++] = mir_strdup(variable);
}

static char *fetch(void *ctx, const char *url, struct mir_error *err)
{
    struct fixture *f = ctx;
    mir_copy(f->asked, sizeof f->asked, url);
    if (!f->answer)
        mir_fail(err, MIR_UNAVAILABLE, "nobody is there");
    return mir_strdup(f->answer);
}

static int load(struct fixture *f)
{
    mir_auto_free char *home = mir_format("HOME=%s/home", f->folder);
    const char *environment[18] = {home};
    for (size_t i = 0; i < f->variable_count; i++)
        environment[i + 1] = f->variables[i];
    struct os_config_wish wish = {.cloud = f->cloud,
                                  .region = f->region,
                                  .environment = environment,
                                  .folder = f->folder,
                                  .etc = f->folder,
                                  .fetch = fetch,
                                  .fetch_ctx = f};
    os_config_free(f->config);
    os_cloud_clear(&f->got);
    f->err = (struct mir_error){0};
    f->config = os_config_load(&wish, &f->err);
    return f->config ? os_config_cloud(f->config, &f->got, &f->err) : -1;
}

static void end(struct fixture *f)
{
    os_config_free(f->config);
    os_cloud_clear(&f->got);
    for (size_t i = 0; i < f->variable_count; i++)
        free(f->variables[i]);
    mir_dir_remove_at(-1, f->folder, NULL);
}

#define AUTH "{auth_url: 'https://k.example/v3', username: me, password: secret-word}"

static const char two[] = "clouds:\n"
                          "  first:\n"
                          "    auth: " AUTH "\n"
                          "    region_name: R1\n"
                          "  second:\n"
                          "    auth:\n"
                          "      auth_url: https://{region_name}.example:5000/v3\n"
                          "      application_credential_id: abc\n"
                          "      application_credential_secret: very-secret\n"
                          "    auth_type: v3applicationcredential\n"
                          "    regions: [R1, {name: R2, values: {interface: internal}}]\n"
                          "    verify: false\n"
                          "    compute_default_microversion: 2.10\n"
                          "    networks:\n"
                          "    - {name: out, routes_externally: true}\n"
                          "    - {name: in, default_interface: true}\n";

static void reads_a_cloud(void **state)
{
    struct fixture f;
    begin(&f);
    put(&f, "clouds.yaml", two);
    f.cloud = "second";
    f.region = "R2";
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.name, "second");
    assert_int_equal(f.got.auth_type, OS_AUTH_APPLICATION_CREDENTIAL);
    assert_string_equal(f.got.auth_url, "https://R2.example:5000/v3");
    assert_string_equal(f.got.application.id, "abc");
    assert_string_equal(f.got.application_secret, "very-secret");
    assert_string_equal(f.got.region, "R2");
    assert_string_equal(f.got.interface, "internal");
    assert_true(f.got.insecure);
    assert_string_equal(f.got.services[OS_COMPUTE].microversion, "2.10");
    assert_string_equal(f.got.external_network, "out");
    assert_string_equal(f.got.default_network, "in");
    assert_int_equal(f.got.requires_floating_ip, -1);
    assert_null(f.got.image_format);
    end(&f);
}

static const struct os_config_row *row(struct os_config_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void says_who_said_what(void **state)
{
    struct fixture f;
    struct os_config_row rows[OS_CONFIG_ROWS_MAX];
    begin(&f);
    put(&f, "clouds.yaml", two);
    put(&f, "home/.config/openstack/secure.yaml",
        "clouds:\n  first:\n    auth:\n      password: another\n");
    set(&f, "OS_CLOUD=first");
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.password, "another");
    size_t count = os_config_rows(f.config, rows);
    assert_string_equal(row(rows, count, "cloud")->origin, "OS_CLOUD");
    mir_auto_free char *file = mir_format("%s/clouds.yaml", f.folder);
    mir_auto_free char *line = mir_format("%s:3", file);
    mir_auto_free char *secure = mir_format("%s/home/.config/openstack/secure.yaml:4", f.folder);
    assert_string_equal(row(rows, count, "clouds file")->value, file);
    assert_string_equal(row(rows, count, "username")->origin, line);
    assert_string_equal(row(rows, count, "username")->value, "me");
    assert_string_equal(row(rows, count, "password")->origin, secure);
    assert_string_equal(row(rows, count, "password")->value, "(hidden)");
    for (size_t i = 0; i < count; i++)
        assert_null(strstr(rows[i].value, "another"));
    end(&f);
}

static void reads_variables(void **state)
{
    struct fixture f;
    struct os_config_row rows[OS_CONFIG_ROWS_MAX];
    begin(&f);
    put(&f, "clouds.yaml", two);
    set(&f, "OS_AUTH_URL=https://me:pass@k.example/v3");
    set(&f, "OS_USERNAME=envy");
    set(&f, "OS_PASSWORD=secret");
    set(&f, "OS_TENANT_NAME=p");
    set(&f, "OS_COMPUTE_ENDPOINT_OVERRIDE=http://n/");
    assert_int_equal(load(&f), -1); /* api/http.h takes no user name in a URL */
    assert_non_null(strstr(f.err.text, "OS_AUTH_URL"));
    assert_null(strstr(f.err.text, "pass@"));
    size_t count = os_config_rows(f.config, rows);
    assert_string_equal(row(rows, count, "auth_url")->value, "https://(hidden)@k.example/v3");
    free(f.variables[0]);
    f.variables[0] = mir_strdup("OS_AUTH_URL=https://k.example/v3");
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.name, "envvars");
    assert_string_equal(f.got.project.name, "p");
    assert_string_equal(f.got.services[OS_COMPUTE].endpoint_override, "http://n/");
    assert_string_equal(os_config_name(f.config, 2), "envvars");
    assert_null(os_config_name(f.config, 3));
    end(&f);
}

static void says_which_clouds_there_are(void **state)
{
    struct fixture f;
    begin(&f);
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_string_equal(f.err.text, "no OpenStack cloud is described");
    put(&f, "openstack/clouds.yaml", two); /* of /etc */
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_USAGE);
    assert_non_null(strstr(f.err.text, "several clouds, and none is chosen: first, second"));
    assert_string_equal(f.err.hint, "set OS_CLOUD to one of them");
    set(&f, "OS_CLOUD=fisrt");
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_CREDENTIALS);
    assert_string_equal(f.err.text, "there is no cloud 'fisrt' (OS_CLOUD)");
    assert_string_equal(f.err.hint, "did you mean 'first'?");
    f.cloud = "second";
    f.region = "R3";
    assert_int_equal(load(&f), -1);
    assert_non_null(strstr(f.err.text, "there is no region 'R3' (chosen) in "));
    assert_non_null(strstr(f.err.text, ": R1, R2"));
    end(&f);
}

static void refuses_with_place_and_fix(void **state)
{
    static const struct {
        const char *yaml, *text, *hint;
        enum mir_kind kind;
    } cases[] = {
        {"clouds: [a]\n", "/clouds.yaml:1: `clouds` has to be a mapping", "", MIR_USAGE},
        {"clouds:\n  a: b\n", "/clouds.yaml:2: `a` has to be a mapping", "", MIR_USAGE},
        {"clouds:\n  a:\n    auth: no\n", "/clouds.yaml:3: `auth` has to be a mapping", "",
         MIR_USAGE},
        {"clouds:\n  a:\n  a:\n", "/clouds.yaml: line 3: 'a' is said twice", "", MIR_USAGE},
        {"clouds:\n  a:\n    auth:\n      password: yes\n",
         "/clouds.yaml:4: `auth.password` has to be a text",
         "put it into quotes: true, yes or on is a boolean otherwise", MIR_USAGE},
        {"clouds:\n  a:\n    auth: " AUTH "\n    insecure: 1\n",
         "/clouds.yaml:4: `insecure` is neither true nor false", "write true or false", MIR_USAGE},
        {"clouds:\n  a:\n    auth: " AUTH "\n    auth_type: v3totp\n",
         "/clouds.yaml:4: auth_type 'v3totp' is not served here",
         "make an application credential and write v3applicationcredential; password and token are "
         "served, too",
         MIR_USAGE},
        {"clouds:\n  a:\n    auth: {auth_url: 'https://k', username: u}\n", "`password` is missing",
         NULL, MIR_CREDENTIALS},
        {"clouds:\n  a:\n    auth: {auth_url: 'ftp://k', username: u, password: p}\n",
         "/clouds.yaml:3: auth_url: ", "", MIR_USAGE},
        {"clouds:\n  a:\n    auth: {auth_url: 'https://{x}/', username: u, password: p}\n",
         "/clouds.yaml:3: {x} stands in it, and nothing is said of that", NULL, MIR_USAGE},
        {"clouds:\n  a:\n    auth: " AUTH
         "\n    networks: [{name: n, nat_destination: true}, {name: "
         "m, nat_destination: true}]\n",
         "/clouds.yaml:4: two networks have `nat_destination`: 'n' and 'm'",
         "leave it to one of them", MIR_USAGE},
        {"clouds:\n  envvars: {}\n",
         "describes a cloud 'envvars', which is the name of the one that OS_* variables make",
         "rename it, or set OS_CLOUD_NAME to another name", MIR_USAGE},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct fixture f;
        begin(&f);
        put(&f, "clouds.yaml", cases[i].yaml);
        assert_int_equal(load(&f), -1);
        if (!strstr(f.err.text, cases[i].text))
            fail_msg("%s: %s", cases[i].yaml, f.err.text);
        assert_int_equal(f.err.kind, cases[i].kind);
        if (cases[i].hint && *cases[i].hint)
            assert_string_equal(f.err.hint, cases[i].hint);
        assert_null(strstr(f.err.text, "secret-word"));
        end(&f);
    }
}

static void names_a_file_that_is_not_there(void **state)
{
    struct fixture f;
    begin(&f);
    put(&f, "clouds.yaml", two);
    set(&f, "OS_CLIENT_CONFIG_FILE=/nowhere/at/all");
    assert_int_equal(load(&f), -1);
    assert_string_equal(f.err.text,
                        "OS_CLIENT_CONFIG_FILE names /nowhere/at/all, which is not there");
    end(&f);
}

static void passes_over_what_it_may_not_read(void **state)
{
    struct fixture f;
    uid_t self = geteuid();
    begin(&f);
    chmod(f.folder, 0755);
    put(&f, "clouds.yaml", "clouds: {hidden: {}}");
    put(&f, "openstack/clouds.yaml", two);
    mir_auto_free char *path = mir_format("%s/clouds.yaml", f.folder);
    chmod(path, 0);
    f.cloud = "first";
    if (self == 0)
        assert_int_equal(seteuid(65534), 0); /* root may read all */
    int rc = load(&f);
    if (self == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(os_config_warning(f.config, 0), "may not be read"));
    end(&f);
}

static void takes_profiles(void **state)
{
    struct fixture f;
    begin(&f);
    put(&f, "clouds.yaml",
        "clouds:\n"
        "  rax: {profile: rackspace, auth: {username: u, password: p}}\n"
        "  url: {profile: 'https://c.example/x', auth: {username: u, password: "
        "p}}\n"
        "  plain: {profile: 'http://c.example', auth: {username: u, password: "
        "p}}\n"
        "  vex: {profile: vexxhost, auth: {username: u, password: p}}\n");
    f.cloud = "rax";
    f.region = "LON";
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.image_format, "vhd");
    assert_true(f.got.image_api_use_tasks);
    assert_int_equal(f.got.requires_floating_ip, 0);
    assert_string_equal(f.got.secgroup_source, "none");
    assert_string_equal(f.got.services[OS_COMPUTE].service_name, "cloudServersOpenStack");
    assert_string_equal(f.got.region, "LON");

    f.cloud = "url";
    f.region = NULL;
    f.answer = "{\"name\": \"zetta\", \"profile\": {\"auth\": {\"auth_url\": \"https://other/\"}, "
               "\"image_format\": \"raw\"}}";
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.asked, "https://c.example/.well-known/openstack/api");
    assert_string_equal(f.got.image_format, "raw");
    assert_string_equal(f.got.auth_url, "https://identity.api.zetta.io/v3"); /* known better here */
    f.answer = "{\"profile\": {}}";
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_CORRUPT);
    f.answer =
        "{\"name\": \"old\", \"profile\": {\"status\": \"shutdown\", \"message\": \"gone\"}}";
    assert_int_equal(load(&f), -1);
    assert_non_null(strstr(f.err.text, "a cloud that is no more: gone"));
    f.answer = NULL;
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_UNAVAILABLE);

    f.cloud = "plain";
    f.asked[0] = '\0';
    assert_int_equal(load(&f), -1);
    assert_int_equal(f.err.kind, MIR_POLICY);
    assert_string_equal(f.asked, "");

    f.cloud = "vex";
    f.answer = "{\"name\": \"vexxhost\", \"profile\": {\"auth\": {\"auth_url\": "
               "\"https://auth.vexxhost.example/v3\"}, \"region_name\": \"ca-1\"}}";
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.auth_url, "https://auth.vexxhost.example/v3");
    assert_string_equal(f.got.region, "ca-1");
    end(&f);
}

static void reads_json(void **state)
{
    struct fixture f;
    begin(&f);
    put(&f, "clouds.json",
        "{\"clouds\": {\"a\": {\"auth\": {\"auth_url\": \"https://k/\", "
        "\"username\": \"u\", \"password\": 12345}, \"verify\": false}}}");
    assert_int_equal(load(&f), 0);
    assert_string_equal(f.got.password, "12345");
    assert_true(f.got.insecure);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_cloud),
        cmocka_unit_test(says_who_said_what),
        cmocka_unit_test(reads_variables),
        cmocka_unit_test(says_which_clouds_there_are),
        cmocka_unit_test(refuses_with_place_and_fix),
        cmocka_unit_test(names_a_file_that_is_not_there),
        cmocka_unit_test(passes_over_what_it_may_not_read),
        cmocka_unit_test(takes_profiles),
        cmocka_unit_test(reads_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
