/* SPDX-License-Identifier: ISC */
#include "rules.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_nat.h>
#include <netinet/in.h>
#include <string.h>

#define IMDS_V4 0xa9fea9feU /* 169.254.169.254 */

/* Places, in the order in which they are looked at. */
enum nic_place {
    NIC_DHCP,
    NIC_PEERS,
    NIC_OPTIONS = NIC_PEERS + CAR_OWN_PEERS_MAX,
    NIC_OPTIONS_LONG,
    NIC_FRAGMENT,
    NIC_ANSWER,
    NIC_ANSWER_ICMP,
    NIC_OPEN,
    NIC_SYN = NIC_OPEN + CAR_NET_PORTS_MAX,
    NIC_UDP_LOW,
    NIC_ALL,
    NIC_LEAVING,
    NIC_CLOSED,
    NIC_V6_OPEN,
    NIC_V6_SYN = NIC_V6_OPEN + CAR_NET_PORTS_MAX,
    NIC_V6_TCP,
    NIC_V6_DHCP,
    NIC_V6_UDP_LOW,
    NIC_V6_UDP,
    NIC_V6_ICMP,
    NIC_V6_MULTICAST,
    NIC_V6_ALL,
    NIC_END
};
_Static_assert(NIC_END <= CAR_RULES_MAX, "more places than rules");

enum guest_place { GUEST_IMDS, GUEST_IMDS_V6, GUEST_TAGGED, GUEST_TAGGED_TWICE, GUEST_ALL };

/*
 * Bytes of the headers, from the network header. An IPv4 header has 20 bytes here, always: packets
 * whose header is longer have been dropped by then.
 */
static const struct car_rule_key v4_tcp = {0x00ff0000, IPPROTO_TCP << 16, 8};
static const struct car_rule_key v4_udp = {0x00ff0000, IPPROTO_UDP << 16, 8};
static const struct car_rule_key v4_icmp = {0x00ff0000, IPPROTO_ICMP << 16, 8};
static const struct car_rule_key v4_first = {0x00001fff, 0, 4}; /* has the ports in it */
static const struct car_rule_key v4_syn = {0x00120000, 0x00020000, 32};
/* clang-format off */
#define V6_TCP {0x0000ff00, IPPROTO_TCP << 8, 4}
#define V6_UDP {0x0000ff00, IPPROTO_UDP << 8, 4}
/* clang-format on */
static const struct car_rule_key v6_tcp = V6_TCP;
static const struct car_rule_key v6_udp = V6_UDP;

static struct car_rule *use(struct car_rules *rules, size_t place, uint16_t protocol,
                            enum car_rule_then then)
{
    struct car_rule *rule = &rules->rules[place];

    *rule = (struct car_rule){.used = true, .protocol = protocol, .then = then};
    return rule;
}

static void key(struct car_rule *rule, struct car_rule_key next)
{
    if (rule->keys_n < CAR_RULE_KEYS_MAX)
        rule->keys[rule->keys_n++] = next;
}

/* Packets with options: two masks say "longer than five words". */
static void drop_odd_headers(struct car_rules *rules)
{
    struct car_rule *rule = use(rules, NIC_OPTIONS, ETH_P_IP, CAR_RULE_DROP);

    key(rule, (struct car_rule_key){0x0e000000, 0x06000000, 0});
    rule = use(rules, NIC_OPTIONS_LONG, ETH_P_IP, CAR_RULE_DROP);
    key(rule, (struct car_rule_key){0x08000000, 0x08000000, 0});
    /* A first fragment too short for the flags, and the second that brings them (RFC 3128). */
    rule = use(rules, NIC_FRAGMENT, ETH_P_IP, CAR_RULE_DROP);
    key(rule, v4_tcp);
    key(rule, (struct car_rule_key){0x00001fff, 1, 4});
}

/* Answers of our own servers. */
static void keep_peers(const struct car_rules_facts *facts, struct car_rules *rules)
{
    for (size_t i = 0; i < facts->peers_n; i++) {
        const struct car_own_peer *peer = &facts->peers[i];
        struct car_rule *rule = use(rules, NIC_PEERS + i, ETH_P_IP, CAR_RULE_PASS);
        uint32_t ports = 0xffff0000U | (0xffffU & ~(CAR_OWN_PORTS - 1));

        key(rule, (struct car_rule_key){0x0f000000, 0x05000000, 0});
        key(rule, peer->udp ? v4_udp : v4_tcp);
        key(rule, v4_first);
        key(rule, (struct car_rule_key){0xffffffff, peer->ip, 12});
        key(rule,
            (struct car_rule_key){ports, (uint32_t)peer->port << 16 | CAR_OWN_PORT_FIRST, 20});
    }
}

static void translate(struct car_rule *rule, const struct car_rules_facts *facts)
{
    rule->cloud = facts->cloud;
    rule->guest = facts->guest;
}

static void open_ports(const struct car_rules_facts *facts, struct car_rules *rules)
{
    const struct car_net_config *config = facts->config;

    for (size_t i = 0; i < config->ports_n && i < CAR_NET_PORTS_MAX; i++) {
        const struct car_net_port *port = &config->ports[i];
        struct car_rule *rule = use(rules, NIC_OPEN + i, ETH_P_IP, CAR_RULE_TO_GUEST);

        translate(rule, facts);
        key(rule, port->udp ? v4_udp : v4_tcp);
        key(rule, v4_first);
        key(rule, (struct car_rule_key){0x0000ffff, port->number, 20});
        rule = use(rules, NIC_V6_OPEN + i, ETH_P_IPV6, CAR_RULE_REDIRECT);
        rule->other = facts->interface;
        key(rule, port->udp ? v6_udp : v6_tcp);
        key(rule, (struct car_rule_key){0x0000ffff, port->number, 40});
    }
}

/* The port that the carrier has taken over, and what routers say of its connections: "fragmentation
 * needed" would be lost on the guest. */
static void keep_answer(const struct car_rules_facts *facts, struct car_rules *rules)
{
    struct car_rule *rule = use(rules, NIC_ANSWER, ETH_P_IP, CAR_RULE_PASS);

    key(rule, v4_tcp);
    key(rule, v4_first);
    key(rule, (struct car_rule_key){0x0000ffff, facts->answer, 20});
    rule = use(rules, NIC_ANSWER_ICMP, ETH_P_IP, CAR_RULE_PASS);
    key(rule, v4_icmp);
    key(rule, v4_first);
    key(rule, (struct car_rule_key){0xff000000, (uint32_t)ICMP_DEST_UNREACH << 24, 20});
    key(rule, (struct car_rule_key){0x0f000000, 0x05000000, 28}); /* in it: the packet's head */
    key(rule, (struct car_rule_key){0x00ff0000, IPPROTO_TCP << 16, 36});
    key(rule, (struct car_rule_key){0xffff0000, (uint32_t)facts->answer << 16, 48});
}

static void let_in(const struct car_rules_facts *facts, struct car_rules *rules)
{
    struct car_rule *rule = use(rules, NIC_SYN, ETH_P_IP, CAR_RULE_DROP);

    key(rule, v4_tcp);
    key(rule, v4_first);
    key(rule, v4_syn);
    rule = use(rules, NIC_UDP_LOW, ETH_P_IP, CAR_RULE_DROP);
    key(rule, v4_udp);
    key(rule, v4_first);
    key(rule, (struct car_rule_key){0x0000fc00, 0, 20});
    translate(use(rules, NIC_ALL, ETH_P_IP, CAR_RULE_TO_GUEST), facts);
    rule = use(rules, NIC_LEAVING, ETH_P_IP, CAR_RULE_TO_CLOUD);
    rule->leaving = true;
    translate(rule, facts);
}

/*
 * IPv6 has nothing to translate: the guest has the NIC's MAC, so its own IPv6 works as in DIRECT.
 * What hides its ports behind extension headers or in fragments is dropped, but for multicast
 * listener queries (RFC 3810), which come with a hop-by-hop header.
 */
static void let_in_v6(const struct car_rules_facts *facts, struct car_rules *rules)
{
    static const struct {
        enum nic_place place;
        enum car_rule_then then;
        struct car_rule_key keys[2];
        size_t keys_n;
    } table[] = {
        {NIC_V6_SYN, CAR_RULE_DROP, {V6_TCP, {0x00120000, 0x00020000, 52}}, 2},
        {NIC_V6_TCP, CAR_RULE_REDIRECT, {V6_TCP}, 1},
        {NIC_V6_DHCP, CAR_RULE_REDIRECT, {V6_UDP, {0x0000ffff, 546, 40}}, 2},
        {NIC_V6_UDP_LOW, CAR_RULE_DROP, {V6_UDP, {0x0000fc00, 0, 40}}, 2},
        {NIC_V6_UDP, CAR_RULE_REDIRECT, {V6_UDP}, 1},
        {NIC_V6_ICMP, CAR_RULE_REDIRECT, {{0x0000ff00, IPPROTO_ICMPV6 << 8, 4}}, 1},
        {NIC_V6_MULTICAST,
         CAR_RULE_REDIRECT,
         {{0x0000ff00, IPPROTO_HOPOPTS << 8, 4}, {0xff000000, (uint32_t)IPPROTO_ICMPV6 << 24, 40}},
         2},
        {NIC_V6_ALL, CAR_RULE_DROP, {{0, 0, 0}}, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct car_rule *rule = use(rules, table[i].place, ETH_P_IPV6, table[i].then);

        if (table[i].then == CAR_RULE_REDIRECT)
            rule->other = facts->interface;
        for (size_t k = 0; k < table[i].keys_n; k++)
            key(rule, table[i].keys[k]);
    }
}

/* The client reads below this, from the device itself; nobody else is to see its answers. */
static void keep_dhcp(struct car_rules *rules)
{
    struct car_rule *rule = use(rules, NIC_DHCP, ETH_P_IP, CAR_RULE_DROP);

    key(rule, (struct car_rule_key){0x0f000000, 0x05000000, 0});
    key(rule, v4_udp);
    key(rule, v4_first);
    key(rule, (struct car_rule_key){0x0000ffff, 68, 20});
}

void car_rules_nic(const struct car_rules_facts *facts, struct car_rules *ret)
{
    memset(ret, 0, sizeof *ret);
    if (facts->cloud != 0)
        keep_dhcp(ret);
    if (facts->direct) {
        use(ret, NIC_ALL, ETH_P_ALL, CAR_RULE_REDIRECT)->other = facts->interface;
        return;
    }
    keep_peers(facts, ret);
    if (facts->interface != 0) {
        open_ports(facts, ret);
        let_in_v6(facts, ret);
    }
    if (facts->cloud == 0 || facts->guest == 0) {
        for (size_t i = 0; i < CAR_NET_PORTS_MAX; i++)
            ret->rules[NIC_OPEN + i].used = false;
        (void)use(ret, NIC_CLOSED, ETH_P_IP, CAR_RULE_DROP);
        return;
    }
    drop_odd_headers(ret);
    if (facts->answer != 0)
        keep_answer(facts, ret);
    let_in(facts, ret);
}

static void keep_from_imds(struct car_rules *rules)
{
    struct car_rule *rule = use(rules, GUEST_IMDS, ETH_P_IP, CAR_RULE_DROP);

    key(rule, (struct car_rule_key){0xffffffff, IMDS_V4, 16});
    rule = use(rules, GUEST_IMDS_V6, ETH_P_IPV6, CAR_RULE_DROP); /* fd00:ec2::254 */
    key(rule, (struct car_rule_key){0xffffffff, 0xfd000ec2, 24});
    key(rule, (struct car_rule_key){0xffffffff, 0, 28});
    key(rule, (struct car_rule_key){0xffffffff, 0, 32});
    key(rule, (struct car_rule_key){0xffffffff, 0x00000254, 36});
    (void)use(rules, GUEST_TAGGED, ETH_P_8021Q, CAR_RULE_DROP);
    (void)use(rules, GUEST_TAGGED_TWICE, ETH_P_8021AD, CAR_RULE_DROP);
}

void car_rules_guest(const struct car_rules_facts *facts, struct car_rules *ret)
{
    memset(ret, 0, sizeof *ret);
    if (!facts->config->imds)
        keep_from_imds(ret);
    use(ret, GUEST_ALL, facts->direct ? ETH_P_ALL : ETH_P_IPV6, CAR_RULE_REDIRECT)->other =
        facts->nic;
}

static bool same_keys(const struct car_rule *a, const struct car_rule *b)
{
    for (size_t i = 0; i < a->keys_n; i++)
        if (a->keys[i].mask != b->keys[i].mask || a->keys[i].value != b->keys[i].value ||
            a->keys[i].offset != b->keys[i].offset)
            return false;
    return true;
}

bool car_rule_same(const struct car_rule *a, const struct car_rule *b)
{
    if (!a->used && !b->used)
        return true;
    return a->used == b->used && a->leaving == b->leaving && a->protocol == b->protocol &&
           a->then == b->then && a->cloud == b->cloud && a->guest == b->guest &&
           a->other == b->other && a->keys_n == b->keys_n && same_keys(a, b);
}

/* --- the message --- */

static void put_action(const struct car_rule *rule, struct car_nl *nl)
{
    struct tc_gact gact = {.action = rule->then == CAR_RULE_DROP ? TC_ACT_SHOT : TC_ACT_OK};
    struct tc_mirred mirred = {
        .action = TC_ACT_STOLEN, .eaction = TCA_EGRESS_REDIR, .ifindex = (uint32_t)rule->other};
    bool leaving = rule->then == CAR_RULE_TO_CLOUD;
    struct tc_nat nat = {.action = TC_ACT_OK,
                         .old_addr = htonl(leaving ? rule->guest : rule->cloud),
                         .new_addr = htonl(leaving ? rule->cloud : rule->guest),
                         .mask = 0xffffffff,
                         .flags = leaving ? TCA_NAT_FLAG_EGRESS : 0};
    const struct {
        const char *kind;
        uint16_t attribute;
        const void *data;
        size_t len;
    } table[] = {
        [CAR_RULE_DROP] = {"gact", TCA_GACT_PARMS, &gact, sizeof gact},
        [CAR_RULE_PASS] = {"gact", TCA_GACT_PARMS, &gact, sizeof gact},
        [CAR_RULE_TO_GUEST] = {"nat", TCA_NAT_PARMS, &nat, sizeof nat},
        [CAR_RULE_TO_CLOUD] = {"nat", TCA_NAT_PARMS, &nat, sizeof nat},
        [CAR_RULE_REDIRECT] = {"mirred", TCA_MIRRED_PARMS, &mirred, sizeof mirred},
    };
    size_t actions = car_nl_nest(nl, TCA_U32_ACT);
    size_t first = car_nl_nest(nl, 1);
    size_t options;

    car_nl_text(nl, TCA_ACT_KIND, table[rule->then].kind);
    options = car_nl_nest(nl, TCA_ACT_OPTIONS);
    car_nl_put(nl, table[rule->then].attribute, table[rule->then].data, table[rule->then].len);
    car_nl_close(nl, options);
    car_nl_close(nl, first);
    car_nl_close(nl, actions);
}

static void put_selector(const struct car_rule *rule, struct car_nl *nl)
{
    struct tc_u32_sel selector = {.flags = TC_U32_TERMINAL};
    struct tc_u32_key keys[CAR_RULE_KEYS_MAX] = {0}; /* none asked for: one that always matches */
    uint8_t bytes[sizeof selector + sizeof keys];
    size_t count = rule->keys_n > 0 ? rule->keys_n : 1;

    for (size_t i = 0; i < rule->keys_n; i++) {
        keys[i].mask = htonl(rule->keys[i].mask);
        keys[i].val = htonl(rule->keys[i].value);
        keys[i].off = rule->keys[i].offset;
    }
    selector.nkeys = (unsigned char)count;
    memcpy(bytes, &selector, sizeof selector);
    memcpy(bytes + sizeof selector, keys, count * sizeof keys[0]);
    car_nl_put(nl, TCA_U32_SEL, bytes, sizeof selector + count * sizeof keys[0]);
}

void car_rule_message(const struct car_rule *rule, int index, size_t place, bool add,
                      struct car_nl *nl)
{
    uint32_t hook = rule->leaving ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS;
    struct tcmsg tc = {.tcm_family = AF_UNSPEC,
                       .tcm_ifindex = index,
                       .tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook),
                       .tcm_info = TC_H_MAKE((uint32_t)(place + 1) << 16, htons(rule->protocol))};
    size_t options;

    car_nl_begin(nl, add ? RTM_NEWTFILTER : RTM_DELTFILTER, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
                 &tc, sizeof tc);
    car_nl_text(nl, TCA_KIND, "u32");
    if (!add)
        return;
    options = car_nl_nest(nl, TCA_OPTIONS);
    put_selector(rule, nl);
    put_action(rule, nl);
    car_nl_close(nl, options);
}
