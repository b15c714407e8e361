/* SPDX-License-Identifier: ISC */
/* What a transition of the lease machine adds to the audit log: acknowledged changes, and effects
 * on the provider. Told from the difference to what the store has, so that a write that failed is
 * made up for by the next. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "lease_parts.h"

/* More than fit never happen between two writes; the last place would be written over. */
MIR_PRINTF(4, 5)
static struct mird_audit *add(struct mird_news *news, const char *who, const char *what,
                              const char *fmt, ...)
{
    if (news->audit_count >= MIRD_NEWS_AUDITS_MAX)
        news->audit_count = MIRD_NEWS_AUDITS_MAX - 1;
    struct mird_audit *row = &news->audits[news->audit_count++];
    *row = (struct mird_audit){0};
    mir_copy(row->who, sizeof row->who, who ? who : "");
    mir_copy(row->what, sizeof row->what, what);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(row->detail, sizeof row->detail, fmt, ap);
    va_end(ap);
    mird_text_clean(row->detail);
    return row;
}

static void tell_asked(const struct mird_deployment *before, const struct mird_deployment *after,
                       const struct mird_input *in, struct mird_news *news)
{
    char from[MIR_TIME_SIZE], to[MIR_TIME_SIZE];
    if (in->kind == MIRD_IN_REMOVE)
        add(news, in->who, "remove", "%s", "");
    if (in->kind != MIRD_IN_EXTEND)
        return;
    mir_deadline_format(before->deadline_s, from);
    mir_deadline_format(after->deadline_s, to);
    add(news, in->who, "extend", "from %s to %s", from, to);
}

/* An extension that cannot be armed: from here on the deadline is in force that the text says. */
static void tell_refused(const struct mird_deployment *before, const struct mird_deployment *after,
                         struct mird_news *news)
{
    if (before->before_s && !after->before_s && *after->error_code && !after->finished_s)
        add(news, NULL, "extend-refused", "%.400s", after->error_text);
}

/* The intent stands in the log before the request leaves, like in the record. */
static void tell_launch(const struct mird_deployment *before, const struct mird_deployment *after,
                        const struct mird_input *in, struct mird_news *news)
{
    enum mird_step_status was = before->steps[MIRD_STEP_INSTANCE],
                          is = after->steps[MIRD_STEP_INSTANCE];
    if (!*before->image_id && *after->image_id)
        add(news, NULL, "image", "%s on %s", after->image_id, after->provider);
    if (was != MIRD_INTENT && is == MIRD_INTENT)
        add(news, NULL, "launch", "%s is asked, under token %s", after->provider, after->id);
    if (!*before->instance.id && *after->instance.id)
        add(news, NULL, "launched", "instance %s", after->instance.id);
    bool failed = in->kind == MIRD_IN_REFUSED || in->kind == MIRD_IN_UNKNOWN;
    if (failed && in->step == MIRD_STEP_INSTANCE && in->error)
        add(news, NULL, in->kind == MIRD_IN_REFUSED ? "launch-refused" : "launch-unknown", "%s",
            in->error->text);
}

static bool same_hooks(const struct mird_deployment *a, const struct mird_deployment *b)
{
    if (a->hook_count != b->hook_count)
        return false;
    for (unsigned i = 0; i < a->hook_count; i++)
        if (strcmp(a->hooks[i].name, b->hooks[i].name) || a->hooks[i].state != b->hooks[i].state ||
            a->hooks[i].deadline_s != b->hooks[i].deadline_s)
            return false;
    return true;
}

/* As read back, each with the deadline that it said. */
static void tell_hooks(const struct mird_deployment *before, const struct mird_deployment *after,
                       struct mird_news *news)
{
    char text[400] = "", until[MIR_TIME_SIZE];
    size_t len = 0;
    if (after->finished_s || same_hooks(before, after))
        return;
    for (unsigned i = 0; i < after->hook_count && len < sizeof text; i++) {
        const struct mir_hook *hook = &after->hooks[i];
        bool armed = hook->state == MIR_HOOK_ARMED;
        mir_time_format(hook->deadline_s, until);
        int n =
            snprintf(text + len, sizeof text - len, "%s%s %s%s%s", i ? ", " : "", hook->name,
                     mir_hook_state_name(hook->state), armed ? " until " : "", armed ? until : "");
        len += n > 0 ? (size_t)n : 0;
    }
    add(news, NULL, "hooks", "%s", text);
}

static const char *at_text(int64_t utc_ms, char out[MIR_TIME_SIZE])
{
    mir_time_format_ms(utc_ms, out);
    return out;
}

/* Told with the next write of the record; the rows have the moments when it happened. */
static void tell_ending(const struct mird_ending *was, const struct mird_ending *is,
                        const char *what, const char *provider, struct mird_news *news)
{
    char get[MIR_TIME_SIZE], list[MIR_TIME_SIZE], settled[MIR_TIME_SIZE];
    if (!was->sent && is->sent)
        add(news, NULL, "delete", "of the %s, sent to %s, %s", what, provider,
            is->accepted_ms ? "accepted" : "not accepted yet")
            ->at_ms = is->first_ms;
    if (was->gone_ms || !is->gone_ms)
        return;
    add(news, NULL, "seen-gone",
        "the %s: get at %s says absent; listing of %u at %s does not have it; settled since %s; "
        "%u delete%s sent",
        what, at_text(is->get_ms, get), is->listed, at_text(is->list_ms, list),
        at_text(is->settled_ms, settled), is->sent, is->sent == 1 ? "" : "s")
        ->at_ms = is->gone_ms;
}

static void tell_end(const struct mird_deployment *before, const struct mird_deployment *after,
                     int64_t now_ms, struct mird_news *news)
{
    if (before->end_reason == MIRD_END_NONE && after->end_reason != MIRD_END_NONE) {
        const char *why = after->end_reason == MIRD_END_GUEST    ? after->instance.end_reason
                          : after->end_reason == MIRD_END_FAILED ? after->error_text
                                                                 : "";
        add(news, after->ended_by, "teardown", "%s%s%.300s",
            mird_end_reason_name(after->end_reason), *why ? ": " : "", why);
    }
    tell_ending(&before->trail.instance, &after->trail.instance, "instance", after->provider, news);
    tell_ending(&before->trail.image, &after->trail.image, "image", after->provider, news);
    if (!before->stuck && after->stuck)
        add(news, NULL, "stuck", "%.300s", after->error_text);
    if (!before->finished_s && after->finished_s)
        add(news, NULL, mird_state_name(mird_deployment_state(after)), "%s", "");
}

void mird_lease_audit(const struct mird_deployment *before, const struct mird_deployment *after,
                      const struct mird_input *in, int64_t now_ms, struct mird_news *news)
{
    tell_asked(before, after, in, news);
    tell_refused(before, after, news);
    tell_launch(before, after, in, news);
    tell_hooks(before, after, news);
    tell_end(before, after, now_ms, news);
}
