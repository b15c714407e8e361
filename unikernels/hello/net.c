/* SPDX-License-Identifier: ISC */
/* Formats: RFC 894 (Ethernet), 826 (ARP), 791 (IP), 792 (ICMP), 768 (UDP), 1071 (checksum). */
#include "net.h"

#include "mem.h"

#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_ARP 0x0806
#define ARP_BYTES 28
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define ICMP_BYTES 8
#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0
#define TTL 64
#define NEIGHBOUR_MS 60000
#define ASK_AGAIN_MS 1000

static const uint8_t broadcast_mac[6] = {255, 255, 255, 255, 255, 255};

void net_init(struct net *net, const struct platform *plat, const uint8_t mac[6], uint32_t seed)
{
    memset(net, 0, sizeof(*net));
    net->plat = plat;
    memcpy(net->mac, mac, 6);
    net->random = seed != 0 ? seed : 1;
}

/* xorshift32: for sequence numbers and waiting times, not for secrets. */
uint32_t net_random(struct net *net)
{
    net->random ^= net->random << 13;
    net->random ^= net->random >> 17;
    net->random ^= net->random << 5;
    return net->random;
}

static uint32_t sum_words(const uint8_t *data, size_t len, uint32_t sum)
{
    for (; len > 1; len -= 2, data += 2)
        sum += get16(data);
    return len > 0 ? sum + ((uint32_t)data[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t net_checksum(uint32_t src, uint32_t dst, uint8_t proto, const uint8_t *data, size_t len)
{
    uint32_t sum = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff);

    return fold(sum_words(data, len, sum + proto + (uint32_t)len));
}

static void send_frame(struct net *net, const uint8_t mac[6], uint16_t type, size_t len)
{
    memcpy(net->frame, mac, 6);
    memcpy(net->frame + 6, net->mac, 6);
    put16(net->frame + 12, type);
    len += NET_ETH_BYTES;
    if (len < NET_FRAME_MIN) {
        memset(net->frame + len, 0, NET_FRAME_MIN - len);
        len = NET_FRAME_MIN;
    }
    net->plat->send(net->plat->ctx, net->frame, len);
}

static void send_arp(struct net *net, uint16_t op, const uint8_t mac[6],
                     const uint8_t target_mac[6], uint32_t target_ip)
{
    static const uint8_t ethernet_ip[6] = {0, 1, 8, 0, 6, 4};
    uint8_t *arp = net->frame + NET_ETH_BYTES;

    memcpy(arp, ethernet_ip, 6);
    put16(arp + 6, op);
    memcpy(arp + 8, net->mac, 6);
    put32(arp + 14, net->ip);
    memcpy(arp + 18, target_mac, 6);
    put32(arp + 24, target_ip);
    send_frame(net, mac, ETHERTYPE_ARP, ARP_BYTES);
}

void net_set_address(struct net *net, uint32_t ip, uint32_t mask, uint32_t gw)
{
    static const uint8_t unknown_mac[6];

    net->ip = ip;
    net->mask = mask;
    net->gw = gw;
    memset(net->neighbours, 0, sizeof(net->neighbours));
    if (ip != 0)
        send_arp(net, ARP_REQUEST, broadcast_mac, unknown_mac, ip);
}

/* Only those we have asked for: answers nobody asked for do not fill or change the table. */
static void learn(struct net *net, uint32_t ip, const uint8_t mac[6])
{
    for (size_t i = 0; i < NET_NEIGHBOURS; i++) {
        struct net_neighbour *n = &net->neighbours[i];

        if (n->ip != ip || ip == 0)
            continue;
        memcpy(n->mac, mac, 6);
        n->known = true;
        n->seen_ms = net->plat->uptime_ms(net->plat->ctx);
    }
}

static struct net_neighbour *neighbour(struct net *net, uint32_t ip)
{
    struct net_neighbour *oldest = &net->neighbours[0];

    for (size_t i = 0; i < NET_NEIGHBOURS; i++) {
        struct net_neighbour *n = &net->neighbours[i];

        if (n->ip == ip)
            return n;
        if (n->ip == 0 || (oldest->ip != 0 && n->asked_ms < oldest->asked_ms))
            oldest = n;
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->ip = ip;
    return oldest;
}

bool net_resolve(struct net *net, uint32_t ip, uint8_t ret_mac[6])
{
    static const uint8_t unknown_mac[6];
    uint64_t now = net->plat->uptime_ms(net->plat->ctx);
    struct net_neighbour *n;

    if (net->ip == 0)
        return false;
    if (((ip ^ net->ip) & net->mask) != 0 && net->gw != 0)
        ip = net->gw;
    n = neighbour(net, ip);
    if (n->known && now - n->seen_ms < NEIGHBOUR_MS) {
        memcpy(ret_mac, n->mac, 6);
        return true;
    }
    if (n->asked_ms == 0 || now - n->asked_ms >= ASK_AGAIN_MS) {
        n->asked_ms = now != 0 ? now : 1;
        send_arp(net, ARP_REQUEST, broadcast_mac, unknown_mac, ip);
    }
    return false;
}

static void arp_input(struct net *net, const uint8_t *arp, size_t len)
{
    static const uint8_t ethernet_ip[6] = {0, 1, 8, 0, 6, 4};
    uint32_t sender;
    uint32_t target;

    if (len < ARP_BYTES || memcmp(arp, ethernet_ip, 6) != 0 || (arp[8] & 1) != 0)
        return;
    sender = get32(arp + 14);
    target = get32(arp + 24);
    learn(net, sender, arp + 8);
    if (get16(arp + 6) == ARP_REQUEST && net->ip != 0 && target == net->ip)
        send_arp(net, ARP_REPLY, arp + 8, arp + 8, sender);
}

uint8_t *net_data(struct net *net)
{
    return net->frame + NET_ETH_BYTES + NET_IP_BYTES;
}

void net_send_ip(struct net *net, const uint8_t mac[6], uint32_t src, uint32_t dst, uint8_t proto,
                 size_t len)
{
    uint8_t *ip = net->frame + NET_ETH_BYTES;

    ip[0] = 0x45;
    ip[1] = 0;
    put16(ip + 2, (uint32_t)(NET_IP_BYTES + len));
    put16(ip + 4, net->ip_id++);
    put16(ip + 6, 0x4000); /* do not fragment */
    ip[8] = TTL;
    ip[9] = proto;
    put16(ip + 10, 0);
    put32(ip + 12, src);
    put32(ip + 16, dst);
    put16(ip + 10, fold(sum_words(ip, NET_IP_BYTES, 0)));
    send_frame(net, mac, ETHERTYPE_IP, NET_IP_BYTES + len);
}

void net_send_udp(struct net *net, const uint8_t mac[6], uint32_t src, uint32_t dst,
                  uint16_t src_port, uint16_t dst_port, size_t len)
{
    uint8_t *udp = net_data(net);
    uint16_t sum;

    len += NET_UDP_BYTES;
    put16(udp, src_port);
    put16(udp + 2, dst_port);
    put16(udp + 4, (uint32_t)len);
    put16(udp + 6, 0);
    sum = net_checksum(src, dst, NET_PROTO_UDP, udp, len);
    put16(udp + 6, sum != 0 ? sum : 0xffff); /* 0 would mean "no checksum" */
    net_send_ip(net, mac, src, dst, NET_PROTO_UDP, len);
}

static void icmp_input(struct net *net, const struct net_packet *packet)
{
    uint8_t *reply = net_data(net);

    if (packet->len < ICMP_BYTES || packet->data[0] != ICMP_ECHO || packet->dst != net->ip ||
        fold(sum_words(packet->data, packet->len, 0)) != 0)
        return;
    memcpy(reply, packet->data, packet->len);
    reply[0] = ICMP_ECHO_REPLY;
    put16(reply + 2, 0);
    put16(reply + 2, fold(sum_words(reply, packet->len, 0)));
    net_send_ip(net, packet->mac, net->ip, packet->src, NET_PROTO_ICMP, packet->len);
}

/* Someone who can be answered: no multicast, no broadcast, not ourselves. */
static bool is_answerable(const struct net *net, uint32_t ip)
{
    if (ip >> 28 >= 14 || (ip != 0 && ip == net->ip))
        return false;
    return net->ip == 0 || net->mask >= 0xfffffffe || ((ip ^ net->ip) & net->mask) != 0 ||
           (ip | net->mask) != NET_BROADCAST;
}

/*
 * For us? While there is no address yet, DHCP answers may come addressed to the one being offered,
 * so UDP to anywhere passes then.
 */
static bool is_for_us(const struct net *net, const struct net_packet *packet)
{
    if (net->ip == 0)
        return packet->proto == NET_PROTO_UDP;
    return packet->dst == net->ip ||
           (packet->dst == NET_BROADCAST && packet->proto == NET_PROTO_UDP);
}

static bool ip_input(struct net *net, const uint8_t *ip, size_t len, struct net_packet *packet)
{
    size_t header;
    size_t total;

    if (len < NET_IP_BYTES || ip[0] >> 4 != 4)
        return false;
    header = (ip[0] & 15U) * 4U;
    total = get16(ip + 2);
    if (header < NET_IP_BYTES || total < header || total > len || total > NET_MTU)
        return false;
    if ((get16(ip + 6) & 0x3fff) != 0 || fold(sum_words(ip, header, 0)) != 0)
        return false; /* fragments are not for us */
    packet->proto = ip[9];
    packet->src = get32(ip + 12);
    packet->dst = get32(ip + 16);
    packet->data = ip + header;
    packet->len = total - header;
    if (!is_for_us(net, packet) || !is_answerable(net, packet->src))
        return false;
    if (packet->proto == NET_PROTO_ICMP)
        icmp_input(net, packet);
    return packet->proto == NET_PROTO_UDP || packet->proto == NET_PROTO_TCP;
}

bool net_input(struct net *net, const uint8_t *frame, size_t len, struct net_packet *ret)
{
    bool ours;

    if (len < NET_ETH_BYTES || len > NET_FRAME_MAX || (frame[6] & 1) != 0)
        return false;
    ours = memcmp(frame, net->mac, 6) == 0;
    if (!ours && memcmp(frame, broadcast_mac, 6) != 0)
        return false;
    memcpy(ret->mac, frame + 6, 6);
    switch (get16(frame + 12)) {
    case ETHERTYPE_ARP:
        arp_input(net, frame + NET_ETH_BYTES, len - NET_ETH_BYTES);
        return false;
    case ETHERTYPE_IP:
        return ip_input(net, frame + NET_ETH_BYTES, len - NET_ETH_BYTES, ret);
    default:
        return false;
    }
}
