/* SPDX-License-Identifier: ISC */
/* What the tables of EC2's calls share: parts that occur in several requests and replies, and the
 * forms that nearly all of the calls have. */
#ifndef EC2_COMPUTE_TABLES_H
#define EC2_COMPUTE_TABLES_H

#include "ec2/instance.h"
#include "operations.h"

#define EC2_VERSION "2016-11-15"

extern const struct mir_table ec2_tag_table, ec2_tag_set_table, ec2_filter_table;
extern const struct mir_table ec2_found_tag_table, ec2_word_table;
extern const struct mir_table ec2_device_table; /* in requests */

/* Rows of requests. */
#define EC2_ROW_DRY_RUN(type) MIR_ROW(type, dry_run, "DryRun", MIR_PUT_TRUE)
#define EC2_ROW_TAGS(type)                                                                         \
    MIR_MANY(type, tags, tag_count, "TagSpecification", MIR_PUT_LIST, &ec2_tag_set_table)
#define EC2_ROW_FILTERS(type)                                                                      \
    MIR_MANY(type, filters, filter_count, "Filter", MIR_PUT_LIST, &ec2_filter_table)
/* Rows of replies. */
#define EC2_ROW_FOUND_TAGS(type)                                                                   \
    MIR_MANY(type, tags, tag_count, "tagSet/item", MIR_GET_LIST, &ec2_found_tag_table)
#define EC2_ROW_WORDS(type, member, counter, path)                                                 \
    MIR_MANY(type, member, counter, path, MIR_GET_LIST, &ec2_word_table)

/* Calls: one that looks, one that looks in pages, one that does, and one that has no token, so that
 * a second time would make a second thing. */
#define EC2_LOOK(operation, args, answer)                                                          \
    {                                                                                              \
        .name = operation, .version = EC2_VERSION, .request = args, .reply = answer, .reads = true \
    }
#define EC2_LOOK_PAGES(operation, args, answer, size)                                              \
    {                                                                                              \
        .name = operation, .version = EC2_VERSION, .request = args, .reply = answer,               \
        .reads = true, .page = size, .page_size = "MaxResults", .page_token = "NextToken",         \
        .page_next = "nextToken"                                                                   \
    }
#define EC2_ACT(operation, args, answer)                                                           \
    {                                                                                              \
        .name = operation, .version = EC2_VERSION, .request = args, .reply = answer                \
    }
#define EC2_ACT_ONCE(operation, args, answer)                                                      \
    {                                                                                              \
        .name = operation, .version = EC2_VERSION, .request = args, .reply = answer, .once = true  \
    }

/* Tables of a struct that only names one thing (struct ec2_target), or that describes. */
#define EC2_TARGET_TABLE(table, parameter)                                                         \
    static const struct mir_field table##_fields[] = {                                             \
        MIR_MUST(struct ec2_target, id, parameter, MIR_PUT_TEXT),                                  \
        EC2_ROW_DRY_RUN(struct ec2_target),                                                        \
    };                                                                                             \
    static const struct mir_table table = MIR_TABLE(struct ec2_target, table##_fields)
#define EC2_DESCRIBE_TABLE(table, parameter)                                                       \
    static const struct mir_field table##_fields[] = {                                             \
        MIR_MANY(struct ec2_describe, ids, id_count, parameter, MIR_PUT_IDS, NULL),                \
        EC2_ROW_FILTERS(struct ec2_describe),                                                      \
    };                                                                                             \
    static const struct mir_table table = MIR_TABLE(struct ec2_describe, table##_fields)

/* The public functions: they have nothing to add to their tables. */
#define EC2_FUNCTION(function, args_type, ret_type, operation, how)                                \
    int function(struct ec2_session *session, const args_type *args, int64_t until_ms,             \
                 ret_type *ret, struct mir_error *err)                                             \
    {                                                                                              \
        return how(session, operation, args, until_ms, ret, err);                                  \
    }
#define EC2_FUNCTION_PLAIN(function, args_type, operation)                                         \
    int function(struct ec2_session *session, const args_type *args, int64_t until_ms,             \
                 struct mir_error *err)                                                            \
    {                                                                                              \
        return ec2_operate(session, operation, args, until_ms, NULL, err);                         \
    }
#define EC2_CLEAR(function, type, table)                                                           \
    void function(type *record)                                                                    \
    {                                                                                              \
        mir_record_clear(table, record);                                                           \
    }

#endif
