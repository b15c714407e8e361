/* SPDX-License-Identifier: ISC */
#include "clock.h"

#include <stdbool.h>

#include "io.h"

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61
#define MEASURE_COUNTS 5000 /* 4.2 ms at 1193.182 counts a millisecond */
#define MEASURE_TURNS 4
#define READ_TURNS 4
#define WAIT_TURNS 20000
#define TSC_PER_MS_GUESS 2500000

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_PATIENCE 20 /* readings until two agree */

static uint32_t tsc_per_ms;
static uint64_t tsc_last; /* the counter at uptime_ms */
static uint64_t uptime_ms;
static uint32_t wall_s;
static uint32_t wall_ms; /* milliseconds into wall_s */

struct instant {
    uint64_t tsc;
    uint32_t left; /* of the interval timer's count */
};

/*
 * Both counters at one moment. The machine may be taken from us in between, so of several
 * readings the one with the shortest way around the timer's is the one to believe.
 */
static struct instant read_both(void)
{
    struct instant best = {0, 0};
    uint32_t shortest = UINT32_MAX;

    for (int turn = 0; turn < READ_TURNS; turn++) {
        uint64_t before = read_tsc();
        uint32_t gap;
        uint32_t left;

        out8(PIT_COMMAND, 0x80); /* hold channel 2's count for reading */
        gap = (uint32_t)(read_tsc() - before);
        left = in8(PIT_CHANNEL2);
        left |= (uint32_t)in8(PIT_CHANNEL2) << 8;
        if (gap < shortest) {
            shortest = gap;
            best = (struct instant){before, left};
        }
    }
    return best;
}

/*
 * Ticks of one millisecond, or 0 when the timer ran out meanwhile (we were away for 55 ms) or there
 * is none. How long the wait really was does not matter: both counters saw the same.
 */
static uint32_t measure_tsc(void)
{
    struct instant begin;
    struct instant end;
    uint32_t counts = 0;
    uint32_t ticks;

    out8(PIT_GATE, (uint8_t)((in8(PIT_GATE) & ~2U) | 1U)); /* speaker off, gate on */
    out8(PIT_COMMAND, 0xb0);                               /* channel 2, count down once */
    out8(PIT_CHANNEL2, 0xff);
    out8(PIT_CHANNEL2, 0xff);
    begin = read_both();
    for (int turns = 0; turns < WAIT_TURNS && counts < MEASURE_COUNTS; turns++) {
        end = read_both();
        counts = begin.left - end.left;
    }
    if (counts < MEASURE_COUNTS || counts > 0xffff || (in8(PIT_GATE) & 0x20) != 0)
        return 0;
    /* ticks * 1193.182 / counts, in 32 bits */
    ticks = (uint32_t)(end.tsc - begin.tsc);
    return ticks / counts * 1193 + ticks / counts * 182 / 1000 + ticks % counts * 1193 / counts;
}

static uint8_t cmos(uint8_t reg)
{
    out8(CMOS_INDEX, reg);
    return in8(CMOS_DATA);
}

struct rtc {
    uint8_t second, minute, hour, day, month, year, century;
};

static struct rtc read_rtc(void)
{
    return (struct rtc){cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9), cmos(0x32)};
}

static bool same_rtc(const struct rtc *a, const struct rtc *b)
{
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->year == b->year &&
           a->century == b->century;
}

static unsigned from_bcd(unsigned value)
{
    return (value >> 4) * 10 + (value & 15);
}

/* Days since 1970 of a date, by counting months from March so that leap days come last. */
static uint32_t days_since_epoch(unsigned year, unsigned month, unsigned day)
{
    unsigned y = month < 3 ? year - 1 : year;
    unsigned m = month < 3 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static uint32_t rtc_seconds(const struct rtc *r)
{
    uint8_t mode = cmos(0x0b);
    bool binary = (mode & 4) != 0;
    unsigned raw_hour = r->hour & 0x7fU;
    unsigned hour = binary ? raw_hour : from_bcd(raw_hour);
    unsigned year = binary ? r->year : from_bcd(r->year);
    unsigned century = from_bcd(r->century);
    unsigned month = binary ? r->month : from_bcd(r->month);
    unsigned day = binary ? r->day : from_bcd(r->day);

    if ((mode & 2) == 0) /* twelve hours, the high bit says "pm" */
        hour = hour % 12 + ((r->hour & 0x80) != 0 ? 12 : 0);
    year += century >= 19 && century <= 21 ? century * 100 : 2000;
    return days_since_epoch(year, month, day) * 86400 + hour * 3600 +
           (binary ? r->minute : from_bcd(r->minute)) * 60 +
           (binary ? r->second : from_bcd(r->second));
}

/* False when the clock does not hold still long enough to be read. */
static bool read_wall_clock(uint32_t *ret)
{
    struct rtc before = read_rtc();

    for (int turns = 0; turns < CMOS_PATIENCE; turns++) {
        struct rtc now = read_rtc();

        if ((cmos(0x0a) & 0x80) == 0 && same_rtc(&before, &now)) {
            *ret = rtc_seconds(&now);
            return true;
        }
        before = now;
    }
    return false;
}

void clock_init(void)
{
    for (int turn = 0; turn < MEASURE_TURNS && tsc_per_ms == 0; turn++)
        tsc_per_ms = measure_tsc();
    if (tsc_per_ms == 0)
        tsc_per_ms = TSC_PER_MS_GUESS;
    tsc_last = read_tsc();
    (void)read_wall_clock(&wall_s);
}

static void advance(uint32_t ms)
{
    uptime_ms += ms;
    wall_ms += ms % 1000;
    wall_s += ms / 1000;
    if (wall_ms >= 1000) {
        wall_ms -= 1000;
        wall_s++;
    }
}

uint64_t clock_uptime_ms(void)
{
    uint64_t passed = read_tsc() - tsc_last;
    uint32_t ms;

    /* In whole seconds as long as 32 bits do not hold it; a day's pause takes 86,400 turns. */
    while (passed >> 32 != 0) {
        uint64_t second = (uint64_t)tsc_per_ms * 1000;

        if (passed < second)
            second = tsc_per_ms;
        tsc_last += second;
        passed -= second;
        advance(second == tsc_per_ms ? 1 : 1000);
    }
    ms = (uint32_t)passed / tsc_per_ms;
    tsc_last += (uint64_t)ms * tsc_per_ms;
    advance(ms);
    return uptime_ms;
}

uint32_t clock_unix_s(void)
{
    (void)clock_uptime_ms();
    return wall_s;
}

/*
 * The CMOS clock shows whole seconds. Ours is right when it is within the second shown; else it
 * moves to that second's nearer end, which finds the true phase after a few corrections.
 */
void clock_correct(void)
{
    uint32_t shown;

    (void)clock_uptime_ms();
    if (!read_wall_clock(&shown) || shown == wall_s)
        return;
    wall_ms = shown > wall_s ? 0 : 999;
    wall_s = shown;
}
