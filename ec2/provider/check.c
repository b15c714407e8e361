/* SPDX-License-Identifier: ISC */
/* What `doctor ec2` says: which credentials count, who they are, and what they may not do. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/sts.h"
#include "probe.h"

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
    mir_copy(row->fix, sizeof row->fix,
             *said->hint ? said->hint : "mend what is said there, and ask again");
}

static void check_steps(struct cloud *cloud, struct report *report)
{
    struct ec2_step steps[EC2_CHAIN_STEPS_MAX];
    size_t count = ec2_chain_steps(cloud->chain, steps);
    for (size_t i = 0; i < count; i++)
        if (steps[i].state == EC2_STEP_SERVED || steps[i].state == EC2_STEP_FAILED) {
            bool served = steps[i].state == EC2_STEP_SERVED;
            static const char fix[] = "mend these credentials, or take them away: others come next";
            struct mir_check *row =
                add(report, "credentials", served ? MIR_CHECK_PASS : MIR_CHECK_FAIL);
            snprintf(row->detail, sizeof row->detail, "%.40s: %.180s", steps[i].name,
                     steps[i].text);
            mir_copy(row->fix, sizeof row->fix, served ? "" : fix);
        }
}

/* False: nobody knows who asks, so nothing else needs to be asked. */
static bool check_identity(struct ec2_session *session, struct report *report)
{
    struct ec2_identity who = {.arn = ""};
    struct mir_error said = {0};
    if (ec2_get_caller_identity(session, ec2_until(session, CLOUD_LOOK_MS), &who, &said)) {
        add_error(report, "identity", &said);
        return false;
    }
    struct mir_check *row = add(report, "identity", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%.200s", who.arn);
    return true;
}

/* --- what it may do --- */

#define PROBE_MS 20000 /* of all questions together */

/* Actions of which the same is to be said, in as many lines as they need. */
struct actions {
    const char *name, *fix;
    enum mir_check_level level;
    char text[sizeof((struct mir_check *)0)->detail];
};

struct permissions {
    struct report *report;
    unsigned allowed;
    struct actions unknown, not_asked;
};

static void say(struct report *report, struct actions *actions)
{
    if (!*actions->text)
        return;
    struct mir_check *row = add(report, actions->name, actions->level);
    mir_copy(row->detail, sizeof row->detail, actions->text);
    mir_copy(row->fix, sizeof row->fix, actions->fix);
    *actions->text = '\0';
}

static void list(struct report *report, struct actions *actions, const char *action)
{
    size_t size = sizeof actions->text;
    if (strlen(actions->text) + strlen(action) + 3 > size)
        say(report, actions);
    size_t len = strlen(actions->text);
    snprintf(actions->text + len, size - len, "%s%s", len ? ", " : "", action);
}

static void on_verdict(void *ctx, const char *action, enum cloud_verdict verdict,
                       const struct mir_error *said)
{
    struct permissions *seen = ctx;
    struct mir_check *row;
    switch (verdict) {
    case CLOUD_ALLOWED:
        seen->allowed++;
        break;
    case CLOUD_REFUSED_UNKNOWN:
        list(seen->report, &seen->unknown, action);
        break;
    case CLOUD_NOT_ASKED:
        list(seen->report, &seen->not_asked, action);
        break;
    case CLOUD_REFUSED:
        add_error(seen->report, action, said);
        break;
    case CLOUD_NOT_TOLD:
        row = add(seen->report, action, MIR_CHECK_WARN);
        snprintf(row->detail, sizeof row->detail, "could not be found out: %.200s", said->text);
        mir_copy(row->fix, sizeof row->fix, "ask again; or compare with --print-policy");
        break;
    }
}

/* Asked without doing: what would be refused in the middle of a deploy is said before it. */
static void check_permissions(struct cloud *cloud, struct ec2_session *session,
                              struct report *report)
{
    struct permissions seen = {
        .report = report,
        .unknown = {.name = "permissions by tag",
                    .fix = "refused for things that are not there: right if they are allowed for "
                           "things with our tag, as --print-policy has it; else allow them",
                    .level = MIR_CHECK_WARN},
        .not_asked = {.name = "permissions without dry run", .fix = "", .level = MIR_CHECK_PASS}};
    cloud_probe(cloud, session, ec2_until(session, PROBE_MS), on_verdict, &seen);
    struct mir_check *row = add(report, "permissions", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "%u actions are allowed, by dry runs", seen.allowed);
    say(report, &seen.unknown);
    say(report, &seen.not_asked);
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

static void check_bucket(const struct cloud *cloud, struct ec2_session *session,
                         struct report *report)
{
    const struct ec2_s3_object bucket = {.bucket = cloud->bucket};
    struct ec2_s3_list found = {.rows = NULL};
    struct mir_error said = {0};
    if (!*cloud->bucket)
        return;
    int rc = ec2_s3_list_objects(session, &bucket, CLOUD_KEY_ROOT "doctor",
                                 ec2_until(session, CLOUD_LOOK_MS), &found, &said);
    ec2_s3_list_clear(&found);
    struct mir_check *row = add(report, "bucket", rc ? MIR_CHECK_FAIL : MIR_CHECK_PASS);
    if (!rc) {
        snprintf(row->detail, sizeof row->detail, "%s; images go %s", cloud->bucket,
                 cloud_way_words(cloud->way));
        return;
    }
    snprintf(row->detail, sizeof row->detail, "%s in %s: %.140s", cloud->bucket,
             ec2_session_region(session), said.text);
    snprintf(row->fix, sizeof row->fix,
             said.kind == MIR_NOT_FOUND
                 ? "make it, in that region: aws s3 mb s3://%s --region %s"
                 : "name a bucket that is yours, or another region: [ec2] bucket = %s, region = %s",
             cloud->bucket, ec2_session_region(session));
}

static void check_bundles(const struct cloud *cloud, struct report *report)
{
    struct mir_error said = {0};
    if (cloud->way != CLOUD_BY_BUNDLE)
        return;
    if (cloud_way_reaches(cloud, "", &said)) {
        add_error(report, "bundle keys", &said);
        return;
    }
    struct mir_check *row = add(report, "bundle keys", MIR_CHECK_PASS);
    snprintf(row->detail, sizeof row->detail, "signed by %.200s", cloud->bundle_key);
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
        bool known = check_identity(session, &report);
        check_steps(cloud, &report);
        if (known) {
            check_bucket(cloud, session, &report);
            check_bundles(cloud, &report);
            check_permissions(cloud, session, &report);
        }
        check_role(cloud, &report);
    }
    *ret_count = report.count;
}
