/* SPDX-License-Identifier: ISC */
#include "daemon/deployment.h"

#include <stdio.h>
#include <string.h>

#include "daemon/cost.h"

static const char *const state_names[MIRD_STATE_COUNT] = {
    "pending", "preparing", "uploading", "launching", "running",
    "live",    "ending",    "gone",      "failed",    "stuck"};
static const char *const step_names[MIRD_STEP_COUNT] = {"image", "instance", "hooks", "site"};
static const char *const status_names[] = {"todo", "intent", "done", "undoing", "undone"};
static const char *const reason_names[] = {"", "deadline", "removed", "guest", "failed"};

const char *mird_state_name(enum mird_state state)
{
    return (unsigned)state < MIRD_STATE_COUNT ? state_names[state] : "unknown";
}

int mird_state_by_name(const char *name)
{
    for (int i = 0; i < MIRD_STATE_COUNT; i++)
        if (!strcmp(state_names[i], name))
            return i;
    return -1;
}

bool mird_state_final(enum mird_state state)
{
    return state == MIRD_GONE || state == MIRD_FAILED;
}

const char *mird_step_name(enum mird_step_kind step)
{
    return (unsigned)step < MIRD_STEP_COUNT ? step_names[step] : "unknown";
}

const char *mird_step_status_name(enum mird_step_status status)
{
    return (unsigned)status < MIR_NELEMS(status_names) ? status_names[status] : "unknown";
}

const char *mird_end_reason_name(enum mird_end_reason reason)
{
    return (unsigned)reason < MIR_NELEMS(reason_names) ? reason_names[reason] : "";
}

static enum mird_state final_state(const struct mird_deployment *d)
{
    return d->seen_running || d->end_reason == MIRD_END_REMOVED ? MIRD_GONE : MIRD_FAILED;
}

static enum mird_state rising_state(const struct mird_deployment *d)
{
    if (d->seen_live)
        return MIRD_LIVE;
    if (d->seen_running)
        return MIRD_RUNNING;
    if (d->steps[MIRD_STEP_INSTANCE] != MIRD_TODO || d->steps[MIRD_STEP_IMAGE] == MIRD_DONE)
        return MIRD_LAUNCHING;
    if (d->steps[MIRD_STEP_IMAGE] == MIRD_INTENT)
        return d->prepared ? MIRD_UPLOADING : MIRD_PREPARING;
    return MIRD_PENDING;
}

enum mird_state mird_deployment_state(const struct mird_deployment *d)
{
    if (d->finished_s)
        return final_state(d);
    if (d->end_reason == MIRD_END_NONE)
        return rising_state(d);
    return d->stuck ? MIRD_STUCK : MIRD_ENDING;
}

int64_t mird_deployment_due_s(const struct mird_deployment *d)
{
    return d->before_s && d->before_s < d->deadline_s ? d->before_s : d->deadline_s;
}

/* Is a hook to be asked for again that has failed, or holds for a while only? One that never was
 * does not keep a lease from resting. */
static bool hooks_awake(const struct mird_deployment *d)
{
    bool awake = false;
    for (unsigned i = 0; i < d->hook_count; i++)
        awake |= d->hooks[i].state == MIR_HOOK_FAILED ||
                 (d->hooks[i].state == MIR_HOOK_ARMED && !strcmp(d->hooks[i].name, "reaper"));
    return awake && d->hooks_again_ms;
}

bool mird_deployment_rests(const struct mird_deployment *d)
{
    enum mird_step_status site = d->steps[MIRD_STEP_SITE];
    bool listed = !mird_deployment_has_url(d) || site == MIRD_DONE || site == MIRD_UNDONE;
    return !d->finished_s && d->end_reason == MIRD_END_NONE && d->goal_over && listed &&
           d->steps[MIRD_STEP_INSTANCE] == MIRD_DONE && d->steps[MIRD_STEP_HOOKS] == MIRD_DONE &&
           !d->hooks_stale && !d->absent_since_ms && !hooks_awake(d);
}

/* The forms of UTF-8: what a first and a second byte may be, and how long it is. */
static const struct {
    unsigned char first_low, first_high, second_low, second_high, len;
} utf8_forms[] = {
    {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Bytes of the sequence at p, 0 when it is none. Looks no further than the terminator. */
static size_t sequence(const unsigned char *p)
{
    for (size_t i = 0; i < MIR_NELEMS(utf8_forms); i++) {
        if (p[0] < utf8_forms[i].first_low || p[0] > utf8_forms[i].first_high)
            continue;
        size_t len = utf8_forms[i].len;
        if (len > 1 && (p[1] < utf8_forms[i].second_low || p[1] > utf8_forms[i].second_high))
            return 0;
        for (size_t k = 2; k < len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return len;
    }
    return 0;
}

void mird_text_clean(char *text)
{
    unsigned char *p = (unsigned char *)text;
    while (*p) {
        if (*p >= 0x20 && *p < 0x7f) { /* nearly always */
            p++;
            continue;
        }
        size_t len = sequence(p);
        if (len == 0 || *p < 0x20 || *p == 0x7f) {
            *p = *p == '\t' ? ' ' : '?';
            p++;
            continue;
        }
        p += len;
    }
}

bool mird_carrier_answers(const struct mird_deployment *d)
{
    return d->carrier != MIR_CARRIER_NONE && d->takes_part & MIR_PART_WELL_KNOWN;
}

void mird_url_make(char *out, size_t size, const char *address, unsigned port)
{
    bool v6 = strchr(address, ':') != NULL;
    snprintf(out, size, "http://%s%s%s:%u/", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

void mird_url_open(char *out, size_t size, const char *address, const struct mir_place *place)
{
    bool v6 = strchr(address, ':') != NULL, plain = mir_place_opens(place, 80);
    snprintf(out, size, "%s://%s%s%s/", plain ? "http" : "https", v6 ? "[" : "", address,
             v6 ? "]" : "");
}

bool mird_deployment_has_url(const struct mird_deployment *d)
{
    return *d->url || d->wants_url;
}

/* --- the REST document --- */

static json_t *time_json(int64_t utc_s)
{
    if (!utc_s)
        return json_null();
    char text[MIR_TIME_SIZE];
    mir_time_format(utc_s, text);
    return json_string(text);
}

/* The same of a deadline: no time when there is none. */
static json_t *deadline_json(int64_t deadline_s)
{
    return mir_forever(deadline_s) ? json_null() : time_json(deadline_s);
}

static json_t *ports_json(const struct mir_port *ports, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "address",
                                              *ports[i].address ? ports[i].address : "127.0.0.1",
                                              "host", (int)ports[i].host_port, "guest",
                                              (int)ports[i].guest_port));
    return list;
}

static json_t *hooks_json(const struct mird_deployment *d)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < d->hook_count; i++) {
        const struct mir_hook *hook = &d->hooks[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:o}", "name", hook->name, "state",
                                        mir_hook_state_name(hook->state), "detail", hook->detail,
                                        "deadline", deadline_json(hook->deadline_s)));
    }
    return list;
}

static json_t *steps_json(const struct mird_deployment *d)
{
    json_t *list = json_array();
    for (int i = 0; i < MIRD_STEP_COUNT; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", step_names[i], "status",
                                              mird_step_status_name(d->steps[i])));
    return list;
}

static json_t *instance_json(const struct mir_instance *instance)
{
    return json_pack("{s:s,s:s,s:o,s:o,s:s}", "id", instance->id, "state",
                     mir_instance_state_name(instance->state), "started_at",
                     time_json(instance->started_ms / 1000), "first_output_at",
                     time_json(instance->first_output_ms / 1000), "end_reason",
                     instance->end_reason);
}

json_t *mird_objects_json(const struct mird_deployment *d)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < d->trail.object_count; i++) {
        const struct mird_object *object = &d->trail.objects[i];
        char at[MIR_TIME_SIZE];
        mir_time_format_ms(object->shown_ms, at);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "kind", object->what.kind, "id",
                                              object->what.id, "shown_at", at, "shown_by",
                                              object->shown_by));
    }
    return list;
}

static json_t *error_json(const struct mird_deployment *d)
{
    if (!*d->error_code)
        return json_null();
    return json_pack("{s:s,s:s,s:s}", "code", d->error_code, "text", d->error_text, "hint",
                     d->error_hint);
}

static json_t *halted_json(const struct mird_deployment *d)
{
    if (!d->halted_s)
        return json_null();
    return json_pack("{s:o,s:s,s:s}", "since", time_json(d->halted_s), "text", d->halted_text,
                     "hint", d->halted_hint);
}

static json_t *addresses_json(const struct mird_deployment *d)
{
    json_t *list = json_array();
    if (*d->instance.address)
        json_array_append_new(list, json_string(d->instance.address));
    if (*d->instance.address6)
        json_array_append_new(list, json_string(d->instance.address6));
    return list;
}

/* What the registry shows of it: nothing while it has no URL. */
static void add_site(json_t *doc, const struct mird_deployment *d, const char *public_url)
{
    bool has = *d->url != '\0' && d->steps[MIRD_STEP_SITE] != MIRD_TODO;
    json_object_set_new(doc, "site", has ? json_string(d->name) : json_null());
    if (!has || !*public_url) {
        json_object_set_new(doc, "site_url", json_null());
        json_object_set_new(doc, "badge_url", json_null());
        return;
    }
    json_object_set_new(doc, "site_url", json_sprintf("%s/sites/%s", public_url, d->name));
    json_object_set_new(doc, "badge_url", json_sprintf("%s/badge/%s.svg", public_url, d->name));
}

/* What waits for its hooks, or has been refused and waits until they are back. */
static json_t *extension_json(const struct mird_deployment *d)
{
    if (!d->before_s && !d->refused_s)
        return json_null();
    return json_pack("{s:s,s:o,s:o}", "state", d->refused_s ? "refused" : "arming", "before",
                     deadline_json(d->refused_s ? d->deadline_s : d->before_s), "asked",
                     deadline_json(d->refused_s ? d->refused_s : d->deadline_s));
}

static void add_lease(json_t *doc, const struct mird_deployment *d, int64_t now_s)
{
    bool over = d->finished_s || d->deadline_s < now_s, forever = mir_forever(d->deadline_s);
    int64_t left_s = over ? 0 : d->deadline_s - now_s;
    json_object_set_new(doc, "created_at", time_json(d->created_s));
    json_object_set_new(doc, "expires_at", deadline_json(d->deadline_s));
    json_object_set_new(doc, "left_s", forever && !over ? json_null() : json_integer(left_s));
    json_object_set_new(doc, "forever", json_boolean(forever));
    json_object_set_new(doc, "reason",
                        forever && *d->reason ? json_string(d->reason) : json_null());
    json_object_set_new(doc, "finished_at", time_json(d->finished_s));
    json_object_set_new(doc, "end_reason", json_string(mird_end_reason_name(d->end_reason)));
    json_object_set_new(doc, "extension", extension_json(d));
    json_object_set_new(doc, "hooks", hooks_json(d));
    json_object_set_new(doc, "cost", mird_deployment_cost_json(d, now_s));
}

json_t *mird_deployment_json(const struct mird_deployment *d, int64_t now_s, const char *public_url)
{
    json_t *doc =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", d->id, "name", d->name, "provider", d->provider,
                  "state", mird_state_name(mird_deployment_state(d)), "kernel", d->kernel);
    json_object_set_new(doc, "url", *d->url ? json_string(d->url) : json_null());
    json_object_set_new(doc, "addresses", addresses_json(d));
    bool published = d->instance.port_count > 0;
    json_object_set_new(doc, "ports",
                        ports_json(published ? d->instance.ports : d->ports,
                                   published ? d->instance.port_count : d->port_count));
    add_lease(doc, d, now_s);
    add_site(doc, d, public_url);
    json_object_set_new(doc, "memory_bytes", json_integer((json_int_t)d->memory_bytes));
    json_object_set_new(doc, "carrier", json_string(mir_carrier_name(d->carrier)));
    json_object_set_new(doc, "guest_bytes",
                        d->carrier ? json_integer((json_int_t)d->guest_bytes) : json_null());
    json_object_set_new(doc, "blocks", mir_blocks_to_json(&d->blocks));
    json_object_set_new(doc, "answer_ownership", json_boolean(mird_carrier_answers(d)));
    json_object_set_new(doc, "machine", mir_machine_to_json(&d->machine));
    json_object_set_new(doc, "place", mir_place_to_json(&d->place));
    json_object_set_new(doc, "arguments", json_string(d->arguments));
    json_object_set_new(doc, "owner", json_string(d->owner));
    json_object_set_new(doc, "instance", instance_json(&d->instance));
    json_object_set_new(doc, "objects", mird_objects_json(d));
    json_object_set_new(doc, "steps", steps_json(d));
    json_object_set_new(doc, "error", error_json(d));
    json_object_set_new(doc, "halted", halted_json(d));
    json_object_set_new(doc, "version", json_integer((json_int_t)d->version));
    return doc;
}
