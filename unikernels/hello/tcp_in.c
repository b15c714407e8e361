/* SPDX-License-Identifier: ISC */
/* The receiving half of TCP: from a packet to a connection's state. */
#include "mem.h"
#include "tcp_parts.h"

static uint16_t find_mss(const uint8_t *options, size_t len)
{
    size_t at = 0;

    while (at < len && options[at] != 0) {
        if (options[at] == 1) {
            at++;
            continue;
        }
        if (len - at < 2 || options[at + 1] < 2 || options[at + 1] > len - at)
            break;
        if (options[at] == 2 && options[at + 1] == 4)
            return get16(options + at + 2);
        at += options[at + 1];
    }
    return 0;
}

static bool parse(const struct net_packet *packet, struct tcp_segment *ret)
{
    const uint8_t *p = packet->data;
    size_t header;

    if (packet->len < TCP_HEADER_BYTES)
        return false;
    header = (size_t)(p[12] >> 4) * 4;
    if (header < TCP_HEADER_BYTES || header > packet->len ||
        net_checksum(packet->src, packet->dst, NET_PROTO_TCP, p, packet->len) != 0)
        return false;
    *ret = (struct tcp_segment){.seq = get32(p + 4),
                                .ack = get32(p + 8),
                                .wnd = get16(p + 14),
                                .flags = p[13] & 0x1f,
                                .mss = find_mss(p + TCP_HEADER_BYTES, header - TCP_HEADER_BYTES),
                                .data = p + header,
                                .len = packet->len - header};
    return get16(p) != 0 && get16(p + 2) != 0;
}

static struct tcp_conn *find(struct tcp *tcp, const struct net_packet *packet)
{
    for (size_t i = 0; i < TCP_CONNS; i++) {
        struct tcp_conn *conn = &tcp->conns[i];

        if (conn->state != TCP_FREE && conn->remote_ip == packet->src &&
            conn->remote_port == get16(packet->data) && conn->local_port == get16(packet->data + 2))
            return conn;
    }
    return NULL;
}

static void take_mss(struct tcp_conn *conn, uint16_t mss)
{
    if (mss == 0)
        mss = TCP_MSS_DEFAULT;
    if (mss > TCP_MSS_OURS)
        mss = TCP_MSS_OURS;
    conn->mss = mss > TCP_MSS_LEAST ? mss : TCP_MSS_LEAST;
    conn->cwnd = conn->mss * TCP_WINDOW_SEGMENTS;
}

static void take_window(struct tcp_conn *conn, const struct tcp_segment *s)
{
    conn->snd_wnd = s->wnd;
    conn->snd_wl1 = s->seq;
    conn->snd_wl2 = s->ack;
}

/* A first SYN. Without a free slot it is dropped, and the other side will try again. */
static void accept_syn(struct tcp *tcp, const struct net_packet *packet,
                       const struct tcp_segment *s)
{
    struct tcp_conn *conn = tcp_new(tcp, packet);

    if (conn == NULL)
        return;
    conn->state = TCP_SYN_RCVD;
    conn->remote_port = get16(packet->data);
    conn->local_port = get16(packet->data + 2);
    conn->rcv_nxt = s->seq + 1;
    take_mss(conn, s->mss);
    conn->snd_una = tcp_first_seq(tcp, conn->remote_ip, conn->remote_port, conn->local_port);
    tcp_send_syn(tcp, conn);
}

static void no_connection(struct tcp *tcp, const struct net_packet *packet,
                          const struct tcp_segment *s)
{
    if (s->flags == TCP_SYN && get16(packet->data + 2) == tcp->listen_port)
        accept_syn(tcp, packet, s);
    else
        tcp_refuse(tcp, packet, s);
}

/* RFC 6298, in whole milliseconds. */
static void take_rtt(struct tcp *tcp, struct tcp_conn *conn)
{
    uint32_t r = (uint32_t)(tcp_now(tcp) - conn->rtt_from_ms);

    if (!conn->rtt_running || !seq_before(conn->rtt_seq, conn->snd_una))
        return;
    conn->rtt_running = false;
    if (conn->srtt_ms == 0) {
        conn->srtt_ms = r > 0 ? r : 1;
        conn->rttvar_ms = r / 2;
    } else {
        uint32_t off = r > conn->srtt_ms ? r - conn->srtt_ms : conn->srtt_ms - r;

        conn->rttvar_ms = (conn->rttvar_ms * 3 + off) / 4;
        conn->srtt_ms = (conn->srtt_ms * 7 + r) / 8;
    }
}

static void set_rto(struct tcp_conn *conn)
{
    uint32_t rto = conn->srtt_ms != 0 ? conn->srtt_ms + 4 * conn->rttvar_ms : TCP_RTO_FIRST_MS;

    if (rto < TCP_RTO_LEAST_MS)
        rto = TCP_RTO_LEAST_MS;
    conn->rto_ms = rto < TCP_RTO_MOST_MS ? rto : TCP_RTO_MOST_MS;
}

/* The other side has everything up to ack, which is new. */
static void advance(struct tcp *tcp, struct tcp_conn *conn, uint32_t ack)
{
    size_t acked = ack - conn->snd_una;
    size_t data = acked < conn->tx_len ? acked : conn->tx_len;

    conn->tx_len -= data;
    conn->tx_head = conn->tx_len > 0 ? conn->tx_head + data : 0;
    if (acked > data)
        conn->fin_acked = true;
    conn->snd_una = ack;
    if (seq_before(conn->snd_nxt, ack))
        conn->snd_nxt = ack;
    take_rtt(tcp, conn);
    set_rto(conn);
    conn->retries = 0;
    conn->dup_acks = 0;
    if (conn->cwnd < (uint32_t)conn->mss * TCP_WINDOW_SEGMENTS)
        conn->cwnd += conn->mss;
    conn->moved_ms = tcp_now(tcp);
    tcp_arm(tcp, conn);
}

static void take_ack(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *s)
{
    bool was_shut = conn->snd_wnd == 0;
    uint32_t old_wnd = conn->snd_wnd;
    bool old_ack = s->ack == conn->snd_una;

    if (seq_before(conn->snd_max, s->ack)) {
        conn->ack_due = true; /* for something we never sent */
        return;
    }
    if (seq_before(s->ack, conn->snd_una))
        return;
    if (!old_ack)
        advance(tcp, conn, s->ack);
    if (seq_before(conn->snd_wl1, s->seq) ||
        (conn->snd_wl1 == s->seq && !seq_before(s->ack, conn->snd_wl2)))
        take_window(conn, s);
    if (was_shut) {
        conn->retries = 0; /* it answers: a shut window may stay shut for a while */
        if (conn->snd_wnd > 0) {
            /* Start over from the first byte: the probe may have been thrown away. */
            conn->snd_nxt = conn->snd_una;
            set_rto(conn);
            tcp_arm(tcp, conn);
        }
    } else if (old_ack && s->len == 0 && s->wnd == old_wnd && (s->flags & TCP_FIN) == 0 &&
               conn->snd_nxt != conn->snd_una && ++conn->dup_acks == 3) {
        tcp_send_first_again(tcp, conn);
    }
}

/* In order and within the window: what else comes is dropped and asked for again. */
static void take_data(struct tcp *tcp, struct tcp_conn *conn, const struct tcp_segment *s)
{
    size_t room = TCP_RX_BYTES - conn->rx_len;
    size_t len = s->len;

    if (len == 0 && (s->flags & TCP_FIN) == 0)
        return;
    conn->ack_due = true;
    if (conn->fin_seen)
        return; /* nothing can follow a FIN */
    if (conn->discard) {
        room = len;
    } else if (len > room) {
        len = room;
    }
    if (!conn->discard && len > 0) {
        memcpy(conn->rx + conn->rx_len, s->data, len);
        conn->rx_len += len;
    }
    conn->rcv_nxt += (uint32_t)len;
    if (len > 0)
        conn->moved_ms = tcp_now(tcp);
    if ((s->flags & TCP_FIN) != 0 && len == s->len) {
        conn->rcv_nxt++;
        conn->fin_seen = true;
        conn->moved_ms = tcp_now(tcp);
    }
}

/*
 * Cuts off what we have already. False when the segment is older than that, or lies above what we
 * wait for; then the other side is told what we wait for.
 */
static bool trim(struct tcp *tcp, struct tcp_conn *conn, struct tcp_segment *s)
{
    uint32_t behind = conn->rcv_nxt - s->seq;

    if (s->seq == conn->rcv_nxt)
        return true;
    if ((int32_t)behind > 0 && behind <= s->len) {
        /* Nothing new but perhaps the acknowledgement; a keep-alive probe looks like this too. */
        conn->ack_due = behind == s->len;
        s->data += behind;
        s->len -= behind;
        s->seq = conn->rcv_nxt;
        return true;
    }
    tcp_send_ack(tcp, conn);
    return false;
}

static void syn_sent_input(struct tcp *tcp, struct tcp_conn *conn, const struct net_packet *packet,
                           const struct tcp_segment *s)
{
    bool good_ack = (s->flags & TCP_ACK) != 0 && s->ack == conn->snd_una + 1;

    if ((s->flags & TCP_ACK) != 0 && !good_ack) {
        tcp_refuse(tcp, packet, s);
        return;
    }
    if ((s->flags & TCP_RST) != 0) {
        if (good_ack)
            tcp_free(tcp, conn);
        return;
    }
    if ((s->flags & TCP_SYN) == 0 || !good_ack)
        return; /* simultaneous opening is not for us */
    conn->state = TCP_OPEN;
    conn->rcv_nxt = s->seq + 1;
    conn->snd_una++;
    conn->retries = 0;
    conn->timer_ms = 0;
    conn->ack_due = true;
    conn->moved_ms = tcp_now(tcp);
    take_rtt(tcp, conn);
    set_rto(conn);
    take_mss(conn, s->mss);
    take_window(conn, s);
    tcp_run_app(tcp, conn);
}

/* The third step of the handshake; the segment is in order. False when it was none. */
static bool syn_rcvd_input(struct tcp *tcp, struct tcp_conn *conn, const struct net_packet *packet,
                           const struct tcp_segment *s)
{
    if (s->ack != conn->snd_una + 1) {
        tcp_refuse(tcp, packet, s);
        return false;
    }
    conn->state = TCP_OPEN;
    conn->app = tcp->server;
    conn->snd_una++;
    conn->retries = 0;
    conn->timer_ms = 0;
    conn->moved_ms = tcp_now(tcp);
    take_rtt(tcp, conn);
    set_rto(conn);
    take_window(conn, s);
    return true;
}

/* A SYN for a connection that is over may open it again; all else is told where we stand. */
static void time_wait_input(struct tcp *tcp, struct tcp_conn *conn, const struct net_packet *packet,
                            const struct tcp_segment *s)
{
    if ((s->flags & TCP_RST) != 0) {
        if (s->seq == conn->rcv_nxt)
            conn->state = TCP_FREE;
    } else if (s->flags == TCP_SYN && seq_before(conn->rcv_nxt, s->seq) &&
               conn->local_port == tcp->listen_port) {
        conn->state = TCP_FREE;
        accept_syn(tcp, packet, s);
    } else if (s->len > 0 || (s->flags & (TCP_FIN | TCP_SYN)) != 0) {
        tcp_send_ack(tcp, conn);
    }
}

/* Everything in the state OPEN, and in SYN_RCVD. */
static void conn_input(struct tcp *tcp, struct tcp_conn *conn, const struct net_packet *packet,
                       struct tcp_segment *s)
{
    if ((s->flags & TCP_RST) != 0) {
        /* Only an exact one: a guess within the window gets a question in return (RFC 5961). */
        if (s->seq == conn->rcv_nxt)
            tcp_free(tcp, conn);
        else if (s->seq - conn->rcv_nxt < TCP_RX_BYTES)
            tcp_send_ack(tcp, conn);
        return;
    }
    if ((s->flags & TCP_SYN) != 0) {
        if (conn->state == TCP_SYN_RCVD && s->seq + 1 == conn->rcv_nxt)
            tcp_send_syn(tcp, conn);
        else
            tcp_send_ack(tcp, conn);
        return;
    }
    if ((s->flags & TCP_ACK) == 0 || !trim(tcp, conn, s))
        return;
    if (conn->state == TCP_SYN_RCVD && !syn_rcvd_input(tcp, conn, packet, s))
        return;
    memcpy(conn->mac, packet->mac, 6);
    take_ack(tcp, conn, s);
    take_data(tcp, conn, s);
    tcp_run_app(tcp, conn);
}

void tcp_input(struct tcp *tcp, const struct net_packet *packet)
{
    struct tcp_segment segment;
    struct tcp_conn *conn;

    if (packet->dst != tcp->net->ip || !parse(packet, &segment))
        return;
    conn = find(tcp, packet);
    if (conn == NULL)
        no_connection(tcp, packet, &segment);
    else if (conn->state == TCP_SYN_SENT)
        syn_sent_input(tcp, conn, packet, &segment);
    else if (conn->state == TCP_TIME_WAIT)
        time_wait_input(tcp, conn, packet, &segment);
    else
        conn_input(tcp, conn, packet, &segment);
}
