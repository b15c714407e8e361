/* SPDX-License-Identifier: ISC */
/*
 * Doing nothing without burning a processor: HLT, ended by the interval timer, the network card
 * or the console. No work is done in interrupts; the main loop polls as if there were none.
 */
#ifndef HELLO_IDLE_H
#define HELLO_IDLE_H

#include <stdint.h>

/* irq: the network card's line, or anything above 15 when it has none. */
void idle_init(uint8_t irq);
/* Waits for an interrupt, at most one turn of the timer (55 ms). */
void idle_wait(void);

#endif
