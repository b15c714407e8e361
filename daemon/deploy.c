/* SPDX-License-Identifier: ISC */
/* From a request to a durable lease: find, plan, admit, name, commit; the workers do the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/suggest.h"
#include "carried_disk.h"
#include "carry.h"
#include "daemon/block_store.h"
#include "daemon/kernel_store.h"
#include "engine_parts.h"

struct draft {
    struct mir_prov *prov;
    struct mir_kernel kernel;
    struct mir_error kernel_error; /* MIR_OK: there is a kernel */
    struct mird_burden burden;     /* of it */
    struct mird_plan plan;
    int64_t now_s;
};

static int find_provider(const struct mird_core *core, const char *name, struct mir_prov **ret,
                         struct mir_error *err)
{
    const char *names[MIRD_PROVIDERS_MAX];
    *ret = mird_core_provider(core, name);
    if (*ret)
        return 0;
    for (size_t i = 0; i < core->provider_count; i++)
        names[i] = mir_prov_info(core->providers[i])->name;
    const char *near = mir_suggest(name, names, core->provider_count);
    mir_fail(err, MIR_NOT_FOUND, "there is no provider '%s'", name);
    return near ? mir_error_hint(err, "did you mean '%s'?", near)
                : mir_error_hint(err, "see: mirage-deploy providers");
}

/* Before anything is locked: a kernel whose inspection is out of date is inspected again. */
static void find_kernel(struct mird_engine *engine, const struct mird_request *request,
                        struct draft *draft)
{
    if (!mird_kernel_find(engine->core, request->kernel, mird_engine_now_ms(engine) / 1000,
                          &draft->kernel, &draft->kernel_error))
        draft->kernel_error.kind = MIR_OK;
}

static int find_load(struct mird_engine *engine, struct mird_load *ret, struct mir_error *err)
{
    struct mird_store *store = engine->core->store;
    size_t live = 0;
    *ret = (struct mird_load){0};
    if (mird_store_open_count(store, engine->policy.deployments_max, &live, err))
        return -1;
    ret->live = (unsigned)live;
    return engine->policy.budget_micro ? mird_store_committed(store, "", &ret->committed, err) : 0;
}

static int quote(struct mir_prov *prov, const struct mird_request *request,
                 const struct draft *draft, struct mir_quote *ret, struct mir_error *err)
{
    return mir_prov_quote(prov, &draft->burden.kernel, &request->place, draft->burden.memory_bytes,
                          ret, err);
}

/* The type that was named, or all that the provider has, may be one on which the kernel is not to
 * be carried: then it is started there as it is. */
static bool carried_for_nothing(const struct mird_request *request, const struct draft *draft,
                                const struct mir_quote *quoted)
{
    const struct mir_family *family =
        mir_kernel_family(&draft->kernel, request->provider, quoted->family);
    return draft->burden.plain && request->carrier == IMG_CARRIER_AUTOMATIC && family &&
           family->verdict != MIR_VERDICT_CARRIER;
}

static int find_quote(const struct mird_request *request, struct draft *draft,
                      struct mir_quote *ret, struct mir_error *err)
{
    struct mird_request as_it_is = *request;
    if (mird_burden_make(request, &draft->kernel, &draft->burden, err) ||
        quote(draft->prov, request, draft, ret, err))
        return -1;
    if (!carried_for_nothing(request, draft, ret))
        return 0;
    as_it_is.carrier = IMG_CARRIER_NEVER;
    return mird_burden_make(&as_it_is, &draft->kernel, &draft->burden, err) ||
                   quote(draft->prov, request, draft, ret, err)
               ? -1
               : 0;
}

/* A provider may have to ask its cloud for a price: before anybody has to wait for this deploy.
 * With the lock held it remembers the answer. */
static void ask_ahead(struct mird_engine *engine, const struct mird_request *request,
                      struct draft *draft)
{
    struct mir_quote answer;
    if (draft->kernel_error.kind == MIR_OK &&
        !find_provider(engine->core, request->provider, &draft->prov, NULL))
        (void)find_quote(request, draft, &answer, NULL);
}

static int make_draft(struct mird_engine *engine, const struct mird_request *request,
                      struct draft *draft, struct mir_error *err)
{
    const struct mird_core *core = engine->core;
    draft->now_s = mird_engine_now_ms(engine) / 1000;
    if (mird_engine_clock_set(draft->now_s, err) ||
        find_provider(core, request->provider, &draft->prov, err))
        return -1;
    if (draft->kernel_error.kind != MIR_OK) {
        if (err)
            *err = draft->kernel_error;
        return -1;
    }
    struct mir_quote quoted;
    struct mird_load load;
    if (find_quote(request, draft, &quoted, err) || find_load(engine, &load, err))
        return -1;
    int rc = mird_plan_make(request, &draft->burden, mir_prov_info(draft->prov), &quoted,
                            &engine->policy, &load, draft->now_s, &draft->plan, err) ||
                     mird_carrier_possible(core, draft->plan.carrier, &draft->kernel, err)
                 ? -1
                 : 0;
    if (rc && err)
        mir_copy(err->provider, sizeof err->provider, request->provider);
    return rc;
}

int mird_engine_plan(struct mird_engine *engine, const struct mird_request *request, json_t **ret,
                     struct mir_error *err)
{
    struct draft draft = {0};
    struct mird_request known = *request;
    find_kernel(engine, request, &draft);
    if (mird_blocks_find(engine->core, &known.blocks, err) ||
        make_draft(engine, &known, &draft, err))
        return -1;
    *ret = mird_plan_json(&draft.plan, &known, &draft.kernel, draft.now_s);
    return 0;
}

/* --- the record --- */

static int ports_free(struct mird_store *store, const struct mird_deployment *d,
                      struct mir_error *err)
{
    for (unsigned i = 0; i < d->port_count; i++) {
        char holder[MIR_NAME_TEXT];
        const struct mir_port *port = &d->ports[i];
        int held = port->host_port ? mird_store_port_holder(store, port, holder, err) : 0;
        if (held < 0)
            return -1;
        if (!held)
            continue;
        mir_fail(err, MIR_CONFLICT, "port %u is published by '%s'", (unsigned)port->host_port,
                 holder);
        return mir_error_hint(err, "choose another -p, or: mirage-deploy rm %s", holder);
    }
    return 0;
}

/* The URL is known beforehand when the user has chosen the port. */
static void early_url(struct mird_deployment *d)
{
    for (unsigned i = 0; !*d->url && i < d->port_count; i++) {
        const struct mir_port *port = &d->ports[i];
        if (port->guest_port != 80 || !port->host_port)
            continue;
        bool any = !strcmp(port->address, "0.0.0.0");
        mird_url_make(d->url, sizeof d->url, any ? "127.0.0.1" : port->address, port->host_port);
        mir_copy(d->url_origin, sizeof d->url_origin, "derived");
    }
}

static void fill(struct mird_engine *engine, const struct mird_request *request,
                 const struct draft *draft, struct mird_deployment *d)
{
    const struct mird_plan *plan = &draft->plan;
    *d = (struct mird_deployment){.memory_bytes = plan->memory_bytes,
                                  .takes_part = plan->takes_part,
                                  .wants_url = plan->wants_url,
                                  .machine = plan->machine,
                                  .carrier = plan->carrier,
                                  .guest_bytes = plan->guest_bytes,
                                  .blocks = request->blocks,
                                  .place = plan->place,
                                  .price = plan->price,
                                  .list = request->list,
                                  .anyway = request->anyway,
                                  .prove = request->prove,
                                  .created_s = draft->now_s,
                                  .deadline_s = plan->deadline_s,
                                  .port_count = plan->port_count};
    mir_id_new(engine->core->random, d->id);
    mir_id_new(engine->core->random, d->token);
    mir_copy(d->provider, sizeof d->provider, request->provider);
    mir_copy(d->kernel, sizeof d->kernel, request->kernel);
    mir_copy(d->owner, sizeof d->owner, request->owner);
    mir_copy(d->arguments, sizeof d->arguments, request->arguments);
    mir_copy(d->url, sizeof d->url, request->url);
    mir_copy(d->reason, sizeof d->reason, request->reason);
    mir_copy(d->url_origin, sizeof d->url_origin, *request->url ? "given" : "");
    memcpy(d->ports, plan->ports, sizeof d->ports);
    if (*request->name)
        mir_copy(d->name, sizeof d->name, request->name);
    else
        snprintf(d->name, sizeof d->name, "%s-%.6s", mir_format_name(draft->kernel.format), d->id);
    early_url(d);
}

static int admit(struct mird_engine *engine, const struct draft *draft,
                 const struct mird_deployment *d, struct mir_error *err)
{
    struct mir_instance_spec spec;
    mird_auto_subject struct mird_subject subject;
    mird_subject_of(engine->core, d, &draft->kernel, &subject);
    /* What is packed or carried has no bootable file yet; the provider judges by the inspection. */
    if (mird_spec_make(engine, d, NULL, &subject, &spec, err))
        return -1;
    if (d->carrier)
        mird_carried_launch(&spec, NULL);
    else if (mird_kernel_packed(&draft->kernel))
        spec.kernel_path = NULL;
    return mir_prov_admit(draft->prov, &spec, err);
}

static int commit(struct mird_engine *engine, const struct draft *draft, const char *key,
                  const char *body_sha, struct mird_deployment *d, struct mird_operation *op,
                  struct mir_error *err)
{
    bool replayed = false;
    struct mird_news news = {0};
    const struct mird_rules rules = mird_rules_for(engine, draft->prov, &draft->kernel, d->carrier);
    bool intended = mird_turn_intend_first(d, &rules, mird_engine_now_ms(engine), &news);
    *op = (struct mird_operation){.created_s = d->created_s, .kind = "deploy"};
    mir_id_new(engine->core->random, op->id);
    mir_copy(op->deployment, sizeof op->deployment, d->id);
    mir_copy(op->name, sizeof op->name, d->name);
    /* A commit that failed may have been written all the same, and nobody would take it up. */
    if (mird_store_deployment_add(engine->core->store, d, op, &news, key, body_sha, &replayed,
                                  err) &&
        mird_store_deployment_get(engine->core->store, d->id, d, NULL))
        return -1;
    if (replayed)
        return 0;
    struct mird_entry *entry = mird_entry_add(engine, d, false);
    entry->body->drive.intended = intended;
    mird_engine_poke(engine, entry, false);
    mird_hub_changed(engine->core->hub, d->id);
    return 0;
}

/* A request repeated with its key gets the answer of then, even where it would be refused by now
 * (its own name and port are taken). */
static int deploy_locked(struct mird_engine *engine, struct mird_request *request, const char *key,
                         const char *body_sha, struct draft *draft, struct mird_deployment *d,
                         struct mird_operation *op, struct mir_error *err)
{
    int seen = mird_store_idempotency_find(engine->core->store, key, body_sha,
                                           mird_engine_now_ms(engine) / 1000, d, op, err);
    if (seen)
        return seen < 0 ? -1 : 0;
    if (mird_blocks_find(engine->core, &request->blocks, err) ||
        make_draft(engine, request, draft, err))
        return -1;
    fill(engine, request, draft, d);
    if (ports_free(engine->core->store, d, err))
        return -1;
    return admit(engine, draft, d, err) || commit(engine, draft, key, body_sha, d, op, err) ? -1
                                                                                            : 0;
}

int mird_engine_deploy(struct mird_engine *engine, const struct mird_request *request,
                       const char *idempotency_key, const char *body_sha,
                       struct mird_deployment *ret_d, struct mird_operation *ret_op,
                       struct mir_error *err)
{
    struct draft draft = {0};
    struct mird_deployment d;
    struct mird_operation op;
    struct mird_request known = *request;
    find_kernel(engine, request, &draft);
    (void)mird_blocks_find(engine->core, &known.blocks, NULL); /* asked again with the lock held */
    ask_ahead(engine, &known, &draft);
    pthread_mutex_lock(&engine->deploy_lock);
    int rc = deploy_locked(engine, &known, idempotency_key, body_sha, &draft, &d, &op, err);
    pthread_mutex_unlock(&engine->deploy_lock);
    if (rc)
        return -1;
    *ret_d = d;
    *ret_op = op;
    return 0;
}

/* One at a time with the deploys, which look for the kernel and then write that they use it. */
int mird_engine_forget_kernel(struct mird_engine *engine, const char *sha256, struct mir_error *err)
{
    pthread_mutex_lock(&engine->deploy_lock);
    int rc = mird_store_kernel_delete(engine->core->store, sha256, err);
    if (!rc)
        rc = mird_kernel_remove(engine->core->state_dir, sha256, err);
    pthread_mutex_unlock(&engine->deploy_lock);
    return rc;
}
