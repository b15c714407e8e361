/* SPDX-License-Identifier: ISC */
/* The guest's side: its interface, its address, and the rules that both sides make. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "packet.h"
#include "serve.h"
#include "text.h"

#define SILENCE_MS 10000
#define FRAMES_MAX 64      /* taken in one turn */
#define FRAME_BYTES 2048   /* all that is read of one */
#define OUR_IP 0xa9fefffeU /* CAR_ANSWER_VISITOR: nobody's, and never on the NIC */

bool car_serve_direct(const struct car_serve *serve)
{
    return serve->config->mode == CAR_NET_DIRECT || serve->asks ||
           (serve->guest != 0 && serve->dhcp.held && serve->guest == serve->dhcp.lease.ip);
}

int car_serve_rules(struct car_serve *serve, struct car_why *why)
{
    struct car_rules_facts facts = {.config = serve->config,
                                    .direct = car_serve_direct(serve),
                                    .nic = serve->nic.index,
                                    .interface = serve->interface.index,
                                    .cloud = serve->dhcp.held ? serve->dhcp.lease.ip : 0,
                                    .guest = serve->guest};
    struct car_rules next;

    if (serve->interface.index == 0 || serve->asked)
        return 0; /* there is no place for rules yet */
    if (facts.direct)
        car_answer_refuse(&serve->answer);
    else if (serve->guest != 0)
        car_answer_begin(&serve->answer, serve->nic.name, serve->guest, car_now_ms());
    facts.answer = car_answer_port(&serve->answer);
    facts.peers_n = car_announce_peers(&serve->announce, facts.peers);
    serve->announce.changed = serve->answer.changed = false;
    car_rules_guest(&facts, &next);
    if (car_route_rules(&serve->route, serve->interface.index, &serve->guest_rules, &next, why))
        return -1;
    car_rules_nic(&facts, &next);
    if (car_route_rules(&serve->route, serve->nic.index, &serve->nic_rules, &next, why))
        return -1;
    if (facts.cloud != 0)
        car_answer_stands(&serve->answer);
    return 0;
}

static void say_rules(const struct car_serve *serve)
{
    const struct car_net_config *config = serve->config;
    char list[160] = "";
    char cloud[CAR_IP_TEXT], guest[CAR_IP_TEXT];
    size_t len = 0;

    if (car_serve_direct(serve)) {
        car_net_say(config, "that is the leased address: frames pass as they are, and all of the "
                            "guest's ports are open");
        return;
    }
    if (!serve->dhcp.held)
        return; /* what is leased next is said then */
    for (size_t i = 0; i < config->ports_n && len < sizeof list - 12; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, " %u/%s", config->ports[i].number,
                                config->ports[i].udp ? "udp" : "tcp");
    car_net_say(config, "nat %s <-> %s, open:%s", car_ip_text(serve->dhcp.lease.ip, cloud),
                car_ip_text(serve->guest, guest), len > 0 ? list : " nothing");
}

static void stop_listening(struct car_serve *serve)
{
    if (serve->listen_fd >= 0)
        close(serve->listen_fd);
    serve->listen_fd = -1;
}

/* Its address is known: the way to it, ARP, the rules. */
static int know(struct car_serve *serve, uint32_t ip, const char *how, uint64_t now,
                struct car_why *why)
{
    const char *name = serve->interface.name;
    char text[CAR_IP_TEXT];

    serve->guest = ip;
    stop_listening(serve);
    car_net_say(serve->config, "the guest is %s (%s)", car_ip_text(ip, text), how);
    /* Not before: ARP for its own address would be answered, and the guest think it taken. */
    if (car_route_route(&serve->route, serve->interface.index, ip, 32, 0, why) ||
        car_route_switch("ipv4/conf/%s/proxy_arp", name, "1", why) ||
        car_serve_address(serve, why) || car_serve_rules(serve, why))
        return -1;
    say_rules(serve);
    if (car_serve_direct(serve))
        car_announce_lease(&serve->announce, 0, NULL, 0, now);
    else
        car_health_begin(&serve->health, ip, now);
    return 0;
}

static int prepare_nat(struct car_serve *serve, struct car_why *why)
{
    const char *name = serve->interface.name;

    return car_route_switch("ipv4/conf/%s/rp_filter", name, "0", why) ||
                   car_route_switch("ipv4/neigh/%s/proxy_delay", name, "0", why) ||
                   car_route_address(&serve->route, serve->interface.index, OUR_IP, 32, true, why)
               ? -1
               : 0;
}

/* What the guest says first is heard from here on; or its address is known already. */
static int begin_nat(struct car_serve *serve, uint64_t now, struct car_why *why)
{
    if (serve->config->address != 0)
        return know(serve, serve->config->address, "configured", now, why);
    serve->listen_fd = car_packet_listen(serve->interface.index, why);
    serve->silence_ms = now + SILENCE_MS;
    return serve->listen_fd < 0 ? -1 : car_serve_rules(serve, why);
}

int car_serve_attach(struct car_serve *serve, uint64_t now_ms, struct car_why *why)
{
    struct car_net_word word = {.says = CAR_NET_ATTACHED};
    bool nat = serve->config->mode != CAR_NET_DIRECT;
    struct car_why ignored;

    serve->asked = false;
    /* Absent where Linux has no IPv6; then nothing of it is sent either. */
    (void)car_route_switch("ipv6/conf/%s/disable_ipv6", serve->interface.name, "1", &ignored);
    if (car_route_up(&serve->route, serve->interface.index, why) ||
        (nat && prepare_nat(serve, why)) ||
        car_route_hooks(&serve->route, serve->interface.index, why) ||
        car_route_hooks(&serve->route, serve->nic.index, why) ||
        (nat ? begin_nat(serve, now_ms, why) : car_serve_rules(serve, why)))
        return -1;
    if (!nat)
        car_net_say(serve->config, "direct: %s <-> %s", serve->nic.name, serve->interface.name);
    return send(serve->control, &word, sizeof word, MSG_NOSIGNAL) == (ssize_t)sizeof word
               ? 0
               : car_why_errno(why, "the first process does not listen");
}

/* A frame that is lost is asked for again, as on every network. */
static void put_frame(const struct car_device *device, const uint8_t *frame, size_t len)
{
    struct car_why ignored;
    int fd = car_packet_listen(device->index, &ignored);

    if (fd < 0)
        return;
    (void)send(fd, frame, len, 0);
    close(fd);
}

/* Its question came before ARP was answered for it: this once, we answer. */
static void answer(struct car_serve *serve, const struct car_heard_arp *heard)
{
    uint8_t frame[CAR_ARP_BYTES];

    car_packet_arp_reply(heard, serve->interface.mac, frame);
    put_frame(&serve->interface, frame, sizeof frame);
}

/* It asks for an address itself, and is to get the one that we had. Its question, for which there
 * was no way when it came, goes first: not every client repeats it soon. */
static int stand_aside(struct car_serve *serve, const uint8_t *question, size_t len, uint64_t now,
                       struct car_why *why)
{
    serve->asks = true;
    stop_listening(serve);
    car_serve_lease_end(serve);
    car_announce_lease(&serve->announce, 0, NULL, 0, now);
    car_net_say(serve->config, "the guest asks for its address itself, by DHCP: frames pass as "
                               "they are, and all of its ports are open");
    if (car_serve_address(serve, why) || car_serve_without_address(serve, why) ||
        car_serve_rules(serve, why))
        return -1;
    put_frame(&serve->nic, question, len);
    return 0;
}

static void say_no_dhcp(struct car_serve *serve)
{
    if (serve->said_dhcp)
        return;
    serve->said_dhcp = true;
    car_net_say(serve->config, "the guest asks for an address by DHCP, which NAT does not give it: "
                               "it needs net auto or net direct");
}

int car_serve_hear(struct car_serve *serve, uint64_t now_ms, struct car_why *why)
{
    uint8_t frame[FRAME_BYTES];
    struct car_heard_arp heard;

    for (int i = 0; i < FRAMES_MAX; i++) {
        int len = car_packet_frame(serve->listen_fd, frame, sizeof frame);
        enum car_heard what =
            len < 0 ? CAR_HEARD_NOTHING : car_packet_hear(frame, (size_t)len, &heard);

        if (len < 0)
            return 0;
        if (what == CAR_HEARD_ADDRESS) {
            if (know(serve, heard.ip, "learned from its ARP", now_ms, why))
                return -1;
            if (heard.target != 0 && serve->cloud != 0)
                answer(serve, &heard);
            return 0;
        }
        if (what == CAR_HEARD_DHCP && serve->config->mode == CAR_NET_AUTO)
            return stand_aside(serve, frame, (size_t)len, now_ms, why);
        if (what == CAR_HEARD_DHCP)
            say_no_dhcp(serve);
    }
    return 0;
}

void car_serve_silence(struct car_serve *serve, uint64_t now_ms)
{
    if (serve->listen_fd < 0 || now_ms < serve->silence_ms)
        return;
    serve->silence_ms = UINT64_MAX;
    car_net_say(serve->config,
                "the guest has not said its address in 10 s (no ARP%s); one that waits "
                "to be asked needs it in the configuration",
                serve->config->mode == CAR_NET_AUTO ? ", no DHCP" : "");
}
