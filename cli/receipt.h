/* SPDX-License-Identifier: ISC */
/*
 * A deployment's receipt and its lines of the audit log, as people read them. Documents are
 * borrowed; single thread.
 */
#ifndef CLI_RECEIPT_H
#define CLI_RECEIPT_H

#include <jansson.h>

#include "cmd.h"

/* What is known to exist, of a deployment that is not over: {"kind","id","shown_at","shown_by"}. */
void cmd_print_objects(const struct cmd_context *ctx, const json_t *objects);

/* What existed, and how it was seen to go. */
void cmd_print_receipt(const struct cmd_context *ctx, const json_t *receipt);

void cmd_print_audit(const struct cmd_context *ctx, const json_t *rows);

/* Is the receipt the one that the audit log names? MIR_CORRUPT when it is not. JSON null (none):
 * 0. */
int cmd_check_receipt(const json_t *receipt, const json_t *rows, struct mir_error *err);

#endif
