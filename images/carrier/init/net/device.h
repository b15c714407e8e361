/* SPDX-License-Identifier: ISC */
/* Network devices of this Linux: which one is the NIC, whether it is there, its facts from /sys. */
#ifndef CAR_DEVICE_H
#define CAR_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net.h"

struct car_device {
    char name[IFNAMSIZ];
    int index;
    uint8_t mac[6];
    unsigned mtu;
};

/* Facts of the device called `name`. */
int car_device_read(const char *name, struct car_device *ret, struct car_why *why);
bool car_device_there(const struct car_device *device);

/* A descriptor that becomes readable when a device comes, goes or changes. */
int car_device_watch(struct car_why *why);
/* Takes what has come there. */
void car_device_watched(int fd);

/* The NIC: `name`, or with NULL the first Ethernet device with hardware behind it. Waits for it. */
int car_device_find(const char *name, int wait_ms, struct car_device *ret, struct car_why *why);
/* Waits until the device has a link; gives up quietly: some never say that they have one. */
void car_device_link(const struct car_device *device, int wait_ms);

#endif
