/* SPDX-License-Identifier: ISC */
#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/buf.h"
#include "api/memory.h"

static bool set(const char *name)
{
    const char *value = getenv(name);
    return value && *value && strcmp(value, "0");
}

void cmd_term_init(struct cmd_term *term, FILE *file, int wish)
{
    term->file = file;
    term->tty = isatty(fileno(file));
    const char *kind = getenv("TERM"), *none = getenv("NO_COLOR");
    if (wish >= 0)
        term->color = wish;
    else if (none && *none)
        term->color = false;
    else if (set("CLICOLOR_FORCE"))
        term->color = true;
    else
        term->color = term->tty && kind && strcmp(kind, "dumb");
}

const char *cmd_term_on(const struct cmd_term *term, enum cmd_color color)
{
    static const char *const codes[] = {
        [CMD_PLAIN] = "",        [CMD_BOLD] = "\033[1m",   [CMD_DIM] = "\033[2m",
        [CMD_RED] = "\033[31m",  [CMD_GREEN] = "\033[32m", [CMD_YELLOW] = "\033[33m",
        [CMD_CYAN] = "\033[36m",
    };
    return term->color ? codes[color] : "";
}

const char *cmd_term_off(const struct cmd_term *term)
{
    return term->color ? "\033[0m" : "";
}

/* Bytes of one well-formed UTF-8 character at p (n left), 0 when it is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    size_t len = p[0] < 0x80                   ? 1
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                 : (p[0] & 0xf0) == 0xe0       ? 3
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Would a terminal do something with this character rather than show it? C0, DEL, C1. */
static bool is_control(const unsigned char *p, size_t len)
{
    return (len == 1 && (p[0] < 0x20 || p[0] == 0x7f)) || (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static void clean(struct mir_buf *out, const char *text, size_t len, bool keep_lines)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_len(p + i, len - i);
        bool plain = n > 0 && !is_control(p + i, n);
        if (n == 1 && keep_lines && (p[i] == '\n' || p[i] == '\t'))
            plain = true;
        if (n == 1 && keep_lines && p[i] == '\r' && i + 1 < len && p[i + 1] == '\n') {
            i++; /* serial consoles end their lines with both */
            continue;
        }
        if (plain) {
            mir_buf_add(out, p + i, n);
            i += n;
        } else {
            mir_buf_addf(out, "\\x%02x", p[i]);
            i++;
        }
    }
}

void cmd_term_text(const struct cmd_term *term, const char *text, size_t len)
{
    if (!term->tty) {
        fwrite(text, 1, len, term->file);
        return;
    }
    /* Four bytes for each at the most. */
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, len * 4 + 1);
    clean(&out, text, len, true);
    fwrite(mir_buf_text(&out), 1, out.len, term->file);
}

char *cmd_term_clean(const char *text)
{
    struct mir_buf out;
    size_t len = strlen(text);
    mir_buf_init(&out, len * 4 + 1);
    clean(&out, text, len, false);
    return mir_buf_take(&out);
}

/* --- tables --- */

struct cell {
    char *text; /* owned */
    enum cmd_color color;
};

struct cmd_table {
    const char *const *headings; /* borrowed */
    size_t columns;
    struct cell *cells;
    size_t count;
};

struct cmd_table *cmd_table_new(const char *const *headings)
{
    struct cmd_table *table = mir_calloc(1, sizeof *table);
    table->headings = headings;
    while (headings[table->columns] && table->columns < CMD_COLUMNS_MAX)
        table->columns++;
    return table;
}

void cmd_table_free(struct cmd_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void cmd_table_cell(struct cmd_table *table, const char *text, enum cmd_color color)
{
    table->cells = mir_realloc(table->cells, table->count + 1, sizeof *table->cells);
    table->cells[table->count++] = (struct cell){cmd_term_clean(text && *text ? text : "-"), color};
}

/* Columns on the screen: characters, not bytes. */
static size_t width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

static void print_cell(const struct cmd_term *term, const char *text, enum cmd_color color,
                       size_t pad)
{
    fprintf(term->file, "%s%s%s%*s", cmd_term_on(term, color), text,
            color == CMD_PLAIN ? "" : cmd_term_off(term), (int)pad, "");
}

void cmd_table_print(const struct cmd_table *table, const struct cmd_term *term)
{
    size_t widths[CMD_COLUMNS_MAX] = {0};
    for (size_t c = 0; c < table->columns; c++)
        widths[c] = width(table->headings[c]);
    for (size_t i = 0; i < table->count; i++) {
        size_t w = width(table->cells[i].text), c = i % table->columns;
        widths[c] = w > widths[c] ? w : widths[c];
    }
    for (size_t c = 0; c < table->columns; c++) {
        bool last = c + 1 == table->columns;
        print_cell(term, table->headings[c], CMD_BOLD,
                   last ? 0 : widths[c] - width(table->headings[c]) + 2);
    }
    fputc('\n', term->file);
    for (size_t i = 0; i < table->count; i++) {
        bool last = i % table->columns + 1 == table->columns;
        size_t pad = last ? 0 : widths[i % table->columns] - width(table->cells[i].text) + 2;
        print_cell(term, table->cells[i].text, table->cells[i].color, pad);
        if (last)
            fputc('\n', term->file);
    }
}
