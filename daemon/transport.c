/* SPDX-License-Identifier: ISC */
/* How a lease's requests reach its provider, its listing and the registry: one row for each step.
 */
#include "engine_parts.h"

struct transport {
    struct mird_engine *engine;
    struct mird_entry *entry;
    const struct mird_deployment *d; /* as it was when it was asked for */
};

/* The hooks of the providers so far go with the instance that they end. */
static int nothing_to_end(struct mird_engine *engine, struct mird_entry *entry,
                          const struct mird_deployment *d, struct mir_error *err)
{
    return 0;
}

typedef int get_fn(struct mir_prov *prov, const char *token, struct mir_instance *ret,
                   struct mir_error *err);

static const struct {
    mird_make_fn *make;
    mird_end_fn *end;
    get_fn *get; /* NULL: nothing of it is kept at the provider */
    enum mir_object_kind kind;
} steps[MIRD_STEP_COUNT] = {
    [MIRD_STEP_IMAGE] = {mird_image_make, mird_image_end, mir_prov_image_get, MIR_OBJECT_IMAGE},
    [MIRD_STEP_INSTANCE] = {mird_instance_make, mird_instance_end, mir_prov_instance_get,
                            MIR_OBJECT_INSTANCE},
    [MIRD_STEP_HOOKS] = {mird_hooks_make, nothing_to_end, NULL, MIR_OBJECT_INSTANCE},
    [MIRD_STEP_SITE] = {mird_site_make, mird_site_end, NULL, MIR_OBJECT_INSTANCE},
};

static struct mir_prov *prov_of(const struct transport *t)
{
    return mird_entry_prov(t->engine, t->entry);
}

static int64_t the_time(void *ctx)
{
    const struct transport *t = ctx;
    return mird_engine_now_ms(t->engine);
}

static bool keeps(void *ctx, enum mird_step_kind step)
{
    const struct mir_provider *info = mir_prov_info(prov_of(ctx));
    return steps[step].get && (step != MIRD_STEP_IMAGE || info->image_get);
}

static int make(void *ctx, enum mird_step_kind step, struct mird_answer *ret)
{
    const struct transport *t = ctx;
    return steps[step].make(t->engine, t->entry, t->d, ret);
}

static int end(void *ctx, enum mird_step_kind step, struct mir_error *err)
{
    const struct transport *t = ctx;
    return steps[step].end(t->engine, t->entry, t->d, err);
}

static int get(void *ctx, enum mird_step_kind step, struct mir_instance *ret, struct mir_error *err)
{
    const struct transport *t = ctx;
    return steps[step].get(prov_of(t), t->d->id, ret, err);
}

static int list(void *ctx, enum mird_step_kind step, struct mird_listed *ret,
                struct mir_instance *found, struct mir_error *err)
{
    const struct transport *t = ctx;
    struct mird_question question = {
        .kind = steps[step].kind, .id = t->entry->id, .place = t->d->place, .found = found};
    int rc = mird_listing_ask(t->engine, &t->engine->lanes[t->entry->lane], &question, err);
    *ret = question.listed;
    return rc;
}

void mird_entry_ask(struct mird_engine *engine, struct mird_entry *entry,
                    const struct mird_ask *ask, struct mird_answer *ret)
{
    struct mird_deployment d;
    struct transport t = {engine, entry, &d};
    const struct mird_transport transport = {.ctx = &t,
                                             .now_ms = the_time,
                                             .keeps = keeps,
                                             .make = make,
                                             .end = end,
                                             .get = get,
                                             .list = list};
    mird_entry_snapshot(entry, &d);
    mird_ask(&transport, &d, ask, ret);
}
