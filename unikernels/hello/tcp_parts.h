/* SPDX-License-Identifier: ISC */
/* What the files of TCP share among themselves: the segment, the timers, the ways out. */
#ifndef HELLO_TCP_PARTS_H
#define HELLO_TCP_PARTS_H

#include "tcp.h"

#define TCP_HEADER_BYTES 20
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

#define TCP_MSS_DEFAULT 536
#define TCP_MSS_LEAST 64 /* below, a stranger would make us send thousands of tiny segments */
#define TCP_MSS_OURS (NET_MTU - NET_IP_BYTES - TCP_HEADER_BYTES)
#define TCP_WINDOW_SEGMENTS 10 /* first and largest congestion window (RFC 6928) */

#define TCP_RTO_FIRST_MS 1000
#define TCP_RTO_LEAST_MS 200
#define TCP_RTO_MOST_MS 16000
#define TCP_RETRIES 6
#define TCP_HANDSHAKE_RETRIES 4
#define TCP_IDLE_MS 60000      /* an open connection on which nothing moves */
#define TCP_LINGER_MS 5000     /* our side is closed, theirs not */
#define TCP_TIME_WAIT_MS 10000 /* cut short whenever the slot is wanted */

struct tcp_segment {
    uint32_t seq;
    uint32_t ack;
    uint32_t wnd;
    uint8_t flags;
    uint16_t mss; /* 0: no such option */
    const uint8_t *data;
    size_t len;
};

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline uint64_t tcp_now(const struct tcp *tcp)
{
    return tcp->net->plat->uptime_ms(tcp->net->plat->ctx);
}

/* tcp.c */
void tcp_free(struct tcp *tcp, struct tcp_conn *conn); /* with the application's gone call */
struct tcp_conn *tcp_new(struct tcp *tcp, const struct net_packet *from);
uint32_t tcp_first_seq(struct tcp *tcp, uint32_t ip, uint16_t port, uint16_t local_port);
void tcp_run_app(struct tcp *tcp, struct tcp_conn *conn);

/* tcp_out.c */
void tcp_send_syn(struct tcp *tcp, struct tcp_conn *conn);
void tcp_output(struct tcp *tcp, struct tcp_conn *conn);
void tcp_send_ack(struct tcp *tcp, struct tcp_conn *conn);
void tcp_send_first_again(struct tcp *tcp, struct tcp_conn *conn);
void tcp_send_probe(struct tcp *tcp, struct tcp_conn *conn);
void tcp_send_reset(struct tcp *tcp, const struct tcp_conn *conn);
void tcp_refuse(struct tcp *tcp, const struct net_packet *packet,
                const struct tcp_segment *segment);
/* Sent, or waiting to be sent, and not acknowledged; FIN counts as one. */
uint32_t tcp_unacked(const struct tcp_conn *conn);
void tcp_arm(struct tcp *tcp, struct tcp_conn *conn);

#endif
