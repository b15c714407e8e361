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
#define AGAIN_MS 5000 /* what else there is may go only when the instance is over */

enum outcome { LISTED, ASKED, ENDED, EXTENDED, LEFT };

static const char *const outcome_names[] = {"listed", "left", "ended", "extended", "left"};

/* Moments are UTC ms; 0: it did not come to that. */
struct orphan {
    struct mir_instance instance; /* as the listing showed it */
    enum outcome outcome;
    struct mir_error error;
    bool seen; /* in the last listing */
    int64_t sent_ms, accepted_ms;
    int64_t again_boot_ms;   /* when it was asked to end last */
    int64_t get_ms, list_ms; /* the questions that found it gone, as they were asked */
    unsigned listed;         /* things in that listing */
};

struct state {
    const struct mird_reap *reap;
    struct orphan *list;
    size_t count, room;
    unsigned kept, foreign;
    unsigned forged; /* of the foreign: our installation's tags with a wrong signature */
    unsigned listed; /* in the listing under way */
};

static int64_t utc_ms(const struct mird_reap *reap)
{
    return reap->clock->utc_ms(reap->clock->ctx);
}

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
    state->forged += verdict == MIRD_FOREIGN &&
                     !strcmp(instance->tags.installation, state->reap->identity->installation);
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
    struct mir_instance now;
    orphan->outcome = LEFT;
    if (mir_prov_object_get(reap->prov, &orphan->instance, &now, &orphan->error))
        return;
    if (now.state != MIR_INSTANCE_ABSENT && judge(reap, &now) != MIRD_END) {
        orphan->outcome = EXTENDED;
        return;
    }
    orphan->sent_ms = utc_ms(reap);
    if (mir_prov_object_delete(reap->prov, &orphan->instance, &orphan->error))
        return;
    orphan->accepted_ms = utc_ms(reap);
    orphan->again_boot_ms = reap->clock->boot_ms(reap->clock->ctx);
    orphan->outcome = ASKED;
}

static int mark_seen(void *ctx, const struct mir_instance *instance)
{
    struct state *state = ctx;
    state->listed++;
    const struct mird_identity *ours = state->reap->identity;
    bool verified = mir_tags_verify(&instance->tags, ours->tag_key);
    for (size_t i = 0; i < state->count; i++)
        if (mird_shows(instance, state->list[i].instance.kind,
                       state->list[i].instance.tags.deployment, verified, ours->installation))
            state->list[i].seen = true;
    return 0;
}

/* A provider ends first what costs most, and the rest when it is asked again. Whoever has got a
 * later deadline meanwhile is left alone. */
static void ask_again(const struct mird_reap *reap, struct orphan *orphan)
{
    struct mir_instance now;
    int64_t now_ms = reap->clock->boot_ms(reap->clock->ctx);
    if (now_ms - orphan->again_boot_ms < AGAIN_MS ||
        mir_prov_object_get(reap->prov, &orphan->instance, &now, NULL) ||
        now.state == MIR_INSTANCE_ABSENT || judge(reap, &now) != MIRD_END)
        return;
    orphan->again_boot_ms = now_ms;
    (void)mir_prov_object_delete(reap->prov, &orphan->instance, &orphan->error);
}

/* Neither the provider's get nor the listing asked for at list_ms may show it. */
static bool is_gone(const struct state *state, struct orphan *orphan, int64_t list_ms)
{
    struct mir_instance now;
    if (orphan->seen) {
        ask_again(state->reap, orphan);
        return false;
    }
    orphan->get_ms = utc_ms(state->reap);
    if (mir_prov_object_get(state->reap->prov, &orphan->instance, &now, &orphan->error) ||
        now.state != MIR_INSTANCE_ABSENT)
        return false;
    orphan->list_ms = list_ms;
    orphan->listed = state->listed;
    orphan->error = (struct mir_error){0};
    return true;
}

/* Asked for is not gone. 1 when none of those asked for is left to wait for. */
static int look_again(struct state *state, struct mir_error *err)
{
    bool waiting = false;
    int64_t list_ms = utc_ms(state->reap);
    state->listed = 0;
    for (size_t i = 0; i < state->count; i++)
        state->list[i].seen = false;
    if (mir_prov_sweep(state->reap->prov, mark_seen, state, err))
        return -1;
    for (size_t i = 0; i < state->count; i++) {
        struct orphan *orphan = &state->list[i];
        if (orphan->outcome != ASKED)
            continue;
        if (is_gone(state, orphan, list_ms))
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

/* --- the result --- */

static json_t *moment(int64_t at_ms)
{
    char text[MIR_TIME_SIZE];
    mir_time_format_ms(at_ms, text);
    return at_ms ? json_string(text) : json_null();
}

static void add_object(json_t *list, const char *kind, const char *id)
{
    if (*id)
        json_array_append_new(list, json_pack("{s:s,s:o}", "kind", kind, "id", text_json(id)));
}

static json_t *objects_json(const struct mir_instance *instance)
{
    json_t *list = json_array();
    add_object(list, "instance", instance->id);
    add_object(list, "address", instance->address);
    add_object(list, "address", instance->address6);
    for (unsigned i = 0; i < instance->port_count && i < MIR_PORTS_MAX; i++) {
        char text[MIR_OBJECT_ID];
        mir_port_text(&instance->ports[i], text);
        add_object(list, "port", text);
    }
    for (unsigned i = 0; i < instance->object_count && i < MIR_OBJECTS_MAX; i++)
        add_object(list, instance->objects[i].kind, instance->objects[i].id);
    return list;
}

/* What was asked and answered; null for what was not seen gone. */
static json_t *receipt_json(const struct orphan *orphan)
{
    if (orphan->outcome != ENDED)
        return json_null();
    json_t *get =
        json_pack("{s:s,s:s,s:o,s:s}", "call", "get", "token", orphan->instance.tags.deployment,
                  "asked_at", moment(orphan->get_ms), "answer", "absent");
    json_t *listing =
        json_pack("{s:s,s:o,s:i,s:s}", "call", "listing", "asked_at", moment(orphan->list_ms),
                  "listed", (int)orphan->listed, "answer", "not in it");
    return json_pack("{s:o,s:o,s:o,s:[o,o]}", "objects", objects_json(&orphan->instance),
                     "delete_sent_at", moment(orphan->sent_ms), "delete_accepted_at",
                     moment(orphan->accepted_ms), "evidence", listing, get);
}

static json_t *orphan_json(const struct orphan *orphan, int64_t now_s)
{
    const struct mir_instance *instance = &orphan->instance;
    json_t *row = json_object();
    json_object_set_new(row, "id", text_json(instance->id));
    json_object_set_new(row, "deployment", text_json(instance->tags.deployment));
    json_object_set_new(row, "name", text_json(instance->name));
    json_object_set_new(row, "state", json_string(mir_instance_state_name(instance->state)));
    json_object_set_new(row, "expires_at", time_json(instance->tags.expires_s));
    json_object_set_new(row, "overdue_s", json_integer(now_s - instance->tags.expires_s));
    json_object_set_new(row, "outcome", json_string(outcome_names[orphan->outcome]));
    json_object_set_new(row, "receipt", receipt_json(orphan));
    json_object_set_new(row, "error",
                        *orphan->error.text ? text_json(orphan->error.text) : json_null());
    return row;
}

static json_t *document(const struct state *state)
{
    int64_t now_s = mir_now_s(state->reap->clock);
    json_t *orphans = json_array();
    for (size_t i = 0; i < state->count; i++)
        json_array_append_new(orphans, orphan_json(&state->list[i], now_s));
    return json_pack("{s:s,s:o,s:o,s:i,s:i,s:i}", "provider",
                     mir_prov_info(state->reap->prov)->name, "checked_at", time_json(now_s),
                     "orphans", orphans, "kept", (int)state->kept, "foreign", (int)state->foreign,
                     "wrong_signature", (int)state->forged);
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
