/* SPDX-License-Identifier: ISC */
#include "ec2/tag.h"

#include <string.h>

#include "compute_tables.h"

static const struct mir_field tag_fields[] = {
    MIR_ROW(struct ec2_tag, key, "Key", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_tag, value, "Value", MIR_PUT_EMPTY),
};
const struct mir_table ec2_tag_table = MIR_TABLE(struct ec2_tag, tag_fields);

static const struct mir_field tag_set_fields[] = {
    MIR_ROW(struct ec2_tag_set, resource_type, "ResourceType", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_tag_set, tags, tag_count, "Tag", MIR_PUT_LIST, &ec2_tag_table),
};
const struct mir_table ec2_tag_set_table = MIR_TABLE(struct ec2_tag_set, tag_set_fields);

static const struct mir_field filter_fields[] = {
    MIR_ROW(struct ec2_filter, name, "Name", MIR_PUT_TEXT),
    MIR_MANY(struct ec2_filter, values, value_count, "Value", MIR_PUT_TEXTS, NULL),
};
const struct mir_table ec2_filter_table = MIR_TABLE(struct ec2_filter, filter_fields);

static const struct mir_field found_tag_fields[] = {
    MIR_MUST(struct ec2_found_tag, key, "key", MIR_GET_OWNED),
    MIR_ROW(struct ec2_found_tag, value, "value", MIR_GET_OWNED),
};
const struct mir_table ec2_found_tag_table = MIR_TABLE(struct ec2_found_tag, found_tag_fields);

static const struct mir_field word_fields[] = {
    MIR_ROW(struct ec2_word, text, "", MIR_GET_TEXT),
};
const struct mir_table ec2_word_table = MIR_TABLE(struct ec2_word, word_fields);

static const struct mir_field device_fields[] = {
    MIR_ROW(struct ec2_device, name, "DeviceName", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_device, snapshot_id, "Ebs.SnapshotId", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_device, size_gib, "Ebs.VolumeSize", MIR_PUT_NUMBER),
    MIR_ROW(struct ec2_device, volume_type, "Ebs.VolumeType", MIR_PUT_TEXT),
    MIR_ROW(struct ec2_device, delete_on_termination, "Ebs.DeleteOnTermination", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_device, encrypted, "Ebs.Encrypted", MIR_PUT_FLAG),
    MIR_ROW(struct ec2_device, iops, "Ebs.Iops", MIR_PUT_NUMBER),
    MIR_ROW(struct ec2_device, throughput, "Ebs.Throughput", MIR_PUT_NUMBER),
};
const struct mir_table ec2_device_table = MIR_TABLE(struct ec2_device, device_fields);

static const struct mir_field tagging_fields[] = {
    MIR_MANY(struct ec2_tagging, ids, id_count, "ResourceId", MIR_PUT_TEXTS, NULL),
    MIR_MANY(struct ec2_tagging, tags, tag_count, "Tag", MIR_PUT_LIST, &ec2_tag_table),
    EC2_ROW_DRY_RUN(struct ec2_tagging),
};
static const struct mir_table tagging_table = MIR_TABLE(struct ec2_tagging, tagging_fields);

static const struct mir_field by_filter_fields[] = {
    EC2_ROW_FILTERS(struct ec2_describe),
};
static const struct mir_table by_filter_table = MIR_TABLE(struct ec2_describe, by_filter_fields);

static const struct mir_field row_fields[] = {
    MIR_MUST(struct ec2_tag_row, resource_id, "resourceId", MIR_GET_TEXT),
    MIR_ROW(struct ec2_tag_row, resource_type, "resourceType", MIR_GET_TEXT),
    MIR_MUST(struct ec2_tag_row, key, "key", MIR_GET_OWNED),
    MIR_ROW(struct ec2_tag_row, value, "value", MIR_GET_OWNED),
};
static const struct mir_table row_table = MIR_TABLE(struct ec2_tag_row, row_fields);

static const struct mir_field rows_fields[] = {
    MIR_MANY(struct ec2_tag_rows, rows, count, "tagSet/item", MIR_GET_LIST, &row_table),
};
static const struct mir_table rows_table = MIR_TABLE(struct ec2_tag_rows, rows_fields);

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
