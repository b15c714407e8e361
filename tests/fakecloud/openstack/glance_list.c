/* SPDX-License-Identifier: ISC */
/* Glance's listing: filters, order, pages. Whoever sets no limit gets 25 rows. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "glance.h"
#include "os_wording.h"

#define LIMIT_DEFAULT 25
#define LIMIT_MAX 1000

/* Words of the query that are no properties of an image. */
static const char *const words[] = {"limit",         "marker",     "sort_key",  "sort_dir",
                                    "sort",          "tag",        "size_min",  "size_max",
                                    "member_status", "visibility", "os_hidden", NULL};

static bool is_word(const char *name)
{
    size_t i = 0;
    while (words[i] && strcmp(words[i], name) != 0)
        i++;
    return words[i] != NULL;
}

static bool has_tag(const json_t *doc, const char *tag)
{
    size_t i;
    json_t *there;
    json_array_foreach(fc_at(doc, "tags"), i, there)
    {
        if (!strcmp(json_string_value(there), tag))
            return true;
    }
    return false;
}

/* "in:a,b" is one of several. */
static bool equals(const char *wanted, const char *value)
{
    if (strncmp(wanted, "in:", 3) != 0)
        return !strcmp(wanted, value);
    for (const char *at = wanted + 3; *at;) {
        size_t len = strcspn(at, ",");
        if (strlen(value) == len && !strncmp(at, value, len))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

static bool property_is(const struct fc_object *image, const json_t *doc, const char *name,
                        const char *wanted)
{
    const json_t *value = json_object_get(doc, name);
    char number[24];
    if (!strcmp(name, "id"))
        return equals(wanted, image->id);
    if (json_is_boolean(value))
        return !strcmp(wanted, json_is_true(value) ? "true" : "false") ||
               !strcmp(wanted, json_is_true(value) ? "True" : "False");
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        return !strcmp(number, wanted);
    }
    return json_is_string(value) && equals(wanted, json_string_value(value));
}

static bool within_sizes(const struct fc_call *call, const json_t *doc)
{
    const char *least = fc_request_query(call->request, "size_min");
    const char *most = fc_request_query(call->request, "size_max");
    int64_t size = json_integer_value(fc_at(doc, "size"));
    return (!least || size >= strtoll(least, NULL, 10)) &&
           (!most || size <= strtoll(most, NULL, 10));
}

/* Of others' images those that are public are listed, and shared ones that were accepted. */
static bool is_listed(const struct fc_call *call, const struct fc_object *image, const json_t *doc)
{
    const char *visibility = fc_text_at(doc, "visibility");
    const char *wanted = fc_request_query(call->request, "visibility");
    const char *status = fc_request_query(call->request, "member_status");
    if (wanted && strcmp(wanted, "all") != 0 && strcmp(wanted, visibility) != 0)
        return false;
    if (fos_mine(call, image) || !strcmp(visibility, "public"))
        return true;
    if (!strcmp(visibility, "community"))
        return wanted != NULL;
    const char *accepted =
        fc_text_at(json_object_get(fc_at(image->doc, "_members"), fos_of(call)->project), "status");
    return !strcmp(visibility, "shared") && *accepted &&
           (status && !strcmp(status, "all") ? true
                                             : !strcmp(accepted, status ? status : "accepted"));
}

static bool passes(const struct fc_call *call, const struct fc_object *image, const json_t *doc)
{
    const struct fc_pairs *query = &call->request->query;
    const char *hidden = fc_request_query(call->request, "os_hidden");
    if (json_is_true(fc_at(doc, "os_hidden")) != (hidden && (*hidden == 't' || *hidden == 'T')))
        return false;
    if (!is_listed(call, image, doc) || !within_sizes(call, doc))
        return false;
    for (size_t i = 0; i < query->count; i++) {
        const struct fc_pair *pair = &query->rows[i];
        if (!strcmp(pair->name, "tag") && !has_tag(doc, pair->value))
            return false;
        if (!is_word(pair->name) && !property_is(image, doc, pair->name, pair->value))
            return false;
    }
    return true;
}

/* --- order --- */

struct order {
    const char *key;
    bool ascending;
};

/* "sort=name:asc" or sort_key and sort_dir; the newest first without. */
static struct order order_of(const struct fc_call *call, char key[64])
{
    const char *sort = fc_request_query(call->request, "sort");
    const char *by = fc_request_query(call->request, "sort_key");
    const char *direction = fc_request_query(call->request, "sort_dir");
    const char *text = sort ? sort : by ? by : "created_at";
    size_t len = strcspn(text, ":,");
    if (sort && text[len] == ':')
        direction = text + len + 1;
    snprintf(key, 64, "%.*s", (int)len, text);
    return (struct order){key, direction && !strncmp(direction, "asc", 3)};
}

static int compare(const json_t *a, const json_t *b, const char *key)
{
    const json_t *left = json_object_get(a, key), *right = json_object_get(b, key);
    if (json_is_integer(left) && json_is_integer(right)) {
        json_int_t x = json_integer_value(left), y = json_integer_value(right);
        return x < y ? -1 : x > y;
    }
    const char *x = json_string_value(left), *y = json_string_value(right);
    return strcmp(x ? x : "", y ? y : "");
}

/* Into rows that are in order; equal ones stay as they came, the newest first. */
static void insert(json_t *rows, json_t *row, const struct order *order)
{
    size_t at = 0;
    while (at < json_array_size(rows)) {
        int way = compare(row, json_array_get(rows, at), order->key);
        if (order->ascending ? way < 0 : way >= 0)
            break;
        at++;
    }
    json_array_insert_new(rows, at, row);
}

/* --- the call --- */

static int read_page(const struct fc_call *call, struct fos_page *ret, struct fc_refusal *refusal)
{
    const char *limit = fc_request_query(call->request, "limit");
    char *end = NULL;
    ret->marker = fc_request_query(call->request, "marker");
    ret->limit = limit ? strtoll(limit, &end, 10) : LIMIT_DEFAULT;
    if (limit && (!*limit || *end))
        return fos_refuse(call, refusal, 400, "limit param must be an integer");
    if (ret->limit < 0)
        return fos_refuse(call, refusal, 400, "limit param must be positive");
    int64_t most =
        call->world->settings.page_max < LIMIT_MAX ? call->world->settings.page_max : LIMIT_MAX;
    if (ret->limit > most)
        ret->limit = most;
    return 0;
}

int fos_image_list(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fos_page page;
    char key[64];
    bool more;
    struct order order = order_of(call, key);
    if (read_page(call, &page, refusal))
        return -1;
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, "os-image", call->region));) {
        const json_t *doc = fc_shown(o, call->now_ms);
        if (call->now_ms >= o->visible_ms && passes(call, o, doc))
            insert(rows, fos_image_show(o, doc), &order);
    }
    if (fos_cut(rows, "id", &page, &more)) {
        json_decref(rows);
        return fos_refuse(call, refusal, 400, "Invalid marker. Image could not be found.");
    }
    *ret_reply = json_pack("{s:o,s:s,s:s}", "images", rows, "schema", "/v2/schemas/images", "first",
                           "/v2/images");
    if (more && json_array_size(rows)) {
        const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
        mir_auto_free char *query = fos_next_query(call, fc_text_at(last, "id"));
        json_object_set_new(*ret_reply, "next", json_sprintf("/v2/images?%s", query));
    }
    return 0;
}
