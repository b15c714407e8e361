/* SPDX-License-Identifier: ISC */
/*
 * The log: one line per event on standard error. Text on a terminal; with $JOURNAL_STREAM set,
 * each line carries its syslog priority ("<6>"). Library code logs at debug only, but for what a
 * provider had to leave behind (warning); programs choose
 * the rest. Any thread; a line is written by one write(2).
 */
#ifndef API_LOG_H
#define API_LOG_H

#include "api/error.h"

enum mir_log_level { MIR_LOG_ERROR = 3, MIR_LOG_WARN = 4, MIR_LOG_INFO = 6, MIR_LOG_DEBUG = 7 };

/* Lines above this level are dropped; default INFO. Set once at start. */
void mir_log_set_level(enum mir_log_level level);
int mir_log_enabled(enum mir_log_level level);

/* `area` is a short word: "engine", "rest". Control characters in the text are replaced. */
void mir_log(enum mir_log_level level, const char *area, const char *fmt, ...) MIR_PRINTF(3, 4);

#endif
