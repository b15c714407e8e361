/* SPDX-License-Identifier: ISC */
/* The two tables against their own rules. */
#include "options.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd.h"

static void names_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OPT_COUNT; i++)
        for (unsigned k = i + 1; k < OPT_COUNT; k++)
            assert_string_not_equal(cmd_options[i].name, cmd_options[k].name);
    for (size_t i = 0; i < cmd_command_count; i++)
        for (size_t k = i + 1; k < cmd_command_count; k++)
            assert_string_not_equal(cmd_commands[i].name, cmd_commands[k].name);
}

static void letters_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OPT_COUNT; i++)
        for (unsigned k = i + 1; k < OPT_COUNT; k++)
            if (cmd_options[i].letter && cmd_options[i].letter == cmd_options[k].letter)
                assert_int_equal(cmd_options[i].commands & cmd_options[k].commands, 0);
}

static void rows_are_complete(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct cmd_option *option = &cmd_options[i];
        bool flag = option->type == CMD_FLAG || option->type == CMD_SWITCH;
        assert_non_null(option->name);
        assert_true(option->help && *option->help);
        assert_true(flag == (option->arg == NULL));
        assert_true(option->type != CMD_CHOICE || option->choices);
        assert_true(option->commands != 0);
        for (const char *p = option->name; *p; p++)
            assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '-');
    }
    for (size_t i = 0; i < cmd_command_count; i++) {
        assert_non_null(cmd_commands[i].run);
        assert_true(*cmd_commands[i].summary != '\0');
        assert_true((unsigned)cmd_commands[i].id < CMD_ID_COUNT);
        /* What is needed can be asked for. */
        for (unsigned k = 0; k < cmd_commands[i].required; k++)
            assert_non_null(cmd_options[cmd_commands[i].places[k]].prompt);
        /* By place, or as a flag, never both. */
        for (unsigned k = 0; k < CMD_PLACES_MAX && cmd_commands[i].places[k] != OPT_NONE; k++)
            assert_false(cmd_option_taken(cmd_commands[i].places[k], cmd_commands[i].id));
    }
}

static void environment_names(void **state)
{
    char env[CMD_ENV_SIZE];
    (void)state;
    cmd_option_env(&cmd_options[OPT_WAIT_TIMEOUT], env);
    assert_string_equal(env, "MIRAGE_DEPLOY_WAIT_TIMEOUT");
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        cmd_option_env(&cmd_options[i], env);
        assert_true(strlen(env) < CMD_ENV_SIZE - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(letters_are_unique),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(environment_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
