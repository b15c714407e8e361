/* SPDX-License-Identifier: ISC */
/*
 * What a deployment starts, as its provider sees it: the kernel and its file, or a carrier's disk
 * with the kernel on it. The base of a carrier is made by mirage-carrier when it is first needed,
 * which may take a minute and the network; after that it is there.
 */
#ifndef DAEMON_CARRY_H
#define DAEMON_CARRY_H

#include "daemon/answer.h"
#include "daemon/core.h"
#include "daemon/deployment.h"
#include "images/carrier_conf.h"

struct mird_engine;
struct mird_entry;

struct mird_subject {
    struct mir_kernel plain; /* as the store has it */
    struct mir_kernel seen;  /* as the provider sees it: the same, or a disk (img_carrier_view) */
    char *path;              /* owned; of the file that the provider starts or makes a disk of */
    char *block_folder;      /* owned; where its block devices' files are */
    char *base;              /* owned; folder of the carrier's base; NULL: none, or not asked for */
};

/* From the store. Clear it in any case. */
int mird_subject_find(const struct mird_core *core, const struct mird_deployment *d,
                      struct mird_subject *ret, struct mir_error *err);
/* The same of a kernel that is in hand. */
void mird_subject_of(const struct mird_core *core, const struct mird_deployment *d,
                     const struct mir_kernel *kernel, struct mird_subject *ret);
void mird_subject_clear(struct mird_subject *subject);
#define mird_auto_subject MIR_CLEANUP(mird_subject_clear)

/* Is there what its carrier is made of and no package has? MIR_POLICY with the fix: no tender. */
int mird_carrier_possible(const struct mird_core *core, enum mir_carrier shape,
                          const struct mir_kernel *kernel, struct mir_error *err);

/*
 * The base of the deployment's carrier, made where it is not there. Blocking; what mirage-carrier
 * is about becomes events of the deployment, and it is ended when the deployment is to end
 * (MIR_INTERRUPTED) or the daemon stops (MIR_UNAVAILABLE, transient). Of the answer the error is
 * filled in: mirage-carrier's own errors come as it says them, and are final, for it has tried
 * again where that helps.
 */
int mird_carrier_base(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_deployment *d, struct mird_subject *subject,
                      struct mird_answer *ret);

/* What the carrier is told (images/carrier_conf.h), into out. */
int mird_carrier_told(const struct mird_core *core, const struct mird_deployment *d,
                      const struct mir_kernel *kernel, char *out, size_t size,
                      struct mir_error *err);

#endif
