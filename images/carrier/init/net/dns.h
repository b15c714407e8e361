/* SPDX-License-Identifier: ISC */
/*
 * One question to a name server, and its answer: the IPv4 address of a host (RFC 1035). Pure. The
 * server is to recurse; CNAMEs are not followed by name, the first A record of the answer is taken.
 */
#ifndef CAR_DNS_H
#define CAR_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAR_DNS_BYTES 512 /* the longest answer by UDP */

/* Returns the length; 0: no name that DNS can ask for. */
size_t car_dns_write(const char *host, uint16_t id, uint8_t message[CAR_DNS_BYTES]);

enum car_dns_answer { CAR_DNS_NOT_OURS, CAR_DNS_ADDRESS, CAR_DNS_NONE };
/* `question` is what was sent. NONE: answered, but without an address. */
enum car_dns_answer car_dns_read(const uint8_t *message, size_t len, const uint8_t *question,
                                 size_t question_len, uint32_t *ret_ip);

#endif
