/* SPDX-License-Identifier: ISC */
/*
 * The whole unikernel above its drivers: arguments, network, web pages, announcement and deadline
 * in one struct. Frames, console characters and ticks go in; everything out goes by the platform.
 */
#ifndef HELLO_HELLO_H
#define HELLO_HELLO_H

#include "announce.h"
#include "args.h"
#include "dhcp.h"
#include "http.h"
#include "net.h"
#include "platform.h"
#include "tcp.h"

#define HELLO_VERSION "1.0"
#define HELLO_CONSOLE_LINE 64
#define HELLO_EARLY 8
#define HELLO_EARLY_BYTES 96

struct hello {
    const struct platform *plat; /* borrowed */
    struct args args;
    uint32_t deadline; /* Unix seconds; 0: none */
    uint32_t shown_ip; /* the address last printed */
    bool off;          /* power-off has been asked for */
    struct net net;
    struct dhcp dhcp;
    struct tcp tcp;
    struct http http;
    struct announce announce;
    /*
     * Callers who came before DHCP had told us our address: their first SYN, to be heard when it
     * has. The next one would come a second or more later.
     */
    uint8_t early[HELLO_EARLY][HELLO_EARLY_BYTES];
    uint8_t early_len[HELLO_EARLY];
    unsigned early_count;
    char console[HELLO_CONSOLE_LINE];
    size_t console_len;
};

/* Prints the banner, and asks DHCP when there is no address. mac NULL: there is no network. */
void hello_start(struct hello *hello, const struct platform *plat, const char *command_line,
                 const uint8_t mac[6], uint32_t seed);
void hello_frame(struct hello *hello, const uint8_t *frame, size_t len);
/* One character of the operator's console; a whole line "deadline SECONDS" moves the deadline. */
void hello_console(struct hello *hello, char c);
/* Timers and the deadline; to be called every few tens of milliseconds. */
void hello_tick(struct hello *hello);

#endif
