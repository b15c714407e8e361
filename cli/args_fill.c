/* SPDX-License-Identifier: ISC */
/* Where values come from that did not stand on the command line: environment, configuration
 * files, and, on a terminal, the user. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "args.h"
#include "cmd.h"
#include "value.h"

/* Does the command take it at all, as a flag or by place? */
static bool wanted(const struct cmd_command *command, enum cmd_opt opt)
{
    for (size_t i = 0; i < CMD_PLACES_MAX; i++)
        if (command->places[i] == opt)
            return true;
    return cmd_option_taken(opt, command->id);
}

/* A repeated option is one comma-separated text outside the command line. */
static void add_texts(struct cmd_args *args, enum cmd_opt opt, const char *text,
                      enum cmd_origin origin, const char *file, unsigned line)
{
    bool many = cmd_options[opt].flags & CMD_OPT_REPEAT;
    do {
        size_t len = many ? strcspn(text, ", ") : strlen(text);
        args->items = mir_realloc(args->items, args->count + 1, sizeof *args->items);
        args->items[args->count++] = (struct cmd_item){.opt = opt,
                                                       .text = mir_format("%.*s", (int)len, text),
                                                       .origin = origin,
                                                       .file = file,
                                                       .line = line};
        text += len;
        text += strspn(text, ", ");
    } while (*text);
}

/* The provider of this run: the command's own name, or given by place. */
static const char *provider_of(const struct cmd_args *args)
{
    return args->command->id == CMD_DEPLOY ? args->command->name
                                           : cmd_args_text(args, OPT_PROVIDER);
}

/* A provider's own section comes before the head of the file. */
static const struct mir_config_entry *config_entry(const struct cmd_args *args, const char *key)
{
    const char *sections[] = {provider_of(args), ""};
    size_t count;
    const struct mir_config_entry *entries = mir_config_entries(args->config, &count);
    for (size_t s = 0; s < MIR_NELEMS(sections); s++)
        for (size_t i = 0; sections[s] && i < count; i++)
            if (!strcmp(entries[i].section, sections[s]) && !strcmp(entries[i].key, key))
                return &entries[i];
    return NULL;
}

static void fill(struct cmd_args *args, enum cmd_opt opt)
{
    const struct cmd_option *option = &cmd_options[opt];
    char env[CMD_ENV_SIZE];
    cmd_option_env(option, env);
    const char *text = getenv(env);
    if (text && (*text || option->type == CMD_FLAG || option->type == CMD_SWITCH)) {
        add_texts(args, opt, text, CMD_FROM_ENV, NULL, 0);
        return;
    }
    const struct mir_config_entry *entry = config_entry(args, option->name);
    if (entry)
        add_texts(args, opt, entry->value, CMD_FROM_CONFIG, entry->file, entry->line);
}

static void drop(struct cmd_args *args, enum cmd_opt opt)
{
    for (size_t i = args->count; i-- > 0;)
        if (args->items[i].opt == opt) {
            free(args->items[i].text);
            memmove(&args->items[i], &args->items[i + 1],
                    (args->count - i - 1) * sizeof *args->items);
            args->count--;
        }
}

/* "--ttl 1h", "--forever", "30m" (by place) */
static char *as_given(const struct cmd_args *args, const struct cmd_item *item)
{
    const struct cmd_option *option = &cmd_options[item->opt];
    if (!cmd_option_taken(item->opt, args->command->id))
        return mir_strdup(item->text);
    return option->arg ? mir_format("--%s %s", option->name, item->text)
                       : mir_format("--%s", option->name);
}

/* Ways to say when it ends, of which one says it all: the nearest source wins; two from the same
 * source are a contradiction. */
static int settle_deadline(struct cmd_args *args, struct mir_error *err)
{
    static const enum cmd_opt rivals[] = {OPT_TTL, OPT_UNTIL, OPT_FOREVER, OPT_DURATION};
    const struct cmd_item *best = NULL;
    if (!cmd_args_flag(args, OPT_FOREVER, false))
        drop(args, OPT_FOREVER);
    for (size_t i = 0; i < MIR_NELEMS(rivals); i++) {
        const struct cmd_item *item = cmd_args_item(args, rivals[i]);
        if (item && best && item->origin == best->origin) {
            mir_auto_free char *one = as_given(args, best), *other = as_given(args, item);
            mir_fail(err, MIR_USAGE, "both %s and %s are given", one, other);
            return mir_error_hint(err, "give one of them");
        }
        if (item && (!best || item->origin < best->origin))
            best = item;
    }
    enum cmd_opt winner = best ? best->opt : OPT_NONE;
    for (size_t i = 0; i < MIR_NELEMS(rivals); i++)
        if (rivals[i] != winner)
            drop(args, rivals[i]);
    return 0;
}

/* A reason that was typed wants something without an end, which a forgotten --forever is not; one
 * that waits in the environment or in a file is for those that have it. */
static int settle_reason(struct cmd_args *args, struct mir_error *err)
{
    const struct cmd_item *reason = cmd_args_item(args, OPT_REASON);
    if (!reason || cmd_args_item(args, OPT_FOREVER))
        return 0;
    if (reason->origin == CMD_FROM_FLAG) {
        mir_fail(err, MIR_USAGE, "--reason is given without --forever");
        return mir_error_hint(err, "only a deployment without a deadline needs a reason: give both "
                                   "or neither");
    }
    drop(args, OPT_REASON);
    return 0;
}

/* What waits in the environment or in a file for other providers than this one is not for it. What
 * was typed is: the provider says that it has no choice of it. */
static void settle_places(struct cmd_args *args)
{
    const char *provider = provider_of(args);
    if (!provider)
        return;
    unsigned other = !strcmp(provider, "local") ? CMD_OPT_CLOUD : CMD_OPT_HERE;
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        const struct cmd_item *item = cmd_args_item(args, (enum cmd_opt)i);
        if (item && (cmd_options[i].flags & other) && item->origin != CMD_FROM_FLAG)
            drop(args, (enum cmd_opt)i);
    }
}

static int settle(struct cmd_args *args, struct mir_error *err)
{
    settle_places(args);
    return settle_deadline(args, err) || settle_reason(args, err) ? -1 : 0;
}

static int check_item(const struct cmd_args *args, const struct cmd_item *item,
                      struct mir_error *err)
{
    const struct cmd_option *option = &cmd_options[item->opt];
    char as[CMD_ENV_SIZE + 256];
    if (item->origin == CMD_FROM_ENV)
        cmd_option_env(option, as);
    else if (item->origin == CMD_FROM_CONFIG)
        snprintf(as, sizeof as, "%s:%u: %s", item->file, item->line, option->name);
    else if (cmd_option_taken(item->opt, args->command->id))
        snprintf(as, sizeof as, "--%s", option->name);
    else
        snprintf(as, sizeof as, "%s",
                 item->opt == OPT_URL ? "URL"
                 : option->arg        ? option->arg
                                      : option->name);
    /* A topic may be a command's name too; the command looks for itself. */
    return item->opt == OPT_TOPIC ? 0 : cmd_value_check(option, item->text, as, err);
}

int cmd_args_complete(struct cmd_args *args, struct mir_error *err)
{
    /* The flag decides which files are read at all. */
    const char *file = cmd_args_text(args, OPT_CONFIG);
    if (file)
        setenv("MIRAGE_DEPLOY_CONFIG", file, 1);
    if (mir_config_load(&args->config, err)) {
        if (err && err->kind == MIR_NOT_FOUND)
            err->kind = MIR_USAGE;
        if (err && !*err->hint)
            mir_error_hint(err, "make it readable, or name another file with --config");
        return -1;
    }
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (!(cmd_options[i].flags & CMD_OPT_META) && wanted(args->command, (enum cmd_opt)i) &&
            !cmd_args_item(args, (enum cmd_opt)i) && i != OPT_TOPIC)
            fill(args, (enum cmd_opt)i);
    for (size_t i = 0; i < args->count; i++)
        if (check_item(args, &args->items[i], err))
            return -1;
    return settle(args, err);
}

static bool one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

void cmd_args_unknown_env(cmd_args_warn_fn *warn, void *ctx)
{
    static const char prefix[] = "MIRAGE_DEPLOY_";
    /* Those of the other programs, and of the tests. */
    static const char *const others[] = {"MIRAGE_DEPLOY_PUBLIC", "MIRAGE_DEPLOY_FAULT",
                                         "MIRAGE_DEPLOY_FAULT_COUNT", "MIRAGE_DEPLOY_SHARED"};
    char names[OPT_COUNT][CMD_ENV_SIZE];
    const char *known[OPT_COUNT + MIR_NELEMS(others)];
    size_t count = 0;
    for (unsigned i = 0; i < OPT_COUNT; i++)
        if (!(cmd_options[i].flags & CMD_OPT_META)) {
            cmd_option_env(&cmd_options[i], names[i]);
            known[count++] = names[i];
        }
    for (size_t i = 0; i < MIR_NELEMS(others); i++)
        known[count++] = others[i];
    for (char **env = environ; *env; env++) {
        char name[CMD_ENV_SIZE];
        if (strncmp(*env, prefix, sizeof prefix - 1) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*env, "="), *env);
        if (!one_of(name, known, count))
            warn(ctx, name, mir_suggest(name, known, count));
    }
}

static int missing(const struct cmd_args *args, enum cmd_opt opt, struct mir_error *err)
{
    const struct cmd_option *option = &cmd_options[opt];
    char env[CMD_ENV_SIZE];
    cmd_option_env(option, env);
    if (cmd_option_taken(opt, args->command->id)) {
        mir_fail(err, MIR_USAGE, "--%s is missing: %s", option->name, option->help);
        return mir_error_hint(err, "give --%s %s, or set %s", option->name, option->arg, env);
    }
    mir_fail(err, MIR_USAGE, "%s is missing: %s", option->arg, option->help);
    return mir_error_hint(err, "give it as an argument (mirage-deploy %s --help), or set %s",
                          args->command->name, env);
}

static int ask(struct cmd_args *args, enum cmd_opt opt, struct mir_error *err)
{
    const struct cmd_option *option = &cmd_options[opt];
    mir_auto_free char *line = NULL;
    size_t cap = 0;
    /* A few tries, then the plain error: an endless question helps nobody. */
    for (int tries = 0; tries < 3; tries++) {
        fprintf(stderr, "%s: ", option->prompt);
        fflush(stderr);
        ssize_t len = getline(&line, &cap, stdin);
        if (len < 0) {
            fputc('\n', stderr);
            break;
        }
        while (len > 0 && isspace((unsigned char)line[len - 1]))
            line[--len] = '\0';
        struct mir_error local = {0};
        if (len > 0 && !cmd_value_check(option, line, option->prompt, &local)) {
            add_texts(args, opt, line, CMD_FROM_PROMPT, NULL, 0);
            args->asked = true;
            return 0;
        }
        if (len > 0)
            fprintf(stderr, "%s (%s)\n", local.text, local.hint);
    }
    return missing(args, opt, err);
}

int cmd_args_require(struct cmd_args *args, enum cmd_opt opt, bool may_ask, struct mir_error *err)
{
    if (cmd_args_item(args, opt))
        return 0;
    return may_ask && cmd_options[opt].prompt ? ask(args, opt, err) : missing(args, opt, err);
}

int cmd_args_require_places(struct cmd_args *args, bool may_ask, struct mir_error *err)
{
    for (unsigned i = 0; i < args->command->required; i++)
        if (cmd_args_require(args, args->command->places[i], may_ask, err))
            return -1;
    return 0;
}
