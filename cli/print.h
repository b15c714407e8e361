/* SPDX-License-Identifier: ISC */
/*
 * REST documents as people read them: a deployment's lines, its hooks, times, money, states.
 * Everything is printed on the context's standard output. Documents are borrowed.
 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>

#include "api/clock.h"
#include "cmd.h"

#define CMD_CELL 96

enum cmd_color cmd_state_color(const char *state);

/* "keeper armed, daemon armed, guest off (says nothing of a deadline)"; owned. */
char *cmd_hooks_line(const json_t *hooks);

/* Has it no deadline, so that only its owner ends it? */
bool cmd_forever(const json_t *document);

/* "2026-11-20T18:30:00Z (59m 58s left)", or "no deadline: it runs until you remove it (reason:
 * ...)"; owned. `left_s` as the document has it. */
char *cmd_deadline_text(const json_t *document);

/* "until 2026-11-20T18:30:00Z", or "until you remove it: it has no deadline"; owned. */
char *cmd_until_text(const json_t *document);

/* An amount of a `cost`, rounded up: "0.0042 USD"; "free" where nothing is paid for, "not known",
 * "no limit". */
void cmd_money(const json_t *cost, const char *field, char out[CMD_CELL]);

/* "0.0052 USD an hour, 0.0100 USD once (prices of 2026-11-20; without traffic)"; owned. */
char *cmd_price_text(const json_t *cost);

/* "t3.nano in eu-central-1, spot, open: 80, 443"; owned, "" when the document has no place. */
char *cmd_place_text(const json_t *place);

/* "uefi, disk nvme, network card virtio"; owned, "" when the document has no machine. */
char *cmd_machine_text(const json_t *machine);

/* What a deploy prints on standard output, or --json the document. */
void cmd_print_deployment(const struct cmd_context *ctx, const json_t *deployment);

/* "  name       hello" with the label in its colour; nothing for empty texts. */
void cmd_print_row(const struct cmd_context *ctx, const char *label, const char *text);

/* The budget of a `cost`; nothing when it has none. */
void cmd_print_budget(const struct cmd_context *ctx, const json_t *cost);

/* An empty line and the table, which is freed. */
void cmd_print_table(const struct cmd_context *ctx, struct cmd_table *table);

/* The kernel document for people (inspect). */
void cmd_print_kernel(const struct cmd_context *ctx, const json_t *kernel);

/* The carrier of a plan or a deployment, where there is one. */
void cmd_print_carrier(const struct cmd_context *ctx, const json_t *doc);
/* The kinds of machines of one provider, of its `boots`; nothing when there are none. */
void cmd_print_families(const struct cmd_context *ctx, const char *provider, const json_t *boots);

#endif
