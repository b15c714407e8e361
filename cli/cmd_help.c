/* SPDX-License-Identifier: ISC */
/* help [COMMAND|TOPIC], and version. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "client.h"
#include "help.h"

static void topic_environment(const struct cmd_context *ctx)
{
    fputs("Every option is also an environment variable and a key of the configuration file.\n"
          "Precedence: option, environment, ./mirage-deploy.ini,\n"
          "$XDG_CONFIG_HOME/mirage-deploy/config, /etc/mirage-deploy/config. In a file, a section\n"
          "[local] goes before the head. Flags take yes or no; lists are separated by commas.\n\n",
          ctx->out.file);
    for (unsigned i = 0; i < OPT_COUNT; i++) {
        char env[CMD_ENV_SIZE];
        if (cmd_options[i].flags & CMD_OPT_META)
            continue;
        cmd_option_env(&cmd_options[i], env);
        fprintf(ctx->out.file, "  %-28s %s\n", env, cmd_options[i].help);
    }
    fputs("\nAlso: NO_COLOR, CLICOLOR_FORCE and TERM=dumb for colour, CI=true for no questions,\n"
          "XDG_STATE_HOME, XDG_RUNTIME_DIR and XDG_CONFIG_HOME for where files lie.\n",
          ctx->out.file);
}

static void topic_exit_codes(const struct cmd_context *ctx)
{
    fputs("  0    done\n"
          "  1    failed\n"
          "  2    usage, or missing or damaged input\n"
          "  3    not found\n"
          "  4    credentials missing or refused\n"
          "  5    refused: budget, quota, permission, a full disk, a kernel that would not boot\n"
          "  6    conflict: name taken, port taken, lock held\n"
          "  7    timed out waiting; the thing may be live\n"
          "  8    daemon or provider not available, or throttled; safe to try again\n"
          "  9    partial: something may be left behind; its ids are printed\n"
          "  130  interrupted; what keeps running is printed\n",
          ctx->out.file);
}

static void topic_formatting(const struct cmd_context *ctx)
{
    fputs("Standard output carries results only; progress, hints and questions go to standard\n"
          "error. --json prints one JSON document with the field names of the REST interface\n"
          "(docs/REST.md); an error is then "
          "{\"error\":{\"code\",\"detail\",\"hint\",\"exit_code\"}} on\n"
          "standard output, beside the sentence on standard error.\n"
          "logs -f --json prints one document per line.\n\n"
          "Durations: 90s, 10m, 2h, 1h30m, 3d. Times: 2026-11-20T18:30:00Z. Sizes: 64M, 1G.\n"
          "Ports: 80 (a free port of this machine), 8080:80, 0.0.0.0:8080:80.\n"
          "On a terminal, control characters in text from outside are shown as \\xNN.\n",
          ctx->out.file);
}

static void topic_kernels(const struct cmd_context *ctx)
{
    fputs(
        "A kernel is a unikernel file: an ELF (Xen, PVH, Solo5, multiboot), a bzImage, or a disk\n"
        "image; compressed with gzip, bzip2, xz or zstd, or not. 'mirage-deploy inspect FILE'\n"
        "says what it is, and for every provider:\n\n"
        "  boots       it starts there and has a network\n"
        "  carrier     it does so inside of a carrier, a system that is put around it on its disk\n"
        "  no-network  it starts there, but nobody can reach it\n"
        "  cannot      it does not start there; the reason says why\n"
        "  unknown     nothing in the file tells\n\n"
        "That is the best of the provider's kinds of machines, which are listed below it with "
        "what\n"
        "has to be given and whether the machine is powered off at the kernel's end. A carrier is\n"
        "made of the distribution's packages, which are fetched once (docs/CARRIERS.md);\n"
        "--carrier never refuses one, and --memory is the kernel's own.\n\n"
        "A carried kernel's block devices are given by --block NAME=FILE, once for each, NAME "
        "being\n"
        "what the kernel calls it: a copy of the file, which is never written back to.\n\n"
        "A Solo5 kernel says which devices it demands. Where one of them cannot be given it would\n"
        "abort at once, so that it is refused before anything is started or paid for.\n\n"
        "A deploy to where it cannot boot, or has no network, is refused (exit code 5) unless\n"
        "--anyway is given and there is a way to try it.\n",
        ctx->out.file);
}

static const struct {
    const char *name;
    void (*print)(const struct cmd_context *ctx);
} topics[] = {
    {"environment", topic_environment},
    {"exit-codes", topic_exit_codes},
    {"formatting", topic_formatting},
    {"kernels", topic_kernels},
};

static int unknown_topic(const char *topic, struct mir_error *err)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < MIR_NELEMS(topics); i++)
        names[count++] = topics[i].name;
    for (size_t i = 0; i < cmd_command_count && count < MIR_NELEMS(names); i++)
        names[count++] = cmd_commands[i].name;
    const char *near = mir_suggest(topic, names, count);
    mir_fail(err, MIR_USAGE, "no help on '%.80s'", topic);
    if (near)
        return mir_error_hint(err, "did you mean '%s'?", near);
    return mir_error_hint(err, "a command, or environment, exit-codes, formatting, kernels");
}

/* The text goes into a document when JSON is asked for: one of the texts above as a string. */
static int print_as_json(struct cmd_context *ctx, void (*print)(const struct cmd_context *ctx),
                         const struct cmd_command *command)
{
    mir_auto_free char *text = NULL;
    size_t len = 0;
    struct cmd_context inner = *ctx;
    inner.out = (struct cmd_term){.file = open_memstream(&text, &len)};
    if (print)
        print(&inner);
    else if (command)
        cmd_help_command(&inner, command);
    else
        cmd_help_overview(&inner);
    fclose(inner.out.file);
    json_t *document = json_pack("{s:s}", "help", text);
    cmd_print_json(ctx, document);
    json_decref(document);
    return 0;
}

int cmd_help(struct cmd_context *ctx, struct mir_error *err)
{
    const char *first = cmd_args_nth(&ctx->args, OPT_TOPIC, 0);
    const char *second = cmd_args_nth(&ctx->args, OPT_TOPIC, 1);
    const struct cmd_command *command = NULL;
    void (*print)(const struct cmd_context *ctx) = first ? NULL : cmd_help_overview;
    if (first) {
        mir_auto_free char *topic = second ? mir_format("%s %s", first, second) : mir_strdup(first);
        command = cmd_command_find(topic);
        for (size_t i = 0; i < MIR_NELEMS(topics); i++)
            if (!strcmp(topics[i].name, topic))
                print = topics[i].print;
        if (!command && !print)
            return unknown_topic(topic, err);
    }
    if (ctx->json)
        return print_as_json(ctx, print, command);
    if (print)
        print(ctx);
    else
        cmd_help_command(ctx, command);
    return 0;
}

int cmd_version(struct cmd_context *ctx, struct mir_error *err)
{
    (void)err;
    json_t *daemon = NULL;
    if (cmd_call(ctx, "GET", "/v1/version", NULL, &daemon, NULL))
        daemon = json_null();
    if (ctx->json) {
        json_t *document = json_pack("{s:s, s:O}", "version", MIR_VERSION, "daemon", daemon);
        cmd_print_json(ctx, document);
        json_decref(document);
    } else {
        fprintf(ctx->out.file, "mirage-deploy %s\n", MIR_VERSION);
        if (json_is_object(daemon)) {
            mir_auto_free char *clean = cmd_term_clean(cmd_text(daemon, "version"));
            fprintf(ctx->out.file, "daemon %s\n", clean);
        }
    }
    json_decref(daemon);
    return 0;
}
