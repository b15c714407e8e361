/* SPDX-License-Identifier: ISC */
/*
 * Packet sockets: DHCP before there is an address, and the guest's first words. The socket for DHCP
 * stands below traffic control, so that the rules at the device can drop what only it shall see.
 */
#ifndef CAR_PACKET_H
#define CAR_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dhcp.h"
#include "net.h"

/* DHCP answers that come in at the device. -1 with the reason. */
int car_packet_dhcp(int index, struct car_why *why);
int car_packet_send(int fd, int index, const struct car_dhcp_send *send);
/* The next message: its length, 0 when there is none that is whole, -1 when none waits. */
int car_packet_receive(int fd, uint8_t *message, size_t cap, uint8_t ret_mac[6]);

/* What the guest says first: ARP and IPv4 of the device, whole frames. */
int car_packet_listen(int index, struct car_why *why);
/* The next of them, cut at `cap`: its length, -1 when none waits. */
int car_packet_frame(int fd, uint8_t *frame, size_t cap);

/* --- pure --- */

/* Wraps a message in UDP and IP. Returns the length. `packet` has room for 28 bytes more. */
size_t car_packet_wrap(const struct car_dhcp_send *send, uint8_t *packet);
/*
 * Finds the DHCP message in an IPv4 packet; NULL when there is none. The checksum is not looked at
 * when the sender left it to hardware that never saw the packet (a bridge in the same machine).
 */
const uint8_t *car_packet_unwrap(const uint8_t *packet, size_t len, bool checked, size_t *ret_len);

enum car_heard {
    CAR_HEARD_NOTHING,
    CAR_HEARD_ADDRESS, /* an ARP whose sender has one */
    CAR_HEARD_DHCP     /* a guest that has no address (0.0.0.0) asks for one */
};
struct car_heard_arp {
    uint32_t ip;     /* the sender's */
    uint32_t target; /* whose MAC it asks for; 0: nobody's, or its own */
    uint8_t mac[6];  /* the sender's */
};
/* Reads an Ethernet frame of the guest; `ret` is written when there is an address. */
enum car_heard car_packet_hear(const uint8_t *frame, size_t len, struct car_heard_arp *ret);

/* Fills in the UDP checksum of such a question, which its sender has left to hardware. Other frames
 * stay as they are. */
void car_packet_sum(uint8_t *frame, size_t len);

#define CAR_ARP_BYTES 42
/* The frame that tells the sender of `heard` that its target is at `mac`. */
void car_packet_arp_reply(const struct car_heard_arp *heard, const uint8_t mac[6],
                          uint8_t frame[CAR_ARP_BYTES]);

#endif
