/* SPDX-License-Identifier: ISC */
/* Addresses of both kinds: which a subnet has, which are taken, which a port gets. */
#ifndef FAKECLOUD_NEUTRON_ADDRESS_H
#define FAKECLOUD_NEUTRON_ADDRESS_H

#include "neutron.h"

#define FOS_ADDRESS 46

struct fos_range {
    int family; /* AF_INET, AF_INET6 */
    unsigned bits;
    unsigned char first[16];
};

/* "10.0.0.0/24", "fd00::/64", of that version of IP; what stands behind the bits is cut off. */
bool fos_range_read(const char *cidr, int version, struct fos_range *ret);
/* How many addresses there are in it, or rather many. */
uint64_t fos_range_size(const struct fos_range *range);
void fos_range_address(const struct fos_range *range, uint64_t number, char out[FOS_ADDRESS]);

/* What a port on that network gets, {"subnet_id", "ip_address"} each: one of each kind there is, or
 * (`asked` not empty) what each {"subnet_id", "ip_address"} there wants. NULL: one of them is not
 * to be had. */
json_t *fos_network_addresses(struct fc_world *world, const struct fc_object *network,
                              const json_t *asked);
/* Has the port an address of that subnet? */
bool fos_port_address_in(const struct fc_object *port, const char *subnet);
/* The port's own of that version of IP; NULL: it has none. */
const json_t *fos_port_fixed(const struct fc_object *port, int version);

#endif
