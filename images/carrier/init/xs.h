/* SPDX-License-Identifier: ISC */
/* A client of Xen's store: one request at a time, every wait with an end. */
#ifndef CAR_XS_H
#define CAR_XS_H

#include <stddef.h>
#include <stdint.h>

#include "xs_wire.h"

#define CAR_XS_SOCKET "/run/xenstored/socket"

struct car_xs {
    int fd;
    uint32_t request;
    int watched; /* events that came while a reply was waited for */
    uint8_t bytes[CAR_XS_MESSAGE_MAX];
    size_t len;
};

/* Connects, for at most wait_ms from now. 0, or -1 (errno). car_xs_close ends it. */
int car_xs_open(struct car_xs *xs, const char *socket_path, int wait_ms);
void car_xs_close(struct car_xs *xs);

/* 0, or -1 (errno; ENOENT: no such path). The value gets a NUL; ret has cap bytes. */
int car_xs_read(struct car_xs *xs, const char *path, char *ret, size_t cap);
int car_xs_write(struct car_xs *xs, const char *path, const char *value);

/* Waits until path is there and not empty, and reads it. -1 (ETIMEDOUT) after wait_ms. */
int car_xs_await(struct car_xs *xs, const char *path, int wait_ms, char *ret, size_t cap);

#endif
