/* SPDX-License-Identifier: ISC */
/* The lease: asked for, put on the NIC, kept, lost. */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "packet.h"
#include "serve.h"
#include "text.h"

#define COMPLAIN_MS 10000
#define COMPLAIN_LATE_MS 60000 /* once a lease was there */
#define LINK_WAIT_MS 5000
#define MTU_LEAST 576
#define MESSAGES_MAX 16 /* taken in one turn */

bool car_serve_leased(const struct car_serve *serve)
{
    return serve->config->mode == CAR_NET_DIRECT || serve->dhcp.held;
}

int car_serve_lease_start(struct car_serve *serve, struct car_why *why)
{
    uint32_t random = 0;

    if (car_route_switch("ipv4/ip_forward", "", "1", why) ||
        car_route_switch("ipv4/conf/all/rp_filter", "", "0", why) ||
        car_route_switch("ipv4/conf/%s/rp_filter", serve->nic.name, "0", why))
        return -1;
    serve->dhcp_fd = car_packet_dhcp(serve->nic.index, why);
    if (serve->dhcp_fd < 0)
        return -1;
    /* A question that is sent before there is a link is lost, and the wait for the next is longer.
     */
    car_device_link(&serve->nic, LINK_WAIT_MS);
    /* Early in a boot there may be no randomness yet: then the clock's, and the MAC's. */
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        memcpy(&random, serve->nic.mac + 2, sizeof random);
        random ^= (uint32_t)car_now_ms() * 2654435761U;
    }
    car_dhcp_start(&serve->dhcp, serve->nic.mac, random, car_now_ms());
    serve->complain_ms = car_now_ms() + COMPLAIN_MS;
    return 0;
}

void car_serve_lease_end(struct car_serve *serve)
{
    close(serve->dhcp_fd);
    serve->dhcp_fd = -1;
    serve->dhcp.held = false;
}

static int set_routes(struct car_serve *serve, struct car_why *why)
{
    const struct car_dhcp_answer *lease = &serve->dhcp.lease;
    int nic = serve->nic.index;

    for (size_t i = 0; i < lease->routes_n; i++) {
        const struct car_dhcp_route *route = &lease->routes[i];

        if (car_route_route(&serve->route, nic, route->target, route->prefix, route->gateway, why))
            return -1;
    }
    if (lease->routes_n > 0)
        return 0;
    /* Without a router everybody is on the link: at least answers find their way. */
    return car_route_route(&serve->route, nic, 0, 0, lease->router, why);
}

int car_serve_address(struct car_serve *serve, struct car_why *why)
{
    const struct car_dhcp_answer *lease = &serve->dhcp.lease;
    uint32_t ip = serve->dhcp.held && !car_serve_direct(serve) ? lease->ip : 0;
    unsigned prefix = car_dhcp_prefix(lease->mask);
    int nic = serve->nic.index;

    if (serve->cloud != 0 && (serve->cloud != ip || serve->cloud_prefix != prefix)) {
        if (car_route_address(&serve->route, nic, serve->cloud, serve->cloud_prefix, false, why))
            return -1;
        serve->cloud = 0;
    }
    if (ip == 0)
        return 0;
    if (car_route_address(&serve->route, nic, ip, prefix, true, why))
        return -1;
    serve->cloud = ip;
    serve->cloud_prefix = prefix;
    return set_routes(serve, why);
}

static void say_lease(const struct car_serve *serve)
{
    const struct car_dhcp_answer *lease = &serve->dhcp.lease;
    char ip[CAR_IP_TEXT], router[CAR_IP_TEXT];

    if (lease->lease_s == 0 || lease->lease_s == UINT32_MAX)
        car_net_say(serve->config, "lease %s/%u gateway %s, for ever", car_ip_text(lease->ip, ip),
                    car_dhcp_prefix(lease->mask),
                    lease->router != 0 ? car_ip_text(lease->router, router) : "none");
    else
        car_net_say(serve->config, "lease %s/%u gateway %s, for %u s", car_ip_text(lease->ip, ip),
                    car_dhcp_prefix(lease->mask),
                    lease->router != 0 ? car_ip_text(lease->router, router) : "none",
                    lease->lease_s);
}

static int leased(struct car_serve *serve, uint64_t now, struct car_why *why)
{
    const struct car_dhcp_answer *lease = &serve->dhcp.lease;

    say_lease(serve);
    if (lease->mtu >= MTU_LEAST && lease->mtu < serve->nic.mtu) {
        if (car_route_mtu(&serve->route, serve->nic.index, lease->mtu, why))
            return -1;
        serve->nic.mtu = lease->mtu;
        car_net_say(serve->config, "MTU %u, as leased", lease->mtu);
    }
    if (car_serve_address(serve, why) || car_serve_rules(serve, why))
        return -1;
    car_announce_lease(&serve->announce, serve->cloud, lease->dns, lease->dns_n, now);
    return serve->asked ? car_serve_attach(serve, now, why) : 0;
}

static int lost(struct car_serve *serve, uint64_t now, const char *how, struct car_why *why)
{
    serve->complain_ms = now + COMPLAIN_LATE_MS;
    car_net_say(serve->config, "the lease is %s; asking for another", how);
    car_announce_lease(&serve->announce, 0, NULL, 0, now);
    return car_serve_address(serve, why) || car_serve_rules(serve, why) ? -1 : 0;
}

/* What the client says has happened, done. */
static int take(struct car_serve *serve, enum car_dhcp_event event, bool held,
                const struct car_dhcp_send *send, uint64_t now, struct car_why *why)
{
    int result = 0;

    if (event == CAR_DHCP_LEASED)
        result = leased(serve, now, why);
    else if (event == CAR_DHCP_LOST)
        result = lost(serve, now, "lost (it ran out, and nobody renewed it)", why);
    else if (event == CAR_DHCP_REFUSED && held)
        result = lost(serve, now, "refused by its server", why);
    else if (event == CAR_DHCP_REFUSED)
        car_net_say(serve->config, "the server refuses what it offered; asking again");
    /* A question that cannot be sent is repeated, like one that is lost on its way. */
    if (send->len > 0)
        (void)car_packet_send(serve->dhcp_fd, serve->nic.index, send);
    return result;
}

int car_serve_lease_tick(struct car_serve *serve, uint64_t now_ms, struct car_why *why)
{
    struct car_dhcp_send send;
    bool held = serve->dhcp.held;
    enum car_dhcp_event event;
    unsigned passed_s = (unsigned)((now_ms - serve->began_ms) / 1000);

    if (serve->dhcp_fd < 0)
        return 0;
    event = car_dhcp_tick(&serve->dhcp, now_ms, &send);
    if (take(serve, event, held, &send, now_ms, why))
        return -1;
    if (serve->dhcp.held || now_ms < serve->complain_ms)
        return 0;
    if (serve->lease_end_ms != 0 && now_ms >= serve->lease_end_ms)
        return car_why_set(why, "no DHCP server has answered on %s within %u s", serve->nic.name,
                           passed_s);
    car_net_say(serve->config, "no lease yet on %s (%u s)", serve->nic.name, passed_s);
    serve->complain_ms = now_ms + (serve->lease_end_ms != 0 ? COMPLAIN_MS : COMPLAIN_LATE_MS);
    if (serve->lease_end_ms != 0 && serve->complain_ms > serve->lease_end_ms)
        serve->complain_ms = serve->lease_end_ms;
    return 0;
}

int car_serve_lease_ready(struct car_serve *serve, uint64_t now_ms, struct car_why *why)
{
    uint8_t message[1500], mac[6];

    for (int i = 0; i < MESSAGES_MAX; i++) {
        struct car_dhcp_send send;
        bool held = serve->dhcp.held;
        enum car_dhcp_event event;
        int len = car_packet_receive(serve->dhcp_fd, message, sizeof message, mac);

        if (len < 0)
            break;
        if (len == 0)
            continue;
        event = car_dhcp_take(&serve->dhcp, message, (size_t)len, mac, now_ms, &send);
        if (event == CAR_DHCP_LEASED)
            serve->lease_end_ms = 0; /* the limit is for the first one */
        if (take(serve, event, held, &send, now_ms, why))
            return -1;
    }
    return 0;
}
