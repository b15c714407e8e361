/* SPDX-License-Identifier: ISC */
/* The kernel proper: finds the command line, connects drivers and hello, and runs for ever. */
#include "clock.h"
#include "hello.h"
#include "idle.h"
#include "io.h"
#include "mem.h"
#include "power.h"
#include "serial.h"
#include "virtio_net.h"

#define MULTIBOOT_LOADED 0x2BADB002U
#define MULTIBOOT_HAS_COMMAND_LINE (1U << 2)
#define PVH_MAGIC 0x336ec578U
#define COMMAND_LINE_MAX 4096

#define TICK_MS 10
#define CORRECT_MS 5000
#define NO_IRQ 255

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper;
    uint32_t boot_device;
    uint32_t command_line;
};

struct pvh_start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list;
    uint64_t command_line;
};

void kernel_main(uint32_t magic, uint32_t info);
void kernel_fault(void);

static struct hello hello;
static char command_line[COMMAND_LINE_MAX];

static void platform_send(void *ctx, const uint8_t *frame, size_t len)
{
    (void)ctx;
    virtio_net_send(frame, len);
}

static uint64_t platform_uptime_ms(void *ctx)
{
    (void)ctx;
    return clock_uptime_ms();
}

static uint32_t platform_unix_s(void *ctx)
{
    (void)ctx;
    return clock_unix_s();
}

static void platform_print(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    serial_write(text, len);
}

static void platform_power_off(void *ctx)
{
    (void)ctx;
    power_off();
}

static const struct platform machine = {.send = platform_send,
                                        .uptime_ms = platform_uptime_ms,
                                        .unix_s = platform_unix_s,
                                        .print = platform_print,
                                        .power_off = platform_power_off};

/*
 * PVH's magic is looked for first, because some firmware leaves the multiboot magic in EAX when it
 * enters by PVH. The text is copied, as it lies in memory nobody has promised to keep.
 */
static void find_command_line(uint32_t magic, uint32_t info)
{
    const struct pvh_start_info *pvh = (const struct pvh_start_info *)(uintptr_t)info;
    const struct multiboot_info *multiboot = (const struct multiboot_info *)(uintptr_t)info;
    const char *text = NULL;

    if (info == 0)
        return;
    if (pvh->magic == PVH_MAGIC)
        text = (const char *)(uintptr_t)(uint32_t)pvh->command_line;
    else if (magic == MULTIBOOT_LOADED && (multiboot->flags & MULTIBOOT_HAS_COMMAND_LINE) != 0)
        text = (const char *)(uintptr_t)multiboot->command_line;
    for (size_t i = 0; text != NULL && text[i] != '\0' && i < COMMAND_LINE_MAX - 1; i++)
        command_line[i] = text[i];
}

static void receive(void *ctx, const uint8_t *frame, size_t len)
{
    hello_frame(ctx, frame, len);
}

/* Everything that is not a frame. */
static void tend(uint64_t now, uint64_t *next_tick, uint64_t *next_correction)
{
    char c;

    /* Bounded by the port's FIFO, so that a flood of characters does not stop the network. */
    for (int i = 0; i < 16 && serial_read(&c); i++)
        hello_console(&hello, c);
    if (now < *next_tick)
        return;
    *next_tick = now + TICK_MS;
    if (now >= *next_correction) {
        *next_correction = now + CORRECT_MS;
        clock_correct();
    }
    hello_tick(&hello);
}

void kernel_fault(void)
{
    static const char text[] = "hello: processor exception, powering off\n";

    serial_write(text, sizeof(text) - 1);
    power_off();
}

void kernel_main(uint32_t magic, uint32_t info)
{
    uint8_t mac[6];
    uint8_t irq = NO_IRQ;
    const char *trouble;
    uint64_t next_tick = 0;
    uint64_t next_correction = CORRECT_MS;

    find_command_line(magic, info);
    serial_init();
    clock_init();
    trouble = virtio_net_init(mac, &irq);
    idle_init(irq);
    hello_start(&hello, &machine, command_line, trouble == NULL ? mac : NULL,
                (uint32_t)read_tsc() ^ clock_unix_s() << 12);
    if (trouble != NULL)
        platform_say(&machine, trouble, NULL);
    for (;;) {
        bool busy = virtio_net_poll(receive, &hello);
        uint64_t now = clock_uptime_ms();

        if (!busy || now >= next_tick)
            tend(now, &next_tick, &next_correction);
        virtio_net_flush();
        if (busy)
            continue;
        /* Take back the interrupt, look once more, and only then sleep: no frame is overslept. */
        virtio_net_ack_irq();
        if (!virtio_net_poll(receive, &hello))
            idle_wait();
        virtio_net_flush();
    }
}
