/* SPDX-License-Identifier: ISC */
/*
 * Neutron: networks, ports, the addresses that others can reach, and what may pass.
 *
 * Nothing here has a client's token, so what creates is sent once. Ports, floating addresses and
 * security groups are found again by their descriptions (255 characters), which the creating
 * request carries; tags can travel in it only where the cloud has the extension "tag-creation"
 * (2024), and are refused elsewhere: os_network_has.
 *
 * Neutron takes what filters it does not know as no filter at all in old releases: look at what
 * came.
 *
 * Source: "Networking API v2.0".
 */
#ifndef OPENSTACK_NETWORK_H
#define OPENSTACK_NETWORK_H

#include "api/cleanup.h"
#include "api/flag.h"
#include "openstack/pair.h"
#include "openstack/session.h"

/* --- what there is --- */

struct os_network {
    char id[OS_ID_TEXT], project_id[OS_ID_TEXT], status[16];
    char *name;
    bool up, shared, external, port_security;
    int64_t mtu;
    struct os_word *subnets; /* their ids */
    size_t subnet_count;
};

struct os_networks {
    struct os_network *rows;
    size_t count;
};

struct os_list_networks { /* each narrows the list */
    const char *id, *name, *project_id;
    enum mir_flag external, shared;
};

int os_network_list(struct os_session *session, const struct os_list_networks *args,
                    int64_t until_ms, struct os_networks *ret, struct mir_error *err);
void os_networks_clear(struct os_networks *list);
#define os_auto_networks MIR_CLEANUP(os_networks_clear)

struct os_subnet {
    char id[OS_ID_TEXT], network_id[OS_ID_TEXT];
    char *name;
    int64_t ip_version;
    char cidr[64], gateway[48];
    bool dhcp;
    char ipv6_address_mode[24], ipv6_ra_mode[24]; /* "slaac" "dhcpv6-stateful" ... */
    struct os_word *name_servers;
    size_t name_server_count;
};

struct os_subnets {
    struct os_subnet *rows;
    size_t count;
};

/* Of one network, or (NULL) of all. */
int os_subnet_list(struct os_session *session, const char *network_id, int64_t until_ms,
                   struct os_subnets *ret, struct mir_error *err);
void os_subnets_clear(struct os_subnets *list);

struct os_router {
    char id[OS_ID_TEXT], status[16], external_network_id[OS_ID_TEXT]; /* "" leads nowhere */
    char *name;
    bool up;
};

struct os_routers {
    struct os_router *rows;
    size_t count;
};

int os_router_list(struct os_session *session, int64_t until_ms, struct os_routers *ret,
                   struct mir_error *err);
void os_routers_clear(struct os_routers *list);

/* Does the cloud's Neutron have that extension ("security-group", "router", "standard-attr-tag")?
 */
int os_network_has(struct os_session *session, const char *extension, int64_t until_ms, bool *ret,
                   struct mir_error *err);

/* The project's own network with a way out, made by the cloud when it is not there. `dry`: nothing
 * is made, and *ret_id is "dry-run=pass" where it could be. MIR_CONFLICT, MIR_NOT_FOUND, MIR_USAGE:
 * the cloud cannot. */
int os_network_auto(struct os_session *session, bool dry, int64_t until_ms, char ret_id[OS_ID_TEXT],
                    struct mir_error *err);

struct os_quota { /* -1: no limit */
    int64_t floating_ips, floating_ips_used, ports, ports_used, groups, groups_used, rules,
        rules_used;
};

int os_network_quota(struct os_session *session, int64_t until_ms, struct os_quota *ret,
                     struct mir_error *err);

/* --- security groups --- */

struct os_rule {
    char id[OS_ID_TEXT], direction[16], ethertype[8]; /* "ingress" "egress"; "IPv4" "IPv6" */
    char protocol[16];                                /* "" any; "tcp" "udp" "icmp" or a number */
    int64_t port_min, port_max;                       /* 0: any */
    char remote_prefix[64], remote_group[OS_ID_TEXT];
    char *description;
};

struct os_group {
    char id[OS_ID_TEXT], project_id[OS_ID_TEXT];
    char *name, *description;
    struct os_word *tags;
    size_t tag_count;
    struct os_rule *rules;
    size_t rule_count;
};

struct os_groups {
    struct os_group *rows;
    size_t count;
};

struct os_create_group {
    const char *name, *description; /* several may have one name */
    const char *const *tags;        /* with tag-creation alone */
    size_t tag_count;
};

/* A new one lets everything out and nothing in. */
int os_group_create(struct os_session *session, const struct os_create_group *args,
                    int64_t until_ms, struct os_group *ret, struct mir_error *err);
int os_group_get(struct os_session *session, const char *id, int64_t until_ms, struct os_group *ret,
                 struct mir_error *err);
void os_group_clear(struct os_group *group);
#define os_auto_group MIR_CLEANUP(os_group_clear)

struct os_list_things { /* each narrows the list */
    const char *name, *description, *project_id;
    const char *tags; /* "a,b": all of them */
};

int os_group_list(struct os_session *session, const struct os_list_things *args, int64_t until_ms,
                  struct os_groups *ret, struct mir_error *err);
void os_groups_clear(struct os_groups *list);
#define os_auto_groups MIR_CLEANUP(os_groups_clear)

/* MIR_CONFLICT: a port is in it. */
int os_group_delete(struct os_session *session, const char *id, int64_t until_ms,
                    struct mir_error *err);

struct os_create_rule {
    const char *group_id, *direction; /* both needed */
    const char *ethertype;            /* "IPv4" (NULL), "IPv6" */
    const char *protocol;             /* NULL: any */
    int64_t port_min, port_max;       /* 0: any */
    const char *remote_prefix, *remote_group, *description;
};

/* MIR_CONFLICT: it is there. */
int os_rule_create(struct os_session *session, const struct os_create_rule *args, int64_t until_ms,
                   struct os_rule *ret, struct mir_error *err);
int os_rule_delete(struct os_session *session, const char *id, int64_t until_ms,
                   struct mir_error *err);
void os_rule_clear(struct os_rule *rule);

/* --- ports --- */

struct os_fixed_ip {
    char address[48], subnet_id[OS_ID_TEXT];
};

struct os_port {
    char id[OS_ID_TEXT], network_id[OS_ID_TEXT], project_id[OS_ID_TEXT];
    char *name, *description;
    char status[16], mac[24];
    char device_id[256], device_owner[256]; /* a server's id, "compute:nova"; "" nobody's */
    bool up, port_security;
    struct os_fixed_ip *addresses;
    size_t address_count;
    struct os_word *groups, *tags;
    size_t group_count, tag_count;
};

struct os_ports {
    struct os_port *rows;
    size_t count;
};

struct os_ask_ip {
    const char *subnet_id, *address; /* either may be NULL */
};

struct os_create_port {
    const char *network_id; /* needed */
    const char *name, *description;
    const char *const *groups; /* ids; none: the project's "default" */
    size_t group_count;
    const struct os_ask_ip *addresses; /* none: one of each subnet kind */
    size_t address_count;
    enum mir_flag port_security;
    const char *const *tags; /* with tag-creation alone */
    size_t tag_count;
};

/* MIR_UNAVAILABLE: no address is free. */
int os_port_create(struct os_session *session, const struct os_create_port *args, int64_t until_ms,
                   struct os_port *ret, struct mir_error *err);
int os_port_get(struct os_session *session, const char *id, int64_t until_ms, struct os_port *ret,
                struct mir_error *err);
void os_port_clear(struct os_port *port);
#define os_auto_port MIR_CLEANUP(os_port_clear)

struct os_list_ports { /* each narrows the list */
    const char *name, *description, *project_id, *device_id, *network_id;
    const char *tags; /* "a,b": all of them */
};

int os_port_list(struct os_session *session, const struct os_list_ports *args, int64_t until_ms,
                 struct os_ports *ret, struct mir_error *err);
void os_ports_clear(struct os_ports *list);
#define os_auto_ports MIR_CLEANUP(os_ports_clear)

struct os_update_port { /* what is NULL or none stays */
    const char *name, *description;
    const char *const *groups;
    size_t group_count;
};

int os_port_update(struct os_session *session, const char *id, const struct os_update_port *args,
                   int64_t until_ms, struct mir_error *err);
/* A port that was made by itself outlives its server; one that Nova made goes with it. */
int os_port_delete(struct os_session *session, const char *id, int64_t until_ms,
                   struct mir_error *err);

/* --- floating addresses --- */

struct os_floating_ip {
    char id[OS_ID_TEXT], project_id[OS_ID_TEXT], network_id[OS_ID_TEXT];
    char address[48], fixed_address[48], port_id[OS_ID_TEXT]; /* "" at no port */
    char status[16];                                          /* "ACTIVE" "DOWN" "ERROR" */
    char *description;
    struct os_word *tags;
    size_t tag_count;
};

struct os_floating_ips {
    struct os_floating_ip *rows;
    size_t count;
};

struct os_create_floating_ip {
    const char *network_id; /* an external one; needed */
    const char *port_id;    /* at once; NULL: later */
    const char *description;
    const char *const *tags; /* with tag-creation alone */
    size_t tag_count;
};

/* MIR_NOT_FOUND: no such network or port, or no router between the two. MIR_UNAVAILABLE: none is
 * left. MIR_POLICY: quota. */
int os_floating_ip_create(struct os_session *session, const struct os_create_floating_ip *args,
                          int64_t until_ms, struct os_floating_ip *ret, struct mir_error *err);
int os_floating_ip_get(struct os_session *session, const char *id, int64_t until_ms,
                       struct os_floating_ip *ret, struct mir_error *err);
void os_floating_ip_clear(struct os_floating_ip *ip);

struct os_list_floating_ips { /* each narrows the list */
    const char *description, *project_id, *port_id, *network_id, *address;
    const char *tags; /* "a,b": all of them */
};

int os_floating_ip_list(struct os_session *session, const struct os_list_floating_ips *args,
                        int64_t until_ms, struct os_floating_ips *ret, struct mir_error *err);
void os_floating_ips_clear(struct os_floating_ips *list);
#define os_auto_floating_ips MIR_CLEANUP(os_floating_ips_clear)

/* To a port, or (NULL) from any. */
int os_floating_ip_move(struct os_session *session, const char *id, const char *port_id,
                        int64_t until_ms, struct os_floating_ip *ret, struct mir_error *err);
int os_floating_ip_delete(struct os_session *session, const char *id, int64_t until_ms,
                          struct mir_error *err);

/* --- tags of what is there --- */

enum os_taggable { OS_TAG_PORT, OS_TAG_FLOATING_IP, OS_TAG_GROUP, OS_TAG_NETWORK };

/* Instead of all that it has. */
int os_network_set_tags(struct os_session *session, enum os_taggable kind, const char *id,
                        const char *const *tags, size_t count, int64_t until_ms,
                        struct mir_error *err);

#endif
