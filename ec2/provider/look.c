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

/* A launch in another zone has the token with a number behind it (launch.c). */
bool cloud_launched(const struct ec2_instance *row, const char *token)
{
    size_t len = strlen(token);
    return len && !strncmp(row->client_token, token, len) &&
           (row->client_token[len] == '\0' || row->client_token[len] == '-');
}

int cloud_find_instance(const struct cloud *cloud, struct ec2_session *session, const char *token,
                        int64_t until_ms, struct ec2_instances *ret,
                        const struct ec2_instance **ret_row, struct mir_error *err)
{
    struct cloud_filter mine;
    cloud_by_token(&mine, cloud, token);
    const struct ec2_describe args = {.filters = mine.rows, .filter_count = mine.count};
    *ret_row = NULL;
    if (ec2_describe_instances(session, &args, until_ms, ret, err))
        return -1;
    for (size_t i = 0; i < ret->count; i++) {
        const struct ec2_instance *row = &ret->rows[i];
        if (cloud_launched(row, token) && (!*ret_row || (cloud_over(*ret_row) && !cloud_over(row))))
            *ret_row = row;
    }
    return 0;
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
    if (!cloud_launched(row, ret->tags.deployment))
        ret->tags = (struct mir_tags){.expires_s = 0}; /* copied: they prove nothing */
    /* The public IPv4 address comes a moment after the launch, an elastic one when the instance
     * runs already; IPv6 is there at once. */
    bool early = ret->state == MIR_INSTANCE_STARTING ||
                 ec2_tag_value(row->tags, row->tag_count, TAG_ADDRESS);
    const char *address = *row->address || early ? row->address : row->ipv6;
    if (mir_copy(ret->address, sizeof ret->address, address))
        ret->address[0] = '\0';
    if (ret->state == MIR_INSTANCE_ENDED || ret->state == MIR_INSTANCE_STOPPING)
        reason_of(row, ret->end_reason, sizeof ret->end_reason);
    if (!cloud_over(row))
        add_own(row, ret);
}

/* What is left when the instance is over, or never was. */
static int add_left(const struct cloud *cloud, struct ec2_session *session, const char *token,
                    int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct cloud_filter mine;
    auto_things struct cloud_things things = {.volumes = {.rows = NULL}};
    cloud_by_token(&mine, cloud, token);
    if (cloud_things_find(session, &mine, until_ms, &things, err))
        return -1;
    ret->object_count = 0;
    cloud_things_add(cloud, &things, ret);
    ret->state = ret->object_count ? MIR_INSTANCE_ENDED : MIR_INSTANCE_ABSENT;
    return 0;
}

static int look_in(struct cloud *cloud, struct ec2_session *session, const char *token,
                   int64_t until_ms, struct mir_instance *ret, struct mir_error *err)
{
    struct ec2_instances found = {.rows = NULL};
    struct mir_instance instance = {.state = MIR_INSTANCE_ABSENT};
    const struct ec2_instance *row;
    if (cloud_find_instance(cloud, session, token, until_ms, &found, &row, err))
        return -1;
    bool over = !row || cloud_over(row);
    if (row)
        cloud_instance_read(row, &instance);
    int rc = over ? add_left(cloud, session, token, until_ms, &instance, err) : 0;
    ec2_instances_clear(&found);
    if (!rc)
        *ret = instance;
    return rc;
}

int cloud_find_session(struct cloud *cloud, const char *token, struct ec2_session **ret,
                       struct mir_error *err)
{
    struct mir_instance found;
    char region[MIR_PLACE_TEXT];
    cloud_recall(cloud, token, region);
    if (!*region && cloud_somewhere(cloud, token, look_in, &found, err))
        return -1;
    cloud_recall(cloud, token, region);
    return cloud_session(cloud, region, ret, err);
}

int cloud_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    return cloud_somewhere(ctx, token, look_in, ret, err);
}
