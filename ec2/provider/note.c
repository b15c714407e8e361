/* SPDX-License-Identifier: ISC */
/* What a mirage-reap elsewhere leaves for the daemon: an SSM parameter of this installation, in the
 * home region of both. Reading and writing it can be allowed apart, and for it alone; it costs
 * nothing, and each pass replaces it. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/ssm.h"
#include "ec2/sts.h"

int cloud_caller(void *ctx, struct mir_caller *ret, struct mir_error *err)
{
    struct ec2_session *session;
    struct ec2_identity who = {.arn = ""};
    if (cloud_session(ctx, "", &session, err) ||
        ec2_get_caller_identity(session, ec2_until(session, CLOUD_LOOK_MS), &who, err))
        return -1;
    struct mir_caller made = {.account = ""};
    if (mir_copy(made.account, sizeof made.account, who.account))
        return mir_fail(err, MIR_CORRUPT, "'%.40s' is no account of AWS", who.account);
    mir_copy(made.name, sizeof made.name, who.arn);
    *ret = made;
    return 0;
}

/* --- what the last whole sweep has seen --- */

/* Whoever may list may not be allowed to end; for something of ours a dry run tells the truth. */
static int may_end(struct cloud *cloud, const struct cloud_swept *swept, struct mir_error *err)
{
    const struct ec2_change args = {.id = swept->instance, .dry_run = true};
    struct ec2_changed changed = {.before = 0};
    struct ec2_session *session;
    struct mir_error said = {0};
    if (!*swept->instance)
        return 0;
    if (cloud_session(cloud, swept->region, &session, err))
        return -1;
    int rc =
        ec2_terminate_instance(session, &args, ec2_until(session, CLOUD_LOOK_MS), &changed, &said);
    return cloud_gone(rc, &said, err)
               ? mir_error_wrap(err, "%s in %s", swept->instance, swept->region)
               : 0;
}

int cloud_covered(void *ctx, char ret_places[MIR_PLACES_TEXT], struct mir_error *err)
{
    struct cloud *cloud = ctx;
    pthread_mutex_lock(&cloud->lock);
    struct cloud_swept swept = cloud->swept;
    pthread_mutex_unlock(&cloud->lock);
    if (may_end(cloud, &swept, err))
        return -1;
    mir_copy(ret_places, MIR_PLACES_TEXT, swept.regions);
    return 0;
}

/* --- the note --- */

static void name_note(const struct cloud *cloud, char out[EC2_PARAMETER_TEXT])
{
    snprintf(out, EC2_PARAMETER_TEXT, "/mirage-deploy/%.32s/reaper", cloud->installation);
}

int cloud_note_put(void *ctx, const char *text, struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct ec2_session *session;
    struct ec2_parameter_version made = {.version = 0};
    char name[EC2_PARAMETER_TEXT];
    const struct ec2_put_parameter_args args = {
        .name = name,
        .value = text,
        .type = "String",
        .description = "mirage-deploy: when mirage-reap has last looked for what is overdue",
        .overwrite = true};
    name_note(cloud, name);
    return cloud_session(cloud, "", &session, err) ||
                   ec2_put_parameter(session, &args, ec2_until(session, CLOUD_LOOK_MS), &made, err)
               ? -1
               : 0;
}

int cloud_note_get(void *ctx, struct mir_buf *out, struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct ec2_session *session;
    struct ec2_parameter found = {.name = NULL};
    char name[EC2_PARAMETER_TEXT];
    const struct ec2_parameter_args args = {.name = name};
    name_note(cloud, name);
    if (cloud_session(cloud, "", &session, err) ||
        ec2_get_parameter(session, &args, ec2_until(session, CLOUD_LOOK_MS), &found, err))
        return -1;
    int rc = strlen(found.value) > MIR_NOTE_MAX
                 ? mir_fail(err, MIR_CORRUPT, "%s is longer than a note is", name)
                 : 0;
    if (!rc)
        mir_buf_adds(out, found.value);
    ec2_parameter_clear(&found);
    return rc;
}
