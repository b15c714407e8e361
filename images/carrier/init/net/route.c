/* SPDX-License-Identifier: ISC */
#include "route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "text.h"

#define ANSWER_BYTES 8192
#define ANSWERS_MAX 16 /* datagrams looked at for one acknowledgement */
#define PATIENCE_S 5

int car_route_open(struct car_route *route, struct car_why *why)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int on = 1;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return car_why_errno(why, "no netlink socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    *route = (struct car_route){.fd = fd};
    return 0;
}

void car_route_close(struct car_route *route)
{
    close(route->fd);
}

/* 0, or an errno. */
static int exchange(struct car_route *route, const struct car_nl *nl, struct car_nl_answer *ret)
{
    _Alignas(4) uint8_t answer[ANSWER_BYTES];

    if (send(route->fd, nl->bytes, nl->len, 0) != (ssize_t)nl->len)
        return errno;
    for (int i = 0; i < ANSWERS_MAX; i++) {
        ssize_t len = recv(route->fd, answer, sizeof answer, 0);

        if (len < 0 && errno != EINTR)
            return EIO;
        if (len >= 0 && car_nl_read(answer, (size_t)len, route->seq, ret))
            return 0;
    }
    return EIO;
}

void car_route_ask(struct car_route *route, struct car_nl *nl, struct car_nl_answer *ret)
{
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)nl->bytes;
    int error;

    header->nlmsg_seq = ++route->seq;
    error = nl->full ? EMSGSIZE : exchange(route, nl, ret);
    if (error != 0)
        *ret = (struct car_nl_answer){.error = -error};
}

/* Asks, and makes of a refusal a reason; `fine` is an errno that is none. */
static int demand(struct car_route *route, struct car_nl *nl, int fine, struct car_why *why,
                  const char *what)
{
    struct car_nl_answer answer;

    car_route_ask(route, nl, &answer);
    if (answer.error == 0 || answer.error == -fine)
        return 0;
    errno = -answer.error;
    return answer.reason[0] != '\0' ? car_why_errno(why, "%s: %s", what, answer.reason)
                                    : car_why_errno(why, "%s", what);
}

int car_route_up(struct car_route *route, int index, struct car_why *why)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
                             .ifi_index = index,
                             .ifi_flags = IFF_UP | IFF_ALLMULTI,
                             .ifi_change = IFF_UP | IFF_ALLMULTI};
    struct car_nl nl;

    car_nl_begin(&nl, RTM_NEWLINK, 0, &link, sizeof link);
    return demand(route, &nl, 0, why, "the device cannot be brought up");
}

int car_route_mtu(struct car_route *route, int index, unsigned bytes, struct car_why *why)
{
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = index};
    struct car_nl nl;

    car_nl_begin(&nl, RTM_NEWLINK, 0, &link, sizeof link);
    car_nl_u32(&nl, IFLA_MTU, bytes);
    return demand(route, &nl, 0, why, "the device refuses the MTU");
}

int car_route_address(struct car_route *route, int index, uint32_t ip, unsigned prefix, bool add,
                      struct car_why *why)
{
    struct ifaddrmsg address = {
        .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix, .ifa_index = (unsigned)index};
    uint32_t wire = htonl(ip);
    struct car_nl nl;

    car_nl_begin(&nl, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_REPLACE : 0,
                 &address, sizeof address);
    car_nl_put(&nl, IFA_LOCAL, &wire, sizeof wire);
    car_nl_put(&nl, IFA_ADDRESS, &wire, sizeof wire);
    return demand(route, &nl, add ? EEXIST : EADDRNOTAVAIL, why,
                  add ? "the address is refused" : "the address stays");
}

int car_route_route(struct car_route *route, int index, uint32_t target, unsigned prefix,
                    uint32_t gateway, struct car_why *why)
{
    struct rtmsg message = {.rtm_family = AF_INET,
                            .rtm_dst_len = (uint8_t)prefix,
                            .rtm_table = RT_TABLE_MAIN,
                            .rtm_protocol = RTPROT_DHCP,
                            .rtm_scope = gateway != 0 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                            .rtm_type = RTN_UNICAST,
                            .rtm_flags = gateway != 0 ? RTNH_F_ONLINK : 0};
    uint32_t wire_target = htonl(target);
    uint32_t wire_gateway = htonl(gateway);
    struct car_nl nl;

    car_nl_begin(&nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &message, sizeof message);
    if (prefix > 0)
        car_nl_put(&nl, RTA_DST, &wire_target, sizeof wire_target);
    if (gateway != 0)
        car_nl_put(&nl, RTA_GATEWAY, &wire_gateway, sizeof wire_gateway);
    car_nl_u32(&nl, RTA_OIF, (uint32_t)index);
    return demand(route, &nl, EEXIST, why, "the route is refused");
}

int car_route_hooks(struct car_route *route, int index, struct car_why *why)
{
    struct tcmsg tc = {.tcm_family = AF_UNSPEC,
                       .tcm_ifindex = index,
                       .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
                       .tcm_parent = TC_H_CLSACT};
    struct car_nl_answer ignored;
    struct car_nl nl;

    car_nl_begin(&nl, RTM_DELQDISC, 0, &tc, sizeof tc);
    car_route_ask(route, &nl, &ignored); /* there may be none */
    car_nl_begin(&nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc, sizeof tc);
    car_nl_text(&nl, TCA_KIND, "clsact");
    return demand(route, &nl, 0, why, "no place for rules (is the module sch_ingress loaded?)");
}

static int change_rule(struct car_route *route, int index, const struct car_rule *rule,
                       size_t place, bool add, struct car_why *why)
{
    char what[96];
    struct car_nl nl;

    (void)snprintf(what, sizeof what,
                   "rule %zu of device %d (cls_u32, act_gact, act_mirred, act_nat loaded?)", place,
                   index);
    car_rule_message(rule, index, place, add, &nl);
    return demand(route, &nl, 0, why, what);
}

int car_route_rules(struct car_route *route, int index, struct car_rules *now,
                    const struct car_rules *next, struct car_why *why)
{
    for (size_t i = 0; i < CAR_RULES_MAX; i++) {
        struct car_rule *old = &now->rules[i];
        const struct car_rule *rule = &next->rules[i];

        if (car_rule_same(old, rule))
            continue;
        if (old->used && change_rule(route, index, old, i, false, why))
            return -1;
        old->used = false;
        if (rule->used && change_rule(route, index, rule, i, true, why))
            return -1;
        *old = *rule;
    }
    return 0;
}

int car_route_switch(const char *path, const char *device, const char *value, struct car_why *why)
{
    char name[128] = "/proc/sys/net/";
    const char *hole = strstr(path, "%s");
    size_t len = strlen(name);
    int fd;

    if (hole == NULL)
        (void)snprintf(name + len, sizeof name - len, "%s", path);
    else
        (void)snprintf(name + len, sizeof name - len, "%.*s%s%s", (int)(hole - path), path, device,
                       hole + 2);
    fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return car_why_errno(why, "%s", name);
    if (write(fd, value, strlen(value)) < 0) {
        (void)car_why_errno(why, "%s", name);
        close(fd);
        return -1;
    }
    close(fd);
    return 0;
}
