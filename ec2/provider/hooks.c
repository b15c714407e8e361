/* SPDX-License-Identifier: ISC */
/* The hooks that EC2 itself keeps, armed and read back: the tags that every reaper goes by, a
 * schedule of EventBridge that ends the instance whether or not we live, and what EC2 does when the
 * guest powers itself off. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "cloud.h"
#include "ec2/scheduler.h"

/* The schedule comes after the daemon, and its precision is a minute. */
#define SCHEDULE_SLACK_S 60
/* When a hook that could not be armed is tried again: what was only not possible just now, and what
 * was refused, which somebody may allow meanwhile. */
#define PASSING_AGAIN_S 2
#define REFUSED_AGAIN_S 300

void cloud_schedule_name(const char *token, char out[80])
{
    snprintf(out, 80, "mirage-%.32s", token);
}

struct arming {
    struct cloud *cloud;
    struct ec2_session *session;
    const struct mir_lease *lease;
    struct ec2_instances found;     /* owned */
    const struct ec2_instance *row; /* of these */
    unsigned others;                /* armed hooks beside the schedule */
    int64_t until_ms;
};

typedef void arm_fn(const struct arming *a, struct mir_hook *hook);

/* --- the instance --- */

/* A listing may still miss what was launched a moment ago. */
static int find_row(struct arming *a, struct mir_error *err)
{
    struct mir_error said;
    do {
        said = (struct mir_error){0};
        ec2_instances_clear(&a->found);
        if (cloud_find_instance(a->cloud, a->session, a->lease->id, a->until_ms, &a->found, &a->row,
                                err))
            return -1;
        if (a->row)
            return 0;
        mir_fail(&said, MIR_NOT_FOUND, "there is no instance of %s to arm", a->lease->id);
    } while (cloud_again(a->session, a->until_ms, &said));
    return cloud_said(&said, err);
}

static bool ends(const struct arming *a)
{
    return cloud_over(a->row) || (a->row->state_code & 0xff) == EC2_SHUTTING_DOWN;
}

/* --- the tags --- */

/* What else of the deployment carries them. */
static int find_others(const struct arming *a, struct mir_instance *ret, struct mir_error *err)
{
    struct cloud_filter mine;
    struct mir_instance image;
    auto_things struct cloud_things things = {.volumes = {.rows = NULL}};
    cloud_by_token(&mine, a->cloud, a->lease->id);
    if (cloud_things_find(a->session, &mine, a->until_ms, &things, err) ||
        cloud_image_look(a->cloud, a->session, a->lease->id, a->until_ms, &image, err))
        return -1;
    cloud_things_add(a->cloud, &things, ret);
    for (unsigned i = 0; i < image.object_count; i++)
        if (strcmp(image.objects[i].kind, CLOUD_OBJECT) &&
            strcmp(image.objects[i].kind, CLOUD_UPLOAD))
            cloud_add_object(ret, image.objects[i].kind, image.objects[i].id);
    return 0;
}

/* One request for all of them: half of them would look like somebody else's. */
static int send_tags(const struct arming *a, struct mir_error *err)
{
    char expires[MIR_TIME_SIZE];
    const char *ids[1 + MIR_OBJECTS_MAX];
    size_t count = 0;
    struct mir_instance others = {.object_count = 0};
    if (find_others(a, &others, err))
        return -1;
    ids[count++] = a->row->id;
    for (unsigned i = 0; i < others.object_count; i++)
        ids[count++] = others.objects[i].id;
    mir_time_format(a->lease->deadline_s, expires);
    const struct ec2_tag tags[] = {{TAG_EXPIRES, expires}, {TAG_SIGNATURE, a->lease->signature}};
    const struct ec2_tagging args = {
        .ids = ids, .id_count = count, .tags = tags, .tag_count = MIR_NELEMS(tags)};
    return mir_fence_check(a->cloud->fence, err) ||
                   ec2_create_tags(a->session, &args, a->until_ms, err)
               ? -1
               : 0;
}

static bool tags_shown(const struct arming *a)
{
    struct mir_tags tags;
    cloud_tags_read(a->row->tags, a->row->tag_count, &tags);
    return tags.expires_s == a->lease->deadline_s && !strcmp(tags.signature, a->lease->signature);
}

/* Before any hook counts as armed, whoever goes by the tags has to see the deadline in force: a
 * listing shows the old ones for a moment. */
static int write_tags(struct arming *a, struct mir_error *err)
{
    struct mir_error said;
    if (!*a->lease->signature)
        return 0;
    if (send_tags(a, err))
        return -1;
    do {
        said = (struct mir_error){0};
        if (find_row(a, err)) {
            if (err)
                err->outcome = MIR_OUTCOME_UNKNOWN; /* the tags may say it by now */
            return -1;
        }
        if (tags_shown(a))
            return 0;
        mir_fail(&said, MIR_NOT_FOUND, "%s does not show its new tags", a->row->id);
    } while (cloud_again(a->session, a->until_ms, &said));
    said.kind = MIR_TIMEOUT;
    said.outcome = MIR_OUTCOME_UNKNOWN;
    said.retry = MIR_RETRY_TRANSIENT;
    return cloud_said(&said, err);
}

/* --- the schedule --- */

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

static int put_schedule(const struct arming *a, const char *name, struct mir_error *err)
{
    mir_auto_free char *input = mir_format("{\"InstanceIds\":[\"%s\"]}", a->row->id);
    const struct ec2_schedule_args schedule = {.name = name,
                                               .at_s = a->lease->deadline_s + SCHEDULE_SLACK_S,
                                               .target_arn = EC2_SCHEDULE_TERMINATE,
                                               .role_arn = a->cloud->role,
                                               .input = input};
    struct ec2_schedule_arn made = {.arn = ""};
    struct mir_error said = {0};
    if (mir_fence_check(a->cloud->fence, err))
        return -1;
    if (!ec2_update_schedule(a->session, &schedule, a->until_ms, &made, &said))
        return 0;
    if (said.kind == MIR_NOT_FOUND)
        return ec2_create_schedule(a->session, &schedule, a->until_ms, &made, err);
    return cloud_said(&said, err);
}

static void read_schedule(const struct arming *a, const char *name, struct mir_hook *hook)
{
    const struct ec2_schedule_name args = {.name = name};
    struct ec2_schedule seen = {.input = NULL};
    struct mir_error said = {0};
    if (ec2_get_schedule(a->session, &args, a->until_ms, &seen, &said)) {
        failed(hook, &said);
        hook->gone = said.kind == MIR_NOT_FOUND;
        return;
    }
    bool right = !strcmp(seen.state, "ENABLED") && seen.at_s >= a->lease->deadline_s &&
                 seen.at_s <= a->lease->deadline_s + SCHEDULE_SLACK_S && seen.input &&
                 strstr(seen.input, a->row->id) && !strcmp(seen.target_arn, EC2_SCHEDULE_TERMINATE);
    hook->state = right ? MIR_HOOK_ARMED : MIR_HOOK_FAILED;
    hook->again_after_s = right ? 0 : PASSING_AGAIN_S;
    hook->deadline_s = right ? a->lease->deadline_s : seen.at_s; /* it comes a minute after */
    hook->gone = false;
    snprintf(hook->detail, sizeof hook->detail,
             right ? "EventBridge schedule %.60s" : "EventBridge schedule %.60s says otherwise",
             name);
    ec2_schedule_clear(&seen);
}

/* What was not moved would come at the old deadline, and end what has been given longer. */
static void take_back(const struct arming *a, const char *name, struct mir_hook *hook)
{
    const struct ec2_schedule_name args = {.name = name};
    struct mir_error said = {0};
    if (mir_fence_check(a->cloud->fence, &said) ||
        cloud_gone(ec2_delete_schedule(a->session, &args, a->until_ms, &said), &said, NULL)) {
        mir_log(MIR_LOG_WARN, "ec2", "%s may come at an earlier deadline: %s", name, said.text);
        return;
    }
    hook->gone = true;
    hook->deadline_s = 0;
}

/* It was not moved. It may stand as it should all the same, which is so when an extension is taken
 * back; else it is taken away if the others do without it. */
static void not_moved(const struct arming *a, const char *name, const struct mir_error *said,
                      struct mir_hook *hook)
{
    read_schedule(a, name, hook);
    if (hook->state == MIR_HOOK_ARMED)
        return;
    failed(hook, said);
    if (!passes(said) && !hook->gone && a->others >= MIR_HOOKS_LEAST)
        take_back(a, name, hook);
}

static void arm_schedule(const struct arming *a, struct mir_hook *hook)
{
    char name[80];
    struct mir_error said = {0};
    if (!*a->cloud->role) {
        mir_copy(hook->detail, sizeof hook->detail, "no role is given: [ec2] role = ARN");
        return;
    }
    cloud_schedule_name(a->lease->id, name);
    /* An answer that was lost is no refusal: what stands there says whether it is armed. */
    if (!put_schedule(a, name, &said) || said.outcome == MIR_OUTCOME_UNKNOWN) {
        hook->deadline_s = a->lease->deadline_s; /* for which it may stand, when it is not seen */
        read_schedule(a, name, hook);
        return;
    }
    not_moved(a, name, &said, hook);
}

/* --- a guest that ends itself --- */

static void check_shutdown(const struct arming *a, struct mir_hook *hook)
{
    const struct ec2_attribute_args args = {.id = a->row->id,
                                            .attribute = "instanceInitiatedShutdownBehavior"};
    const char *guest = ec2_tag_value(a->row->tags, a->row->tag_count, TAG_GUEST);
    struct ec2_attributes seen = {.id = ""};
    struct mir_error said = {0};
    if (!guest || strcmp(guest, "deadline") != 0) {
        mir_copy(hook->detail, sizeof hook->detail, "the guest does not end itself");
        return;
    }
    hook->deadline_s = a->lease->deadline_s;
    if (ec2_describe_instance_attribute(a->session, &args, a->until_ms, &seen, &said)) {
        failed(hook, &said);
        return;
    }
    bool right = !strcmp(seen.shutdown_behavior, "terminate");
    hook->state = right ? MIR_HOOK_ARMED : MIR_HOOK_FAILED;
    snprintf(hook->detail, sizeof hook->detail, "a guest that powers itself off is %s",
             right ? "terminated" : "kept, and costs");
}

/* --- all of them --- */

/* What is ending is not armed any more. */
static void has_ended(const struct arming *a, struct mir_hook *hook)
{
    hook->state = MIR_HOOK_FAILED;
    snprintf(hook->detail, sizeof hook->detail, "%.40s has ended", a->row->id);
}

/* Nothing is armed on what is ending. */
static void arm_one(const struct arming *a, const char *name, arm_fn *arm, struct mir_hook *hook)
{
    *hook = (struct mir_hook){.state = MIR_HOOK_OFF};
    mir_copy(hook->name, sizeof hook->name, name);
    if (ends(a))
        has_ended(a, hook);
    else
        arm(a, hook);
}

static int arm_all(struct arming *a, struct mir_hook *hooks, size_t max, size_t *ret_count,
                   struct mir_error *err)
{
    static const struct {
        const char *name;
        arm_fn *arm;
    } rows[] = {{"cloud-schedule", arm_schedule}, {"shutdown-behaviour", check_shutdown}};
    if (find_row(a, err) || (!ends(a) && write_tags(a, err)))
        return -1;
    size_t count = max < MIR_NELEMS(rows) ? max : MIR_NELEMS(rows);
    a->others = a->lease->hooks_else;
    /* From the last to the first: what becomes of a schedule depends on the others. */
    for (size_t i = count; i-- > 0;) {
        arm_one(a, rows[i].name, rows[i].arm, &hooks[i]);
        a->others += hooks[i].state == MIR_HOOK_ARMED;
    }
    *ret_count = count;
    return 0;
}

int cloud_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err)
{
    struct arming a = {.cloud = ctx, .lease = lease};
    if (cloud_find_session(a.cloud, lease->id, &a.session, err))
        return -1;
    a.until_ms = ec2_until(a.session, CLOUD_CALL_MS);
    int rc = arm_all(&a, hooks, max, ret_count, err);
    ec2_instances_clear(&a.found);
    return rc;
}
