/* SPDX-License-Identifier: ISC */
/* Tags: on whatever has an id. All resources of a call are changed, or none. */
#include <string.h>

#include "api/memory.h"
#include "ec2_catalogue.h"

#define RESOURCES_MAX 1000
#define TAGS_MAX 50

const struct fc_param fc_params_create_tags[] = {
    {"ResourceId.#", FC_TEXT, true}, {"Tag.#.Key", FC_TEXT, true},
    {"Tag.#.Value", FC_TEXT, false}, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_tags[] = {
    {"ResourceId.#", FC_TEXT, true}, {"Tag.#.Key", FC_TEXT, false},
    {"Tag.#.Value", FC_TEXT, false}, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_tags[] = {
    FC_EC2_FILTERS,
    FC_EC2_PAGE,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

/* Whether all of them are there. */
static int find_resources(struct fc_call *call, struct fc_object *all[RESOURCES_MAX],
                          size_t *ret_count, struct fc_refusal *refusal)
{
    const json_t *ids = fc_param_list(call, "ResourceId");
    size_t i;
    json_t *id;
    if (json_array_size(ids) > RESOURCES_MAX)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "more than %d resources",
                         RESOURCES_MAX);
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        const char *text = json_string_value(id);
        const struct fc_kind *kind = fc_kind_of_id(text);
        if (!kind)
            return fc_refuse(refusal, 400, "InvalidID", "The ID '%.100s' is not valid", text);
        if (fc_ec2_find(call, kind->name, text, &all[i], refusal))
            return -1;
    }
    *ret_count = json_array_size(ids);
    return 0;
}

static size_t find_tag(const json_t *set, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach((json_t *)(uintptr_t)set, i, tag)
    {
        if (!strcmp(fc_text_at(tag, "key"), key))
            return i;
    }
    return json_array_size(set);
}

/* The set after the change: a new one, since another document may have the old one. */
static json_t *with_tags(const json_t *set, const json_t *tags)
{
    json_t *out = fc_copy_array(set), *tag;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        const char *key = fc_text_at(tag, "Key");
        json_t *entry = json_pack("{s:s,s:s}", "key", key, "value", fc_text_at(tag, "Value"));
        size_t at = find_tag(out, key);
        if (at < json_array_size(out))
            json_array_set_new(out, at, entry);
        else
            json_array_append_new(out, entry);
    }
    return out;
}

int fc_ec2_create_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *all[RESOURCES_MAX];
    size_t count = 0, i;
    json_t *tag;
    const json_t *tags = fc_param_list(call, "Tag");
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        if (fc_ec2_check_tag(fc_text_at(tag, "Key"), fc_text_at(tag, "Value"), refusal))
            return -1;
    }
    if (find_resources(call, all, &count, refusal) || fc_ec2_dry_run(call, refusal))
        return -1;
    for (i = 0; i < count; i++) {
        json_t *set = with_tags(fc_at(all[i]->doc, "tagSet"), tags);
        size_t size = json_array_size(set);
        json_decref(set);
        if (size > TAGS_MAX)
            return fc_refuse(refusal, 400, "TagLimitExceeded", "more than %d tags on %s", TAGS_MAX,
                             all[i]->id);
    }
    for (i = 0; i < count; i++) {
        json_t *doc = fc_ec2_edit(call, all[i]);
        json_object_set_new(doc, "tagSet", with_tags(fc_at(doc, "tagSet"), tags));
    }
    *ret_reply = fc_return_true();
    return 0;
}

/* Without tags: all of them. A value that is given has to be the one that is there. */
static json_t *without_tags(const json_t *set, const json_t *tags)
{
    json_t *out = tags ? fc_copy_array(set) : json_array(), *tag;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        const json_t *value = fc_at(tag, "Value");
        size_t at = find_tag(out, fc_text_at(tag, "Key"));
        const char *there = fc_text_at(json_array_get(out, at), "value");
        if (at < json_array_size(out) && (!value || !strcmp(json_string_value(value), there)))
            json_array_remove(out, at);
    }
    return out;
}

int fc_ec2_delete_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *all[RESOURCES_MAX];
    size_t count = 0;
    if (find_resources(call, all, &count, refusal) || fc_ec2_dry_run(call, refusal))
        return -1;
    for (size_t i = 0; i < count; i++) {
        json_t *doc = fc_ec2_edit(call, all[i]);
        json_object_set_new(doc, "tagSet",
                            without_tags(fc_at(doc, "tagSet"), fc_param_list(call, "Tag")));
    }
    *ret_reply = fc_return_true();
    return 0;
}

int fc_ec2_describe_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"key", "key"},
                                            {"value", "value"},
                                            {"resource-id", "resourceId"},
                                            {"resource-type", "resourceType"},
                                            {NULL, NULL}};
    static const struct fc_doc_listing listing = {
        .set = "tagSet", .rows = rows, .page_min = 5, .page_max = 1000};
    json_t *docs = json_array(), *tag;
    size_t i;
    for (struct fc_object *o = NULL; (o = fc_store_next(call->world->store, o));) {
        if (!fc_visible(o, call->now_ms) || strcmp(o->region, call->region) != 0)
            continue;
        json_array_foreach(fc_at(fc_shown(o, call->now_ms), "tagSet"), i, tag)
        {
            json_array_append_new(docs, json_pack("{s:s,s:s,s:O,s:O}", "resourceId", o->id,
                                                  "resourceType", o->kind->name, "key",
                                                  fc_at(tag, "key"), "value", fc_at(tag, "value")));
        }
    }
    return fc_ec2_list_docs(call, &listing, docs, ret_reply, refusal);
}
