/* SPDX-License-Identifier: ISC */
/*
 * A small TCP: a fixed table of connections, each with its buffers inside; passive and active
 * opening, retransmission, zero-window probes. What comes out of order is dropped and asked for
 * again.
 */
#ifndef HELLO_TCP_H
#define HELLO_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

#define TCP_CONNS 160
#define TCP_RX_BYTES 2048
#define TCP_TX_BYTES 8192

enum tcp_state {
    TCP_FREE,
    TCP_SYN_SENT,
    TCP_SYN_RCVD,
    TCP_OPEN, /* until both sides have sent and acknowledged their FIN */
    TCP_TIME_WAIT,
};

struct tcp_conn;

/* Whoever uses a connection. Both are called from tcp_input() and tcp_tick() only. */
struct tcp_app {
    /* The connection is open and something moved: bytes or FIN arrived, or all was acknowledged. */
    void (*event)(void *ctx, struct tcp_conn *conn);
    /* The connection is over: at its regular end, refused, reset or timed out. May be NULL. */
    void (*gone)(void *ctx, struct tcp_conn *conn);
};

struct tcp_conn {
    enum tcp_state state;
    const struct tcp_app *app;
    uint8_t mac[6];
    uint32_t remote_ip;
    uint16_t remote_port;
    uint16_t local_port;

    uint32_t snd_una; /* first byte not acknowledged; tx starts there */
    uint32_t snd_nxt; /* next to send */
    uint32_t snd_max; /* end of all that was ever sent: no acknowledgement may lie above */
    uint32_t snd_wnd;
    uint32_t snd_wl1; /* segment and acknowledgement of the last window update */
    uint32_t snd_wl2;
    uint32_t rcv_nxt;
    uint32_t rcv_edge; /* end of the window the other side has been told */
    uint32_t cwnd;
    uint16_t mss;
    uint8_t dup_acks;
    uint8_t retries;
    bool fin_wanted;   /* we have nothing more to send than what is in tx */
    bool fin_acked;    /* and the other side has all of it */
    bool fin_seen;     /* the other side has sent its FIN */
    bool closed_first; /* our FIN went out before theirs came in */
    bool ack_due;
    bool discard; /* the reader is gone: take and forget what arrives */

    bool rtt_running;
    uint32_t rtt_seq;
    uint64_t rtt_from_ms;
    uint32_t srtt_ms; /* 0: no measurement yet */
    uint32_t rttvar_ms;
    uint32_t rto_ms;
    uint64_t timer_ms; /* when to retransmit, probe or leave TIME_WAIT; 0: off */
    uint64_t moved_ms; /* last time anything new came in */

    size_t rx_len;
    size_t tx_head; /* tx[tx_head .. tx_head + tx_len) */
    size_t tx_len;
    uint8_t rx[TCP_RX_BYTES];
    uint8_t tx[TCP_TX_BYTES];
};

struct tcp {
    struct net *net;              /* borrowed */
    const struct tcp_app *server; /* borrowed; for connections to listen_port */
    void *ctx;                    /* given to every application call */
    uint16_t listen_port;
    uint16_t next_port;
    uint32_t secret;
    struct tcp_conn conns[TCP_CONNS];
};

void tcp_init(struct tcp *tcp, struct net *net, uint16_t listen_port, const struct tcp_app *server,
              void *ctx);
void tcp_input(struct tcp *tcp, const struct net_packet *packet);
/* Timers; to be called every few tens of milliseconds. */
void tcp_tick(struct tcp *tcp);
/* Forgets all connections without a word: the address is gone. */
void tcp_drop_all(struct tcp *tcp);

/* NULL when the table is full. The connection is open at the first event. */
struct tcp_conn *tcp_connect(struct tcp *tcp, const uint8_t mac[6], uint32_t ip, uint16_t port,
                             const struct tcp_app *app);

/*
 * For the application, on its own connection; what they cause is sent when the event call or
 * tcp_connect() has returned.
 */
size_t tcp_write(struct tcp_conn *conn, const void *data, size_t len); /* bytes taken */
void tcp_consume(struct tcp_conn *conn, size_t len);    /* done with the first len bytes of rx */
void tcp_close(struct tcp_conn *conn);                  /* FIN after what is written */
void tcp_abort(struct tcp *tcp, struct tcp_conn *conn); /* RST; no gone call */

#endif
