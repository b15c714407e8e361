/* SPDX-License-Identifier: ISC */
/*
 * A kernel that says what it was given: its arguments, and each module's arguments, length and sum,
 * one a line between < and >, on the first serial port; then it ends QEMU through its
 * debug exit. Built twice, for multiboot 1 and for multiboot 2.
 */
#include <stdint.h>

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

void kernel_main(uint32_t magic, const unsigned char *info);

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void say(const char *text)
{
    while (*text) {
        uint8_t status;
        do
            __asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)(COM1 + 5)));
        while (!(status & 0x20));
        out8(COM1, (uint8_t)*text++);
    }
}

static void say_number(uint32_t value)
{
    char digits[12], *p = digits + sizeof digits - 1;
    *p = '\0';
    do
        *--p = (char)('0' + value % 10);
    while (value /= 10);
    say(p);
}

static void say_module(const unsigned char *begin, const unsigned char *end, const char *words)
{
    uint32_t sum = 0;
    for (const unsigned char *p = begin; p < end; p++)
        sum = sum * 31 + *p;
    say("module ");
    say_number((uint32_t)(end - begin));
    say(" ");
    say_number(sum);
    say(" <");
    say(words);
    say(">\n");
}

static uint32_t word_at(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const void *pointer_at(const unsigned char *p)
{
    return (const void *)(uintptr_t)word_at(p);
}

static void multiboot1(const unsigned char *info)
{
    const unsigned char *module = pointer_at(info + 24);
    uint32_t count = word_at(info) & 8 ? word_at(info + 20) : 0;
    say("one <");
    say(word_at(info) & 4 ? pointer_at(info + 16) : "");
    say(">\n");
    for (; count; count--, module += 16)
        say_module(pointer_at(module), pointer_at(module + 4), pointer_at(module + 8));
}

static void multiboot2(const unsigned char *info)
{
    const unsigned char *end = info + word_at(info), *tag = info + 8;
    for (; tag < end && word_at(tag); tag += (word_at(tag + 4) + 7) / 8 * 8) {
        if (word_at(tag) == 1) {
            say("two <");
            say((const char *)tag + 8);
            say(">\n");
        } else if (word_at(tag) == 3)
            say_module(pointer_at(tag + 8), pointer_at(tag + 12), (const char *)tag + 16);
    }
}

void kernel_main(uint32_t magic, const unsigned char *info)
{
    if (magic == 0x2BADB002)
        multiboot1(info);
    else if (magic == 0x36D76289)
        multiboot2(info);
    say("end\n");
    out8(DEBUG_EXIT, 0);
    for (;;)
        __asm__ volatile("cli; hlt");
}
