/* SPDX-License-Identifier: ISC */
/* The checking wrappers: the contract of provider.h as code. */
#include "api/provider.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fault.h"
#include "api/log.h"
#include "api/memory.h"

struct mir_prov {
    const struct mir_provider *info;
    const struct mir_clock *clock;
    const struct mir_fence *fence;
    struct mir_provider_env env;
    pthread_mutex_t opening;
    atomic_bool is_open; /* ctx is there, and stays */
    void *ctx;
};

/* One call under way: its names and when it began. */
struct call {
    const struct mir_prov *prov;
    char point[64]; /* "local.instance_create" */
    int64_t began_ms;
};

/* What could not be opened is opened by the first call that can. */
static int opened(struct mir_prov *prov, struct mir_error *err)
{
    if (atomic_load(&prov->is_open))
        return 0;
    pthread_mutex_lock(&prov->opening);
    int rc = 0;
    if (!atomic_load(&prov->is_open)) {
        rc = prov->info->open(&prov->env, &prov->ctx, err);
        atomic_store(&prov->is_open, rc == 0);
    }
    pthread_mutex_unlock(&prov->opening);
    return rc ? mir_error_wrap(err, "provider %s", prov->info->name) : 0;
}

static int begin(struct call *call, struct mir_prov *prov, const char *op, struct mir_error *err)
{
    if (opened(prov, err))
        return -1;
    call->prov = prov;
    snprintf(call->point, sizeof call->point, "%s.%s", prov->info->name, op);
    call->began_ms = prov->clock->boot_ms(prov->clock->ctx);
    return mir_fault_before(call->point, err);
}

/* For what creates, ends or changes something: not under an epoch that is over. The last thing
 * before the provider's turn, since a process can be stopped for long anywhere. */
static int begin_act(struct call *call, struct mir_prov *prov, const char *op,
                     struct mir_error *err)
{
    return begin(call, prov, op, err) || mir_fence_check(prov->fence, err) ? -1 : 0;
}

static int end(struct call *call, const char *subject, int rc, struct mir_error *err)
{
    if (rc == 0)
        rc = mir_fault_after(call->point, err);
    if (rc && err)
        mir_copy(err->provider, sizeof err->provider, call->prov->info->name);
    if (mir_log_enabled(MIR_LOG_DEBUG))
        mir_log(MIR_LOG_DEBUG, "provider", "%s %s: %s in %" PRId64 " ms", call->point, subject,
                rc ? (err ? err->text : "failed") : "ok",
                call->prov->clock->boot_ms(call->prov->clock->ctx) - call->began_ms);
    return rc;
}

struct mir_prov *mir_prov_new(const struct mir_provider *provider,
                              const struct mir_provider_env *env)
{
    struct mir_prov *prov = mir_calloc(1, sizeof *prov);
    prov->info = provider;
    prov->clock = env->clock;
    prov->fence = env->fence;
    prov->env = *env;
    pthread_mutex_init(&prov->opening, NULL);
    return prov;
}

int mir_prov_ready(struct mir_prov *prov, struct mir_error *err)
{
    return opened(prov, err);
}

int mir_prov_open(const struct mir_provider *provider, const struct mir_provider_env *env,
                  struct mir_prov **ret_prov, struct mir_error *err)
{
    struct mir_prov *prov = mir_prov_new(provider, env);
    if (opened(prov, err)) {
        mir_prov_close(prov);
        return -1;
    }
    *ret_prov = prov;
    return 0;
}

void mir_prov_close(struct mir_prov *prov)
{
    if (!prov)
        return;
    if (atomic_load(&prov->is_open))
        prov->info->close(prov->ctx);
    pthread_mutex_destroy(&prov->opening);
    free(prov);
}

const struct mir_provider *mir_prov_info(const struct mir_prov *prov)
{
    return prov->info;
}

void mir_prov_check(struct mir_prov *prov, struct mir_check *checks, size_t max, size_t *ret_count)
{
    struct mir_error err = {0};
    *ret_count = 0;
    if (!opened(prov, &err)) {
        prov->info->check(prov->ctx, checks, max, ret_count);
    } else if (max > 0) {
        checks[0] = (struct mir_check){.name = "open", .level = MIR_CHECK_FAIL};
        mir_copy(checks[0].detail, sizeof checks[0].detail, err.text);
        mir_copy(checks[0].fix, sizeof checks[0].fix, err.hint);
        *ret_count = 1;
    }
}

int mir_prov_admit(struct mir_prov *prov, const struct mir_instance_spec *spec,
                   struct mir_error *err)
{
    int rc = opened(prov, err) ? -1 : prov->info->admit(prov->ctx, spec, err);
    if (rc && err)
        mir_copy(err->provider, sizeof err->provider, prov->info->name);
    return rc;
}

/* What is not sold costs nothing, and has no price table. */
static int no_quote(const struct mir_prov *prov, const struct mir_place *asked,
                    struct mir_quote *ret, struct mir_error *err)
{
    const char *what = mir_place_asked(asked);
    if (!what) {
        *ret = (struct mir_quote){.place.budget_micro = asked->budget_micro, .price.known = true};
        return 0;
    }
    mir_fail(err, MIR_USAGE, "--%s is not for %s", what, prov->info->name);
    return mir_error_hint(err, "leave it away: it is for clouds");
}

/* What the provider decides, the budget apart: that is the user's. */
static int ask_quote(struct mir_prov *prov, const struct mir_kernel *kernel,
                     const struct mir_place *asked, uint64_t memory_bytes, struct mir_quote *ret,
                     struct mir_error *err)
{
    struct mir_place filled = *asked;
    struct mir_quote quote = {0};
    mir_place_default_open(&filled);
    if (opened(prov, err) ||
        prov->info->quote(prov->ctx, kernel, &filled, memory_bytes, &quote, err))
        return -1;
    quote.place.budget_micro = asked->budget_micro;
    *ret = quote;
    return 0;
}

int mir_prov_quote(struct mir_prov *prov, const struct mir_kernel *kernel,
                   const struct mir_place *asked, uint64_t memory_bytes, struct mir_quote *ret,
                   struct mir_error *err)
{
    int rc = prov->info->quote ? ask_quote(prov, kernel, asked, memory_bytes, ret, err)
                               : no_quote(prov, asked, ret, err);
    if (rc && err)
        mir_copy(err->provider, sizeof err->provider, prov->info->name);
    return rc;
}

int mir_prov_image_put(struct mir_prov *prov, const struct mir_instance_spec *spec,
                       char ret_id[MIR_INSTANCE_ID], struct mir_error *err)
{
    if (!prov->info->image_put) {
        ret_id[0] = '\0';
        return 0;
    }
    struct call call;
    if (begin_act(&call, prov, "image_put", err))
        return -1;
    return end(&call, spec->name, prov->info->image_put(prov->ctx, spec, ret_id, err), err);
}

int mir_prov_image_get(struct mir_prov *prov, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    if (!prov->info->image_get) {
        *ret = (struct mir_instance){.kind = MIR_OBJECT_IMAGE, .state = MIR_INSTANCE_ABSENT};
        return 0;
    }
    struct call call;
    if (begin(&call, prov, "image_get", err))
        return -1;
    return end(&call, token, prov->info->image_get(prov->ctx, token, ret, err), err);
}

int mir_prov_image_delete(struct mir_prov *prov, const char *token, const char *image_id,
                          struct mir_error *err)
{
    if (!prov->info->image_delete)
        return 0;
    struct call call;
    if (begin_act(&call, prov, "image_delete", err))
        return -1;
    return end(&call, token, prov->info->image_delete(prov->ctx, token, image_id, err), err);
}

int mir_prov_wanted(const struct mir_instance_spec *spec, struct mir_error *err)
{
    return spec->wanted ? spec->wanted->check(spec->wanted->ctx, err) : 0;
}

int mir_prov_create_limit_ms(const struct mir_lease *lease, const struct mir_clock *clock,
                             int limit_ms)
{
    int64_t left_ms = lease->deadline_s * 1000 - clock->utc_ms(clock->ctx);
    return left_ms < 1 ? 1 : left_ms < limit_ms ? (int)left_ms : limit_ms;
}

/* No lease, no launch. */
static int spec_has_lease(const struct mir_prov *prov, const struct mir_instance_spec *spec,
                          struct mir_error *err)
{
    const struct mir_lease *lease = spec->lease;
    if (!lease || !lease->durable || !mir_id_valid(lease->id))
        return mir_fail(err, MIR_INTERNAL, "launch of %s refused: no durable lease", spec->name);
    if (strcmp(spec->tags.deployment, lease->id) || !mir_id_valid(spec->tags.installation))
        return mir_fail(err, MIR_INTERNAL, "launch of %s refused: tags do not name the lease",
                        spec->name);
    if (lease->deadline_s <= mir_now_s(prov->clock))
        return mir_fail(err, MIR_POLICY, "launch of %s refused: its lease is over", spec->name);
    return 0;
}

int mir_prov_instance_create(struct mir_prov *prov, const struct mir_instance_spec *spec,
                             struct mir_instance *ret, struct mir_error *err)
{
    struct call call;
    if (spec_has_lease(prov, spec, err) || begin_act(&call, prov, "instance_create", err))
        return -1;
    return end(&call, spec->name, prov->info->instance_create(prov->ctx, spec, ret, err), err);
}

int mir_prov_instance_get(struct mir_prov *prov, const char *token, struct mir_instance *ret,
                          struct mir_error *err)
{
    struct call call;
    if (begin(&call, prov, "instance_get", err))
        return -1;
    int rc = prov->info->instance_get(prov->ctx, token, ret, err);
    if (!rc && ret->state == MIR_INSTANCE_ABSENT && ret->object_count)
        ret->state = MIR_INSTANCE_ENDED; /* not gone while anything of it is left */
    return end(&call, token, rc, err);
}

int mir_prov_instance_delete(struct mir_prov *prov, const char *token, struct mir_error *err)
{
    struct call call;
    if (begin_act(&call, prov, "instance_delete", err))
        return -1;
    return end(&call, token, prov->info->instance_delete(prov->ctx, token, err), err);
}

int mir_prov_object_get(struct mir_prov *prov, const struct mir_instance *object,
                        struct mir_instance *ret, struct mir_error *err)
{
    if (object->kind == MIR_OBJECT_IMAGE)
        return mir_prov_image_get(prov, object->tags.deployment, ret, err);
    return mir_prov_instance_get(prov, object->tags.deployment, ret, err);
}

int mir_prov_object_delete(struct mir_prov *prov, const struct mir_instance *object,
                           struct mir_error *err)
{
    if (object->kind == MIR_OBJECT_IMAGE)
        return mir_prov_image_delete(prov, object->tags.deployment, object->id, err);
    return mir_prov_instance_delete(prov, object->tags.deployment, err);
}

int mir_prov_instance_console(struct mir_prov *prov, const char *token, uint64_t offset,
                              struct mir_buf *out, uint64_t *ret_next, struct mir_error *err)
{
    struct call call;
    if (begin(&call, prov, "instance_console", err))
        return -1;
    return end(&call, token,
               prov->info->instance_console(prov->ctx, token, offset, out, ret_next, err), err);
}

/* A hook that claims another deadline than the lease's is not armed for this lease; and none can be
 * armed for a lease without one. */
static void distrust_hooks(const struct mir_lease *lease, struct mir_hook *hooks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mir_hook *hook = &hooks[i];
        bool same = hook->deadline_s == lease->deadline_s;
        if (hook->state != MIR_HOOK_ARMED || (same && !mir_forever(lease->deadline_s)))
            continue;
        hook->state = same ? MIR_HOOK_OFF : MIR_HOOK_FAILED;
        snprintf(hook->detail, sizeof hook->detail,
                 same ? "no deadline" : "read back another deadline");
    }
}

int mir_prov_hooks_arm(struct mir_prov *prov, const struct mir_lease *lease, struct mir_hook *hooks,
                       size_t max, size_t *ret_count, struct mir_error *err)
{
    struct call call;
    if (!lease->durable)
        return mir_fail(err, MIR_INTERNAL, "hooks refused: the lease is not durable");
    if (begin_act(&call, prov, "hooks_arm", err))
        return -1;
    *ret_count = 0;
    int rc = prov->info->hooks_arm(prov->ctx, lease, hooks, max, ret_count, err);
    if (rc == 0)
        distrust_hooks(lease, hooks, *ret_count);
    return end(&call, lease->id, rc, err);
}

/* --- notes --- */

static int begin_note(struct call *call, struct mir_prov *prov, const char *op,
                      struct mir_error *err)
{
    if (prov->info->note_get)
        return begin(call, prov, op, err);
    return mir_fail(err, MIR_USAGE, "the provider %s keeps no notes", prov->info->name);
}

int mir_prov_caller(struct mir_prov *prov, struct mir_caller *ret, struct mir_error *err)
{
    struct call call;
    return begin_note(&call, prov, "caller", err)
               ? -1
               : end(&call, "", prov->info->caller(prov->ctx, ret, err), err);
}

int mir_prov_covered(struct mir_prov *prov, char ret_places[MIR_PLACES_TEXT], struct mir_error *err)
{
    struct call call;
    return begin_note(&call, prov, "covered", err)
               ? -1
               : end(&call, "", prov->info->covered(prov->ctx, ret_places, err), err);
}

int mir_prov_note_put(struct mir_prov *prov, const char *text, struct mir_error *err)
{
    struct call call;
    return begin_note(&call, prov, "note_put", err) || mir_fence_check(prov->fence, err)
               ? -1
               : end(&call, "", prov->info->note_put(prov->ctx, text, err), err);
}

int mir_prov_note_get(struct mir_prov *prov, struct mir_buf *out, struct mir_error *err)
{
    struct call call;
    return begin_note(&call, prov, "note_get", err)
               ? -1
               : end(&call, "", prov->info->note_get(prov->ctx, out, err), err);
}

int mir_prov_place_name(struct mir_prov *prov, const struct mir_place *place,
                        char ret_name[MIR_PLACE_NAME], struct mir_error *err)
{
    struct call call;
    if (!prov->info->place_name)
        return mir_copy(ret_name, MIR_PLACE_NAME, place->region);
    return begin_note(&call, prov, "place_name", err)
               ? -1
               : end(&call, "", prov->info->place_name(prov->ctx, place, ret_name, err), err);
}

bool mir_prov_configured(struct mir_prov *prov)
{
    /* What cannot be opened now may be there later. */
    if (!prov->info->configured || opened(prov, NULL))
        return true;
    return prov->info->configured(prov->ctx);
}

bool mir_prov_date(const struct mir_prov *prov, int64_t *ret_utc_ms, int64_t *ret_boot_ms)
{
    int64_t boot_ms = 0;
    if (!atomic_load(&prov->is_open))
        return false;
    int64_t utc_ms = prov->info->date ? prov->info->date(prov->ctx, &boot_ms) : 0;
    if (utc_ms <= 0)
        return false;
    *ret_utc_ms = utc_ms;
    *ret_boot_ms = boot_ms;
    return true;
}

int mir_prov_sweep(struct mir_prov *prov, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    struct call call;
    if (begin(&call, prov, "sweep", err))
        return -1;
    return end(&call, "", prov->info->sweep(prov->ctx, fn, fn_ctx, err), err);
}

int mir_prov_sweep_place(struct mir_prov *prov, const struct mir_place *place, mir_instance_fn *fn,
                         void *fn_ctx, struct mir_error *err)
{
    struct call call;
    if (!prov->info->sweep_place)
        return mir_fail(err, MIR_USAGE, "provider %s has no places", prov->info->name);
    if (begin(&call, prov, "sweep_place", err))
        return -1;
    return end(&call, "", prov->info->sweep_place(prov->ctx, place, fn, fn_ctx, err), err);
}

static void tags_mac(const struct mir_tags *tags, const unsigned char key[32], char out[65])
{
    char text[160];
    int n = snprintf(text, sizeof text, "%s\n%s\n%" PRId64 "\n", tags->installation,
                     tags->deployment, tags->expires_s);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, (size_t)n, mac, &mac_len);
    mir_hex(mac, 32, out);
}

void mir_tags_sign(struct mir_tags *tags, const unsigned char key[32])
{
    tags_mac(tags, key, tags->signature);
}

int mir_tags_verify(const struct mir_tags *tags, const unsigned char key[32])
{
    char expected[65];
    tags_mac(tags, key, expected);
    return CRYPTO_memcmp(expected, tags->signature, 64) == 0 && strlen(tags->signature) == 64;
}
