/* SPDX-License-Identifier: ISC */
/* Ethernet, ARP, IP and ICMP: what is answered, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static int setup(void **state)
{
    *state = wire_new(WIRE_STATIC);
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void gratuitous_arp_at_start(void **state)
{
    const struct wire_frame *f = wire_take(*state);

    assert_non_null(f);
    assert_memory_equal(f->bytes, "\377\377\377\377\377\377", 6);
    assert_int_equal(get16(f->bytes + 12), 0x0806);
    assert_int_equal(get16(f->bytes + 20), 1);
    assert_int_equal(get32(f->bytes + 28), WIRE_US);
    assert_int_equal(get32(f->bytes + 38), WIRE_US);
    assert_true(wire_said(*state, "hello: address 10.0.2.15/24 gateway 10.0.2.2\n"));
}

static void arp(void **state)
{
    struct wire *w = *state;
    const struct wire_frame *f;

    wire_forget(w);
    wire_give_arp(w, 1, WIRE_PEER, WIRE_US);
    f = wire_take(w);
    assert_non_null(f);
    assert_memory_equal(f->bytes, wire_peer_mac, 6);
    assert_int_equal(get16(f->bytes + 20), 2);
    assert_memory_equal(f->bytes + 22, wire_our_mac, 6);
    assert_int_equal(get32(f->bytes + 28), WIRE_US);
    assert_int_equal(get32(f->bytes + 38), WIRE_PEER);
    wire_give_arp(w, 1, WIRE_PEER, WIRE_US + 1);
    assert_null(wire_take(w));
}

static void make_echo(uint8_t *icmp, size_t len)
{
    uint32_t sum = 0;

    memset(icmp, 0x5a, len);
    icmp[0] = 8;
    icmp[1] = 0;
    put16(icmp + 2, 0);
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)icmp[i] << 8 : icmp[i];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(icmp + 2, ~(sum + (sum >> 16)));
}

static void echo(void **state)
{
    struct wire *w = *state;
    static const size_t sizes[] = {8, 9, 64, 1480};
    uint8_t icmp[1480];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct wire_frame *f;

        wire_forget(w);
        make_echo(icmp, sizes[i]);
        wire_give_ip(w, NET_PROTO_ICMP, WIRE_PEER, WIRE_US, icmp, sizes[i]);
        f = wire_take(w);
        assert_non_null(f);
        assert_int_equal(f->bytes[34], 0);
        assert_int_equal(get32(f->bytes + 30), WIRE_PEER);
        assert_memory_equal(f->bytes + 38, icmp + 4, sizes[i] - 4);
    }
}

static void not_answered(void **state)
{
    struct wire *w = *state;
    uint8_t icmp[64];
    uint8_t frame[98] = {0};

    wire_forget(w);
    make_echo(icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, WIRE_PEER, WIRE_US + 1, icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, WIRE_PEER, NET_BROADCAST, icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, 0xe0000001, WIRE_US, icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, 0x0a0002ff, WIRE_US, icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, WIRE_US, WIRE_US, icmp, sizeof(icmp));
    icmp[10] ^= 1; /* a bad checksum */
    wire_give_ip(w, NET_PROTO_ICMP, WIRE_PEER, WIRE_US, icmp, sizeof(icmp));
    wire_give_ip(w, NET_PROTO_ICMP, WIRE_PEER, WIRE_US, icmp, 7);
    for (size_t len = 0; len <= sizeof(frame); len++)
        hello_frame(&w->hello, frame, len);
    assert_null(wire_take(w));
}

/* Neighbours: asked for once a second, taken only when asked for, forgotten after a minute. */
static void resolve(void **state)
{
    struct wire *w = *state;
    struct net *net = &w->hello.net;
    const struct wire_frame *f;
    uint8_t mac[6];

    wire_forget(w);
    wire_give_arp(w, 2, WIRE_PEER, WIRE_US);
    assert_false(net_resolve(net, 0x08080808, mac)); /* by way of the router */
    f = wire_take(w);
    assert_int_equal(get32(f->bytes + 38), WIRE_PEER);
    assert_false(net_resolve(net, 0x08080808, mac));
    assert_null(wire_take(w));
    w->now_ms += 1000;
    assert_false(net_resolve(net, WIRE_PEER, mac));
    assert_non_null(wire_take(w));
    wire_give_arp(w, 2, WIRE_PEER, WIRE_US);
    assert_true(net_resolve(net, 0x08080808, mac));
    assert_memory_equal(mac, wire_peer_mac, 6);
    for (uint32_t ip = 50; ip < 60; ip++) /* more than there is room for */
        assert_false(net_resolve(net, 0x0a000200 + ip, mac));
    w->now_ms += 60000;
    assert_false(net_resolve(net, WIRE_PEER, mac));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gratuitous_arp_at_start, setup, teardown),
        cmocka_unit_test_setup_teardown(arp, setup, teardown),
        cmocka_unit_test_setup_teardown(echo, setup, teardown),
        cmocka_unit_test_setup_teardown(not_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(resolve, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
