/* SPDX-License-Identifier: ISC */
/* The daemon's own options: one table for parsing and help. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/suggest.h"
#include "start.h"

enum kind { TEXT, FD, FLAG };

static const struct option {
    const char *name;
    const char *value; /* for the help; NULL: takes none */
    const char *help;  /* NULL: not for people */
    enum kind kind;
    size_t field;
} options[] = {
    {"--state", "DIR", "where everything durable is kept (MIRAGE_DEPLOY_STATE)", TEXT,
     offsetof(struct mird_options, state)},
    {"--socket", "PATH", "the control socket (MIRAGE_DEPLOY_SOCKET)", TEXT,
     offsetof(struct mird_options, socket)},
    {"--public", "ADDR:PORT|none", "where the public pages are served (MIRAGE_DEPLOY_PUBLIC)", TEXT,
     offsetof(struct mird_options, public_at)},
    {"--standby", NULL, "read only while another daemon acts; take over when it ends", FLAG,
     offsetof(struct mird_options, standby)},
    {"--log-level", "LEVEL", "error, warn, info or debug", TEXT,
     offsetof(struct mird_options, log_level)},
    {"--ready-fd", "N", "write \"ready\", or why not, to this descriptor", FD,
     offsetof(struct mird_options, ready_fd)},
    {"--shut-out", NULL, NULL, FLAG, offsetof(struct mird_options, shut_out)},
    {"--public-fd", "N", NULL, FD, offsetof(struct mird_options, public_fd)},
    {"--version", NULL, "print the version", FLAG, offsetof(struct mird_options, version)},
    {"--help", NULL, "print this", FLAG, offsetof(struct mird_options, help)},
};

void mird_options_help(void)
{
    puts("usage: mirage-deployd [run] [OPTIONS]\n\n"
         "Keeps deployments: starts them, lists them, and ends each at its deadline.\n"
         "Runs in the foreground; `mirage-deploy` starts one when it needs it.\n\nOptions:");
    for (size_t i = 0; i < MIR_NELEMS(options); i++) {
        char left[40];
        if (!options[i].help)
            continue;
        snprintf(left, sizeof left, "%s %s", options[i].name,
                 options[i].value ? options[i].value : "");
        printf("  %-26s %s\n", left, options[i].help);
    }
    puts("\nmirage-deployd(8) has the rest.");
}

static int unknown(const char *word, size_t len, struct mir_error *err)
{
    const char *names[MIR_NELEMS(options)];
    char name[64];
    for (size_t i = 0; i < MIR_NELEMS(options); i++)
        names[i] = options[i].name;
    snprintf(name, sizeof name, "%.*s", (int)len, word);
    const char *near = mir_suggest(name, names, MIR_NELEMS(names));
    mir_fail(err, MIR_USAGE, "unknown argument '%s'", name);
    if (near)
        return mir_error_hint(err, "did you mean %s?", near);
    return mir_error_hint(err, "mirage-deployd --help lists the options");
}

static int set(const struct option *option, const char *value, struct mird_options *ret,
               struct mir_error *err)
{
    char *field = (char *)ret + option->field;
    if (option->kind == FLAG) {
        *(bool *)(void *)field = true;
        return 0;
    }
    if (!value || !*value)
        return mir_fail(err, MIR_USAGE, "%s needs a value: %s", option->name, option->value);
    if (option->kind == TEXT) {
        *(const char **)(void *)field = value;
        return 0;
    }
    char *end;
    long fd = strtol(value, &end, 10);
    if (*end || fd < 0 || fd > 1 << 20)
        return mir_fail(err, MIR_USAGE, "%s %s: not a descriptor", option->name, value);
    *(int *)(void *)field = (int)fd;
    return 0;
}

int mird_options_read(int argc, char **argv, struct mird_options *ret, struct mir_error *err)
{
    struct mird_options read = {.ready_fd = -1, .public_fd = -1};
    int i = argc > 1 && !strcmp(argv[1], "run") ? 2 : 1;
    for (; i < argc; i++) {
        size_t len = strcspn(argv[i], "="), k = 0;
        while (k < MIR_NELEMS(options) &&
               (strlen(options[k].name) != len || strncmp(options[k].name, argv[i], len) != 0))
            k++;
        if (k == MIR_NELEMS(options))
            return unknown(argv[i], len, err);
        const char *value = argv[i][len] ? argv[i] + len + 1 : NULL;
        if (value && options[k].kind == FLAG)
            return mir_fail(err, MIR_USAGE, "%s takes no value", options[k].name);
        if (!value && options[k].kind != FLAG && i + 1 < argc)
            value = argv[++i];
        if (set(&options[k], value, &read, err))
            return -1;
    }
    *ret = read;
    return 0;
}
