/* SPDX-License-Identifier: ISC */
#include "fmt.h"

#include <stdarg.h>

#include "mem.h"
#include "platform.h"

void fmt_init(struct fmt *f, char *text, size_t cap)
{
    f->text = text;
    f->len = 0;
    f->cap = cap;
    f->full = false;
    text[0] = '\0';
}

void fmt_mem(struct fmt *f, const char *text, size_t len)
{
    if (f->full || len >= f->cap - f->len) {
        f->full = true;
        return;
    }
    memcpy(f->text + f->len, text, len);
    f->len += len;
    f->text[f->len] = '\0';
}

void fmt_str(struct fmt *f, const char *text)
{
    fmt_mem(f, text, strlen(text));
}

/*
 * In steps of at most 32 bits: a plain 64-bit division would call into libgcc, which a 64-bit host
 * has no 32-bit version of.
 */
uint32_t fmt_divide(uint64_t *value, uint32_t by)
{
    uint32_t high = (uint32_t)(*value >> 32);
    uint32_t low = (uint32_t)*value;
    uint32_t middle = high % by << 16 | low >> 16;
    uint32_t rest = middle % by << 16 | (low & 0xffff);

    *value = (uint64_t)(high / by) << 32 | (middle / by << 16 | rest / by);
    return rest % by;
}

void fmt_u64(struct fmt *f, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + fmt_divide(&value, 10));
    } while (value != 0);
    fmt_mem(f, digits + at, sizeof(digits) - at);
}

void fmt_two(struct fmt *f, unsigned value)
{
    char digits[2] = {(char)('0' + value / 10 % 10), (char)('0' + value % 10)};

    fmt_mem(f, digits, sizeof(digits));
}

void fmt_ip(struct fmt *f, uint32_t ip)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        fmt_u64(f, ip >> shift & 0xff);
        if (shift > 0)
            fmt_str(f, ".");
    }
}

static const char hex[] = "0123456789abcdef";

void fmt_mac(struct fmt *f, const uint8_t mac[6])
{
    for (int i = 0; i < 6; i++) {
        char part[3] = {hex[mac[i] >> 4], hex[mac[i] & 15], ':'};

        fmt_mem(f, part, i < 5 ? 3 : 2);
    }
}

void fmt_json(struct fmt *f, const char *text)
{
    fmt_str(f, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            char pair[2] = {'\\', (char)c};

            fmt_mem(f, pair, 2);
        } else if (c < 0x20 || c == 0x7f) {
            char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

            fmt_mem(f, code, 6);
        } else {
            fmt_mem(f, text, 1);
        }
    }
    fmt_str(f, "\"");
}

void fmt_html(struct fmt *f, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fmt_str(f, "&amp;");
            break;
        case '<':
            fmt_str(f, "&lt;");
            break;
        case '>':
            fmt_str(f, "&gt;");
            break;
        case '"':
            fmt_str(f, "&quot;");
            break;
        case '\'':
            fmt_str(f, "&#39;");
            break;
        default:
            fmt_mem(f, text, 1);
        }
    }
}

void fmt_date(struct fmt *f, uint32_t unix_s)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t day = unix_s / 86400;
    uint32_t second = unix_s % 86400;
    unsigned year = 1970;
    unsigned month = 0;

    fmt_mem(f, days + day % 7 * 3, 3);
    /* At most 136 turns: 32 bits of seconds end in 2106. */
    for (;;) {
        unsigned in_year = year % 4 == 0 && year != 2100 ? 366 : 365;

        if (day < in_year)
            break;
        day -= in_year;
        year++;
    }
    for (;;) {
        unsigned in_month = lengths[month];

        if (month == 1 && year % 4 == 0 && year != 2100)
            in_month++;
        if (day < in_month)
            break;
        day -= in_month;
        month++;
    }
    fmt_str(f, ", ");
    fmt_two(f, day + 1);
    fmt_str(f, " ");
    fmt_mem(f, months + (size_t)month * 3, 3);
    fmt_str(f, " ");
    fmt_u64(f, year);
    fmt_str(f, " ");
    fmt_two(f, second / 3600);
    fmt_str(f, ":");
    fmt_two(f, second / 60 % 60);
    fmt_str(f, ":");
    fmt_two(f, second % 60);
    fmt_str(f, " GMT");
}

bool fmt_parse_u32(const char *text, size_t len, uint32_t *ret)
{
    uint32_t value = 0;

    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint32_t digit = (uint32_t)(text[i] - '0');

        if (digit > 9 || value > (UINT32_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

bool fmt_parse_ip(const char *text, size_t len, uint32_t *ret)
{
    uint32_t ip = 0;
    size_t at = 0;

    for (int part = 0; part < 4; part++) {
        size_t start = at;
        uint32_t value;

        while (at < len && text[at] != '.')
            at++;
        if (at - start > 3 || !fmt_parse_u32(text + start, at - start, &value) || value > 255)
            return false;
        ip = ip << 8 | value;
        if (part < 3 && at++ == len)
            return false;
    }
    if (at != len)
        return false;
    *ret = ip;
    return true;
}

/* The length of the UTF-8 sequence at text, 0 when it is none. */
static size_t utf8_sequence(const unsigned char *text, size_t len)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = text[0];
    size_t n = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
    uint32_t code;

    if (n < 2 || n > len)
        return n <= len ? n : 0;
    code = c & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return n;
}

bool fmt_is_clean_utf8(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;

    while (len > 0) {
        size_t n = utf8_sequence(at, len);

        if (n == 0 || at[0] < 0x20 || at[0] == 0x7f)
            return false;
        at += n;
        len -= n;
    }
    return true;
}

bool fmt_same(const char *a, size_t len, const char *b)
{
    return strlen(b) == len && memcmp(a, b, len) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool fmt_same_nocase(const char *a, size_t len, const char *b)
{
    if (strlen(b) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

void platform_say(const struct platform *plat, ...)
{
    va_list parts;
    const char *part;

    plat->print(plat->ctx, "hello: ", 7);
    va_start(parts, plat);
    while ((part = va_arg(parts, const char *)) != NULL)
        plat->print(plat->ctx, part, strlen(part));
    va_end(parts);
    plat->print(plat->ctx, "\n", 1);
}
