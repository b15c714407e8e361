/* SPDX-License-Identifier: ISC */
/* Lines for people: reasons, the console, addresses. All of them are cut when they are too long. */
#ifndef CAR_NET_TEXT_H
#define CAR_NET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

#define CAR_IP_TEXT 16 /* with the zero at the end */

/* Fills `why`; always -1, so that it can be returned. */
int car_why_set(struct car_why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, with the text of errno after it. */
int car_why_errno(struct car_why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void car_net_say(const struct car_net_config *config, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text that grows in a buffer of the caller's; what no longer fits is left out, and `full` set.
 */
struct car_draft {
    char *text;
    size_t len, cap;
    bool full;
};
void car_draft_add(struct car_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* One more member of an object, whose first it begins; the end is the caller's to write. */
void car_draft_json(struct car_draft *draft, const char *name, const char *value);

/* `ip` is in host order, as everywhere here. Returns `text`. */
const char *car_ip_text(uint32_t ip, char text[CAR_IP_TEXT]);

/* Milliseconds since the machine started, time in which it slept included. */
uint64_t car_now_ms(void);

#endif
