/* SPDX-License-Identifier: ISC */
/*
 * The proof of a disk before it is uploaded (decision 0020): its very bytes are booted here by the
 * local provider, as a deployment of their own with a lease of its own, until the kernel in it
 * answers or speaks (api/proof.h). The result is a note among the events of the deployment that
 * asked for it.
 */
#ifndef MIRD_PROVE_H
#define MIRD_PROVE_H

#include "api/imager.h"
#include "daemon/deployment.h"

struct mird_engine;

struct mird_prover {
    struct mir_prover prover; /* for the spec */
    struct mird_engine *engine;
    const struct mird_deployment *d; /* that it is for; borrowed */
    bool asked;                      /* the provider wanted a disk */
};

/* Points into itself: not to be copied. */
void mird_prover_init(struct mird_prover *prover, struct mird_engine *engine,
                      const struct mird_deployment *d);
/* After an upload that went well: says so when the disk was there already and nothing was booted.
 */
void mird_prover_end(const struct mird_prover *prover);

#endif
