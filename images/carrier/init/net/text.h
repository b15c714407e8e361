/* SPDX-License-Identifier: ISC */
/* Lines for people: reasons, the console, addresses. All of them are cut when they are too long. */
#ifndef CAR_NET_TEXT_H
#define CAR_NET_TEXT_H

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

/* `ip` is in host order, as everywhere here. Returns `text`. */
const char *car_ip_text(uint32_t ip, char text[CAR_IP_TEXT]);

/* Milliseconds since the machine started, time in which it slept included. */
uint64_t car_now_ms(void);

#endif
