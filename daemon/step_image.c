/* SPDX-License-Identifier: ISC */
/* The image step: a packed kernel is unpacked in the sandbox, and put where the provider boots
 * from when it wants that. Both are idempotent by the kernel's digest. */
#include <stdlib.h>
#include <sys/stat.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "carried_disk.h"
#include "carry.h"
#include "daemon/block_store.h"
#include "daemon/kernel_store.h"
#include "engine_parts.h"
#include "prove.h"
#include "sandbox.h"
#include "wanted.h"

#define UNPACK_TIMEOUT_MS 120000

bool mird_kernel_packed(const struct mir_kernel *kernel)
{
    return kernel->container != MIR_CONTAINER_NONE;
}

char *mird_kernel_bootable(const struct mird_core *core, const struct mir_kernel *kernel)
{
    char *path = mird_kernel_path(core->state_dir, kernel->sha256);
    if (!mird_kernel_packed(kernel))
        return path;
    char *raw = mir_format("%s.raw", path);
    free(path);
    return raw;
}

static bool unpacked_already(const char *path, const struct mir_kernel *kernel)
{
    struct stat st;
    return !stat(path, &st) && (uint64_t)st.st_size == kernel->unpacked_bytes;
}

static int prepare(struct mird_engine *engine, const struct mir_kernel *kernel,
                   struct mir_error *err)
{
    mir_auto_free char *bootable = mird_kernel_bootable(engine->core, kernel);
    if (!mird_kernel_packed(kernel) || unpacked_already(bootable, kernel))
        return 0;
    mir_auto_free char *stored = mird_kernel_path(engine->core->state_dir, kernel->sha256);
    return mird_unpack(engine->core->helper_path, stored, bootable, kernel->unpacked_bytes,
                       UNPACK_TIMEOUT_MS, err);
}

static int put(struct mird_engine *engine, struct mird_entry *entry,
               const struct mird_deployment *d, struct mird_subject *subject,
               struct mird_answer *ret)
{
    const struct mird_input prepared = {.kind = MIRD_IN_PREPARED};
    struct mir_lease lease;
    struct mir_instance_spec spec;
    struct mird_prover prover;
    struct mird_wanted wanted;
    bool uploads = mir_prov_info(mird_entry_prov(engine, entry))->image_put != NULL;
    if (!uploads && !d->carrier)
        return 0;
    if (d->carrier && mird_carrier_base(engine, entry, d, subject, ret))
        return -1;
    if (uploads)
        mird_entry_change(engine, entry, &prepared, NULL, NULL);
    if (mird_store_lease(engine->core->store, d->id, &lease, &ret->error) ||
        mird_spec_make(engine, d, &lease, subject, &spec, &ret->error))
        return -1;
    mird_wanted_init(&wanted, engine, d->id);
    spec.wanted = &wanted.wanted;
    if (!uploads)
        return mird_carried_make(engine->core, &spec, d->id, &ret->error);
    mird_prover_init(&prover, engine, d);
    spec.prover = d->prove ? &prover.prover : NULL;
    if (mir_prov_image_put(mird_entry_prov(engine, entry), &spec, ret->image_id, &ret->error))
        return -1;
    if (d->prove)
        mird_prover_end(&prover);
    return 0;
}

int mird_image_make(struct mird_engine *engine, struct mird_entry *entry,
                    const struct mird_deployment *d, struct mird_answer *ret)
{
    mird_auto_subject struct mird_subject subject;
    return mird_subject_find(engine->core, d, &subject, &ret->error) ||
                   (!d->carrier && prepare(engine, &subject.plain, &ret->error)) ||
                   put(engine, entry, d, &subject, ret)
               ? -1
               : 0;
}

/* An upload whose answer was lost has no id that we know: it is found by the token. */
int mird_image_end(struct mird_engine *engine, struct mird_entry *entry,
                   const struct mird_deployment *d, struct mir_error *err)
{
    if (d->carrier)
        mird_carried_forget(engine->core, d->id);
    mird_blocks_release(engine, d->id, &d->blocks);
    return mir_prov_image_delete(mird_entry_prov(engine, entry), d->id, d->image_id, err);
}
