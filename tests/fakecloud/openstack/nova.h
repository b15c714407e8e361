/* SPDX-License-Identifier: ISC */
/*
 * Nova, API 2.1 to 2.93: servers and what they are made with. A server's document has the names
 * that the newest version shows; nova_show.c makes of it what an older one would. "_ports" are the
 * ports that Nova made or was given, "_console" what its machine said.
 */
#ifndef FAKECLOUD_NOVA_H
#define FAKECLOUD_NOVA_H

#include "os.h"

#define FOS_SERVER "os-server"

struct fos_flavor {
    const char *id, *name;
    int64_t vcpus, ram_mib, disk_gib;
};

/* Of a region: each has ids of its own. NULL: none. */
const struct fos_flavor *fos_flavor_find(const char *region, const char *id);
const char *fos_flavor_smallest(const char *region);          /* its id */
json_t *fos_flavor_embedded(const struct fos_flavor *flavor); /* as a server shows it from 2.47 */

/* Reads which microversion the call is for: 400, 406. */
int fos_nova_version(struct fc_call *call, struct fc_refusal *refusal);

/* --- servers --- */

int fos_server_find(struct fc_call *call, const char *id, struct fc_object **ret,
                    struct fc_refusal *refusal);
json_t *fos_server_show(const struct fc_call *call, const struct fc_object *server,
                        const json_t *doc);
/* Its addresses without what extensions say of them. */
json_t *fos_server_plain(const struct fc_call *call, const struct fc_object *server);
json_t *fos_server_links(const struct fc_call *call, const char *id);

/* {"servers": n, "vcpus": n, "ram": n} of the project that exist. */
struct fos_usage {
    int64_t instances, cores, ram_mib;
};
struct fos_usage fos_server_usage(const struct fc_call *call);

/* --- states --- */

/* What a server is and what is being done with it; the status follows from both. task "": nothing.
 */
void fos_server_state(struct fc_world *world, struct fc_object *server, const char *vm,
                      const char *task, const struct fc_cause *cause);
const char *fos_server_vm(const json_t *doc);
const char *fos_server_task(const json_t *doc);
bool fos_server_runs(const json_t *doc); /* its machine is on */
void fos_server_fail(struct fc_world *world, struct fc_object *server, int code,
                     const char *message, const struct fc_cause *cause);
void fos_server_note(struct fc_world *world, struct fc_object *server, const char *action,
                     const char *user, const struct fc_cause *cause); /* os-instance-actions */

/* Its machine has powered itself off, or has failed; what it says on its console. */
void fos_server_powered_off(struct fc_world *world, struct fc_object *server,
                            const struct fc_cause *cause);
void fos_server_console(struct fc_world *world, struct fc_object *server, const char *text,
                        int64_t now_ms);
void fos_tick_server(struct fc_world *world, struct fc_object *server,
                     const struct fc_cause *cause);

fc_handler fos_server_create, fos_server_list, fos_server_list_detail, fos_server_get,
    fos_server_update, fos_server_delete, fos_server_action, fos_server_metadata,
    fos_server_metadata_put, fos_server_metadata_post, fos_server_metadata_item,
    fos_server_metadata_item_put, fos_server_metadata_item_delete, fos_server_tags,
    fos_server_tags_put, fos_server_tag_put, fos_server_tag_delete, fos_server_interfaces,
    fos_server_attach, fos_server_detach, fos_server_actions, fos_server_one_action,
    fos_server_addresses, fos_server_groups, fos_server_volumes, fos_keypair_list,
    fos_keypair_create, fos_keypair_get, fos_keypair_delete;

/* Does the project have that key pair? NULL: no. */
struct fc_object *fos_keypair_find(const struct fc_call *call, const char *name);

#endif
