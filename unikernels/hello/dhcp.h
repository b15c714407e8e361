/* SPDX-License-Identifier: ISC */
/*
 * A DHCP client (RFC 2131): obtains an address, renews it at half its time, asks anybody at seven
 * eighths, and gives it up at the end. Sets the address of the network it was given.
 */
#ifndef HELLO_DHCP_H
#define HELLO_DHCP_H

#include <stdint.h>

#include "net.h"

enum dhcp_state {
    DHCP_OFF, /* a static address: nothing to do */
    DHCP_SELECTING,
    DHCP_REQUESTING,
    DHCP_BOUND,
    DHCP_RENEWING,
    DHCP_REBINDING,
};

struct dhcp {
    struct net *net; /* borrowed */
    enum dhcp_state state;
    uint32_t xid;
    uint32_t ip; /* offered or held */
    uint32_t server;
    uint8_t server_mac[6];
    unsigned tries;
    uint64_t send_at_ms;
    uint64_t asked_ms; /* a lease counts from when it was asked for */
    uint64_t renew_at_ms;
    uint64_t rebind_at_ms;
    uint64_t expire_at_ms; /* UINT64_MAX: never */
};

/* Sends the first question at once. */
void dhcp_start(struct dhcp *dhcp, struct net *net);
void dhcp_tick(struct dhcp *dhcp);
/* A received UDP packet of any kind; what is no answer to us is ignored. */
void dhcp_input(struct dhcp *dhcp, const struct net_packet *packet);

#endif
