/* SPDX-License-Identifier: ISC */
/*
 * Printing for people: colour decided once per stream, text from outside made harmless on a
 * terminal, and tables with aligned columns.
 *
 * Single thread. Writing does not fail here: stdio keeps the error, and cmd_main looks at it.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cmd_term {
    FILE *file; /* borrowed */
    bool tty;
    bool color;
};

enum cmd_color { CMD_PLAIN, CMD_BOLD, CMD_DIM, CMD_RED, CMD_GREEN, CMD_YELLOW, CMD_CYAN };

/* wish: 1 --color, 0 --no-color, -1 neither: then NO_COLOR, CLICOLOR_FORCE, TERM and whether the
 * stream is a terminal decide. */
void cmd_term_init(struct cmd_term *term, FILE *file, int wish);

/* The escape sequence, or "". */
const char *cmd_term_on(const struct cmd_term *term, enum cmd_color color);
const char *cmd_term_off(const struct cmd_term *term);

/* Text that somebody else wrote. On a terminal, every control character but newline and tab
 * (and the 8-bit controls of UTF-8, and bytes that are no UTF-8) is shown as \xNN. */
void cmd_term_text(const struct cmd_term *term, const char *text, size_t len);

/* The same as owned text, for lines: newline and tab are made visible as well, terminal or not. */
char *cmd_term_clean(const char *text);

#define CMD_COLUMNS_MAX 8

struct cmd_table; /* opaque */

/* Headings end with NULL; columns are as wide as their widest cell. */
struct cmd_table *cmd_table_new(const char *const *headings);
void cmd_table_free(struct cmd_table *table);
void cmd_table_cell(struct cmd_table *table, const char *text, enum cmd_color color); /* copies */
void cmd_table_print(const struct cmd_table *table, const struct cmd_term *term);

#endif
