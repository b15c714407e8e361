/* SPDX-License-Identifier: ISC */
#include "lines.h"

#include <stdint.h>
#include <string.h>

/* How many bytes a character has by its first one; 0: no first one. */
static size_t utf8_width(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return 2;
    if (c >= 0xe0 && c <= 0xef)
        return 3;
    return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* The code of a character of width bytes, 2 or more; 0 when it is not well-formed. */
static uint32_t code_of(const unsigned char *at, size_t width)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = at[0] & (0x7fU >> width);

    for (size_t i = 1; i < width; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fU);
    }
    return code >= least[width] ? code : 0;
}

/* No character, C1 controls, and what turns the direction of a line around. */
static bool is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } hidden[] = {{0, 0x9f},        {0x200e, 0x200f}, {0x2028, 0x202e},
                  {0x2066, 0x2069}, {0xd800, 0xdfff}, {0x110000, UINT32_MAX}};

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (code >= hidden[i].first && code <= hidden[i].last)
            return true;
    }
    return false;
}

/* The width of a well-formed character that shows something; 0 otherwise. */
static size_t shown(const unsigned char *at, size_t left)
{
    size_t width = utf8_width(at[0]);

    if (width == 1)
        return at[0] == '\t' || (at[0] >= 0x20 && at[0] != 0x7f) ? 1 : 0;
    if (width == 0 || width > left || is_hidden(code_of(at, width)))
        return 0;
    return width;
}

/* The length of a sequence that sets a colour, ESC [ 1;31 m, which would show nothing; else 0. */
static size_t colour(const unsigned char *at, size_t left)
{
    size_t len = 2;

    if (left < 3 || at[0] != 0x1b || at[1] != '[')
        return 0;
    while (len < left && ((at[len] >= '0' && at[len] <= '9') || at[len] == ';'))
        len++;
    return len < left && at[len] == 'm' ? len + 1 : 0;
}

/* A byte that cannot be shown as itself; the length of what stands for it. */
static size_t spell(unsigned char c, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    if (c < 0x20 || c == 0x7f) {
        ret[0] = '^';
        ret[1] = (char)(c ^ 0x40);
        return 2;
    }
    ret[0] = '\\';
    ret[1] = 'x';
    ret[2] = digits[c >> 4];
    ret[3] = digits[c & 15];
    return 4;
}

size_t car_line_clean(const char *raw, size_t len, char *ret)
{
    const unsigned char *at = (const unsigned char *)raw;
    size_t out = 0;

    for (size_t i = 0; i < len;) {
        size_t skipped = colour(at + i, len - i);
        size_t width = shown(at + i, len - i);

        if (skipped > 0) {
            i += skipped;
        } else if (width > 0) {
            memcpy(ret + out, at + i, width);
            out += width;
            i += width;
        } else {
            out += spell(at[i++], ret + out);
        }
    }
    ret[out] = '\0';
    return out;
}

static void flush(struct car_lines *lines, size_t len)
{
    char clean[CAR_CLEAN_MAX];
    size_t clean_len = car_line_clean(lines->raw, len, clean);

    lines->emit(lines->ctx, clean, clean_len);
    lines->raw_len -= len;
    memmove(lines->raw, lines->raw + len, lines->raw_len);
}

/* As much of a full buffer as does not end within a character. */
static size_t whole_characters(const struct car_lines *lines)
{
    for (size_t back = 1; back <= 3; back++) {
        unsigned char c = (unsigned char)lines->raw[lines->raw_len - back];

        if (utf8_width(c) > back)
            return lines->raw_len - back;
        if ((c & 0xc0) != 0x80)
            break;
    }
    return lines->raw_len;
}

void car_lines_feed(struct car_lines *lines, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool second = bytes[i] == '\n' && lines->after_return;

        lines->after_return = bytes[i] == '\r';
        if (second)
            continue;
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            flush(lines, lines->raw_len);
            continue;
        }
        if (lines->raw_len == CAR_LINE_MAX)
            flush(lines, whole_characters(lines));
        lines->raw[lines->raw_len++] = bytes[i];
    }
}

void car_lines_end(struct car_lines *lines)
{
    if (lines->raw_len > 0)
        flush(lines, lines->raw_len);
    lines->after_return = false;
}
