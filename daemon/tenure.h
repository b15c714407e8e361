/* SPDX-License-Identifier: ISC */
/*
 * The time in which this daemon acts: it holds the lock, answers the bell that standbys ring (while
 * its reaper turns), and is over at once and for good when another daemon has taken over. That is
 * found out by whoever writes or asks a provider, and from the lock file as soon as it is replaced.
 *
 * One thread of its own, which sleeps until somebody rings or does that. The rules are in
 * daemon/epoch.h.
 */
#ifndef DAEMON_TENURE_H
#define DAEMON_TENURE_H

#include <stdbool.h>

#include "api/fence.h"
#include "daemon/engine.h"
#include "daemon/store_acting.h"

struct mird_tenure;

/* Takes lock_fd (lock.h); store was opened to act. on_lost is called once, by any thread, when it
 * is found out that another acts; it must be short. */
struct mird_tenure *mird_tenure_new(const char *state_dir, int lock_fd, struct mird_store *store,
                                    void (*on_lost)(void *ctx), void *ctx);

/* Hangs the bell and answers it. Without a bell (the disk is full, say) it goes on: then standbys
 * do not hear of it and try to take over. */
int mird_tenure_start(struct mird_tenure *tenure, struct mir_error *err);

/* From here on the bell is answered only while this engine's reaper turns. */
void mird_tenure_engine(struct mird_tenure *tenure, struct mird_engine *engine);

/* For providers; lives as long as the tenure. Holds no lock and asks no database: the file that
 * a daemon which takes over puts in place of our lock says all. */
const struct mir_fence *mird_tenure_fence(const struct mird_tenure *tenure);

/* Whether what we hold still is the lock, or nobody has put another in its place. */
bool mird_tenure_has_lock(const struct mird_tenure *tenure);

bool mird_tenure_lost(const struct mird_tenure *tenure);

/* Stop answering, and hand the row back, so that the next one need not wait. The engine has been
 * stopped, the store is still open. */
void mird_tenure_end(struct mird_tenure *tenure);
/* Lets go of the lock: after the store was closed. NULL allowed. */
void mird_tenure_free(struct mird_tenure *tenure);

#endif
