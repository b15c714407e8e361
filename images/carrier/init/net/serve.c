/* SPDX-License-Identifier: ISC */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

#define ETH_MTU 1500

enum { AT_CONTROL, AT_WATCH, AT_DHCP, AT_LISTEN, AT_HEALTH, AT_ANNOUNCE, AT_ANSWER, AT_END };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_ms(const struct car_serve *serve)
{
    uint64_t next = car_health_next_ms(&serve->health);

    next = least(next, car_announce_next_ms(&serve->announce));
    next = least(next, car_answer_next_ms(&serve->answer));
    if (serve->dhcp_fd >= 0)
        next = least(next, car_dhcp_next_ms(&serve->dhcp));
    if (serve->dhcp_fd >= 0 && !serve->dhcp.held)
        next = least(next, serve->complain_ms);
    if (serve->listen_fd >= 0)
        next = least(next, serve->silence_ms);
    return next;
}

static int wait_for(const struct car_serve *serve, struct pollfd wait[AT_END])
{
    uint64_t now = car_now_ms();
    uint64_t next = next_ms(serve);
    int wait_ms = -1;

    if (next != UINT64_MAX)
        wait_ms = next <= now ? 0 : (int)least(next - now, 60 * 60 * 1000);
    wait[AT_CONTROL] = (struct pollfd){.fd = serve->control, .events = POLLIN};
    wait[AT_WATCH] = (struct pollfd){.fd = serve->watch, .events = POLLIN};
    wait[AT_DHCP] = (struct pollfd){.fd = serve->dhcp_fd, .events = POLLIN};
    wait[AT_LISTEN] = (struct pollfd){.fd = serve->listen_fd, .events = POLLIN};
    wait[AT_HEALTH] = (struct pollfd){.fd = serve->health.fd, .events = POLLOUT};
    wait[AT_ANNOUNCE] =
        (struct pollfd){.fd = serve->announce.fd, .events = car_announce_events(&serve->announce)};
    wait[AT_ANSWER] = (struct pollfd){.fd = serve->answer.fd, .events = POLLIN};
    return poll(wait, AT_END, wait_ms);
}

/* The name of the guest's interface; once. */
static int take_control(struct car_serve *serve, uint64_t now, struct car_why *why)
{
    char name[IFNAMSIZ] = "";
    ssize_t len = recv(serve->control, name, sizeof name - 1, 0);

    if (len <= 0)
        _exit(0); /* the first process has let go of us */
    if (serve->interface.index != 0 || serve->asked)
        return car_why_set(why, "a second interface for the guest");
    if (car_device_read(name, &serve->interface, why))
        return -1;
    serve->asked = true;
    return car_serve_leased(serve) ? car_serve_attach(serve, now, why) : 0;
}

static int look_at_devices(struct car_serve *serve, struct car_why *why)
{
    car_device_watched(serve->watch);
    if (!car_device_there(&serve->nic))
        return car_why_set(why, "%s has gone", serve->nic.name);
    if (serve->interface.index != 0 && !car_device_there(&serve->interface))
        return car_why_set(why, "%s has gone", serve->interface.name);
    return 0;
}

static int act(struct car_serve *serve, const struct pollfd wait[AT_END], struct car_why *why)
{
    uint64_t now = car_now_ms();

    if (wait[AT_CONTROL].revents != 0 && take_control(serve, now, why))
        return -1;
    if (wait[AT_WATCH].revents != 0 && look_at_devices(serve, why))
        return -1;
    if (wait[AT_DHCP].revents != 0 && car_serve_lease_ready(serve, now, why))
        return -1;
    if (wait[AT_LISTEN].revents != 0 && wait[AT_LISTEN].fd == serve->listen_fd &&
        car_serve_hear(serve, now, why))
        return -1;
    if (wait[AT_HEALTH].revents != 0 && car_health_ready(&serve->health, now))
        car_announce_news(&serve->announce, now);
    if (wait[AT_ANNOUNCE].revents != 0)
        car_announce_ready(&serve->announce, now);
    if (wait[AT_ANSWER].revents != 0 && wait[AT_ANSWER].fd == serve->answer.fd)
        car_answer_ready(&serve->answer, now);
    return 0;
}

static int turn(struct car_serve *serve, struct car_why *why)
{
    struct pollfd wait[AT_END];
    uint64_t now;
    int ready = wait_for(serve, wait);

    if (ready < 0 && errno != EINTR)
        return car_why_errno(why, "poll");
    if (ready > 0 && act(serve, wait, why))
        return -1;
    now = car_now_ms();
    if (car_serve_lease_tick(serve, now, why))
        return -1;
    car_serve_silence(serve, now);
    car_health_tick(&serve->health, now);
    car_answer_tick(&serve->answer, serve->nic.name, now);
    if ((serve->announce.changed || serve->answer.changed) && car_serve_rules(serve, why))
        return -1;
    /* Before the guest is attached there are no rules, and its site is not there either. */
    if (serve->interface.index != 0 && !serve->asked)
        car_announce_tick(&serve->announce, now);
    return 0;
}

int car_serve_without_address(struct car_serve *serve, struct car_why *why)
{
    if (serve->config->announce != NULL)
        car_net_say(serve->config,
                    "announce: not possible with net direct, where the carrier has no address");
    if (serve->nic.mtu <= ETH_MTU)
        return 0;
    if (car_route_mtu(&serve->route, serve->nic.index, ETH_MTU, why))
        return -1;
    car_net_say(serve->config, "MTU %u -> %d: the guest takes no more", serve->nic.mtu, ETH_MTU);
    return 0;
}

static int begin(struct car_serve *serve, struct car_why *why)
{
    if (car_route_open(&serve->route, why))
        return -1;
    serve->watch = car_device_watch(why);
    if (serve->watch < 0)
        return -1;
    return serve->config->mode == CAR_NET_DIRECT ? car_serve_without_address(serve, why)
                                                 : car_serve_lease_start(serve, why);
}

void car_serve(struct car_serve *serve, const struct car_net_config *config, int control,
               const struct car_device *nic, int lease_ms, struct car_why *why)
{
    static const struct car_net_config no_announcing;

    memset(serve, 0, sizeof *serve);
    serve->config = config;
    serve->control = control;
    serve->nic = *nic;
    serve->dhcp_fd = serve->listen_fd = -1;
    serve->began_ms = car_now_ms();
    serve->lease_end_ms = serve->began_ms + (uint64_t)lease_ms;
    car_health_init(&serve->health, config);
    car_announce_init(&serve->announce, config->mode != CAR_NET_DIRECT ? config : &no_announcing);
    car_answer_init(&serve->answer, config);
    if (begin(serve, why))
        return;
    while (turn(serve, why) == 0)
        continue;
}
