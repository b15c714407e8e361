/* SPDX-License-Identifier: ISC */
/* The instance step: create under the lease's token, and delete. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"
#include "carried_disk.h"
#include "carry.h"
#include "daemon/announce_url.h"
#include "engine_parts.h"

static int add_words(struct mir_buf *out, const char *words)
{
    return *words ? mir_buf_addf(out, "%s%s", out->len ? " " : "", words) : 0;
}

/* The kernel command line: for kernels that read them our own arguments come first, so that the
 * user's, which come last, can overrule them. */
static int compose_arguments(const struct mird_engine *engine, const struct mird_deployment *d,
                             const struct mir_provider *provider, const struct mir_kernel *kernel,
                             char *out, size_t size, struct mir_error *err)
{
    if (d->carrier)
        return mird_carrier_told(engine->core, d, kernel, out, size, err);
    mir_auto_buf struct mir_buf text;
    mir_auto_free char *announce =
        d->takes_part & MIR_PART_ANNOUNCE
            ? mird_announce_url(engine->core->public_url, provider->guest_host)
            : NULL;
    mir_buf_init(&text, size - 1);
    if (d->takes_part & MIR_PART_ARGS) {
        mir_buf_addf(&text, "name=%s token=%s", d->name, d->token);
        if (!mir_forever(d->deadline_s))
            mir_buf_addf(&text, " deadline=%" PRId64, d->deadline_s);
        mir_buf_addf(&text, " grace=%d", MIRD_GUEST_GRACE_S);
        add_words(&text, provider->guest_args ? provider->guest_args : "");
        if (announce)
            mir_buf_addf(&text, " announce=%s", announce);
        if (*d->url)
            mir_buf_addf(&text, " url=%s", d->url);
    }
    add_words(&text, d->arguments);
    if (text.full) {
        mir_fail(err, MIR_USAGE, "the kernel command line is longer than %zu bytes", size - 1);
        return mir_error_hint(err, "shorten the kernel arguments");
    }
    return mir_copy(out, size, mir_buf_text(&text));
}

int mird_spec_make(struct mird_engine *engine, const struct mird_deployment *d,
                   const struct mir_lease *lease, const struct mird_subject *subject,
                   struct mir_instance_spec *ret, struct mir_error *err)
{
    const struct mird_core *core = engine->core;
    struct mir_prov *prov = mird_core_provider(core, d->provider);
    struct mir_instance_spec spec = {.lease = lease,
                                     .kernel = &subject->seen,
                                     .kernel_path = subject->path,
                                     .carrier = d->carrier,
                                     .carrier_base = subject->base,
                                     .blocks = &d->blocks,
                                     .block_folder = subject->block_folder,
                                     .memory_bytes = d->memory_bytes,
                                     .machine = d->machine,
                                     .place = d->place,
                                     .takes_part = d->takes_part,
                                     .port_count = d->port_count};
    mir_copy(spec.tags.installation, sizeof spec.tags.installation, core->identity.installation);
    mir_copy(spec.tags.deployment, sizeof spec.tags.deployment, d->id);
    spec.tags.expires_s = lease ? lease->deadline_s : d->deadline_s;
    mir_tags_sign(&spec.tags, core->identity.tag_key);
    mir_copy(spec.name, sizeof spec.name, d->name);
    mir_copy(spec.image_id, sizeof spec.image_id, d->image_id);
    memcpy(spec.ports, d->ports, sizeof spec.ports);
    if (compose_arguments(engine, d, mir_prov_info(prov), &subject->plain, spec.arguments,
                          sizeof spec.arguments, err))
        return -1;
    *ret = spec;
    return 0;
}

int mird_instance_make(struct mird_engine *engine, struct mird_entry *entry,
                       const struct mird_deployment *d, struct mird_answer *ret)
{
    mird_auto_subject struct mird_subject subject;
    struct mir_lease lease;
    struct mir_instance_spec spec;
    if (mird_subject_find(engine->core, d, &subject, &ret->error) ||
        mird_store_lease(engine->core->store, d->id, &lease, &ret->error) ||
        mird_spec_make(engine, d, &lease, &subject, &spec, &ret->error))
        return -1;
    mir_auto_free char *disk = mird_carried_path(engine->core, d->id);
    if (d->carrier)
        mird_carried_launch(&spec, disk);
    return mir_prov_instance_create(mird_entry_prov(engine, entry), &spec, &ret->instance,
                                    &ret->error);
}

int mird_instance_end(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_deployment *d, struct mir_error *err)
{
    mird_console_pull(engine, entry); /* gone with the instance otherwise */
    return mir_prov_instance_delete(mird_entry_prov(engine, entry), d->id, err);
}
