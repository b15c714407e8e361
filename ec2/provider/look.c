/* SPDX-License-Identifier: ISC */
/* What there is of a deployment: its instance, and what else carries its token. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

bool cloud_over(const struct ec2_instance *row)
{
    return (row->state_code & 0xff) == EC2_TERMINATED;
}

const struct ec2_instance *cloud_row(const struct ec2_instances *instances)
{
    const struct ec2_instance *best = NULL;
    for (size_t i = 0; i < instances->count; i++)
        if (!best || (cloud_over(best) && !cloud_over(&instances->rows[i])))
            best = &instances->rows[i];
    return best;
}

static enum mir_instance_state state_of(const struct ec2_instance *row)
{
    static const struct {
        int64_t code;
        enum mir_instance_state state;
    } states[] = {
        {EC2_PENDING, MIR_INSTANCE_STARTING},       {EC2_RUNNING, MIR_INSTANCE_RUNNING},
        {EC2_SHUTTING_DOWN, MIR_INSTANCE_STOPPING}, {EC2_TERMINATED, MIR_INSTANCE_ENDED},
        {EC2_STOPPING, MIR_INSTANCE_STOPPING},      {EC2_STOPPED, MIR_INSTANCE_ENDED},
    };
    for (size_t i = 0; i < MIR_NELEMS(states); i++)
        if (states[i].code == (row->state_code & 0xff))
            return states[i].state;
    return MIR_INSTANCE_RUNNING; /* a state that nobody knows yet: it costs */
}

/* "Server.SpotInstanceTermination: ..." and the like; what AWS says, for people. */
static void reason_of(const struct ec2_instance *row, char *out, size_t size)
{
    const char *text = *row->state_reason ? row->state_reason : row->reason;
    snprintf(out, size, "%.150s", *text ? text : row->state);
}

/* Only what carries our token belongs to it: a group that the user named does not. */
static void add_own(const struct ec2_instance *row, struct mir_instance *ret)
{
    for (size_t i = 0; i < row->device_count; i++)
        if (row->devices[i].delete_on_termination)
            cloud_add_object(ret, "volume", row->devices[i].volume_id);
    for (size_t i = 0; i < row->interface_count; i++)
        cloud_add_object(ret, "interface", row->interfaces[i].id);
    for (size_t i = 0; i < row->group_count; i++)
        if (!strncmp(row->groups[i].name, "mirage-", 7))
            cloud_add_object(ret, "security-group", row->groups[i].id);
}

void cloud_instance_read(const struct ec2_instance *row, struct mir_instance *ret)
{
    const char *name = ec2_tag_value(row->tags, row->tag_count, TAG_NAME);
    *ret = (struct mir_instance){.state = state_of(row), .started_ms = row->launched_s * 1000};
    mir_copy(ret->id, sizeof ret->id, row->id);
    mir_copy(ret->name, sizeof ret->name, name ? name : "");
    cloud_tags_read(row->tags, row->tag_count, &ret->tags);
    /* The client token is of the launch and cannot be given to an instance later: tags that were
     * copied from another one prove nothing. */
    size_t len = strlen(ret->tags.deployment);
    if (len && strncmp(row->client_token, ret->tags.deployment, len) != 0)
        ret->tags = (struct mir_tags){.expires_s = 0};
    /* The public IPv4 address comes a moment after the launch; IPv6 is there at once. */
    bool early = ret->state == MIR_INSTANCE_STARTING;
    const char *address = *row->address || early ? row->address : row->ipv6;
    if (mir_copy(ret->address, sizeof ret->address, address))
        ret->address[0] = '\0';
    if (ret->state == MIR_INSTANCE_ENDED || ret->state == MIR_INSTANCE_STOPPING)
        reason_of(row, ret->end_reason, sizeof ret->end_reason);
    if (!cloud_over(row))
        add_own(row, ret);
}

/* What is left when the instance is over, or never was. */
static int add_left(struct ec2_session *session, const struct ec2_filter *filter, int64_t until_ms,
                    struct mir_instance *ret, struct mir_error *err)
{
    auto_things struct cloud_things things = {.volumes = {.rows = NULL}};
    if (cloud_things_find(session, filter, until_ms, &things, err))
        return -1;
    ret->object_count = 0;
    cloud_things_add(&things, ret);
    ret->state = ret->object_count ? MIR_INSTANCE_ENDED : MIR_INSTANCE_ABSENT;
    return 0;
}

static int look_in(struct ec2_session *session, const char *token, int64_t until_ms,
                   struct mir_instance *ret, struct mir_error *err)
{
    struct cloud_filter mine;
    struct ec2_instances found = {.rows = NULL};
    cloud_by_token(&mine, token);
    const struct ec2_describe args = {.filters = &mine.filter, .filter_count = 1};
    if (ec2_describe_instances(session, &args, until_ms, &found, err))
        return -1;
    const struct ec2_instance *row = cloud_row(&found);
    struct mir_instance instance = {.state = MIR_INSTANCE_ABSENT};
    bool over = !row || cloud_over(row);
    if (row)
        cloud_instance_read(row, &instance);
    int rc = over ? add_left(session, &mine.filter, until_ms, &instance, err) : 0;
    ec2_instances_clear(&found);
    if (!rc)
        *ret = instance;
    return rc;
}

static int look_everywhere(struct cloud *cloud, const char *token, int64_t until_ms,
                           struct mir_instance *ret, char ret_region[MIR_PLACE_TEXT],
                           struct mir_error *err)
{
    struct ec2_regions regions = {.rows = NULL};
    struct mir_instance found = {.state = MIR_INSTANCE_ABSENT};
    int rc = cloud_all_regions(cloud, until_ms, &regions, err);
    *ret_region = '\0';
    for (size_t i = 0; !rc && found.state == MIR_INSTANCE_ABSENT && i < regions.count; i++) {
        struct ec2_session *session;
        rc = cloud_session(cloud, regions.rows[i].name, &session, err) ||
                     look_in(session, token, until_ms, &found, err)
                 ? -1
                 : 0;
        if (!rc && found.state != MIR_INSTANCE_ABSENT)
            mir_copy(ret_region, MIR_PLACE_TEXT, regions.rows[i].name);
    }
    ec2_regions_clear(&regions);
    if (rc)
        return -1;
    if (*ret_region)
        cloud_remember(cloud, token, ret_region);
    *ret = found;
    return 0;
}

int cloud_find_region(struct cloud *cloud, const char *token, int64_t until_ms,
                      char ret_region[MIR_PLACE_TEXT], struct mir_error *err)
{
    struct mir_instance found;
    cloud_recall(cloud, token, ret_region);
    return *ret_region ? 0 : look_everywhere(cloud, token, until_ms, &found, ret_region, err);
}

int cloud_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    struct cloud *cloud = ctx;
    struct ec2_session *session;
    char region[MIR_PLACE_TEXT];
    if (cloud_session(cloud, "", &session, err))
        return -1;
    int64_t until_ms = ec2_until(session, CLOUD_LOOK_MS);
    cloud_recall(cloud, token, region);
    if (!*region)
        return look_everywhere(cloud, token, until_ms, ret, region, err);
    return cloud_session(cloud, region, &session, err) ||
                   look_in(session, token, until_ms, ret, err)
               ? -1
               : 0;
}
