/* SPDX-License-Identifier: ISC */
/* The end of an instance and of what belongs to it. The instance first, since it costs most; the
 * rest can only go when it is over, so this is asked again until nothing is left. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/scheduler.h"

/* Gone already is what was wanted; in use by what is just ending is a matter of time. */
static int forgive(int rc, const struct mir_error *said, struct mir_error *err)
{
    static const char *const later[] = {"DependencyViolation",    "VolumeInUse",
                                        "InvalidParameterValue",  "InvalidNetworkInterface.InUse",
                                        "InvalidIPAddress.InUse", "IncorrectState"};
    if (!rc || said->kind == MIR_NOT_FOUND)
        return 0;
    for (size_t i = 0; i < MIR_NELEMS(later); i++)
        if (!strcmp(said->provider_code, later[i]))
            return 0;
    if (err)
        *err = *said;
    return -1;
}

static int terminate(struct cloud *cloud, struct ec2_session *session, const char *id,
                     int64_t until_ms, struct mir_error *err)
{
    const struct ec2_change change = {.id = id};
    const struct ec2_modify allow = {.id = id, .disable_api_termination = EC2_NO};
    struct ec2_changed changed = {.before = 0};
    struct mir_error said = {0};
    if (mir_fence_check(cloud->fence, err))
        return -1;
    int rc = ec2_terminate_instance(session, &change, until_ms, &changed, &said);
    /* We launch none that is protected; somebody has protected it since. */
    if (rc && !strcmp(said.provider_code, "OperationNotPermitted")) {
        said = (struct mir_error){0};
        rc = ec2_modify_instance(session, &allow, until_ms, &said) ||
                     ec2_terminate_instance(session, &change, until_ms, &changed, &said)
                 ? -1
                 : 0;
    }
    return forgive(rc, &said, err);
}

/* --- what is left when it is over --- */

static int end_addresses(struct ec2_session *session, const struct ec2_addresses *addresses,
                         int64_t until_ms, struct mir_error *err)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct ec2_address *row = &addresses->rows[i];
        const struct ec2_target association = {.id = row->association_id};
        const struct ec2_target allocation = {.id = row->allocation_id};
        struct mir_error said = {0};
        int rc = *row->association_id
                     ? ec2_disassociate_address(session, &association, until_ms, &said)
                     : 0;
        if (forgive(rc, &said, err))
            return -1;
        said = (struct mir_error){0};
        rc = ec2_release_address(session, &allocation, until_ms, &said);
        if (forgive(rc, &said, err))
            return -1;
    }
    return 0;
}

typedef int delete_fn(struct ec2_session *session, const struct ec2_target *args, int64_t until_ms,
                      struct mir_error *err);

static int end_one(struct ec2_session *session, delete_fn *delete, const char *id, int64_t until_ms,
                   struct mir_error *err)
{
    const struct ec2_target target = {.id = id};
    struct mir_error said = {0};
    return forgive(delete (session, &target, until_ms, &said), &said, err);
}

static int end_things(struct cloud *cloud, struct ec2_session *session,
                      const struct cloud_things *things, int64_t until_ms, struct mir_error *err)
{
    if (mir_fence_check(cloud->fence, err))
        return -1;
    int rc = end_addresses(session, &things->addresses, until_ms, err);
    for (size_t i = 0; !rc && i < things->volumes.count; i++)
        rc = end_one(session, ec2_delete_volume, things->volumes.rows[i].id, until_ms, err);
    for (size_t i = 0; !rc && i < things->nics.count; i++)
        rc = end_one(session, ec2_delete_network_interface, things->nics.rows[i].id, until_ms, err);
    for (size_t i = 0; !rc && i < things->groups.count; i++)
        rc = end_one(session, ec2_delete_security_group, things->groups.rows[i].id, until_ms, err);
    return rc;
}

static int end_schedule(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct mir_error *err)
{
    char name[80];
    struct mir_error said = {0};
    if (!*cloud->role)
        return 0;
    const struct ec2_schedule_name args = {.name = name};
    cloud_schedule_name(token, name);
    return forgive(ec2_delete_schedule(session, &args, until_ms, &said), &said, err);
}

/* --- all of it --- */

static int end_instances(struct cloud *cloud, struct ec2_session *session,
                         const struct ec2_instances *instances, int64_t until_ms, bool *ret_over,
                         struct mir_error *err)
{
    *ret_over = true;
    for (size_t i = 0; i < instances->count; i++) {
        const struct ec2_instance *row = &instances->rows[i];
        if (cloud_over(row))
            continue;
        *ret_over = false;
        if ((row->state_code & 0xff) != EC2_SHUTTING_DOWN &&
            terminate(cloud, session, row->id, until_ms, err))
            return -1;
    }
    return 0;
}

static int end_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                  int64_t until_ms, struct mir_error *err)
{
    bool over = false;
    struct cloud_filter mine;
    struct ec2_instances found = {.rows = NULL};
    auto_things struct cloud_things things = {.volumes = {.rows = NULL}};
    cloud_by_token(&mine, token);
    const struct ec2_describe args = {.filters = &mine.filter, .filter_count = 1};
    if (ec2_describe_instances(session, &args, until_ms, &found, err))
        return -1;
    int rc = end_instances(cloud, session, &found, until_ms, &over, err);
    ec2_instances_clear(&found);
    if (rc || !over)
        return rc;
    return cloud_things_find(session, &mine.filter, until_ms, &things, err) ||
                   end_things(cloud, session, &things, until_ms, err) ||
                   end_schedule(cloud, session, token, until_ms, err)
               ? -1
               : 0;
}

int cloud_instance_delete(void *ctx, const char *token, struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct ec2_session *session;
    char region[MIR_PLACE_TEXT];
    if (cloud_session(cloud, "", &session, err))
        return -1;
    int64_t until_ms = ec2_until(session, CLOUD_LOOK_MS);
    if (cloud_find_region(cloud, token, until_ms, region, err))
        return -1;
    if (!*region)
        return 0; /* nowhere */
    return cloud_session(cloud, region, &session, err) ||
                   end_in(cloud, session, token, until_ms, err)
               ? -1
               : 0;
}
