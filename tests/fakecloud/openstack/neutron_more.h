/* SPDX-License-Identifier: ISC */
/* Neutron's calls that are of no resource: versions, extensions, quotas, topologies; routers'
 * interfaces. */
#ifndef FAKECLOUD_NEUTRON_MORE_H
#define FAKECLOUD_NEUTRON_MORE_H

#include "neutron.h"

fc_handler fos_neutron_versions, fos_neutron_version, fos_neutron_extensions, fos_neutron_extension,
    fos_neutron_quotas, fos_neutron_quotas_detail, fos_neutron_topology,
    fos_neutron_topology_delete, fos_neutron_zones, fos_router_add, fos_router_remove;

/* An interface of the router on that subnet. */
int fos_router_attach(struct fc_call *call, const struct fc_object *router, const char *subnet_id,
                      json_t **ret_reply, struct fc_refusal *refusal);
/* The networks that a region has from the start. */
void fos_network_ready(struct fc_call *call);

/* To change it: updated_at is now, its revision one more. */
json_t *fos_neutron_edit(struct fc_call *call, struct fc_object *object);

#endif
