/* SPDX-License-Identifier: ISC */
/*
 * A server's packets and the passing of time, to a DHCP client: pairs of a length and so many bytes
 * of options, put into a packet that is otherwise good; every fourth as it is, from the IP header
 * on. The client has to keep its promises: it always knows when to go on, and it holds nothing that
 * a machine cannot live with.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "dhcp.h"
#include "packet.h"

#define STEPS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};

static void good(const struct car_dhcp *dhcp, const struct car_dhcp_send *send)
{
    if (send->len > CAR_DHCP_SEND_BYTES || (send->len != 0 && send->len < 300))
        abort();
    if (dhcp->held && !car_dhcp_usable(&dhcp->lease))
        abort();
    if (dhcp->state >= CAR_DHCP_BOUND && !dhcp->held)
        abort();
    if (dhcp->lease.routes_n > CAR_DHCP_ROUTES_MAX || dhcp->lease.dns_n > CAR_DHCP_DNS_MAX)
        abort();
}

static void take(struct car_dhcp *dhcp, const uint8_t *options, size_t len, uint64_t now)
{
    uint8_t message[240 + 256] = {2};
    struct car_dhcp_send send;

    put32(message + 4, dhcp->xid);
    put32(message + 16, 0x0a000205);
    memcpy(message + 28, mac, 6);
    put32(message + 236, 0x63825363);
    memcpy(message + 240, options, len);
    (void)car_dhcp_take(dhcp, message, 240 + len, mac, now, &send);
    good(dhcp, &send);
}

static void take_raw(struct car_dhcp *dhcp, const uint8_t *bytes, size_t len, uint64_t now)
{
    struct car_dhcp_send send;
    size_t found_len;
    const uint8_t *found = car_packet_unwrap(bytes, len, false, &found_len);

    if (found == NULL)
        return;
    (void)car_dhcp_take(dhcp, found, found_len, mac, now, &send);
    good(dhcp, &send);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct car_dhcp dhcp;
    struct car_dhcp_send send;
    uint64_t now = 5000;
    size_t at = 0;

    car_dhcp_start(&dhcp, mac, 1, now);
    for (int i = 0; i < STEPS_MAX && at < size; i++) {
        size_t len = data[at++];

        if (len > size - at)
            len = size - at;
        if (i % 4 == 3)
            take_raw(&dhcp, data + at, len, now);
        else
            take(&dhcp, data + at, len, now);
        at += len;
        if (car_dhcp_next_ms(&dhcp) == UINT64_MAX)
            break;
        now = car_dhcp_next_ms(&dhcp) > now ? car_dhcp_next_ms(&dhcp) : now;
        (void)car_dhcp_tick(&dhcp, now, &send);
        good(&dhcp, &send);
        if (car_dhcp_next_ms(&dhcp) <= now && dhcp.state != CAR_DHCP_BOUND)
            abort();
    }
    return 0;
}
