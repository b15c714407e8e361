/* SPDX-License-Identifier: ISC */
/*
 * The network card: legacy (transitional) virtio over PCI, by I/O ports. One card, one receive
 * and one send queue, no offloads; polled, with the interrupt used only to wake the processor.
 */
#ifndef HELLO_VIRTIO_NET_H
#define HELLO_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void virtio_net_receiver(void *ctx, const uint8_t *frame, size_t len);

/* NULL, or why there is no usable card. Sets the card's address and interrupt line. */
const char *virtio_net_init(uint8_t ret_mac[6], uint8_t *ret_irq);

/* Hands over frames that have arrived, a bounded number at a time. Were there any? */
bool virtio_net_poll(virtio_net_receiver *receive, void *ctx);

/* Queues a frame. When the queue is full it waits a moment, then drops the frame. */
void virtio_net_send(const uint8_t *frame, size_t len);

/* Tells the card about the frames queued since the last call. */
void virtio_net_flush(void);

/* Takes back the interrupt line, so that the next frame raises it again. Before every HLT. */
void virtio_net_ack_irq(void);

#endif
