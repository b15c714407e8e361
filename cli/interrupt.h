/* SPDX-License-Identifier: ISC */
/*
 * Ctrl-C (and SIGTERM): says what keeps running and until when, and ends the program with 130.
 * What would be said is kept up to date as the work goes on, so that the handler only writes it.
 *
 * Process-wide state, for the one thread of the command line. Idempotent.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

#include "api/error.h"

/* json: an error document goes to standard output as well. */
void cmd_interrupt_install(bool json);

/* From now on an interruption says this: one sentence, then how to go on ("" for none). */
void cmd_interrupt_says(const char *fmt, ...) MIR_PRINTF(1, 2);

/* While deferred, the first interruption waits for the matching `false` (the answer of the daemon
 * decides what there is to say), the second ends at once with what was set before. */
void cmd_interrupt_defer(bool defer);

/* The answer itself is being written: the first interruption comes too late and changes nothing,
 * since a second document must not follow the first; the next one ends without a word. */
void cmd_interrupt_answered(void);

/* Is there one that waits? Whoever works for long while deferred asks, and tidies up. */
bool cmd_interrupt_pending(void);

#endif
