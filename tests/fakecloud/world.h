/* SPDX-License-Identifier: ISC */
/*
 * The whole fake: its objects, its clock, its settings, and who may call it. One lock holds it
 * together; whoever has a pointer to an object holds the lock.
 */
#ifndef FAKECLOUD_WORLD_H
#define FAKECLOUD_WORLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "store.h"

/* How the fake behaves. All are changed by name: --set NAME=VALUE, POST /_settings. Times of the
 * cloud, that is, of the fake's clock. */
struct fc_settings {
    int64_t visible_ms;    /* what was made is found only after this */
    int64_t stale_ms;      /* listings show the old state for this long */
    int64_t boot_ms;       /* pending -> running, stopped -> running */
    int64_t shutdown_ms;   /* shutting-down -> terminated, stopping -> stopped */
    int64_t snapshot_ms;   /* completed by the client -> status completed; also imports */
    int64_t shown_ms;      /* terminated instances stay in listings for this long */
    int64_t skew_s;        /* signatures may be this old or early */
    int64_t skew_s3_s;     /* the same for S3 */
    int64_t throttle;      /* 1: requests above the documented rates are refused */
    int64_t vcpu_limit;    /* of all running instances of a region */
    int64_t address_limit; /* elastic addresses of a region */
    int64_t page_max;      /* rows of a page when the client sets no limit */
    int64_t guest_mib;     /* memory of a machine, at most (--guests qemu) */
    /* OpenStack: which services there are, */
    int64_t os_image, os_compute, os_network, os_object_store, os_volume, os_workflow,
        os_reservation;
    int64_t os_token_s;         /* how long tokens are valid, */
    int64_t os_listed_ms;       /* how long listings miss a new server, */
    int64_t os_power_off_ms;    /* how late Nova sees that a guest has gone, */
    int64_t os_stop_ms;         /* how long a guest is given that is to stop, */
    int64_t os_save_ms;         /* how long an image is "saving", */
    int64_t os_deletes;         /* 0: servers are never deleted, however often one asks, */
    int64_t os_nova_minor;      /* the newest microversion is 2.this, */
    int64_t os_multihash;       /* 0: Glance knows MD5 alone, as before 2018, */
    int64_t os_upload;          /* 0: images cannot be uploaded, only imported, */
    int64_t os_import;          /* by these ways: 1 glance-direct, 2 web-download, 3 both, */
    int64_t os_image_max_mib;   /* no image may be larger (0: any), */
    int64_t os_networks;        /* networks of each project, */
    int64_t os_ipv6;            /* 1: networks have a subnet of each kind */
    int64_t os_shared_networks; /* networks of all projects, */
    int64_t os_instances, os_cores, os_ram_mib; /* and quotas of a project and region */
    int64_t os_floating_ips, os_security_groups, os_rules, os_ports;
};

struct fc_clock {
    int64_t offset_ms;
    bool frozen;
    int64_t frozen_ms;
};

struct fc_account {
    char id[13];
    char access_key[24];
    char secret[48];
    char signing_key[65]; /* hex: for session and web identity tokens */
};

struct fc_faults;
struct fc_buckets;
struct fc_calls;
struct fc_guests;
struct fos_fetching;

struct fc_world {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* clock, settings, or what is due next */
    bool stopping;
    pthread_t ticker;
    char *dir; /* absolute; owned */
    int dir_fd;
    struct fc_settings settings;
    struct fc_clock clock;
    struct fc_account account;
    struct fc_store *store;
    struct fc_faults *faults;
    struct fc_buckets *buckets;
    struct fc_calls *calls;
    struct fc_guests *guests; /* NULL: instances are only states */
    bool fetching_ends;
    struct fos_fetching *fetching; /* images on their way from elsewhere; openstack/fetch.c */
};

extern const char *const fc_regions[]; /* ends with NULL; the first is the default */

/* `dir` is made when it is not there. */
int fc_world_open(const char *dir, struct fc_world **ret, struct mir_error *err);
void fc_world_close(struct fc_world *world);

int64_t fc_world_now_ms(const struct fc_world *world);
void fc_world_set_clock(struct fc_world *world, const struct fc_clock *clock);

/* Do all that has become due: states change, schedules fire. Under the lock; called before each
 * request and by the ticker. */
void fc_world_tick(struct fc_world *world);

/* Write what has changed, and wake the ticker. Under the lock. Ends the program when it cannot be
 * written: what is acknowledged has to survive. */
void fc_world_commit(struct fc_world *world, const struct fc_cause *cause);

/* MIR_USAGE for a name that is none. */
int fc_settings_set(struct fc_settings *settings, const char *name, int64_t value,
                    struct mir_error *err);
json_t *fc_settings_json(const struct fc_settings *settings);

/* What is found by id, by listing: visible, not forgotten. */
bool fc_visible(const struct fc_object *object, int64_t now_ms);
/* What a listing shows of it. Borrowed. */
const json_t *fc_shown(const struct fc_object *object, int64_t now_ms);

/* A member at "a.b.c"; NULL when there is none. */
json_t *fc_at(const json_t *doc, const char *path);
const char *fc_text_at(const json_t *doc, const char *path); /* "" when there is none */

#endif
