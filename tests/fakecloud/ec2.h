/* SPDX-License-Identifier: ISC */
/*
 * What the operations of EC2 (API 2016-11-15) have in common: looking things up by id, filters,
 * pages, tags, client tokens, dry runs. All under the world's lock.
 */
#ifndef FAKECLOUD_EC2_H
#define FAKECLOUD_EC2_H

#include "service.h"

/* Rows that several parameter tables have. */
#define FC_EC2_DRY_RUN                                                                             \
    {                                                                                              \
        "DryRun", FC_BOOL, false                                                                   \
    }
#define FC_EC2_FILTERS                                                                             \
    {"Filter.#.Name", FC_TEXT, false},                                                             \
    {                                                                                              \
        "Filter.#.Value.#", FC_TEXT, false                                                         \
    }
#define FC_EC2_PAGE                                                                                \
    {"MaxResults", FC_INT, false},                                                                 \
    {                                                                                              \
        "NextToken", FC_TEXT, false                                                                \
    }
#define FC_EC2_TAGS                                                                                \
    {"TagSpecification.#.ResourceType", FC_TEXT, false},                                           \
        {"TagSpecification.#.Tag.#.Key", FC_TEXT, false},                                          \
    {                                                                                              \
        "TagSpecification.#.Tag.#.Value", FC_TEXT, false                                           \
    }

/* --- finding --- */

/* By id, in the call's region, visible: else Malformed or NotFound. */
int fc_ec2_find(struct fc_call *call, const char *kind, const char *id, struct fc_object **ret,
                struct fc_refusal *refusal);
/* The one that a required parameter names. */
int fc_ec2_find_param(struct fc_call *call, const char *kind, const char *param,
                      struct fc_object **ret, struct fc_refusal *refusal);

/* Default network, zones: whatever a region has before anybody came. */
void fc_ec2_region_ready(struct fc_call *call);
const char *fc_ec2_zone_letters(void); /* "abc" */

/* --- listing --- */

struct fc_filter {
    const char *name;
    const char *path; /* in the document: "a.b", "list[].c" */
};

struct fc_listing {
    const char *kind;
    const char *set;              /* "reservationSet" */
    const char *ids;              /* the parameter with ids: "InstanceId"; NULL none */
    const char *names;            /* one with names, as GroupName; NULL none */
    const char *name_path;        /* where those stand in the document */
    const char *filters;          /* the parameter with filters, NULL: "Filter" */
    const struct fc_filter *rows; /* ends with a NULL name; tags are known to all */
    int64_t page_min, page_max;   /* of MaxResults */
    bool ids_and_page;            /* both may be given at once */
    /* Further conditions of the call; NULL: none. */
    bool (*wanted)(struct fc_call *call, const struct fc_object *object, const json_t *doc);
    /* One object as a reply's item (new reference); NULL: its document without what is hidden. */
    json_t *(*item)(struct fc_call *call, const struct fc_object *object, const json_t *doc);
};

/* The whole of a Describe call: ids or filters or pages. */
int fc_ec2_list(struct fc_call *call, const struct fc_listing *listing, json_t **ret_reply,
                struct fc_refusal *refusal);

/* The same for documents that are no objects: `docs` (an array) is taken. `id_path` is where `ids`
 * stand in them, `unknown` the code for one that is in none. */
struct fc_doc_listing {
    const char *set, *ids, *id_path, *unknown;
    const struct fc_filter *rows;
    int64_t page_min, page_max;
};
int fc_ec2_list_docs(struct fc_call *call, const struct fc_doc_listing *listing, json_t *docs,
                     json_t **ret_reply, struct fc_refusal *refusal);

/* Every filter's name has to be in `rows` (ends with a NULL name), or be one of tags. */
int fc_ec2_filters_check(const json_t *filters, const struct fc_filter *rows,
                         struct fc_refusal *refusal);
bool fc_ec2_filters_pass(const json_t *filters, const struct fc_filter *rows, const json_t *doc);
bool fc_wildcard(const char *pattern, const char *text); /* "*" and "?" */

/* --- tags --- */

/* The tagSet for a new object of this type, from TagSpecification (new reference). `types`: what
 * the operation lets be tagged, ends with NULL. */
int fc_ec2_new_tags(struct fc_call *call, const char *type, const char *const *types,
                    json_t **ret_set, struct fc_refusal *refusal);
int fc_ec2_check_tag(const char *key, const char *value, struct fc_refusal *refusal);

json_t *fc_copy_array(const json_t *array); /* deep; an empty one for NULL */

/* --- once, and not at all --- */

/* Refuses with DryRunOperation when a dry run was asked for: after the checks, before the deed. */
int fc_ec2_dry_run(struct fc_call *call, struct fc_refusal *refusal);

/* The answer that a client token was first given: *ret_kept is NULL when it is new. Other
 * parameters than then: IdempotentParameterMismatch. */
int fc_ec2_token_find(struct fc_call *call, const char *param, const json_t **ret_kept,
                      struct fc_refusal *refusal);
/* Keep this answer under the call's token; nothing without one. `kept` is taken. */
void fc_ec2_token_keep(struct fc_call *call, const char *param, json_t *kept);

/* --- making and changing --- */

struct fc_object *fc_ec2_make(struct fc_call *call, const char *kind, json_t *doc);
json_t *fc_ec2_edit(struct fc_call *call, struct fc_object *object);
json_t *fc_ec2_edit_at(struct fc_world *world, struct fc_object *object, int64_t now_ms);

/* {"code": 16, "name": "running"}; new reference. */
json_t *fc_instance_state(int code);
int fc_instance_code(const json_t *doc);

/* Put what an instance shows of its interface into its document. */
void fc_interface_show(struct fc_object *instance, const json_t *interface);

/* A public IPv4 address that nobody else has here. */
json_t *fc_public_address(const struct fc_world *world, uint64_t seq);

json_t *fc_return_true(void);     /* {"return": true} */
json_t *fc_time_json(int64_t ms); /* "2026-11-29T15:20:45.000Z" */

#endif
