/* SPDX-License-Identifier: ISC */
/* The DHCP client's way through a lease, with a server that answers, refuses or is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5, NAK = 6 };

struct question {
    uint8_t type;
    uint32_t xid;
    uint32_t src;
    uint32_t dst;
    uint32_t client; /* ciaddr */
    uint32_t wanted; /* option 50 */
    uint32_t server; /* option 54 */
};

static int setup(void **state)
{
    *state = wire_new("name=d");
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static bool take(struct wire *w, struct question *ret)
{
    const struct wire_frame *f = wire_take(w);
    const uint8_t *at;

    while (f != NULL && (get16(f->bytes + 12) != 0x0800 || f->bytes[23] != NET_PROTO_UDP))
        f = wire_take(w);
    if (f == NULL)
        return false;
    *ret = (struct question){.xid = get32(f->bytes + 46),
                             .src = get32(f->bytes + 26),
                             .dst = get32(f->bytes + 30),
                             .client = get32(f->bytes + 54)};
    assert_int_equal(get16(f->bytes + 34), 68);
    assert_int_equal(get16(f->bytes + 36), 67);
    assert_memory_equal(f->bytes + 70, wire_our_mac, 6);
    assert_int_equal(get32(f->bytes + 278), 0x63825363);
    for (at = f->bytes + 282; *at != 255; at += 2 + at[1]) {
        if (at[0] == 53)
            ret->type = at[2];
        if (at[0] == 50)
            ret->wanted = get32(at + 2);
        if (at[0] == 54)
            ret->server = get32(at + 2);
    }
    return true;
}

static void answer(struct wire *w, const struct question *q, uint8_t type, uint32_t lease_s)
{
    uint8_t m[300] = {0};
    uint8_t *at = m + 236;

    m[0] = 2;
    put32(m + 4, q->xid);
    put32(m + 16, type == NAK ? 0 : WIRE_US);
    memcpy(m + 28, wire_our_mac, 6);
    put32(at, 0x63825363);
    at[4] = 53;
    at[5] = 1;
    at[6] = type;
    at[7] = 54;
    at[8] = 4;
    put32(at + 9, WIRE_PEER);
    at[13] = 1;
    at[14] = 4;
    put32(at + 15, 0xffffff00);
    at[19] = 3;
    at[20] = 4;
    put32(at + 21, WIRE_PEER);
    at[25] = 51;
    at[26] = 4;
    put32(at + 27, lease_s);
    at[31] = 255;
    wire_give_udp(w, WIRE_PEER, q->dst == NET_BROADCAST ? NET_BROADCAST : WIRE_US, 67, 68, m,
                  sizeof(m));
}

static void bind_lease(struct wire *w, uint32_t lease_s)
{
    struct question q;

    assert_true(take(w, &q));
    assert_int_equal(q.type, DISCOVER);
    answer(w, &q, OFFER, lease_s);
    assert_true(take(w, &q));
    assert_int_equal(q.type, REQUEST);
    assert_int_equal(q.wanted, WIRE_US);
    assert_int_equal(q.server, WIRE_PEER);
    assert_int_equal(q.src, 0);
    answer(w, &q, ACK, lease_s);
    assert_int_equal(w->hello.net.ip, WIRE_US);
}

static void offer_and_ack(void **state)
{
    struct wire *w = *state;

    bind_lease(w, 3600);
    assert_int_equal(w->hello.net.gw, WIRE_PEER);
    assert_true(wire_said(w, "hello: address 10.0.2.15/24 gateway 10.0.2.2 by DHCP\n"));
    assert_int_equal(get16(wire_take(w)->bytes + 12), 0x0806); /* gratuitous ARP */
}

static void nobody_answers(void **state)
{
    struct wire *w = *state;
    struct question q;
    unsigned asked = 0;

    wire_pass(w, 60000);
    while (take(w, &q)) {
        assert_int_equal(q.type, DISCOVER);
        asked++;
    }
    assert_in_range(asked, 5, 8);
}

static void refused(void **state)
{
    struct wire *w = *state;
    struct question q;

    assert_true(take(w, &q));
    answer(w, &q, OFFER, 60);
    assert_true(take(w, &q));
    answer(w, &q, NAK, 0);
    assert_true(take(w, &q));
    assert_int_equal(q.type, DISCOVER);
    assert_int_equal(w->hello.net.ip, 0);
}

/* An offer, and then nothing: back to asking everybody. */
static void server_gone(void **state)
{
    struct wire *w = *state;
    struct question q;
    unsigned requests = 0;

    assert_true(take(w, &q));
    answer(w, &q, OFFER, 60);
    wire_pass(w, 30000);
    while (take(w, &q) && q.type == REQUEST)
        requests++;
    assert_int_equal(requests, 4);
    assert_int_equal(q.type, DISCOVER);
}

static void renewed(void **state)
{
    struct wire *w = *state;
    struct question q;

    bind_lease(w, 1000);
    wire_forget(w);
    wire_pass(w, 499000);
    assert_false(take(w, &q));
    wire_pass(w, 2000);
    assert_true(take(w, &q));
    assert_int_equal(q.type, REQUEST);
    assert_int_equal(q.client, WIRE_US);
    assert_int_equal(q.dst, WIRE_PEER);
    assert_int_equal(q.wanted, 0);
    assert_int_equal(q.server, 0);
    answer(w, &q, ACK, 1000);
    wire_forget(w);
    wire_pass(w, 490000);
    assert_false(take(w, &q));
    assert_int_equal(w->hello.net.ip, WIRE_US);
}

static void rebound_then_lost(void **state)
{
    struct wire *w = *state;
    struct question q;
    bool broadcast = false;

    bind_lease(w, 1000);
    wire_pass(w, 900000);
    while (take(w, &q))
        broadcast = broadcast || (q.dst == NET_BROADCAST && q.client == WIRE_US);
    assert_true(broadcast);
    assert_int_equal(w->hello.net.ip, WIRE_US);
    wire_forget(w);
    wire_pass(w, 101000);
    assert_int_equal(w->hello.net.ip, 0);
    assert_true(wire_said(w, "hello: address lost\n"));
    do {
        assert_true(take(w, &q));
    } while (q.type != DISCOVER);
    answer(w, &q, OFFER, 60);
    assert_true(take(w, &q));
    answer(w, &q, ACK, 60);
    assert_int_equal(w->hello.net.ip, WIRE_US);
}

static void strangers(void **state)
{
    struct wire *w = *state;
    struct question q;
    struct question other;

    assert_true(take(w, &q));
    other = q;
    other.xid++;
    answer(w, &other, OFFER, 60);
    answer(w, &q, ACK, 60); /* out of turn */
    assert_false(take(w, &q));
    assert_int_equal(w->hello.net.ip, 0);
}

/* A SYN that came while DHCP was still at it is answered as soon as there is an address. */
static void early_caller(void **state)
{
    struct wire *w = *state;
    struct wire_peer peer = {.port = 4000, .to_port = 80, .seq = 9, .wnd = 1000};
    struct wire_segment s;
    struct question q;

    assert_true(take(w, &q));
    wire_tcp(w, &peer, 0x02, NULL, 0);
    assert_null(wire_take(w));
    answer(w, &q, OFFER, 60);
    assert_true(take(w, &q));
    answer(w, &q, ACK, 60);
    assert_true(wire_tcp_take(w, &peer, &s));
    assert_int_equal(s.flags, 0x12);
    assert_int_equal(s.ack, peer.seq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(offer_and_ack, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(server_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(renewed, setup, teardown),
        cmocka_unit_test_setup_teardown(rebound_then_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(early_caller, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
