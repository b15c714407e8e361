/* SPDX-License-Identifier: ISC */
/*
 * The text forms of option values: what a size, a port, a URL or a choice may look like. Pure;
 * errors are MIR_USAGE with an example as the hint.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdint.h>

#include "api/error.h"
#include "api/provider.h"
#include "options.h"

/* "64M", "1G", "512K", "67108864", also "64MiB"; powers of two; 1 byte to 1 EiB - 1. */
int cmd_size_parse(const char *text, uint64_t *ret_bytes, struct mir_error *err);
void cmd_size_format(uint64_t bytes, char *out, size_t size); /* "64 MiB", "1.3 KiB" */

/* "80", "8080:80", "0.0.0.0:8080:80", "[::1]:8080:80"; host_port 0: the provider chooses. */
int cmd_port_parse(const char *text, struct mir_port *ret_port, struct mir_error *err);

/* "443": 1 to 65535. */
int cmd_open_parse(const char *text, uint16_t *ret_port, struct mir_error *err);

/* "10m" (ago) or a time. */
int cmd_since_parse(const char *text, int64_t now_s, int64_t *ret_utc_s, struct mir_error *err);

/* "yes", "true", "on", "1" and their opposites; 1, 0, or -1 for anything else. */
int cmd_truth(const char *text);

/* Is the text a value of that option? `given_as` names it in the error: "--ttl", "MIRAGE_…". */
int cmd_value_check(const struct cmd_option *option, const char *text, const char *given_as,
                    struct mir_error *err);

#endif
