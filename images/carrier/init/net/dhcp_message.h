/* SPDX-License-Identifier: ISC */
/*
 * DHCP messages (RFC 2131, options of RFC 2132, 3396, 3442): what a client sends, and what it
 * reads. Pure, and for Ethernet only. hello has a client of its own (unikernels/hello/dhcp.c),
 * which knows seven options and no routes; the two share no file, since each room stands alone.
 */
#ifndef CAR_DHCP_MESSAGE_H
#define CAR_DHCP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAR_DHCP_SEND_BYTES 320 /* the longest we send; at least BOOTP's 300 */
#define CAR_DHCP_ROUTES_MAX 16
#define CAR_DHCP_DNS_MAX 2

enum car_dhcp_type {
    CAR_DHCP_DISCOVER = 1,
    CAR_DHCP_OFFER = 2,
    CAR_DHCP_REQUEST = 3,
    CAR_DHCP_ACK = 5,
    CAR_DHCP_NAK = 6
};

struct car_dhcp_route {
    uint32_t target;
    uint32_t gateway; /* 0: on the link */
    unsigned prefix;
};

/* A server's answer; what it does not say is 0. Addresses in host order. */
struct car_dhcp_answer {
    enum car_dhcp_type type;
    uint32_t ip, mask, router, server;
    uint32_t lease_s, renew_s, rebind_s; /* lease_s UINT32_MAX: for ever */
    uint32_t dns[CAR_DHCP_DNS_MAX];
    size_t dns_n;
    unsigned mtu;
    struct car_dhcp_route routes[CAR_DHCP_ROUTES_MAX]; /* those of option 121; the router is then */
    size_t routes_n;                                   /* not to be used (RFC 3442) */
};

struct car_dhcp_question {
    enum car_dhcp_type type;
    uint32_t xid;
    uint8_t mac[6];
    uint32_t client;  /* our address, once we have it */
    uint32_t wanted;  /* the address that was offered; 0: none */
    uint32_t server;  /* whose offer is taken; 0: none */
    unsigned seconds; /* since we began to ask */
};

/* Returns the length. */
size_t car_dhcp_write(const struct car_dhcp_question *question,
                      uint8_t message[CAR_DHCP_SEND_BYTES]);

/* False: not an answer to `xid` for `mac`, or not well-formed. */
bool car_dhcp_read(const uint8_t *message, size_t len, uint32_t xid, const uint8_t mac[6],
                   struct car_dhcp_answer *ret);

/* Whether a machine can live with the address, mask and routes. */
bool car_dhcp_usable(const struct car_dhcp_answer *answer);

unsigned car_dhcp_prefix(uint32_t mask);

#endif
