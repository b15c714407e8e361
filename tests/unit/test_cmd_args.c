/* SPDX-License-Identifier: ISC */
#include "args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd.h"

#define ARGV_MAX 12

/* Words separated by spaces; borrowed until the next call. */
static int parse(struct cmd_args *args, const char *line, struct mir_error *err)
{
    static char copy[512];
    static char *argv[ARGV_MAX + 1];
    int argc = 0;
    memset(args, 0, sizeof *args);
    snprintf(copy, sizeof copy, "%s", line);
    for (char *p = copy; *p && argc < ARGV_MAX;) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    argv[argc] = NULL;
    return cmd_args_parse(args, argc, argv, err);
}

static void usual_forms(void **state)
{
    struct cmd_args args;
    (void)state;
    assert_int_equal(parse(&args, "m local k.elf --ttl=1h -p 8080:80 -p81 --no-list -- a b", NULL),
                     0);
    assert_string_equal(args.command->name, "local");
    assert_string_equal(cmd_args_text(&args, OPT_KERNEL), "k.elf");
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 3600);
    assert_string_equal(cmd_args_nth(&args, OPT_PUBLISH, 0), "8080:80");
    assert_string_equal(cmd_args_nth(&args, OPT_PUBLISH, 1), "81");
    assert_null(cmd_args_nth(&args, OPT_PUBLISH, 2));
    assert_false(cmd_args_flag(&args, OPT_LIST, true));
    assert_string_equal(args.rest[0], "a");
    assert_string_equal(args.rest[1], "b");
    assert_null(args.rest[2]);
    cmd_args_clear(&args);
}

static void other_forms(void **state)
{
    struct cmd_args args;
    (void)state;
    /* options before the command, letters in a row, the last of two wins, two-word commands */
    assert_int_equal(parse(&args, "m --json -q ps -aq", NULL), 0);
    assert_true(cmd_args_flag(&args, OPT_JSON, false));
    assert_true(cmd_args_flag(&args, OPT_ALL, false));
    cmd_args_clear(&args);
    assert_int_equal(parse(&args, "m local k --ttl 1h --ttl 2h", NULL), 0);
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 7200);
    cmd_args_clear(&args);
    assert_int_equal(parse(&args, "m --state /x site add http://h/ --name n", NULL), 0);
    assert_string_equal(args.command->name, "site add");
    assert_string_equal(cmd_args_text(&args, OPT_URL), "http://h/");
    cmd_args_clear(&args);
    assert_int_equal(parse(&args, "m rm a b c", NULL), 0);
    assert_string_equal(cmd_args_nth(&args, OPT_NAME, 2), "c");
    cmd_args_clear(&args);
    assert_int_equal(parse(&args, "m show -- name", NULL), 0);
    assert_string_equal(cmd_args_text(&args, OPT_NAME), "name");
    cmd_args_clear(&args);
    assert_int_equal(parse(&args, "m inspect -", NULL), 0);
    assert_string_equal(cmd_args_text(&args, OPT_KERNEL), "-");
    cmd_args_clear(&args);
}

static void refusals(void **state)
{
    static const struct {
        const char *line, *text, *hint;
    } rows[] = {
        {"m local k --tll 1h", "unknown option --tll for 'local'", "did you mean --ttl?"},
        {"m local k --tll=1h", "unknown option --tll", "--ttl"},
        {"m ps --ttl 1h", "unknown option --ttl for 'ps'", "mirage-deploy ps --help"},
        {"m local k -x", "unknown option -x", "--help"},
        {"m local k --no-anyway", "unknown option --no-anyway", "--help"},
        {"m local k --ttl", "--ttl needs a value", "DURATION"},
        {"m local k -p", "--publish needs a value", "GUEST"},
        {"m local k --detach=yes", "--detach takes no value", "leave out"},
        {"m local k extra", "no further argument: 'extra'", "-- extra"},
        {"m ps extra", "'ps' takes no further argument", "--help"},
        {"m lokal k", "unknown command 'lokal'", "did you mean 'local'?"},
        {"m rackspace k", "no provider 'rackspace'", "built with: local"},
        {"m ./k.elf", "unknown command './k.elf'", "mirage-deploy local ./k.elf"},
        {"m site", "'site' needs", "add, verify, rm"},
        {"m site ad http://h/", "'site' needs", "add"},
        {"m --ttl 1h local k", "unknown option --ttl", "--help"},
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct cmd_args args;
        struct mir_error err = {0};
        assert_int_equal(parse(&args, rows[i].line, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.text, rows[i].text));
        assert_non_null(strstr(err.hint, rows[i].hint));
        cmd_args_clear(&args);
    }
}

static char config_path[] = "/tmp/test_cmd_args.XXXXXX";

static int setup(void **state)
{
    static const char text[] = "ttl = 3h\nname = from-config\nlist = no\npublish = 1, 2\n"
                               "[local]\nttl = 4h\n[other]\nttl = 5h\n";
    int fd = mkstemp(config_path);
    (void)state;
    setenv("MIRAGE_DEPLOY_CONFIG", config_path, 1);
    unsetenv("MIRAGE_DEPLOY_TTL");
    ssize_t n = fd >= 0 ? write(fd, text, sizeof text - 1) : -1;
    close(fd);
    return n == (ssize_t)sizeof text - 1 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(config_path);
}

/* flag > environment > the provider's section > the head of the file */
static void precedence(void **state)
{
    struct cmd_args args;
    (void)state;
    parse(&args, "m plan local k", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 4 * 3600);
    assert_string_equal(cmd_args_text(&args, OPT_NAME), "from-config");
    assert_false(cmd_args_flag(&args, OPT_LIST, true));
    assert_string_equal(cmd_args_nth(&args, OPT_PUBLISH, 1), "2");
    assert_int_equal(cmd_args_item(&args, OPT_TTL)->line, 6);
    cmd_args_clear(&args);

    setenv("MIRAGE_DEPLOY_TTL", "2h", 1);
    parse(&args, "m local k", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 2 * 3600);
    assert_int_equal(cmd_args_item(&args, OPT_TTL)->origin, CMD_FROM_ENV);
    cmd_args_clear(&args);

    parse(&args, "m local k --ttl 1h", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 3600);
    cmd_args_clear(&args);
    unsetenv("MIRAGE_DEPLOY_TTL");
}

/* What waits for clouds is not for this machine; what was typed is for the provider to refuse. */
static void for_clouds_only(void **state)
{
    struct cmd_args args;
    (void)state;
    setenv("MIRAGE_DEPLOY_REGION", "eu-central-1", 1);
    setenv("MIRAGE_DEPLOY_SPOT", "yes", 1);
    setenv("MIRAGE_DEPLOY_OPEN", "80, 8443", 1);
    setenv("MIRAGE_DEPLOY_BUDGET", "2.50", 1);
    setenv("MIRAGE_DEPLOY_NIC", "e1000", 1);
    parse(&args, "m local k", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_null(cmd_args_item(&args, OPT_REGION));
    assert_null(cmd_args_item(&args, OPT_SPOT));
    assert_null(cmd_args_item(&args, OPT_OPEN));
    assert_string_equal(cmd_args_text(&args, OPT_BUDGET), "2.50");
    assert_string_equal(cmd_args_text(&args, OPT_NIC), "e1000");
    cmd_args_clear(&args);
    parse(&args, "m local k --region here --open 1 --open 2", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_string_equal(cmd_args_text(&args, OPT_REGION), "here");
    assert_string_equal(cmd_args_nth(&args, OPT_OPEN, 1), "2");
    cmd_args_clear(&args);
    unsetenv("MIRAGE_DEPLOY_REGION");
    unsetenv("MIRAGE_DEPLOY_SPOT");
    unsetenv("MIRAGE_DEPLOY_OPEN");
    unsetenv("MIRAGE_DEPLOY_BUDGET");
    unsetenv("MIRAGE_DEPLOY_NIC");
}

static void deadline_from_two_sources(void **state)
{
    struct cmd_args args;
    struct mir_error err = {0};
    (void)state;
    parse(&args, "m local k --until 2026-11-20T18:30:00Z", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_null(cmd_args_text(&args, OPT_TTL)); /* the file's ttl gives way */
    cmd_args_clear(&args);
    parse(&args, "m local k --ttl 1h --until 2026-11-20T18:30:00Z", NULL);
    assert_int_equal(cmd_args_complete(&args, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    cmd_args_clear(&args);
}

/* The nearest source says when it ends, also that it does not. */
static void forever_and_the_others(void **state)
{
    struct cmd_args args;
    struct mir_error err = {0};
    (void)state;
    parse(&args, "m local k --forever --reason because", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_non_null(cmd_args_item(&args, OPT_FOREVER));
    assert_null(cmd_args_text(&args, OPT_TTL)); /* the file's */
    cmd_args_clear(&args);
    static const char *const both[] = {
        "m local k --forever --reason r --ttl 1h",
        "m local k --until 2026-11-20T18:30:00Z --reason r --forever",
        "m extend n 1h --until 2026-11-20T18:30:00Z",
        "m local k --reason r",
    };
    for (size_t i = 0; i < MIR_NELEMS(both); i++) {
        parse(&args, both[i], NULL);
        assert_int_equal(cmd_args_complete(&args, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_non_null(strstr(err.hint, i < 3 ? "give one of them" : "both or neither"));
        cmd_args_clear(&args);
    }
    setenv("MIRAGE_DEPLOY_FOREVER", "1", 1);
    setenv("MIRAGE_DEPLOY_REASON", "because", 1);
    parse(&args, "m local k", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_non_null(cmd_args_item(&args, OPT_FOREVER));
    assert_string_equal(cmd_args_text(&args, OPT_REASON), "because");
    cmd_args_clear(&args);
    parse(&args, "m local k --ttl 1h", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_null(cmd_args_item(&args, OPT_FOREVER));
    assert_null(cmd_args_item(&args, OPT_REASON));
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 3600);
    cmd_args_clear(&args);
    setenv("MIRAGE_DEPLOY_FOREVER", "no", 1);
    parse(&args, "m local k", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_null(cmd_args_item(&args, OPT_FOREVER));
    assert_int_equal(cmd_args_seconds(&args, OPT_TTL), 4 * 3600);
    cmd_args_clear(&args);
    unsetenv("MIRAGE_DEPLOY_FOREVER");
    unsetenv("MIRAGE_DEPLOY_REASON");
    parse(&args, "m local k --forever", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_int_equal(cmd_args_require(&args, OPT_REASON, false, &err), -1);
    assert_non_null(strstr(err.text, "--reason is missing"));
    cmd_args_clear(&args);
    parse(&args, "m local k --forever --reason a\tb", NULL);
    assert_int_equal(cmd_args_complete(&args, &err), -1);
    assert_non_null(strstr(err.text, "--reason: the reason holds a control character"));
    cmd_args_clear(&args);
}

/* A bad value says where it stands. */
static void bad_values(void **state)
{
    struct cmd_args args;
    struct mir_error err = {0};
    (void)state;
    setenv("MIRAGE_DEPLOY_MEMORY", "lots", 1);
    parse(&args, "m local k", NULL);
    assert_int_equal(cmd_args_complete(&args, &err), -1);
    assert_non_null(strstr(err.text, "MIRAGE_DEPLOY_MEMORY"));
    cmd_args_clear(&args);
    unsetenv("MIRAGE_DEPLOY_MEMORY");
    parse(&args, "m local k --ttl soon", NULL);
    assert_int_equal(cmd_args_complete(&args, &err), -1);
    assert_non_null(strstr(err.text, "--ttl"));
    cmd_args_clear(&args);
}

static void missing_input(void **state)
{
    struct cmd_args args;
    struct mir_error err = {0};
    (void)state;
    parse(&args, "m local", NULL);
    assert_int_equal(cmd_args_complete(&args, NULL), 0);
    assert_int_equal(cmd_args_require_places(&args, false, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, "KERNEL"));
    assert_non_null(strstr(err.hint, "MIRAGE_DEPLOY_KERNEL"));
    cmd_args_clear(&args);
    parse(&args, "m wait x", NULL);
    assert_int_equal(cmd_args_require(&args, OPT_FOR, false, &err), -1);
    assert_non_null(strstr(err.hint, "--for"));
    assert_non_null(strstr(err.hint, "MIRAGE_DEPLOY_FOR"));
    cmd_args_clear(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_forms),
        cmocka_unit_test(other_forms),
        cmocka_unit_test(refusals),
        cmocka_unit_test(precedence),
        cmocka_unit_test(for_clouds_only),
        cmocka_unit_test(deadline_from_two_sources),
        cmocka_unit_test(forever_and_the_others),
        cmocka_unit_test(bad_values),
        cmocka_unit_test(missing_input),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
