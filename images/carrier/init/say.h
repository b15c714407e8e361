/* SPDX-License-Identifier: ISC */
/*
 * Lines on the console, which is file descriptor 2 of the first process and of all that it forks
 * for itself. One line is one write, so that lines of several processes stay whole.
 */
#ifndef CAR_SAY_H
#define CAR_SAY_H

#include <stddef.h>

/* "carrier[12.345] text": seconds since the kernel began. Cut at about 500 bytes. */
void car_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, without waiting for a console that takes nothing; for who may not be held up. */
void car_say_or_not(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A cleaned line (lines.h) behind its prefix; as an emitter: ctx is the prefix, a text. */
void car_say_line(void *ctx, const char *line, size_t len);

#endif
