/* SPDX-License-Identifier: ISC */
/* The carrier's DHCP client: its messages, and its way through a lease by a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "dhcp.h"

enum { NAK = CAR_DHCP_NAK, ACK = CAR_DHCP_ACK, OFFER = CAR_DHCP_OFFER };

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
static const uint8_t server_mac[6] = {2, 0, 0, 0, 0, 1};

struct client {
    struct car_dhcp dhcp;
    struct car_dhcp_send sent;
    uint64_t now;
};

static void start(struct client *client)
{
    client->now = 1000;
    car_dhcp_start(&client->dhcp, mac, 42, client->now);
    assert_int_equal(car_dhcp_next_ms(&client->dhcp), client->now);
    assert_int_equal(car_dhcp_tick(&client->dhcp, client->now, &client->sent), CAR_DHCP_NOTHING);
}

/* To the next time at which the client has something to do. */
static enum car_dhcp_event wait_for(struct client *client)
{
    client->now = car_dhcp_next_ms(&client->dhcp);
    return car_dhcp_tick(&client->dhcp, client->now, &client->sent);
}

static size_t find_option(const struct car_dhcp_send *sent, uint8_t wanted)
{
    size_t at = 240;

    while (sent->message[at] != 255 && sent->message[at] != wanted)
        at += 2U + sent->message[at + 1];
    return sent->message[at] == wanted ? at + 2 : 0;
}

static const uint8_t *option(const struct car_dhcp_send *sent, uint8_t wanted)
{
    size_t at = find_option(sent, wanted);

    if (at == 0)
        fail_msg("no option %u was sent", (unsigned)wanted);
    return sent->message + at;
}

static void check_sent(const struct client *client, uint8_t type, uint32_t ciaddr, uint32_t to)
{
    assert_true(client->sent.len >= 300);
    assert_int_equal(get32(client->sent.message + 236), 0x63825363);
    assert_memory_equal(client->sent.message + 28, mac, 6);
    assert_int_equal(option(&client->sent, 53)[0], type);
    assert_int_equal(get32(client->sent.message + 12), ciaddr);
    assert_int_equal(client->sent.from, ciaddr);
    assert_int_equal(client->sent.to, to);
}

static size_t reply(const struct client *client, uint8_t type, uint32_t lease_s, uint8_t *message)
{
    uint8_t *at = message + 240;

    memset(message, 0, 400);
    message[0] = 2;
    put32(message + 4, client->dhcp.xid);
    put32(message + 16, type == NAK ? 0 : 0x0a000205);
    memcpy(message + 28, mac, 6);
    put32(message + 236, 0x63825363);
    memcpy(at, (const uint8_t[]){53, 1, type, 54, 4, 10, 0, 2, 2, 1, 4, 255, 255, 255, 0}, 15);
    at += 15;
    memcpy(at, (const uint8_t[]){3, 4, 10, 0, 2, 2, 51, 4}, 8);
    put32(at + 8, lease_s);
    at[12] = 255;
    return (size_t)(at + 13 - message);
}

static enum car_dhcp_event give(struct client *client, uint8_t type, uint32_t lease_s)
{
    uint8_t message[400];
    size_t len = reply(client, type, lease_s, message);

    return car_dhcp_take(&client->dhcp, message, len, server_mac, client->now, &client->sent);
}

static void bind_lease(struct client *client, uint32_t lease_s)
{
    start(client);
    check_sent(client, CAR_DHCP_DISCOVER, 0, UINT32_MAX);
    assert_int_equal(give(client, OFFER, lease_s), CAR_DHCP_NOTHING);
    check_sent(client, CAR_DHCP_REQUEST, 0, UINT32_MAX);
    assert_int_equal(get32(option(&client->sent, 50)), 0x0a000205);
    assert_int_equal(get32(option(&client->sent, 54)), 0x0a000202);
    assert_int_equal(give(client, ACK, lease_s), CAR_DHCP_LEASED);
    assert_int_equal(client->sent.len, 0);
    assert_true(client->dhcp.held);
    assert_int_equal(client->dhcp.lease.ip, 0x0a000205);
}

static void leased(void **state)
{
    struct client client;

    bind_lease(&client, 3600);
    assert_int_equal(client.dhcp.lease.router, 0x0a000202);
    assert_int_equal(car_dhcp_prefix(client.dhcp.lease.mask), 24);
    assert_int_equal(car_dhcp_next_ms(&client.dhcp), 1000 + 1800 * 1000);
}

/* Waits that grow to eight seconds; some nine questions in the minute that a start may take. */
static void nobody_answers(void **state)
{
    struct client client;
    uint64_t last, wait = 0;
    unsigned asked = 1;

    start(&client);
    for (last = client.now; client.now < 61000; last = client.now, asked++) {
        assert_int_equal(wait_for(&client), CAR_DHCP_NOTHING);
        check_sent(&client, CAR_DHCP_DISCOVER, 0, UINT32_MAX);
        assert_true(client.now - last + 128 >= wait);
        wait = client.now - last;
        assert_in_range(wait, 500, 8128);
    }
    assert_in_range(asked, 9, 13);
    assert_in_range(get16(client.sent.message + 8), 59, 69); /* seconds since it began */
}

static void server_gone(void **state)
{
    struct client client;

    start(&client);
    (void)give(&client, OFFER, 60);
    for (int i = 1; i < 4; i++) {
        (void)wait_for(&client);
        check_sent(&client, CAR_DHCP_REQUEST, 0, UINT32_MAX);
    }
    (void)wait_for(&client);
    check_sent(&client, CAR_DHCP_DISCOVER, 0, UINT32_MAX);
}

static void refused(void **state)
{
    struct client client;
    uint32_t xid;

    start(&client);
    (void)give(&client, OFFER, 60);
    xid = client.dhcp.xid;
    assert_int_equal(give(&client, NAK, 0), CAR_DHCP_REFUSED);
    assert_int_equal(client.sent.len, 0);
    assert_true(car_dhcp_next_ms(&client.dhcp) > client.now);
    (void)wait_for(&client);
    check_sent(&client, CAR_DHCP_DISCOVER, 0, UINT32_MAX);
    assert_int_not_equal(client.dhcp.xid, xid);
}

static void renewed(void **state)
{
    struct client client;

    bind_lease(&client, 1000);
    assert_int_equal(wait_for(&client), CAR_DHCP_NOTHING);
    assert_int_equal(client.now, 1000 + 500 * 1000);
    check_sent(&client, CAR_DHCP_REQUEST, 0x0a000205, 0x0a000202);
    assert_memory_equal(client.sent.mac, server_mac, 6);
    assert_int_equal(find_option(&client.sent, 50), 0);
    assert_int_equal(find_option(&client.sent, 54), 0);
    assert_int_equal(give(&client, ACK, 1000), CAR_DHCP_RENEWED);
    assert_int_equal(car_dhcp_next_ms(&client.dhcp), client.now + 500 * 1000);
}

/* To its server until T2, to everybody until the end; then it is over. */
static void rebound_then_lost(void **state)
{
    struct client client;
    bool everybody = false;
    enum car_dhcp_event event;
    unsigned asked = 0;

    bind_lease(&client, 1000);
    while ((event = wait_for(&client)) == CAR_DHCP_NOTHING) {
        everybody = client.now >= 1000 + 875 * 1000;
        check_sent(&client, CAR_DHCP_REQUEST, 0x0a000205, everybody ? UINT32_MAX : 0x0a000202);
        asked++;
    }
    assert_true(everybody);
    assert_in_range(asked, 4, 10);
    assert_int_equal(event, CAR_DHCP_LOST);
    assert_int_equal(client.now, 1000 + 1000 * 1000);
    assert_false(client.dhcp.held);
    check_sent(&client, CAR_DHCP_DISCOVER, 0, UINT32_MAX);
    (void)give(&client, OFFER, 1000);
    assert_int_equal(give(&client, ACK, 1000), CAR_DHCP_LEASED);
}

static void refused_while_held(void **state)
{
    struct client client;

    bind_lease(&client, 1000);
    (void)wait_for(&client);
    assert_int_equal(give(&client, NAK, 0), CAR_DHCP_REFUSED);
    assert_false(client.dhcp.held);
}

static void for_ever(void **state)
{
    struct client client;

    bind_lease(&client, UINT32_MAX);
    assert_true(car_dhcp_next_ms(&client.dhcp) == UINT64_MAX);
}

static void strangers(void **state)
{
    struct client client;
    uint8_t message[400];
    size_t len;

    start(&client);
    len = reply(&client, OFFER, 60, message);
    message[7] ^= 1; /* xid */
    (void)car_dhcp_take(&client.dhcp, message, len, server_mac, client.now, &client.sent);
    assert_int_equal(client.dhcp.state, CAR_DHCP_SELECTING);
    len = reply(&client, OFFER, 60, message);
    message[33] ^= 1; /* MAC */
    (void)car_dhcp_take(&client.dhcp, message, len, server_mac, client.now, &client.sent);
    assert_int_equal(client.dhcp.state, CAR_DHCP_SELECTING);
    (void)give(&client, ACK, 60); /* out of turn */
    assert_int_equal(client.dhcp.state, CAR_DHCP_SELECTING);
    (void)give(&client, OFFER, 60);
    assert_int_equal(client.dhcp.state, CAR_DHCP_REQUESTING);
    (void)give(&client, OFFER, 60); /* a second server's */
    assert_int_equal(client.sent.len, 0);
}

static void unusable(void **state)
{
    static const struct {
        uint32_t ip, mask, router;
        bool usable;
    } table[] = {
        {0x0a000205, 0xffffff00, 0x0a000202, true},
        {0x0a000205, 0xffffffff, 0, true},
        {0x0a000205, 0xff00ff00, 0, false},
        {0x0a000205, 0, 0, false},
        {0, 0xffffff00, 0, false},
        {0x7f000001, 0xffffff00, 0, false},
        {0xe0000001, 0xffffff00, 0, false},
        {0x0a000205, 0xffffff00, 0xffffffff, false},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct car_dhcp_answer answer = {
            .ip = table[i].ip, .mask = table[i].mask, .router = table[i].router};

        assert_int_equal(car_dhcp_usable(&answer), table[i].usable);
    }
}

/* --- the reader --- */

static bool read_options(const uint8_t *options, size_t len, struct car_dhcp_answer *ret)
{
    uint8_t *message = calloc(1, 240 + len); /* exact: a byte too far is seen */
    bool read;

    assert_non_null(message);
    message[0] = 2;
    memcpy(message + 28, mac, 6);
    put32(message + 236, 0x63825363);
    memcpy(message + 240, options, len);
    read = car_dhcp_read(message, 240 + len, 0, mac, ret);
    free(message);
    return read;
}

#define READ(ret, ...)                                                                             \
    read_options((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), ret)

static void options_read(void **state)
{
    struct car_dhcp_answer a;

    assert_true(READ(&a, 53, 1, 5, 0, 0, 6, 12, 8, 8, 8, 8, 9, 9, 9, 9, 7, 7, 7, 7, 26, 2, 5, 0xb4,
                     3, 8, 10, 0, 0, 1, 10, 0, 0, 2, 255, 99));
    assert_int_equal(a.type, ACK);
    assert_int_equal(a.dns_n, 2);
    assert_int_equal(a.dns[1], 0x09090909);
    assert_int_equal(a.mtu, 1460);
    assert_int_equal(a.router, 0x0a000001); /* the first of two */
    assert_false(READ(&a, 53, 1));
    assert_false(READ(&a, 53));
    assert_true(READ(&a, 53, 1, 2));       /* no end mark */
    assert_true(READ(&a, 1, 2, 255, 255)); /* too short for what it is: as if absent */
    assert_int_equal(a.mask, 0);
}

static void routes_read(void **state)
{
    struct car_dhcp_answer a;

    assert_true(READ(&a, 121, 8, 24, 10, 1, 2, 10, 0, 0, 1, 121, 5, 0, 10, 0, 0, 2, 255));
    assert_int_equal(a.routes_n, 2); /* in two parts */
    assert_int_equal(a.routes[0].target, 0x0a010200);
    assert_int_equal(a.routes[0].prefix, 24);
    assert_int_equal(a.routes[0].gateway, 0x0a000001);
    assert_int_equal(a.routes[1].prefix, 0);
    assert_int_equal(a.routes[1].gateway, 0x0a000002);
    assert_true(READ(&a, 121, 9, 32, 169, 254, 169, 254, 10, 0, 0, 2, 121, 0, 255));
    assert_int_equal(a.routes[0].target, 0xa9fea9fe);
    assert_true(READ(&a, 121, 8, 17, 10, 1, 0xff, 0, 0, 0, 0, 255)); /* bits behind the prefix */
    assert_int_equal(a.routes[0].target, 0x0a018000);
    assert_false(READ(&a, 121, 8, 33, 1, 2, 3, 4, 5, 6, 7, 255));
    assert_false(READ(&a, 121, 7, 24, 10, 1, 2, 10, 0, 0, 255));
}

/* Options that did not fit go on in the fields for names. */
static void overload(void **state)
{
    uint8_t message[244] = {2};
    struct car_dhcp_answer a;

    memcpy(message + 28, mac, 6);
    put32(message + 236, 0x63825363);
    memcpy(message + 240, (const uint8_t[]){52, 1, 3, 255}, 4);
    memcpy(message + 108, (const uint8_t[]){53, 1, 5, 255}, 4);
    memcpy(message + 44, (const uint8_t[]){51, 4, 0, 0, 0, 9, 255}, 7);
    assert_true(car_dhcp_read(message, sizeof message, 0, mac, &a));
    assert_int_equal(a.type, ACK);
    assert_int_equal(a.lease_s, 9);
    message[242] = 1;
    assert_true(car_dhcp_read(message, sizeof message, 0, mac, &a));
    assert_int_equal(a.lease_s, 0);
}

/* The longest question fits. */
static void written(void **state)
{
    struct car_dhcp_question question = {.type = CAR_DHCP_REQUEST,
                                         .xid = 1,
                                         .client = 2,
                                         .wanted = 3,
                                         .server = 4,
                                         .seconds = 70000};
    uint8_t message[CAR_DHCP_SEND_BYTES];

    assert_in_range(car_dhcp_write(&question, message), 300, CAR_DHCP_SEND_BYTES);
    assert_int_equal(get16(message + 8), 0xffff);
    assert_int_equal(get16(message + 10), 0); /* no answer by broadcast is asked for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leased),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(server_gone),
        cmocka_unit_test(refused),
        cmocka_unit_test(renewed),
        cmocka_unit_test(rebound_then_lost),
        cmocka_unit_test(refused_while_held),
        cmocka_unit_test(for_ever),
        cmocka_unit_test(strangers),
        cmocka_unit_test(unusable),
        cmocka_unit_test(options_read),
        cmocka_unit_test(routes_read),
        cmocka_unit_test(overload),
        cmocka_unit_test(written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
