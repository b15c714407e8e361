/* SPDX-License-Identifier: ISC */
/*
 * The arguments of one run: what stood on the command line, in the environment and in the
 * configuration files, in this order of precedence, checked against the option table.
 *
 * Owns copies of what it gives out; texts are borrowed by the callers until cmd_args_clear. Single
 * thread. Errors are MIR_USAGE with the fix as the hint.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/config.h"
#include "api/error.h"
#include "options.h"

struct cmd_command;

enum cmd_origin { CMD_FROM_FLAG, CMD_FROM_ENV, CMD_FROM_CONFIG, CMD_FROM_PROMPT };

struct cmd_item {
    enum cmd_opt opt;
    char *text; /* owned; "yes" or "no" for flags and switches */
    enum cmd_origin origin;
    const char *file; /* CMD_FROM_CONFIG: borrowed from the configuration; else NULL */
    unsigned line;
};

struct cmd_args {
    const struct cmd_command *command;
    struct cmd_item *items; /* owned, in the order given; flags before env before config */
    size_t count;
    char **rest; /* borrowed from argv: what follows "--"; NULL-terminated; NULL: no "--" */
    size_t place_count;
    struct mir_config *config; /* owned; NULL until cmd_args_complete */
    bool asked;                /* a question was answered: the full command is worth printing */
};

/* Reads argv[1..]; finds the command. ret->command stays NULL when none is named. */
int cmd_args_parse(struct cmd_args *args, int argc, char **argv, struct mir_error *err);

/* Adds environment and configuration for options not given, and checks every value. */
int cmd_args_complete(struct cmd_args *args, struct mir_error *err);

/* What is missing and needed is asked for when may_ask, else MIR_USAGE names the way to give it. */
int cmd_args_require(struct cmd_args *args, enum cmd_opt opt, bool may_ask, struct mir_error *err);
int cmd_args_require_places(struct cmd_args *args, bool may_ask, struct mir_error *err);

/* Calls warn for each MIRAGE_DEPLOY_ variable that nothing reads (a typo in a ttl costs money);
 * near is the one probably meant, or NULL. */
typedef void cmd_args_warn_fn(void *ctx, const char *name, const char *near);
void cmd_args_unknown_env(cmd_args_warn_fn *warn, void *ctx);

void cmd_args_clear(struct cmd_args *args);

/* The winning item, or NULL. */
const struct cmd_item *cmd_args_item(const struct cmd_args *args, enum cmd_opt opt);
const char *cmd_args_text(const struct cmd_args *args, enum cmd_opt opt); /* NULL: not given */
bool cmd_args_flag(const struct cmd_args *args, enum cmd_opt opt, bool otherwise);
int64_t cmd_args_seconds(const struct cmd_args *args, enum cmd_opt opt); /* 0: not given */

/* The n-th item of a repeated option, from 0; NULL after the last. */
const char *cmd_args_nth(const struct cmd_args *args, enum cmd_opt opt, size_t n);

#endif
