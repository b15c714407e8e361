/* SPDX-License-Identifier: ISC */
/*
 * Neutron v2.0. Its resources are alike: a table for each says which attributes it has, and hooks
 * say what is checked and what goes along with it (neutron_net.c, neutron_port.c, neutron_group.c,
 * neutron_floating.c). Documents are what is shown, without the id.
 */
#ifndef FAKECLOUD_NEUTRON_H
#define FAKECLOUD_NEUTRON_H

#include "os.h"

enum fos_attribute_flag {
    FOS_CREATE = 1,
    FOS_UPDATE = 2,
    FOS_REQUIRED = 4,
    FOS_NULLABLE = 8,
    FOS_ADMINS = 16 /* only an administrator may say it */
};

struct fos_attribute {
    const char *name;
    char type; /* s text, b boolean, i integer, l list, o object, u a UUID; 0: any */
    unsigned flags;
    const char *otherwise; /* JSON of what it is when it is not said; NULL: null */
};

struct fos_resource {
    const char *plural, *single, *path; /* "security_groups", "security_group", "security-groups" */
    const char *kind;
    const char *unknown;                    /* type of a 404 */
    const char *not_found;                  /* its sentence, with one %s */
    const struct fos_attribute *attributes; /* ends with a NULL name */
    size_t quota;                           /* offset of a setting; 0 none */
    /* Look at what is to be made or changed, and complete `doc`; `said` is what came. */
    int (*make)(struct fc_call *call, const char *id, const json_t *said, json_t *doc,
                struct fc_refusal *refusal);
    void (*made)(struct fc_call *call, struct fc_object *object);
    int (*change)(struct fc_call *call, struct fc_object *object, const json_t *said,
                  struct fc_refusal *refusal);
    int (*remove)(struct fc_call *call, struct fc_object *object, struct fc_refusal *refusal);
};

extern const struct fos_resource fos_networks, fos_subnets, fos_routers, fos_ports, fos_groups,
    fos_rules, fos_floating_ips;

/* By id, seen by the caller; a 404 in the resource's words. */
int fos_resource_find(struct fc_call *call, const struct fos_resource *resource, const char *id,
                      struct fc_object **ret, struct fc_refusal *refusal);
/* A new one as if it had been asked for: attributes that are not in `said` have their defaults. */
struct fc_object *fos_resource_make(struct fc_call *call, const struct fos_resource *resource,
                                    const json_t *said, struct fc_refusal *refusal);
json_t *fos_resource_show(const struct fos_resource *resource, const struct fc_object *object,
                          const json_t *doc);
bool fos_network_sees(const struct fc_call *call, const struct fc_object *object);

/* --- networks --- */

/* Those that a server can be on: the project's own and shared ones, none that leads outside. The
 * first is *ret; how many there are. */
unsigned fos_network_usable(const struct fc_call *call, struct fc_object **ret);
bool fos_network_external(const struct fc_object *network);
json_t *fos_mac(const struct fc_world *world, uint64_t seq);

/* --- ports and groups, for Nova --- */

/* A port of a server on that network; NULL: no address is left there. `groups`: ids. */
struct fc_object *fos_port_plug(struct fc_world *world, const struct fc_object *server,
                                const struct fc_object *network, const json_t *groups,
                                const char *address, const struct fc_cause *cause);
/* The server gets this one, which exists. */
void fos_port_bind(struct fc_world *world, struct fc_object *port, const struct fc_object *server,
                   const struct fc_cause *cause);
/* What a server lets go of: a port that Nova made goes, another one is free again. */
void fos_port_unplug(struct fc_world *world, struct fc_object *port, const struct fc_cause *cause);
/* What a server that ends does: ports that Nova made go, others are free again. */
void fos_ports_free(struct fc_world *world, const struct fc_object *server,
                    const struct fc_cause *cause);
/* One that has its address there; NULL none. */
struct fc_object *fos_floating_of(const struct fc_world *world, const struct fc_object *port);

/* By id or by name, the project's own. *ret_count: how many have the name. */
struct fc_object *fos_group_named(const struct fc_call *call, const char *name,
                                  unsigned *ret_count);
struct fc_object *fos_group_default(struct fc_call *call);

void fos_port_free(struct fc_world *world, struct fc_object *port, const struct fc_cause *cause);

#endif
