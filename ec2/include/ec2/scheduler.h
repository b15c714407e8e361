/* SPDX-License-Identifier: ISC */
/*
 * EventBridge Scheduler: a call that AWS makes at a given second, whether or not we still live. Of
 * the service there is here what ends an instance once: schedules of the default group, in UTC.
 *
 * A schedule that deletes itself after its last attempt is gone even if all attempts failed, so it
 * is never the only hook. Precision: about a minute. Blocking, any thread; ec2/session.h says what
 * every call has in common. Source: EventBridge Scheduler API reference, 2021-06-30.
 */
#ifndef EC2_SCHEDULER_H
#define EC2_SCHEDULER_H

#include <stdbool.h>

#include "ec2/session.h"

#define EC2_SCHEDULE_NAME 65 /* 1..64 of [0-9a-zA-Z-_.] */
#define EC2_TERMINATE_TARGET "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"

/* All texts borrowed. The name is the identity: a second one of the same name is MIR_CONFLICT. */
struct ec2_schedule {
    const char *name;
    int64_t at_s;             /* UTC */
    const char *target_arn;   /* EC2_TERMINATE_TARGET */
    const char *role_arn;     /* who makes the call; the caller needs iam:PassRole */
    const char *input;        /* JSON text: {"InstanceIds":["i-..."]} */
    const char *client_token; /* at most 64 characters; optional */
    bool keep;                /* do not delete it after its last attempt */
};

/* The service tries as it does by itself: up to 185 times in a day. */
int ec2_create_schedule(struct ec2_session *session, const struct ec2_schedule *schedule,
                        int64_t until_ms, struct mir_error *err);
/* Replaces all of it. MIR_NOT_FOUND: there is none (any more). */
int ec2_update_schedule(struct ec2_session *session, const struct ec2_schedule *schedule,
                        int64_t until_ms, struct mir_error *err);

struct ec2_schedule_seen {
    char name[EC2_SCHEDULE_NAME];
    int64_t at_s; /* 0: its expression is not one of ours */
    bool enabled;
    char target_arn[256];
    char role_arn[256];
    char *input; /* owned; NULL when absent */
};

void ec2_schedule_seen_clear(struct ec2_schedule_seen *schedule);
#define ec2_auto_schedule_seen MIR_CLEANUP(ec2_schedule_seen_clear)

/* *ret is to be cleared. MIR_NOT_FOUND. */
int ec2_get_schedule(struct ec2_session *session, const char *name, int64_t until_ms,
                     struct ec2_schedule_seen *ret, struct mir_error *err);
/* MIR_NOT_FOUND: it is gone already. */
int ec2_delete_schedule(struct ec2_session *session, const char *name, int64_t until_ms,
                        struct mir_error *err);

#endif
