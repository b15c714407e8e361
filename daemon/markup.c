/* SPDX-License-Identifier: ISC */
#include "daemon/markup.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static const char *entity_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* What XML 1.0 calls a Char, beyond ASCII. */
static int code_ok(uint32_t code, unsigned len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[len] || code > 0x10ffff)
        return 0;
    return !(code >= 0xd800 && code <= 0xdfff) && code != 0xfffe && code != 0xffff;
}

/* The length of the well-formed UTF-8 sequence at p, 0 when there is none. */
static unsigned sequence(const unsigned char *p)
{
    unsigned len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    uint32_t code = p[0] & (0x7fu >> len);
    for (unsigned i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the terminator stops it, too */
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code_ok(code, len) ? len : 0;
}

int mird_markup_text(struct mir_buf *out, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        size_t plain = 0;
        while (p[plain] >= 0x20 && p[plain] < 0x7f && !entity_of(p[plain]))
            plain++;
        if (plain) {
            mir_buf_add(out, p, plain);
            p += plain;
            continue;
        }
        const char *entity = entity_of(*p);
        unsigned len = 1;
        if (entity)
            mir_buf_adds(out, entity);
        else if (*p == '\t' || *p == '\n')
            mir_buf_add(out, p, 1);
        else if (*p >= 0x80 && (len = sequence(p)) > 0)
            mir_buf_add(out, p, len);
        else {
            mir_buf_adds(out, replacement);
            len = 1;
        }
        p += len;
    }
    return out->full ? -1 : 0;
}

int mird_markup(struct mir_buf *out, ...)
{
    va_list ap;
    va_start(ap, out);
    int literal = 1;
    for (const char *part; (part = va_arg(ap, const char *)); literal = !literal) {
        if (literal)
            mir_buf_adds(out, part);
        else
            mird_markup_text(out, part);
    }
    va_end(ap);
    return out->full ? -1 : 0;
}
