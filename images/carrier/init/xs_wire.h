/* SPDX-License-Identifier: ISC */
/*
 * Messages of Xen's store, as they pass over its socket. Pure.
 *
 * Source of the format: Xen's public header io/xs_wire.h: four 32-bit numbers in the machine's own
 * order (type, request id, transaction id, length), then the payload, 4096 bytes at most. Texts in
 * it end with a NUL, but for a value that is written or read.
 */
#ifndef CAR_XS_WIRE_H
#define CAR_XS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define CAR_XS_HEAD 16
#define CAR_XS_PAYLOAD_MAX 4096
#define CAR_XS_MESSAGE_MAX (CAR_XS_HEAD + CAR_XS_PAYLOAD_MAX)

enum car_xs_type {
    CAR_XS_DIRECTORY = 1,
    CAR_XS_READ = 2,
    CAR_XS_WATCH = 4,
    CAR_XS_UNWATCH = 5,
    CAR_XS_WRITE = 11,
    CAR_XS_WATCH_EVENT = 15,
    CAR_XS_ERROR = 16,
};

struct car_xs_message {
    uint32_t type;
    uint32_t request;
    const char *payload; /* borrowed from the buffer; no NUL behind it */
    size_t payload_len;
};

/*
 * The message of two texts, outside any transaction: first with its NUL, then second, which is left
 * out when NULL, without one. Its length; 0 when it does not fit into cap or the payload's limit.
 */
size_t car_xs_encode(uint8_t *ret, size_t cap, enum car_xs_type type, uint32_t request,
                     const char *first, const char *second, size_t second_len);

/* The length of the message that begins at bytes; 0: more are needed; -1: nonsense. */
long car_xs_decode(const uint8_t *bytes, size_t len, struct car_xs_message *ret);

#endif
