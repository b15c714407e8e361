/* SPDX-License-Identifier: ISC */
/*
 * What an announcement says on the wire: where the URL leads, the request of POST /v1/announce
 * (docs/REST.md, docs/REGISTRY.md), the status of the answer. Pure.
 */
#ifndef CAR_ANNOUNCE_TEXT_H
#define CAR_ANNOUNCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

#define CAR_HOST_BYTES 256
#define CAR_PATH_BYTES 256
#define CAR_REQUEST_BYTES 2048

struct car_target {
    char host[CAR_HOST_BYTES];
    char path[CAR_PATH_BYTES];
    uint16_t port;
    uint32_t ip; /* 0: the host is a name */
};

/* Reads http://HOST[:PORT][/PATH]. -1 with what is wrong with it. */
int car_target_read(const char *url, struct car_target *ret, struct car_why *why);

/* The port that the guest is reached on: the first TCP port that is open, else 80. */
uint16_t car_guest_port(const struct car_net_config *config);

/* Head and body. Returns the length; 0: it does not fit. `cloud` is our address. */
size_t car_announce_write(const struct car_net_config *config, const struct car_target *target,
                          uint32_t cloud, char request[CAR_REQUEST_BYTES]);

/* The status of an HTTP answer that begins with these bytes; 0: more are needed; -1: not HTTP. */
int car_status_read(const char *bytes, size_t len);

#endif
