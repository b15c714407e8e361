/* SPDX-License-Identifier: ISC */
/* Format: Virtual I/O Device (VIRTIO) 1.0, the parts named "legacy interface". */
#include "virtio_net.h"

#include "io.h"
#include "mem.h"
#include "pci.h"

#define VIRTIO_NET_LEGACY 0x10001af4U
#define VIRTIO_NET_MODERN 0x10411af4U
#define FALLBACK_IO_BASE 0xc000 /* when no firmware has given the card its ports */

#define REG_DEVICE_FEATURES 0
#define REG_DRIVER_FEATURES 4
#define REG_QUEUE_PAGE 8
#define REG_QUEUE_SIZE 12
#define REG_QUEUE_SELECT 14
#define REG_QUEUE_NOTIFY 16
#define REG_STATUS 18
#define REG_ISR 19
#define REG_MAC 20

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FAILED 128
#define FEATURE_MAC (1U << 5)

#define DESC_NEXT 1
#define DESC_WRITE 2
#define NO_INTERRUPT 1
#define NO_NOTIFY 1

#define QUEUE_MAX 1024 /* entries of the largest queue there is memory for */
#define PAGE 4096
#define SLOTS 128 /* frames in flight per queue; two descriptors each */
#define HEADER_BYTES 10
#define FRAME_BYTES 1600
#define POLL_MAX 64
/* Waiting for room in the send queue: some milliseconds, then the frame is dropped. */
#define SEND_PATIENCE 200000

struct desc {
    uint64_t address;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct available {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[];
};

struct used {
    uint16_t flags;
    uint16_t index;
    struct {
        uint32_t id;
        uint32_t len;
    } ring[];
};

struct queue {
    uint16_t number;
    uint16_t size;
    uint16_t slots;
    uint16_t seen; /* used entries taken so far */
    struct desc *desc;
    volatile struct available *avail;
    volatile struct used *used;
};

/* Descriptors and available ring, then (on the next page) the used ring, each at its largest. */
#define RING_BYTES (PAGE * 8)

static uint8_t ring_memory[2][RING_BYTES] __attribute__((aligned(PAGE)));
static uint8_t headers[2][HEADER_BYTES];
static uint8_t frames[2][SLOTS][FRAME_BYTES] __attribute__((aligned(16)));

static uint16_t io_base;
static struct queue rx = {.number = 0};
static struct queue tx = {.number = 1};
static uint16_t tx_free[SLOTS];
static uint16_t tx_free_count;
static bool tx_unannounced;

/* Orders our stores before later loads: the card runs on another processor. */
static inline void full_barrier(void)
{
    __asm__ volatile("lock; addl $0, (%%esp)" : : : "memory", "cc");
}

static inline void compiler_barrier(void)
{
    __asm__ volatile("" : : : "memory");
}

static inline uint32_t address_of(const volatile void *p)
{
    return (uint32_t)(uintptr_t)p;
}

/* Lays out a queue and gives its slots fixed pairs of descriptors: header, then frame. */
static bool queue_init(struct queue *q, uint16_t flags)
{
    uint8_t *memory = ring_memory[q->number];
    uint32_t used_at;

    out16(io_base + REG_QUEUE_SELECT, q->number);
    q->size = in16(io_base + REG_QUEUE_SIZE);
    if (q->size < 2 || q->size > QUEUE_MAX || (q->size & (q->size - 1)) != 0)
        return false;
    used_at = q->size * (sizeof(struct desc) + 2U) + 6;
    used_at = (used_at + PAGE - 1) & ~(uint32_t)(PAGE - 1);
    q->desc = (struct desc *)(void *)memory;
    q->avail = (struct available *)(void *)(memory + q->size * sizeof(struct desc));
    q->used = (struct used *)(void *)(memory + used_at);
    q->slots = q->size / 2 < SLOTS ? q->size / 2 : SLOTS;
    for (uint16_t i = 0; i < q->slots; i++) {
        q->desc[2 * i] = (struct desc){.address = address_of(headers[q->number]),
                                       .len = HEADER_BYTES,
                                       .flags = (uint16_t)(flags | DESC_NEXT),
                                       .next = (uint16_t)(2 * i + 1)};
        q->desc[2 * i + 1] = (struct desc){
            .address = address_of(frames[q->number][i]), .len = FRAME_BYTES, .flags = flags};
    }
    out32(io_base + REG_QUEUE_PAGE, address_of(memory) / PAGE);
    return true;
}

static void make_available(struct queue *q, uint16_t slot)
{
    q->avail->ring[q->avail->index & (q->size - 1)] = (uint16_t)(2 * slot);
    compiler_barrier();
    q->avail->index++;
}

static void notify(struct queue *q)
{
    full_barrier();
    if ((q->used->flags & NO_NOTIFY) == 0)
        out16(io_base + REG_QUEUE_NOTIFY, q->number);
}

static const char *find_card(uint32_t *ret_address)
{
    uint32_t bar;

    if (!pci_find(VIRTIO_NET_LEGACY, ret_address)) {
        if (pci_find(VIRTIO_NET_MODERN, ret_address))
            return "the virtio network card is modern-only; a transitional one is needed";
        return "no virtio network card";
    }
    bar = pci_read(*ret_address, PCI_BAR0);
    if ((bar & 1) == 0)
        return "the network card has no I/O ports";
    if ((bar & 0xfffc) == 0) {
        pci_write(*ret_address, PCI_BAR0, FALLBACK_IO_BASE);
        bar = FALLBACK_IO_BASE;
    }
    io_base = bar & 0xfffc;
    pci_write(*ret_address, PCI_COMMAND,
              (pci_read(*ret_address, PCI_COMMAND) & 0xffff) | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
    return NULL;
}

const char *virtio_net_init(uint8_t ret_mac[6], uint8_t *ret_irq)
{
    uint32_t address;
    uint32_t features;
    const char *trouble = find_card(&address);

    if (trouble != NULL)
        return trouble;
    out8(io_base + REG_STATUS, 0);
    out8(io_base + REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    features = in32(io_base + REG_DEVICE_FEATURES) & FEATURE_MAC;
    out32(io_base + REG_DRIVER_FEATURES, features);
    if (!queue_init(&rx, DESC_WRITE) || !queue_init(&tx, 0)) {
        out8(io_base + REG_STATUS, STATUS_FAILED);
        return "the network card's queues have an unsupported size";
    }
    tx.avail->flags = NO_INTERRUPT;
    for (uint16_t i = 0; i < tx.slots; i++)
        tx_free[tx_free_count++] = i;
    for (uint16_t i = 0; i < rx.slots; i++)
        make_available(&rx, i);
    for (uint16_t i = 0; i < 6; i++)
        ret_mac[i] = in8(io_base + REG_MAC + i);
    *ret_irq = pci_read(address, PCI_IRQ_LINE) & 0xff;
    out8(io_base + REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
    notify(&rx);
    return NULL;
}

bool virtio_net_poll(virtio_net_receiver *receive, void *ctx)
{
    unsigned taken = 0;

    while (taken < POLL_MAX && rx.seen != rx.used->index) {
        uint32_t id;
        uint32_t len;

        compiler_barrier();
        id = rx.used->ring[rx.seen & (rx.size - 1)].id / 2;
        len = rx.used->ring[rx.seen & (rx.size - 1)].len;
        rx.seen++;
        taken++;
        if (id >= rx.slots)
            continue; /* a broken card; the slot is lost, the memory is safe */
        if (len > HEADER_BYTES && len <= HEADER_BYTES + FRAME_BYTES)
            receive(ctx, frames[0][id], len - HEADER_BYTES);
        make_available(&rx, (uint16_t)id);
    }
    if (taken > 0)
        notify(&rx);
    return taken > 0;
}

static void reclaim_sent(void)
{
    while (tx.seen != tx.used->index && tx_free_count < tx.slots) {
        compiler_barrier();
        tx_free[tx_free_count++] =
            (uint16_t)(tx.used->ring[tx.seen & (tx.size - 1)].id / 2 % SLOTS);
        tx.seen++;
    }
}

void virtio_net_send(const uint8_t *frame, size_t len)
{
    uint16_t slot;

    if (tx.slots == 0 || len > FRAME_BYTES)
        return;
    reclaim_sent();
    if (tx_free_count == 0) {
        virtio_net_flush();
        for (int turns = SEND_PATIENCE; turns > 0 && tx_free_count == 0; turns--) {
            __asm__ volatile("pause");
            reclaim_sent();
        }
        if (tx_free_count == 0)
            return;
    }
    slot = tx_free[--tx_free_count];
    memcpy(frames[1][slot], frame, len);
    tx.desc[2 * slot + 1].len = (uint32_t)len;
    make_available(&tx, slot);
    tx_unannounced = true;
}

void virtio_net_flush(void)
{
    if (!tx_unannounced)
        return;
    tx_unannounced = false;
    notify(&tx);
}

void virtio_net_ack_irq(void)
{
    if (io_base != 0)
        (void)in8(io_base + REG_ISR);
}
