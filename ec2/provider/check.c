/* SPDX-License-Identifier: ISC */
/* What `doctor ec2` says: which credentials count, who they are, and what they may not do. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/sts.h"

struct report {
    struct mir_check *rows;
    size_t max, count;
    struct mir_check beyond; /* for what does not fit; never read */
};

static struct mir_check *add(struct report *report, const char *name, enum mir_check_level level)
{
    if (report->count == report->max)
        return &report->beyond;
    struct mir_check *row = &report->rows[report->count++];
    *row = (struct mir_check){.level = level};
    mir_copy(row->name, sizeof row->name, name);
    return row;
}

static void add_error(struct report *report, const char *name, const struct mir_error *said)
{
    struct mir_check *row = add(report, name, MIR_CHECK_FAIL);
    mir_copy(row->detail, sizeof row->detail, said->text);
    mir_copy(row->fix, sizeof row->fix, said->hint);
}

static void check_steps(struct cloud *cloud, struct report *report)
{
    struct ec2_step steps[EC2_CHAIN_STEPS_MAX];
    size_t count = ec2_chain_steps(cloud->chain, steps);
    for (size_t i = 0; i < count; i++)
        if (steps[i].state == EC2_STEP_SERVED || steps[i].state == EC2_STEP_FAILED) {
            bool served = steps[i].state == EC2_STEP_SERVED;
            struct mir_check *row =
                add(report, "credentials", served ? MIR_CHECK_PASS : MIR_CHECK_FAIL);
            snprintf(row->detail, sizeof row->detail, "%.40s: %.180s", steps[i].name,
                     steps[i].text);
        }
}

static void check_identity(struct ec2_session *session, struct report *report)
{
    struct ec2_identity who = {.arn = ""};
    struct mir_error said = {0};
    if (ec2_get_caller_identity(session, ec2_until(session, CLOUD_LOOK_MS), &who, &said)) {
        add_error(report, "identity", &said);
        return;
    }
    struct mir_check *row = add(report, "identity", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%.200s", who.arn);
}

/* Asked without doing: what would be refused in the middle of a deploy is said before it. */
static void check_may_end(struct ec2_session *session, struct report *report)
{
    const struct ec2_change change = {.id = "i-0123456789abcdef0", .dry_run = true};
    struct ec2_changed changed = {.before = 0};
    struct mir_error said = {0};
    int rc = ec2_terminate_instance(session, &change, ec2_until(session, CLOUD_LOOK_MS), &changed,
                                    &said);
    /* That it is not there is only said to whoever may end it. */
    if (!rc || said.kind == MIR_NOT_FOUND)
        add(report, "may end instances", MIR_CHECK_PASS);
    else
        add_error(report, "may end instances", &said);
}

static void check_role(const struct cloud *cloud, struct report *report)
{
    bool given = *cloud->role != '\0';
    struct mir_check *row =
        add(report, "hook cloud-schedule", given ? MIR_CHECK_PASS : MIR_CHECK_WARN);
    if (given)
        snprintf(row->detail, sizeof row->detail, "by the role %.200s", cloud->role);
    else {
        mir_copy(row->detail, sizeof row->detail,
                 "no role: only kernels that end themselves have two hooks");
        mir_copy(row->fix, sizeof row->fix,
                 "make the role that `mirage-deploy doctor ec2 --print-policy` prints, and name "
                 "it: [ec2] role = ARN");
    }
}

void cloud_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    struct cloud *cloud = ctx;
    struct report report = {.rows = checks, .max = max};
    struct ec2_session *session;
    struct mir_error said = {0};
    if (cloud_session(cloud, "", &session, &said)) {
        add_error(&report, "configuration", &said);
    } else {
        struct mir_check *row = add(&report, "region", MIR_CHECK_PASS);
        mir_copy(row->detail, sizeof row->detail, ec2_session_region(session));
        check_identity(session, &report);
        check_steps(cloud, &report);
        check_may_end(session, &report);
        check_role(cloud, &report);
    }
    *ret_count = report.count;
}
