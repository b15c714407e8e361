/* SPDX-License-Identifier: ISC */
#include "pace.h"

#define ROUNDS 2          /* requests per unit of the limit that make a measure */
#define MEASURE_MS 20     /* which takes at least so long */
#define GAIN 1.05         /* faster by this is faster */
#define GAIN_DOUBLED 1.25 /* after twice as many */
#define HOLD 12           /* measures until it is tried again */

static void begin_measure(struct ec2_pace *pace, int64_t now_ms)
{
    pace->since_ms = now_ms;
    pace->done = 0;
}

void ec2_pace_init(struct ec2_pace *pace, unsigned max, int64_t now_ms)
{
    *pace = (struct ec2_pace){.max = max, .doubling = true};
    pace->limit = max < EC2_PACE_FIRST ? max : EC2_PACE_FIRST;
    begin_measure(pace, now_ms);
}

static void raise(struct ec2_pace *pace)
{
    unsigned step = pace->doubling ? pace->limit : 1 + pace->limit / 16;
    pace->before = pace->limit;
    pace->limit = pace->limit + step < pace->max ? pace->limit + step : pace->max;
    if (pace->limit == pace->before)
        pace->before = 0;
}

/* The limit was raised before this measure: was it worth it? */
static void judge(struct ec2_pace *pace, double rate)
{
    if (rate >= pace->best * (pace->doubling ? GAIN_DOUBLED : GAIN)) {
        pace->best = rate;
        pace->before = 0;
        return;
    }
    pace->limit = pace->before;
    pace->before = 0;
    pace->doubling = false;
    pace->hold = HOLD;
}

void ec2_pace_success(struct ec2_pace *pace, bool full, int64_t now_ms)
{
    pace->done++;
    int64_t took_ms = now_ms - pace->since_ms;
    if (pace->done < ROUNDS * pace->limit || took_ms < MEASURE_MS)
        return;
    double rate = (double)pace->done / (double)took_ms;
    begin_measure(pace, now_ms);
    if (pace->before)
        judge(pace, rate);
    else
        pace->best = rate;
    if (pace->hold)
        pace->hold--;
    else if (full && pace->limit < pace->max)
        raise(pace);
}

void ec2_pace_trouble(struct ec2_pace *pace, uint64_t begun, int64_t now_ms)
{
    if (begun != pace->epoch)
        return;
    pace->epoch++;
    pace->limit = pace->limit > 1 ? pace->limit / 2 : 1;
    pace->before = 0;
    pace->doubling = false;
    pace->hold = 2;
    begin_measure(pace, now_ms);
}
