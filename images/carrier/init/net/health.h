/* SPDX-License-Identifier: ISC */
/*
 * Whether the guest answers: a TCP connection to its port, through its own interface, tried until
 * it comes about. Nothing is sent over it.
 */
#ifndef CAR_HEALTH_H
#define CAR_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"

struct car_health {
    const struct car_net_config *config; /* borrowed */
    uint32_t guest;                      /* 0: nobody to ask */
    int fd;                              /* -1: no try under way */
    bool answered, complained;
    unsigned tries;
    uint64_t began_ms, next_ms, give_up_ms;
};

void car_health_init(struct car_health *health, const struct car_net_config *config);
/* Begins to ask this guest; 0: no more. */
void car_health_begin(struct car_health *health, uint32_t guest, uint64_t now_ms);
uint64_t car_health_next_ms(const struct car_health *health); /* UINT64_MAX: never */
void car_health_tick(struct car_health *health, uint64_t now_ms);
/* The descriptor of the try, wanted for POLLOUT, has something. True: the guest has answered. */
bool car_health_ready(struct car_health *health, uint64_t now_ms);

#endif
