/* SPDX-License-Identifier: ISC */
/* Packets around DHCP messages, and the guest's first words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "packet.h"

/* Turns what we send into what a server would: the ports the other way round. */
static size_t answer(uint8_t *packet)
{
    struct car_dhcp_send send = {.len = 301, .from = 0x0a000202, .to = 0x0a000205};
    size_t len;

    memset(send.message, 0xa5, send.len);
    len = car_packet_wrap(&send, packet);
    put16(packet + 20, 67);
    put16(packet + 22, 68); /* the sum stays what it was */
    return len;
}

static void wrapped(void **state)
{
    struct car_dhcp_send send = {.len = 300, .from = 0, .to = UINT32_MAX};
    uint8_t packet[400];
    uint32_t total = 0;

    assert_int_equal(car_packet_wrap(&send, packet), 328);
    assert_int_equal(packet[0], 0x45);
    assert_int_equal(get16(packet + 2), 328);
    assert_int_equal(packet[9], 17);
    assert_int_equal(get32(packet + 16), UINT32_MAX);
    assert_int_equal(get16(packet + 20), 68);
    assert_int_equal(get16(packet + 22), 67);
    assert_int_equal(get16(packet + 24), 308);
    for (int i = 0; i < 20; i += 2)
        total += get16(packet + i);
    assert_int_equal((total & 0xffff) + (total >> 16), 0xffff);
}

static void unwrapped(void **state)
{
    uint8_t packet[400];
    size_t len = answer(packet), found_len;
    const uint8_t *found = car_packet_unwrap(packet, len, true, &found_len);

    assert_ptr_equal(found, packet + 28);
    assert_int_equal(found_len, 301);
    assert_non_null(car_packet_unwrap(packet, len + 18, true, &found_len)); /* padding of a frame */
    assert_int_equal(found_len, 301);
    packet[100] ^= 1;
    assert_null(car_packet_unwrap(packet, len, true, &found_len));
    assert_non_null(car_packet_unwrap(packet, len, false, &found_len)); /* not summed yet */
    put16(packet + 26, 0);                                              /* the sender made no sum */
    assert_non_null(car_packet_unwrap(packet, len, true, &found_len));
}

static void damaged(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } table[] = {{0, 0x65}, {0, 0x44}, {0, 0x4f}, {2, 9},  {6, 0x20}, {7, 1},
                 {9, 6},    {10, 0},   {20, 1},   {22, 1}, {24, 9},   {25, 7}};
    uint8_t packet[400];
    size_t len = answer(packet), found_len;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t copy[400];

        memcpy(copy, packet, len);
        copy[table[i].at] = table[i].value;
        if (car_packet_unwrap(copy, len, true, &found_len) != NULL)
            fail_msg("byte %zu", table[i].at);
    }
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);

        assert_non_null(exact);
        memcpy(exact, packet, cut);
        assert_null(car_packet_unwrap(exact, cut, true, &found_len));
        free(exact);
    }
}

static const uint8_t gateway_wanted[42] = {
    255, 255, 255, 255, 255, 255, 2, 0,  0,  0,  0,   7, 8, 6, 0, 1, 8, 0,  6,  4,  0,
    1,   2,   0,   0,   0,   0,   7, 46, 43, 42, 137, 0, 0, 0, 0, 0, 0, 46, 43, 42, 129};

static void heard(void **state)
{
    struct car_heard_arp arp;
    uint8_t frame[60] = {0};
    uint8_t reply[CAR_ARP_BYTES];
    static const uint8_t mac[6] = {0xfe, 255, 255, 255, 255, 255};

    memcpy(frame, gateway_wanted, sizeof gateway_wanted);
    assert_int_equal(car_packet_hear(frame, sizeof frame, &arp), CAR_HEARD_ADDRESS);
    assert_int_equal(arp.ip, 0x2e2b2a89);
    assert_int_equal(arp.target, 0x2e2b2a81);
    car_packet_arp_reply(&arp, mac, reply);
    assert_memory_equal(reply, frame + 6, 6);
    assert_memory_equal(reply + 6, mac, 6);
    assert_int_equal(get16(reply + 20), 2);
    assert_memory_equal(reply + 22, mac, 6);
    assert_int_equal(get32(reply + 28), 0x2e2b2a81);
    assert_memory_equal(reply + 32, frame + 6, 6);
    assert_int_equal(get32(reply + 38), 0x2e2b2a89);

    put32(frame + 38, 0x2e2b2a89); /* gratuitous: nobody is asked for */
    assert_int_equal(car_packet_hear(frame, sizeof frame, &arp), CAR_HEARD_ADDRESS);
    assert_int_equal(arp.target, 0);
    frame[21] = 2; /* a reply tells an address too */
    put32(frame + 38, 0x2e2b2a81);
    assert_int_equal(car_packet_hear(frame, sizeof frame, &arp), CAR_HEARD_ADDRESS);
    assert_int_equal(arp.target, 0);
}

static void not_heard(void **state)
{
    static const uint32_t senders[] = {0, 0x7f000001, 0xe0000001, UINT32_MAX};
    struct car_heard_arp arp;
    uint8_t frame[60];

    for (size_t i = 0; i < 4; i++) {
        memcpy(frame, gateway_wanted, sizeof gateway_wanted);
        put32(frame + 28, senders[i]);
        assert_int_equal(car_packet_hear(frame, 42, &arp), CAR_HEARD_NOTHING);
    }
    for (size_t i = 14; i < 20; i++) { /* not Ethernet, not IPv4 */
        memcpy(frame, gateway_wanted, sizeof gateway_wanted);
        frame[i] ^= 1;
        assert_int_equal(car_packet_hear(frame, 42, &arp), CAR_HEARD_NOTHING);
    }
    for (size_t cut = 0; cut < 42; cut++) {
        uint8_t *exact = malloc(cut + 1);

        assert_non_null(exact);
        memcpy(exact, gateway_wanted, cut);
        assert_int_equal(car_packet_hear(exact, cut, &arp), CAR_HEARD_NOTHING);
        free(exact);
    }
}

static void dhcp_heard(void **state)
{
    struct car_dhcp_send send = {.len = 300, .to = UINT32_MAX};
    struct car_heard_arp arp;
    uint8_t frame[400] = {0};

    put16(frame + 12, 0x0800);
    assert_int_equal(car_packet_hear(frame, 14 + car_packet_wrap(&send, frame + 14), &arp),
                     CAR_HEARD_DHCP);
    assert_int_equal(car_packet_hear(frame, 14 + 27, &arp), CAR_HEARD_NOTHING);
    assert_int_equal(car_packet_hear(frame, 14, &arp), CAR_HEARD_NOTHING);
    frame[14 + 21] = 69;
    assert_int_equal(car_packet_hear(frame, 14 + 328, &arp), CAR_HEARD_NOTHING);
    frame[14 + 21] = 68;
    frame[14 + 15] = 7; /* who renews has an address */
    assert_int_equal(car_packet_hear(frame, 14 + 328, &arp), CAR_HEARD_NOTHING);
}

static void summed(void **state)
{
    struct car_dhcp_send send = {.len = 301, .to = UINT32_MAX};
    uint8_t frame[400] = {0}, left[400];
    size_t len;

    put16(frame + 12, 0x0800);
    memset(send.message, 0xa5, sizeof send.message);
    len = 14 + car_packet_wrap(&send, frame + 14);
    memcpy(left, frame, sizeof left);
    put16(left + 14 + 26, 0x1234); /* of the addresses alone, say */
    car_packet_sum(left, len);
    assert_memory_equal(left, frame, sizeof frame);
    /* Nothing else is touched: not what is cut, no renewal, no other frame. */
    put16(left + 14 + 26, 0x1234);
    memcpy(frame, left, sizeof frame);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);

        assert_non_null(exact);
        memcpy(exact, frame, cut);
        car_packet_sum(exact, cut);
        assert_memory_equal(exact, frame, cut);
        free(exact);
    }
    left[14 + 15] = frame[14 + 15] = 7;
    car_packet_sum(left, len);
    assert_memory_equal(left, frame, sizeof frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrapped), cmocka_unit_test(unwrapped), cmocka_unit_test(damaged),
        cmocka_unit_test(heard),   cmocka_unit_test(not_heard), cmocka_unit_test(dhcp_heard),
        cmocka_unit_test(summed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
