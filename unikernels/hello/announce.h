/* SPDX-License-Identifier: ISC */
/*
 * Telling somebody that we are up: one HTTP POST to the address given in the arguments, repeated
 * a few times with growing pauses until it is answered with a 2xx, and no longer.
 */
#ifndef HELLO_ANNOUNCE_H
#define HELLO_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

struct hello;
struct tcp_conn;

#define ANNOUNCE_TRIES 8

struct announce {
    struct hello *hello; /* borrowed */
    struct tcp_conn *conn;
    bool wanted;
    bool sent;
    unsigned tries;
    uint64_t next_ms;
    uint64_t give_up_ms;
};

void announce_init(struct announce *announce, struct hello *hello);
/* There is an address. Starts from the first try when it is another one than before. */
void announce_start(struct announce *announce);
void announce_tick(struct announce *announce);

#endif
