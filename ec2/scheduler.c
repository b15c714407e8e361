/* SPDX-License-Identifier: ISC */
#include "ec2/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "compute_tables.h"

/* What is sent beside the arguments. */
struct whole {
    struct ec2_schedule_args args;
    char expression[40];
    const char *at; /* = expression */
    const char *after, *mode, *state;
};

#define PUT(member, name, kind) MIR_ROW(struct whole, member, name, kind)

static const struct mir_field whole_fields[] = {
    PUT(at, "ScheduleExpression", MIR_PUT_TEXT),
    PUT(mode, "FlexibleTimeWindow.Mode", MIR_PUT_TEXT),
    PUT(after, "ActionAfterCompletion", MIR_PUT_TEXT),
    PUT(state, "State", MIR_PUT_TEXT),
    PUT(args.group, "GroupName", MIR_PUT_TEXT),
    PUT(args.client_token, "ClientToken", MIR_PUT_TEXT),
    PUT(args.description, "Description", MIR_PUT_TEXT),
    PUT(args.target_arn, "Target.Arn", MIR_PUT_TEXT),
    PUT(args.role_arn, "Target.RoleArn", MIR_PUT_TEXT),
    PUT(args.input, "Target.Input", MIR_PUT_TEXT),
    PUT(args.retries, "Target.RetryPolicy.MaximumRetryAttempts", MIR_PUT_NUMBER),
    PUT(args.retry_age_s, "Target.RetryPolicy.MaximumEventAgeInSeconds", MIR_PUT_NUMBER),
    PUT(args.dead_letter_arn, "Target.DeadLetterConfig.Arn", MIR_PUT_TEXT),
};
static const struct mir_table whole_table = MIR_TABLE(struct whole, whole_fields);

static const struct mir_field arn_fields[] = {
    MIR_MUST(struct ec2_schedule_arn, arn, "ScheduleArn", MIR_GET_TEXT),
};
static const struct mir_table arn_table = MIR_TABLE(struct ec2_schedule_arn, arn_fields);

static const struct mir_field named_fields[] = {
    MIR_ROW(struct ec2_schedule_name, group, "groupName", MIR_PUT_TEXT),
};
static const struct mir_table named_table = MIR_TABLE(struct ec2_schedule_name, named_fields);

static const struct mir_field schedule_fields[] = {
    MIR_MUST(struct ec2_schedule, name, "Name", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule, group, "GroupName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule, arn, "Arn", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule, state, "State", MIR_GET_TEXT),
    MIR_MUST(struct ec2_schedule, expression, "ScheduleExpression", MIR_GET_CUT),
    MIR_ROW(struct ec2_schedule, timezone, "ScheduleExpressionTimezone", MIR_GET_CUT),
    MIR_ROW(struct ec2_schedule, target_arn, "Target/Arn", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule, role_arn, "Target/RoleArn", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule, input, "Target/Input", MIR_GET_OWNED),
    MIR_ROW(struct ec2_schedule, after, "ActionAfterCompletion", MIR_GET_TEXT),
};
static const struct mir_table schedule_table = MIR_TABLE(struct ec2_schedule, schedule_fields);

static const struct mir_field list_args_fields[] = {
    MIR_ROW(struct ec2_list_schedules_args, prefix, "NamePrefix", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_list_schedules_args, group, "ScheduleGroup", MIR_PUT_TEXT),
};
static const struct mir_table list_args_table =
    MIR_TABLE(struct ec2_list_schedules_args, list_args_fields);

static const struct mir_field row_fields[] = {
    MIR_MUST(struct ec2_schedule_row, name, "Name", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule_row, group, "GroupName", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule_row, state, "State", MIR_GET_TEXT),
    MIR_ROW(struct ec2_schedule_row, target_arn, "Target/Arn", MIR_GET_TEXT),
};
static const struct mir_table row_table = MIR_TABLE(struct ec2_schedule_row, row_fields);

static const struct mir_field rows_fields[] = {
    MIR_MANY(struct ec2_schedules, rows, count, "Schedules", MIR_GET_LIST, &row_table),
};
static const struct mir_table rows_table = MIR_TABLE(struct ec2_schedules, rows_fields);

enum { CREATE, UPDATE, GET, DELETE, LIST };

#define SCHEDULER(operation, verb, args, answer)                                                   \
    .name = operation, .service = EC2_SCHEDULER, .protocol = EC2_REST_JSON, .method = verb,        \
    .request = args, .reply = answer

const struct ec2_operation ec2_scheduler_operations[] = {
    [CREATE] = {SCHEDULER("CreateSchedule", "POST", &whole_table, &arn_table)},
    [UPDATE] = {SCHEDULER("UpdateSchedule", "PUT", &whole_table, &arn_table)},
    [GET] = {SCHEDULER("GetSchedule", "GET", &named_table, &schedule_table), .reads = true},
    [DELETE] = {SCHEDULER("DeleteSchedule", "DELETE", &named_table, NULL)},
    [LIST] = {SCHEDULER("ListSchedules", "GET", &list_args_table, &rows_table), .reads = true,
              .page = 100, .page_size = "MaxResults", .page_token = "NextToken",
              .page_next = "NextToken"},
    {0},
};

static char *path_of(const char *name)
{
    struct mir_buf path;
    mir_buf_init(&path, 1024);
    mir_buf_adds(&path, "/schedules/");
    mir_url_encode(&path, name, strlen(name), false);
    return mir_buf_take(&path);
}

static int put(struct ec2_session *session, int which, const struct ec2_schedule_args *args,
               int64_t until_ms, struct ec2_schedule_arn *ret, struct mir_error *err)
{
    if (!args->name || !*args->name || strlen(args->name) > 64 || args->at_s <= 0)
        return mir_fail(err, MIR_USAGE, "a schedule needs a name of 1 to 64 characters and a time");
    struct whole whole = {
        .args = *args, .after = args->keep ? "NONE" : "DELETE", .mode = "OFF", .state = "ENABLED"};
    char at[MIR_TIME_SIZE];
    mir_time_format(args->at_s, at);
    snprintf(whole.expression, sizeof whole.expression, "at(%.19s)", at);
    whole.at = whole.expression;
    mir_auto_free char *path = path_of(args->name);
    return ec2_operate_at(session, &ec2_scheduler_operations[which], path, &whole, until_ms, ret,
                          err);
}

int ec2_create_schedule(struct ec2_session *session, const struct ec2_schedule_args *args,
                        int64_t until_ms, struct ec2_schedule_arn *ret, struct mir_error *err)
{
    return put(session, CREATE, args, until_ms, ret, err);
}

int ec2_update_schedule(struct ec2_session *session, const struct ec2_schedule_args *args,
                        int64_t until_ms, struct ec2_schedule_arn *ret, struct mir_error *err)
{
    return put(session, UPDATE, args, until_ms, ret, err);
}

/* "at(2026-11-18T12:00:00)" in UTC; else 0. */
static int64_t moment_of(const struct ec2_schedule *schedule)
{
    char text[MIR_TIME_SIZE];
    int64_t at = 0;
    if (strlen(schedule->expression) != 23 || strncmp(schedule->expression, "at(", 3) != 0 ||
        schedule->expression[22] != ')' ||
        (*schedule->timezone && strcmp(schedule->timezone, "UTC") != 0))
        return 0;
    snprintf(text, sizeof text, "%.19sZ", schedule->expression + 3);
    return mir_time_parse(text, &at, NULL) ? 0 : at;
}

int ec2_get_schedule(struct ec2_session *session, const struct ec2_schedule_name *args,
                     int64_t until_ms, struct ec2_schedule *ret, struct mir_error *err)
{
    mir_auto_free char *path = path_of(args->name);
    if (ec2_operate_at(session, &ec2_scheduler_operations[GET], path, args, until_ms, ret, err))
        return -1;
    ret->at_s = moment_of(ret);
    return 0;
}

EC2_CLEAR(ec2_schedule_clear, struct ec2_schedule, &schedule_table)

int ec2_delete_schedule(struct ec2_session *session, const struct ec2_schedule_name *args,
                        int64_t until_ms, struct mir_error *err)
{
    mir_auto_free char *path = path_of(args->name);
    return ec2_operate_at(session, &ec2_scheduler_operations[DELETE], path, args, until_ms, NULL,
                          err);
}

int ec2_list_schedules(struct ec2_session *session, const struct ec2_list_schedules_args *args,
                       int64_t until_ms, struct ec2_schedules *ret, struct mir_error *err)
{
    return ec2_operate_all_at(session, &ec2_scheduler_operations[LIST], "/schedules", args,
                              until_ms, ret, err);
}

EC2_CLEAR(ec2_schedules_clear, struct ec2_schedules, &rows_table)
