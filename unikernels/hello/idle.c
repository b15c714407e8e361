/* SPDX-License-Identifier: ISC */
#include "idle.h"

#include <stdbool.h>

#include "io.h"

#define PIC1 0x20
#define PIC2 0xa0
#define IRQ_VECTOR 32
#define IRQ_TIMER 0
#define IRQ_CASCADE 2
#define IRQ_SERIAL 4
#define EXCEPTIONS 32
#define GATES (IRQ_VECTOR + 16)

#define CODE_SEGMENT 0x08
#define INTERRUPT_GATE 0x8e00

struct gate {
    uint16_t offset_low;
    uint16_t segment;
    uint16_t flags;
    uint16_t offset_high;
};

void irq_entry(void);
void irq_timer_entry(void);
void fault_entry(void);

/*
 * Set by the timer's handler (entry.S). Until it has been seen, HLT might never end, so we spin
 * instead.
 */
extern volatile uint8_t idle_timer_seen;
volatile uint8_t idle_timer_seen;

static struct gate gates[GATES];

static void set_gate(unsigned vector, void (*handler)(void))
{
    uint32_t offset = (uint32_t)(uintptr_t)handler;

    gates[vector] = (struct gate){.offset_low = (uint16_t)offset,
                                  .segment = CODE_SEGMENT,
                                  .flags = INTERRUPT_GATE,
                                  .offset_high = (uint16_t)(offset >> 16)};
}

/* Vectors from 32, automatic end of interrupt, and only the lines in the mask open. */
static void pic_init(uint16_t open)
{
    out8(PIC1, 0x11);
    out8(PIC2, 0x11);
    out8(PIC1 + 1, IRQ_VECTOR);
    out8(PIC2 + 1, IRQ_VECTOR + 8);
    out8(PIC1 + 1, 1U << IRQ_CASCADE);
    out8(PIC2 + 1, IRQ_CASCADE);
    out8(PIC1 + 1, 0x03);
    out8(PIC2 + 1, 0x03);
    out8(PIC1 + 1, (uint8_t)~open);
    out8(PIC2 + 1, (uint8_t)(~open >> 8));
}

void idle_init(uint8_t irq)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint32_t base;
    } pointer = {sizeof(gates) - 1, (uint32_t)(uintptr_t)gates};
    uint16_t open = 1U << IRQ_TIMER | 1U << IRQ_CASCADE | 1U << IRQ_SERIAL;

    for (unsigned i = 0; i < GATES; i++)
        set_gate(i, i < EXCEPTIONS ? fault_entry : irq_entry);
    set_gate(IRQ_VECTOR + IRQ_TIMER, irq_timer_entry);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    if (irq < 16)
        open |= (uint16_t)(1U << irq);
    pic_init(open);
    /* The timer's slowest: 65536 / 1193182 Hz = 55 ms. */
    out8(0x43, 0x34);
    out8(0x40, 0);
    out8(0x40, 0);
}

/* The processor takes no interrupt between STI and the instruction after it: none is lost. */
void idle_wait(void)
{
    if (idle_timer_seen)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    else
        __asm__ volatile("sti; nop; nop; cli" : : : "memory");
}
