/* SPDX-License-Identifier: ISC */
#include "args.h"

#include "fmt.h"
#include "mem.h"

#define ARGS_LINE_MAX 4096 /* more than any loader passes */

/* Each setter answers NULL, or why the value is no good; then it has changed nothing. */
typedef const char *args_setter(struct args *args, const char *value, size_t len);

static const char *copy_text(char *to, size_t cap, const char *value, size_t len)
{
    if (len >= cap)
        return "too long";
    if (!fmt_is_clean_utf8(value, len))
        return "not clean UTF-8 text";
    memcpy(to, value, len);
    to[len] = '\0';
    return NULL;
}

/* For what ends up in an HTTP request of ours: nothing that could end a line or a word. */
static bool is_graphic(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x21 || value[i] > 0x7e)
            return false;
    }
    return true;
}

static const char *set_name(struct args *args, const char *value, size_t len)
{
    if (len == 0)
        return "empty";
    return copy_text(args->name, sizeof(args->name), value, len);
}

static const char *set_token(struct args *args, const char *value, size_t len)
{
    return copy_text(args->token, sizeof(args->token), value, len);
}

static const char *set_url(struct args *args, const char *value, size_t len)
{
    if (!is_graphic(value, len))
        return "not a URL";
    return copy_text(args->url, sizeof(args->url), value, len);
}

static bool is_unicast(uint32_t ip)
{
    return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

static const char *set_ip(struct args *args, const char *value, size_t len)
{
    size_t slash = 0;
    uint32_t ip;
    uint32_t bits;

    while (slash < len && value[slash] != '/')
        slash++;
    if (slash == len)
        return "no prefix length (A.B.C.D/N)";
    if (!fmt_parse_ip(value, slash, &ip) || !is_unicast(ip))
        return "not an IPv4 address";
    if (!fmt_parse_u32(value + slash + 1, len - slash - 1, &bits) || bits < 1 || bits > 32)
        return "prefix length not in 1 to 32";
    args->ip = ip;
    args->mask = UINT32_MAX << (32 - bits);
    return NULL;
}

static const char *set_gw(struct args *args, const char *value, size_t len)
{
    uint32_t ip;

    if (!fmt_parse_ip(value, len, &ip) || !is_unicast(ip))
        return "not an IPv4 address";
    args->gw = ip;
    return NULL;
}

static const char *set_deadline(struct args *args, const char *value, size_t len)
{
    return fmt_parse_u32(value, len, &args->deadline) ? NULL : "not a number of seconds";
}

static const char *set_grace(struct args *args, const char *value, size_t len)
{
    return fmt_parse_u32(value, len, &args->grace) ? NULL : "not a number of seconds";
}

static bool parse_port(const char *value, size_t len, uint16_t *ret)
{
    uint32_t port;

    if (!fmt_parse_u32(value, len, &port) || port < 1 || port > 65535)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static const char *set_port(struct args *args, const char *value, size_t len)
{
    return parse_port(value, len, &args->port) ? NULL : "not a port number";
}

/* http://A.B.C.D[:PORT][/PATH]: no names, as there is no resolver here. */
static const char *set_announce(struct args *args, const char *value, size_t len)
{
    static const char scheme[] = "http://";
    size_t skip = sizeof(scheme) - 1;
    uint16_t port = 80;
    size_t host = 0;
    size_t end;
    uint32_t ip;

    if (len <= skip || memcmp(value, scheme, skip) != 0)
        return "does not start with http://";
    if (!is_graphic(value, len))
        return "not a URL";
    value += skip;
    len -= skip;
    while (host < len && value[host] != ':' && value[host] != '/')
        host++;
    end = host;
    while (end < len && value[end] != '/')
        end++;
    if (!fmt_parse_ip(value, host, &ip) || !is_unicast(ip))
        return "host is not an IPv4 address";
    if (end > host && !parse_port(value + host + 1, end - host - 1, &port))
        return "not a port number";
    args->announce_ip = ip;
    args->announce_port = port;
    return end == len ? copy_text(args->announce_path, sizeof(args->announce_path), "/", 1)
                      : copy_text(args->announce_path, sizeof(args->announce_path), value + end,
                                  len - end);
}

static const struct {
    const char *key;
    args_setter *set;
    const char *fallback;
} table[] = {
    {"name", set_name, "using \"hello\""},
    {"ip", set_ip, "using DHCP"},
    {"gw", set_gw, "using none"},
    {"token", set_token, "using none"},
    {"deadline", set_deadline, "using none"},
    {"grace", set_grace, "using 30"},
    {"announce", set_announce, "not announcing"},
    {"url", set_url, "using the address"},
    {"port", set_port, "using 80"},
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Answers NULL or the reason. */
static const char *decode(const char *text, size_t len, char *ret, size_t *ret_len)
{
    size_t out = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (out == ARGS_VALUE_MAX)
            return "too long";
        if (c == '%') {
            int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return "bad percent-encoding";
            c = (char)(high << 4 | low);
            i += 2;
        }
        ret[out++] = c;
    }
    *ret_len = out;
    return NULL;
}

/* Command lines come from outside: no control characters reach the console through a report. */
static void quote(char *to, size_t cap, const char *text, size_t len)
{
    size_t n = len < cap - 1 ? len : cap - 1;

    for (size_t i = 0; i < n; i++)
        to[i] = text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    to[n] = '\0';
}

static void parse_word(struct args *args, const char *word, size_t len, bool first,
                       const struct platform *plat)
{
    char value[ARGS_VALUE_MAX];
    char shown[81];
    size_t key = 0;
    size_t value_len;
    const char *reason;

    while (key < len && word[key] != '=')
        key++;
    if (first && key == len)
        return;
    quote(shown, sizeof(shown), word, len);
    for (size_t i = 0; key < len && i < sizeof(table) / sizeof(table[0]); i++) {
        if (!fmt_same(word, key, table[i].key))
            continue;
        reason = decode(word + key + 1, len - key - 1, value, &value_len);
        if (reason == NULL)
            reason = table[i].set(args, value, value_len);
        if (reason != NULL)
            platform_say(plat, "argument ", shown, ": ", reason, "; ", table[i].fallback, NULL);
        return;
    }
    platform_say(plat, "argument ", shown, ": unknown; ignored", NULL);
}

void args_parse(struct args *args, const char *line, const struct platform *plat)
{
    size_t at = 0;
    bool first = true;

    memset(args, 0, sizeof(*args));
    memcpy(args->name, "hello", 6);
    args->grace = 30;
    args->port = 80;
    while (at < ARGS_LINE_MAX && line[at] != '\0') {
        size_t start = at;

        while (at < ARGS_LINE_MAX && line[at] != '\0' && line[at] != ' ')
            at++;
        if (at > start) {
            parse_word(args, line + start, at - start, first, plat);
            first = false;
        }
        if (at < ARGS_LINE_MAX && line[at] == ' ')
            at++;
    }
}
