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
 * MiB that Linux itself needs for a guest whose kernel has kernel_bytes: for the xen kinds the
 * programs and what they hold of the kernel (the guest's memory is Xen's), for solo5 the guest's
 * memory and the tender. Pure.
 */
int64_t car_memory_needed_mib(const struct car_conf *conf, uint64_t kernel_bytes);

/* Ends the machine (reason: memory) when that is not there. Says nothing when it is. */
void car_memory_check(const struct car_conf *conf);

#endif
