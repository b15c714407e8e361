/* SPDX-License-Identifier: ISC */
/* Prints the parts of the manual page that the tables know, in mdoc. A tool of the build, not
 * installed: tests/e2e/cli_man.py compares it with docs/man/mirage-deploy.1, or puts it there. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"

/* Text of the tables in mdoc: a leading point or quote would be a request, a backslash an escape.
 */
static void print_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
}

static void print_command(const struct cmd_command *command)
{
    printf(".It Cm %s", command->name);
    for (size_t i = 0; i < CMD_PLACES_MAX && command->places[i] != OPT_NONE; i++) {
        const struct cmd_option *option = &cmd_options[command->places[i]];
        bool last = i + 1 == CMD_PLACES_MAX || command->places[i + 1] == OPT_NONE;
        printf(" %s%s%s", i >= command->required ? "Op " : "", "Ar ",
               option->arg ? option->arg : option->name);
        if (last && command->many)
            fputs(" ...", stdout);
    }
    if (command->rest)
        printf(" Op Fl - Ar %s", command->rest);
    putchar('\n');
    printf("%c", command->summary[0] >= 'a' && command->summary[0] <= 'z'
                     ? command->summary[0] - 'a' + 'A'
                     : command->summary[0]);
    print_text(command->summary + 1);
    fputs(".\n", stdout);
}

/* Which commands take it, for options that not all of them take. */
static void print_takers(const struct cmd_option *option)
{
    size_t count = 0;
    if (option->commands == CMD_ALL)
        return;
    fputs("Taken by\n", stdout);
    for (size_t i = 0, left = 0; i < cmd_command_count; i++) {
        if (!(option->commands >> cmd_commands[i].id & 1))
            continue;
        left = 0;
        for (size_t k = i + 1; k < cmd_command_count; k++)
            left += option->commands >> cmd_commands[k].id & 1;
        printf(".Cm %s%s\n", cmd_commands[i].name, left ? " ," : " .");
        count++;
    }
}

static void print_option(const struct cmd_option *option)
{
    char env[CMD_ENV_SIZE];
    fputs(".It", stdout);
    if (option->letter)
        printf(" Fl %c ,", option->letter);
    printf(" Fl -%s", option->name);
    if (option->arg)
        printf(" Ar %s", option->arg);
    if (option->type == CMD_SWITCH)
        printf(" , Fl -no-%s", option->name);
    putchar('\n');
    print_text(option->help);
    fputs(".\n", stdout);
    for (size_t i = 0; option->type == CMD_CHOICE && option->choices[i]; i++)
        printf("%s.Cm %s%s\n", i ? "" : "One of\n", option->choices[i],
               option->choices[i + 1] ? " ," : " .");
    print_takers(option);
    if (option->flags & CMD_OPT_META)
        return;
    cmd_option_env(option, env);
    printf(".Pq Ev %s , No key Li %s\n", env, option->name);
}

static void print_places(void)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        char env[CMD_ENV_SIZE];
        if (!(cmd_options[i].flags & CMD_OPT_PLACE))
            continue;
        cmd_option_env(&cmd_options[i], env);
        printf(".It Ar %s\n", cmd_options[i].arg);
        print_text(cmd_options[i].help);
        printf(".\n.Pq Ev %s\n", env);
    }
}

int main(void)
{
    fputs(".\\\" begin of what `cmd-man` prints: do not edit\n"
          ".Sh COMMANDS\n.Bl -tag -width Ds\n",
          stdout);
    for (size_t i = 0; i < cmd_command_count; i++)
        print_command(&cmd_commands[i]);
    fputs(".El\n.Pp\nArguments given by place can come from the environment as well:\n"
          ".Bl -tag -width Ds\n",
          stdout);
    print_places();
    fputs(".El\n.Sh OPTIONS\n.Bl -tag -width Ds\n", stdout);
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (!(cmd_options[i].flags & CMD_OPT_PLACE))
            print_option(&cmd_options[i]);
    fputs(".El\n.\\\" end of what `cmd-man` prints\n", stdout);
    return 0;
}
