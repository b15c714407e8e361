/* SPDX-License-Identifier: ISC */
/*
 * The unikernel on a bench: hello above a fake platform, with a clock that only moves when told,
 * a console and a network card that record. For unit tests and the fuzzer; runs on the host.
 */
#ifndef HELLO_WIRE_H
#define HELLO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hello.h"

#define WIRE_SENT_MAX 512
#define WIRE_US 0x0a00020fU   /* 10.0.2.15 */
#define WIRE_PEER 0x0a000202U /* 10.0.2.2 */
#define WIRE_STATIC "ip=10.0.2.15/24 gw=10.0.2.2"

struct wire_frame {
    uint8_t bytes[NET_FRAME_MAX];
    size_t len;
};

struct wire {
    struct platform plat;
    struct hello hello;
    uint64_t now_ms;
    uint32_t unix_s;
    unsigned offs; /* how often power-off was asked for */
    struct wire_frame sent[WIRE_SENT_MAX];
    size_t sent_first; /* frames before have been taken */
    size_t sent_end;
    bool keep; /* record frames; else they are only checked */
    char console[16384];
    size_t console_len;
};

/* One end of a TCP connection, as the test plays it. */
struct wire_peer {
    uint16_t port;
    uint16_t to_port;
    uint32_t seq;
    uint32_t ack;
    uint16_t wnd;
};

struct wire_segment {
    uint32_t seq;
    uint32_t ack;
    uint16_t wnd;
    uint8_t flags;
    const uint8_t *data; /* until the next frame is taken */
    size_t len;
};

extern const uint8_t wire_our_mac[6];
extern const uint8_t wire_peer_mac[6];

/* Returns owned; free with free(). Starts hello with these arguments. */
struct wire *wire_new(const char *args);
void wire_restart(struct wire *w, const char *args);
/* Lets time pass, with ticks as often as the kernel makes them. */
void wire_pass(struct wire *w, uint64_t ms);
/* The oldest frame not yet taken, or NULL. */
const struct wire_frame *wire_take(struct wire *w);
void wire_forget(struct wire *w);
bool wire_said(const struct wire *w, const char *text);

/* Hands hello one frame from the peer's address. */
void wire_give_ip(struct wire *w, uint8_t proto, uint32_t src, uint32_t dst, const uint8_t *data,
                  size_t len);
void wire_give_udp(struct wire *w, uint32_t src, uint32_t dst, uint16_t src_port, uint16_t dst_port,
                   const uint8_t *data, size_t len);
void wire_give_arp(struct wire *w, uint16_t op, uint32_t sender, uint32_t target);

void wire_tcp(struct wire *w, struct wire_peer *peer, uint8_t flags, const void *data, size_t len);
/* The next TCP segment sent to the peer's port; other frames before it are dropped. */
bool wire_tcp_take(struct wire *w, const struct wire_peer *peer, struct wire_segment *ret);
/* The three-way handshake; false when it is not answered. */
bool wire_connect(struct wire *w, struct wire_peer *peer, uint16_t port);
/* Sends text in one segment. */
void wire_say(struct wire *w, struct wire_peer *peer, const char *text);
/*
 * Takes all there is to take in order and acknowledges it; the text, NUL-terminated, is in buf.
 * True when a FIN came too.
 */
bool wire_hear(struct wire *w, struct wire_peer *peer, char *buf, size_t cap);

/* NULL, or what is wrong with a frame of ours: lengths, addresses, checksums. */
const char *wire_fault(const uint8_t *frame, size_t len);
/* NULL, or which of the promises the connection table keeps is broken. */
const char *wire_tcp_fault(const struct tcp *tcp);

#endif
