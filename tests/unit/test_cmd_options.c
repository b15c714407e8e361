/* SPDX-License-Identifier: ISC */
/* The two tables against their own rules, and against the tables whose words they offer. */
#include "options.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/machine.h"
#include "cmd.h"
#include "images/container.h"
#include "images/layout.h"

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

/* The client links no writer of images, so its lists are written by hand: the words and the order
 * of the tables, and behind the formats the one that is a folder. */
static void formats_are_the_containers(void **state)
{
    const char *const *choice = cmd_options[OPT_FORMAT].choices;
    (void)state;
    for (const struct img_container *c = img_containers(); c->name; c++, choice++) {
        assert_non_null(*choice);
        assert_string_equal(*choice, c->name);
    }
    assert_non_null(choice[0]);
    assert_string_equal(choice[0], "ec2-bundle");
    assert_null(choice[1]);
    assert_null(img_container_by_name("ec2-bundle"));
}

static void boots_are_the_layouts(void **state)
{
    const char *const *choices = cmd_options[OPT_BOOT].choices;
    (void)state;
    for (int boot = 0; boot < IMG_BOOT_COUNT; boot++) {
        assert_non_null(choices[boot]);
        assert_string_equal(choices[boot], img_boot_name((enum img_boot)boot));
    }
    assert_null(choices[IMG_BOOT_COUNT]);
}

static void cards_are_the_machines(void **state)
{
    const char *const *choices = cmd_options[OPT_NIC].choices;
    size_t count = 0;
    (void)state;
    for (int card = 0; card < MIR_CARD_COUNT; card++) {
        const char *name = mir_card_name((enum mir_card)card);
        if (!*name)
            continue; /* whatever suits is what nobody has to ask for */
        assert_non_null(choices[count]);
        assert_string_equal(choices[count++], name);
    }
    assert_null(choices[count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique),           cmocka_unit_test(letters_are_unique),
        cmocka_unit_test(rows_are_complete),          cmocka_unit_test(environment_names),
        cmocka_unit_test(formats_are_the_containers), cmocka_unit_test(boots_are_the_layouts),
        cmocka_unit_test(cards_are_the_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
