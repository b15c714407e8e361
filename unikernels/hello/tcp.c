/* SPDX-License-Identifier: ISC */
/* The table of connections, what applications call, and the timers. RFC 9293, 6298, 5961. */
#include "tcp.h"

#include "mem.h"
#include "tcp_parts.h"

#define FIRST_PRIVATE_PORT 49152

void tcp_init(struct tcp *tcp, struct net *net, uint16_t listen_port, const struct tcp_app *server,
              void *ctx)
{
    /* The connections' buffers are large and need no clearing. */
    for (size_t i = 0; i < TCP_CONNS; i++)
        tcp->conns[i].state = TCP_FREE;
    tcp->net = net;
    tcp->server = server;
    tcp->ctx = ctx;
    tcp->listen_port = listen_port;
    tcp->secret = net_random(net);
    tcp->next_port = (uint16_t)(net_random(net) % 16384);
}

/* Different for every pair of ends, and moving on with time (RFC 6528). */
uint32_t tcp_first_seq(struct tcp *tcp, uint32_t ip, uint16_t port, uint16_t local_port)
{
    uint32_t mix = tcp->secret;

    mix = (mix ^ ip) * 0x9e3779b1U;
    mix = (mix ^ mix >> 15 ^ port) * 0x85ebca6bU;
    mix = (mix ^ mix >> 13 ^ local_port) * 0xc2b2ae35U;
    return (mix ^ mix >> 16) + (uint32_t)tcp_now(tcp) * 250;
}

void tcp_free(struct tcp *tcp, struct tcp_conn *conn)
{
    const struct tcp_app *app = conn->app;

    conn->state = TCP_FREE;
    conn->app = NULL;
    if (app != NULL && app->gone != NULL)
        app->gone(tcp->ctx, conn);
}

void tcp_drop_all(struct tcp *tcp)
{
    for (size_t i = 0; i < TCP_CONNS; i++) {
        if (tcp->conns[i].state != TCP_FREE)
            tcp_free(tcp, &tcp->conns[i]);
    }
}

void tcp_abort(struct tcp *tcp, struct tcp_conn *conn)
{
    conn->app = NULL;
    if (conn->state == TCP_OPEN || conn->state == TCP_SYN_RCVD)
        tcp_send_reset(tcp, conn);
    conn->state = TCP_FREE;
}

/*
 * How gladly a connection is given up for a new one; 0: not at all. Those that are over go first,
 * then half-open ones, then those between two requests.
 */
static unsigned expendable(const struct tcp_conn *conn, uint64_t now)
{
    switch (conn->state) {
    case TCP_FREE:
        return 5;
    case TCP_TIME_WAIT:
        return 4;
    case TCP_SYN_RCVD:
        return now - conn->moved_ms >= 1000 ? 3 : 1;
    case TCP_OPEN:
        return tcp_unacked(conn) == 0 && conn->rx_len == 0 && now - conn->moved_ms >= 1000 ? 2 : 0;
    case TCP_SYN_SENT:
    default:
        return 0;
    }
}

/* A slot for a new connection; among equals the one that has been quiet for longest. */
struct tcp_conn *tcp_new(struct tcp *tcp, const struct net_packet *from)
{
    uint64_t now = tcp_now(tcp);
    struct tcp_conn *best = NULL;
    unsigned best_rank = 0;

    for (size_t i = 0; i < TCP_CONNS && best_rank < 5; i++) {
        struct tcp_conn *conn = &tcp->conns[i];
        unsigned rank = expendable(conn, now);

        if (rank > best_rank ||
            (rank > 0 && rank == best_rank && best != NULL && conn->moved_ms < best->moved_ms)) {
            best = conn;
            best_rank = rank;
        }
    }
    if (best == NULL)
        return NULL;
    if (best->state == TCP_OPEN)
        tcp_send_reset(tcp, best);
    if (best->state != TCP_FREE)
        tcp_free(tcp, best);
    memset(best, 0, offsetof(struct tcp_conn, rx));
    memcpy(best->mac, from->mac, 6);
    best->remote_ip = from->src;
    best->mss = TCP_MSS_DEFAULT;
    best->rto_ms = TCP_RTO_FIRST_MS;
    best->moved_ms = now;
    return best;
}

struct tcp_conn *tcp_connect(struct tcp *tcp, const uint8_t mac[6], uint32_t ip, uint16_t port,
                             const struct tcp_app *app)
{
    struct net_packet to = {.src = ip};
    struct tcp_conn *conn;

    memcpy(to.mac, mac, 6);
    conn = tcp_new(tcp, &to);
    if (conn == NULL)
        return NULL;
    conn->state = TCP_SYN_SENT;
    conn->app = app;
    conn->remote_port = port;
    conn->local_port = (uint16_t)(FIRST_PRIVATE_PORT + tcp->next_port++ % 16384);
    if (conn->local_port == tcp->listen_port)
        conn->local_port = (uint16_t)(FIRST_PRIVATE_PORT + tcp->next_port++ % 16384);
    conn->snd_una = tcp_first_seq(tcp, ip, port, conn->local_port);
    tcp_send_syn(tcp, conn);
    return conn;
}

size_t tcp_write(struct tcp_conn *conn, const void *data, size_t len)
{
    size_t room = TCP_TX_BYTES - conn->tx_len;

    if (conn->fin_wanted)
        return 0;
    if (len > room)
        len = room;
    if (conn->tx_head + conn->tx_len + len > TCP_TX_BYTES) {
        memmove(conn->tx, conn->tx + conn->tx_head, conn->tx_len);
        conn->tx_head = 0;
    }
    memcpy(conn->tx + conn->tx_head + conn->tx_len, data, len);
    conn->tx_len += len;
    return len;
}

void tcp_consume(struct tcp_conn *conn, size_t len)
{
    size_t left = conn->rx_len - len;
    uint32_t told = conn->rcv_edge - conn->rcv_nxt;

    memmove(conn->rx, conn->rx + len, left);
    conn->rx_len = left;
    /* The other side may be waiting for a window too small for a segment. */
    if (told < TCP_MSS_DEFAULT && TCP_RX_BYTES - left >= TCP_MSS_DEFAULT)
        conn->ack_due = true;
}

void tcp_close(struct tcp_conn *conn)
{
    if (conn->fin_wanted)
        return;
    conn->fin_wanted = true;
    conn->closed_first = !conn->fin_seen;
}

/* Lets the application see what there is, sends what it wants, and ends what is at its end. */
void tcp_run_app(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->app != NULL)
        conn->app->event(tcp->ctx, conn);
    if (conn->state != TCP_OPEN)
        return;
    if (conn->discard)
        tcp_consume(conn, conn->rx_len);
    tcp_output(tcp, conn);
    if (!conn->fin_acked || !conn->fin_seen)
        return;
    if (conn->closed_first) {
        const struct tcp_app *app = conn->app;

        conn->state = TCP_TIME_WAIT;
        conn->timer_ms = tcp_now(tcp) + TCP_TIME_WAIT_MS;
        conn->app = NULL;
        if (app != NULL && app->gone != NULL)
            app->gone(tcp->ctx, conn);
    } else {
        tcp_free(tcp, conn);
    }
}

static void time_out(struct tcp *tcp, struct tcp_conn *conn)
{
    if (conn->state == TCP_OPEN)
        tcp_send_reset(tcp, conn);
    tcp_free(tcp, conn);
}

static void timer_open(struct tcp *tcp, struct tcp_conn *conn)
{
    if (tcp_unacked(conn) == 0) {
        conn->timer_ms = 0;
        return;
    }
    if (++conn->retries > TCP_RETRIES) {
        time_out(tcp, conn);
        return;
    }
    conn->rto_ms = conn->rto_ms * 2 < TCP_RTO_MOST_MS ? conn->rto_ms * 2 : TCP_RTO_MOST_MS;
    conn->rtt_running = false; /* what was sent twice cannot be timed (Karn) */
    if (conn->snd_wnd == 0 && conn->tx_len > 0) {
        tcp_send_probe(tcp, conn);
    } else {
        conn->cwnd = conn->mss;
        conn->dup_acks = 0;
        conn->snd_nxt = conn->snd_una;
        tcp_output(tcp, conn);
    }
    tcp_arm(tcp, conn);
}

static void timer_handshake(struct tcp *tcp, struct tcp_conn *conn)
{
    if (++conn->retries > TCP_HANDSHAKE_RETRIES) {
        time_out(tcp, conn);
        return;
    }
    conn->rto_ms *= 2;
    conn->rtt_running = false;
    tcp_send_syn(tcp, conn);
}

static void check_idle(struct tcp *tcp, struct tcp_conn *conn, uint64_t now)
{
    uint64_t quiet = now - conn->moved_ms;

    if (conn->fin_acked && quiet >= TCP_LINGER_MS) {
        time_out(tcp, conn);
    } else if (quiet >= TCP_IDLE_MS) {
        if (tcp_unacked(conn) > 0 || conn->fin_wanted) {
            time_out(tcp, conn);
        } else {
            conn->moved_ms = now;
            conn->discard = true;
            tcp_close(conn);
            tcp_output(tcp, conn);
        }
    }
}

void tcp_tick(struct tcp *tcp)
{
    uint64_t now = tcp_now(tcp);

    for (size_t i = 0; i < TCP_CONNS; i++) {
        struct tcp_conn *conn = &tcp->conns[i];
        bool due = conn->timer_ms != 0 && now >= conn->timer_ms;

        switch (conn->state) {
        case TCP_FREE:
            break;
        case TCP_TIME_WAIT:
            if (due)
                conn->state = TCP_FREE;
            break;
        case TCP_SYN_SENT:
        case TCP_SYN_RCVD:
            if (due)
                timer_handshake(tcp, conn);
            break;
        case TCP_OPEN:
        default:
            if (due)
                timer_open(tcp, conn);
            if (conn->state == TCP_OPEN)
                check_idle(tcp, conn, now);
            break;
        }
    }
}
