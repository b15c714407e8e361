/* SPDX-License-Identifier: ISC */
#include "dhcp_message.h"

#include <string.h>

#include "bytes.h"

#define COOKIE 0x63825363U
#define LEAST_BYTES 300 /* BOOTP's least size, which some servers insist on */
#define ROUTE_TEXT_MAX 512

enum place {
    AT_XID = 4,
    AT_SECONDS = 8,
    AT_CLIENT = 12,
    AT_YOURS = 16,
    AT_MAC = 28,
    AT_SERVER_NAME = 44,
    AT_FILE = 108,
    AT_COOKIE = 236,
    AT_OPTIONS = 240
};

enum option {
    OPTION_PAD = 0,
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_MTU = 26,
    OPTION_ADDRESS = 50,
    OPTION_LEASE = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_LIST = 55,
    OPTION_SIZE = 57,
    OPTION_RENEW = 58,
    OPTION_REBIND = 59,
    OPTION_CLIENT = 61,
    OPTION_ROUTES = 121,
    OPTION_END = 255
};

/* --- writing --- */

static uint8_t *put_option(uint8_t *at, uint8_t option, const void *value, size_t len)
{
    at[0] = option;
    at[1] = (uint8_t)len;
    memcpy(at + 2, value, len);
    return at + 2 + len;
}

static uint8_t *put_number(uint8_t *at, uint8_t option, uint32_t value)
{
    uint8_t bytes[4];

    put32(bytes, value);
    return put_option(at, option, bytes, sizeof bytes);
}

size_t car_dhcp_write(const struct car_dhcp_question *question,
                      uint8_t message[CAR_DHCP_SEND_BYTES])
{
    /* Routes before the router, as RFC 3442 wants it. */
    static const uint8_t list[] = {OPTION_MASK,   OPTION_ROUTES, OPTION_ROUTER,
                                   OPTION_DNS,    OPTION_MTU,    OPTION_LEASE,
                                   OPTION_SERVER, OPTION_RENEW,  OPTION_REBIND};
    uint8_t type = (uint8_t)question->type;
    uint8_t client[7] = {1};
    uint8_t size[2];
    uint8_t *at = message + AT_OPTIONS;
    size_t len;

    memset(message, 0, CAR_DHCP_SEND_BYTES);
    message[0] = 1; /* a request */
    message[1] = 1; /* by Ethernet */
    message[2] = 6;
    put32(message + AT_XID, question->xid);
    put16(message + AT_SECONDS,
          (uint16_t)(question->seconds > 0xffff ? 0xffff : question->seconds));
    put32(message + AT_CLIENT, question->client);
    memcpy(message + AT_MAC, question->mac, 6);
    put32(message + AT_COOKIE, COOKIE);
    at = put_option(at, OPTION_TYPE, &type, 1);
    memcpy(client + 1, question->mac, 6);
    at = put_option(at, OPTION_CLIENT, client, sizeof client);
    put16(size, 1400);
    at = put_option(at, OPTION_SIZE, size, sizeof size);
    at = put_option(at, OPTION_LIST, list, sizeof list);
    if (question->wanted != 0)
        at = put_number(at, OPTION_ADDRESS, question->wanted);
    if (question->server != 0)
        at = put_number(at, OPTION_SERVER, question->server);
    *at++ = OPTION_END;
    len = (size_t)(at - message);
    return len < LEAST_BYTES ? LEAST_BYTES : len;
}

/* --- reading --- */

struct reading {
    struct car_dhcp_answer answer;
    uint8_t routes[ROUTE_TEXT_MAX]; /* option 121, put together of its parts (RFC 3396) */
    size_t routes_len;
    unsigned overload;
};

static void take_dns(struct car_dhcp_answer *answer, const uint8_t *value, size_t len)
{
    answer->dns_n = 0;
    for (size_t at = 0; at + 4 <= len && answer->dns_n < CAR_DHCP_DNS_MAX; at += 4)
        answer->dns[answer->dns_n++] = get32(value + at);
}

static void take_number(struct car_dhcp_answer *answer, uint8_t option, uint32_t value)
{
    uint32_t *const fields[256] = {
        [OPTION_MASK] = &answer->mask,     [OPTION_ROUTER] = &answer->router,
        [OPTION_LEASE] = &answer->lease_s, [OPTION_SERVER] = &answer->server,
        [OPTION_RENEW] = &answer->renew_s, [OPTION_REBIND] = &answer->rebind_s,
    };

    if (fields[option] != NULL)
        *fields[option] = value;
}

static void take_option(struct reading *reading, uint8_t option, const uint8_t *value, size_t len)
{
    struct car_dhcp_answer *answer = &reading->answer;

    if (option == OPTION_TYPE && len == 1)
        answer->type = (enum car_dhcp_type)value[0];
    else if (option == OPTION_OVERLOAD && len == 1)
        reading->overload = value[0];
    else if (option == OPTION_MTU && len == 2)
        answer->mtu = get16(value);
    else if (option == OPTION_DNS)
        take_dns(answer, value, len);
    else if (option == OPTION_ROUTES && len <= ROUTE_TEXT_MAX - reading->routes_len) {
        memcpy(reading->routes + reading->routes_len, value, len);
        reading->routes_len += len;
    } else if (len >= 4)
        take_number(answer, option, get32(value));
}

/* One field of options. Without an end mark it ends with the field. */
static bool take_options(struct reading *reading, const uint8_t *field, size_t len)
{
    size_t at = 0;

    while (at < len && field[at] != OPTION_END) {
        size_t n;

        if (field[at] == OPTION_PAD) {
            at++;
            continue;
        }
        if (len - at < 2 || len - at - 2 < field[at + 1])
            return false;
        n = field[at + 1];
        take_option(reading, field[at], field + at + 2, n);
        at += 2 + n;
    }
    return true;
}

/* Prefix length, the bytes of the target that it covers, gateway (RFC 3442). */
static bool take_routes(struct reading *reading)
{
    struct car_dhcp_answer *answer = &reading->answer;
    size_t at = 0;

    while (at < reading->routes_len) {
        struct car_dhcp_route route = {.prefix = reading->routes[at]};
        size_t covered = (route.prefix + 7) / 8;
        uint8_t target[4] = {0};

        if (route.prefix > 32 || reading->routes_len - at - 1 < covered + 4)
            return false;
        memcpy(target, reading->routes + at + 1, covered);
        route.target = get32(target);
        if (route.prefix < 32)
            route.target &= route.prefix == 0 ? 0 : ~(UINT32_MAX >> route.prefix);
        route.gateway = get32(reading->routes + at + 1 + covered);
        at += 1 + covered + 4;
        if (answer->routes_n < CAR_DHCP_ROUTES_MAX)
            answer->routes[answer->routes_n++] = route;
    }
    return true;
}

bool car_dhcp_read(const uint8_t *message, size_t len, uint32_t xid, const uint8_t mac[6],
                   struct car_dhcp_answer *ret)
{
    struct reading reading;

    if (len < AT_OPTIONS || message[0] != 2 || get32(message + AT_XID) != xid ||
        memcmp(message + AT_MAC, mac, 6) != 0 || get32(message + AT_COOKIE) != COOKIE)
        return false;
    memset(&reading, 0, sizeof reading);
    reading.answer.ip = get32(message + AT_YOURS);
    if (!take_options(&reading, message + AT_OPTIONS, len - AT_OPTIONS))
        return false;
    /* A server that ran out of room goes on in the fields for names. */
    if ((reading.overload & 1) != 0 &&
        !take_options(&reading, message + AT_FILE, AT_COOKIE - AT_FILE))
        return false;
    if ((reading.overload & 2) != 0 &&
        !take_options(&reading, message + AT_SERVER_NAME, AT_FILE - AT_SERVER_NAME))
        return false;
    if (!take_routes(&reading))
        return false;
    *ret = reading.answer;
    return true;
}

static bool ip_usable(uint32_t ip)
{
    return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 24 < 224;
}

bool car_dhcp_usable(const struct car_dhcp_answer *answer)
{
    uint32_t host = ~answer->mask;

    /* Ones, then zeros. */
    return ip_usable(answer->ip) && answer->mask != 0 && (host & (host + 1)) == 0 &&
           (answer->router == 0 || ip_usable(answer->router));
}

unsigned car_dhcp_prefix(uint32_t mask)
{
    unsigned prefix = 0;

    while (prefix < 32 && (mask & (0x80000000U >> prefix)) != 0)
        prefix++;
    return prefix;
}
