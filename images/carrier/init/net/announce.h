/* SPDX-License-Identifier: ISC */
/*
 * Announcing: a POST to the registry, each minute and when there is news, one at a time, by sockets
 * that never block. The name of a host is asked of the lease's name servers by UDP. Our own ports
 * are those of rules.h; who we talk to is in `peers`, and rules for it have to stand before the
 * next tick: `changed` says so.
 */
#ifndef CAR_ANNOUNCE_H
#define CAR_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "announce_text.h"
#include "dns.h"
#include "rules.h"

#define CAR_ANNOUNCE_ANSWER_BYTES 16

enum car_announce_state {
    CAR_ANNOUNCE_OFF,
    CAR_ANNOUNCE_IDLE,
    CAR_ANNOUNCE_ASKING,     /* a name server */
    CAR_ANNOUNCE_READY,      /* the address is known */
    CAR_ANNOUNCE_CONNECTING, /* from here on, to the registry */
    CAR_ANNOUNCE_SENDING,
    CAR_ANNOUNCE_ANSWERED
};

struct car_announce {
    const struct car_net_config *config; /* borrowed */
    enum car_announce_state state;
    struct car_target target;
    int fd; /* -1: none */
    uint64_t next_ms, give_up_ms;
    uint32_t cloud; /* our address; 0: none, nothing is begun */
    uint32_t dns[2];
    size_t dns_n;
    unsigned turn; /* which name server, which port */
    uint32_t ip;   /* of the registry; 0: not known */
    bool changed;
    bool again;       /* news came while a try was under way */
    char outcome[64]; /* what was said last: the same is not said again */
    uint8_t question[CAR_DNS_BYTES];
    size_t question_len;
    char request[CAR_REQUEST_BYTES];
    size_t request_len, sent;
    char answer[CAR_ANNOUNCE_ANSWER_BYTES];
    size_t answer_len;
};

/* Says so when the URL cannot be used, and stays off. */
void car_announce_init(struct car_announce *announce, const struct car_net_config *config);
/* The lease, or the loss of it (0). What is under way is given up. */
void car_announce_lease(struct car_announce *announce, uint32_t cloud, const uint32_t *dns,
                        size_t dns_n, uint64_t now_ms);
/* There is news: once more, now, or as soon as what is under way has ended. */
void car_announce_news(struct car_announce *announce, uint64_t now_ms);

size_t car_announce_peers(const struct car_announce *announce,
                          struct car_own_peer peers[CAR_OWN_PEERS_MAX]);

uint64_t car_announce_next_ms(const struct car_announce *announce);
void car_announce_tick(struct car_announce *announce, uint64_t now_ms);
short car_announce_events(const struct car_announce *announce); /* for poll() of `fd` */
void car_announce_ready(struct car_announce *announce, uint64_t now_ms);

#endif
