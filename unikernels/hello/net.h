/* SPDX-License-Identifier: ISC */
/*
 * Ethernet, ARP, IPv4, ICMP echo and the shell of UDP: what is below DHCP and TCP. One interface,
 * one address, no fragments; addresses and ports are in host byte order everywhere but on the wire.
 */
#ifndef HELLO_NET_H
#define HELLO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

#define NET_ETH_BYTES 14
#define NET_IP_BYTES 20
#define NET_UDP_BYTES 8
#define NET_MTU 1500
#define NET_FRAME_MIN 60
#define NET_FRAME_MAX (NET_ETH_BYTES + NET_MTU)
#define NET_BROADCAST UINT32_MAX

#define NET_PROTO_ICMP 1
#define NET_PROTO_TCP 6
#define NET_PROTO_UDP 17

#define NET_NEIGHBOURS 4

struct net_neighbour {
    uint32_t ip; /* 0: unused */
    uint8_t mac[6];
    uint64_t seen_ms;
    uint64_t asked_ms;
    bool known;
};

struct net {
    const struct platform *plat; /* borrowed */
    uint8_t mac[6];
    uint32_t ip; /* 0: none yet */
    uint32_t mask;
    uint32_t gw;
    uint32_t random;
    uint16_t ip_id;
    /* Whom we send to on our own account (router, announcement); answers go to the asker. */
    struct net_neighbour neighbours[NET_NEIGHBOURS];
    uint8_t frame[NET_FRAME_MAX]; /* the frame being made */
};

/* A received segment for UDP or TCP; points into the received frame. */
struct net_packet {
    uint8_t proto;
    uint8_t mac[6]; /* who handed it to us: where the answer goes */
    uint32_t src;
    uint32_t dst;
    const uint8_t *data; /* the UDP or TCP header */
    size_t len;
};

void net_init(struct net *net, const struct platform *plat, const uint8_t mac[6], uint32_t seed);

/* Takes an address and tells the neighbourhood by gratuitous ARP. ip 0 gives it up. */
void net_set_address(struct net *net, uint32_t ip, uint32_t mask, uint32_t gw);

/*
 * Handles one received frame. True when it is a UDP or TCP packet for us with a good IP header;
 * then *ret describes it, and its own checksum is still to be looked at.
 */
bool net_input(struct net *net, const uint8_t *frame, size_t len, struct net_packet *ret);

/* Where the data after the IP header of the next packet goes; NET_MTU - NET_IP_BYTES bytes. */
uint8_t *net_data(struct net *net);

/* Sends what was put at net_data(). The caller has filled in the checksum of TCP or UDP. */
void net_send_ip(struct net *net, const uint8_t mac[6], uint32_t src, uint32_t dst, uint8_t proto,
                 size_t len);

/* Sends len bytes, put at net_data() + NET_UDP_BYTES, as a UDP packet. */
void net_send_udp(struct net *net, const uint8_t mac[6], uint32_t src, uint32_t dst,
                  uint16_t src_port, uint16_t dst_port, size_t len);

/*
 * The Ethernet address that leads to ip (through the router when ip is elsewhere). When it is not
 * known yet: asks for it, at most once a second, and answers false.
 */
bool net_resolve(struct net *net, uint32_t ip, uint8_t ret_mac[6]);

/* Checksum of TCP or UDP data under its pseudo header; 0 for data that carry a good one. */
uint16_t net_checksum(uint32_t src, uint32_t dst, uint8_t proto, const uint8_t *data, size_t len);

uint32_t net_random(struct net *net);

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void put16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value);
}

#endif
