/* SPDX-License-Identifier: ISC */
#include "openstack/identity.h"
#include "openstack/network.h"
#include "real.h"

static void groups(char ret_group[OS_ID_TEXT])
{
    os_auto_group struct os_group made = {.id = ""};
    os_auto_groups struct os_groups list = {0};
    struct os_rule rule = {.id = ""}, second = {.id = ""};
    struct os_create_group args = {.name = real.name, .description = real.name};
    *ret_group = '\0';
    if (!DOES(os_group_create(real.session, &args, real.until_ms, &made, &real.err)))
        return;
    memcpy(ret_group, made.id, OS_ID_TEXT);
    EXPECT(made.rule_count == 2); /* everything out */
    struct os_create_rule web = {.group_id = made.id,
                                 .direction = "ingress",
                                 .protocol = "tcp",
                                 .port_min = 80,
                                 .port_max = 80,
                                 .remote_prefix = "0.0.0.0/0",
                                 .description = "web"};
    DOES(os_rule_create(real.session, &web, real.until_ms, &rule, &real.err));
    EXPECT(rule.port_min == 80 && !strcmp(rule.protocol, "tcp") && !strcmp(rule.ethertype, "IPv4"));
    REFUSED(os_rule_create(real.session, &web, real.until_ms, &second, &real.err), MIR_CONFLICT);
    web.protocol = "icmp";
    web.port_min = web.port_max = 0;
    DOES(os_rule_create(real.session, &web, real.until_ms, &second, &real.err));
    DOES(os_rule_delete(real.session, second.id, real.until_ms, &real.err));
    struct os_list_things find = {.description = real.name};
    DOES(os_group_list(real.session, &find, real.until_ms, &list, &real.err));
    EXPECT(list.count == 1 && list.rows[0].rule_count == 3);
    DOES(os_group_get(real.session, made.id, real.until_ms, &made, &real.err));
    static const char *const tags[] = {"mirage", "two words"};
    DOES(os_network_set_tags(real.session, OS_TAG_GROUP, made.id, tags, 2, real.until_ms,
                             &real.err));
    find = (struct os_list_things){.tags = "mirage,two words"};
    DOES(os_group_list(real.session, &find, real.until_ms, &list, &real.err));
    EXPECT(list.count == 1 && list.rows[0].tag_count == 2);
    os_rule_clear(&rule);
    os_rule_clear(&second);
}

static void ports(const char *network_id, const char *group_id)
{
    os_auto_port struct os_port port = {.id = ""};
    os_auto_ports struct os_ports list = {0};
    struct os_create_port args = {.network_id = network_id,
                                  .name = real.name,
                                  .description = real.name,
                                  .groups = &group_id,
                                  .group_count = 1};
    if (!DOES(os_port_create(real.session, &args, real.until_ms, &port, &real.err)))
        return;
    EXPECT(port.address_count == 1 && *port.mac && port.group_count == 1);
    REFUSED(os_group_delete(real.session, group_id, real.until_ms, &real.err), MIR_CONFLICT);
    struct os_list_ports find = {.description = real.name, .network_id = network_id};
    DOES(os_port_list(real.session, &find, real.until_ms, &list, &real.err));
    EXPECT(list.count == 1 && !strcmp(list.rows[0].id, port.id));
    struct os_update_port update = {.description = "another"};
    DOES(os_port_update(real.session, port.id, &update, real.until_ms, &real.err));
    static const char *const tags[] = {"mirage"};
    DOES(
        os_network_set_tags(real.session, OS_TAG_PORT, port.id, tags, 1, real.until_ms, &real.err));
    char id[OS_ID_TEXT];
    memcpy(id, port.id, sizeof id);
    DOES(os_port_get(real.session, id, real.until_ms, &port, &real.err));
    EXPECT(port.description && !strcmp(port.description, "another") && port.tag_count == 1);
    DOES(os_port_delete(real.session, id, real.until_ms, &real.err));
    REFUSED(os_port_delete(real.session, id, real.until_ms, &real.err), MIR_NOT_FOUND);
}

/* At a port from the beginning, where a router leads there; moved away and back. */
static void floating_at(const char *external_id, const char *network_id)
{
    os_auto_port struct os_port port = {.id = ""};
    struct os_floating_ip ip = {.id = ""};
    struct os_create_port want = {.network_id = network_id, .name = real.name};
    if (!DOES(os_port_create(real.session, &want, real.until_ms, &port, &real.err)))
        return;
    struct os_create_floating_ip args = {
        .network_id = external_id, .port_id = port.id, .description = real.name};
    if (os_floating_ip_create(real.session, &args, real.until_ms, &ip, &real.err)) {
        printf("# no way from the outside to %s: %s\n", network_id, real.err.text);
        EXPECT(real.err.kind == MIR_NOT_FOUND);
    } else {
        char id[OS_ID_TEXT];
        memcpy(id, ip.id, sizeof id);
        EXPECT(!strcmp(ip.port_id, port.id) && *ip.fixed_address);
        DOES(os_floating_ip_move(real.session, id, NULL, real.until_ms, &ip, &real.err));
        EXPECT(!*ip.port_id);
        DOES(os_floating_ip_move(real.session, id, port.id, real.until_ms, &ip, &real.err));
        EXPECT(!strcmp(ip.port_id, port.id));
        DOES(os_floating_ip_delete(real.session, id, real.until_ms, &real.err));
    }
    DOES(os_port_delete(real.session, port.id, real.until_ms, &real.err));
    os_floating_ip_clear(&ip);
}

static void floating(const char *network_id)
{
    struct os_floating_ip ip = {.id = ""};
    os_auto_floating_ips struct os_floating_ips list = {0};
    struct os_create_floating_ip args = {.network_id = network_id, .description = real.name};
    if (!DOES(os_floating_ip_create(real.session, &args, real.until_ms, &ip, &real.err)))
        return;
    EXPECT(*ip.address && !*ip.port_id);
    struct os_list_floating_ips find = {.description = real.name};
    DOES(os_floating_ip_list(real.session, &find, real.until_ms, &list, &real.err));
    EXPECT(list.count == 1);
    char id[OS_ID_TEXT];
    memcpy(id, ip.id, sizeof id);
    DOES(os_floating_ip_move(real.session, id, NULL, real.until_ms, &ip, &real.err));
    DOES(os_floating_ip_get(real.session, id, real.until_ms, &ip, &real.err));
    DOES(os_floating_ip_delete(real.session, id, real.until_ms, &real.err));
    REFUSED(os_floating_ip_get(real.session, id, real.until_ms, &ip, &real.err), MIR_NOT_FOUND);
    os_floating_ip_clear(&ip);
}

static void topology(void)
{
    char id[OS_ID_TEXT] = "";
    bool has = false;
    DOES(os_network_has(real.session, "auto-allocated-topology", real.until_ms, &has, &real.err));
    if (!has || os_network_auto(real.session, true, real.until_ms, id, &real.err))
        printf("# no topology is made here: %s\n", real.err.text);
    else
        EXPECT(!strcmp(id, "dry-run=pass"));
    real.err = (struct mir_error){0};
}

void real_network(void)
{
    os_auto_networks struct os_networks list = {0};
    struct os_subnets subnets = {0};
    struct os_routers routers = {0};
    struct os_quota quota = {0};
    char group[OS_ID_TEXT];
    struct os_list_networks all = {.external = MIR_NO}, external = {.external = MIR_YES};
    if (!DOES(os_network_list(real.session, &all, real.until_ms, &list, &real.err)) ||
        !EXPECT(list.count > 0))
        return;
    const struct os_network *net = &list.rows[0];
    EXPECT(*net->id && net->name && net->up && net->subnet_count > 0);
    DOES(os_subnet_list(real.session, net->id, real.until_ms, &subnets, &real.err));
    EXPECT(subnets.count > 0 && strchr(subnets.rows[0].cidr, '/'));
    DOES(os_router_list(real.session, real.until_ms, &routers, &real.err));
    DOES(os_network_quota(real.session, real.until_ms, &quota, &real.err));
    EXPECT(quota.ports != 0);
    bool has = true;
    DOES(os_network_has(real.session, "security-group", real.until_ms, &has, &real.err));
    EXPECT(has);
    DOES(os_network_has(real.session, "no-such-thing", real.until_ms, &has, &real.err));
    EXPECT(!has);
    groups(group);
    if (*group)
        ports(net->id, group);
    if (*group)
        DOES(os_group_delete(real.session, group, real.until_ms, &real.err));
    os_auto_networks struct os_networks out = {0};
    DOES(os_network_list(real.session, &external, real.until_ms, &out, &real.err));
    for (size_t i = 0; i < out.count; i++)
        EXPECT(out.rows[i].external);
    if (out.count) {
        floating(out.rows[0].id);
        floating_at(out.rows[0].id, net->id);
    } else {
        printf("# no external network: floating addresses are not tried\n");
    }
    struct os_create_floating_ip nowhere = {.network_id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"};
    struct os_floating_ip ip = {.id = ""};
    REFUSED(os_floating_ip_create(real.session, &nowhere, real.until_ms, &ip, &real.err),
            MIR_NOT_FOUND);
    topology();
    os_subnets_clear(&subnets);
    os_routers_clear(&routers);
}
