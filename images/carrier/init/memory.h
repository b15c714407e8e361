/* SPDX-License-Identifier: ISC */
/*
 * Is there enough memory for what is about to start? Asked before it starts: a refusal that says
 * what would do is worth more than a guest that the kernel kills.
 */
#ifndef CAR_MEMORY_H
#define CAR_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

/* MiB in the line of /proc/meminfo that begins with key ("MemAvailable:"); -1: no such line. Pure.
 */
int64_t car_meminfo_mib(const char *text, size_t len, const char *key);

/*
 * MiB that Linux itself needs from now on: for the xen kinds the programs alone (the guest's memory
 * is Xen's, and xl maps the kernel's file), for solo5 the tender and the guest's memory. Pure.
 */
int64_t car_memory_needed_mib(const struct car_conf *conf);

/*
 * Ends the machine (reason: memory) when that is not there, or when the image did not fit into
 * memory whole: Linux then goes on with what it has of it. Says nothing when all is well.
 */
void car_memory_check(const struct car_conf *conf);

#endif
