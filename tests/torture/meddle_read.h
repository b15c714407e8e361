/* SPDX-License-Identifier: ISC */
/* Between the clock and the calls: a read of a timer may have to say that the clock was set, and a
 * fork must not leave the child a lock that nobody will open. */
#ifndef TORTURE_MEDDLE_READ_H
#define TORTURE_MEDDLE_READ_H

#include <stdbool.h>

/* True once after the world's clock was set, for a timer that asked to be told. */
bool meddle_timer_was_set(int fd);

void meddle_clock_hold(void);
void meddle_clock_release(void);

#endif
