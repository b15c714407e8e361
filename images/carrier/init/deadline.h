/* SPDX-License-Identifier: ISC */
/*
 * The deadline: a process that is there before anything can go wrong, does nothing but wait, and
 * ends the machine. It needs no memory that it does not have already, no file, no other process,
 * and it is not chosen when memory runs out.
 */
#ifndef CAR_DEADLINE_H
#define CAR_DEADLINE_H

#include <sys/types.h>

#include "conf.h"

/*
 * Ends the machine at once when it is time already, by the machine's clock. Otherwise the
 * process's id; 0 when there is neither deadline nor ttl; -1 when it could not be made. The ttl
 * counts from the start of the kernel, so that a second process after the first is not later.
 */
pid_t car_deadline_start(const struct car_conf *conf);

#endif
