/* SPDX-License-Identifier: ISC */
/* Patterns of cron: five fields of numbers, stars, steps and lists. Pure; any thread. */
#ifndef FAKECLOUD_CRON_H
#define FAKECLOUD_CRON_H

#include <stdbool.h>
#include <stdint.h>

bool fos_cron_valid(const char *pattern);
/* The first minute after utc_s that it means, as seconds; 0: none within four years. */
int64_t fos_cron_next(const char *pattern, int64_t utc_s);

#endif
