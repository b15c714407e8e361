/* SPDX-License-Identifier: ISC */
/*
 * What passes between NIC and guest, as a list of filters for the kernel's traffic control: which
 * bytes of a packet, and what then. Pure: the list is made here, car_rule_message makes of each one
 * the netlink message, route.c sends them.
 *
 * Only u32 filters and the actions nat, mirred and gact are used. The first that matches decides.
 * nat is stateless and knows IPv4 only.
 */
#ifndef CAR_RULES_H
#define CAR_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"
#include "netlink.h"

/*
 * The carrier's own connections: local ports 61024 to 61055, so that one mask finds the answers.
 * They stay with us only when they come from the server that was asked; everybody else's packets
 * to these ports are the guest's.
 */
#define CAR_OWN_PORT_FIRST 61024U
#define CAR_OWN_PORTS 32U

#define CAR_RULES_MAX 96
#define CAR_RULE_KEYS_MAX 8
#define CAR_OWN_PEERS_MAX 3

enum car_rule_then {
    CAR_RULE_DROP,
    CAR_RULE_PASS,     /* to the carrier itself */
    CAR_RULE_TO_GUEST, /* destination cloud -> guest, then routed */
    CAR_RULE_TO_CLOUD, /* source guest -> cloud, then sent */
    CAR_RULE_REDIRECT  /* out of the other device as it is */
};

/* Four bytes at `offset` from the network header, both in host order. */
struct car_rule_key {
    uint32_t mask, value;
    int offset;
};

struct car_rule {
    bool used;
    bool leaving;      /* looked at on the way out, else on the way in */
    uint16_t protocol; /* ETH_P_..., in host order */
    struct car_rule_key keys[CAR_RULE_KEYS_MAX];
    size_t keys_n; /* 0: every packet of the protocol */
    enum car_rule_then then;
    uint32_t cloud, guest; /* of nat */
    int other;             /* of redirect: a device's index */
};

/*
 * The place in the list is the priority, and each kind of rule has its places: when a fact changes,
 * the rules in the other places stay as they are and nothing slips through meanwhile.
 */
struct car_rules {
    struct car_rule rules[CAR_RULES_MAX];
};

/* A server that the carrier itself talks to. */
struct car_own_peer {
    uint32_t ip;
    uint16_t port;
    bool udp;
};

struct car_rules_facts {
    const struct car_net_config *config; /* ports and imds */
    bool direct;        /* frames as they are, whatever the mode of the configuration is */
    int nic, interface; /* indexes */
    uint32_t cloud;     /* 0 in a DIRECT that has no lease */
    uint32_t guest;     /* 0: not known yet; then nothing is let in */
    struct car_own_peer peers[CAR_OWN_PEERS_MAX];
    size_t peers_n;
    uint16_t answer; /* a TCP port where the carrier itself stands for the guest; 0: none */
};

void car_rules_nic(const struct car_rules_facts *facts, struct car_rules *ret);
void car_rules_guest(const struct car_rules_facts *facts, struct car_rules *ret);

bool car_rule_same(const struct car_rule *a, const struct car_rule *b);

/* The message that puts the rule at `place` of device `index`, or takes it away. */
void car_rule_message(const struct car_rule *rule, int index, size_t place, bool add,
                      struct car_nl *nl);

#endif
