/* SPDX-License-Identifier: ISC */
/*
 * image build --prove: the very bytes of an image that is written and has no name yet are booted by
 * the local provider, under a short lease of their own, until the kernel inside answers or speaks
 * (api/proof.h says what counts). What was started for it is ended again, whatever happens: an
 * interruption is waited for (cmd_interrupt_defer), and if this program is killed, the lease ends
 * it.
 *
 * Blocking, as long as the limit and a teardown; single thread. Starts the daemon when needed.
 */
#ifndef CLI_PROVE_H
#define CLI_PROVE_H

#include <jansson.h>
#include <stdint.h>

#include "api/proof.h"
#include "cmd.h"
#include "images/summary.h"

struct cmd_proof {
    const struct mir_kernel *kernel; /* that the image was made of; borrowed */
    const struct img_summary *image; /* borrowed */
    const char *name;                /* of the image, for people; borrowed */
    int fd;                          /* of the image; borrowed */
    int64_t limit_s;                 /* for one boot */
};

/* Boots it once for each firmware that it is for. *ret: [{"verdict","machine","after_ms",
 * "console"}], new reference, also on failure (then it ends with the boot that failed; NULL when
 * nothing was booted). MIR_POLICY: it cannot be proven here, and why; MIR_FAILED: it is not proven;
 * MIR_INTERRUPTED. */
int cmd_prove(struct cmd_context *ctx, const struct cmd_proof *proof, json_t **ret,
              struct mir_error *err);

/* --- one boot (prove_boot.c) --- */

struct cmd_proof_boot {
    const struct cmd_proof *proof;
    const char *sha256; /* of the image, which the daemon has stored */
    struct mir_machine machine;
};

int cmd_prove_boot(struct cmd_context *ctx, const struct cmd_proof_boot *boot, json_t **ret,
                   struct mir_error *err);

#endif
