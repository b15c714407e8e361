/* SPDX-License-Identifier: ISC */
#include "dhcp.h"

#include <stdbool.h>

#include "mem.h"

#define SERVER_PORT 67
#define CLIENT_PORT 68
#define FIXED_BYTES 236 /* before the options' cookie */
#define COOKIE 0x63825363U
#define MESSAGE_BYTES 300 /* BOOTP's least size, which some servers insist on */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 32000
#define REQUEST_TRIES 4
#define INFINITE UINT32_MAX

enum {
    OPT_MASK = 1,
    OPT_ROUTER = 3,
    OPT_ADDRESS = 50,
    OPT_LEASE = 51,
    OPT_TYPE = 53,
    OPT_SERVER = 54,
    OPT_WANTED = 55,
    OPT_RENEW = 58,
    OPT_REBIND = 59,
    OPT_CLIENT = 61,
    OPT_END = 255
};
enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6 };

struct answer {
    uint8_t type;
    uint32_t ip, server, mask, router, lease_s, renew_s, rebind_s;
};

static const uint8_t broadcast_mac[6] = {255, 255, 255, 255, 255, 255};

static uint64_t now_ms(const struct dhcp *dhcp)
{
    return dhcp->net->plat->uptime_ms(dhcp->net->plat->ctx);
}

static uint8_t *put_option32(uint8_t *at, uint8_t option, uint32_t value)
{
    at[0] = option;
    at[1] = 4;
    put32(at + 2, value);
    return at + 6;
}

static uint8_t *put_options(const struct dhcp *dhcp, uint8_t *at)
{
    static const uint8_t wanted[] = {OPT_WANTED, 6,          OPT_MASK,  OPT_ROUTER,
                                     OPT_LEASE,  OPT_SERVER, OPT_RENEW, OPT_REBIND};

    put32(at, COOKIE);
    at[4] = OPT_TYPE;
    at[5] = 1;
    at[6] = dhcp->state == DHCP_SELECTING ? DISCOVER : REQUEST;
    at[7] = OPT_CLIENT;
    at[8] = 7;
    at[9] = 1;
    memcpy(at + 10, dhcp->net->mac, 6);
    memcpy(at + 16, wanted, sizeof(wanted));
    at += 16 + sizeof(wanted);
    if (dhcp->state == DHCP_REQUESTING) {
        at = put_option32(at, OPT_ADDRESS, dhcp->ip);
        at = put_option32(at, OPT_SERVER, dhcp->server);
    }
    *at++ = OPT_END;
    return at;
}

/* Sends the question that belongs to the state, and sets when to repeat it. */
static void ask(struct dhcp *dhcp)
{
    struct net *net = dhcp->net;
    uint8_t *message = net_data(net) + NET_UDP_BYTES;
    bool holding = dhcp->state == DHCP_RENEWING || dhcp->state == DHCP_REBINDING;
    uint64_t now = now_ms(dhcp);
    uint64_t wait = RETRY_FIRST_MS;

    memset(message, 0, MESSAGE_BYTES);
    message[0] = 1; /* request */
    message[1] = 1; /* Ethernet */
    message[2] = 6;
    put32(message + 4, dhcp->xid);
    put32(message + 12, holding ? dhcp->ip : 0);
    memcpy(message + 28, net->mac, 6);
    (void)put_options(dhcp, message + FIXED_BYTES);
    if (dhcp->state == DHCP_RENEWING)
        net_send_udp(net, dhcp->server_mac, dhcp->ip, dhcp->server, CLIENT_PORT, SERVER_PORT,
                     MESSAGE_BYTES);
    else
        net_send_udp(net, broadcast_mac, holding ? dhcp->ip : 0, NET_BROADCAST, CLIENT_PORT,
                     SERVER_PORT, MESSAGE_BYTES);
    /* Doubling, and spread, so that machines started together do not ask together for ever. */
    for (unsigned i = 0; i < dhcp->tries && wait < RETRY_MAX_MS; i++)
        wait *= 2;
    dhcp->tries++;
    dhcp->asked_ms = now;
    dhcp->send_at_ms = now + wait + net_random(net) % 256;
}

static void enter(struct dhcp *dhcp, enum dhcp_state state)
{
    dhcp->state = state;
    dhcp->tries = 0;
    if (state == DHCP_SELECTING)
        dhcp->xid = net_random(dhcp->net);
    ask(dhcp);
}

void dhcp_start(struct dhcp *dhcp, struct net *net)
{
    memset(dhcp, 0, sizeof(*dhcp));
    dhcp->net = net;
    enter(dhcp, DHCP_SELECTING);
}

static void restart(struct dhcp *dhcp)
{
    if (dhcp->net->ip != 0)
        net_set_address(dhcp->net, 0, 0, 0);
    enter(dhcp, DHCP_SELECTING);
}

void dhcp_tick(struct dhcp *dhcp)
{
    uint64_t now;

    if (dhcp->state == DHCP_OFF)
        return;
    now = now_ms(dhcp);
    if (dhcp->state >= DHCP_BOUND && now >= dhcp->expire_at_ms) {
        restart(dhcp);
    } else if ((dhcp->state == DHCP_BOUND || dhcp->state == DHCP_RENEWING) &&
               now >= dhcp->rebind_at_ms) {
        enter(dhcp, DHCP_REBINDING);
    } else if (dhcp->state == DHCP_BOUND && now >= dhcp->renew_at_ms) {
        enter(dhcp, DHCP_RENEWING);
    } else if (dhcp->state != DHCP_BOUND && now >= dhcp->send_at_ms) {
        if (dhcp->state == DHCP_REQUESTING && dhcp->tries >= REQUEST_TRIES)
            enter(dhcp, DHCP_SELECTING);
        else
            ask(dhcp);
    }
}

static void take_option(struct answer *answer, uint8_t option, const uint8_t *value, size_t len)
{
    if (option == OPT_TYPE && len == 1)
        answer->type = value[0];
    if (len < 4)
        return;
    switch (option) {
    case OPT_MASK:
        answer->mask = get32(value);
        break;
    case OPT_ROUTER:
        answer->router = get32(value);
        break;
    case OPT_SERVER:
        answer->server = get32(value);
        break;
    case OPT_LEASE:
        answer->lease_s = get32(value);
        break;
    case OPT_RENEW:
        answer->renew_s = get32(value);
        break;
    case OPT_REBIND:
        answer->rebind_s = get32(value);
        break;
    default:
        break;
    }
}

static bool parse(const struct dhcp *dhcp, const uint8_t *message, size_t len, struct answer *ret)
{
    size_t at = FIXED_BYTES + 4;

    if (len < at || message[0] != 2 || get32(message + 4) != dhcp->xid ||
        memcmp(message + 28, dhcp->net->mac, 6) != 0 || get32(message + FIXED_BYTES) != COOKIE)
        return false;
    memset(ret, 0, sizeof(*ret));
    ret->ip = get32(message + 16);
    while (at < len && message[at] != OPT_END) {
        size_t n;

        if (message[at] == 0) { /* padding */
            at++;
            continue;
        }
        if (len - at < 2 || len - at - 2 < message[at + 1])
            return false;
        n = message[at + 1];
        take_option(ret, message[at], message + at + 2, n);
        at += 2 + n;
    }
    return true;
}

/* An address and a mask a machine can have: ones then zeros, no multicast, no loopback. */
static bool is_usable(const struct answer *answer)
{
    uint32_t top = answer->ip >> 24;
    uint32_t host = ~answer->mask;

    return top != 0 && top != 127 && top < 224 && answer->mask != 0 && (host & (host + 1)) == 0;
}

static void bind_address(struct dhcp *dhcp, const struct answer *answer)
{
    struct net *net = dhcp->net;
    uint64_t lease_ms = (uint64_t)answer->lease_s * 1000;
    uint64_t renew_ms = (uint64_t)answer->renew_s * 1000;
    uint64_t rebind_ms = (uint64_t)answer->rebind_s * 1000;

    dhcp->state = DHCP_BOUND;
    dhcp->ip = answer->ip;
    if (answer->lease_s == INFINITE || answer->lease_s == 0) {
        dhcp->renew_at_ms = dhcp->rebind_at_ms = dhcp->expire_at_ms = UINT64_MAX;
    } else {
        if (rebind_ms == 0 || rebind_ms >= lease_ms)
            rebind_ms = lease_ms - lease_ms / 8;
        if (renew_ms == 0 || renew_ms >= rebind_ms)
            renew_ms = lease_ms / 2;
        dhcp->renew_at_ms = dhcp->asked_ms + renew_ms;
        dhcp->rebind_at_ms = dhcp->asked_ms + rebind_ms;
        dhcp->expire_at_ms = dhcp->asked_ms + lease_ms;
    }
    if (net->ip != answer->ip || net->mask != answer->mask || net->gw != answer->router)
        net_set_address(net, answer->ip, answer->mask, answer->router);
}

/* The DHCP message in a packet, if it is one from a server and whole; else NULL. */
static const uint8_t *find_message(const struct net_packet *packet, size_t *ret_len)
{
    const uint8_t *udp = packet->data;
    size_t len;

    if (packet->len < NET_UDP_BYTES)
        return NULL;
    len = get16(udp + 4);
    if (get16(udp) != SERVER_PORT || get16(udp + 2) != CLIENT_PORT || len < NET_UDP_BYTES ||
        len > packet->len)
        return NULL;
    if (get16(udp + 6) != 0 && net_checksum(packet->src, packet->dst, NET_PROTO_UDP, udp, len) != 0)
        return NULL;
    *ret_len = len - NET_UDP_BYTES;
    return udp + NET_UDP_BYTES;
}

void dhcp_input(struct dhcp *dhcp, const struct net_packet *packet)
{
    const uint8_t *message;
    struct answer answer;
    size_t len;

    if (dhcp->state == DHCP_OFF || dhcp->state == DHCP_BOUND)
        return;
    message = find_message(packet, &len);
    if (message == NULL || !parse(dhcp, message, len, &answer))
        return;
    if (dhcp->state == DHCP_SELECTING) {
        if (answer.type != OFFER || !is_usable(&answer))
            return;
        dhcp->ip = answer.ip;
        dhcp->server = answer.server;
        enter(dhcp, DHCP_REQUESTING);
    } else if (answer.type == NAK) {
        restart(dhcp);
    } else if (answer.type == ACK && is_usable(&answer)) {
        memcpy(dhcp->server_mac, packet->mac, 6);
        if (answer.server != 0)
            dhcp->server = answer.server;
        bind_address(dhcp, &answer);
    }
}
