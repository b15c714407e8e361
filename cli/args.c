/* SPDX-License-Identifier: ISC */
#include "args.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"
#include "cmd.h"
#include "value.h"

static struct cmd_item *add_item(struct cmd_args *args, enum cmd_opt opt, const char *text,
                                 enum cmd_origin origin)
{
    args->items = mir_realloc(args->items, args->count + 1, sizeof *args->items);
    struct cmd_item *item = &args->items[args->count++];
    *item = (struct cmd_item){.opt = opt, .text = mir_strdup(text), .origin = origin};
    return item;
}

static bool takes_value(const struct cmd_option *option)
{
    return option->type != CMD_FLAG && option->type != CMD_SWITCH;
}

/* May the option stand here? Before the command only those that all commands take. */
static bool allowed(const struct cmd_args *args, enum cmd_opt opt)
{
    if (!args->command)
        return cmd_options[opt].commands == CMD_ALL && !(cmd_options[opt].flags & CMD_OPT_PLACE);
    return cmd_option_taken(opt, args->command->id);
}

static enum cmd_opt find_long(const struct cmd_args *args, const char *name, size_t len)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (strlen(cmd_options[i].name) == len && !strncmp(cmd_options[i].name, name, len) &&
            allowed(args, (enum cmd_opt)i))
            return (enum cmd_opt)i;
    return OPT_NONE;
}

static enum cmd_opt find_letter(const struct cmd_args *args, char letter)
{
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (cmd_options[i].letter == letter && allowed(args, (enum cmd_opt)i))
            return (enum cmd_opt)i;
    return OPT_NONE;
}

static int unknown_option(const struct cmd_args *args, const char *text, struct mir_error *err)
{
    const char *names[OPT_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (allowed(args, (enum cmd_opt)i))
            names[count++] = cmd_options[i].name;
    const char *command = args->command ? args->command->name : NULL;
    char shown[64];
    mir_copy(shown, sizeof shown, text);
    shown[strcspn(shown, "=")] = '\0';
    mir_fail(err, MIR_USAGE, "unknown option %s%s%s%s", shown, command ? " for '" : "",
             command ? command : "", command ? "'" : "");
    const char *near = strncmp(shown, "--", 2) ? NULL : mir_suggest(shown + 2, names, count);
    if (near)
        return mir_error_hint(err, "did you mean --%s? see: mirage-deploy %s%s--help", near,
                              command ? command : "", command ? " " : "");
    return mir_error_hint(err, "see: mirage-deploy %s%s--help", command ? command : "",
                          command ? " " : "");
}

static int missing_value(const struct cmd_option *option, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "--%s needs a value", option->name);
    return mir_error_hint(err, "--%s %s: %s", option->name, option->arg, option->help);
}

/* --name, --name=value, --name value, --no-name; *i moves over a value of its own. */
static int parse_long(struct cmd_args *args, int argc, char **argv, int *i, struct mir_error *err)
{
    const char *text = argv[*i], *name = text + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    enum cmd_opt opt = find_long(args, name, len);
    const char *truth = "yes";
    if (opt == OPT_NONE && !strncmp(name, "no-", 3)) {
        opt = find_long(args, name + 3, len - 3);
        truth = "no";
        if (opt != OPT_NONE && cmd_options[opt].type != CMD_SWITCH)
            opt = OPT_NONE;
    }
    if (opt == OPT_NONE)
        return unknown_option(args, text, err);
    const struct cmd_option *option = &cmd_options[opt];
    if (!takes_value(option)) {
        if (value) {
            mir_fail(err, MIR_USAGE, "--%s takes no value", option->name);
            return mir_error_hint(err, "leave out '=%.40s'", value);
        }
        add_item(args, opt, truth, CMD_FROM_FLAG);
        return 0;
    }
    if (!value) {
        if (*i + 1 >= argc)
            return missing_value(option, err);
        value = argv[++*i];
    }
    add_item(args, opt, value, CMD_FROM_FLAG);
    return 0;
}

/* -p80, -p 80, and flags in a row: -qf. */
static int parse_letters(struct cmd_args *args, int argc, char **argv, int *i,
                         struct mir_error *err)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        enum cmd_opt opt = find_letter(args, *p);
        if (opt == OPT_NONE) {
            char text[3] = {'-', *p, '\0'};
            return unknown_option(args, text, err);
        }
        if (!takes_value(&cmd_options[opt])) {
            add_item(args, opt, "yes", CMD_FROM_FLAG);
            continue;
        }
        if (!p[1] && *i + 1 >= argc)
            return missing_value(&cmd_options[opt], err);
        add_item(args, opt, p[1] ? p + 1 : argv[++*i], CMD_FROM_FLAG);
        return 0;
    }
    return 0;
}

static int too_many(const struct cmd_args *args, const char *text, struct mir_error *err)
{
    const struct cmd_command *command = args->command;
    mir_fail(err, MIR_USAGE, "'%s' takes no further argument: '%.80s'", command->name, text);
    if (command->rest && strcmp(command->name, "daemon run"))
        return mir_error_hint(err, "arguments for the kernel stand behind --: -- %.80s", text);
    return mir_error_hint(err, "see: mirage-deploy %s --help", command->name);
}

static int add_place(struct cmd_args *args, const char *text, struct mir_error *err)
{
    const struct cmd_command *command = args->command;
    size_t places = 0;
    while (places < CMD_PLACES_MAX && command->places[places] != OPT_NONE)
        places++;
    size_t at = args->place_count;
    if (at >= places) {
        if (!command->many || places == 0)
            return too_many(args, text, err);
        at = places - 1;
    }
    add_item(args, command->places[at], text, CMD_FROM_FLAG);
    args->place_count++;
    return 0;
}

static int unknown_command(const char *text, struct mir_error *err)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < cmd_command_count && count < MIR_NELEMS(names); i++)
        names[count++] = cmd_commands[i].name;
    const char *near = mir_suggest(text, names, count);
    mir_fail(err, MIR_USAGE, "unknown command '%.80s'", text);
    static const char *const clouds[] = {"ec2", "openstack", "rackspace"};
    for (size_t i = 0; i < MIR_NELEMS(clouds); i++)
        if (!strcmp(clouds[i], text)) {
            mir_fail(err, MIR_USAGE, "this build has no provider '%s'", text);
            return mir_error_hint(err,
                                  "it was built with: %s; 'mirage-deploy providers' lists them",
                                  cmd_provider_names[0]);
        }
    if (near)
        return mir_error_hint(err, "did you mean '%s'? 'mirage-deploy --help' lists the commands",
                              near);
    if (strpbrk(text, "./"))
        return mir_error_hint(err,
                              "to deploy a kernel, name the provider first: mirage-deploy %s "
                              "%.80s",
                              cmd_provider_names[0], text);
    return mir_error_hint(err, "'mirage-deploy --help' lists the commands");
}

/* "site" of "site add": say what may follow. */
static int incomplete_command(const char *text, struct mir_error *err)
{
    char list[200] = "";
    size_t len = strlen(text);
    for (size_t i = 0; i < cmd_command_count; i++)
        if (!strncmp(cmd_commands[i].name, text, len) && cmd_commands[i].name[len] == ' ') {
            size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                     cmd_commands[i].name + len + 1);
        }
    if (!*list)
        return unknown_command(text, err);
    mir_fail(err, MIR_USAGE, "'%s' needs to be told what to do", text);
    return mir_error_hint(err, "one of: %s", list);
}

/* The command may be two words; *i moves over the second. */
static int take_command(struct cmd_args *args, int argc, char **argv, int *i, struct mir_error *err)
{
    if (*i + 1 < argc) {
        char *two = mir_format("%s %s", argv[*i], argv[*i + 1]);
        args->command = cmd_command_find(two);
        free(two);
        if (args->command) {
            ++*i;
            return 0;
        }
    }
    args->command = cmd_command_find(argv[*i]);
    return args->command ? 0 : incomplete_command(argv[*i], err);
}

int cmd_args_parse(struct cmd_args *args, int argc, char **argv, struct mir_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        int rc = 0;
        if (!strcmp(text, "--")) {
            if (args->command && args->command->rest) {
                args->rest = argv + i + 1;
                return 0;
            }
            while (++i < argc)
                if (args->command ? add_place(args, argv[i], err)
                                  : take_command(args, argc, argv, &i, err))
                    return -1;
            return 0;
        }
        if (!strncmp(text, "--", 2))
            rc = parse_long(args, argc, argv, &i, err);
        else if (text[0] == '-' && text[1])
            rc = parse_letters(args, argc, argv, &i, err);
        else if (!args->command)
            rc = take_command(args, argc, argv, &i, err);
        else
            rc = add_place(args, text, err);
        if (rc)
            return -1;
    }
    return 0;
}

void cmd_args_clear(struct cmd_args *args)
{
    for (size_t i = 0; i < args->count; i++)
        free(args->items[i].text);
    free(args->items);
    mir_config_free(args->config);
    memset(args, 0, sizeof *args);
}

/* --- getters --- */

const struct cmd_item *cmd_args_item(const struct cmd_args *args, enum cmd_opt opt)
{
    /* The last flag wins among flags; environment and configuration come after all of them and
     * are only added when there was none. */
    for (size_t i = args->count; i-- > 0;)
        if (args->items[i].opt == opt)
            return &args->items[i];
    return NULL;
}

const char *cmd_args_text(const struct cmd_args *args, enum cmd_opt opt)
{
    const struct cmd_item *item = cmd_args_item(args, opt);
    return item ? item->text : NULL;
}

const char *cmd_args_nth(const struct cmd_args *args, enum cmd_opt opt, size_t n)
{
    for (size_t i = 0; i < args->count; i++)
        if (args->items[i].opt == opt && n-- == 0)
            return args->items[i].text;
    return NULL;
}

bool cmd_args_flag(const struct cmd_args *args, enum cmd_opt opt, bool otherwise)
{
    const char *text = cmd_args_text(args, opt);
    int truth = text ? cmd_truth(text) : -1;
    return truth < 0 ? otherwise : truth;
}

int64_t cmd_args_seconds(const struct cmd_args *args, enum cmd_opt opt)
{
    int64_t seconds = 0;
    const char *text = cmd_args_text(args, opt);
    if (text && mir_duration_parse(text, &seconds, NULL))
        return 0;
    return seconds;
}
