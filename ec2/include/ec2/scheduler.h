/* SPDX-License-Identifier: ISC */
/*
 * EventBridge Scheduler: something that AWS does at a moment, whether we are there or not.
 * Blocking, any thread; ec2/session.h says what every call has in common. Source: Amazon
 * EventBridge Scheduler API 2021-06-30.
 *
 * A schedule is made once at a moment and, if it deletes itself, is gone after its last attempt,
 * even when all attempts failed: something else has to look whether it worked. Creating is
 * idempotent by the client token; a second schedule of one name is refused (MIR_CONFLICT).
 */
#ifndef EC2_SCHEDULER_H
#define EC2_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>

#include "ec2/session.h"

/* A target that calls one action of one service: "ec2:terminateInstances". */
#define EC2_SCHEDULE_TERMINATE "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"

/* All texts borrowed; NULL where optional. */
struct ec2_schedule_args {
    const char *name;         /* 1..64 of [0-9a-zA-Z-_.] */
    const char *group;        /* optional: "default" */
    const char *client_token; /* at most 64 characters */
    const char *description;  /* optional */
    int64_t at_s;             /* UTC; AWS keeps to the minute */
    const char *target_arn, *role_arn;
    const char *input;            /* JSON for the target: {"InstanceIds":["i-..."]} */
    int64_t retries, retry_age_s; /* at most 185, 60..86400; 0: as many and as long as that */
    const char *dead_letter_arn;  /* a queue for what failed; optional */
    bool keep;                    /* do not delete it after it was carried out */
};

struct ec2_schedule_arn {
    char arn[256];
};

int ec2_create_schedule(struct ec2_session *session, const struct ec2_schedule_args *args,
                        int64_t until_ms, struct ec2_schedule_arn *ret, struct mir_error *err);
/* Replaces all of it. */
int ec2_update_schedule(struct ec2_session *session, const struct ec2_schedule_args *args,
                        int64_t until_ms, struct ec2_schedule_arn *ret, struct mir_error *err);

struct ec2_schedule_name {
    const char *name, *group; /* group NULL: "default" */
};

struct ec2_schedule {
    char name[80], group[80], arn[256];
    char state[16];      /* "ENABLED", "DISABLED" */
    char expression[80]; /* "at(2026-11-18T12:00:00)" */
    char timezone[64];
    int64_t at_s; /* of that expression; 0: it is none of ours */
    char target_arn[256], role_arn[256], after[16];
    char *input; /* owned */
};

int ec2_get_schedule(struct ec2_session *session, const struct ec2_schedule_name *args,
                     int64_t until_ms, struct ec2_schedule *ret, struct mir_error *err);
void ec2_schedule_clear(struct ec2_schedule *schedule);

/* MIR_NOT_FOUND: there is none (any more). */
int ec2_delete_schedule(struct ec2_session *session, const struct ec2_schedule_name *args,
                        int64_t until_ms, struct mir_error *err);

struct ec2_list_schedules_args {
    const char *prefix, *group; /* optional, both */
};

struct ec2_schedule_row {
    char name[80], group[80], state[16], target_arn[256];
};

struct ec2_schedules {
    struct ec2_schedule_row *rows;
    size_t count;
};

int ec2_list_schedules(struct ec2_session *session, const struct ec2_list_schedules_args *args,
                       int64_t until_ms, struct ec2_schedules *ret, struct mir_error *err);
void ec2_schedules_clear(struct ec2_schedules *schedules);

#endif
