/* SPDX-License-Identifier: ISC */
/* TCP, played against hello's own web server: opening, loss, windows, closing, a full table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define GET "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_PAGE "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_CLOSE "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static char text[16384];

static int setup(void **state)
{
    *state = wire_new(WIRE_STATIC);
    return 0;
}

static int teardown(void **state)
{
    assert_null(wire_tcp_fault(&((struct wire *)*state)->hello.tcp));
    free(*state);
    return 0;
}

static size_t in_use(const struct wire *w)
{
    size_t n = 0;

    for (size_t i = 0; i < TCP_CONNS; i++)
        n += w->hello.tcp.conns[i].state != TCP_FREE ? 1 : 0;
    return n;
}

static void handshake_and_request(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    p = (struct wire_peer){.port = 1000, .to_port = 80, .seq = 5, .wnd = 9000};
    wire_forget(w);
    wire_tcp(w, &p, SYN, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.flags, SYN | ACK);
    assert_int_equal(s.ack, 6);
    assert_int_equal(s.wnd, TCP_RX_BYTES);
    p.ack = s.seq + 1;
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_false(wire_tcp_take(w, &p, &s));
    wire_say(w, &p, GET);
    assert_false(wire_hear(w, &p, text, sizeof(text)));
    assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
    wire_say(w, &p, GET);
    assert_false(wire_hear(w, &p, text, sizeof(text)));
    assert_non_null(strstr(text, "\"requests\":2,"));
}

/* The SYN-ACK is lost, and later given up. */
static void handshake_lost(void **state)
{
    struct wire *w = *state;
    struct wire_peer p = {.port = 1000, .to_port = 80, .seq = 5, .wnd = 9000};
    struct wire_segment s;
    unsigned syns = 0;

    wire_forget(w);
    wire_tcp(w, &p, SYN, NULL, 0);
    wire_pass(w, 60000);
    while (wire_tcp_take(w, &p, &s))
        syns += s.flags == (SYN | ACK) ? 1 : 0;
    assert_int_equal(syns, 5);
    assert_int_equal(in_use(w), 0);
}

static void refused_port(void **state)
{
    struct wire *w = *state;
    struct wire_peer p = {.port = 1000, .to_port = 81, .seq = 5, .ack = 77, .wnd = 9000};
    struct wire_segment s;

    wire_forget(w);
    wire_tcp(w, &p, SYN, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.flags, RST | ACK);
    assert_int_equal(s.ack, 6);
    wire_tcp(w, &p, ACK, "x", 1);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.flags, RST);
    assert_int_equal(s.seq, 77);
    wire_tcp(w, &p, RST, NULL, 0);
    assert_false(wire_tcp_take(w, &p, &s));
}

static void bad_checksum(void **state)
{
    struct wire *w = *state;
    uint8_t tcp[20] = {0, 1, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, SYN, 1, 1};

    wire_forget(w);
    wire_give_ip(w, NET_PROTO_TCP, WIRE_PEER, WIRE_US, tcp, sizeof(tcp));
    assert_null(wire_take(w));
}

static void retransmission(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment first;
    struct wire_segment again;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    wire_say(w, &p, GET);
    assert_true(wire_tcp_take(w, &p, &first));
    assert_true(first.len > 0);
    wire_forget(w);
    wire_pass(w, 190);
    assert_null(wire_take(w));
    wire_pass(w, 30);
    assert_true(wire_tcp_take(w, &p, &again));
    assert_int_equal(again.seq, first.seq);
    assert_int_equal(again.len, first.len);
    wire_pass(w, 300);
    assert_false(wire_tcp_take(w, &p, &again)); /* the second pause is longer */
    wire_pass(w, 110);
    assert_true(wire_tcp_take(w, &p, &again));
    p.ack = first.seq + (uint32_t)first.len;
    wire_tcp(w, &p, ACK, NULL, 0);
    wire_forget(w);
    wire_pass(w, 5000);
    assert_null(wire_take(w));
}

/* The middle of an answer is lost: three repeated acknowledgements bring it at once. */
static void fast_retransmission(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;
    uint32_t missing;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    wire_say(w, &p, GET_PAGE);
    assert_true(wire_tcp_take(w, &p, &s));
    p.ack += (uint32_t)s.len;
    missing = p.ack;
    wire_tcp(w, &p, ACK, NULL, 0);
    wire_forget(w);
    wire_tcp(w, &p, ACK, NULL, 0);
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_false(wire_tcp_take(w, &p, &s));
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.seq, missing);
    assert_true(s.len > 0);
}

static void gives_up(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;
    bool reset = false;

    assert_true(wire_connect(w, &p, 1000));
    wire_say(w, &p, GET);
    wire_pass(w, 120000);
    while (wire_tcp_take(w, &p, &s))
        reset = reset || (s.flags & RST) != 0;
    assert_true(reset);
    assert_int_equal(in_use(w), 0);
}

/* They close first: our FIN follows, and the acknowledgement of it ends the connection. */
static void they_close(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;

    assert_true(wire_connect(w, &p, 1000));
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    assert_int_equal(in_use(w), 0);
    /* A request and FIN in one segment is still answered. */
    assert_true(wire_connect(w, &p, 1001));
    wire_tcp(w, &p, FIN | ACK, GET, strlen(GET));
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    assert_non_null(strstr(text, "200 OK"));
    assert_int_equal(in_use(w), 0);
}

static void we_close(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_say(w, &p, GET_CLOSE);
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    assert_int_equal(in_use(w), 1);
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.ack, p.seq);
    /* In TIME_WAIT: a repeated FIN is acknowledged again, then the slot is free. */
    p.seq--;
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.ack, p.seq);
    wire_pass(w, 11000);
    assert_int_equal(in_use(w), 0);
}

/* A new connection from the same port before TIME_WAIT is over. */
static void reopened(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_say(w, &p, GET_CLOSE);
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    wire_forget(w);
    p.seq += 10;
    wire_tcp(w, &p, SYN, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.flags, SYN | ACK);
    assert_int_equal(s.ack, p.seq);
}

static void both_close(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_say(w, &p, GET_CLOSE);
    assert_true(wire_tcp_take(w, &p, &s)); /* answer and FIN, not acknowledged yet */
    assert_true((s.flags & FIN) != 0);
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    p.ack = s.seq + (uint32_t)s.len + 1;
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_int_equal(in_use(w), 1);
    wire_pass(w, 11000);
    assert_int_equal(in_use(w), 0);
}

/* They acknowledge our FIN and never send theirs. */
static void half_closed_for_ever(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;

    assert_true(wire_connect(w, &p, 1000));
    wire_say(w, &p, GET_CLOSE);
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    wire_pass(w, 6000);
    assert_int_equal(in_use(w), 0);
}

static void reset(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    p.seq += 100; /* a guess: within the window, not exact */
    wire_tcp(w, &p, RST, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.ack, p.seq - 100);
    assert_int_equal(in_use(w), 1);
    p.seq += 100000; /* outside: not even answered */
    wire_tcp(w, &p, RST, NULL, 0);
    assert_false(wire_tcp_take(w, &p, &s));
    p.seq -= 100100;
    wire_tcp(w, &p, RST, NULL, 0);
    assert_int_equal(in_use(w), 0);
}

static void syn_in_open_connection(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    wire_tcp(w, &p, SYN, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.flags, ACK);
    assert_int_equal(in_use(w), 1);
}

static void out_of_order(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;
    uint32_t start;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    start = p.seq;
    p.seq += 10;
    wire_tcp(w, &p, ACK, &GET[10], strlen(GET) - 10);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.len, 0);
    assert_int_equal(s.ack, start);
    p.seq = start;
    wire_tcp(w, &p, ACK, GET, 10);
    /* What overlaps with what is there already is cut off. */
    p.seq = start + 5;
    wire_tcp(w, &p, ACK, &GET[5], strlen(GET) - 5);
    (void)wire_hear(w, &p, text, sizeof(text));
    assert_non_null(strstr(text, "200 OK"));
    p.seq = start;
    wire_tcp(w, &p, ACK, GET, strlen(GET)); /* all of it again: acknowledged, not answered */
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.len, 0);
    assert_int_equal(s.ack, start + strlen(GET));
}

static void zero_window_probe(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;
    uint32_t start;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    p.wnd = 0;
    wire_say(w, &p, GET);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.len, 0);
    start = p.ack;
    for (int i = 0; i < 3; i++) {
        wire_forget(w);
        wire_pass(w, 16100); /* the longest pause between two probes */
        assert_true(wire_tcp_take(w, &p, &s));
        assert_int_equal(s.seq, start);
        assert_int_equal(s.len, 1);
        wire_tcp(w, &p, ACK, NULL, 0); /* still shut */
    }
    wire_forget(w);
    p.wnd = 100;
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.seq, start);
    assert_int_equal(s.len, 100);
    p.wnd = 60000;
    p.ack += 100;
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_false(wire_hear(w, &p, text, sizeof(text)));
    assert_non_null(strstr(text, "}\n"));
}

/* A window that stays shut does not hold a connection for ever. */
static void zero_window_for_ever(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;

    assert_true(wire_connect(w, &p, 1000));
    p.wnd = 0;
    wire_say(w, &p, GET);
    for (int i = 0; i < 130; i++) {
        wire_pass(w, 500);
        wire_tcp(w, &p, ACK, NULL, 0);
        wire_forget(w);
    }
    assert_int_equal(in_use(w), 0);
}

/* Our own window: shut when the request buffer is full, told when it is open again. */
static void our_window(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s = {0};
    char many[TCP_RX_BYTES + 1];
    size_t sent = 0;

    assert_true(wire_connect(w, &p, 1000));
    p.wnd = 0; /* nothing is answered, so requests pile up */
    wire_say(w, &p, GET);
    for (size_t i = 0; i < sizeof(many) - 1; i++)
        many[i] = GET[i % strlen(GET)];
    while (sent < TCP_RX_BYTES) {
        size_t n = TCP_RX_BYTES - sent < 1000 ? TCP_RX_BYTES - sent : 1000;

        wire_tcp(w, &p, ACK, many + sent, n);
        sent += n;
    }
    while (wire_tcp_take(w, &p, &s))
        assert_int_equal(s.ack + s.wnd - (p.seq - sent), TCP_RX_BYTES);
    assert_int_equal(s.wnd, 0);
    wire_tcp(w, &p, ACK, "x", 1); /* more than fits is not taken */
    p.seq--;
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.ack, p.seq);
    p.wnd = 60000;
    wire_tcp(w, &p, ACK, NULL, 0);
    (void)wire_hear(w, &p, text, sizeof(text));
    for (int i = 0; i < 100; i++) {
        wire_tcp(w, &p, ACK, NULL, 0);
        (void)wire_hear(w, &p, text, sizeof(text));
    }
    assert_int_equal(w->hello.http.requests, 1 + TCP_RX_BYTES / strlen(GET));
}

/* A peer with tiny segments gets none larger, and everything in the end. */
static void small_mss(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;
    struct tcp_conn *conn;

    assert_true(wire_connect(w, &p, 1000));
    conn = &w->hello.tcp.conns[0];
    conn->mss = 100;
    conn->cwnd = 1000;
    wire_forget(w);
    wire_say(w, &p, GET);
    while (wire_tcp_take(w, &p, &s)) {
        assert_in_range(s.len, 1, 100);
        p.ack += (uint32_t)s.len;
        wire_tcp(w, &p, ACK, NULL, 0);
    }
    assert_int_equal(conn->tx_len, 0);
}

static void acknowledges_the_future(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;
    struct wire_segment s;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    p.ack += 1000;
    wire_tcp(w, &p, ACK, NULL, 0);
    assert_true(wire_tcp_take(w, &p, &s));
    assert_int_equal(s.seq, p.ack - 1000);
}

static void many_connections(void **state)
{
    struct wire *w = *state;
    static struct wire_peer peers[TCP_CONNS];

    for (uint16_t i = 0; i < TCP_CONNS; i++)
        assert_true(wire_connect(w, &peers[i], (uint16_t)(1000 + i)));
    for (uint16_t i = 0; i < TCP_CONNS; i++) {
        wire_forget(w);
        wire_say(w, &peers[i], GET);
        assert_false(wire_hear(w, &peers[i], text, sizeof(text)));
        assert_non_null(strstr(text, "200 OK"));
    }
    assert_int_equal(w->hello.http.requests, TCP_CONNS);
    assert_true(TCP_CONNS >= 64);
}

/* Full of busy connections: no answer. Full of idle ones: the longest idle makes room. */
static void full_table(void **state)
{
    struct wire *w = *state;
    static struct wire_peer peers[TCP_CONNS];
    struct wire_peer late;
    struct wire_segment s;

    for (uint16_t i = 0; i < TCP_CONNS; i++) {
        assert_true(wire_connect(w, &peers[i], (uint16_t)(1000 + i)));
        w->now_ms++;
        wire_say(w, &peers[i], "GET /half");
    }
    wire_pass(w, 2000);
    assert_false(wire_connect(w, &late, 5000));
    for (uint16_t i = 0; i < TCP_CONNS; i++) {
        wire_forget(w);
        wire_say(w, &peers[i], " HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)wire_hear(w, &peers[i], text, sizeof(text));
        w->now_ms++;
    }
    wire_pass(w, 2000);
    wire_forget(w);
    late = (struct wire_peer){.port = 5000, .to_port = 80, .seq = 1, .wnd = 1000};
    wire_tcp(w, &late, SYN, NULL, 0);
    assert_true(wire_tcp_take(w, &peers[0], &s));
    assert_int_equal(s.flags & RST, RST);
    assert_true(wire_tcp_take(w, &late, &s));
    assert_int_equal(s.flags, SYN | ACK);
    /* A flood of half-open ones takes room from each other, not from those that are open. */
    for (uint16_t i = 0; i < 1000; i++) {
        struct wire_peer flood = {.port = (uint16_t)(10000 + i), .to_port = 80, .wnd = 1000};

        wire_forget(w);
        wire_tcp(w, &flood, SYN, NULL, 0);
    }
    assert_true(in_use(w) == TCP_CONNS);
}

static void idle_is_closed(void **state)
{
    struct wire *w = *state;
    struct wire_peer p;

    assert_true(wire_connect(w, &p, 1000));
    wire_forget(w);
    wire_pass(w, 61000);
    assert_true(wire_hear(w, &p, text, sizeof(text)));
    wire_tcp(w, &p, FIN | ACK, NULL, 0);
    wire_pass(w, 11000);
    assert_int_equal(in_use(w), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(handshake_and_request),
        T(handshake_lost),
        T(refused_port),
        T(bad_checksum),
        T(retransmission),
        T(fast_retransmission),
        T(gives_up),
        T(they_close),
        T(we_close),
        T(reopened),
        T(both_close),
        T(half_closed_for_ever),
        T(reset),
        T(out_of_order),
        T(syn_in_open_connection),
        T(zero_window_probe),
        T(our_window),
        T(zero_window_for_ever),
        T(small_mss),
        T(many_connections),
        T(acknowledges_the_future),
        T(full_table),
        T(idle_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
