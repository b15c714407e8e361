/* SPDX-License-Identifier: ISC */
/*
 * EBS direct, played for tests of one snapshot: keeps the blocks, checks what comes, and goes wrong
 * as told. Speaks through talk_server.h.
 */
#ifndef TESTS_UNIT_EBS_PLAY_H
#define TESTS_UNIT_EBS_PLAY_H

#include <pthread.h>

#include "ec2/ebs.h"
#include "talk_server.h"

#define EBS_PLAY_BLOCKS 4096
#define EBS_PLAY_ID "snap-0123456789abcdef0"

struct ebs_play {
    /* how it goes wrong */
    int refuse_first;        /* puts: answered so, until so many were */
    const char *refuse_code; /* "RequestThrottledException" */
    int refuse_status;
    int refuse_block;           /* this block alone, always; -1: none. Zeroed: block 0 */
    bool refuse_one;            /* refuse_block counts */
    int drop_every, late_every; /* every n-th put: not answered; answered after 700 ms */
    int delay_ms;               /* of every put */
    int parallel_max;           /* more at once are throttled; 0: never */
    const char *wrong_checksum; /* that puts are answered with */
    bool loses_a_block;         /* completing is refused */
    /* what came */
    pthread_mutex_t lock;
    unsigned char *blocks[EBS_PLAY_BLOCKS]; /* owned */
    int puts, under_way, most;
    int completed, block_count;
    char start_body[2048], bad[256]; /* bad: the first thing that was wrong */
};

void ebs_play_init(struct ebs_play *play);
void ebs_play_clear(struct ebs_play *play);
talk_server_fn ebs_play_answer;

/* A session with the server; owned. Its waits cost nothing. */
struct ec2_session *ebs_play_session(const struct talk_server *server, unsigned attempts);

#endif
