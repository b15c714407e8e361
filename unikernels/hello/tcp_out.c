/* SPDX-License-Identifier: ISC */
/* The sending half of TCP: segments, and which of them may go now. */
#include "mem.h"
#include "tcp_parts.h"

struct header {
    uint32_t dst;
    const uint8_t *mac;
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint32_t ack;
    uint32_t wnd;
    uint8_t flags;
    bool mss_option;
};

/* Sends len bytes of data, copied behind the header. */
static void send_segment(struct tcp *tcp, const struct header *h, const uint8_t *data, size_t len)
{
    struct net *net = tcp->net;
    uint8_t *out = net_data(net);
    size_t header = TCP_HEADER_BYTES;

    put16(out, h->src_port);
    put16(out + 2, h->dst_port);
    put32(out + 4, h->seq);
    put32(out + 8, (h->flags & TCP_ACK) != 0 ? h->ack : 0);
    out[13] = h->flags;
    put16(out + 14, h->wnd);
    put32(out + 16, 0); /* checksum, urgent pointer */
    if (h->mss_option) {
        put32(out + 20, 2U << 24 | 4U << 16 | TCP_MSS_OURS);
        header += 4;
    }
    out[12] = (uint8_t)(header / 4 << 4);
    if (len > 0)
        memcpy(out + header, data, len);
    put16(out + 16, net_checksum(net->ip, h->dst, NET_PROTO_TCP, out, header + len));
    net_send_ip(net, h->mac, net->ip, h->dst, NET_PROTO_TCP, header + len);
}

/* A segment of a connection; it tells the window and so fulfils any acknowledgement due. */
static void send_on(struct tcp *tcp, struct tcp_conn *conn, uint32_t seq, uint8_t flags,
                    size_t offset, size_t len)
{
    uint32_t window = (uint32_t)(TCP_RX_BYTES - conn->rx_len);
    struct header h = {.dst = conn->remote_ip,
                       .mac = conn->mac,
                       .src_port = conn->local_port,
                       .dst_port = conn->remote_port,
                       .seq = seq,
                       .ack = conn->rcv_nxt,
                       .wnd = window,
                       .flags = flags,
                       .mss_option = (flags & TCP_SYN) != 0};
    uint32_t end = seq + (uint32_t)len + ((flags & (TCP_SYN | TCP_FIN)) != 0 ? 1 : 0);

    conn->rcv_edge = conn->rcv_nxt + window;
    conn->ack_due = false;
    if (seq_before(conn->snd_max, end))
        conn->snd_max = end;
    send_segment(tcp, &h, conn->tx + conn->tx_head + offset, len);
}

uint32_t tcp_unacked(const struct tcp_conn *conn)
{
    return (uint32_t)conn->tx_len + (conn->fin_wanted && !conn->fin_acked ? 1 : 0);
}

void tcp_arm(struct tcp *tcp, struct tcp_conn *conn)
{
    conn->timer_ms = tcp_unacked(conn) > 0 ? tcp_now(tcp) + conn->rto_ms : 0;
}

void tcp_send_syn(struct tcp *tcp, struct tcp_conn *conn)
{
    uint64_t now = tcp_now(tcp);

    if (conn->retries == 0) {
        conn->rtt_running = true;
        conn->rtt_seq = conn->snd_una;
        conn->rtt_from_ms = now;
        conn->snd_max = conn->snd_una;
    }
    conn->snd_nxt = conn->snd_una + 1;
    send_on(tcp, conn, conn->snd_una, conn->state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK, 0,
            0);
    conn->timer_ms = now + conn->rto_ms;
}

void tcp_send_ack(struct tcp *tcp, struct tcp_conn *conn)
{
    send_on(tcp, conn, conn->snd_nxt, TCP_ACK, 0, 0);
}

/* How much of the data at offset may go in one segment now. */
static size_t sendable(const struct tcp_conn *conn, size_t offset)
{
    uint32_t window = conn->snd_wnd < conn->cwnd ? conn->snd_wnd : conn->cwnd;
    size_t left = conn->tx_len - offset;
    size_t len = left < conn->mss ? left : conn->mss;
    size_t room = window > offset ? window - offset : 0;

    if (len <= room)
        return len;
    /* A partial segment only when nothing is under way that would open the window further. */
    return offset > 0 ? 0 : room;
}

void tcp_output(struct tcp *tcp, struct tcp_conn *conn)
{
    for (;;) {
        size_t offset = conn->snd_nxt - conn->snd_una;
        size_t len;
        uint8_t flags = TCP_ACK;
        bool fin;

        if (offset > conn->tx_len)
            break; /* all is out, FIN included */
        len = sendable(conn, offset);
        fin = conn->fin_wanted && !conn->fin_acked && offset + len == conn->tx_len;
        if (len == 0 && !fin)
            break;
        if (len > 0 && offset + len == conn->tx_len)
            flags |= TCP_PSH;
        if (fin)
            flags |= TCP_FIN;
        if (!conn->rtt_running && conn->snd_nxt == conn->snd_max) {
            conn->rtt_running = true;
            conn->rtt_seq = conn->snd_nxt;
            conn->rtt_from_ms = tcp_now(tcp);
        }
        send_on(tcp, conn, conn->snd_nxt, flags, offset, len);
        conn->snd_nxt += (uint32_t)len + (fin ? 1 : 0);
    }
    if (conn->ack_due)
        tcp_send_ack(tcp, conn);
    if (conn->timer_ms == 0)
        tcp_arm(tcp, conn);
}

void tcp_send_first_again(struct tcp *tcp, struct tcp_conn *conn)
{
    size_t len = conn->tx_len < conn->mss ? conn->tx_len : conn->mss;
    bool fin = conn->fin_wanted && !conn->fin_acked && len == conn->tx_len &&
               seq_before(conn->snd_una + (uint32_t)len, conn->snd_max);

    conn->rtt_running = false;
    send_on(tcp, conn, conn->snd_una, fin ? TCP_ACK | TCP_FIN : TCP_ACK, 0, len);
}

/* One byte beyond a closed window: its answer tells whether the window is still closed. */
void tcp_send_probe(struct tcp *tcp, struct tcp_conn *conn)
{
    send_on(tcp, conn, conn->snd_una, TCP_ACK, 0, 1);
    if (conn->snd_nxt == conn->snd_una)
        conn->snd_nxt++;
}

void tcp_send_reset(struct tcp *tcp, const struct tcp_conn *conn)
{
    struct header h = {.dst = conn->remote_ip,
                       .mac = conn->mac,
                       .src_port = conn->local_port,
                       .dst_port = conn->remote_port,
                       .seq = conn->snd_nxt,
                       .ack = conn->rcv_nxt,
                       .flags = TCP_RST | TCP_ACK};

    send_segment(tcp, &h, NULL, 0);
}

/* Answers a segment that belongs to no connection. */
void tcp_refuse(struct tcp *tcp, const struct net_packet *packet, const struct tcp_segment *segment)
{
    struct header h = {.dst = packet->src,
                       .mac = packet->mac,
                       .src_port = get16(packet->data + 2),
                       .dst_port = get16(packet->data),
                       .flags = TCP_RST};

    if ((segment->flags & TCP_RST) != 0)
        return;
    if ((segment->flags & TCP_ACK) != 0) {
        h.seq = segment->ack;
    } else {
        h.flags |= TCP_ACK;
        h.ack = segment->seq + (uint32_t)segment->len + ((segment->flags & TCP_SYN) != 0 ? 1 : 0) +
                ((segment->flags & TCP_FIN) != 0 ? 1 : 0);
    }
    send_segment(tcp, &h, NULL, 0);
}
