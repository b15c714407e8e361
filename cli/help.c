/* SPDX-License-Identifier: ISC */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "api/error.h"

void cmd_help_short(const struct cmd_context *ctx)
{
    fprintf(ctx->err.file,
            "Deploy a unikernel, list it, and have it gone at its deadline. For example:\n"
            "\n"
            "  mirage-deploy %s KERNEL --ttl 1h -p 8080:80\n"
            "  mirage-deploy ps\n"
            "\n"
            "Then: show, logs, extend and rm. All commands: mirage-deploy --help\n"
            "\n",
            cmd_provider_names[0]);
}

void cmd_help_places(const struct cmd_command *command, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < CMD_PLACES_MAX && command->places[i] != OPT_NONE; i++) {
        const struct cmd_option *option = &cmd_options[command->places[i]];
        const char *arg = option->arg ? option->arg : option->name;
        bool last = i + 1 == CMD_PLACES_MAX || command->places[i + 1] == OPT_NONE;
        const char *more = last && command->many ? "..." : "";
        bool optional = i >= command->required;
        int n = snprintf(out + used, size - used, "%s%s%s%s%s", used ? " " : "",
                         optional ? "[" : "", arg, more, optional ? "]" : "");
        used += n > 0 && (size_t)n < size - used ? (size_t)n : 0;
    }
}

void cmd_help_flag(const struct cmd_option *option, char *out, size_t size)
{
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(out, size, "%s--%s%s%s%s", letter, option->type == CMD_SWITCH ? "[no-]" : "",
             option->name, option->arg ? " " : "", option->arg ? option->arg : "");
}

static void print_usage(const struct cmd_context *ctx, const struct cmd_command *command)
{
    char places[128];
    cmd_help_places(command, places, sizeof places);
    fprintf(ctx->out.file, "mirage-deploy %s%s%s [OPTIONS]", command->name, *places ? " " : "",
            places);
    if (command->rest)
        fprintf(ctx->out.file, " [-- %s]", command->rest);
    fputc('\n', ctx->out.file);
}

/* Text in lines of at most 60 characters, behind a left margin. */
static void print_wrapped(FILE *file, const char *text, int margin)
{
    const size_t limit = 60;
    while (strlen(text) > limit) {
        size_t cut = limit;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            break;
        fprintf(file, "%.*s\n%*s", (int)cut, text, margin, "");
        text += cut + 1;
    }
    fprintf(file, "%s\n", text);
}

static void print_option(const struct cmd_context *ctx, const struct cmd_option *option)
{
    char flag[80], env[CMD_ENV_SIZE];
    const int margin = 30;
    cmd_help_flag(option, flag, sizeof flag);
    fprintf(ctx->out.file, "  %-*s", margin - 2, flag);
    if (strlen(flag) > (size_t)margin - 3)
        fprintf(ctx->out.file, "\n%*s", margin, "");
    print_wrapped(ctx->out.file, option->help, margin);
    if (option->choices && option->type == CMD_CHOICE) {
        fprintf(ctx->out.file, "%*sone of:", margin, "");
        for (size_t i = 0; option->choices[i]; i++)
            fprintf(ctx->out.file, " %s", option->choices[i]);
        fputc('\n', ctx->out.file);
    }
    if (!(option->flags & CMD_OPT_META) && option->commands != CMD_ALL) {
        cmd_option_env(option, env);
        fprintf(ctx->out.file, "%*s%s[env: %s] [config: %s]%s\n", margin, "",
                cmd_term_on(&ctx->out, CMD_DIM), env, option->name, cmd_term_off(&ctx->out));
    }
}

static void print_options(const struct cmd_context *ctx, enum cmd_id id, bool common)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (cmd_option_taken((enum cmd_opt)i, id) && (cmd_options[i].commands == CMD_ALL) == common)
            print_option(ctx, &cmd_options[i]);
}

static void print_places(const struct cmd_context *ctx, const struct cmd_command *command)
{
    for (size_t i = 0; i < CMD_PLACES_MAX && command->places[i] != OPT_NONE; i++) {
        const struct cmd_option *option = &cmd_options[command->places[i]];
        bool name = command->places[i] == OPT_NAME;
        fprintf(ctx->out.file, "  %-28s", option->arg ? option->arg : option->name);
        print_wrapped(ctx->out.file, name ? "name of the deployment or site" : option->help, 30);
    }
}

void cmd_help_command(const struct cmd_context *ctx, const struct cmd_command *command)
{
    FILE *out = ctx->out.file;
    fprintf(out, "%s\n\n  ", command->summary);
    print_usage(ctx, command);
    if (command->example)
        fprintf(out, "\nFor example:\n  mirage-deploy %s\n", command->example);
    if (command->places[0] != OPT_NONE) {
        fputs("\nArguments:\n", out);
        print_places(ctx, command);
    }
    bool own = false;
    for (unsigned i = 0; i < OPT_COUNT; i++)
        own |= cmd_option_taken((enum cmd_opt)i, command->id) && cmd_options[i].commands != CMD_ALL;
    if (own) {
        fputs("\nOptions:\n", out);
        print_options(ctx, command->id, false);
    }
    fputs("\nOptions of all commands:\n", out);
    print_options(ctx, command->id, true);
}

void cmd_help_overview(const struct cmd_context *ctx)
{
    FILE *out = ctx->out.file;
    fputs("Deploy a unikernel, list it on a public page, and have it gone at its deadline.\n\n"
          "  mirage-deploy COMMAND [ARGUMENTS] [OPTIONS]\n\n"
          "For example:\n"
          "  mirage-deploy local hello.elf --ttl 1h -p 8080:80\n"
          "  mirage-deploy extend hello 30m\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < cmd_command_count; i++) {
        char places[128], usage[160];
        cmd_help_places(&cmd_commands[i], places, sizeof places);
        snprintf(usage, sizeof usage, "%s %s", cmd_commands[i].name, places);
        fprintf(out, "  %-28s%s", usage, strlen(usage) > 27 ? " " : "");
        print_wrapped(out, cmd_commands[i].summary, 30);
    }
    fputs("\nOptions of all commands:\n", out);
    print_options(ctx, CMD_HELP, true);
    fputs(
        "\n'mirage-deploy COMMAND --help' says more of a command; 'mirage-deploy help TOPIC' of:\n"
        "environment, exit-codes, formatting, kernels\n",
        out);
}
