/* SPDX-License-Identifier: ISC */
/*
 * Nova: servers, and what they are made of.
 *
 * Making a server cannot be repeated safely: Nova has no token for it, and answers 5xx, or not at
 * all, with the server made. Name and metadata travel in the creating request; after an unknown end
 * look for them in the list, which may not show a new server at once. A 204 of os_server_delete is
 * no deletion either: look until MIR_NOT_FOUND, and delete again what is in status ERROR. The state
 * of a server is its status together with its task: "ACTIVE" with the task "deleting" is on its
 * way.
 *
 * The microversion that is spoken (os_session_microversion) decides what is there; what needs more
 * than it has is left out where that does no harm, and MIR_USAGE where it would.
 *
 * Source: "Compute API" and "REST API Version History" of Nova.
 */
#ifndef OPENSTACK_COMPUTE_H
#define OPENSTACK_COMPUTE_H

#include "api/cleanup.h"
#include "api/flag.h"
#include "openstack/pair.h"
#include "openstack/session.h"

/* --- servers --- */

struct os_nic { /* one of the two */
    const char *network_id, *port_id;
    const char *fixed_ip; /* with a network; NULL: any */
};

/* A disk; in a request that has any, the root disk is among them, with boot_index 0. */
struct os_disk {
    const char *source;      /* "image" "volume" "snapshot" "blank" */
    const char *source_id;   /* NULL for a blank one */
    const char *destination; /* "volume", or "local" for an image */
    int64_t boot_index;      /* 0: the root disk; -1: never booted from */
    int64_t size_gib;        /* of a new volume */
    enum mir_flag delete_on_termination;
    const char *volume_type; /* from 2.67 on */
    const char *disk_bus;    /* "virtio" "ide" "scsi"; NULL: the image's */
    const char *device_type; /* "disk" "cdrom" */
};

struct os_create_server {
    const char *name, *flavor_id; /* both needed */
    const char *image_id;         /* NULL: the root disk is among the disks */
    const char *description;      /* from 2.19 on, else left out */
    const char *key_name, *zone;
    const void *user_data; /* at most 65 535 bytes once it is base 64 */
    size_t user_data_len;
    enum mir_flag config_drive;
    const struct os_pair *metadata; /* 128 mostly; os_limits says */
    size_t metadata_count;
    const char *const *tags; /* at most 50 of 60 characters, without '/' and ','; from 2.52 on, else
                                left out: metadata is what counts */
    size_t tag_count;
    const struct os_nic *nics; /* none: `network_mode` */
    size_t nic_count;
    const char *network_mode;  /* "none", "auto" (NULL): made where there is none; from 2.37 on.
                                  Before  that "auto" is the project's only network */
    const char *const *groups; /* security groups by name or id; for nics without a port */
    size_t group_count;
    const struct os_disk *disks;
    size_t disk_count;
    const char *reservation; /* the id of a Blazar reservation to start in */
};

/* *ret_id is the server's; all else has to be asked for. MIR_POLICY: quota. */
int os_server_create(struct os_session *session, const struct os_create_server *args,
                     int64_t until_ms, char ret_id[OS_ID_TEXT], struct mir_error *err);

struct os_server_address {
    char address[48], mac[24];
    char type[16]; /* "fixed" "floating" */
    int64_t version;
};

struct os_server_network {
    char *name;
    struct os_server_address *addresses;
    size_t address_count;
};

struct os_attached_volume {
    char id[OS_ID_TEXT];
    bool delete_on_termination; /* from 2.3 on */
};

/* A server in a cell that is down has id and status ("UNKNOWN") and hardly anything else: neither
 * name nor metadata. It is not gone. */
struct os_server {
    char id[OS_ID_TEXT];
    char *name, *description;
    char status[32]; /* "BUILD" "ACTIVE" "SHUTOFF" "ERROR" "DELETED" "SOFT_DELETED" "UNKNOWN" ... */
    char task_state[64]; /* "" none: "deleting" "spawning" "powering-off" ... */
    char vm_state[32];
    int64_t power_state; /* 0 none, 1 running, 3 paused, 4 shut down, 6 crashed, 7 suspended */
    char project_id[OS_ID_TEXT], user_id[OS_ID_TEXT];
    char image_id[OS_ID_TEXT];  /* "" booted from a volume */
    char flavor_id[OS_ID_TEXT]; /* "" from 2.47 on: then its name */
    char *flavor_name;
    char *zone, *key_name;
    int64_t created_s, updated_s, launched_s;
    char *fault; /* why it is in ERROR */
    bool locked;
    struct os_found_pair *metadata;
    size_t metadata_count;
    struct os_word *tags; /* from 2.26 on */
    size_t tag_count;
    struct os_server_network *networks;
    size_t network_count;
    struct os_attached_volume *volumes;
    size_t volume_count;
};

struct os_servers {
    struct os_server *rows;
    size_t count;
};

int os_server_get(struct os_session *session, const char *id, int64_t until_ms,
                  struct os_server *ret, struct mir_error *err);
void os_server_clear(struct os_server *server);
#define os_auto_server MIR_CLEANUP(os_server_clear)

struct os_list_servers { /* each narrows the list */
    const char *name;    /* a regular expression, found anywhere in the name */
    const char *status;
    const char *tags; /* "a,b": all of them; from 2.26 on, else MIR_USAGE */
};

/* All of the project's, all pages. Metadata is nothing that Nova looks for: look through them. */
int os_server_list(struct os_session *session, const struct os_list_servers *args, int64_t until_ms,
                   struct os_servers *ret, struct mir_error *err);
void os_servers_clear(struct os_servers *list);
#define os_auto_servers MIR_CLEANUP(os_servers_clear)

/* In any state, at once; MIR_NOT_FOUND: it is gone. MIR_CONFLICT: locked. */
int os_server_delete(struct os_session *session, const char *id, int64_t until_ms,
                     struct mir_error *err);
/* Also what is kept for a while after its deletion (SOFT_DELETED) where the cloud does that. */
int os_server_force_delete(struct os_session *session, const char *id, int64_t until_ms,
                           struct mir_error *err);
/* MIR_CONFLICT: it is in no state for that. A stop waits for the guest as long as the image's
 * os_shutdown_timeout says (60 s). */
int os_server_start(struct os_session *session, const char *id, int64_t until_ms,
                    struct mir_error *err);
int os_server_stop(struct os_session *session, const char *id, int64_t until_ms,
                   struct mir_error *err);
int os_server_reboot(struct os_session *session, const char *id, bool hard, int64_t until_ms,
                     struct mir_error *err);

/* The last `lines` of what it wrote to its serial port (0: all that is kept); owned. MIR_NOT_FOUND
 * with the server there: it has none, which is so when the guest has ended. MIR_CONFLICT: not yet.
 */
int os_server_console(struct os_session *session, const char *id, int64_t lines, int64_t until_ms,
                      char **ret, struct mir_error *err);

/* Adds to its metadata, or changes it. */
int os_server_set_metadata(struct os_session *session, const char *id, const struct os_pair *pairs,
                           size_t count, int64_t until_ms, struct mir_error *err);
int os_server_delete_metadata(struct os_session *session, const char *id, const char *name,
                              int64_t until_ms, struct mir_error *err);
int os_server_tag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                  struct mir_error *err);

struct os_server_action {
    char action[64]; /* "create" "stop" "delete" ... */
    char request_id[64];
    char *message; /* NULL: none; "Error": it failed */
    int64_t began_s;
};

struct os_server_actions { /* the newest first */
    struct os_server_action *rows;
    size_t count;
};

int os_server_actions(struct os_session *session, const char *id, int64_t until_ms,
                      struct os_server_actions *ret, struct mir_error *err);
void os_server_actions_clear(struct os_server_actions *list);

struct os_interface_address {
    char address[48], subnet_id[OS_ID_TEXT];
};

struct os_interface {
    char port_id[OS_ID_TEXT], network_id[OS_ID_TEXT], mac[24], state[16];
    struct os_interface_address *addresses;
    size_t address_count;
};

struct os_interfaces {
    struct os_interface *rows;
    size_t count;
};

int os_server_interfaces(struct os_session *session, const char *id, int64_t until_ms,
                         struct os_interfaces *ret, struct mir_error *err);
void os_interfaces_clear(struct os_interfaces *list);

/* --- flavors: what there is to have --- */

struct os_flavor {
    char id[256]; /* any text */
    char *name;
    int64_t vcpus, ram_mib, disk_gib, ephemeral_gib;
    bool disabled, is_public;
    struct os_found_pair *extra; /* from 2.61 on */
    size_t extra_count;
};

struct os_flavors {
    struct os_flavor *rows;
    size_t count;
};

int os_flavor_list(struct os_session *session, int64_t until_ms, struct os_flavors *ret,
                   struct mir_error *err);
int os_flavor_get(struct os_session *session, const char *id, int64_t until_ms,
                  struct os_flavor *ret, struct mir_error *err);
void os_flavor_clear(struct os_flavor *flavor);
void os_flavors_clear(struct os_flavors *list);
#define os_auto_flavors MIR_CLEANUP(os_flavors_clear)

/* --- key pairs --- */

struct os_keypair {
    char *name;
    char fingerprint[64], type[16];
};

struct os_keypairs {
    struct os_keypair *rows;
    size_t count;
};

/* MIR_CONFLICT: the name is taken. */
int os_keypair_import(struct os_session *session, const char *name, const char *public_key,
                      int64_t until_ms, struct os_keypair *ret, struct mir_error *err);
int os_keypair_list(struct os_session *session, int64_t until_ms, struct os_keypairs *ret,
                    struct mir_error *err);
int os_keypair_delete(struct os_session *session, const char *name, int64_t until_ms,
                      struct mir_error *err);
void os_keypair_clear(struct os_keypair *pair);
void os_keypairs_clear(struct os_keypairs *list);

/* --- what may be had, and where --- */

struct os_limits { /* -1: no limit */
    int64_t instances, instances_used, cores, cores_used, ram_mib, ram_mib_used;
    int64_t server_metadata, keypairs;
};

int os_limits(struct os_session *session, int64_t until_ms, struct os_limits *ret,
              struct mir_error *err);

struct os_zone {
    char *name;
    bool available;
};

struct os_zones {
    struct os_zone *rows;
    size_t count;
};

int os_zone_list(struct os_session *session, int64_t until_ms, struct os_zones *ret,
                 struct mir_error *err);
void os_zones_clear(struct os_zones *list);

#endif
