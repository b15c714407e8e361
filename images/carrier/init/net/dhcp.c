/* SPDX-License-Identifier: ISC */
#include "dhcp.h"

#include <string.h>

/* The first waits are short: a machine's start is short, and its first frame is often lost. */
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 8000
#define HELD_RETRY_MS 60000 /* RFC 2131, 4.4.5: not more often while the lease is held */
#define REQUEST_TRIES 4
#define SPREAD_MS 128
#define LEASE_LEAST_S 10 /* a server that gives less would be asked all the time */

static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255};

static uint32_t next_random(struct car_dhcp *dhcp)
{
    dhcp->random = dhcp->random * 1664525U + 1013904223U;
    return dhcp->random;
}

/* How long the question that was just sent may go unanswered. */
static uint64_t patience(const struct car_dhcp *dhcp, uint64_t now)
{
    uint64_t wait = RETRY_FIRST_MS;
    uint64_t end = dhcp->state == CAR_DHCP_RENEWING ? dhcp->rebind_at_ms : dhcp->expire_at_ms;

    if (dhcp->state == CAR_DHCP_RENEWING || dhcp->state == CAR_DHCP_REBINDING) {
        wait = end > now ? (end - now) / 2 : 0;
        return wait < HELD_RETRY_MS ? HELD_RETRY_MS : wait;
    }
    for (unsigned i = 0; i < dhcp->tries && wait < RETRY_MAX_MS; i++)
        wait *= 2;
    return wait;
}

/* The question that belongs to the state. */
static void ask(struct car_dhcp *dhcp, uint64_t now, struct car_dhcp_send *ret)
{
    bool holding = dhcp->state >= CAR_DHCP_RENEWING;
    bool requesting = dhcp->state == CAR_DHCP_REQUESTING;
    struct car_dhcp_question question = {
        .type = dhcp->state == CAR_DHCP_SELECTING ? CAR_DHCP_DISCOVER : CAR_DHCP_REQUEST,
        .xid = dhcp->xid,
        .client = holding ? dhcp->lease.ip : 0,
        .wanted = requesting ? dhcp->offered : 0,
        .server = requesting ? dhcp->server : 0,
        .seconds = (unsigned)((now - dhcp->began_ms) / 1000)};
    bool direct = dhcp->state == CAR_DHCP_RENEWING;

    memcpy(question.mac, dhcp->mac, sizeof question.mac);
    ret->len = car_dhcp_write(&question, ret->message);
    ret->from = question.client;
    ret->to = direct ? dhcp->server : UINT32_MAX;
    memcpy(ret->mac, direct ? dhcp->server_mac : everybody, sizeof ret->mac);
    dhcp->asked_ms = now;
    dhcp->send_at_ms = now + patience(dhcp, now) + next_random(dhcp) % SPREAD_MS;
    dhcp->tries++;
}

static void enter(struct car_dhcp *dhcp, enum car_dhcp_state state, uint64_t now,
                  struct car_dhcp_send *ret)
{
    dhcp->state = state;
    dhcp->tries = 0;
    if (state != CAR_DHCP_REQUESTING)
        dhcp->xid = next_random(dhcp);
    ask(dhcp, now, ret);
}

void car_dhcp_start(struct car_dhcp *dhcp, const uint8_t mac[6], uint32_t random, uint64_t now_ms)
{
    memset(dhcp, 0, sizeof *dhcp);
    memcpy(dhcp->mac, mac, sizeof dhcp->mac);
    dhcp->random = random;
    dhcp->began_ms = dhcp->send_at_ms = now_ms;
    dhcp->xid = next_random(dhcp);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t car_dhcp_next_ms(const struct car_dhcp *dhcp)
{
    switch (dhcp->state) {
    case CAR_DHCP_BOUND:
        return dhcp->renew_at_ms;
    case CAR_DHCP_RENEWING:
        return least(dhcp->send_at_ms, dhcp->rebind_at_ms);
    case CAR_DHCP_REBINDING:
        return least(dhcp->send_at_ms, dhcp->expire_at_ms);
    case CAR_DHCP_SELECTING:
    case CAR_DHCP_REQUESTING:
    default:
        return dhcp->send_at_ms;
    }
}

/* From the beginning; true when a lease was held until now. */
static bool begin_again(struct car_dhcp *dhcp, uint64_t now, struct car_dhcp_send *ret)
{
    bool held = dhcp->held;

    dhcp->held = false;
    dhcp->began_ms = now;
    enter(dhcp, CAR_DHCP_SELECTING, now, ret);
    return held;
}

enum car_dhcp_event car_dhcp_tick(struct car_dhcp *dhcp, uint64_t now_ms, struct car_dhcp_send *ret)
{
    ret->len = 0;
    if (now_ms < car_dhcp_next_ms(dhcp))
        return CAR_DHCP_NOTHING;
    if (dhcp->held && now_ms >= dhcp->expire_at_ms) {
        (void)begin_again(dhcp, now_ms, ret);
        return CAR_DHCP_LOST;
    }
    if (dhcp->held && dhcp->state != CAR_DHCP_REBINDING && now_ms >= dhcp->rebind_at_ms)
        enter(dhcp, CAR_DHCP_REBINDING, now_ms, ret);
    else if (dhcp->state == CAR_DHCP_BOUND)
        enter(dhcp, CAR_DHCP_RENEWING, now_ms, ret);
    else if (dhcp->state == CAR_DHCP_REQUESTING && dhcp->tries >= REQUEST_TRIES)
        enter(dhcp, CAR_DHCP_SELECTING, now_ms, ret);
    else
        ask(dhcp, now_ms, ret);
    return CAR_DHCP_NOTHING;
}

/* All times count from the question, as the server's do at the latest. */
static void set_times(struct car_dhcp *dhcp, const struct car_dhcp_answer *answer)
{
    uint64_t lease_ms = (uint64_t)answer->lease_s * 1000;
    uint64_t renew_ms = (uint64_t)answer->renew_s * 1000;
    uint64_t rebind_ms = (uint64_t)answer->rebind_s * 1000;

    if (answer->lease_s == UINT32_MAX || answer->lease_s == 0) {
        dhcp->renew_at_ms = dhcp->rebind_at_ms = dhcp->expire_at_ms = UINT64_MAX;
        return;
    }
    if (answer->lease_s < LEASE_LEAST_S)
        lease_ms = LEASE_LEAST_S * 1000;
    if (rebind_ms == 0 || rebind_ms >= lease_ms)
        rebind_ms = lease_ms - lease_ms / 8;
    if (renew_ms == 0 || renew_ms >= rebind_ms)
        renew_ms = lease_ms / 2;
    dhcp->renew_at_ms = dhcp->asked_ms + renew_ms;
    dhcp->rebind_at_ms = dhcp->asked_ms + rebind_ms;
    dhcp->expire_at_ms = dhcp->asked_ms + lease_ms;
}

static bool same_lease(const struct car_dhcp_answer *a, const struct car_dhcp_answer *b)
{
    if (a->ip != b->ip || a->mask != b->mask || a->router != b->router || a->mtu != b->mtu ||
        a->routes_n != b->routes_n || a->dns_n != b->dns_n)
        return false;
    for (size_t i = 0; i < a->dns_n; i++)
        if (a->dns[i] != b->dns[i])
            return false;
    for (size_t i = 0; i < a->routes_n; i++)
        if (a->routes[i].target != b->routes[i].target ||
            a->routes[i].prefix != b->routes[i].prefix ||
            a->routes[i].gateway != b->routes[i].gateway)
            return false;
    return true;
}

static enum car_dhcp_event acknowledged(struct car_dhcp *dhcp, const struct car_dhcp_answer *answer,
                                        const uint8_t from_mac[6])
{
    bool same = dhcp->held && same_lease(&dhcp->lease, answer);

    if (answer->server != 0)
        dhcp->server = answer->server;
    memcpy(dhcp->server_mac, from_mac, sizeof dhcp->server_mac);
    set_times(dhcp, answer);
    dhcp->lease = *answer;
    dhcp->held = true;
    dhcp->state = CAR_DHCP_BOUND;
    return same ? CAR_DHCP_RENEWED : CAR_DHCP_LEASED;
}

enum car_dhcp_event car_dhcp_take(struct car_dhcp *dhcp, const uint8_t *message, size_t len,
                                  const uint8_t from_mac[6], uint64_t now_ms,
                                  struct car_dhcp_send *ret)
{
    struct car_dhcp_answer answer;

    ret->len = 0;
    if (dhcp->state == CAR_DHCP_BOUND ||
        !car_dhcp_read(message, len, dhcp->xid, dhcp->mac, &answer))
        return CAR_DHCP_NOTHING;
    if (dhcp->state == CAR_DHCP_SELECTING) {
        if (answer.type == CAR_DHCP_OFFER && answer.server != 0 && car_dhcp_usable(&answer)) {
            dhcp->offered = answer.ip;
            dhcp->server = answer.server;
            enter(dhcp, CAR_DHCP_REQUESTING, now_ms, ret);
        }
        return CAR_DHCP_NOTHING;
    }
    if (answer.type == CAR_DHCP_NAK) {
        (void)begin_again(dhcp, now_ms, ret);
        /* Not at once: a server that offers and then refuses would be asked without end. */
        ret->len = 0;
        dhcp->send_at_ms = now_ms + RETRY_FIRST_MS;
        dhcp->tries = 1;
        return CAR_DHCP_REFUSED;
    }
    if (answer.type == CAR_DHCP_ACK && car_dhcp_usable(&answer))
        return acknowledged(dhcp, &answer, from_mac);
    return CAR_DHCP_NOTHING;
}
