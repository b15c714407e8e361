/* SPDX-License-Identifier: ISC */
/*
 * Many leases: the daemon's store and engine over a provider in this process, whose ledger is one
 * byte for each lease. What counts is the ledger, never the daemon's word.
 *
 * Ids name the lease's number, so that the ledger needs no table. Moments are wall-clock
 * microseconds.
 */
#ifndef TESTS_SCALE_H
#define TESTS_SCALE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/provider.h"
#include "daemon/core.h"

/* --- cloud.c --- */

struct scale_cloud {
    unsigned count;         /* leases it knows */
    _Atomic uint8_t *alive; /* owned */
    _Atomic int64_t *ended; /* when the first delete of each came; owned, NULL: not noted */
    atomic_uint deletes, early, unknown, gets;
    atomic_uint sweeps;  /* listings to their end */
    int64_t deadline_us; /* deletes before it are too early; 0: all are */
    unsigned hang_each;  /* the delete of every n-th hangs until `released`; 0 none */
    atomic_bool released;
    struct mird_identity identity; /* tags are signed by it */
};

extern const struct mir_provider scale_provider;

void scale_cloud_init(struct scale_cloud *cloud, unsigned count, bool noting);
void scale_cloud_clear(struct scale_cloud *cloud);
void scale_id(unsigned number, char out[MIR_ID_TEXT]);
int64_t scale_now_us(void);

/* --- house.c --- */

struct scale_house {
    struct mird_core core;
    struct mir_config *config;
    struct scale_cloud cloud;
};

/* dir is made if need be and borrowed. Exits with a message when something fails. */
void scale_open(struct scale_house *house, const char *dir, unsigned count, bool noting);
void scale_start(struct scale_house *house);
void scale_close(struct scale_house *house);
/* Leases `from` to `to` (not included), all up and at rest, due at deadline_s. */
void scale_fill(struct scale_house *house, unsigned from, unsigned to, int64_t deadline_s);
_Noreturn void scale_fail(const char *what, const struct mir_error *err);

/* --- rows; each prints one line of JSON and returns the exit status --- */

int scale_hold(const char *dir, unsigned leases, unsigned seconds);
int scale_due(const char *dir, unsigned leases, unsigned due);
int scale_hang(const char *dir, unsigned due, unsigned each);
int scale_single(const char *dir, unsigned rounds);
int scale_grouped(const char *dir, unsigned changes);

#endif
