/* SPDX-License-Identifier: ISC */
/*
 * What the machine gives to everything above it, as a table of functions: the kernel fills it with
 * its drivers, tests and the fuzzer with fakes. Above this table no file touches hardware.
 */
#ifndef HELLO_PLATFORM_H
#define HELLO_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

struct platform {
    void *ctx;
    /* Sends one Ethernet frame (60 to 1514 bytes); copies it. May lose it, as any network may. */
    void (*send)(void *ctx, const uint8_t *frame, size_t len);
    /* Milliseconds since boot; never goes back. */
    uint64_t (*uptime_ms)(void *ctx);
    /* Wall clock: seconds since 1970, UTC. May be corrected in either direction. */
    uint32_t (*unix_s)(void *ctx);
    /* Writes to the operator's console. */
    void (*print)(void *ctx, const char *text, size_t len);
    /* Switches the machine off. Returns only when the machine has no way to do so (or in tests). */
    void (*power_off)(void *ctx);
};

/* Prints the strings up to a terminating NULL, with "hello: " before and a line end after. */
void platform_say(const struct platform *plat, ...) __attribute__((sentinel));

#endif
