/* SPDX-License-Identifier: ISC */
/* The simulated clouds: one ledger of objects, and calls that fail, get lost, come late and see
 * what was true a while ago. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "sim.h"

const struct sim_cloud sim_clouds[SIM_CLOUDS] = {
    {.name = "ec2",
     .token = true,
     .paid = true,
     .image = true,
     .date = true,
     .settle_s = 60,
     .late_ms = 20000,
     .lag_ms = 30000,
     .executed = 200,
     .call_ms = 1500,
     .patience_ms = 29000,
     .look_ms = 5000},
    {.name = "nova",
     .paid = true,
     .image = true,
     .date = true,
     .settle_s = 60,
     .late_ms = 20000,
     .lag_ms = 10000,
     .executed = 500,
     .error_state = 30,
     .not_done = true,
     .call_ms = 1500,
     .patience_ms = 29000,
     .look_ms = 5000},
    {.name = "local", .token = true, .call_ms = 200, .patience_ms = 5000, .look_ms = 5000},
};

/* --- faults of a call --- */

enum outcome { WENT_WELL, REFUSED, MAYBE_EXECUTED, MAYBE_NOT };

static void fail(struct mir_error *err, enum mir_kind kind, enum mir_outcome outcome,
                 const char *text)
{
    enum mir_retry retry = kind == MIR_THROTTLED ? MIR_RETRY_THROTTLED : MIR_RETRY_TRANSIENT;
    *err = (struct mir_error){.kind = kind, .outcome = outcome, .retry = retry};
    mir_copy(err->text, sizeof err->text, text);
}

/* How a call goes: MAYBE_EXECUTED and MAYBE_NOT look the same from outside. */
static enum outcome meet_fault(struct sim_world *w, struct mir_error *err, int64_t limit_ms,
                               int64_t *ret_took)
{
    *ret_took = 50 + sim_below(w, w->cloud->call_ms);
    if (sim_in(w, SIM_CUT)) {
        *ret_took = limit_ms;
        fail(err, MIR_TIMEOUT, MIR_OUTCOME_UNKNOWN, "no answer");
        return MAYBE_NOT;
    }
    if (sim_in(w, SIM_KEYS)) {
        fail(err, MIR_CREDENTIALS, MIR_DID_NOT_HAPPEN, "the credentials have expired");
        err->retry = MIR_RETRY_NEVER;
        return REFUSED;
    }
    if (sim_in(w, SIM_STORM) || !sim_bucket_takes(w)) {
        fail(err, MIR_THROTTLED, MIR_DID_NOT_HAPPEN, "throttled");
        return REFUSED;
    }
    if (sim_chance(w, w->rates.error)) {
        if (sim_chance(w, 500)) {
            fail(err, MIR_UNAVAILABLE, MIR_DID_NOT_HAPPEN, "refused");
            return REFUSED;
        }
        fail(err, MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN, "5xx");
        return sim_chance(w, w->cloud->executed) ? MAYBE_EXECUTED : MAYBE_NOT;
    }
    if (sim_chance(w, w->rates.lost)) {
        *ret_took = limit_ms;
        fail(err, MIR_TIMEOUT, MIR_OUTCOME_UNKNOWN, "no answer");
        return sim_chance(w, 600) ? MAYBE_EXECUTED : MAYBE_NOT;
    }
    return WENT_WELL;
}

bool sim_call(struct sim_world *w, struct mir_error *err, int64_t *ret_took, bool *ret_done)
{
    enum outcome outcome = meet_fault(w, err, w->cloud->patience_ms, ret_took);
    *ret_done = outcome == WENT_WELL || outcome == MAYBE_EXECUTED;
    return outcome == WENT_WELL;
}

/* --- the ledger --- */

static struct sim_object *add(struct sim_world *w)
{
    if (w->object_count >= SIM_OBJECTS) {
        sim_broken(w, "too many objects", "%d made", SIM_OBJECTS);
        return &w->objects[SIM_OBJECTS - 1];
    }
    struct sim_object *o = &w->objects[w->object_count++];
    *o = (struct sim_object){.owner = -1,
                             .tag = -1,
                             .end_ms = SIM_NEVER,
                             .schedule_ms = SIM_NEVER,
                             .guest_ms = SIM_NEVER,
                             .unseen_ms = SIM_NEVER,
                             .guest_end_ms = SIM_NEVER};
    return o;
}

/* Things that are none of ours: another installation's, ones with our tags and a wrong signature,
 * and one that names a deployment which never was. */
void sim_cloud_seed(struct sim_world *w)
{
    struct sim_object *other = add(w), *forged = add(w), *unknown = add(w), *mixed = add(w);
    other->verified = false;
    other->tag = SIM_LEASES;
    forged->ours = true;
    forged->tag = (int)sim_below(w, SIM_LEASES);
    unknown->ours = true;
    unknown->tag = SIM_LEASES + 1;
    mixed->verified = true; /* the key was copied to another installation */
    mixed->tag = (int)sim_below(w, SIM_LEASES);
}

static struct sim_object *by_token(struct sim_world *w, unsigned token)
{
    for (unsigned i = 0; i < w->object_count; i++)
        if (w->objects[i].owner >= 0 && !w->objects[i].image && w->objects[i].token == token)
            return &w->objects[i];
    return NULL;
}

void sim_tag(struct sim_object *o, int64_t deadline_s)
{
    o->tag_deadline_s = deadline_s;
}

static struct sim_object *make(struct sim_world *w, struct sim_lease *l)
{
    const struct sim_cloud *cloud = w->cloud;
    unsigned token = w->fault == SIM_FRESH_TOKEN ? 1000 + w->tokens++ : (unsigned)l->index;
    struct sim_object *o = cloud->token ? by_token(w, token) : NULL;
    if (o)
        return o;
    o = add(w);
    o->owner = o->tag = l->index;
    o->ours = o->verified = true;
    o->token = token;
    o->sent_ms = o->exec_ms = w->now_ms;
    if (cloud->late_ms && sim_chance(w, 300))
        o->exec_ms += sim_below(w, cloud->late_ms);
    if (cloud->late_ms && sim_chance(w, 30)) {
        o->exec_ms = w->now_ms + (int64_t)cloud->settle_s * 1000 + sim_below(w, 300000);
        o->never_told = true;
    }
    o->seen_ms = o->exec_ms + sim_below(w, cloud->lag_ms);
    sim_tag(o, l->held.d.deadline_s);
    if (!cloud->paid) /* a keeper is there before the guest */
        o->schedule_ms = l->held.d.deadline_s * 1000 - SIM_T0_MS;
    if (l->takes_part)
        o->guest_ms = l->held.d.deadline_s * 1000 - SIM_T0_MS + 30000;
    if (sim_chance(w, 10))
        o->stuck_for_ms = 1 + sim_below(w, 1200000);
    o->error = sim_chance(w, cloud->error_state);
    if (sim_chance(w, 50))
        o->guest_end_ms = o->exec_ms + sim_below(w, SIM_HOUR_MS / 2);
    sim_say(w, "cloud: object %d for lease %d, there at %.3f, shown at %.3f%s",
            (int)(o - w->objects), l->index, (double)o->exec_ms / 1000, (double)o->seen_ms / 1000,
            o->error ? ", in ERROR" : "");
    return o;
}

/* hides: whose question it is. A delete that is not carried out may hide it from one of the two. */
static bool shown(const struct sim_world *w, const struct sim_object *o, enum sim_hides from)
{
    bool hidden = from != SIM_SHOWN && from == o->hides &&
                  (w->now_ms < o->deleting_ms || w->now_ms < o->stuck.until_ms);
    return !hidden && w->now_ms >= o->seen_ms && w->now_ms < o->unseen_ms;
}

void sim_show(const struct sim_world *w, const struct sim_object *o, struct mir_instance *ret)
{
    int number = (int)(o - w->objects);
    ret->id[0] = 'i';
    ret->id[1] = (char)('0' + number / 10);
    ret->id[2] = (char)('0' + number % 10);
    mir_copy(ret->tags.installation, sizeof ret->tags.installation, o->ours ? "we" : "they");
    ret->tags.deployment[0] = '\0';
    if (o->tag >= 0) { /* as "%032x" has it */
        memset(ret->tags.deployment, '0', 31);
        ret->tags.deployment[31] = (char)('0' + o->tag);
    }
    ret->end_reason[0] = '\0';
    ret->kind = o->image ? MIR_OBJECT_IMAGE : MIR_OBJECT_INSTANCE;
    ret->tags.expires_s = o->tag_deadline_s;
    ret->started_ms = SIM_T0_MS + o->exec_ms;
    ret->state = MIR_INSTANCE_RUNNING;
    if (w->now_ms >= o->end_ms || w->now_ms < o->deleting_ms || w->now_ms < o->stuck.until_ms)
        ret->state = MIR_INSTANCE_STOPPING;
    else if (w->now_ms >= o->guest_end_ms || o->error) {
        ret->state = MIR_INSTANCE_ENDED;
        mir_copy(ret->end_reason, sizeof ret->end_reason, "powered off");
    } else if (w->now_ms < o->exec_ms + 2000)
        ret->state = MIR_INSTANCE_STARTING;
}

/* --- the calls --- */

bool sim_create(struct sim_world *w, struct sim_lease *l, struct mir_instance *ret,
                struct mir_error *err, int64_t *ret_took)
{
    int64_t left_ms = l->held.d.deadline_s * 1000 - sim_utc_ms(w);
    int64_t limit_ms = w->cloud->patience_ms;
    if (left_ms < limit_ms)
        limit_ms = left_ms > 1 ? left_ms : 1;
    if (w->fault == SIM_CREATE_HANGS)
        limit_ms = 600000;
    enum outcome outcome = meet_fault(w, err, limit_ms, ret_took);
    struct sim_object *o = NULL;
    sim_check_create(w, l);
    if (outcome == WENT_WELL || outcome == MAYBE_EXECUTED)
        o = make(w, l);
    sim_say(w, "lease %d: create: %s", l->index, outcome == WENT_WELL ? "done" : err->text);
    if (o && w->fault == SIM_TAGS_LATER)
        o->tag = outcome == WENT_WELL && sim_chance(w, 900) ? l->index : -1;
    if (outcome != WENT_WELL)
        return false;
    /* An answer is about something that is there. */
    if (o->never_told || o->exec_ms > w->now_ms + *ret_took) {
        bool fresh = o->sent_ms == w->now_ms;
        if (fresh) {
            o->seen_ms -= o->exec_ms - w->now_ms;
            o->exec_ms = w->now_ms;
            o->never_told = false;
        }
    }
    sim_show(w, o, ret);
    return true;
}

/* One object for all that an upload makes on its way; put again it goes on with what is there. */
bool sim_upload(struct sim_world *w, struct sim_lease *l, struct mir_error *err, int64_t *ret_took)
{
    enum outcome outcome = meet_fault(w, err, w->cloud->patience_ms, ret_took);
    if (outcome == REFUSED || outcome == MAYBE_NOT)
        return false;
    for (unsigned i = 0; i < w->object_count; i++)
        if (w->objects[i].owner == l->index && w->objects[i].image &&
            w->now_ms < w->objects[i].end_ms)
            return outcome == WENT_WELL;
    struct sim_object *o = add(w);
    o->owner = o->tag = l->index;
    o->ours = o->verified = o->image = true;
    sim_tag(o, l->held.d.deadline_s);
    o->sent_ms = o->exec_ms = w->now_ms;
    if (outcome == MAYBE_EXECUTED && sim_chance(w, 300))
        o->exec_ms += sim_below(w, w->cloud->late_ms);
    o->seen_ms = o->exec_ms + sim_below(w, w->cloud->lag_ms);
    sim_say(w, "cloud: object %d, the image of lease %d%s", (int)(o - w->objects), l->index,
            outcome == WENT_WELL ? "" : ", half-made");
    return outcome == WENT_WELL;
}

bool sim_get(struct sim_world *w, int lease, bool image, struct mir_instance *ret,
             struct mir_error *err, int64_t *ret_took)
{
    if (meet_fault(w, err, w->cloud->look_ms, ret_took) != WENT_WELL)
        return false;
    const struct sim_object *best = NULL;
    for (unsigned i = 0; i < w->object_count; i++) {
        const struct sim_object *o = &w->objects[i];
        if (o->tag == lease && o->image == image && o->ours && o->verified &&
            shown(w, o, SIM_NOT_GOT) && (!best || w->now_ms >= best->end_ms))
            best = o;
    }
    ret->state = MIR_INSTANCE_ABSENT;
    if (best)
        sim_show(w, best, ret);
    return true;
}

/* Accepted, and not carried out (yet). */
static void hide(struct sim_world *w, struct sim_object *o)
{
    if (sim_chance(w, 300))
        o->hides = sim_chance(w, 500) ? SIM_NOT_GOT : SIM_NOT_LISTED;
}

static void end_object(struct sim_world *w, struct sim_object *o, bool by_lease)
{
    sim_check_delete(w, o, by_lease);
    if (o->end_ms != SIM_NEVER || w->now_ms < o->deleting_ms)
        return;
    if (o->stuck_for_ms && !o->stuck.until_ms) {
        o->stuck = (struct sim_window){w->now_ms, w->now_ms + o->stuck_for_ms};
        hide(w, o);
        sim_say(w, "cloud: object %d is stuck", (int)(o - w->objects));
    }
    if (w->now_ms < o->stuck.until_ms)
        return;
    if (o->refusals < SIM_HELD && w->cloud->not_done && sim_chance(w, w->rates.not_done)) {
        o->deleting_ms = w->now_ms + 1000 + sim_below(w, 40000);
        hide(w, o);
        o->held[o->refusals++] = (struct sim_window){w->now_ms, o->deleting_ms};
        sim_say(w, "cloud: object %d: delete accepted, but not carried out", (int)(o - w->objects));
        return;
    }
    o->end_ms = w->now_ms + sim_below(w, w->cloud->call_ms);
    o->unseen_ms = o->end_ms + sim_below(w, w->cloud->lag_ms);
    sim_say(w, "cloud: object %d ends at %.3f", (int)(o - w->objects), (double)o->end_ms / 1000);
}

bool sim_delete(struct sim_world *w, int lease, bool image, struct mir_error *err,
                int64_t *ret_took)
{
    enum outcome outcome = meet_fault(w, err, w->cloud->look_ms, ret_took);
    sim_say(w, "lease %d: delete%s: %s", lease, image ? " of the image" : "",
            outcome == WENT_WELL ? "done" : err->text);
    if (outcome != WENT_WELL && outcome != MAYBE_EXECUTED)
        return false;
    for (unsigned i = 0; i < w->object_count; i++) {
        struct sim_object *o = &w->objects[i];
        if (o->tag != lease || o->image != image || !o->ours || !o->verified ||
            !shown(w, o, SIM_SHOWN))
            continue;
        end_object(w, o, true);
    }
    return outcome == WENT_WELL;
}

bool sim_delete_object(struct sim_world *w, struct sim_object *object, struct mir_error *err)
{
    int64_t took;
    enum outcome outcome = meet_fault(w, err, w->cloud->look_ms, &took);
    if (outcome == WENT_WELL || outcome == MAYBE_EXECUTED)
        end_object(w, object, false);
    return outcome == WENT_WELL;
}

bool sim_list(struct sim_world *w, struct mir_error *err, int *ret, unsigned *ret_count)
{
    int64_t took;
    *ret_count = 0;
    if (meet_fault(w, err, w->cloud->look_ms, &took) != WENT_WELL)
        return false;
    for (unsigned i = 0; i < w->object_count; i++)
        if (shown(w, &w->objects[i], SIM_NOT_LISTED) && w->objects[i].tag >= 0)
            ret[(*ret_count)++] = (int)i;
    return true;
}
