/* SPDX-License-Identifier: ISC */
/*
 * Questions to the kernel's network: links, addresses, routes and rules, by rtnetlink, each of them
 * acknowledged before the call returns; and the switches below /proc/sys/net. Addresses are in host
 * order. All of it can be repeated: what is there already is no error.
 */
#ifndef CAR_ROUTE_H
#define CAR_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "netlink.h"
#include "rules.h"

struct car_route {
    int fd;
    uint32_t seq;
};

int car_route_open(struct car_route *route, struct car_why *why);
void car_route_close(struct car_route *route);

/* Asks; the answer's error is -EIO when none comes. */
void car_route_ask(struct car_route *route, struct car_nl *nl, struct car_nl_answer *ret);

/* Up, and hearing all multicast: IPv6 of the guest asks for groups that the NIC knows nothing of.
 */
int car_route_up(struct car_route *route, int index, struct car_why *why);
int car_route_mtu(struct car_route *route, int index, unsigned bytes, struct car_why *why);
int car_route_address(struct car_route *route, int index, uint32_t ip, unsigned prefix, bool add,
                      struct car_why *why);
/* Through `gateway`, which need not be in any subnet of ours; 0: the target is on the link. */
int car_route_route(struct car_route *route, int index, uint32_t target, unsigned prefix,
                    uint32_t gateway, struct car_why *why);

/* A place for rules at the device, with none in it. */
int car_route_hooks(struct car_route *route, int index, struct car_why *why);
/* Turns what stands there, `now`, into `next`, place by place, and copies it to `now` as it goes.
 */
int car_route_rules(struct car_route *route, int index, struct car_rules *now,
                    const struct car_rules *next, struct car_why *why);

/* Writes `value` to /proc/sys/net/PATH, where %s in `path` is the device. */
int car_route_switch(const char *path, const char *device, const char *value, struct car_why *why);

#endif
