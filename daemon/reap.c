/* SPDX-License-Identifier: ISC */
#include "reap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/memory.h"
#include "daemon/lease.h"

#define FOUND_MAX 100000u
#define GONE_MS 30000 /* beyond the settling time, until what was deleted has to be away */
#define PAUSE_MS 250

enum outcome { LISTED, ASKED, ENDED, EXTENDED, LEFT };

static const char *const outcome_names[] = {"listed", "left", "ended", "extended", "left"};

struct orphan {
    struct mir_instance instance;
    enum outcome outcome;
    struct mir_error error;
    bool seen; /* in the last listing */
};

struct state {
    const struct mird_reap *reap;
    struct orphan *list;
    size_t count, room;
    unsigned kept, foreign;
};

static enum mird_verdict_kind judge(const struct mird_reap *reap,
                                    const struct mir_instance *instance)
{
    bool verified = mir_tags_verify(&instance->tags, reap->identity->tag_key);
    return mird_reap_judge(instance, verified, reap->identity->installation, mir_now_s(reap->clock),
                           reap->grace_s);
}

static int collect(void *ctx, const struct mir_instance *instance)
{
    struct state *state = ctx;
    enum mird_verdict_kind verdict = judge(state->reap, instance);
    state->kept += verdict == MIRD_KEEP;
    state->foreign += verdict == MIRD_FOREIGN;
    if (verdict != MIRD_END)
        return 0;
    if (state->count == FOUND_MAX)
        return 1; /* the rest in the next run */
    if (state->count == state->room) {
        state->room = state->room ? 2 * state->room : 16;
        state->list = mir_realloc(state->list, state->room, sizeof *state->list);
    }
    state->list[state->count++] = (struct orphan){.instance = *instance};
    return 0;
}

/* Looked at once more first: an extension that came meanwhile must not be undone. */
static void ask_to_end(const struct mird_reap *reap, struct orphan *orphan)
{
    const char *token = orphan->instance.tags.deployment;
    struct mir_instance now;
    orphan->outcome = LEFT;
    if (mir_prov_instance_get(reap->prov, token, &now, &orphan->error))
        return;
    if (now.state != MIR_INSTANCE_ABSENT && judge(reap, &now) != MIRD_END) {
        orphan->outcome = EXTENDED;
        return;
    }
    if (!mir_prov_instance_delete(reap->prov, token, &orphan->error))
        orphan->outcome = ASKED;
}

static int mark_seen(void *ctx, const struct mir_instance *instance)
{
    struct state *state = ctx;
    for (size_t i = 0; i < state->count; i++)
        if (!strcmp(state->list[i].instance.tags.deployment, instance->tags.deployment))
            state->list[i].seen = true;
    return 0;
}

/* Asked for is not gone: neither the provider's get nor its listing may show it. 1 when none of
 * those asked for is left to wait for. */
static int look_again(struct state *state, struct mir_error *err)
{
    bool waiting = false;
    for (size_t i = 0; i < state->count; i++)
        state->list[i].seen = false;
    if (mir_prov_sweep(state->reap->prov, mark_seen, state, err))
        return -1;
    for (size_t i = 0; i < state->count; i++) {
        struct orphan *orphan = &state->list[i];
        struct mir_instance now;
        if (orphan->outcome != ASKED)
            continue;
        if (!orphan->seen &&
            !mir_prov_instance_get(state->reap->prov, orphan->instance.tags.deployment, &now,
                                   &orphan->error) &&
            now.state == MIR_INSTANCE_ABSENT)
            orphan->outcome = ENDED;
        else
            waiting = true;
    }
    return !waiting;
}

static void verify(struct state *state)
{
    const struct mir_clock *clock = state->reap->clock;
    const struct timespec nap = {.tv_nsec = PAUSE_MS * 1000000L};
    int64_t until_ms = clock->boot_ms(clock->ctx) + GONE_MS +
                       (int64_t)mir_prov_info(state->reap->prov)->settle_s * 1000;
    struct mir_error err = {0};
    while (look_again(state, &err) != 1 && clock->boot_ms(clock->ctx) < until_ms)
        nanosleep(&nap, NULL);
    for (size_t i = 0; i < state->count; i++)
        if (state->list[i].outcome == ASKED && !*state->list[i].error.text)
            mir_fail(&state->list[i].error, MIR_TIMEOUT, "%s",
                     *err.text ? err.text : "it was asked to end and is still there");
}

static json_t *time_json(int64_t utc_s)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(utc_s, text);
    return json_string(text);
}

/* What a provider says is not always UTF-8. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_string("?");
}

static json_t *document(const struct state *state)
{
    int64_t now_s = mir_now_s(state->reap->clock);
    json_t *orphans = json_array();
    for (size_t i = 0; i < state->count; i++) {
        const struct orphan *orphan = &state->list[i];
        const struct mir_instance *instance = &orphan->instance;
        json_t *row = json_object();
        json_object_set_new(row, "id", text_json(instance->id));
        json_object_set_new(row, "deployment", text_json(instance->tags.deployment));
        json_object_set_new(row, "name", text_json(instance->name));
        json_object_set_new(row, "state", json_string(mir_instance_state_name(instance->state)));
        json_object_set_new(row, "expires_at", time_json(instance->tags.expires_s));
        json_object_set_new(row, "overdue_s", json_integer(now_s - instance->tags.expires_s));
        json_object_set_new(row, "outcome", json_string(outcome_names[orphan->outcome]));
        json_object_set_new(row, "error",
                            *orphan->error.text ? text_json(orphan->error.text) : json_null());
        json_array_append_new(orphans, row);
    }
    json_t *doc =
        json_pack("{s:s,s:o,s:o,s:i,s:i}", "provider", mir_prov_info(state->reap->prov)->name,
                  "checked_at", time_json(now_s), "orphans", orphans, "kept", (int)state->kept,
                  "foreign", (int)state->foreign);
    return doc;
}

static int report_left(const struct state *state, struct mir_error *err)
{
    mir_auto_buf struct mir_buf ids;
    unsigned left = 0;
    mir_buf_init(&ids, 400);
    for (size_t i = 0; i < state->count; i++) {
        if (state->list[i].outcome != ASKED && state->list[i].outcome != LEFT)
            continue;
        mir_buf_addf(&ids, "%s%s", left++ ? ", " : "", state->list[i].instance.id);
    }
    if (!left)
        return 0;
    mir_fail(err, MIR_PARTIAL, "%u past the deadline could not be ended: %s", left,
             mir_buf_text(&ids));
    return mir_error_hint(err, "run it again, or end them by hand with the provider's own tools");
}

int mird_reap_run(const struct mird_reap *reap, json_t **ret, struct mir_error *err)
{
    struct state state = {.reap = reap};
    *ret = NULL;
    int rc = mir_prov_sweep(reap->prov, collect, &state, err);
    if (!rc && !reap->list_only && state.count) {
        /* All are asked before any is waited for: one that hangs delays no other. */
        for (size_t i = 0; i < state.count; i++)
            ask_to_end(reap, &state.list[i]);
        verify(&state);
    }
    if (!rc) {
        *ret = document(&state);
        rc = report_left(&state, err);
    }
    free(state.list);
    return rc;
}
