/* SPDX-License-Identifier: ISC */
/*
 * The guest's HTTP port, taken over: the ownership answer is given here, and every other connection
 * is passed to the guest byte for byte, from its first byte to its last, each direction ended when
 * its sender ends it. One loop over sockets that never block; nothing is allocated after its begin.
 *
 * What it may cost: CAR_RELAY_LINKS connections, two buffers of CAR_ASK_BYTES and 160 KiB of the
 * kernel's for each. When all places are taken, who has been silent for longest gives way to who
 * comes (of one whose question is not known yet, its whole time counts as silence); before
 * SILENT_MS nobody does, and new ones wait in the queue of the socket.
 *
 * As the guest would, it resets: who has sent nothing that tells what it is about within ASK_MS;
 * who wants to a guest that refuses, or is not there within CONNECT_MS; where nothing has moved for
 * IDLE_MS.
 */
#ifndef CAR_RELAY_H
#define CAR_RELAY_H

#include <stdint.h>

#include "net.h"

#define CAR_RELAY_LINKS 64

/* A socket for it, which needs rights that the relay has not: TCP connections that come in by the
 * device, whatever address it has. -1 with the reason. */
int car_relay_listen(const char *device, uint16_t port, struct car_why *why);

struct car_relay_facts {
    int listen_fd;
    int life_fd; /* it goes on as long as the other end of this is open */
    uint32_t guest;
    uint16_t port;
    const char *token;
    int64_t deadline; /* 0: null */
};

/* Returns when it is to end, or can do no more; then with the reason. */
int car_relay(const struct car_relay_facts *facts, struct car_why *why);

#endif
