/* SPDX-License-Identifier: ISC */
/*
 * Tags, and what all descriptions of EC2 have in common: ids or filters in, rows out. Blocking, any
 * thread; ec2/session.h says what every call has in common. Source of ec2/{tag,instance,image,
 * snapshot,volume,address,group,keypair,network,type,place,spot}.h: Amazon EC2 API 2016-11-15.
 *
 * Texts of arguments are borrowed; NULL and "" are left out, as are empty lists. What comes back is
 * owned by the struct that it comes in: begin with a zeroed one and give it to its _clear. A failed
 * call leaves it as it was. Listings go through all pages; each row of a listing may be stale.
 *
 * dry_run asks whether the call would be allowed: 0 is yes (nothing was done, nothing came back).
 */
#ifndef EC2_TAG_H
#define EC2_TAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/flag.h"
#include "ec2/session.h"

#define EC2_ID_TEXT 40 /* "i-0123456789abcdef0", "import-snap-..." */
#define EC2_NAME_TEXT 256
#define EC2_WORD_TEXT 40 /* one of a list of known words */

struct ec2_tag {
    const char *key;   /* 1..128 characters, not beginning with "aws:" */
    const char *value; /* at most 256 */
};

/* The tags that a creating call gives to what it creates, by the kind of the thing. */
struct ec2_tag_set {
    const char *resource_type; /* "instance", "volume", "snapshot", ... */
    const struct ec2_tag *tags;
    size_t tag_count;
};

struct ec2_filter {
    const char *name; /* "tag:Name", "instance-state-name" */
    const char *const *values;
    size_t value_count;
};

/* Which things are to be described: those named, or those that pass all filters; neither: all. */
struct ec2_describe {
    const char *const *ids; /* at most 1,000; one that is not there fails the call */
    size_t id_count;
    const struct ec2_filter *filters;
    size_t filter_count;
};

/* One thing that is to go, or to be done with. */
struct ec2_target {
    const char *id;
    bool dry_run;
};

/* As found on a thing. */
struct ec2_found_tag {
    char *key, *value; /* owned; value NULL: none */
};

struct ec2_word {
    char text[EC2_WORD_TEXT];
};

/* The value of a tag ("" when it has none), or NULL: there is no such tag. */
const char *ec2_tag_value(const struct ec2_found_tag *tags, size_t count, const char *key);
bool ec2_words_have(const struct ec2_word *words, size_t count, const char *text);

struct ec2_tagging {
    const char *const *ids; /* of anything that can be tagged, at most 1,000 */
    size_t id_count;
    const struct ec2_tag *tags;
    size_t tag_count;
    bool dry_run;
};

/* Idempotent, both. Deleting takes a tag whatever its value when value is NULL. */
int ec2_create_tags(struct ec2_session *session, const struct ec2_tagging *args, int64_t until_ms,
                    struct mir_error *err);
int ec2_delete_tags(struct ec2_session *session, const struct ec2_tagging *args, int64_t until_ms,
                    struct mir_error *err);

struct ec2_tag_row {
    char resource_id[64];
    char resource_type[EC2_WORD_TEXT];
    char *key, *value;
};

struct ec2_tag_rows {
    struct ec2_tag_row *rows;
    size_t count;
};

/* By filters only: "resource-id", "resource-type", "key", "value", "tag:KEY". */
int ec2_describe_tags(struct ec2_session *session, const struct ec2_describe *args,
                      int64_t until_ms, struct ec2_tag_rows *ret, struct mir_error *err);
void ec2_tag_rows_clear(struct ec2_tag_rows *rows);

#endif
