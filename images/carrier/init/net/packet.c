/* SPDX-License-Identifier: ISC */
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "text.h"

#define IP_BYTES 20U
#define UDP_BYTES 8U
#define PACKET_BYTES 1500
#define SERVER_PORT 67
#define CLIENT_PORT 68

/* --- pure --- */

static uint32_t sum(const uint8_t *at, size_t len, uint32_t total)
{
    for (; len > 1; at += 2, len -= 2)
        total += get16(at);
    return len > 0 ? total + (uint32_t)(at[0] << 8) : total;
}

static uint16_t fold(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

static uint16_t udp_checksum(const uint8_t *packet, const uint8_t *udp, size_t len)
{
    return fold(sum(udp, len, sum(packet + 12, 8, (uint32_t)(IPPROTO_UDP + len))));
}

size_t car_packet_wrap(const struct car_dhcp_send *send, uint8_t *packet)
{
    uint8_t *udp = packet + IP_BYTES;
    size_t udp_len = UDP_BYTES + send->len;
    uint16_t checksum;

    memset(packet, 0, IP_BYTES + UDP_BYTES);
    packet[0] = 0x45;
    put16(packet + 2, (uint16_t)(IP_BYTES + udp_len));
    packet[8] = 64;
    packet[9] = IPPROTO_UDP;
    put32(packet + 12, send->from);
    put32(packet + 16, send->to);
    put16(packet + 10, fold(sum(packet, IP_BYTES, 0)));
    put16(udp, CLIENT_PORT);
    put16(udp + 2, SERVER_PORT);
    put16(udp + 4, (uint16_t)udp_len);
    memcpy(udp + UDP_BYTES, send->message, send->len);
    checksum = udp_checksum(packet, udp, udp_len);
    put16(udp + 6, checksum == 0 ? 0xffff : checksum);
    return IP_BYTES + udp_len;
}

/* A whole IPv4 packet of UDP; 0, or the length of its header. */
static size_t ip_head(const uint8_t *packet, size_t len)
{
    size_t head, total;

    if (len < IP_BYTES || packet[0] >> 4 != 4)
        return 0;
    head = (size_t)(packet[0] & 15) * 4;
    total = get16(packet + 2);
    if (head < IP_BYTES || total > len || total < head + UDP_BYTES || packet[9] != IPPROTO_UDP ||
        (get16(packet + 6) & 0x3fff) != 0 || fold(sum(packet, head, 0)) != 0)
        return 0;
    return head;
}

const uint8_t *car_packet_unwrap(const uint8_t *packet, size_t len, bool checked, size_t *ret_len)
{
    size_t head = ip_head(packet, len);
    const uint8_t *udp = packet + head;
    size_t udp_len;

    if (head == 0)
        return NULL;
    udp_len = get16(udp + 4);
    if (get16(udp) != SERVER_PORT || get16(udp + 2) != CLIENT_PORT || udp_len < UDP_BYTES ||
        udp_len > get16(packet + 2) - head)
        return NULL;
    if (checked && get16(udp + 6) != 0 && udp_checksum(packet, udp, udp_len) != 0)
        return NULL;
    *ret_len = udp_len - UDP_BYTES;
    return udp + UDP_BYTES;
}

static bool asks_dhcp(const uint8_t *packet, size_t len)
{
    size_t head = len > 0 ? (size_t)(packet[0] & 15) * 4 : 0;

    return head >= IP_BYTES && len >= head + UDP_BYTES && packet[9] == IPPROTO_UDP &&
           (get16(packet + 6) & 0x1fff) == 0 && get32(packet + 12) == 0 &&
           get16(packet + head) == CLIENT_PORT && get16(packet + head + 2) == SERVER_PORT;
}

static bool frame_asks_dhcp(const uint8_t *frame, size_t len)
{
    return len >= ETH_HLEN && get16(frame + 12) == ETH_P_IP &&
           asks_dhcp(frame + ETH_HLEN, len - ETH_HLEN);
}

void car_packet_sum(uint8_t *frame, size_t len)
{
    uint8_t *packet = frame + ETH_HLEN;
    uint8_t *udp;
    uint16_t udp_len, checksum;

    if (!frame_asks_dhcp(frame, len))
        return;
    udp = packet + (size_t)(packet[0] & 15) * 4;
    udp_len = get16(udp + 4);
    if (udp_len < UDP_BYTES || udp_len > len - (size_t)(udp - frame))
        return;
    put16(udp + 6, 0);
    checksum = udp_checksum(packet, udp, udp_len);
    put16(udp + 6, checksum == 0 ? 0xffff : checksum);
}

/* Ethernet, IPv4, the lengths of their addresses. */
static const uint8_t arp_head[6] = {0, 1, 8, 0, 6, 4};
#define ARP_REQUEST 1
#define ARP_REPLY 2

enum car_heard car_packet_hear(const uint8_t *frame, size_t len, struct car_heard_arp *ret)
{
    const uint8_t *arp = frame + ETH_HLEN;
    uint32_t ip, target;

    if (len < ETH_HLEN)
        return CAR_HEARD_NOTHING;
    if (frame_asks_dhcp(frame, len))
        return CAR_HEARD_DHCP;
    if (get16(frame + 12) != ETH_P_ARP || len < CAR_ARP_BYTES ||
        memcmp(arp, arp_head, sizeof arp_head) != 0)
        return CAR_HEARD_NOTHING;
    ip = get32(arp + 14);
    if (ip >> 24 == 0 || ip >> 24 == 127 || ip >> 24 >= 224)
        return CAR_HEARD_NOTHING; /* a probe (RFC 5227), or nonsense */
    target = get16(arp + 6) == ARP_REQUEST ? get32(arp + 24) : 0;
    ret->ip = ip;
    ret->target = target == ip ? 0 : target;
    memcpy(ret->mac, arp + 8, 6);
    return CAR_HEARD_ADDRESS;
}

void car_packet_arp_reply(const struct car_heard_arp *heard, const uint8_t mac[6],
                          uint8_t frame[CAR_ARP_BYTES])
{
    uint8_t *arp = frame + ETH_HLEN;

    memcpy(frame, heard->mac, 6);
    memcpy(frame + 6, mac, 6);
    put16(frame + 12, ETH_P_ARP);
    memcpy(arp, arp_head, sizeof arp_head);
    put16(arp + 6, ARP_REPLY);
    memcpy(arp + 8, mac, 6);
    put32(arp + 14, heard->target);
    memcpy(arp + 18, heard->mac, 6);
    put32(arp + 24, heard->ip);
}

/* --- sockets --- */

static int open_at(int type, int index, uint16_t protocol, const struct sock_fprog *filter,
                   struct car_why *why)
{
    struct sockaddr_ll where = {
        .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = index};
    int on = 1;
    /* Protocol 0: nothing comes in before the filter stands. */
    int fd = socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return car_why_errno(why, "no packet socket");
    if ((filter != NULL &&
         setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter) != 0) ||
        setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&where, sizeof where) != 0) {
        (void)car_why_errno(why, "no packet socket at the device");
        close(fd);
        return -1;
    }
    return fd;
}

int car_packet_dhcp(int index, struct car_why *why)
{
    /* IPv4, UDP, not a later fragment, to port 68: all other traffic costs nothing here. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLIENT_PORT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, PACKET_BYTES),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};

    return open_at(SOCK_DGRAM, index, ETH_P_ALL, &filter, why);
}

int car_packet_listen(int index, struct car_why *why)
{
    return open_at(SOCK_RAW, index, ETH_P_ALL, NULL, why);
}

int car_packet_send(int fd, int index, const struct car_dhcp_send *send)
{
    uint8_t packet[IP_BYTES + UDP_BYTES + CAR_DHCP_SEND_BYTES];
    struct sockaddr_ll where = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_IP),
                                .sll_ifindex = index,
                                .sll_halen = 6};
    size_t len = car_packet_wrap(send, packet);

    memcpy(where.sll_addr, send->mac, 6);
    return sendto(fd, packet, len, 0, (struct sockaddr *)&where, sizeof where) == (ssize_t)len ? 0
                                                                                               : -1;
}

/* Whether the packet's checksum has been filled in. */
static bool has_checksum(struct msghdr *head)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
        struct tpacket_auxdata aux;

        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
            continue;
        memcpy(&aux, CMSG_DATA(c), sizeof aux);
        return (aux.tp_status & TP_STATUS_CSUMNOTREADY) == 0;
    }
    return true;
}

static int receive(int fd, uint8_t *bytes, size_t cap, struct sockaddr_ll *ret_from,
                   bool *ret_summed)
{
    _Alignas(8) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    struct iovec piece = {.iov_base = bytes, .iov_len = cap};
    struct msghdr head = {.msg_name = ret_from,
                          .msg_namelen = sizeof *ret_from,
                          .msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = sizeof control};
    ssize_t len = recvmsg(fd, &head, 0);

    if (len < 0)
        return -1;
    *ret_summed = has_checksum(&head);
    return (int)len;
}

int car_packet_frame(int fd, uint8_t *frame, size_t cap)
{
    struct sockaddr_ll from;
    bool summed;
    int len = receive(fd, frame, cap, &from, &summed);

    if (len > 0 && !summed)
        car_packet_sum(frame, (size_t)len);
    return len;
}

int car_packet_receive(int fd, uint8_t *message, size_t cap, uint8_t ret_mac[6])
{
    uint8_t packet[PACKET_BYTES];
    struct sockaddr_ll from = {0};
    const uint8_t *found;
    size_t found_len;
    bool summed;
    int len = receive(fd, packet, sizeof packet, &from, &summed);

    if (len < 0)
        return -1;
    found = car_packet_unwrap(packet, (size_t)len, summed, &found_len);
    if (found == NULL || found_len > cap)
        return 0;
    memcpy(message, found, found_len);
    memcpy(ret_mac, from.sll_addr, 6);
    return (int)found_len;
}
