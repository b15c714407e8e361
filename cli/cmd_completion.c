/* SPDX-License-Identifier: ISC */
/* completion SHELL: a script made from the command table and the option table. What changes, the
 * names of the deployments, it asks for with `completion names`, within 300 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "client.h"
#include "help.h"

static bool takes_names(const struct cmd_command *command)
{
    return command->places[0] == OPT_NAME && strncmp(command->name, "site ", 5) != 0;
}

static bool takes_file(const struct cmd_command *command)
{
    return command->places[0] == OPT_KERNEL || command->places[1] == OPT_KERNEL;
}

/* The words that may follow a command by place: choices, once each. */
static const char *const *place_choices(const struct cmd_command *command)
{
    for (size_t i = 0; i < CMD_PLACES_MAX && command->places[i] != OPT_NONE; i++)
        if (cmd_options[command->places[i]].choices)
            return cmd_options[command->places[i]].choices;
    return NULL;
}

static void print_words(FILE *out, const char *const *words)
{
    for (size_t i = 0; words && words[i]; i++)
        fprintf(out, "%s%s", i ? " " : "", words[i]);
}

static void print_flags(FILE *out, enum cmd_id id)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        if (!cmd_option_taken((enum cmd_opt)i, id))
            continue;
        fprintf(out, " --%s", cmd_options[i].name);
        if (cmd_options[i].type == CMD_SWITCH)
            fprintf(out, " --no-%s", cmd_options[i].name);
    }
}

/* The first words of all commands, "site" and "daemon" once; or the second words of one. */
static void print_command_words(FILE *out, const char *first)
{
    const char *before = "";
    size_t before_len = 0;
    for (size_t i = 0; i < cmd_command_count; i++) {
        const char *name = cmd_commands[i].name;
        size_t len = strcspn(name, " ");
        if (first) {
            if (strlen(first) == len && !strncmp(first, name, len) && name[len])
                fprintf(out, " %s", name + len + 1);
        } else if (len != before_len || strncmp(before, name, len)) {
            fprintf(out, " %.*s", (int)len, name);
        }
        before = name;
        before_len = len;
    }
}

/* case words: after=KEY -> what may follow. Shared by bash and zsh. */
static void print_bash_cases(FILE *out)
{
    for (size_t i = 0; i < cmd_command_count; i++) {
        const struct cmd_command *command = &cmd_commands[i];
        fprintf(out, "    '%s') words='", command->name);
        print_words(out, place_choices(command));
        print_flags(out, command->id);
        fprintf(out, "'; names=%d; files=%d ;;\n", takes_names(command), takes_file(command));
        if (strchr(command->name, ' ') &&
            (i == 0 || strcspn(cmd_commands[i - 1].name, " ") != strcspn(command->name, " ") ||
             strncmp(cmd_commands[i - 1].name, command->name, strcspn(command->name, " ")))) {
            fprintf(out, "    '%.*s') words='", (int)strcspn(command->name, " "), command->name);
            char first[32];
            snprintf(first, sizeof first, "%.*s", (int)strcspn(command->name, " "), command->name);
            print_command_words(out, first);
            fputs("' ;;\n", out);
        }
    }
}

/* What follows an option that takes a value. */
static void print_bash_values(FILE *out)
{
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct cmd_option *option = &cmd_options[i];
        if (!option->arg || (option->flags & CMD_OPT_PLACE))
            continue;
        fprintf(out, "    --%s", option->name);
        if (option->letter)
            fprintf(out, "|-%c", option->letter);
        fputs(") ", out);
        if (option->type == CMD_CHOICE) {
            fputs("COMPREPLY=($(compgen -W '", out);
            print_words(out, option->choices);
            fputs("' -- \"$cur\"))", out);
        } else if (option->type == CMD_FILE) {
            fputs("IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$cur\"))", out);
        } else {
            fputs("COMPREPLY=()", out);
        }
        fputs("; return ;;\n", out);
    }
}

static void print_bash(FILE *out)
{
    fputs("# bash completion of mirage-deploy; made by: mirage-deploy completion bash\n"
          "# shellcheck disable=SC2207 # zsh, which runs this too, has no such mapfile\n"
          "_mirage_deploy() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  local words='' names=0 files=0 command='' i IFS=$' \\t\\n'\n"
          "  COMPREPLY=()\n"
          "  case $prev in\n",
          out);
    print_bash_values(out);
    fputs("  esac\n"
          "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "    case ${COMP_WORDS[i]} in\n"
          "    --) return ;;\n"
          "    -*) ;;\n"
          "    *) case $command in\n"
          "       '') command=${COMP_WORDS[i]} ;;\n"
          "       site|daemon|config) command=\"$command ${COMP_WORDS[i]}\" ;;\n"
          "       esac ;;\n"
          "    esac\n"
          "  done\n"
          "  case $command in\n"
          "    '') words='",
          out);
    print_command_words(out, NULL);
    print_flags(out, CMD_HELP);
    fputs("' ;;\n", out);
    print_bash_cases(out);
    fputs("  esac\n"
          "  [ $names = 1 ] && words=\"$words $(timeout 0.3 mirage-deploy completion names "
          "2>/dev/null)\"\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "  [ $files = 1 ] && IFS=$'\\n' && COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
          "}\n"
          "complete -o filenames -F _mirage_deploy mirage-deploy\n",
          out);
}

/* zsh runs the bash function through its own emulation: one script to keep right. */
static void print_zsh(FILE *out)
{
    fputs("#compdef mirage-deploy\n"
          "# zsh completion of mirage-deploy; made by: mirage-deploy completion zsh\n"
          "autoload -U +X bashcompinit && bashcompinit\n",
          out);
    print_bash(out);
}

/* A text between single quotes, as fish reads it. */
static void print_fish_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void print_fish_command(FILE *out, const struct cmd_command *command)
{
    size_t len = strcspn(command->name, " ");
    const char *second = command->name[len] ? command->name + len + 1 : NULL;
    if (second)
        fprintf(out, "complete -c mirage-deploy -f -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
                (int)len, command->name, second);
    else
        fprintf(out, "complete -c mirage-deploy -f -n __fish_use_subcommand -a %s -d ",
                command->name);
    print_fish_text(out, command->summary);
    fputc('\n', out);
    char seen[96];
    snprintf(seen, sizeof seen, "__fish_seen_subcommand_from %s", second ? second : command->name);
    if (takes_names(command))
        fprintf(out,
                "complete -c mirage-deploy -f -n '%s' -a '(timeout 0.3 mirage-deploy "
                "completion names 2>/dev/null)'\n",
                seen);
    if (takes_file(command))
        fprintf(out, "complete -c mirage-deploy -F -n '%s'\n", seen);
    if (place_choices(command)) {
        fprintf(out, "complete -c mirage-deploy -n '%s' -a '", seen);
        print_words(out, place_choices(command));
        fputs("'\n", out);
    }
}

static void print_fish_option(FILE *out, const struct cmd_option *option, const char *prefix)
{
    fprintf(out, "complete -c mirage-deploy -l %s%s", prefix, option->name);
    if (option->letter && !*prefix)
        fprintf(out, " -s %c", option->letter);
    if (option->arg)
        fputs(option->type == CMD_FILE ? " -r -F" : " -x", out);
    if (option->choices) {
        fputs(" -a '", out);
        print_words(out, option->choices);
        fputs("'", out);
    }
    bool any = option->commands == CMD_ALL;
    for (size_t i = 0, n = 0; !any && i < cmd_command_count; i++) {
        const struct cmd_command *command = &cmd_commands[i];
        if (!(option->commands >> command->id & 1))
            continue;
        const char *second = strchr(command->name, ' ');
        fprintf(out, "%s%s", n++ ? " " : " -n '__fish_seen_subcommand_from ",
                second ? second + 1 : command->name);
    }
    fputs(any ? " -d " : "' -d ", out);
    print_fish_text(out, option->help);
    fputc('\n', out);
}

static void print_fish(FILE *out)
{
    fputs("# fish completion of mirage-deploy; made by: mirage-deploy completion fish\n"
          "complete -c mirage-deploy -f\n",
          out);
    const char *before = "";
    for (size_t i = 0; i < cmd_command_count; i++) {
        const char *name = cmd_commands[i].name;
        size_t len = strcspn(name, " ");
        if (name[len] && strncmp(before, name, len + 1))
            fprintf(out, "complete -c mirage-deploy -f -n __fish_use_subcommand -a %.*s\n",
                    (int)len, name);
        before = name;
        print_fish_command(out, &cmd_commands[i]);
    }
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        if (cmd_options[i].flags & CMD_OPT_PLACE)
            continue;
        print_fish_option(out, &cmd_options[i], "");
        if (cmd_options[i].type == CMD_SWITCH)
            print_fish_option(out, &cmd_options[i], "no-");
    }
}

/* Never an error: completion that complains is worse than none. */
static void print_names(struct cmd_context *ctx)
{
    json_t *answer = NULL;
    if (cmd_deployments(ctx, false, &answer, NULL))
        return;
    size_t i;
    json_t *d;
    json_array_foreach(json_object_get(answer, "deployments"), i, d)
    {
        mir_auto_free char *clean = cmd_term_clean(cmd_text(d, "name"));
        fprintf(ctx->out.file, "%s\n", clean);
    }
    json_decref(answer);
}

static void print_script(struct cmd_context *ctx, FILE *out)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *out);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    const char *shell = cmd_args_text(&ctx->args, OPT_SHELL);
    for (size_t i = 0; i < MIR_NELEMS(shells); i++)
        if (!strcmp(shells[i].shell, shell)) {
            shells[i].print(out);
            return;
        }
    struct cmd_context names = *ctx;
    names.out.file = out;
    print_names(&names);
}

int cmd_completion(struct cmd_context *ctx, struct mir_error *err)
{
    (void)err;
    if (!ctx->json) {
        print_script(ctx, ctx->out.file);
        return 0;
    }
    mir_auto_free char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    print_script(ctx, memory);
    fclose(memory);
    json_t *document =
        json_pack("{s:s, s:s}", "shell", cmd_args_text(&ctx->args, OPT_SHELL), "script", text);
    cmd_print_json(ctx, document);
    json_decref(document);
    return 0;
}
