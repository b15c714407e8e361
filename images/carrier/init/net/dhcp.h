/* SPDX-License-Identifier: ISC */
/*
 * A DHCP client as a machine without hands: it is told the time and what came in, and says what is
 * to be sent and what has changed (RFC 2131, figure 5). INIT-REBOOT, DECLINE and RELEASE are left
 * out: nothing is remembered over a start, and in a cloud the address is the port's anyway.
 */
#ifndef CAR_DHCP_H
#define CAR_DHCP_H

#include <stdint.h>

#include "dhcp_message.h"

enum car_dhcp_state {
    CAR_DHCP_SELECTING,
    CAR_DHCP_REQUESTING,
    CAR_DHCP_BOUND,
    CAR_DHCP_RENEWING, /* from here on the lease is still held */
    CAR_DHCP_REBINDING
};

enum car_dhcp_event {
    CAR_DHCP_NOTHING,
    CAR_DHCP_LEASED,  /* `lease` is new, or not what it was */
    CAR_DHCP_RENEWED, /* the same again */
    CAR_DHCP_LOST,    /* expired */
    CAR_DHCP_REFUSED  /* NAK; with a lease held, it is lost */
};

/* What is to be sent; len 0: nothing. */
struct car_dhcp_send {
    uint8_t message[CAR_DHCP_SEND_BYTES];
    size_t len;
    uint32_t from, to;
    uint8_t mac[6]; /* of the next hop */
};

struct car_dhcp {
    enum car_dhcp_state state;
    uint8_t mac[6], server_mac[6];
    uint32_t xid, offered, server, random;
    unsigned tries;
    uint64_t began_ms, asked_ms, send_at_ms, renew_at_ms, rebind_at_ms, expire_at_ms;
    bool held;                    /* there is a lease */
    struct car_dhcp_answer lease; /* valid while held */
};

/* `random` is any number that other machines do not have. Asks at the first tick. */
void car_dhcp_start(struct car_dhcp *dhcp, const uint8_t mac[6], uint32_t random, uint64_t now_ms);
/* When car_dhcp_tick has something to do next; UINT64_MAX: never. */
uint64_t car_dhcp_next_ms(const struct car_dhcp *dhcp);
enum car_dhcp_event car_dhcp_tick(struct car_dhcp *dhcp, uint64_t now_ms,
                                  struct car_dhcp_send *ret);
/* A message from a server, and the MAC that it came from. */
enum car_dhcp_event car_dhcp_take(struct car_dhcp *dhcp, const uint8_t *message, size_t len,
                                  const uint8_t from_mac[6], uint64_t now_ms,
                                  struct car_dhcp_send *ret);

#endif
