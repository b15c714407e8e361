/* SPDX-License-Identifier: ISC */
#include "conformance_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "api/memory.h"

const unsigned char conformance_key[32] = "an installation key for the test";

int64_t conf_now_s(const struct conformance_target *target)
{
    return mir_now_s(target->env.clock);
}

void conf_pause_ms(const struct conformance_target *target, long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    if (target->passes)
        target->passes(ms);
    else
        nanosleep(&t, NULL);
}

struct mir_prov *conf_open(const struct conformance_target *target)
{
    struct mir_error err = {0};
    struct mir_prov *prov = NULL;
    if (mir_prov_open(target->provider, &target->env, &prov, &err))
        fail_msg("open: %s", err.text);
    return prov;
}

void conf_sign(struct conformance_case *c)
{
    mir_tags_sign(&c->spec.tags, conformance_key);
}

/* Where the provider would have it, when nothing is asked for. */
static void place(struct conformance_case *c)
{
    const struct mir_place nothing = {.region = ""};
    struct mir_quote quote = {.price.known = false};
    if (mir_prov_quote(c->prov, &c->kernel, &nothing, c->spec.memory_bytes, &quote, &c->err))
        fail_msg("quote: %s (%s)", c->err.text, c->err.hint);
    c->spec.place = quote.place;
    if (quote.memory_bytes)
        c->spec.memory_bytes = quote.memory_bytes;
}

struct conformance_case *conformance_case_new(const struct conformance_target *target,
                                              enum conformance_guest guest, int64_t ttl_s)
{
    struct conformance_case *c = mir_calloc(1, sizeof *c);
    c->target = target;
    c->guest = guest;
    c->prov = conf_open(target);
    mir_id_new(mir_random_system(), c->lease.id);
    c->lease.deadline_s = conf_now_s(target) + ttl_s;
    c->lease.durable = true;
    c->spec.lease = &c->lease;
    c->spec.kernel = &c->kernel;
    c->spec.kernel_path = c->kernel_path;
    mir_copy(c->spec.tags.installation, MIR_ID_TEXT, target->env.installation);
    mir_copy(c->spec.tags.deployment, MIR_ID_TEXT, c->lease.id);
    c->spec.tags.expires_s = c->lease.deadline_s;
    snprintf(c->spec.name, sizeof c->spec.name, "conf-%.12s", c->lease.id);
    conf_sign(c);
    target->describe(guest, &c->spec);
    c->spec.takes_part = c->kernel.takes_part;
    place(c);
    return c;
}

int conf_gone_ms(const struct conformance_target *target)
{
    return (int)target->gone_s * 1000;
}

void conf_look(struct conformance_case *c)
{
    if (mir_prov_instance_get(c->prov, c->lease.id, &c->instance, &c->err))
        fail_msg("get: %s", c->err.text);
}

void conf_look_at_image(struct conformance_case *c)
{
    if (mir_prov_image_get(c->prov, c->lease.id, &c->instance, &c->err))
        fail_msg("image get: %s", c->err.text);
}

int conf_delete_image(struct conformance_case *c)
{
    return mir_prov_image_delete(c->prov, c->lease.id, c->spec.image_id, &c->err);
}

static int delete_instance(struct conformance_case *c)
{
    return mir_prov_instance_delete(c->prov, c->lease.id, &c->err);
}

void conf_go(struct conformance_case *c, int (*delete)(struct conformance_case *c),
             void (*look_again)(struct conformance_case *c))
{
    int step_ms = (int)c->target->look_ms;
    for (int waited = 0;; waited += step_ms) {
        if (delete (c))
            fail_msg("delete: %s", c->err.text);
        look_again(c);
        if (c->instance.state == MIR_INSTANCE_ABSENT)
            return;
        if (waited >= conf_gone_ms(c->target))
            fail_msg("%s is not gone after %d ms: %s", c->instance.id, waited,
                     mir_instance_state_name(c->instance.state));
        conf_pause_ms(c->target, step_ms);
    }
}

void conf_must_go(struct conformance_case *c)
{
    conf_go(c, delete_instance, conf_look);
}

void conformance_case_end(struct conformance_case *c)
{
    conf_must_go(c);
    conf_go(c, conf_delete_image, conf_look_at_image);
    if (c->target->left)
        assert_int_equal(c->target->left(c->lease.id), 0);
    mir_prov_close(c->prov);
    free(c);
}

/* As the daemon does it: the image first, where the provider wants one. */
int conf_make(struct conformance_case *c, struct mir_instance *ret)
{
    return mir_prov_image_put(c->prov, &c->spec, c->spec.image_id, &c->err) ||
                   mir_prov_instance_create(c->prov, &c->spec, ret, &c->err)
               ? -1
               : 0;
}

void conformance_create(struct conformance_case *c)
{
    if (conf_make(c, &c->instance))
        fail_msg("create: %s (%s)", c->err.text, c->err.hint);
    if (c->target->play && !c->played)
        c->target->play(c->guest, c->spec.name);
    c->played = true;
}

int conformance_wait(struct conformance_case *c, enum mir_instance_state state, int limit_ms)
{
    int step_ms = (int)c->target->look_ms;
    for (int waited = 0;; waited += step_ms) {
        conf_look(c);
        /* Without an id it is what was made beside it that is shown: itself not yet. */
        bool itself = state == MIR_INSTANCE_ABSENT || *c->instance.id || c->vanishes;
        if (c->instance.state == state && itself)
            return 0;
        if (waited >= limit_ms)
            return -1;
        conf_pause_ms(c->target, step_ms);
    }
}

void conf_must_reach(struct conformance_case *c, enum mir_instance_state state, int limit_ms)
{
    if (conformance_wait(c, state, limit_ms))
        fail_msg("%s after %d ms, not %s (%s)", mir_instance_state_name(c->instance.state),
                 limit_ms, mir_instance_state_name(state), c->instance.end_reason);
}

void conf_must_not_run(const struct conformance_target *target, const struct conformance_case *c,
                       int limit_ms)
{
    for (int waited = 0; target->running(c->spec.name) > 0; waited += (int)target->look_ms) {
        if (waited >= limit_ms)
            fail_msg("the guest of %s still runs", c->spec.name);
        conf_pause_ms(target, (long)target->look_ms);
    }
}

char *conf_console_until(struct conformance_case *c, const char *wanted, int limit_ms)
{
    struct mir_buf text;
    uint64_t next = 0;
    mir_buf_init(&text, 1 << 20);
    for (int waited = 0; waited <= limit_ms; waited += (int)c->target->look_ms) {
        if (mir_prov_instance_console(c->prov, c->lease.id, next, &text, &next, &c->err) &&
            c->err.kind != MIR_NOT_FOUND) /* it was made a moment ago */
            fail_msg("console: %s", c->err.text);
        if (strstr(mir_buf_text(&text), wanted))
            return mir_buf_take(&text);
        conf_pause_ms(c->target, (long)c->target->look_ms);
    }
    fail_msg("the console never said '%s', only '%.200s'", wanted, mir_buf_text(&text));
    return NULL;
}

void conf_arm(struct conformance_case *c, struct mir_hook hooks[MIR_HOOKS_MAX], size_t *ret_count)
{
    if (mir_prov_hooks_arm(c->prov, &c->lease, hooks, MIR_HOOKS_MAX, ret_count, &c->err))
        fail_msg("hooks: %s", c->err.text);
}

void conf_launch(struct conformance_case *c)
{
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count = 0;
    conformance_create(c);
    if (!c->target->armed_by_create)
        conf_arm(c, hooks, &count);
}
