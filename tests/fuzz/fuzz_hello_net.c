/* SPDX-License-Identifier: ISC */
/*
 * Throws frames, console characters and time at hello. The input is a little script: each step is
 * a byte that says what, then its operands. Frames can be raw, or have their lengths, checksums
 * and sequence numbers put right, so that the fuzzer gets past the first checks.
 *
 * Checked: everything sent is well-formed (testing/wire.c aborts when not), and the connection
 * table keeps its promises after every step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define STEPS_MAX 400

struct input {
    const uint8_t *at;
    size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static const uint8_t *bytes(struct input *in, size_t *len)
{
    const uint8_t *start = in->at;

    if (*len > in->left)
        *len = in->left;
    in->at += *len;
    in->left -= *len;
    return start;
}

static void raw_frame(struct wire *w, struct input *in)
{
    size_t len = byte(in) * 7U;
    const uint8_t *start = bytes(in, &len);
    uint8_t frame[2048];

    memcpy(frame, start, len);
    if (len >= 6 && (frame[0] & 2) == 0)
        memcpy(frame, wire_our_mac, 6);
    hello_frame(&w->hello, frame, len);
}

static void ip_packet(struct wire *w, struct input *in)
{
    static const uint8_t protos[] = {NET_PROTO_ICMP, NET_PROTO_TCP, NET_PROTO_UDP, 2};
    uint8_t proto = protos[byte(in) % 4];
    size_t len = byte(in);
    const uint8_t *start = bytes(in, &len);

    wire_give_ip(w, proto, WIRE_PEER, WIRE_US, start, len);
}

/* A DHCP answer whose fixed part is good and whose options are the fuzzer's. */
static void dhcp_answer(struct wire *w, struct input *in)
{
    uint8_t message[600] = {0};
    size_t len = byte(in);
    const uint8_t *start;

    message[0] = 2;
    put32(message + 4, w->hello.dhcp.xid);
    put32(message + 16, WIRE_US + (byte(in) & 3U));
    memcpy(message + 28, wire_our_mac, 6);
    put32(message + 236, 0x63825363);
    start = bytes(in, &len);
    memcpy(message + 240, start, len);
    wire_give_udp(w, WIRE_PEER, NET_BROADCAST, 67, 68, message, 240 + len);
}

static size_t dhcp_options(uint8_t *at, uint8_t type)
{
    static const uint8_t rest[] = {54, 4,  10, 0, 2, 2,  1, 4, 255, 255, 255, 0,  3,
                                   4,  10, 0,  2, 2, 51, 4, 0, 0,   0,   30,  255};

    at[0] = 53;
    at[1] = 1;
    at[2] = type;
    memcpy(at + 3, rest, sizeof(rest));
    return 3 + sizeof(rest);
}

static void good_dhcp_answer(struct wire *w, struct input *in)
{
    uint8_t script[64] = {0};
    struct input own = {script, sizeof(script)};

    script[0] = (uint8_t)dhcp_options(script + 2, byte(in) % 8);
    dhcp_answer(w, &own);
}

/* A segment that fits some connection, more or less; else the beginning of a new one. */
static void tcp_segment(struct wire *w, struct input *in)
{
    const struct tcp_conn *conn = &w->hello.tcp.conns[byte(in) % 8];
    uint8_t flags = byte(in) & 0x1f;
    uint8_t how = byte(in);
    size_t len = byte(in) * (how & 1 ? 5U : 1U);
    const uint8_t *start = bytes(in, &len);
    struct wire_peer p = {.port = (uint16_t)(1000 + how), .to_port = 80, .seq = 77, .wnd = 9999};

    if (conn->state != TCP_FREE) {
        p.port = conn->remote_port;
        p.to_port = conn->local_port;
        p.seq = conn->rcv_nxt + (how & 2 ? (uint32_t)(int8_t)byte(in) : 0);
        p.ack =
            (how & 4 ? conn->snd_nxt : conn->snd_una) + (how & 8 ? (uint32_t)(int8_t)byte(in) : 0);
        p.ack = how & 16 ? conn->snd_max : p.ack;
        p.wnd = how & 32 ? byte(in) : 8000;
    }
    if (len > 1400)
        len = 1400;
    wire_tcp(w, &p, flags, start, len);
}

static void http_request(struct wire *w, struct input *in)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "HEAD /.well-known/unikernel HTTP/1.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    };
    const char *text = requests[byte(in) % 4];
    const struct tcp_conn *conn = &w->hello.tcp.conns[byte(in) % 8];
    struct wire_peer p = {.port = 999, .to_port = 80, .wnd = 9000};

    if (conn->state != TCP_FREE) {
        p.port = conn->remote_port;
        p.to_port = conn->local_port;
        p.seq = conn->rcv_nxt;
        p.ack = conn->snd_nxt;
    }
    wire_tcp(w, &p, 0x18, text, strlen(text));
}

static void step(struct wire *w, struct input *in)
{
    uint8_t what = byte(in);

    switch (what % 10) {
    case 0:
        raw_frame(w, in);
        break;
    case 1:
        ip_packet(w, in);
        break;
    case 2:
        dhcp_answer(w, in);
        break;
    case 3:
        good_dhcp_answer(w, in);
        break;
    case 4:
    case 5:
        tcp_segment(w, in);
        break;
    case 6:
        http_request(w, in);
        break;
    case 7:
        wire_give_arp(w, 1 + what / 128, WIRE_PEER, WIRE_US + (byte(in) & 1U));
        break;
    case 8:
        hello_console(&w->hello, (char)byte(in));
        break;
    default:
        w->now_ms += (uint64_t)byte(in) << (what / 10 % 12);
        w->unix_s += byte(in);
        hello_tick(&w->hello);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const lines[] = {
        WIRE_STATIC,
        "name=f",
        WIRE_STATIC " announce=http://10.0.2.2:8080/ token=t deadline=1800000100",
        "announce=http://8.8.8.8/ name=%e2%82%ac",
    };
    static struct wire *w;
    struct input in = {data, size};
    uint8_t first = byte(&in);
    char line[256];

    if (w == NULL)
        w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    if ((first & 4) != 0) {
        size_t len = first;
        const uint8_t *start = bytes(&in, &len);

        memcpy(line, start, len);
        line[len] = '\0';
        wire_restart(w, line);
    } else {
        wire_restart(w, lines[first & 3]);
    }
    for (int i = 0; i < STEPS_MAX && in.left > 0; i++) {
        const char *fault;

        step(w, &in);
        fault = wire_tcp_fault(&w->hello.tcp);
        if (fault != NULL) {
            fprintf(stderr, "broken after step %d: %s\n", i, fault);
            abort();
        }
    }
    return 0;
}
