/* SPDX-License-Identifier: ISC */
/*
 * How many requests to have under way at once, found by trying: doubled at first and then slowly
 * more while that makes it faster, back when it does not, half when the service is in trouble.
 * Pure: the caller gives the time, and locks.
 */
#ifndef EC2_PACE_H
#define EC2_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define EC2_PACE_FIRST 4

struct ec2_pace {
    unsigned limit; /* under way at once; 1..max */
    unsigned max;
    unsigned before;  /* the limit before it was last raised; 0: it was not */
    unsigned hold;    /* measures for which it is not raised */
    bool doubling;    /* nothing went wrong yet */
    uint64_t epoch;   /* counts the cuts */
    int64_t since_ms; /* when the measure began */
    unsigned done;    /* since then */
    double best;      /* requests per ms at the limit before */
};

void ec2_pace_init(struct ec2_pace *pace, unsigned max, int64_t now_ms);

/* A request begins: what is to be said of it in the end. */
static inline uint64_t ec2_pace_begin(const struct ec2_pace *pace)
{
    return pace->epoch;
}

/* It succeeded. `full`: as many as allowed were under way, so the limit was felt. */
void ec2_pace_success(struct ec2_pace *pace, bool full, int64_t now_ms);

/* It was throttled, timed out, or failed at the service's side. Those that began before the
 * latest cut say nothing new. */
void ec2_pace_trouble(struct ec2_pace *pace, uint64_t begun, int64_t now_ms);

#endif
