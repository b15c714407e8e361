/* SPDX-License-Identifier: ISC */
/* Which addresses are public, and what a URL may look like: the pure half of the HTTP client. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/http.h"
#include "api/memory.h"

struct prefix4 {
    uint32_t net;
    unsigned bits;
};

/* IANA special-purpose registry, everything not globally reachable (RFC 6890 and later). */
static const struct prefix4 refused4[] = {
    {0x00000000, 8},  /* 0.0.0.0/8 "this network" */
    {0x0a000000, 8},  /* 10/8 private */
    {0x64400000, 10}, /* 100.64/10 carrier NAT */
    {0x7f000000, 8},  /* 127/8 loopback */
    {0xa9fe0000, 16}, /* 169.254/16 link-local, cloud metadata */
    {0xac100000, 12}, /* 172.16/12 private */
    {0xc0000000, 24}, /* 192.0.0/24 protocol assignments */
    {0xc0000200, 24}, /* 192.0.2/24 documentation */
    {0xc0586300, 24}, /* 192.88.99/24 6to4 relays */
    {0xc0a80000, 16}, /* 192.168/16 private */
    {0xc6120000, 15}, /* 198.18/15 benchmarks */
    {0xc6336400, 24}, /* 198.51.100/24 documentation */
    {0xcb007100, 24}, /* 203.0.113/24 documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool public4(uint32_t address)
{
    for (size_t i = 0; i < MIR_NELEMS(refused4); i++) {
        uint32_t mask = ~0u << (32 - refused4[i].bits);
        if ((address & mask) == refused4[i].net)
            return false;
    }
    return true;
}

struct prefix6 {
    unsigned char net[16];
    unsigned bits;
    int embeds; /* offset of an IPv4 address that decides; -1: refused */
};

static const struct prefix6 special6[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12}, /* ::ffff:0:0/96 mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},                   /* 64:ff9b::/96 NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, -1},       /* 64:ff9b:1::/48 local NAT64 */
    {{0x20, 0x02}, 16, 2},                                /* 2002::/16 6to4 */
    {{0x20, 0x01}, 23, -1},                               /* 2001::/23 protocols, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, -1},                   /* documentation */
    {{0x3f, 0xff}, 20, -1},                               /* documentation */
};

static bool prefix_match(const unsigned char *address, const unsigned char *net, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(address, net, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    unsigned mask = (0xffu << (8 - rest)) & 0xffu;
    return (address[whole] & mask) == (net[whole] & mask);
}

static uint32_t read_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool public6(const unsigned char address[16])
{
    for (size_t i = 0; i < MIR_NELEMS(special6); i++) {
        const struct prefix6 *s = &special6[i];
        if (prefix_match(address, s->net, s->bits))
            return s->embeds >= 0 && public4(read_be32(address + s->embeds));
    }
    /* Only 2000::/3 is handed out for the internet; all the rest (loopback, unique-local,
     * link-local, multicast, IPv4-compatible, discard) lies outside. */
    return (address[0] & 0xe0) == 0x20;
}

bool mir_http_address_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        return public6(in6.sin6_addr.s6_addr);
    }
    return false;
}

bool mir_http_address_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        const unsigned char *a = in6.sin6_addr.s6_addr;
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) && a[12] == 127);
    }
    return false;
}

/* --- URLs --- */

static bool host_chars_ok(const char *host)
{
    size_t len = strlen(host);
    if (len == 0 || len > 253 || host[0] == '.' || host[0] == '-')
        return false;
    for (const char *p = host; *p; p++) {
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.' && *p != '_')
            return false;
        if (p[0] == '.' && p[1] == '.')
            return false;
    }
    return true;
}

static int copy_lower(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return -1;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)from[i]);
    out[len] = '\0';
    return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static int parse_authority(const char *text, size_t len, struct mir_url *u, const char **ret_port)
{
    const char *end = text + len;
    const char *host_end;
    if (len && *text == '[') {
        host_end = memchr(text, ']', len);
        struct in6_addr in6;
        if (!host_end ||
            copy_lower(u->host, sizeof u->host, text + 1, (size_t)(host_end - text - 1)))
            return -1;
        if (inet_pton(AF_INET6, u->host, &in6) != 1)
            return -1;
        u->numeric = true;
        host_end++;
        if (host_end != end && *host_end != ':')
            return -1;
    } else {
        host_end = memchr(text, ':', len);
        if (!host_end)
            host_end = end;
        struct in_addr in;
        if (copy_lower(u->host, sizeof u->host, text, (size_t)(host_end - text)) ||
            !host_chars_ok(u->host))
            return -1;
        u->numeric = inet_pton(AF_INET, u->host, &in) == 1;
        /* 127.1 and 0x7f000001 are addresses to a resolver: an all-number last label is none of
         * a name's. */
        const char *last = strrchr(u->host, '.');
        last = last ? last + 1 : u->host;
        if (!u->numeric && isdigit((unsigned char)*last))
            return -1;
    }
    *ret_port = host_end < end ? host_end + 1 : NULL;
    return 0;
}

static int parse_port(const char *text, const char *end, uint16_t *ret)
{
    unsigned value = 0;
    if (text == end || end - text > 5)
        return -1;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return -1;
        value = value * 10 + (unsigned)(*text - '0');
    }
    if (value == 0 || value > 65535)
        return -1;
    *ret = (uint16_t)value;
    return 0;
}

static void write_origin(struct mir_url *u)
{
    bool v6 = strchr(u->host, ':') != NULL;
    int n = snprintf(u->origin, sizeof u->origin, "%s://%s%s%s", u->https ? "https" : "http",
                     v6 ? "[" : "", u->host, v6 ? "]" : "");
    if (u->port != (u->https ? 443 : 80))
        snprintf(u->origin + n, sizeof u->origin - (size_t)n, ":%u", (unsigned)u->port);
}

int mir_url_parse(const char *url, struct mir_url *ret, struct mir_error *err)
{
    struct mir_url u = {0};
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("<>\"\\`{}|^", *p))
            return mir_fail(err, MIR_USAGE,
                            "URL with a character that has no place in one (at position %zu)",
                            (size_t)(p - url) + 1);
    const char *rest;
    if (!strncasecmp(url, "https://", 8)) {
        u.https = true;
        rest = url + 8;
    } else if (!strncasecmp(url, "http://", 7)) {
        rest = url + 7;
    } else {
        mir_fail(err, MIR_USAGE, "'%.200s' is not an http or https URL", url);
        return mir_error_hint(err, "write it in full: https://example.org/");
    }
    size_t len = strcspn(rest, "/?#");
    if (memchr(rest, '@', len))
        return mir_fail(err, MIR_USAGE, "URL with a user name or password in it");
    const char *port = NULL;
    if (parse_authority(rest, len, &u, &port))
        return mir_fail(err, MIR_USAGE, "'%.200s': not a valid host name or address", url);
    u.port = u.https ? 443 : 80;
    if (port && parse_port(port, rest + len, &u.port))
        return mir_fail(err, MIR_USAGE, "'%.200s': not a valid port", url);
    write_origin(&u);
    *ret = u;
    return 0;
}

/* --- percent-encoding --- */

static bool unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void mir_url_encode(struct mir_buf *out, const char *text, size_t len, bool slash)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t from = 0, to = 0; from < len; from = to) {
        while (to < len && (unreserved((unsigned char)text[to]) || (slash && text[to] == '/')))
            to++;
        mir_buf_add(out, text + from, to - from);
        if (to < len) {
            unsigned char c = (unsigned char)text[to++];
            mir_buf_add(out, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        }
    }
}
