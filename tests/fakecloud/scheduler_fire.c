/* SPDX-License-Identifier: ISC */
/* Schedules as they fire: an attempt under the schedule's role, repeated until it succeeds, is too
 * old, or has been made too often. */
#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "calls.h"
#include "ec2_life.h"
#include "faults.h"
#include "roles.h"
#include "scheduler.h"

#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS 600000

static const char *no_parameter(void *ctx, const char *name)
{
    const struct fc_object *schedule = ctx;
    return strcmp(name, "Name") ? NULL : fc_text_at(schedule->doc, "Name");
}

/* Every instance of the input is found and may be ended: then all of them are. */
static int end_instances(struct fc_world *world, struct fc_object *schedule, bool stop,
                         const struct fc_cause *cause)
{
    const char *input = fc_text_at(schedule->doc, "Target.Input");
    json_t *json = mir_json_parse(input, strlen(input), 262144, NULL), *id;
    const json_t *ids = fc_at(json, "InstanceIds");
    size_t i;
    int rc = 0;
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        const char *text = json_string_value(id);
        const struct fc_object *instance =
            text ? fc_store_get(world->store, "instance", schedule->region, text) : NULL;
        if (!instance || !fc_visible(instance, cause->now_ms) ||
            (!stop && json_is_true(fc_at(instance->doc, "_disableApiTermination"))))
            rc = -1;
    }
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        struct fc_object *instance =
            rc ? NULL
               : fc_store_get(world->store, "instance", schedule->region, json_string_value(id));
        if (instance && stop)
            fc_life_stop(world, instance, "Client.UserInitiatedShutdown", cause);
        else if (instance)
            fc_life_terminate(world, instance, "Client.UserInitiatedShutdown", cause);
    }
    json_decref(json);
    return rc;
}

static int attempt(struct fc_world *world, struct fc_object *schedule, const struct fc_cause *cause)
{
    const struct fc_object *role =
        fc_role_by_arn(world, fc_text_at(schedule->doc, "Target.RoleArn"));
    bool stop = strstr(fc_text_at(schedule->doc, "Target.Arn"), "stopInstances") != NULL;
    struct fc_fault fault;
    uint64_t number =
        fc_calls_add(world->calls, "scheduler", "Invoke", schedule->region, cause->now_ms);
    fc_faults_take(world->faults, "scheduler", "Invoke", number, no_parameter, schedule, &fault);
    bool allowed = role && fc_role_trusts(role, "scheduler.amazonaws.com") &&
                   fc_role_allows(role, stop ? "ec2:StopInstances" : "ec2:TerminateInstances");
    int rc = !allowed || fault.when == FC_FAULT_BEFORE
                 ? -1
                 : end_instances(world, schedule, stop, cause);
    if (fault.when == FC_FAULT_AFTER) /* it was done, and counts as failed: it comes again */
        rc = -1;
    fc_calls_result(world->calls, number, rc ? 400 : 200, allowed ? "" : "AccessDenied",
                    fault.mode);
    return rc;
}

/* After the last attempt, whatever became of it. */
static void finish(struct fc_world *world, struct fc_object *schedule, const struct fc_cause *cause)
{
    if (!strcmp(fc_text_at(schedule->doc, "ActionAfterCompletion"), "DELETE"))
        fc_store_gone(world->store, schedule, cause, 0);
}

void fc_tick_schedule(struct fc_world *world, struct fc_object *schedule,
                      const struct fc_cause *time)
{
    char request[80];
    snprintf(request, sizeof request, "%.64s", fc_text_at(schedule->doc, "Name"));
    const struct fc_cause cause = {"scheduler.Invoke", request, time->now_ms};
    json_t *doc = fc_store_edit(world->store, schedule, cause.now_ms, 0);
    int64_t first_ms = json_integer_value(fc_at(doc, "_first_ms"));
    int64_t attempts = json_integer_value(fc_at(doc, "_attempts")) + 1;
    int64_t most = json_integer_value(fc_at(doc, "Target.RetryPolicy.MaximumRetryAttempts"));
    int64_t age_ms =
        json_integer_value(fc_at(doc, "Target.RetryPolicy.MaximumEventAgeInSeconds")) * 1000;
    if (!first_ms)
        first_ms = cause.now_ms;
    json_object_set_new(doc, "_first_ms", json_integer(first_ms));
    json_object_set_new(doc, "_attempts", json_integer(attempts));
    if (!attempt(world, schedule, &cause) || attempts > most) {
        finish(world, schedule, &cause);
        return;
    }
    int64_t wait_ms = FIRST_WAIT_MS;
    for (int64_t i = 1; i < attempts && wait_ms < LONGEST_WAIT_MS; i++)
        wait_ms *= 2;
    if (wait_ms > LONGEST_WAIT_MS)
        wait_ms = LONGEST_WAIT_MS;
    if (cause.now_ms + wait_ms > first_ms + age_ms)
        finish(world, schedule, &cause);
    else
        schedule->due_ms = cause.now_ms + wait_ms;
}
