/* SPDX-License-Identifier: ISC */
#include "ec2/tag.h"

#include <string.h>

#include "compute_tables.h"

static const struct ec2_field tag_fields[] = {
    EC2_ROW(struct ec2_tag, key, "Key", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_tag, value, "Value", EC2_PUT_EMPTY),
};
const struct ec2_table ec2_tag_table = EC2_TABLE(struct ec2_tag, tag_fields);

static const struct ec2_field tag_set_fields[] = {
    EC2_ROW(struct ec2_tag_set, resource_type, "ResourceType", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_tag_set, tags, tag_count, "Tag", EC2_PUT_LIST, &ec2_tag_table),
};
const struct ec2_table ec2_tag_set_table = EC2_TABLE(struct ec2_tag_set, tag_set_fields);

static const struct ec2_field filter_fields[] = {
    EC2_ROW(struct ec2_filter, name, "Name", EC2_PUT_TEXT),
    EC2_MANY(struct ec2_filter, values, value_count, "Value", EC2_PUT_TEXTS, NULL),
};
const struct ec2_table ec2_filter_table = EC2_TABLE(struct ec2_filter, filter_fields);

static const struct ec2_field found_tag_fields[] = {
    EC2_MUST(struct ec2_found_tag, key, "key", EC2_GET_OWNED),
    EC2_ROW(struct ec2_found_tag, value, "value", EC2_GET_OWNED),
};
const struct ec2_table ec2_found_tag_table = EC2_TABLE(struct ec2_found_tag, found_tag_fields);

static const struct ec2_field word_fields[] = {
    EC2_ROW(struct ec2_word, text, "", EC2_GET_TEXT),
};
const struct ec2_table ec2_word_table = EC2_TABLE(struct ec2_word, word_fields);

static const struct ec2_field device_fields[] = {
    EC2_ROW(struct ec2_device, name, "DeviceName", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_device, snapshot_id, "Ebs.SnapshotId", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_device, size_gib, "Ebs.VolumeSize", EC2_PUT_NUMBER),
    EC2_ROW(struct ec2_device, volume_type, "Ebs.VolumeType", EC2_PUT_TEXT),
    EC2_ROW(struct ec2_device, delete_on_termination, "Ebs.DeleteOnTermination", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_device, encrypted, "Ebs.Encrypted", EC2_PUT_FLAG),
    EC2_ROW(struct ec2_device, iops, "Ebs.Iops", EC2_PUT_NUMBER),
    EC2_ROW(struct ec2_device, throughput, "Ebs.Throughput", EC2_PUT_NUMBER),
};
const struct ec2_table ec2_device_table = EC2_TABLE(struct ec2_device, device_fields);

static const struct ec2_field tagging_fields[] = {
    EC2_MANY(struct ec2_tagging, ids, id_count, "ResourceId", EC2_PUT_TEXTS, NULL),
    EC2_MANY(struct ec2_tagging, tags, tag_count, "Tag", EC2_PUT_LIST, &ec2_tag_table),
    EC2_ROW_DRY_RUN(struct ec2_tagging),
};
static const struct ec2_table tagging_table = EC2_TABLE(struct ec2_tagging, tagging_fields);

static const struct ec2_field by_filter_fields[] = {
    EC2_ROW_FILTERS(struct ec2_describe),
};
static const struct ec2_table by_filter_table = EC2_TABLE(struct ec2_describe, by_filter_fields);

static const struct ec2_field row_fields[] = {
    EC2_MUST(struct ec2_tag_row, resource_id, "resourceId", EC2_GET_TEXT),
    EC2_ROW(struct ec2_tag_row, resource_type, "resourceType", EC2_GET_TEXT),
    EC2_MUST(struct ec2_tag_row, key, "key", EC2_GET_OWNED),
    EC2_ROW(struct ec2_tag_row, value, "value", EC2_GET_OWNED),
};
static const struct ec2_table row_table = EC2_TABLE(struct ec2_tag_row, row_fields);

static const struct ec2_field rows_fields[] = {
    EC2_MANY(struct ec2_tag_rows, rows, count, "tagSet/item", EC2_GET_LIST, &row_table),
};
static const struct ec2_table rows_table = EC2_TABLE(struct ec2_tag_rows, rows_fields);

enum { CREATE, DELETE, DESCRIBE };

const struct ec2_operation ec2_tag_operations[] = {
    [CREATE] = EC2_ACT("CreateTags", &tagging_table, NULL),
    [DELETE] = EC2_ACT("DeleteTags", &tagging_table, NULL),
    [DESCRIBE] = EC2_LOOK_PAGES("DescribeTags", &by_filter_table, &rows_table, 1000),
    {0},
};

EC2_FUNCTION_PLAIN(ec2_create_tags, struct ec2_tagging, &ec2_tag_operations[CREATE])
EC2_FUNCTION_PLAIN(ec2_delete_tags, struct ec2_tagging, &ec2_tag_operations[DELETE])
EC2_FUNCTION(ec2_describe_tags, struct ec2_describe, struct ec2_tag_rows,
             &ec2_tag_operations[DESCRIBE], ec2_operate_all)
EC2_CLEAR(ec2_tag_rows_clear, struct ec2_tag_rows, &rows_table)

const char *ec2_tag_value(const struct ec2_found_tag *tags, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(tags[i].key, key))
            return tags[i].value ? tags[i].value : "";
    return NULL;
}

bool ec2_words_have(const struct ec2_word *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(words[i].text, text))
            return true;
    return false;
}
