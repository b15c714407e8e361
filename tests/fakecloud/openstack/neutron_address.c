/* SPDX-License-Identifier: ISC */
#include "neutron_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"

#define MANY ((uint64_t)1 << 32)
#define TRIED_MAX 65536 /* addresses of one subnet */

/* --- a range --- */

bool fos_range_read(const char *cidr, int version, struct fos_range *ret)
{
    char text[FOS_ADDRESS];
    unsigned bits, whole = version == 4 ? 32 : 128;
    int end = 0;
    struct fos_range range = {.family = version == 4 ? AF_INET : AF_INET6};
    if (sscanf(cidr, "%45[0-9a-fA-F.:]/%3u%n", text, &bits, &end) != 2 || !end || cidr[end] ||
        bits < 8 || bits > whole - 2 || inet_pton(range.family, text, range.first) != 1)
        return false;
    for (unsigned bit = bits; bit < whole; bit++)
        range.first[bit / 8] &= (unsigned char)~(0x80u >> bit % 8);
    range.bits = bits;
    *ret = range;
    return true;
}

uint64_t fos_range_size(const struct fos_range *range)
{
    unsigned left = (range->family == AF_INET ? 32 : 128) - range->bits;
    return left >= 32 ? MANY : (uint64_t)1 << left;
}

void fos_range_address(const struct fos_range *range, uint64_t number, char out[FOS_ADDRESS])
{
    unsigned char bytes[16];
    size_t len = range->family == AF_INET ? 4 : 16;
    memcpy(bytes, range->first, sizeof bytes);
    for (size_t i = len; i-- > 0 && number; number >>= 8)
        bytes[i] |= (unsigned char)number;
    if (!inet_ntop(range->family, bytes, out, FOS_ADDRESS))
        *out = '\0';
}

/* --- what ports have --- */

static const json_t *fixed_where(const struct fc_object *port, const char *name, const char *value)
{
    size_t i;
    json_t *one;
    json_array_foreach(fc_at(port->doc, "fixed_ips"), i, one)
    {
        if (!strcmp(fc_text_at(one, name), value))
            return one;
    }
    return NULL;
}

bool fos_port_address_in(const struct fc_object *port, const char *subnet)
{
    return fixed_where(port, "subnet_id", subnet) != NULL;
}

const json_t *fos_port_fixed(const struct fc_object *port, int version)
{
    size_t i;
    json_t *one;
    json_array_foreach(fc_at(port->doc, "fixed_ips"), i, one)
    {
        bool v6 = strchr(fc_text_at(one, "ip_address"), ':') != NULL;
        if (v6 == (version == 6))
            return one;
    }
    return NULL;
}

static bool taken(const struct fc_world *world, const struct fc_object *subnet, const char *address)
{
    if (!strcmp(fc_text_at(subnet->doc, "gateway_ip"), address))
        return true;
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_ports.kind, subnet->region));)
        if (fos_port_address_in(o, subnet->id) && fixed_where(o, "ip_address", address))
            return true;
    return false;
}

/* --- one of a subnet --- */

/* `wanted` NULL: the next. NULL: it is taken, or not of that subnet, or none is left. */
static json_t *address_of(const struct fc_world *world, const struct fc_object *subnet,
                          const char *wanted)
{
    struct fos_range range;
    char address[FOS_ADDRESS];
    int version = (int)json_integer_value(fc_at(subnet->doc, "ip_version"));
    if (!fos_range_read(fc_text_at(subnet->doc, "cidr"), version, &range))
        return NULL;
    /* The last one of IPv4 is everybody's. */
    uint64_t end = fos_range_size(&range) - (version == 4);
    for (uint64_t n = 2; n < end && n < TRIED_MAX; n++) {
        fos_range_address(&range, n, address);
        if ((!wanted || !strcmp(wanted, address)) && !taken(world, subnet, address))
            return json_pack("{s:s,s:s}", "subnet_id", subnet->id, "ip_address", address);
    }
    return NULL;
}

static struct fc_object *subnet_at(const struct fc_world *world, const struct fc_object *network,
                                   size_t i)
{
    const char *id = json_string_value(json_array_get(fc_at(network->doc, "subnets"), i));
    return id ? fc_store_get(world->store, fos_subnets.kind, network->region, id) : NULL;
}

/* --- of a network --- */

/* The first that has one, of those that are of that version (0: of any) and that id ("": any). */
static json_t *address_at(const struct fc_world *world, const struct fc_object *network,
                          int version, const char *subnet_id, const char *wanted, bool *ret_any)
{
    json_t *address = NULL;
    const struct fc_object *subnet;
    *ret_any = false;
    for (size_t i = 0; !address && (subnet = subnet_at(world, network, i)); i++) {
        bool fits = !version || json_integer_value(fc_at(subnet->doc, "ip_version")) == version;
        if (!fits || (*subnet_id && strcmp(subnet_id, subnet->id) != 0))
            continue;
        *ret_any = true;
        address = address_of(world, subnet, wanted);
    }
    return address;
}

static json_t *give_asked(const struct fc_world *world, const struct fc_object *network,
                          const json_t *asked)
{
    json_t *all = json_array(), *one;
    size_t i;
    bool any;
    json_array_foreach((json_t *)(uintptr_t)asked, i, one)
    {
        json_t *address = address_at(world, network, 0, fos_text(one, "subnet_id", ""),
                                     fos_text(one, "ip_address", NULL), &any);
        if (!address) {
            json_decref(all);
            return NULL;
        }
        json_array_append_new(all, address);
    }
    return all;
}

json_t *fos_network_addresses(struct fc_world *world, const struct fc_object *network,
                              const json_t *asked)
{
    static const int versions[] = {4, 6};
    if (json_array_size(asked))
        return give_asked(world, network, asked);
    json_t *all = json_array();
    for (size_t i = 0; i < MIR_NELEMS(versions); i++) {
        bool any;
        json_t *address = address_at(world, network, versions[i], "", NULL, &any);
        if (any && !address) {
            json_decref(all);
            return NULL;
        }
        if (address)
            json_array_append_new(all, address);
    }
    return all;
}
