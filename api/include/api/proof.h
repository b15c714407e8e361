/* SPDX-License-Identifier: ISC */
/*
 * Proving an image: it is booted here before it is sent anywhere, on the machine that is nearest to
 * the one it is for. Here stands what is nearest (a table, data with its reasons), what counts as
 * proof, and how long it is waited for; whoever proves something brings the machine and the eyes.
 *
 * Pure; any thread.
 */
#ifndef API_PROOF_H
#define API_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/kernel.h"
#include "api/machine.h"

/* --- the nearest machine --- */

/* One way in which a family of targets starts a disk. */
struct mir_proof_target {
    const char *family; /* "ec2-nitro" */
    const char *title;  /* for people */
    struct mir_machine machine;
    const char *why; /* where it is like the target, and where it is not */
};

/* The whole table, static; a family has a row for each firmware. */
const struct mir_proof_target *mir_proof_targets(size_t *ret_count);

/* The row of that family for that firmware; MIR_FIRMWARE_NONE: its first, the one that it starts
 * when nobody says. NULL: no such row. */
const struct mir_proof_target *mir_proof_target_find(const char *family,
                                                     enum mir_firmware firmware);

/* The row that is nearest to a machine of that provider with those needs: its firmware, and its
 * disk where there is a choice. NULL: nothing like it runs here (PV-GRUB). */
const struct mir_proof_target *mir_proof_target_for(const char *provider,
                                                    const struct mir_needs *needs);

/* The family of an image that is for no target yet. */
#define MIR_PROOF_ANYWHERE "anywhere"

/* The row's machine for this kernel inside the image: a Solo5 kernel whose manifest names no
 * network card aborts with one, and one whose manifest names no block device aborts with a
 * virtio disk. */
struct mir_machine mir_proof_machine(const struct mir_proof_target *target,
                                     const struct mir_kernel *kernel);

/* Of the guest: what the kernel asks for and what firmware and boot loader need beside it. */
uint64_t mir_proof_memory(const struct mir_kernel *kernel);

/* --- what counts --- */

enum mir_proof_verdict {
    MIR_PROOF_WAIT, /* not yet */
    MIR_PROOF_ANSWERED,
    MIR_PROOF_SPOKE,
    MIR_PROOF_FAILED
};
const char *mir_proof_verdict_name(enum mir_proof_verdict verdict); /* "answered", "spoke", ... */

/* What is seen of the machine so far. */
struct mir_proof_seen {
    const char *console; /* all of it; borrowed */
    size_t console_len;
    bool answered;          /* a full HTTP exchange on its port 80 */
    bool may_answer;        /* there is a network card and a port */
    bool promises;          /* the kernel says that it serves HTTP (MIR_PART_WELL_KNOWN) */
    bool ended;             /* the machine is not running any more */
    const char *end_reason; /* as of mir_instance; "" while it runs */
    int64_t spoke_ms;       /* since when the console has counted (mir_proof_spoke); -1: not yet */
    int64_t now_ms;         /* both since the machine was asked for */
    int64_t limit_ms;       /* no longer than this */
};

/* An HTTP answer is the better proof, so a kernel that has spoken is given MIR_PROOF_ANSWER_MS more
 * for one (the whole time, if it promises one). A machine that has ended proves something only if
 * its kernel had spoken and then switched it off properly. */
#define MIR_PROOF_ANSWER_MS 5000
enum mir_proof_verdict mir_proof_judge(const struct mir_proof_seen *seen);

/* Is there anything on the console that neither firmware nor boot loader writes? What might still
 * become one of their lines does not count, so that a line that is half there proves nothing. */
bool mir_proof_spoke(const char *console, size_t len);
/* The same of a kernel in a carrier (docs/CARRIERS.md), which says much itself. */
bool mir_proof_spoke_inside(const char *console, size_t len);

#endif
