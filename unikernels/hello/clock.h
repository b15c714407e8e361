/* SPDX-License-Identifier: ISC */
/*
 * Time: milliseconds since boot from the processor's time stamp counter, measured once against
 * the interval timer (about 4 ms), and the wall clock from the CMOS clock, which is taken to run
 * on UTC and read again every few seconds, so that neither drift nor suspension adds up.
 */
#ifndef HELLO_CLOCK_H
#define HELLO_CLOCK_H

#include <stdint.h>

void clock_init(void);
uint64_t clock_uptime_ms(void);
uint32_t clock_unix_s(void);
/* Compares with the CMOS clock. Call every few seconds. */
void clock_correct(void);

#endif
