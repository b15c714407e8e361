/* SPDX-License-Identifier: ISC */
/*
 * EventBridge Scheduler, API 2021-06-30: schedules that end instances at a time of the fake's
 * clock, whether or not anybody is still there. They fire in scheduler_fire.c.
 */
#include "scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "roles.h"

#define TARGET "arn:aws:scheduler:::aws-sdk:"

static const struct fc_param schedule_params[] = {
    {"ScheduleExpression", FC_TEXT, true},
    {"ScheduleExpressionTimezone", FC_TEXT, false},
    {"FlexibleTimeWindow.Mode", FC_TEXT, true},
    {"FlexibleTimeWindow.MaximumWindowInMinutes", FC_INT, false},
    {"ActionAfterCompletion", FC_TEXT, false},
    {"ClientToken", FC_TEXT, false},
    {"Description", FC_TEXT, false},
    {"GroupName", FC_TEXT, false},
    {"State", FC_TEXT, false},
    {"StartDate", FC_TIME, false},
    {"EndDate", FC_TIME, false},
    {"Target.Arn", FC_TEXT, true},
    {"Target.RoleArn", FC_TEXT, true},
    {"Target.Input", FC_TEXT, false},
    {"Target.RetryPolicy.MaximumRetryAttempts", FC_INT, false},
    {"Target.RetryPolicy.MaximumEventAgeInSeconds", FC_INT, false},
    {"Target.DeadLetterConfig.Arn", FC_TEXT, false},
    {NULL, FC_TEXT, false},
};

/* --- checks --- */

/* "at(2026-11-29T15:20:00)": UTC seconds; -1: not of that form. */
static int64_t read_at(const char *expression)
{
    char text[20], zoned[24];
    int64_t at_s;
    int end = 0;
    if (sscanf(expression, "at(%19[0-9T:-])%n", text, &end) != 1 || !end || expression[end] ||
        strlen(text) != 19)
        return -1;
    snprintf(zoned, sizeof zoned, "%sZ", text);
    return mir_time_parse(zoned, &at_s, NULL) ? -1 : at_s;
}

static int check_times(struct fc_call *call, int64_t *ret_at_s, struct fc_refusal *refusal)
{
    const char *expression = fc_param_text(call, "ScheduleExpression");
    const char *zone = fc_param_text(call, "ScheduleExpressionTimezone");
    const char *mode = fc_param_text(call, "FlexibleTimeWindow.Mode");
    int64_t window = fc_param_int(call, "FlexibleTimeWindow.MaximumWindowInMinutes", 0);
    *ret_at_s = read_at(expression);
    if (*ret_at_s < 0)
        return fc_invalid(refusal, "Invalid Schedule Expression %.100s.", expression);
    if (zone && strcmp(zone, "UTC") != 0)
        return fc_invalid(refusal, "This fake knows no time zone but UTC, not %.60s.", zone);
    if (*ret_at_s * 1000 <= call->now_ms)
        return fc_invalid(refusal, "Invalid Schedule Expression %.100s: it is in the past.",
                          expression);
    if (strcmp(mode, "OFF") != 0 && strcmp(mode, "FLEXIBLE") != 0)
        return fc_invalid(refusal, "FlexibleTimeWindow.Mode is OFF or FLEXIBLE");
    if (strcmp(mode, "OFF") == 0 ? window != 0 : window < 1 || window > 1440)
        return fc_invalid(refusal, "MaximumWindowInMinutes goes with FLEXIBLE: 1 to 1440");
    return 0;
}

static int check_word(struct fc_call *call, const char *param, const char *one, const char *other,
                      struct fc_refusal *refusal)
{
    const char *value = fc_param_text(call, param);
    return !value || !strcmp(value, one) || !strcmp(value, other)
               ? 0
               : fc_invalid(refusal, "%s is %s or %s", param, one, other);
}

/* "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"; reading calls are refused by the cloud, and
 * other writing ones by this fake. */
static int check_target(struct fc_call *call, struct fc_refusal *refusal)
{
    static const char *const reading[] = {"describe", "get", "list", "poll", "query", "search"};
    const char *arn = fc_param_text(call, "Target.Arn");
    const char *action = strrchr(arn, ':');
    if (strncmp(arn, TARGET, sizeof TARGET - 1) != 0)
        return fc_invalid(refusal, "Provided Arn is not in correct format: %.200s", arn);
    for (size_t i = 0; i < MIR_NELEMS(reading); i++)
        if (!strncmp(action + 1, reading[i], strlen(reading[i])))
            return fc_invalid(refusal, "Target.Arn: read-only operations are not supported: %.100s",
                              action + 1);
    if (strcmp(arn + sizeof TARGET - 1, "ec2:terminateInstances") != 0 &&
        strcmp(arn + sizeof TARGET - 1, "ec2:stopInstances") != 0)
        return fc_invalid(refusal, "This fake cannot do %.100s", arn + sizeof TARGET - 1);
    return 0;
}

static int check_role(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *arn = fc_param_text(call, "Target.RoleArn");
    const struct fc_object *role = fc_role_by_arn(call->world, arn);
    if (fc_may(call, "iam:PassRole", refusal))
        return -1;
    if (!role || !fc_role_trusts(role, "scheduler.amazonaws.com"))
        return fc_invalid(refusal, "The execution role you provide must allow AWS EventBridge "
                                   "Scheduler to assume the role.");
    return 0;
}

static int check_input(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *input = fc_param_text(call, "Target.Input");
    int64_t attempts = fc_param_int(call, "Target.RetryPolicy.MaximumRetryAttempts", 185);
    int64_t age_s = fc_param_int(call, "Target.RetryPolicy.MaximumEventAgeInSeconds", 86400);
    json_t *json = input ? mir_json_parse(input, strlen(input), 262144, NULL) : NULL;
    bool ids = json_array_size(fc_at(json, "InstanceIds")) > 0;
    json_decref(json);
    if (!ids)
        return fc_invalid(refusal, "Target.Input is no JSON with InstanceIds");
    if (attempts < 0 || attempts > 185 || age_s < 60 || age_s > 86400)
        return fc_invalid(refusal, "MaximumRetryAttempts is 0 to 185, MaximumEventAgeInSeconds 60 "
                                   "to 86400");
    return 0;
}

static int check_schedule(struct fc_call *call, int64_t *ret_at_s, struct fc_refusal *refusal)
{
    const char *token = fc_param_text(call, "ClientToken");
    if (token && (!*token || strlen(token) > 64))
        return fc_invalid(refusal, "ClientToken has 1 to 64 characters");
    return check_times(call, ret_at_s, refusal) ||
                   check_word(call, "ActionAfterCompletion", "NONE", "DELETE", refusal) ||
                   check_word(call, "State", "ENABLED", "DISABLED", refusal) ||
                   check_target(call, refusal) || check_role(call, refusal) ||
                   check_input(call, refusal)
               ? -1
               : 0;
}

/* --- names --- */

/* "default/NAME", owned; NULL: refused. */
static char *schedule_id(struct fc_call *call, const char *group, struct fc_refusal *refusal)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_.";
    const char *name = call->segments[0];
    size_t len = strlen(name);
    if (len > 64 || strspn(name, plain) != len)
        fc_invalid(refusal,
                   "1 validation error detected: Value '%.100s' at 'name' failed to "
                   "satisfy constraint: [0-9a-zA-Z-_.]+",
                   name);
    else if (group && strcmp(group, "default") != 0)
        fc_refuse(refusal, 404, "ResourceNotFoundException", "Schedule group %.64s does not exist.",
                  group);
    else
        return mir_format("default/%s", name);
    return NULL;
}

static int find_schedule(struct fc_call *call, const char *group, struct fc_object **ret,
                         struct fc_refusal *refusal)
{
    mir_auto_free char *id = schedule_id(call, group, refusal);
    if (!id)
        return -1;
    *ret = fc_store_get(call->world->store, "schedule", call->region, id);
    return *ret && fc_visible(*ret, call->now_ms)
               ? 0
               : fc_refuse(refusal, 404, "ResourceNotFoundException",
                           "Schedule %.64s does not exist.", call->segments[0]);
}

/* --- create and update --- */

/* The document of a schedule: what was given, all of it, and what is assumed. */
static json_t *schedule_doc(struct fc_call *call, int64_t created_ms)
{
    json_t *doc = json_deep_copy(call->params);
    const json_t *retry = fc_at(doc, "Target.RetryPolicy");
    json_object_del(doc, "ClientToken");
    json_object_set_new(doc, "Name", json_string(call->segments[0]));
    json_object_set_new(doc, "GroupName", json_string("default"));
    json_object_set_new(doc, "Arn",
                        json_sprintf("arn:aws:scheduler:%s:%s:schedule/default/%s", call->region,
                                     call->world->account.id, call->segments[0]));
    json_object_set_new(doc, "CreationDate", json_real((double)created_ms / 1000));
    json_object_set_new(doc, "LastModificationDate", json_real((double)call->now_ms / 1000));
    if (!fc_at(doc, "State"))
        json_object_set_new(doc, "State", json_string("ENABLED"));
    if (!fc_at(doc, "ActionAfterCompletion"))
        json_object_set_new(doc, "ActionAfterCompletion", json_string("NONE"));
    if (!fc_at(doc, "ScheduleExpressionTimezone"))
        json_object_set_new(doc, "ScheduleExpressionTimezone", json_string("UTC"));
    if (!retry)
        json_object_set_new(
            fc_at(doc, "Target"), "RetryPolicy",
            json_pack("{s:i,s:i}", "MaximumEventAgeInSeconds", 86400, "MaximumRetryAttempts", 185));
    return doc;
}

static void arm(struct fc_object *schedule, int64_t at_s)
{
    schedule->due_ms = strcmp(fc_text_at(schedule->doc, "State"), "ENABLED") ? 0 : at_s * 1000;
}

static json_t *arn_reply(const struct fc_object *schedule)
{
    return json_pack("{s:O}", "ScheduleArn", fc_at(schedule->doc, "Arn"));
}

static int create_schedule(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    int64_t at_s;
    mir_auto_free char *id = schedule_id(call, fc_param_text(call, "GroupName"), refusal);
    const char *token = fc_param_text(call, "ClientToken");
    if (!id)
        return -1;
    struct fc_object *there = fc_store_get(call->world->store, "schedule", call->region, id);
    if (there && token && json_equal(fc_at(there->doc, "_params"), call->params)) {
        *ret_reply = arn_reply(there);
        return 0;
    }
    if (there)
        return fc_refuse(refusal, 409, "ConflictException", "Schedule %.64s already exists.",
                         call->segments[0]);
    if (check_schedule(call, &at_s, refusal))
        return -1;
    json_t *doc = schedule_doc(call, call->now_ms);
    json_object_set(doc, "_params", call->params);
    struct fc_object *schedule =
        fc_store_add(call->world->store, "schedule", call->region, id, doc, &call->cause);
    arm(schedule, at_s);
    *ret_reply = arn_reply(schedule);
    return 0;
}

/* Replaces everything: what is not given is as assumed, not as it was. */
static int update_schedule(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *schedule;
    int64_t at_s;
    if (find_schedule(call, fc_param_text(call, "GroupName"), &schedule, refusal) ||
        check_schedule(call, &at_s, refusal))
        return -1;
    double created_s = json_real_value(fc_at(schedule->doc, "CreationDate"));
    json_t *fresh = schedule_doc(call, (int64_t)(created_s * 1000));
    json_t *doc = fc_store_edit(call->world->store, schedule, call->now_ms, 0);
    json_object_clear(doc);
    json_object_update(doc, fresh);
    json_decref(fresh);
    arm(schedule, at_s);
    *ret_reply = arn_reply(schedule);
    return 0;
}

/* --- get, list, delete --- */

/* Without what is the fake's own. */
static json_t *shown(const json_t *doc)
{
    json_t *out = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)doc, name, value)
    {
        if (*name != '_')
            json_object_set(out, name, value);
    }
    return out;
}

static int get_schedule(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *schedule;
    if (find_schedule(call, fc_request_query(call->request, "groupName"), &schedule, refusal))
        return -1;
    *ret_reply = shown(schedule->doc);
    return 0;
}

static int delete_schedule(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *schedule;
    if (find_schedule(call, fc_request_query(call->request, "groupName"), &schedule, refusal))
        return -1;
    fc_store_gone(call->world->store, schedule, &call->cause, 0);
    *ret_reply = json_object();
    return 0;
}

static bool listed(struct fc_call *call, const json_t *doc)
{
    const char *group = fc_request_query(call->request, "ScheduleGroup");
    const char *prefix = fc_request_query(call->request, "NamePrefix");
    const char *state = fc_request_query(call->request, "State");
    return (!group || !strcmp(group, "default")) &&
           (!prefix || !strncmp(fc_text_at(doc, "Name"), prefix, strlen(prefix))) &&
           (!state || !strcmp(fc_text_at(doc, "State"), state));
}

/* The token of a page is the name that it comes after. */
static int list_schedules(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *after = fc_request_query(call->request, "NextToken");
    const char *max_text = fc_request_query(call->request, "MaxResults");
    long max = max_text ? strtol(max_text, NULL, 10) : 100;
    json_t *rows = json_array();
    if (max < 1 || max > 100)
        return fc_invalid(refusal, "MaxResults is 1 to 100");
    *ret_reply = json_pack("{s:o}", "Schedules", rows);
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "schedule", call->region));) {
        const char *name = fc_text_at(o->doc, "Name");
        if (after) {
            if (!strcmp(after, name))
                after = NULL;
            continue;
        }
        if (!listed(call, o->doc))
            continue;
        if (json_array_size(rows) == (size_t)max) {
            const json_t *last = json_array_get(rows, (size_t)max - 1);
            json_object_set(*ret_reply, "NextToken", fc_at(last, "Name"));
            break;
        }
        json_array_append_new(
            rows,
            json_pack("{s:O,s:O,s:O,s:O,s:O,s:O,s:{s:O}}", "Arn", fc_at(o->doc, "Arn"),
                      "CreationDate", fc_at(o->doc, "CreationDate"), "GroupName",
                      fc_at(o->doc, "GroupName"), "LastModificationDate",
                      fc_at(o->doc, "LastModificationDate"), "Name", fc_at(o->doc, "Name"), "State",
                      fc_at(o->doc, "State"), "Target", "Arn", fc_at(o->doc, "Target.Arn")));
    }
    return 0;
}

static const struct fc_operation operations[] = {
    {.name = "CreateSchedule",
     .handle = create_schedule,
     .params = schedule_params,
     .method = "POST",
     .path = "/schedules/{}"},
    {.name = "UpdateSchedule",
     .handle = update_schedule,
     .params = schedule_params,
     .method = "PUT",
     .path = "/schedules/{}"},
    {.name = "GetSchedule", .handle = get_schedule, .method = "GET", .path = "/schedules/{}"},
    {.name = "DeleteSchedule",
     .handle = delete_schedule,
     .method = "DELETE",
     .path = "/schedules/{}"},
    {.name = "ListSchedules", .handle = list_schedules, .method = "GET", .path = "/schedules"},
    {.name = NULL},
};

const struct fc_service fc_service_scheduler = {
    .name = "scheduler", .protocol = FC_PROTOCOL_JSON, .operations = operations};
