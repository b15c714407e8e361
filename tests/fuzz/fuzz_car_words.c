/* SPDX-License-Identifier: ISC */
/*
 * What others say to the carrier besides DHCP, by the first byte: the guest's frame, a name
 * server's answer, a web server's, the kernel's, or the URL to announce to.
 */
#include <stdlib.h>
#include <string.h>

#include "announce_text.h"
#include "dns.h"
#include "netlink.h"
#include "packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What it is stays the same, and so does what is summed a second time. */
static void sum(const uint8_t *data, size_t size)
{
    struct car_heard_arp arp;
    uint8_t *once = malloc(size + 1), *twice = malloc(size + 1);

    if (once == NULL || twice == NULL)
        abort();
    memcpy(once, data, size);
    car_packet_sum(once, size);
    memcpy(twice, once, size);
    car_packet_sum(twice, size);
    if (memcmp(once, twice, size) != 0 ||
        car_packet_hear(data, size, &arp) != car_packet_hear(once, size, &arp))
        abort();
    free(once);
    free(twice);
}

static void frame(const uint8_t *data, size_t size)
{
    struct car_heard_arp arp;
    uint8_t reply[CAR_ARP_BYTES];

    sum(data, size);
    if (car_packet_hear(data, size, &arp) != CAR_HEARD_ADDRESS)
        return;
    if (arp.ip >> 24 == 0 || arp.ip == arp.target)
        abort();
    car_packet_arp_reply(&arp, arp.mac, reply);
}

static void name(const uint8_t *data, size_t size)
{
    uint8_t question[CAR_DNS_BYTES], answer[CAR_DNS_BYTES];
    size_t asked = car_dns_write("a.example", 0x1234, question);
    uint32_t ip;

    (void)car_dns_read(data, size, question, asked, &ip);
    if (size > sizeof answer - asked)
        return;
    memcpy(answer, question, asked);
    memcpy(answer + asked, data, size);
    answer[2] = 0x81;
    answer[7] = 3;
    (void)car_dns_read(answer, asked + size, question, asked, &ip);
}

static void status(const uint8_t *data, size_t size)
{
    int found = car_status_read((const char *)data, size);

    if (found < -1 || found > 599 || (found == 0 && size >= 12))
        abort();
}

static void kernel(const uint8_t *data, size_t size)
{
    struct car_nl_answer answer;

    if (car_nl_read(data, size, 0, &answer) && strlen(answer.reason) >= sizeof answer.reason)
        abort();
}

static void url(const uint8_t *data, size_t size)
{
    struct car_net_config config = {.token = "t"};
    struct car_target target;
    struct car_why why;
    char request[CAR_REQUEST_BYTES];
    char *text = malloc(size + 1);

    if (text == NULL)
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    config.name = config.url = text;
    if (car_target_read(text, &target, &why) == 0 &&
        (target.port == 0 || target.path[0] != '/' || target.host[0] == '\0'))
        abort();
    target = (struct car_target){.host = "h", .path = "/", .port = 80};
    if (car_announce_write(&config, &target, 1, request) >= sizeof request)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {frame, name, status, kernel, url};

    if (size > 0)
        readers[data[0] % 5](data + 1, size - 1);
    return 0;
}
