/* SPDX-License-Identifier: ISC */
/* What there is beside an instance: volumes, interfaces, groups, addresses. Each of them is made
 * with our tags, so each is found by them, whether or not the instance ever was. */
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

int cloud_things_find(struct ec2_session *session, const struct cloud_filter *filter,
                      int64_t until_ms, struct cloud_things *ret, struct mir_error *err)
{
    const struct ec2_describe args = {.filters = filter->rows, .filter_count = filter->count};
    return ec2_describe_volumes(session, &args, until_ms, &ret->volumes, err) ||
                   ec2_describe_network_interfaces(session, &args, until_ms, &ret->nics, err) ||
                   ec2_describe_security_groups(session, &args, until_ms, &ret->groups, err) ||
                   ec2_describe_addresses(session, &args, until_ms, &ret->addresses, err)
               ? -1
               : 0;
}

void cloud_things_clear(struct cloud_things *things)
{
    ec2_volumes_clear(&things->volumes);
    ec2_nics_clear(&things->nics);
    ec2_groups_clear(&things->groups);
    ec2_addresses_clear(&things->addresses);
}

void cloud_add_object(struct mir_instance *instance, const char *kind, const char *id)
{
    for (unsigned i = 0; i < instance->object_count; i++)
        if (!strcmp(instance->objects[i].id, id))
            return;
    if (!*id || instance->object_count == MIR_OBJECTS_MAX)
        return;
    struct mir_object *object = &instance->objects[instance->object_count++];
    mir_copy(object->kind, sizeof object->kind, kind);
    mir_copy(object->id, sizeof object->id, id);
}

void cloud_things_add(const struct cloud *cloud, const struct cloud_things *things,
                      struct mir_instance *instance)
{
    for (size_t i = 0; i < things->volumes.count; i++) {
        const struct ec2_volume *row = &things->volumes.rows[i];
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            cloud_add_object(instance, "volume", row->id);
    }
    for (size_t i = 0; i < things->nics.count; i++) {
        const struct ec2_nic *row = &things->nics.rows[i];
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            cloud_add_object(instance, "interface", row->id);
    }
    for (size_t i = 0; i < things->groups.count; i++) {
        const struct ec2_group *row = &things->groups.rows[i];
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            cloud_add_object(instance, "security-group", row->id);
    }
    for (size_t i = 0; i < things->addresses.count; i++) {
        const struct ec2_address *row = &things->addresses.rows[i];
        if (cloud_has_signed(cloud, row->tags, row->tag_count))
            cloud_add_object(instance, "address", row->allocation_id);
    }
}
