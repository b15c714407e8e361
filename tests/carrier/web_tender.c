/* SPDX-License-Identifier: ISC */
/*
 * Stands where solo5-spt stands, for solo5.py: takes the options that it takes, as strictly, holds
 * them against the notes of the kernel's file, and is then the guest itself: hello's network and
 * web pages on the tap device. What it does is in the guest's arguments: hello's own (ip=, gw=,
 * name=), and "exit=N": end with that status, "say=TEXT": first say so, once more for each.
 * Under the name solo5-hvt it is that one, for kernels of its kind, and first has KVM run a guest.
 *
 * Format of the notes: Solo5's elf_abi.h and mft_abi.h; names and numbers only.
 */
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hello.h"
#include "kvm_guest.h"

#define KERNEL_MAX (1 << 20)
#define NOTE_ABI 0x31494241U /* "ABI1" */
#define NOTE_MFT 0x3154464dU /* "MFT1" */
#define TARGET_HVT 1
#define TARGET_SPT 2
#define MFT_HEAD 12
#define MFT_ENTRY 104
#define MFT_NAME 68
#define DEVICES_MAX 8
#define TICK_MS 10

enum kind { BLOCK = 1, NET = 2, RESERVED = 1 << 30 };

struct device {
    const char *name;
    uint32_t kind;
    int fd; /* -1: not attached */
};

static unsigned char kernel[KERNEL_MAX];
static size_t kernel_len;
static struct device devices[DEVICES_MAX];
static size_t device_count;
static unsigned char mac[6] = {0x02, 0, 0, 0, 0, 1};
static int tap = -1;
static struct hello hello;
static char command_line[4096];

/* --- the kernel's file --- */

static uint32_t word(size_t at)
{
    uint32_t value;

    if (at + sizeof(value) > kernel_len)
        errx(1, "the kernel's notes are cut off");
    memcpy(&value, kernel + at, sizeof(value));
    return value;
}

static void read_kernel(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        err(1, "%s: Could not open", path);
    while (kernel_len < sizeof(kernel) &&
           (got = read(fd, kernel + kernel_len, sizeof(kernel) - kernel_len)) > 0)
        kernel_len += (size_t)got;
    close(fd);
    if (kernel_len < sizeof(Elf64_Ehdr) || memcmp(kernel, ELFMAG "\2\1", 6) != 0)
        errx(1, "%s: no ELF file of 64 bits", path);
}

/* Where the note's content begins, with its length in *ret_len. */
static size_t find_note(uint32_t type, size_t *ret_len)
{
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)kernel;

    for (unsigned i = 0; i < head->e_phnum; i++) {
        Elf64_Phdr part;
        size_t at = head->e_phoff + i * sizeof(part);

        if (at + sizeof(part) > kernel_len)
            break;
        memcpy(&part, kernel + at, sizeof(part));
        for (size_t n = part.p_offset;
             part.p_type == PT_NOTE && n + 12 <= part.p_offset + part.p_filesz;) {
            size_t content = n + 12 + (word(n) + 3U) / 4 * 4;

            *ret_len = word(n + 4);
            if (word(n + 8) == type && content + *ret_len <= kernel_len)
                return content;
            n = content + (*ret_len + 3) / 4 * 4;
        }
    }
    errx(1, "a note is missing: %08x", type);
}

static void read_notes(uint32_t target)
{
    size_t len;
    size_t at = find_note(NOTE_ABI, &len);

    if (word(at) != target)
        errx(1, "Executable is not for the %s target", program_invocation_short_name);
    at = find_note(NOTE_MFT, &len);
    for (uint32_t i = 0; i < word(at + 8); i++) {
        size_t entry = at + MFT_HEAD + i * MFT_ENTRY;
        uint32_t kind = word(entry + MFT_NAME);

        if (kind >= RESERVED)
            continue;
        if (device_count == DEVICES_MAX || entry + MFT_ENTRY > at + len)
            errx(1, "Solo5 manifest is invalid");
        devices[device_count++] = (struct device){(const char *)kernel + entry, kind, -1};
    }
}

/* --- the options --- */

/* "NAME=REST": the device, with what stands behind the sign in *ret_rest. */
static struct device *declared(const char *text, uint32_t kind, const char **ret_rest)
{
    for (size_t i = 0; i < device_count; i++) {
        size_t len = strlen(devices[i].name);

        if (devices[i].kind == kind && strncmp(text, devices[i].name, len) == 0 &&
            text[len] == '=') {
            *ret_rest = text + len + 1;
            return &devices[i];
        }
    }
    errx(1, "Resource not declared in manifest: '%s'", text);
}

static void take_net(const char *text)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    const char *interface;
    struct device *device = declared(text, NET, &interface);

    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    tap = device->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0)
        err(1, "Could not attach interface: %s", interface);
}

static void take_net_mac(const char *text)
{
    const char *rest;

    (void)declared(text, NET, &rest);
    if (sscanf(rest, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2], &mac[3],
               &mac[4], &mac[5]) != 6)
        errx(1, "Malformed argument to --net-mac");
}

/* The tender takes files of whole sectors only, and writes to them. */
static void take_block(const char *text)
{
    const char *path;
    struct device *device = declared(text, BLOCK, &path);
    off_t bytes;

    device->fd = open(path, O_RDWR | O_CLOEXEC);
    if (device->fd < 0)
        err(1, "Could not open block device: %s", path);
    bytes = lseek(device->fd, 0, SEEK_END);
    if (bytes < 512 || bytes % 512 != 0)
        errx(1, "%s: not a multiple of 512 bytes", path);
    printf("block %s: %lld bytes\n", device->name, (long long)bytes);
}

static void take_mem(const char *text)
{
    char *end;
    unsigned long mib = strtoul(text, &end, 10);

    if (*end != '\0' || mib == 0)
        errx(1, "Malformed argument to --mem");
    printf("memory %lu MiB\n", mib);
}

static void take_option(const char *option)
{
    static const struct {
        const char *name;
        void (*take)(const char *text);
    } options[] = {{"--mem=", take_mem},
                   {"--net:", take_net},
                   {"--net-mac:", take_net_mac},
                   {"--block:", take_block}};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        size_t len = strlen(options[i].name);

        if (strncmp(option, options[i].name, len) == 0) {
            options[i].take(option + len);
            return;
        }
    }
    errx(1, "Invalid option: `%s'", option);
}

static void check_attached(void)
{
    for (size_t i = 0; i < device_count; i++) {
        if (devices[i].fd < 0)
            errx(1, "Device '%s' declared but not attached.", devices[i].name);
    }
}

/* --- the guest --- */

static void send_frame(void *ctx, const uint8_t *frame, size_t len)
{
    (void)ctx;
    if (write(tap, frame, len) < 0 && errno != EAGAIN)
        warn("tap");
}

static uint64_t uptime_ms(void *ctx)
{
    struct timespec now;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint32_t unix_s(void *ctx)
{
    (void)ctx;
    return (uint32_t)time(NULL);
}

static void print(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)fwrite(text, 1, len, stdout);
    (void)fflush(stdout);
}

static void power_off(void *ctx)
{
    (void)ctx;
    exit(0);
}

static _Noreturn void serve(void)
{
    static const struct platform platform = {.send = send_frame,
                                             .uptime_ms = uptime_ms,
                                             .unix_s = unix_s,
                                             .print = print,
                                             .power_off = power_off};
    uint8_t frame[2048];

    hello_start(&hello, &platform, command_line, tap < 0 ? NULL : mac, unix_s(NULL));
    for (;;) {
        struct pollfd ready = {.fd = tap, .events = POLLIN};
        ssize_t len;

        (void)poll(&ready, 1, TICK_MS);
        while (tap >= 0 && (len = read(tap, frame, sizeof(frame))) > 0)
            hello_frame(&hello, frame, (size_t)len);
        hello_tick(&hello);
    }
}

/* The words are joined by spaces, as the tender joins them. */
static void take_arguments(char **words)
{
    size_t len = 0;

    for (; *words != NULL; words++)
        len += (size_t)snprintf(command_line + len, sizeof(command_line) - len, "%s%s",
                                len > 0 ? " " : "", *words);
    printf("arguments %s\n", command_line);
}

static void use_kvm(void)
{
    printf("kvm: a guest of 64 bits says %u\n", kvm_guest_product((uint64_t)21 << 32, 2));
}

static void obey(void)
{
    char *words = strdup(command_line);
    char *left = words;
    char *word;

    while ((word = strsep(&left, " ")) != NULL) {
        if (strncmp(word, "say=", 4) == 0)
            printf("%s\n", word + 4);
        else if (strncmp(word, "exit=", 5) == 0)
            exit((int)strtol(word + 5, NULL, 10));
    }
    free(words);
}

int main(int argc, char **argv)
{
    bool hvt = strcmp(program_invocation_short_name, "solo5-hvt") == 0;
    char **option = argv + 1;
    char **file = option;

    (void)argc;
    while (*file != NULL && **file == '-' && strcmp(*file, "--") != 0)
        file++;
    if (*file != NULL && **file == '-')
        file++;
    if (*file == NULL)
        errx(1, "Missing KERNEL operand");
    read_kernel(*file);
    read_notes(hvt ? TARGET_HVT : TARGET_SPT);
    for (; option < file && strcmp(*option, "--") != 0; option++)
        take_option(*option);
    check_attached();
    take_arguments(file + 1);
    if (hvt)
        use_kvm();
    obey();
    serve();
}
