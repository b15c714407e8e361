/* SPDX-License-Identifier: ISC */
#include "ec2/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "operations.h"

/* What is sent: the schedule with its words. */
struct request {
    char expression[40];
    const char *expression_text, *mode, *after, *state;
    const char *target_arn, *role_arn, *input, *client_token;
};

static const struct ec2_field request_fields[] = {
    EC2_ROW(struct request, expression_text, "ScheduleExpression", EC2_PUT_TEXT),
    EC2_ROW(struct request, mode, "FlexibleTimeWindow.Mode", EC2_PUT_TEXT),
    EC2_ROW(struct request, after, "ActionAfterCompletion", EC2_PUT_TEXT),
    EC2_ROW(struct request, state, "State", EC2_PUT_TEXT),
    EC2_ROW(struct request, target_arn, "Target.Arn", EC2_PUT_TEXT),
    EC2_ROW(struct request, role_arn, "Target.RoleArn", EC2_PUT_TEXT),
    EC2_ROW(struct request, input, "Target.Input", EC2_PUT_TEXT),
    EC2_ROW(struct request, client_token, "ClientToken", EC2_PUT_TEXT),
};
static const struct ec2_table request_table = EC2_TABLE(struct request, request_fields);

struct made {
    char arn[256];
};

static const struct ec2_field made_fields[] = {
    EC2_MUST(struct made, arn, "ScheduleArn", EC2_GET_CUT),
};
static const struct ec2_table made_table = EC2_TABLE(struct made, made_fields);

struct seen {
    char name[EC2_SCHEDULE_NAME];
    char expression[128], zone[64], state[16];
    char target_arn[256], role_arn[256];
    char *input;
};

static const struct ec2_field seen_fields[] = {
    EC2_MUST(struct seen, name, "Name", EC2_GET_TEXT),
    EC2_MUST(struct seen, expression, "ScheduleExpression", EC2_GET_CUT),
    EC2_ROW(struct seen, zone, "ScheduleExpressionTimezone", EC2_GET_CUT),
    EC2_ROW(struct seen, state, "State", EC2_GET_CUT),
    EC2_MUST(struct seen, target_arn, "Target/Arn", EC2_GET_TEXT),
    EC2_ROW(struct seen, role_arn, "Target/RoleArn", EC2_GET_TEXT),
    EC2_ROW(struct seen, input, "Target/Input", EC2_GET_OWNED),
};
static const struct ec2_table seen_table = EC2_TABLE(struct seen, seen_fields);

enum { CREATE, UPDATE, GET, DELETE };

const struct ec2_operation ec2_scheduler_operations[] = {
    [CREATE] = {.name = "CreateSchedule",
                .service = EC2_SCHEDULER,
                .protocol = EC2_REST_JSON,
                .method = "POST",
                .request = &request_table,
                .reply = &made_table},
    [UPDATE] = {.name = "UpdateSchedule",
                .service = EC2_SCHEDULER,
                .protocol = EC2_REST_JSON,
                .method = "PUT",
                .request = &request_table,
                .reply = &made_table},
    [GET] = {.name = "GetSchedule",
             .service = EC2_SCHEDULER,
             .protocol = EC2_REST_JSON,
             .method = "GET",
             .reply = &seen_table,
             .reads = true},
    [DELETE] = {.name = "DeleteSchedule",
                .service = EC2_SCHEDULER,
                .protocol = EC2_REST_JSON,
                .method = "DELETE"},
    {0},
};

/* --- names and times --- */

static int path_of(const char *name, char out[128], struct mir_error *err)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
    size_t len = strlen(name);
    if (!len || len >= EC2_SCHEDULE_NAME || strspn(name, allowed) != len)
        return mir_fail(err, MIR_USAGE, "'%.80s' is no name of a schedule", name);
    snprintf(out, 128, "/schedules/%s", name);
    return 0;
}

/* "at(2026-11-20T23:57:03)": a time in RFC 3339 without its zone. */
static void express(int64_t at_s, char *out, size_t size)
{
    char text[MIR_TIME_SIZE];
    mir_time_format(at_s, text);
    text[strcspn(text, "Z")] = '\0';
    snprintf(out, size, "at(%s)", text);
}

static int64_t read_expression(const struct seen *seen)
{
    char text[MIR_TIME_SIZE];
    int64_t at_s;
    int end = 0;
    bool utc = !*seen->zone || !strcmp(seen->zone, "UTC");
    if (!utc || sscanf(seen->expression, "at(%19[0-9T:-])%n", text, &end) != 1 || !end ||
        seen->expression[end])
        return 0;
    mir_auto_free char *zoned = mir_format("%sZ", text);
    return mir_time_parse(zoned, &at_s, NULL) ? 0 : at_s;
}

/* --- the calls --- */

static int send_schedule(struct ec2_session *session, int which,
                         const struct ec2_schedule *schedule, int64_t until_ms,
                         struct mir_error *err)
{
    char path[128];
    struct made made = {.arn = ""};
    struct request request = {.mode = "OFF",
                              .after = schedule->keep ? "NONE" : "DELETE",
                              .state = "ENABLED",
                              .target_arn = schedule->target_arn,
                              .role_arn = schedule->role_arn,
                              .input = schedule->input,
                              .client_token = schedule->client_token};
    if (path_of(schedule->name, path, err))
        return -1;
    express(schedule->at_s, request.expression, sizeof request.expression);
    request.expression_text = request.expression;
    return ec2_operate_at(session, &ec2_scheduler_operations[which], path, &request, until_ms,
                          &made, err);
}

int ec2_create_schedule(struct ec2_session *session, const struct ec2_schedule *schedule,
                        int64_t until_ms, struct mir_error *err)
{
    return send_schedule(session, CREATE, schedule, until_ms, err);
}

int ec2_update_schedule(struct ec2_session *session, const struct ec2_schedule *schedule,
                        int64_t until_ms, struct mir_error *err)
{
    return send_schedule(session, UPDATE, schedule, until_ms, err);
}

void ec2_schedule_seen_clear(struct ec2_schedule_seen *schedule)
{
    free(schedule->input);
    *schedule = (struct ec2_schedule_seen){.input = NULL};
}

int ec2_get_schedule(struct ec2_session *session, const char *name, int64_t until_ms,
                     struct ec2_schedule_seen *ret, struct mir_error *err)
{
    char path[128];
    struct seen seen = {.input = NULL};
    if (path_of(name, path, err))
        return -1;
    if (ec2_operate_at(session, &ec2_scheduler_operations[GET], path, NULL, until_ms, &seen, err)) {
        ec2_record_clear(&seen_table, &seen);
        return -1;
    }
    *ret = (struct ec2_schedule_seen){.at_s = read_expression(&seen),
                                      .enabled = !strcmp(seen.state, "ENABLED"),
                                      .input = seen.input};
    mir_copy(ret->name, sizeof ret->name, seen.name);
    mir_copy(ret->target_arn, sizeof ret->target_arn, seen.target_arn);
    mir_copy(ret->role_arn, sizeof ret->role_arn, seen.role_arn);
    return 0;
}

int ec2_delete_schedule(struct ec2_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err)
{
    char path[128];
    if (path_of(name, path, err))
        return -1;
    return ec2_operate_at(session, &ec2_scheduler_operations[DELETE], path, NULL, until_ms, NULL,
                          err);
}
