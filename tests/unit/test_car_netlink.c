/* SPDX-License-Identifier: ISC */
/* Netlink messages and the rules in them, byte by byte: the format of little-endian machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>

#include "netlink.h"
#include "rules.h"

static void a_message(void **state)
{
    static const uint8_t expected[] = {
        44, 0, 0, 0, 16,   0,    5,    4,    0, 0, 0, 0, 0, 0, 0, 0, /* header */
        1,  2, 3, 0,                                                 /* fixed part, rounded up */
        7,  0, 1, 0, 'l',  'o',  0,    0,                            /* text with its zero */
        16, 0, 2, 0,                                                 /* a nest */
        8,  0, 3, 0, 0x78, 0x56, 0x34, 0x12,                         /* number inside */
        4,  0, 9, 0,                                                 /* and nothing */
    };
    static const uint8_t fixed[3] = {1, 2, 3};
    struct car_nl nl;
    size_t nest;

    car_nl_begin(&nl, 16, NLM_F_CREATE, fixed, sizeof fixed);
    car_nl_text(&nl, 1, "lo");
    nest = car_nl_nest(&nl, 2);
    car_nl_u32(&nl, 3, 0x12345678);
    car_nl_put(&nl, 9, NULL, 0);
    car_nl_close(&nl, nest);
    assert_false(nl.full);
    assert_int_equal(nl.len, sizeof expected);
    assert_memory_equal(nl.bytes, expected, sizeof expected);
}

static void too_much(void **state)
{
    static const uint8_t large[CAR_NL_BYTES];
    struct car_nl nl;
    size_t nest;

    car_nl_begin(&nl, 16, 0, large, 16);
    nest = car_nl_nest(&nl, 1);
    car_nl_put(&nl, 2, large, CAR_NL_BYTES - 16 - 16 - 4 - 3); /* one byte more than there is */
    assert_true(nl.full);
    car_nl_close(&nl, nest);
    car_nl_put(&nl, 3, large, 0);
    assert_true(nl.full);
    assert_int_equal(nl.len, 36);
    car_nl_begin(&nl, 16, 0, large, 16);
    car_nl_put(&nl, 2, large, CAR_NL_BYTES - 16 - 16 - 4);
    assert_false(nl.full);
    assert_int_equal(nl.len, CAR_NL_BYTES);
}

/* The kernel's answer to message 7: an error, the question's head, a text. */
static size_t refusal(uint8_t *bytes, uint16_t flags, uint32_t question_len)
{
    struct nlmsghdr question = {.nlmsg_len = question_len, .nlmsg_seq = 7};
    struct nlmsghdr header = {.nlmsg_type = NLMSG_ERROR, .nlmsg_flags = flags, .nlmsg_seq = 7};
    struct nlattr text = {.nla_len = 4 + 5, .nla_type = NLMSGERR_ATTR_MSG};
    struct nlattr place = {.nla_len = 8, .nla_type = NLMSGERR_ATTR_OFFS};
    int error = -22;
    size_t at = sizeof header;

    memset(bytes, 0, 128);
    memcpy(bytes + at, &error, sizeof error);
    at += sizeof error;
    memcpy(bytes + at, &question, sizeof question);
    at += (flags & NLM_F_CAPPED) != 0 ? sizeof question : question_len;
    memcpy(bytes + at, &place, sizeof place);
    at += 8;
    memcpy(bytes + at, &text, sizeof text);
    memcpy(bytes + at + 4, "why?", 5);
    at += 12;
    header.nlmsg_len = (uint32_t)at;
    memcpy(bytes, &header, sizeof header);
    return at;
}

static void refused(void **state)
{
    uint8_t bytes[256];
    struct car_nl_answer answer;
    size_t len = refusal(bytes, NLM_F_ACK_TLVS | NLM_F_CAPPED, 48);

    assert_true(car_nl_read(bytes, len, 7, &answer));
    assert_int_equal(answer.error, -22);
    assert_string_equal(answer.reason, "why?");
    len = refusal(bytes, NLM_F_ACK_TLVS, 48);
    assert_true(car_nl_read(bytes, len, 7, &answer));
    assert_string_equal(answer.reason, "why?");
    len = refusal(bytes, 0, 48);
    assert_true(car_nl_read(bytes, len, 7, &answer));
    assert_string_equal(answer.reason, "");
    assert_false(car_nl_read(bytes, len, 8, &answer));
}

/* Whatever is cut off or lies about its length is no answer, and is not read past. */
static void cut(void **state)
{
    uint8_t bytes[256];
    struct car_nl_answer answer;
    size_t len = refusal(bytes, NLM_F_ACK_TLVS | NLM_F_CAPPED, 48);

    for (size_t i = 0; i < len; i++) {
        uint8_t *exact = malloc(i + 1);

        assert_non_null(exact);
        memcpy(exact, bytes, i);
        assert_false(car_nl_read(exact, i, 7, &answer));
        free(exact);
    }
    for (uint32_t claimed = 0; claimed < 200; claimed++) {
        uint8_t *exact = malloc(len);

        assert_non_null(exact);
        memcpy(exact, bytes, len);
        memcpy(exact + 20, &claimed, sizeof claimed); /* the question's own length */
        (void)car_nl_read(exact, len, 7, &answer);
        free(exact);
    }
}

/* A message of another kind comes first. */
static void second_in_datagram(void **state)
{
    struct nlmsghdr other = {.nlmsg_len = 18, .nlmsg_type = 16};
    uint8_t bytes[256] = {0};
    struct car_nl_answer answer;
    size_t len;

    memcpy(bytes, &other, sizeof other);
    len = refusal(bytes + 20, 0, 16);
    assert_true(car_nl_read(bytes, 20 + len, 7, &answer));
    assert_int_equal(answer.error, -22);
}

/* --- rules --- */

static struct car_net_config config = {
    .mode = CAR_NET_NAT, .ports = {{80, false}, {53, true}}, .ports_n = 2};

static struct car_rules_facts nat_facts(void)
{
    return (struct car_rules_facts){.config = &config,
                                    .nic = 2,
                                    .interface = 3,
                                    .cloud = 0x0a000005,
                                    .guest = 0x2e2b2a89,
                                    .peers = {{0x0a000001, 8420, false}},
                                    .peers_n = 1};
}

/* What the bytes of the one rule that drops the metadata service are. */
static void a_rule(void **state)
{
    static const uint8_t
        expected[] =
            {
                0x84, 0,    0,    0,    0x2c, 0,   5,    6,   0,    0, 0,    0, 0,    0,
                0,    0, /* new, exclusive */
                0,    0,    0,    0,    3,    0,   0,    0,   0,    0, 0,    0, 0xf2, 0xff,
                0xff, 0xff,          /* device 3, ingress */
                8,    0,    1,    0, /* IPv4, priority 1 */
                8,    0,    1,    0,    'u',  '3', '2',  0,   0x58, 0, 2,    0, /* kind, options */
                0x24, 0,    5,    0,    1,    0,   1,    0,   0,    0, 0,    0, 0,    0,
                0,    0,    0,    0,    0,    0, /* one key, final */
                0xff, 0xff, 0xff, 0xff, 169,  254, 169,  254, 16,   0, 0,    0, 0,    0,
                0,    0, /* destination */
                0x30, 0,    7,    0,    0x2c, 0,   1,    0,   9,    0, 1,    0, 'g',  'a',
                'c',  't',  0,    0,    0,    0,   0x1c, 0,   2,    0, 0x18, 0, 2,    0,
                0,    0,    0,    0,    0,    0,   0,    0,   2,    0, 0,    0, /* shot */
                0,    0,    0,    0,    0,    0,   0,    0,
            };
    struct car_rules_facts facts = nat_facts();
    struct car_rules rules;
    struct car_nl nl;

    car_rules_guest(&facts, &rules);
    car_rule_message(&rules.rules[0], 3, 0, true, &nl);
    assert_int_equal(nl.len, sizeof expected);
    assert_memory_equal(nl.bytes, expected, sizeof expected);
    car_rule_message(&rules.rules[0], 3, 0, false, &nl);
    assert_int_equal(nl.len, 44); /* priority and protocol say which one goes */
    assert_int_equal(nl.bytes[4], 0x2d);
}

/* A packet, judged as the kernel would: the first rule whose keys all match. */
static int judge(const struct car_rules *rules, bool leaving, uint16_t protocol,
                 const uint8_t *packet, size_t len)
{
    for (size_t i = 0; i < CAR_RULES_MAX; i++) {
        const struct car_rule *rule = &rules->rules[i];
        bool match = rule->used && rule->leaving == leaving &&
                     (rule->protocol == protocol || rule->protocol == ETH_P_ALL);

        for (size_t k = 0; match && k < rule->keys_n; k++) {
            size_t at = (size_t)rule->keys[k].offset;
            uint32_t word;

            match = at + 4 <= len;
            if (match) {
                word = (uint32_t)packet[at] << 24 | (uint32_t)packet[at + 1] << 16 |
                       (uint32_t)packet[at + 2] << 8 | packet[at + 3];
                match = (word & rule->keys[k].mask) == rule->keys[k].value;
            }
        }
        if (match)
            return (int)rule->then;
    }
    return -1;
}

#define NOTHING (-1)

struct sample {
    const char *what;
    uint8_t protocol, head, fragment; /* head: words; fragment: in eights */
    uint32_t from;
    uint16_t sport, dport;
    uint8_t flags;    /* of TCP */
    int open, closed; /* what then: with the guest known, and before */
};

static const struct sample samples[] = {
    {"SYN to an open port", 6, 5, 0, 1, 999, 80, 0x02, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"SYN to a closed port", 6, 5, 0, 1, 999, 81, 0x02, CAR_RULE_DROP, CAR_RULE_DROP},
    {"SYN with more flags", 6, 5, 0, 1, 999, 81, 0xc2, CAR_RULE_DROP, CAR_RULE_DROP},
    {"SYN with FIN", 6, 5, 0, 1, 999, 81, 0x03, CAR_RULE_DROP, CAR_RULE_DROP},
    {"answer to the guest's SYN", 6, 5, 0, 1, 443, 50000, 0x12, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"middle of a connection", 6, 5, 0, 1, 443, 50000, 0x10, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"SYN behind options", 6, 6, 0, 1, 0, 0, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"a longer header", 6, 7, 0, 1, 0, 0, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"a long header", 6, 8, 0, 1, 0, 0, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"the longest header", 6, 15, 0, 1, 0, 0, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"flags in a second fragment", 6, 5, 1, 1, 0, 0, 2, CAR_RULE_DROP, CAR_RULE_DROP},
    {"a later fragment", 6, 5, 100, 1, 0, 81, 2, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"UDP to an open port", 17, 5, 0, 1, 999, 53, 0, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"UDP to a low port", 17, 5, 0, 1, 999, 123, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"UDP to the last low port", 17, 5, 0, 1, 999, 1023, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"UDP to a high port", 17, 5, 0, 1, 53, 1024, 0, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"DHCP", 17, 5, 0, 1, 67, 68, 0, CAR_RULE_DROP, CAR_RULE_DROP},
    {"ICMP", 1, 5, 0, 1, 0, 0, 0, CAR_RULE_TO_GUEST, CAR_RULE_DROP},
    {"the registry", 6, 5, 0, 0x0a000001, 8420, 61024, 0x12, CAR_RULE_PASS, CAR_RULE_PASS},
    {"the registry, last port", 6, 5, 0, 0x0a000001, 8420, 61055, 0x10, CAR_RULE_PASS,
     CAR_RULE_PASS},
    {"the registry, no port of ours", 6, 5, 0, 0x0a000001, 8420, 61056, 0x10, CAR_RULE_TO_GUEST,
     CAR_RULE_DROP},
    {"somebody else's 8420", 6, 5, 0, 0x0a000002, 8420, 61024, 0x10, CAR_RULE_TO_GUEST,
     CAR_RULE_DROP},
    {"another port of it", 6, 5, 0, 0x0a000001, 8421, 61024, 0x10, CAR_RULE_TO_GUEST,
     CAR_RULE_DROP},
};

static void what_comes_in(void **state)
{
    struct car_rules_facts facts = nat_facts();
    struct car_rules open, closed;

    car_rules_nic(&facts, &open);
    facts.guest = 0;
    car_rules_nic(&facts, &closed);
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *s = &samples[i];
        uint8_t packet[96] = {(uint8_t)(0x40 | s->head)};
        uint8_t *above = packet + (size_t)s->head * 4;

        packet[7] = s->fragment;
        packet[9] = s->protocol;
        for (int b = 0; b < 4; b++)
            packet[12 + b] = (uint8_t)(s->from >> (24 - 8 * b));
        above[0] = (uint8_t)(s->sport >> 8);
        above[1] = (uint8_t)s->sport;
        above[2] = (uint8_t)(s->dport >> 8);
        above[3] = (uint8_t)s->dport;
        above[13] = s->flags;
        if (judge(&open, false, ETH_P_IP, packet, sizeof packet) != s->open ||
            judge(&closed, false, ETH_P_IP, packet, sizeof packet) != s->closed)
            fail_msg("%s", s->what);
    }
}

struct sample_v6 {
    const char *what;
    uint8_t next, first; /* next header, first byte behind the fixed header */
    uint16_t dport;
    uint8_t flags;
    int then;
};

static void what_comes_in_by_v6(void **state)
{
    static const struct sample_v6 table[] = {
        {"SYN to an open port", 6, 0, 80, 2, CAR_RULE_REDIRECT},
        {"SYN to a closed port", 6, 0, 81, 2, CAR_RULE_DROP},
        {"an answer", 6, 0, 50000, 0x12, CAR_RULE_REDIRECT},
        {"UDP to an open port", 17, 0, 53, 0, CAR_RULE_REDIRECT},
        {"UDP to a low port", 17, 0, 123, 0, CAR_RULE_DROP},
        {"UDP to a high port", 17, 0, 5000, 0, CAR_RULE_REDIRECT},
        {"DHCPv6", 17, 0, 546, 0, CAR_RULE_REDIRECT},
        {"ICMPv6", 58, 135, 0, 0, CAR_RULE_REDIRECT},
        {"a listener query", 0, 58, 0, 0, CAR_RULE_REDIRECT},
        {"TCP behind hop-by-hop", 0, 6, 80, 2, CAR_RULE_DROP},
        {"a fragment", 44, 6, 0, 0, CAR_RULE_DROP},
        {"routing", 43, 6, 0, 0, CAR_RULE_DROP},
        {"destination options", 60, 6, 0, 0, CAR_RULE_DROP},
    };
    struct car_rules_facts facts = nat_facts();
    struct car_rules rules;

    car_rules_nic(&facts, &rules);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t packet[80] = {0x60};

        packet[6] = table[i].next;
        packet[40] = table[i].first;
        packet[42] = (uint8_t)(table[i].dport >> 8);
        packet[43] = (uint8_t)table[i].dport;
        packet[53] = table[i].flags;
        if (judge(&rules, false, ETH_P_IPV6, packet, sizeof packet) != table[i].then)
            fail_msg("%s", table[i].what);
    }
}

static void what_leaves(void **state)
{
    struct car_rules_facts facts = nat_facts();
    struct car_rules rules;
    uint8_t packet[60] = {0x45};
    struct car_nl nl;
    size_t i = 0;

    car_rules_nic(&facts, &rules);
    assert_int_equal(judge(&rules, true, ETH_P_IP, packet, sizeof packet), CAR_RULE_TO_CLOUD);
    assert_int_equal(judge(&rules, true, ETH_P_ARP, packet, sizeof packet), NOTHING);
    assert_int_equal(judge(&rules, false, ETH_P_ARP, packet, sizeof packet), NOTHING);
    while (!rules.rules[i].used || !rules.rules[i].leaving)
        i++;
    car_rule_message(&rules.rules[i], 2, i, true, &nl);
    /* The end of the message: old address, new address, mask, flag of the way out. */
    assert_memory_equal(
        nl.bytes + nl.len - 16,
        ((const uint8_t[]){46, 43, 42, 137, 10, 0, 0, 5, 255, 255, 255, 255, 1, 0, 0, 0}), 16);
}

static void direct(void **state)
{
    struct car_rules_facts facts = {.config = &config, .direct = true, .nic = 2, .interface = 3};
    uint8_t packet[60] = {0x45};
    struct car_rules rules;

    car_rules_nic(&facts, &rules);
    assert_int_equal(judge(&rules, false, ETH_P_ARP, packet, sizeof packet), CAR_RULE_REDIRECT);
    packet[9] = 17;
    packet[23] = 68;
    assert_int_equal(judge(&rules, false, ETH_P_IP, packet, sizeof packet), CAR_RULE_REDIRECT);
    facts.cloud = 0x0a000005; /* the lease is ours, the guest has its address */
    car_rules_nic(&facts, &rules);
    assert_int_equal(judge(&rules, false, ETH_P_IP, packet, sizeof packet), CAR_RULE_DROP);
    car_rules_guest(&facts, &rules);
    assert_int_equal(judge(&rules, false, ETH_P_ARP, packet, sizeof packet), CAR_RULE_REDIRECT);
    assert_int_equal(judge(&rules, false, ETH_P_8021Q, packet, sizeof packet), CAR_RULE_DROP);
    assert_int_equal(judge(&rules, false, ETH_P_8021AD, packet, sizeof packet), CAR_RULE_DROP);
    assert_int_equal(rules.rules[4].other, 2);
}

/* Every rule fits into its message, with as many ports as there can be. */
static void all_fit(void **state)
{
    struct car_net_config full = {.mode = CAR_NET_NAT, .ports_n = CAR_NET_PORTS_MAX};
    struct car_rules_facts facts = nat_facts();
    struct car_rules rules;
    size_t used = 0;

    for (size_t i = 0; i < CAR_NET_PORTS_MAX; i++)
        full.ports[i].number = (uint16_t)(i + 1);
    facts.config = &full;
    facts.peers_n = CAR_OWN_PEERS_MAX;
    car_rules_nic(&facts, &rules);
    for (size_t i = 0; i < CAR_RULES_MAX; i++) {
        struct car_nl nl;

        if (!rules.rules[i].used)
            continue;
        used++;
        assert_true(rules.rules[i].keys_n < CAR_RULE_KEYS_MAX);
        car_rule_message(&rules.rules[i], 2, i, true, &nl);
        assert_false(nl.full);
    }
    assert_int_equal(used, 2 * CAR_NET_PORTS_MAX + CAR_OWN_PEERS_MAX + 16);
}

static void same(void **state)
{
    struct car_rules_facts facts = nat_facts();
    struct car_rules one, two;
    size_t different = 0;

    car_rules_nic(&facts, &one);
    car_rules_nic(&facts, &two);
    for (size_t i = 0; i < CAR_RULES_MAX; i++)
        assert_true(car_rule_same(&one.rules[i], &two.rules[i]));
    facts.peers[0].ip++;
    car_rules_nic(&facts, &two);
    for (size_t i = 0; i < CAR_RULES_MAX; i++)
        different += !car_rule_same(&one.rules[i], &two.rules[i]);
    assert_int_equal(different, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message),
        cmocka_unit_test(too_much),
        cmocka_unit_test(refused),
        cmocka_unit_test(cut),
        cmocka_unit_test(second_in_datagram),
        cmocka_unit_test(a_rule),
        cmocka_unit_test(what_comes_in),
        cmocka_unit_test(what_comes_in_by_v6),
        cmocka_unit_test(what_leaves),
        cmocka_unit_test(direct),
        cmocka_unit_test(all_fit),
        cmocka_unit_test(same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
