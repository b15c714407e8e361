/* SPDX-License-Identifier: ISC */
/* Our tags on EC2's things, both ways. */
#include <string.h>

#include "api/memory.h"
#include "cloud.h"

void cloud_tags_add(struct cloud_tags *tags, const char *key, const char *value)
{
    if (tags->count < CLOUD_TAGS_MAX)
        tags->rows[tags->count++] = (struct ec2_tag){.key = key, .value = value};
}

void cloud_tags_fill(struct cloud_tags *ret, const struct mir_tags *tags, const char *name)
{
    ret->count = 0;
    mir_time_format(tags->expires_s, ret->expires);
    cloud_tags_add(ret, TAG_INSTALLATION, tags->installation);
    cloud_tags_add(ret, TAG_DEPLOYMENT, tags->deployment);
    cloud_tags_add(ret, TAG_EXPIRES, ret->expires);
    cloud_tags_add(ret, TAG_SIGNATURE, tags->signature);
    if (name && *name)
        cloud_tags_add(ret, TAG_NAME, name);
}

void cloud_tag_sets(const struct cloud_tags *tags, const char *const *kinds, size_t count,
                    struct ec2_tag_set *ret)
{
    for (size_t i = 0; i < count; i++)
        ret[i] = (struct ec2_tag_set){
            .resource_type = kinds[i], .tags = tags->rows, .tag_count = tags->count};
}

static int read_one(const struct ec2_found_tag *found, size_t count, const char *key, char *field,
                    size_t size)
{
    const char *value = ec2_tag_value(found, count, key);
    return value && *value ? mir_copy(field, size, value) : -1;
}

void cloud_tags_read(const struct ec2_found_tag *found, size_t count, struct mir_tags *ret)
{
    struct mir_tags tags = {.expires_s = 0};
    char expires[MIR_TIME_SIZE];
    memset(ret, 0, sizeof *ret);
    if (read_one(found, count, TAG_INSTALLATION, tags.installation, sizeof tags.installation) ||
        read_one(found, count, TAG_DEPLOYMENT, tags.deployment, sizeof tags.deployment) ||
        read_one(found, count, TAG_SIGNATURE, tags.signature, sizeof tags.signature) ||
        read_one(found, count, TAG_EXPIRES, expires, sizeof expires) ||
        mir_time_parse(expires, &tags.expires_s, NULL))
        return;
    *ret = tags;
}

bool cloud_is_signed(const struct cloud *cloud, const struct mir_tags *tags)
{
    return *tags->deployment && (!cloud->tag_key || mir_tags_verify(tags, cloud->tag_key));
}

bool cloud_has_signed(const struct cloud *cloud, const struct ec2_found_tag *found, size_t count)
{
    struct mir_tags tags;
    cloud_tags_read(found, count, &tags);
    return cloud_is_signed(cloud, &tags);
}

static void add_filter(struct cloud_filter *filter, const char *name, const char *value)
{
    size_t i = filter->count++;
    filter->values[i] = value;
    filter->rows[i] =
        (struct ec2_filter){.name = name, .values = &filter->values[i], .value_count = 1};
}

void cloud_by_token(struct cloud_filter *ret, const struct cloud *cloud, const char *token)
{
    ret->count = 0;
    add_filter(ret, "tag:" TAG_DEPLOYMENT, token);
    add_filter(ret, "tag:" TAG_INSTALLATION, cloud->installation);
}

void cloud_by_us(struct cloud_filter *ret)
{
    ret->count = 0;
    add_filter(ret, "tag-key", TAG_DEPLOYMENT);
}

int cloud_tag(struct ec2_session *session, const char *id, const struct ec2_tag *tags, size_t count,
              int64_t until_ms, struct mir_error *err)
{
    const struct ec2_tagging args = {.ids = &id, .id_count = 1, .tags = tags, .tag_count = count};
    struct mir_error said = {0};
    do {
        said = (struct mir_error){0};
        if (!ec2_create_tags(session, &args, until_ms, &said))
            return 0;
    } while (cloud_again(session, until_ms, &said));
    return cloud_said(&said, err);
}
