/* SPDX-License-Identifier: ISC */
/*
 * Is a deployment still wanted, for those who wait for minutes on its behalf (api/provider.h)? Not
 * when it is to end, by whoever's word; and not by a daemon that stops: the next one goes on. Reads
 * the store; any thread.
 */
#ifndef MIRD_WANTED_H
#define MIRD_WANTED_H

#include "api/provider.h"

struct mird_engine;

struct mird_wanted {
    struct mir_wanted wanted; /* for the spec */
    struct mird_engine *engine;
    const char *id; /* of the deployment; borrowed */
};

/* Points into itself: not to be copied. */
void mird_wanted_init(struct mird_wanted *wanted, struct mird_engine *engine, const char *id);

#endif
