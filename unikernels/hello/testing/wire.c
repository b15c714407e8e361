/* SPDX-License-Identifier: ISC */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH NET_ETH_BYTES
#define SYN 0x02
#define FIN 0x01
#define RST 0x04
#define ACK 0x10

const uint8_t wire_our_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
const uint8_t wire_peer_mac[6] = {0x52, 0x55, 10, 0, 2, 2};

/* A second, slow and plain, reckoning of the checksum: not the one under test. */
static uint16_t plain_sum(const uint8_t *data, size_t len, uint64_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint64_t)data[i] << 8 : data[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint64_t pseudo(const uint8_t *ip, uint8_t proto, size_t len)
{
    return plain_sum(ip + 12, 8, 0) + (uint64_t)proto + len;
}

static const char *udp_fault(const uint8_t *ip, const uint8_t *udp, size_t len)
{
    if (len < NET_UDP_BYTES || get16(udp + 4) != len || get16(udp + 6) == 0)
        return "UDP header";
    return plain_sum(udp, len, pseudo(ip, NET_PROTO_UDP, len)) == 0xffff ? NULL : "UDP checksum";
}

static const char *tcp_fault(const uint8_t *ip, const uint8_t *tcp, size_t len)
{
    if (len < 20 || (size_t)(tcp[12] >> 4) * 4 > len || tcp[12] >> 4 < 5)
        return "TCP header";
    return plain_sum(tcp, len, pseudo(ip, NET_PROTO_TCP, len)) == 0xffff ? NULL : "TCP checksum";
}

static const char *ip_fault(const uint8_t *ip, size_t len)
{
    size_t total = get16(ip + 2);
    size_t data = total - NET_IP_BYTES;
    const uint8_t *inner = ip + NET_IP_BYTES;

    if (ip[0] != 0x45 || total < NET_IP_BYTES || total > NET_MTU)
        return "IP header";
    if (total != len && !(total < len && len == NET_FRAME_MIN - ETH))
        return "IP length";
    if (plain_sum(ip, NET_IP_BYTES, 0) != 0xffff)
        return "IP checksum";
    switch (ip[9]) {
    case NET_PROTO_ICMP:
        return plain_sum(inner, data, 0) == 0xffff ? NULL : "ICMP checksum";
    case NET_PROTO_UDP:
        return udp_fault(ip, inner, data);
    case NET_PROTO_TCP:
        return tcp_fault(ip, inner, data);
    default:
        return "IP protocol";
    }
}

const char *wire_fault(const uint8_t *frame, size_t len)
{
    if (len < NET_FRAME_MIN || len > NET_FRAME_MAX)
        return "frame length";
    if (memcmp(frame + 6, wire_our_mac, 6) != 0)
        return "source address";
    if (get16(frame + 12) == 0x0806)
        return len == NET_FRAME_MIN ? NULL : "ARP length";
    return get16(frame + 12) == 0x0800 ? ip_fault(frame + ETH, len - ETH) : "Ethernet type";
}

const char *wire_tcp_fault(const struct tcp *tcp)
{
    for (size_t i = 0; i < TCP_CONNS; i++) {
        const struct tcp_conn *c = &tcp->conns[i];
        uint32_t sent = c->snd_max - c->snd_una;

        if (c->state == TCP_FREE)
            continue;
        if (c->rx_len > TCP_RX_BYTES || c->tx_len > TCP_TX_BYTES ||
            c->tx_head + c->tx_len > TCP_TX_BYTES)
            return "a buffer's bounds";
        if (c->state == TCP_OPEN && sent > c->tx_len + (c->fin_wanted && !c->fin_acked ? 1 : 0))
            return "more sent than written";
        if ((int32_t)(c->snd_nxt - c->snd_una) < 0 || (int32_t)(c->snd_max - c->snd_nxt) < 0)
            return "the order of sequence numbers";
        if (c->state == TCP_OPEN && sent > 0 && c->timer_ms == 0)
            return "a timer: something is under way and nothing would repeat it";
    }
    return NULL;
}

static void fake_send(void *ctx, const uint8_t *frame, size_t len)
{
    struct wire *w = ctx;
    const char *fault = wire_fault(frame, len);

    if (fault != NULL) {
        fprintf(stderr, "bad frame sent: %s\n", fault);
        abort();
    }
    if (!w->keep || w->sent_end == WIRE_SENT_MAX)
        return;
    memcpy(w->sent[w->sent_end].bytes, frame, len);
    w->sent[w->sent_end].len = len;
    w->sent_end++;
}

static uint64_t fake_uptime(void *ctx)
{
    return ((struct wire *)ctx)->now_ms;
}

static uint32_t fake_unix(void *ctx)
{
    return ((struct wire *)ctx)->unix_s;
}

static void fake_print(void *ctx, const char *text, size_t len)
{
    struct wire *w = ctx;

    if (len >= sizeof(w->console) - w->console_len)
        return;
    memcpy(w->console + w->console_len, text, len);
    w->console_len += len;
    w->console[w->console_len] = '\0';
}

static void fake_off(void *ctx)
{
    ((struct wire *)ctx)->offs++;
}

void wire_restart(struct wire *w, const char *args)
{
    w->plat = (struct platform){.ctx = w,
                                .send = fake_send,
                                .uptime_ms = fake_uptime,
                                .unix_s = fake_unix,
                                .print = fake_print,
                                .power_off = fake_off};
    w->now_ms = 5;
    w->unix_s = 1800000000;
    w->offs = 0;
    w->console_len = 0;
    w->console[0] = '\0';
    wire_forget(w);
    hello_start(&w->hello, &w->plat, args, wire_our_mac, 0x12345678);
}

struct wire *wire_new(const char *args)
{
    struct wire *w = calloc(1, sizeof(*w));

    if (w == NULL)
        abort();
    w->keep = true;
    wire_restart(w, args);
    return w;
}

void wire_pass(struct wire *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;

    while (w->now_ms < end) {
        uint64_t before = w->now_ms / 1000;

        w->now_ms += end - w->now_ms < 10 ? end - w->now_ms : 10;
        w->unix_s += (uint32_t)(w->now_ms / 1000 - before);
        hello_tick(&w->hello);
    }
}

const struct wire_frame *wire_take(struct wire *w)
{
    return w->sent_first < w->sent_end ? &w->sent[w->sent_first++] : NULL;
}

void wire_forget(struct wire *w)
{
    w->sent_first = 0;
    w->sent_end = 0;
}

bool wire_said(const struct wire *w, const char *text)
{
    return strstr(w->console, text) != NULL;
}

void wire_give_ip(struct wire *w, uint8_t proto, uint32_t src, uint32_t dst, const uint8_t *data,
                  size_t len)
{
    uint8_t frame[NET_FRAME_MAX] = {0};
    uint8_t *ip = frame + ETH;

    if (len > NET_MTU - NET_IP_BYTES)
        abort();
    memcpy(frame, wire_our_mac, 6);
    memcpy(frame + 6, wire_peer_mac, 6);
    put16(frame + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(NET_IP_BYTES + len));
    ip[8] = 64;
    ip[9] = proto;
    put32(ip + 12, src);
    put32(ip + 16, dst);
    put16(ip + 10, (uint16_t)~plain_sum(ip, NET_IP_BYTES, 0));
    memcpy(ip + NET_IP_BYTES, data, len);
    hello_frame(&w->hello, frame, ETH + NET_IP_BYTES + len);
}

void wire_give_udp(struct wire *w, uint32_t src, uint32_t dst, uint16_t src_port, uint16_t dst_port,
                   const uint8_t *data, size_t len)
{
    uint8_t udp[NET_MTU] = {0};

    put16(udp, src_port);
    put16(udp + 2, dst_port);
    put16(udp + 4, (uint32_t)(NET_UDP_BYTES + len));
    memcpy(udp + NET_UDP_BYTES, data, len);
    wire_give_ip(w, NET_PROTO_UDP, src, dst, udp, NET_UDP_BYTES + len);
}

void wire_give_arp(struct wire *w, uint16_t op, uint32_t sender, uint32_t target)
{
    uint8_t frame[NET_FRAME_MIN] = {0};
    static const uint8_t start[6] = {0, 1, 8, 0, 6, 4};

    memcpy(frame, op == 1 ? (const uint8_t *)"\377\377\377\377\377\377" : wire_our_mac, 6);
    memcpy(frame + 6, wire_peer_mac, 6);
    put16(frame + 12, 0x0806);
    memcpy(frame + ETH, start, 6);
    put16(frame + ETH + 6, op);
    memcpy(frame + ETH + 8, wire_peer_mac, 6);
    put32(frame + ETH + 14, sender);
    put32(frame + ETH + 24, target);
    hello_frame(&w->hello, frame, sizeof(frame));
}

void wire_tcp(struct wire *w, struct wire_peer *peer, uint8_t flags, const void *data, size_t len)
{
    uint8_t tcp[NET_MTU] = {0};
    uint8_t addresses[20] = {0};
    size_t header = (flags & SYN) != 0 ? 24 : 20;

    put16(tcp, peer->port);
    put16(tcp + 2, peer->to_port);
    put32(tcp + 4, peer->seq);
    put32(tcp + 8, peer->ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = flags;
    put16(tcp + 14, peer->wnd);
    if ((flags & SYN) != 0)
        put32(tcp + 20, 0x020405b4);
    if (len > 0)
        memcpy(tcp + header, data, len);
    put32(addresses + 12, WIRE_PEER);
    put32(addresses + 16, WIRE_US);
    put16(tcp + 16,
          (uint16_t)~plain_sum(tcp, header + len, pseudo(addresses, NET_PROTO_TCP, header + len)));
    peer->seq += (uint32_t)len + ((flags & (SYN | FIN)) != 0 ? 1 : 0);
    wire_give_ip(w, NET_PROTO_TCP, WIRE_PEER, WIRE_US, tcp, header + len);
}

bool wire_tcp_take(struct wire *w, const struct wire_peer *peer, struct wire_segment *ret)
{
    const struct wire_frame *frame;

    while ((frame = wire_take(w)) != NULL) {
        const uint8_t *ip = frame->bytes + ETH;
        const uint8_t *tcp = ip + NET_IP_BYTES;
        size_t header = (size_t)(tcp[12] >> 4) * 4;

        if (get16(frame->bytes + 12) != 0x0800 || ip[9] != NET_PROTO_TCP ||
            get16(tcp + 2) != peer->port)
            continue;
        *ret = (struct wire_segment){.seq = get32(tcp + 4),
                                     .ack = get32(tcp + 8),
                                     .flags = tcp[13],
                                     .wnd = get16(tcp + 14),
                                     .data = tcp + header,
                                     .len = get16(ip + 2) - NET_IP_BYTES - header};
        return true;
    }
    return false;
}

bool wire_connect(struct wire *w, struct wire_peer *peer, uint16_t port)
{
    struct wire_segment s;

    *peer = (struct wire_peer){.port = port, .to_port = 80, .seq = 1000U * port, .wnd = 65000};
    wire_forget(w);
    wire_tcp(w, peer, SYN, NULL, 0);
    if (!wire_tcp_take(w, peer, &s) || s.flags != (SYN | ACK) || s.ack != peer->seq)
        return false;
    peer->ack = s.seq + 1;
    wire_tcp(w, peer, ACK, NULL, 0);
    return true;
}

void wire_say(struct wire *w, struct wire_peer *peer, const char *text)
{
    wire_tcp(w, peer, ACK, text, strlen(text));
}

bool wire_hear(struct wire *w, struct wire_peer *peer, char *buf, size_t cap)
{
    struct wire_segment s;
    size_t len = 0;
    bool fin = false;

    buf[0] = '\0';
    while (wire_tcp_take(w, peer, &s)) {
        if (s.seq != peer->ack || (s.flags & RST) != 0)
            continue;
        if (s.len > 0 && s.len < cap - len) {
            memcpy(buf + len, s.data, s.len);
            len += s.len;
            buf[len] = '\0';
        }
        fin = fin || (s.flags & FIN) != 0;
        peer->ack += (uint32_t)s.len + (s.flags & FIN ? 1 : 0);
        if (s.len > 0 || (s.flags & FIN) != 0)
            wire_tcp(w, peer, ACK, NULL, 0);
    }
    wire_forget(w);
    return fin;
}
