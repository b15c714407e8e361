/* SPDX-License-Identifier: ISC */
/*
 * The ownership answer for a guest that gives none (docs/REGISTRY.md), where it is asked for: a
 * process of its own at the guest's port (relay.h), since what the world says is read there, and
 * nothing that it says is to reach the process that makes the rules. It is nobody, has no right
 * left, nothing open but the port, the lowest priority of what runs here, and is the first to go
 * when memory ends. When it ends, the port is the guest's again, and a while later it is tried
 * anew.
 *
 * The guest sees its visitors with the carrier's address (CAR_ANSWER_VISITOR), not with their own.
 * IPv6, which is not translated, goes past it.
 */
#ifndef CAR_ANSWER_H
#define CAR_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "net.h"

struct car_answer {
    const struct car_net_config *config; /* borrowed */
    uint32_t guest;                      /* 0: nobody to answer for */
    int fd;                              /* to the process, readable at its end; -1: none */
    pid_t pid;
    uint64_t next_ms; /* of another try */
    bool refused;     /* said that it is not possible */
    bool changed;     /* it has begun or ended: rules are to be made */
    bool said;        /* that it answers */
};

void car_answer_init(struct car_answer *answer, const struct car_net_config *config);
/* Begins for this guest, whose visitors come by the device `nic`; does nothing where nobody asks
 * for an answer, or it is given already. */
void car_answer_begin(struct car_answer *answer, const char *nic, uint32_t guest, uint64_t now_ms);
/* Where the carrier has no address: says so once, and ends what runs. */
void car_answer_refuse(struct car_answer *answer);

/* The rules that car_answer_port wants stand: what runs is reached, which is said. */
void car_answer_stands(struct car_answer *answer);

/* The port that is the carrier's now; 0: none. */
uint16_t car_answer_port(const struct car_answer *answer);

uint64_t car_answer_next_ms(const struct car_answer *answer); /* UINT64_MAX: never */
void car_answer_tick(struct car_answer *answer, const char *nic, uint64_t now_ms);
/* The descriptor, wanted for POLLIN, has something: the process has ended. */
void car_answer_ready(struct car_answer *answer, uint64_t now_ms);

#endif
