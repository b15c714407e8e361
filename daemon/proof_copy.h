/* SPDX-License-Identifier: ISC */
/*
 * The disks that are put into the kernel store for a proof alone (prove.c): each is noted in
 * <state_dir>/proofs/<sha256>, with the name of the deployment that boots it, before it is there.
 * So it goes again also when the daemon dies in the middle of the proof: the next one ends that
 * deployment and removes the copy.
 *
 * Any thread; blocking (disk, store).
 */
#ifndef MIRD_PROOF_COPY_H
#define MIRD_PROOF_COPY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "api/error.h"

struct mird_engine;

/* Of an engine. */
struct mird_proof_copies {
    pthread_mutex_t lock;
    unsigned proving;    /* proofs under way: nothing is removed meanwhile */
    atomic_bool waiting; /* there may be one: from before the first note until none is left */
};

/* At the start, when deployments are driven. */
void mird_proof_copies_begin(struct mird_engine *engine);

/* Around each proof; after the last of them all copies that no deployment uses are removed. */
void mird_proof_enter(struct mird_engine *engine);
void mird_proof_leave(struct mird_engine *engine);

/* Is it there for proofs alone? */
bool mird_proof_copy_noted(struct mird_engine *engine, const char *sha256);
/* Durable; before the copy is made. */
int mird_proof_copy_note(struct mird_engine *engine, const char *sha256, const char *boot,
                         struct mir_error *err);

/* A deployment is over, and on the disk: is a copy there that may have waited for it? Then
 * mird_proof_copies_again has to be called, by a thread that the store does not wait for. Does not
 * block. */
bool mird_proof_copies_wait(struct mird_engine *engine);
void mird_proof_copies_again(struct mird_engine *engine);

#endif
