/* SPDX-License-Identifier: ISC */
/* The end of an instance and of what belongs to it. The instance first, since it costs most; the
 * rest can only go when it is over, so this is asked again until nothing is left. */
#include <stdlib.h>
#include <string.h>

#include "api/log.h"
#include "api/memory.h"
#include "cloud.h"
#include "ec2/scheduler.h"

/* Gone already is what was wanted; in use by what is just ending is a matter of time. */
static int forgive(int rc, const struct mir_error *said, struct mir_error *err)
{
    static const char *const later[] = {"DependencyViolation",    "VolumeInUse",
                                        "InvalidParameterValue",  "InvalidNetworkInterface.InUse",
                                        "InvalidIPAddress.InUse", "IncorrectState"};
    for (size_t i = 0; rc && i < MIR_NELEMS(later); i++)
        if (!strcmp(said->provider_code, later[i]))
            return 0;
    return cloud_gone(rc, said, err);
}

static int terminate(struct cloud *cloud, struct ec2_session *session, const char *id,
                     int64_t until_ms, struct mir_error *err)
{
    const struct ec2_change change = {.id = id};
    const struct ec2_modify allow = {.id = id, .disable_api_termination = MIR_NO};
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

static int end_address(struct ec2_session *session, const struct ec2_address *row, int64_t until_ms,
                       struct mir_error *err)
{
    const struct ec2_target association = {.id = row->association_id};
    const struct ec2_target allocation = {.id = row->allocation_id};
    struct mir_error said = {0};
    int rc =
        *row->association_id ? ec2_disassociate_address(session, &association, until_ms, &said) : 0;
    if (forgive(rc, &said, err))
        return -1;
    said = (struct mir_error){0};
    rc = ec2_release_address(session, &allocation, until_ms, &said);
    return forgive(rc, &said, err);
}

typedef int delete_fn(struct ec2_session *session, const struct ec2_target *args, int64_t until_ms,
                      struct mir_error *err);

/* A thing of the token: how it goes, and what it carries. What we have not signed stays. */
struct doomed {
    delete_fn *delete;
    const char *id;
    const struct ec2_found_tag *tags;
    size_t tag_count;
};

static void end_one(const struct cloud *cloud, struct ec2_session *session,
                    const struct doomed *what, int64_t until_ms, struct mir_error *first)
{
    const struct ec2_target target = {.id = what->id};
    struct mir_error said = {0}, kept = {0};
    if (!cloud_has_signed(cloud, what->tags, what->tag_count))
        return;
    int rc = what->delete (session, &target, until_ms, &said);
    cloud_keep_first(forgive(rc, &said, &kept), &kept, first);
}

static void end_addresses(const struct cloud *cloud, struct ec2_session *session,
                          const struct ec2_addresses *addresses, int64_t until_ms,
                          struct mir_error *first)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct ec2_address *row = &addresses->rows[i];
        struct mir_error said = {0};
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            cloud_keep_first(end_address(session, row, until_ms, &said), &said, first);
    }
}

static int end_things(struct cloud *cloud, struct ec2_session *session,
                      const struct cloud_things *things, int64_t until_ms, struct mir_error *err)
{
    struct mir_error first = {0};
    if (mir_fence_check(cloud->fence, err))
        return -1;
    end_addresses(cloud, session, &things->addresses, until_ms, &first);
    for (size_t i = 0; i < things->volumes.count; i++) {
        const struct ec2_volume *row = &things->volumes.rows[i];
        const struct doomed what = {ec2_delete_volume, row->id, row->tags, row->tag_count};
        end_one(cloud, session, &what, until_ms, &first);
    }
    for (size_t i = 0; i < things->nics.count; i++) {
        const struct ec2_nic *row = &things->nics.rows[i];
        const struct doomed what = {ec2_delete_network_interface, row->id, row->tags,
                                    row->tag_count};
        end_one(cloud, session, &what, until_ms, &first);
    }
    for (size_t i = 0; i < things->groups.count; i++) {
        const struct ec2_group *row = &things->groups.rows[i];
        const struct doomed what = {ec2_delete_security_group, row->id, row->tags, row->tag_count};
        end_one(cloud, session, &what, until_ms, &first);
    }
    return first.kind == MIR_OK ? 0 : cloud_said(&first, err);
}

/* A schedule is removed by its own coming, and ends nothing that is not there: that we may not
 * remove it is said, and keeps no teardown from its end. */
static int end_schedule(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct mir_error *err)
{
    char name[80];
    struct mir_error said = {0};
    if (!*cloud->role)
        return 0;
    const struct ec2_schedule_name args = {.name = name};
    cloud_schedule_name(token, name);
    int rc = ec2_delete_schedule(session, &args, until_ms, &said);
    if (!rc || said.kind != MIR_CREDENTIALS)
        return forgive(rc, &said, err);
    mir_log(MIR_LOG_WARN, "ec2", "%s may stay until its time has come: %s", name, said.text);
    return 0;
}

/* --- all of it --- */

/* Only those that were launched under the token: another one may carry copied tags. */
static int end_instances(struct cloud *cloud, struct ec2_session *session, const char *token,
                         const struct ec2_instances *instances, int64_t until_ms,
                         struct mir_error *err)
{
    struct mir_error first = {0};
    for (size_t i = 0; i < instances->count; i++) {
        const struct ec2_instance *row = &instances->rows[i];
        struct mir_error said = {0};
        bool going = cloud_over(row) || (row->state_code & 0xff) == EC2_SHUTTING_DOWN;
        if (!going && cloud_launched(row, token))
            cloud_keep_first(terminate(cloud, session, row->id, until_ms, &said), &said, &first);
    }
    return first.kind == MIR_OK ? 0 : cloud_said(&first, err);
}

static int end_left(struct cloud *cloud, struct ec2_session *session, const char *token,
                    int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct cloud_filter mine;
    auto_things struct cloud_things things = {.volumes = {.rows = NULL}};
    cloud_by_token(&mine, cloud, token);
    struct mir_error first = {0}, said = {0};
    if (cloud_things_find(session, &mine, until_ms, &things, err))
        return -1;
    int rc = end_things(cloud, session, &things, until_ms, &first);
    cloud_keep_first(end_schedule(cloud, session, token, until_ms, &said), &said, &first);
    if (rc || first.kind != MIR_OK)
        return cloud_said(&first, err);
    cloud_things_add(cloud, &things, ret);
    if (ret->object_count)
        ret->state = MIR_INSTANCE_ENDED;
    return 0;
}

static int end_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                  int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_instances found = {.rows = NULL};
    const struct ec2_instance *row;
    struct mir_instance ending = {.state = MIR_INSTANCE_ABSENT};
    if (cloud_find_instance(cloud, session, token, until_ms, &found, &row, err))
        return -1;
    bool over = !row || cloud_over(row);
    int rc = end_instances(cloud, session, token, &found, until_ms, err);
    if (row)
        ending.state = MIR_INSTANCE_ENDED;
    ec2_instances_clear(&found);
    if (!rc && over)
        rc = end_left(cloud, session, token, until_ms, &ending, err);
    if (!rc)
        *ret = ending;
    return rc;
}

int cloud_instance_delete(void *ctx, const char *token, struct mir_error *err)
{
    struct mir_instance ending;
    return cloud_somewhere(ctx, token, end_in, &ending, err);
}
