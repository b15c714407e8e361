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
