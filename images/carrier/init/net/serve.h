/* SPDX-License-Identifier: ISC */
/*
 * What the network's process does from its beginning to its end: one loop over its sockets and
 * times. The first process speaks to it over one socket (`control`): a datagram with the name of
 * the guest's interface; back come datagrams of struct car_net_word.
 */
#ifndef CAR_SERVE_H
#define CAR_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "announce.h"
#include "answer.h"
#include "device.h"
#include "dhcp.h"
#include "health.h"
#include "net.h"
#include "route.h"
#include "rules.h"

enum car_net_says { CAR_NET_ATTACHED = 1, CAR_NET_ENDED };

struct car_net_word {
    enum car_net_says says;
    struct car_why why; /* of the end */
};

struct car_serve {
    const struct car_net_config *config; /* borrowed */
    int control, watch;
    struct car_route route;
    struct car_device nic, interface; /* interface.index 0: not attached yet */
    bool asked;                       /* to attach, but there is no lease yet */
    uint64_t began_ms, lease_end_ms, complain_ms;

    int dhcp_fd; /* -1 in DIRECT */
    struct car_dhcp dhcp;
    uint32_t cloud, cloud_prefix; /* what stands on the NIC; 0: nothing */

    int listen_fd; /* -1: the guest is known */
    uint64_t silence_ms;
    bool said_dhcp;
    bool asks; /* AUTO has become DIRECT: the guest asks for its address itself */
    uint32_t guest;

    struct car_rules nic_rules, guest_rules; /* what the kernel has */
    struct car_health health;
    struct car_announce announce;
    struct car_answer answer;
};

/* Takes control and NIC; returns only when it can do no more, with the reason. */
void car_serve(struct car_serve *serve, const struct car_net_config *config, int control,
               const struct car_device *nic, int lease_ms, struct car_why *why);

/* --- parts of it, in serve_lease.c and serve_guest.c --- */

int car_serve_lease_start(struct car_serve *serve, struct car_why *why);
/* No lease from here on: what stands on the NIC is car_serve_address' to take off. */
void car_serve_lease_end(struct car_serve *serve);
int car_serve_lease_tick(struct car_serve *serve, uint64_t now_ms, struct car_why *why);
int car_serve_lease_ready(struct car_serve *serve, uint64_t now_ms, struct car_why *why);
bool car_serve_leased(const struct car_serve *serve);

int car_serve_attach(struct car_serve *serve, uint64_t now_ms, struct car_why *why);
int car_serve_hear(struct car_serve *serve, uint64_t now_ms, struct car_why *why);
void car_serve_silence(struct car_serve *serve, uint64_t now_ms);
/* Whether frames pass untouched: the mode, or a guest that has the leased address itself, or asks
 * for one. */
bool car_serve_direct(const struct car_serve *serve);
/* The cloud's address onto the NIC, or off it, as it has to be now. */
int car_serve_address(struct car_serve *serve, struct car_why *why);
/* What is to be done and said once where the carrier has no address: MTU, announcing. */
int car_serve_without_address(struct car_serve *serve, struct car_why *why);
/* Makes the kernel's rules those of what is known now. */
int car_serve_rules(struct car_serve *serve, struct car_why *why);

#endif
