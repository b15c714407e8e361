/* SPDX-License-Identifier: ISC */
/* Describe calls: by ids, by filters, in pages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "ec2.h"

#define IDS_MAX 1000
#define FILTERS_MAX 200

/* --- filters --- */

bool fc_wildcard(const char *pattern, const char *text)
{
    const char *star = NULL, *mark = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            mark = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++mark;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static bool value_matches(const json_t *value, const char *pattern)
{
    char number[24];
    if (json_is_string(value))
        return fc_wildcard(pattern, json_string_value(value));
    if (json_is_boolean(value))
        return fc_wildcard(pattern, json_is_true(value) ? "true" : "false");
    if (!json_is_integer(value))
        return false;
    snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(value));
    return fc_wildcard(pattern, number);
}

/* "a.b", "list[].c", "list[]": does any value there match? */
static bool any_matches(const json_t *at, const char *path, const char *pattern)
{
    char name[64];
    size_t len = strcspn(path, ".[");
    if (!*path)
        return value_matches(at, pattern);
    if (len >= sizeof name)
        return false;
    memcpy(name, path, len);
    name[len] = '\0';
    const json_t *there = json_object_get(at, name);
    path += len;
    if (strncmp(path, "[]", 2) != 0)
        return there && any_matches(there, path + (*path == '.'), pattern);
    path += 2 + (path[2] == '.');
    size_t i;
    json_t *element;
    json_array_foreach((json_t *)(uintptr_t)there, i, element)
    {
        if (any_matches(element, path, pattern))
            return true;
    }
    return false;
}

static bool tag_matches(const json_t *doc, const char *key, const char *pattern)
{
    size_t i;
    json_t *tag;
    json_array_foreach((json_t *)(uintptr_t)fc_at(doc, "tagSet"), i, tag)
    {
        if (!strcmp(fc_text_at(tag, "key"), key) && fc_wildcard(pattern, fc_text_at(tag, "value")))
            return true;
    }
    return false;
}

static const struct fc_filter *filter_row(const struct fc_filter *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (!strcmp(rows->name, name))
            return rows;
    return NULL;
}

int fc_ec2_filters_check(const json_t *filters, const struct fc_filter *rows,
                         struct fc_refusal *refusal)
{
    size_t i;
    json_t *filter;
    if (json_array_size(filters) > FILTERS_MAX)
        return fc_refuse(refusal, 400, "FilterLimitExceeded", "more than %d filters", FILTERS_MAX);
    json_array_foreach((json_t *)(uintptr_t)filters, i, filter)
    {
        const char *name = fc_text_at(filter, "Name");
        bool known =
            !strncmp(name, "tag:", 4) || !strcmp(name, "tag-key") || filter_row(rows, name) != NULL;
        if (!known)
            return fc_refuse(refusal, 400, "InvalidParameterValue", "The filter '%.80s' is invalid",
                             name);
        if (!json_array_size(fc_at(filter, "Value")))
            return fc_refuse(refusal, 400, "InvalidParameterValue",
                             "The filter '%.80s' has no values", name);
    }
    return 0;
}

static bool filter_passes(const json_t *filter, const struct fc_filter *rows, const json_t *doc)
{
    const char *name = fc_text_at(filter, "Name");
    const struct fc_filter *row = filter_row(rows, name);
    size_t i;
    json_t *value;
    json_array_foreach(fc_at(filter, "Value"), i, value)
    {
        const char *pattern = json_string_value(value);
        bool passes = !strncmp(name, "tag:", 4)  ? tag_matches(doc, name + 4, pattern)
                      : !strcmp(name, "tag-key") ? any_matches(doc, "tagSet[].key", pattern)
                                                 : any_matches(doc, row->path, pattern);
        if (passes)
            return true;
    }
    return false;
}

bool fc_ec2_filters_pass(const json_t *filters, const struct fc_filter *rows, const json_t *doc)
{
    size_t i;
    json_t *filter;
    json_array_foreach((json_t *)(uintptr_t)filters, i, filter)
    {
        if (!filter_passes(filter, rows, doc))
            return false;
    }
    return true;
}

/* --- pages --- */

static uint32_t page_check(const struct fc_call *call, const char *kind, uint64_t seq)
{
    uint32_t hash = 2166136261u;
    mir_auto_free char *text =
        mir_format("%s %s %s %" PRIu64, call->world->account.signing_key, call->region, kind, seq);
    for (const char *p = text; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return hash;
}

static json_t *page_token(const struct fc_call *call, const char *kind, uint64_t seq)
{
    char text[40];
    snprintf(text, sizeof text, "eyJ%016" PRIx64 "%08" PRIx32, seq, page_check(call, kind, seq));
    return json_string(text);
}

static int read_page_token(const struct fc_call *call, const char *kind, uint64_t *ret_seq,
                           struct fc_refusal *refusal)
{
    const char *text = fc_param_text(call, "NextToken");
    uint64_t seq = 0;
    uint32_t check = 0;
    if (!text)
        return 0;
    if (strlen(text) != 27 || sscanf(text, "eyJ%16" SCNx64 "%8" SCNx32, &seq, &check) != 2 ||
        check != page_check(call, kind, seq))
        return fc_refuse(refusal, 400, "InvalidNextToken", "The token '%.60s' is invalid", text);
    *ret_seq = seq;
    return 0;
}

/* --- the call --- */

struct page {
    const struct fc_listing *listing;
    const json_t *filters;
    json_t *items;
    int64_t max;
    uint64_t after; /* seq of the last row of the page before */
    uint64_t last;  /* seq of the last row */
    bool more;
};

static bool is_wanted(struct fc_call *call, const struct page *page, const struct fc_object *object,
                      const json_t *doc)
{
    return fc_ec2_filters_pass(page->filters, page->listing->rows, doc) &&
           (!page->listing->wanted || page->listing->wanted(call, object, doc));
}

static void add_row(struct fc_call *call, struct page *page, const struct fc_object *object)
{
    const json_t *doc = fc_shown(object, call->now_ms);
    if (!is_wanted(call, page, object, doc))
        return;
    if (json_array_size(page->items) >= (size_t)page->max) {
        page->more = true;
        return;
    }
    json_t *item = page->listing->item ? page->listing->item(call, object, doc)
                                       : json_incref((json_t *)(uintptr_t)doc);
    json_array_append_new(page->items, item);
    page->last = object->seq;
}

static int list_ids(struct fc_call *call, struct page *page, const json_t *ids,
                    struct fc_refusal *refusal)
{
    size_t i;
    json_t *id;
    if (json_array_size(ids) > IDS_MAX)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "more than %d ids", IDS_MAX);
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        struct fc_object *object;
        if (fc_ec2_find(call, page->listing->kind, json_string_value(id), &object, refusal))
            return -1;
        add_row(call, page, object);
    }
    return 0;
}

static int list_names(struct fc_call *call, struct page *page, const json_t *names,
                      struct fc_refusal *refusal)
{
    const struct fc_listing *listing = page->listing;
    const struct fc_kind *kind = fc_kind_find(listing->kind);
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        bool found = false;
        for (struct fc_object *o = NULL;
             (o = fc_store_each(call->world->store, o, listing->kind, call->region));) {
            if (!fc_visible(o, call->now_ms) ||
                strcmp(fc_text_at(o->doc, listing->name_path), json_string_value(name)) != 0)
                continue;
            add_row(call, page, o);
            found = true;
        }
        if (!found)
            return fc_refuse(refusal, 400, kind->not_found, "The %s '%.100s' does not exist",
                             kind->what, json_string_value(name));
    }
    return 0;
}

static void list_all(struct fc_call *call, struct page *page)
{
    const struct fc_store *store = call->world->store;
    const char *kind = page->listing->kind;
    for (struct fc_object *o = NULL;
         !page->more && (o = fc_store_each(store, o, kind, call->region));)
        if (o->seq > page->after && fc_visible(o, call->now_ms))
            add_row(call, page, o);
}

static int read_page(struct fc_call *call, const struct fc_listing *listing, const json_t *ids,
                     struct page *page, struct fc_refusal *refusal)
{
    bool asked = fc_at(call->params, "MaxResults") != NULL;
    int64_t max = fc_param_int(call, "MaxResults", call->world->settings.page_max);
    if (asked && ids && !listing->ids_and_page)
        return fc_refuse(refusal, 400, "InvalidParameterCombination",
                         "The parameter %s cannot be used with the parameter maxResults",
                         listing->ids);
    if (asked && (max < listing->page_min || max > listing->page_max))
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "Value ( %" PRId64 " ) for parameter maxResults is invalid. Expecting a "
                         "value between %" PRId64 " and %" PRId64 ".",
                         max, listing->page_min, listing->page_max);
    page->max = ids ? IDS_MAX : max;
    return read_page_token(call, listing->kind, &page->after, refusal);
}

int fc_ec2_list(struct fc_call *call, const struct fc_listing *listing, json_t **ret_reply,
                struct fc_refusal *refusal)
{
    const json_t *ids = listing->ids ? fc_param_list(call, listing->ids) : NULL;
    const json_t *names = listing->names ? fc_param_list(call, listing->names) : NULL;
    struct page page = {.listing = listing,
                        .filters =
                            fc_param_list(call, listing->filters ? listing->filters : "Filter")};
    if (fc_ec2_filters_check(page.filters, listing->rows, refusal) ||
        read_page(call, listing, ids, &page, refusal) || fc_ec2_dry_run(call, refusal))
        return -1;
    page.items = json_array();
    if ((ids && list_ids(call, &page, ids, refusal)) ||
        (names && list_names(call, &page, names, refusal))) {
        json_decref(page.items);
        return -1;
    }
    if (!ids && !names)
        list_all(call, &page);
    *ret_reply = json_pack("{s:o}", listing->set, page.items);
    if (page.more)
        json_object_set_new(*ret_reply, "nextToken", page_token(call, listing->kind, page.last));
    return 0;
}

/* --- documents that are no objects --- */

static bool among(const json_t *list, const char *text)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        if (!strcmp(json_string_value(value), text))
            return true;
    }
    return false;
}

static int check_doc_ids(const struct fc_doc_listing *listing, const json_t *ids,
                         const json_t *docs, struct fc_refusal *refusal)
{
    size_t i, j;
    json_t *id, *doc;
    json_array_foreach((json_t *)(uintptr_t)ids, i, id)
    {
        bool found = false;
        json_array_foreach((json_t *)(uintptr_t)docs, j, doc)
        {
            found |= !strcmp(fc_text_at(doc, listing->id_path), json_string_value(id));
        }
        if (!found)
            return fc_refuse(refusal, 400, listing->unknown, "Invalid value '%.80s' for %s",
                             json_string_value(id), listing->ids);
    }
    return 0;
}

static json_t *doc_page(struct fc_call *call, const struct fc_doc_listing *listing,
                        const json_t *docs, const struct page *page)
{
    const json_t *ids = listing->ids ? fc_param_list(call, listing->ids) : NULL;
    json_t *items = json_array(), *doc, *reply = json_pack("{s:o}", listing->set, items);
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)docs, i, doc)
    {
        if (i < page->after || (ids && !among(ids, fc_text_at(doc, listing->id_path))) ||
            !fc_ec2_filters_pass(page->filters, listing->rows, doc))
            continue;
        if (json_array_size(items) >= (size_t)page->max) {
            json_object_set_new(reply, "nextToken", page_token(call, listing->set, i));
            break;
        }
        json_array_append(items, doc);
    }
    return reply;
}

int fc_ec2_list_docs(struct fc_call *call, const struct fc_doc_listing *listing, json_t *docs,
                     json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_listing limits = {.kind = listing->set,
                                      .ids = listing->ids,
                                      .page_min = listing->page_min,
                                      .page_max = listing->page_max,
                                      .ids_and_page = true};
    struct page page = {.filters = fc_param_list(call, "Filter")};
    const json_t *ids = listing->ids ? fc_param_list(call, listing->ids) : NULL;
    int rc = fc_ec2_filters_check(page.filters, listing->rows, refusal);
    if (!rc)
        rc = read_page(call, &limits, NULL, &page, refusal);
    if (!rc)
        rc = check_doc_ids(listing, ids, docs, refusal);
    if (!rc)
        rc = fc_ec2_dry_run(call, refusal);
    if (!rc)
        *ret_reply = doc_page(call, listing, docs, &page);
    json_decref(docs);
    return rc;
}
