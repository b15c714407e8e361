/* SPDX-License-Identifier: ISC */
/*
 * Help, made from the option table and the command table. Printed on standard output, but for the
 * short one, which is what somebody without arguments gets on standard error.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cmd.h"

void cmd_help_short(const struct cmd_context *ctx);    /* at most 12 lines */
void cmd_help_overview(const struct cmd_context *ctx); /* --help */
void cmd_help_command(const struct cmd_context *ctx, const struct cmd_command *command);

/* "PROVIDER KERNEL [-- KERNEL-ARGUMENTS]": what stands behind the command's name. */
void cmd_help_places(const struct cmd_command *command, char *out, size_t size);

/* "-p, --publish [HOST:]GUEST", "--[no-]list" */
void cmd_help_flag(const struct cmd_option *option, char *out, size_t size);

#endif
