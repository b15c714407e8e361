/* SPDX-License-Identifier: ISC */
/* The hook that the cloud keeps: a cron trigger of Mistral that deletes the server, from a moment
 * after the deadline on and every minute again, whether or not we live. It is repeated, since a
 * deletion that Nova has taken may fail behind it; what is gone already it does not find. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "openstack/workflow.h"
#include "schedule.h"

#define WORKFLOW "mirage-deploy-end-1" /* another number for another definition */
/* It comes after the daemon, and up to two seconds before the minute that it is for. */
#define SLACK_S 60
#define AHEAD_S 75 /* Mistral wants a minute at least */
#define TIMES 1440 /* a day, every minute */
#define LATE_S 240 /* of what is read back, beyond the deadline */
/* When what could not be armed is tried again: what was only not possible just now, and what was
 * refused, which somebody may allow meanwhile. */
#define PASSING_AGAIN_S 2
#define REFUSED_AGAIN_S 300

static const char definition[] = "---\n"
                                 "version: '2.0'\n" WORKFLOW ":\n"
                                 "  description: ends one server of mirage-deploy\n"
                                 "  type: direct\n"
                                 "  input:\n"
                                 "    - url\n"
                                 "  tasks:\n"
                                 "    end:\n"
                                 "      action: std.http\n"
                                 "      input:\n"
                                 "        url: <% $.url %>\n"
                                 "        method: DELETE\n"
                                 "        headers:\n"
                                 "          X-Auth-Token: <% $.openstack.auth_token %>\n";

struct arming {
    struct stack *stack;
    struct stack_site *site;
    const struct mir_fence *fence;
    const struct mir_lease *lease;
    const char *server_id;
    int64_t now_s, until_ms;
    unsigned others;
    char prefix[STACK_NAME_TEXT], name[STACK_NAME_TEXT];
};

/* Each deadline has a trigger of its own name: the one before is taken away when the new one
 * stands, so that at no moment there is none. */
static void name_all(const char *token, int64_t deadline_s, char prefix[STACK_NAME_TEXT],
                     char name[STACK_NAME_TEXT])
{
    snprintf(prefix, STACK_NAME_TEXT, "mirage-%.32s-", token);
    snprintf(name, STACK_NAME_TEXT, "%.60s%lld", prefix, (long long)deadline_s);
}

static bool passes(const struct mir_error *said)
{
    return said->retry != MIR_RETRY_NEVER || said->kind == MIR_UNAVAILABLE ||
           said->kind == MIR_THROTTLED || said->kind == MIR_TIMEOUT || said->kind == MIR_CORRUPT;
}

static void failed(struct mir_hook *hook, const struct mir_error *said)
{
    hook->state = MIR_HOOK_FAILED;
    hook->again_after_s = passes(said) ? PASSING_AGAIN_S : REFUSED_AGAIN_S;
    snprintf(hook->detail, sizeof hook->detail, "%.150s", said->text);
}

/* --- making --- */

/* All of a project use one; who comes second finds it taken, which is as good. */
static int make_workflow(const struct arming *a, struct mir_error *err)
{
    struct os_workflows made = {.rows = NULL};
    struct mir_error said = {0};
    int rc = os_workflow_create(a->site->session, definition, a->until_ms, &made, &said);
    os_workflows_clear(&made);
    return !rc || said.kind == MIR_CONFLICT ? 0 : stack_said(&said, err);
}

static int put_trigger(const struct arming *a, const char *url, struct mir_error *err)
{
    struct os_trigger made = {.name = NULL};
    json_t *input = json_pack("{s:s}", "url", url);
    int64_t first_s = a->lease->deadline_s + SLACK_S;
    if (first_s < a->now_s + AHEAD_S)
        first_s = a->now_s + AHEAD_S;
    const struct os_create_trigger args = {.name = a->name,
                                           .workflow = WORKFLOW,
                                           .input = input,
                                           .pattern = "* * * * *",
                                           .first_s = first_s,
                                           .executions = TIMES};
    struct mir_error said = {0};
    int rc = os_trigger_create(a->site->session, &args, a->until_ms, &made, &said);
    os_trigger_clear(&made);
    json_decref(input);
    return !rc || said.kind == MIR_CONFLICT ? 0 : stack_said(&said, err);
}

static int make(const struct arming *a, struct mir_error *err)
{
    char *endpoint = NULL;
    if (mir_fence_check(a->fence, err) ||
        stack_intend_trigger(a->stack, a->lease->id, a->site, err) || make_workflow(a, err) ||
        os_session_endpoint(a->site->session, OS_COMPUTE, a->until_ms, &endpoint, err))
        return -1;
    mir_auto_free char *url = mir_format("%s/servers/%s", endpoint, a->server_id);
    free(endpoint);
    return put_trigger(a, url, err);
}

/* --- reading back --- */

/* The earliest that acts at another deadline; 0: there is none. Those are taken away, or told. */
static int64_t end_others(const struct arming *a, const struct os_triggers *found, bool remove)
{
    int64_t early_s = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct os_trigger *row = &found->rows[i];
        struct mir_error said = {0};
        if (!row->name || strncmp(row->name, a->prefix, strlen(a->prefix)) != 0 ||
            !strcmp(row->name, a->name))
            continue;
        int rc = remove ? os_trigger_delete(a->site->session, row->name, a->until_ms, &said) : -1;
        if (rc && said.kind != MIR_NOT_FOUND && (!early_s || row->next_s < early_s))
            early_s = row->next_s;
    }
    return early_s;
}

static const struct os_trigger *find_own(const struct arming *a, const struct os_triggers *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->rows[i].name && !strcmp(found->rows[i].name, a->name))
            return &found->rows[i];
    return NULL;
}

static bool is_right(const struct arming *a, const struct os_trigger *row)
{
    int64_t from_s = a->lease->deadline_s > a->now_s ? a->lease->deadline_s : a->now_s;
    return row && row->workflow && !strcmp(row->workflow, WORKFLOW) &&
           row->next_s >= a->lease->deadline_s && row->next_s <= from_s + LATE_S;
}

/* The new one stands, so what came before goes: it would end what has been given longer. */
static void stands(const struct arming *a, const struct os_triggers *found, struct mir_hook *hook)
{
    int64_t early_s = end_others(a, found, true);
    hook->state = early_s ? MIR_HOOK_FAILED : MIR_HOOK_ARMED;
    hook->deadline_s = early_s ? early_s : a->lease->deadline_s; /* it comes a minute after */
    hook->again_after_s = early_s ? PASSING_AGAIN_S : 0;
    snprintf(hook->detail, sizeof hook->detail,
             early_s ? "a trigger for an earlier deadline cannot be removed"
                     : "Mistral deletes the server, again until it is gone");
}

/* It was not moved; where the others do without it, it is taken away. */
static void not_moved(const struct arming *a, const struct os_triggers *found,
                      const struct mir_error *said, struct mir_hook *hook)
{
    failed(hook, said);
    bool remove = !passes(said) && a->others >= MIR_HOOKS_LEAST;
    hook->deadline_s = end_others(a, found, remove && !mir_fence_check(a->fence, NULL));
    hook->gone = !hook->deadline_s;
}

static void arm(const struct arming *a, struct mir_hook *hook)
{
    struct os_triggers found = {.rows = NULL};
    struct mir_error said = {0}, making = {0};
    if (os_trigger_list(a->site->session, a->until_ms, &found, &said)) {
        failed(hook, &said);
        return;
    }
    if (!is_right(a, find_own(a, &found))) {
        int rc = make(a, &making);
        os_triggers_clear(&found);
        found = (struct os_triggers){.rows = NULL};
        /* An answer that was lost is no refusal: what stands there says whether it is armed. */
        if (os_trigger_list(a->site->session, a->until_ms, &found, &said)) {
            failed(hook, &said);
            return;
        }
        if (!rc && !is_right(a, find_own(a, &found)))
            mir_fail(&making, MIR_FAILED, "trigger %s does not stand as it was made", a->name);
    }
    if (is_right(a, find_own(a, &found)))
        stands(a, &found, hook);
    else
        not_moved(a, &found, &making, hook);
    os_triggers_clear(&found);
}

void stack_schedule_arm(struct stack *stack, struct stack_site *site, const struct mir_lease *lease,
                        const char *server_id, unsigned others, int64_t until_ms,
                        struct mir_hook *hook)
{
    struct arming a = {.stack = stack,
                       .site = site,
                       .fence = stack->fence,
                       .lease = lease,
                       .server_id = server_id,
                       .now_s = mir_now_s(stack->clock),
                       .until_ms = until_ms,
                       .others = others};
    struct mir_error said = {0};
    bool has = false;
    if (os_session_has(site->session, OS_WORKFLOW, until_ms, &has, &said)) {
        failed(hook, &said);
        return;
    }
    if (!has) {
        mir_copy(hook->detail, sizeof hook->detail, "this cloud has no Mistral");
        return;
    }
    if (mir_forever(lease->deadline_s))
        return;
    name_all(lease->id, lease->deadline_s, a.prefix, a.name);
    arm(&a, hook);
}

/* --- the end --- */

static bool is_of(const struct os_trigger *row, const char *token)
{
    char prefix[STACK_NAME_TEXT], name[STACK_NAME_TEXT];
    name_all(token, 0, prefix, name);
    return row->name && !strncmp(row->name, prefix, strlen(prefix));
}

/* Whoever may not use Mistral, or has never used it for this, needs no word of it. */
static int list(struct stack *stack, struct stack_site *site, const char *token, int64_t until_ms,
                struct os_triggers *ret, struct mir_error *err)
{
    struct stack_seen seen;
    struct mir_error said = {0};
    bool has = false;
    bool known = stack_recall(stack, token, &seen);
    if (known && seen.trigger == STACK_TRIGGER_STAYS)
        return 0;
    int rc = os_session_has(site->session, OS_WORKFLOW, until_ms, &has, &said);
    if (!rc && has)
        rc = os_trigger_list(site->session, until_ms, ret, &said);
    if (!rc)
        return 0;
    if (known && seen.trigger == STACK_TRIGGER_MADE && said.kind != MIR_CREDENTIALS)
        return stack_said(&said, err);
    mir_log(MIR_LOG_WARN, "openstack", "whether a trigger of %s stays is not known: %s", token,
            said.text);
    return 0;
}

int stack_schedule_find(struct stack *stack, struct stack_site *site, const char *token,
                        int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct os_triggers found = {.rows = NULL};
    if (list(stack, site, token, until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++)
        if (is_of(&found.rows[i], token))
            stack_add_object(ret, THING_TRIGGER, found.rows[i].name);
    os_triggers_clear(&found);
    return 0;
}

/* What stays would look for a server that is gone, until its times are over: that we may not take
 * it away is said, and keeps no teardown from its end. */
static int end_one(struct stack *stack, struct stack_site *site, const char *token,
                   const char *name, int64_t until_ms, struct mir_error *err)
{
    struct mir_error said = {0};
    int rc = os_trigger_delete(site->session, name, until_ms, &said);
    if (!rc || said.kind != MIR_CREDENTIALS)
        return stack_gone(rc, &said, err);
    stack_remember_trigger(stack, token, STACK_TRIGGER_STAYS);
    mir_log(MIR_LOG_WARN, "openstack", "trigger %s may stay for a day: %s", name, said.text);
    return 0;
}

int stack_schedule_end(struct stack *stack, struct stack_site *site, const char *token,
                       int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct os_triggers found = {.rows = NULL};
    struct mir_error first = {0};
    if (list(stack, site, token, until_ms, &found, err))
        return -1;
    for (size_t i = 0; i < found.count; i++) {
        struct mir_error said = {0};
        if (!is_of(&found.rows[i], token))
            continue;
        stack_add_object(ret, THING_TRIGGER, found.rows[i].name);
        stack_keep_first(end_one(stack, site, token, found.rows[i].name, until_ms, &said), &said,
                         &first);
    }
    os_triggers_clear(&found);
    return first.kind == MIR_OK ? 0 : stack_said(&first, err);
}
