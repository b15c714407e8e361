/* SPDX-License-Identifier: ISC */
#include "serial.h"

#include <stdint.h>

#include "io.h"

#define COM1 0x3f8
#define DATA (COM1 + 0)
#define IRQ_ENABLE (COM1 + 1)
#define FIFO (COM1 + 2)
#define LINE_CONTROL (COM1 + 3)
#define MODEM_CONTROL (COM1 + 4)
#define LINE_STATUS (COM1 + 5)

#define STATUS_RECEIVED 0x01
#define STATUS_CAN_SEND 0x20
#define STATUS_NO_PORT 0xff /* what an empty bus answers */
#define FIFO_DEPTH 16
/* About 15 ms of port reads on hardware: a full FIFO at 115200 baud drains in 1.4 ms. */
#define PATIENCE 15000

static bool stuck;

void serial_init(void)
{
    out8(IRQ_ENABLE, 0);
    out8(LINE_CONTROL, 0x80); /* divisor latch */
    out8(DATA, 1);            /* 115200 baud */
    out8(IRQ_ENABLE, 0);
    out8(LINE_CONTROL, 0x03);
    out8(FIFO, 0x07);
    out8(MODEM_CONTROL, 0x0b); /* DTR, RTS, and OUT2, which lets the interrupt out */
    out8(IRQ_ENABLE, 0x01);    /* a received character ends HLT; nothing else is wanted */
}

/* The FIFO is empty when the port can send, so one look covers a FIFO's worth of characters. */
static bool wait_for_room(void)
{
    for (int turns = stuck ? 1 : PATIENCE; turns > 0; turns--) {
        if ((in8(LINE_STATUS) & STATUS_CAN_SEND) != 0) {
            stuck = false;
            return true;
        }
    }
    stuck = true;
    return false;
}

void serial_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (i % FIFO_DEPTH == 0 && !wait_for_room())
            return;
        out8(DATA, (uint8_t)text[i]);
    }
}

bool serial_read(char *ret)
{
    uint8_t status = in8(LINE_STATUS);

    if (status == STATUS_NO_PORT || (status & STATUS_RECEIVED) == 0)
        return false;
    *ret = (char)in8(DATA);
    return true;
}
