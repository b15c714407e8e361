/* SPDX-License-Identifier: ISC */
/*
 * One netlink message, built from its pieces: header, the fixed part that its type has, attributes
 * in nests. Pure: nothing is sent here. The format is that of <linux/netlink.h>: lengths count the
 * header, every piece starts at a multiple of four bytes, numbers are the machine's own.
 */
#ifndef CAR_NETLINK_H
#define CAR_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAR_NL_BYTES 1024

struct car_nl {
    _Alignas(4) uint8_t bytes[CAR_NL_BYTES];
    size_t len;
    bool full; /* something did not fit; the message is not to be sent */
};

/* Starts with header and fixed part. NLM_F_REQUEST and NLM_F_ACK are added to `flags`. */
void car_nl_begin(struct car_nl *nl, uint16_t type, uint16_t flags, const void *fixed, size_t len);
void car_nl_put(struct car_nl *nl, uint16_t type, const void *data, size_t len);
void car_nl_text(struct car_nl *nl, uint16_t type, const char *text); /* with its zero */
void car_nl_u32(struct car_nl *nl, uint16_t type, uint32_t value);
/* Opens a nest; what comes until car_nl_close of the returned place is inside. */
size_t car_nl_nest(struct car_nl *nl, uint16_t type);
void car_nl_close(struct car_nl *nl, size_t nest);

#define CAR_NL_REASON_BYTES 96

/* The kernel's answer: 0 or a negative errno, and its words about it when it has any. */
struct car_nl_answer {
    int error;
    char reason[CAR_NL_REASON_BYTES];
};

/* Finds the answer to message `seq` in a datagram from the kernel; false when it is not there. */
bool car_nl_read(const uint8_t *bytes, size_t len, uint32_t seq, struct car_nl_answer *ret);

#endif
