/* SPDX-License-Identifier: ISC */
/* What a transition of the lease machine has to tell: events for people, ends of operations. */
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "lease_parts.h"

static struct mird_event *add_event(struct mird_news *news, const char *kind,
                                    const struct mird_deployment *d, int64_t now_ms)
{
    if (news->event_count >= MIRD_NEWS_EVENTS_MAX)
        return NULL;
    struct mird_event *event = &news->events[news->event_count++];
    *event = (struct mird_event){0};
    mir_copy(event->kind, sizeof event->kind, kind);
    mir_copy(event->state, sizeof event->state, mird_state_name(mird_deployment_state(d)));
    return event;
}

static void add_text(struct mird_news *news, const char *kind, const struct mird_deployment *d,
                     int64_t now_ms, const char *text)
{
    struct mird_event *event = add_event(news, kind, d, now_ms);
    if (!event)
        return;
    mir_copy(event->text, sizeof event->text, text);
    mird_text_clean(event->text);
}

static void ending_text(const struct mird_deployment *d, char *out, size_t size)
{
    static const char *const texts[] = {
        [MIRD_END_NONE] = "",
        [MIRD_END_DEADLINE] = "the deadline has passed",
        [MIRD_END_REMOVED] = "asked to end now",
        [MIRD_END_GUEST] = "the guest ended by itself",
        [MIRD_END_FAILED] = "failed",
    };
    const char *why = d->end_reason == MIRD_END_GUEST    ? d->instance.end_reason
                      : d->end_reason == MIRD_END_FAILED ? d->error_text
                                                         : "";
    snprintf(out, size, "%s%s%.240s", texts[d->end_reason], *why ? ": " : "", why);
}

static void state_text(const struct mird_deployment *d, enum mird_state state, char *out,
                       size_t size)
{
    out[0] = '\0';
    if (state == MIRD_PREPARING)
        snprintf(out, size, "making the kernel ready");
    else if (state == MIRD_UPLOADING)
        snprintf(out, size, "bringing the image to %s", d->provider);
    else if (state == MIRD_LAUNCHING)
        snprintf(out, size, "asking %s for an instance", d->provider);
    else if (state == MIRD_RUNNING)
        snprintf(out, size, "instance %s", d->instance.id);
    else if (state == MIRD_LIVE)
        snprintf(out, size, "%s answers", d->url);
    else if (state == MIRD_ENDING)
        ending_text(d, out, size);
    else if (state == MIRD_GONE)
        snprintf(out, size, "verified: nothing of it is left");
    else if (state == MIRD_FAILED)
        snprintf(out, size, "%.200s; verified: nothing of it is left", d->error_text);
    else if (state == MIRD_STUCK)
        snprintf(out, size, "not confirmed gone in time (%.200s); tried on and on", d->error_text);
}

/* The state before is taken at the same moment: time alone must not hide a change. */
static void tell_state(const struct mird_deployment *before, const struct mird_deployment *after,
                       int64_t now_ms, struct mird_news *news)
{
    enum mird_state old = mird_deployment_state(before);
    enum mird_state new = mird_deployment_state(after);
    char text[320];
    /* A running that came and went within one step is told all the same. */
    if (!before->seen_running && after->seen_running && new != MIRD_RUNNING) {
        state_text(after, MIRD_RUNNING, text, sizeof text);
        struct mird_event *event = add_event(news, "state", after, now_ms);
        if (event) {
            mir_copy(event->state, sizeof event->state, mird_state_name(MIRD_RUNNING));
            mir_copy(event->text, sizeof event->text, text);
        }
    }
    bool got_stuck = !before->stuck && after->stuck;
    if (old == new && !got_stuck)
        return;
    state_text(after, new, text, sizeof text);
    add_text(news, "state", after, now_ms, text);
}

static bool same_hooks(const struct mird_deployment *a, const struct mird_deployment *b)
{
    if (a->hook_count != b->hook_count)
        return false;
    for (unsigned i = 0; i < a->hook_count; i++)
        if (strcmp(a->hooks[i].name, b->hooks[i].name) || a->hooks[i].state != b->hooks[i].state)
            return false;
    return true;
}

static void tell_hooks(const struct mird_deployment *before, const struct mird_deployment *after,
                       int64_t now_ms, struct mird_news *news)
{
    if (same_hooks(before, after) || after->finished_s)
        return;
    char text[320] = "";
    size_t len = 0;
    for (unsigned i = 0; i < after->hook_count && len < sizeof text; i++) {
        int n = snprintf(text + len, sizeof text - len, "%s%s %s", i ? ", " : "",
                         after->hooks[i].name, mir_hook_state_name(after->hooks[i].state));
        len += n > 0 ? (size_t)n : 0;
    }
    add_text(news, "hook", after, now_ms, text);
}

static void tell_input(const struct mird_deployment *after, const struct mird_input *in,
                       int64_t now_ms, struct mird_news *news)
{
    char text[320], when[MIR_TIME_SIZE];
    if (in->kind == MIRD_IN_EXTEND) {
        mir_deadline_format(after->deadline_s, when);
        snprintf(text, sizeof text, "the deadline is now %s%s", when,
                 after->before_s ? ", if the hooks can be armed for it" : "");
        add_text(news, "note", after, now_ms, text);
    }
    if ((in->kind == MIRD_IN_REFUSED || in->kind == MIRD_IN_UNKNOWN) && in->error) {
        snprintf(text, sizeof text, "%s: %.280s", mird_step_name(in->step), in->error->text);
        add_text(news, "error", after, now_ms, text);
    }
}

static void tell_halt(const struct mird_deployment *before, const struct mird_deployment *after,
                      int64_t now_ms, struct mird_news *news)
{
    char text[320];
    if (after->halted_s && !before->halted_s) {
        snprintf(text, sizeof text, "not getting on: %.300s", after->halted_text);
        add_text(news, "error", after, now_ms, text);
    } else if (!after->halted_s && before->halted_s && !after->finished_s) {
        snprintf(text, sizeof text, "%s takes our credentials again", after->provider);
        add_text(news, "note", after, now_ms, text);
    }
}

/* An extension that was refused: the deadline, and then that the hooks stand there again. */
static void tell_refused(const struct mird_deployment *before, const struct mird_deployment *after,
                         int64_t now_ms, struct mird_news *news)
{
    char text[320], when[MIR_TIME_SIZE];
    if (before->before_s && !after->before_s && *after->error_code)
        add_text(news, "error", after, now_ms, after->error_text);
    if (!before->refused_s || after->refused_s || after->finished_s)
        return;
    mir_deadline_format(after->deadline_s, when);
    snprintf(text, sizeof text, "the hooks are asked for %s again, and the extension is answered",
             when);
    add_text(news, "note", after, now_ms, text);
}

/* --- ends of operations --- */

static void end_operation(struct mird_news *news, const char *kind, bool failed)
{
    if (news->end_count >= MIRD_NEWS_ENDS_MAX)
        return;
    mir_copy(news->ends[news->end_count].kind, sizeof news->ends[0].kind, kind);
    news->ends[news->end_count++].failed = failed;
}

static bool goal_reached(const struct mird_deployment *d)
{
    bool there = mird_deployment_has_url(d) ? d->seen_live : d->seen_running;
    return d->end_reason == MIRD_END_NONE && there && d->steps[MIRD_STEP_SITE] != MIRD_UNDONE;
}

static void stuck_error(const struct mird_deployment *d, struct mir_error *ret)
{
    mir_fail(ret, MIR_PARTIAL, "'%s' is not confirmed gone: instance %s on %s may be left (%.200s)",
             d->name, *d->instance.id ? d->instance.id : d->id, d->provider, d->error_text);
    mir_error_hint(ret, "the daemon tries on; watch it with: mirage-deploy show %s", d->name);
}

static void ended_error(const struct mird_deployment *d, struct mir_error *ret)
{
    if (d->end_reason == MIRD_END_FAILED) {
        mir_fail(ret, mir_kind_by_name(d->error_code), "%s", d->error_text);
        mir_error_hint(ret, "%s", d->error_hint);
        return;
    }
    char why[320];
    ending_text(d, why, sizeof why);
    mir_fail(ret, MIR_FAILED, "'%s' ended before it was %s: %s", d->name,
             d->seen_running ? "live" : "running", why);
    mir_error_hint(ret, "its console: mirage-deploy logs %s", d->name);
}

static void goal_error(const struct mird_deployment *d, struct mir_error *ret)
{
    if (d->stuck && !d->finished_s)
        stuck_error(d, ret);
    else if (d->end_reason != MIRD_END_NONE)
        ended_error(d, ret);
    else if (d->steps[MIRD_STEP_SITE] == MIRD_UNDONE)
        mir_fail(ret, mir_kind_by_name(d->error_code), "'%s' runs, but has no site: %s", d->name,
                 d->error_text);
    else {
        mir_fail(ret, MIR_TIMEOUT, "'%s' runs, but %s%s", d->name,
                 *d->url ? d->url : "has no public address",
                 *d->url ? " does not answer yet" : " yet");
        mir_error_hint(ret, "see its console: mirage-deploy logs %s", d->name);
    }
}

/* It was waited for, and what is told to be wrong is what became of it. */
static bool extension_refused(const struct mird_deployment *before,
                              const struct mird_deployment *after)
{
    return (before->before_s || before->refused_s) && *after->error_code;
}

/* Whoever waits is answered when its hooks stand, for the deadline in force: well, if that is the
 * one that was asked for. */
static void end_extension(const struct mird_deployment *before, const struct mird_deployment *after,
                          bool finished, struct mird_news *news)
{
    bool refused = extension_refused(before, after);
    if (finished && !news->error.kind) {
        mir_fail(&news->error, MIR_CONFLICT, "'%s' ended first%s%.400s", after->name,
                 before->refused_s ? ": " : "", before->refused_s ? before->error_text : "");
    } else if (!finished && refused) {
        mir_fail(&news->error, mir_kind_by_name(after->error_code), "%s", after->error_text);
        mir_error_hint(&news->error, "%s", after->error_hint);
    }
    end_operation(news, "extend", finished || refused);
}

static void end_operations(const struct mird_deployment *before,
                           const struct mird_deployment *after, struct mird_news *news)
{
    bool finished = !before->finished_s && after->finished_s;
    bool stuck = !before->stuck && after->stuck && !finished;
    if (!before->goal_over && after->goal_over) {
        bool failed = !goal_reached(after);
        if (failed)
            goal_error(after, &news->error);
        end_operation(news, "deploy", failed);
    }
    if (before->hooks_stale && !after->hooks_stale)
        end_extension(before, after, finished, news);
    if (finished)
        end_operation(news, "remove", false);
    if (stuck) {
        stuck_error(after, &news->error);
        end_operation(news, "remove", true);
    }
}

void mird_lease_told(const struct mird_deployment *before, const struct mird_deployment *after,
                     const struct mird_input *input, int64_t now_ms, struct mird_news *ret)
{
    news_begin(ret);
    tell_input(after, input, now_ms, ret);
    tell_state(before, after, now_ms, ret);
    tell_hooks(before, after, now_ms, ret);
    tell_refused(before, after, now_ms, ret);
    tell_halt(before, after, now_ms, ret);
    end_operations(before, after, ret);
    ret->receipt = !before->finished_s && after->finished_s;
}

void mird_lease_news(const struct mird_deployment *before, const struct mird_deployment *after,
                     const struct mird_input *input, int64_t now_ms, struct mird_news *ret)
{
    mird_lease_told(before, after, input, now_ms, ret);
    mird_lease_audit(before, after, input, now_ms, ret);
}
