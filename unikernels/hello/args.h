/* SPDX-License-Identifier: ISC */
/*
 * Kernel arguments: space-separated key=value words, values percent-encoded where needed. What is
 * unknown or malformed is reported on the console with the reason and never stops the kernel.
 */
#ifndef HELLO_ARGS_H
#define HELLO_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "platform.h"

#define ARGS_VALUE_MAX 255

struct args {
    char name[64];
    char token[128]; /* ownership token, meant to be public */
    char url[ARGS_VALUE_MAX + 1];
    uint32_t ip; /* host byte order; 0: ask DHCP */
    uint32_t mask;
    uint32_t gw;
    uint32_t deadline; /* Unix seconds; 0: none */
    uint32_t grace;    /* seconds */
    uint16_t port;
    uint32_t announce_ip; /* 0: do not announce */
    uint16_t announce_port;
    char announce_path[ARGS_VALUE_MAX + 1];
};

/*
 * Fills args from the command line, defaults included. A first word without '=' is taken for the
 * name of the kernel file, which QEMU's multiboot loader puts there. Uses plat only to print.
 */
void args_parse(struct args *args, const char *line, const struct platform *plat);

#endif
