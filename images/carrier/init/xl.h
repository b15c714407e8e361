/* SPDX-License-Identifier: ISC */
/*
 * What is said to xl and what it says: the configuration of the domain, and the lines in which `xl
 * create -F` tells that the domain is there and how it ended. Pure.
 *
 * Source: the manual pages xl.cfg(5), xl(1); the quoting as libxlu_cfg reads it (a backslash before
 * a backslash or a quote; \xHH); the lines are those of xl 4.8 to 4.20.
 */
#ifndef CAR_XL_H
#define CAR_XL_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define CAR_XL_CONFIG "/run/guest.cfg"
#define CAR_XL_CONFIG_MAX (4 * CAR_ARGUMENTS_MAX + 4096)
#define CAR_HOTPLUG_VIF "/etc/xen/vif"
#define CAR_HOTPLUG_BLOCK "/etc/xen/block"

/*
 * The configuration of the guest as a domain. mac has six bytes; NULL: no network. Its length,
 * without the NUL that ends it; 0 when it does not fit.
 */
size_t car_xl_config(const struct car_conf *conf, const uint8_t *mac, char *ret, size_t cap);

/* The domain's number in the line that says that it is there; -1: another line. */
int car_xl_domain(const char *line);

enum car_xl_end { /* the numbers of Xen's public header sched.h (SHUTDOWN_...) */
                  CAR_XL_END_UNKNOWN = -1,
                  CAR_XL_POWEROFF = 0,
                  CAR_XL_REBOOT = 1,
                  CAR_XL_SUSPEND = 2,
                  CAR_XL_CRASH = 3,
                  CAR_XL_WATCHDOG = 4,
                  CAR_XL_SOFT_RESET = 5,
};

/* Why the domain shut down, in the line that says it; CAR_XL_END_UNKNOWN: another line. */
enum car_xl_end car_xl_reason(const char *line);

#endif
