/* SPDX-License-Identifier: ISC */
/* The guest's disks for Xen: files of the initramfs as /dev/loop0 and on, in conf's order. */
#ifndef CAR_LOOPS_H
#define CAR_LOOPS_H

#include "conf.h"

/* 0, or -1 with the reason in why (CAR_WHY_MAX bytes). They end with the machine. */
int car_loops_make(const struct car_conf *conf, char *why);

#endif
