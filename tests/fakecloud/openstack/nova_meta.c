/* SPDX-License-Identifier: ISC */
/* What hangs on a server: metadata, tags, interfaces, groups. */
#include <string.h>

#include "api/memory.h"
#include "neutron.h"
#include "nova.h"
#include "os_wording.h"

#define METADATA_MAX 128

/* --- metadata --- */

static int check_metadata(const struct fc_call *call, const json_t *said,
                          struct fc_refusal *refusal)
{
    const char *name;
    json_t *value;
    if (!json_is_object(said))
        return fos_refuse(call, refusal, 400,
                          "Invalid input for field/attribute metadata. It is no object.");
    json_object_foreach((json_t *)(uintptr_t)said, name, value)
    {
        if (!json_is_string(value) || json_string_length(value) > 255 || strlen(name) > 255 ||
            !*name)
            return fos_refuse(
                call, refusal, 400,
                "Invalid input for field/attribute %.60s. It is too long, or no text.", name);
    }
    return 0;
}

static int set_metadata(struct fc_call *call, struct fc_object *server, const json_t *said,
                        bool replace, struct fc_refusal *refusal)
{
    json_t *all = replace ? json_object() : json_deep_copy(fc_at(server->doc, "metadata"));
    json_object_update(all, (json_t *)(uintptr_t)said);
    if (json_object_size(all) > METADATA_MAX) {
        json_decref(all);
        return fos_refuse(call, refusal, 403, "Maximum number of metadata items exceeds %d",
                          METADATA_MAX);
    }
    json_t *doc = fos_edit(call, server);
    json_object_set_new(doc, "metadata", all);
    json_object_set_new(doc, "updated", fos_time(call->now_ms));
    return 0;
}

static int find(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    return fos_server_find(call, call->segments[0], ret, refusal);
}

int fos_server_metadata(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find(call, &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "metadata", json_deep_copy(fc_at(server->doc, "metadata")));
    return 0;
}

static int put_all(struct fc_call *call, bool replace, json_t **ret_reply,
                   struct fc_refusal *refusal)
{
    struct fc_object *server;
    const json_t *said = json_object_get(call->params, "metadata");
    if (check_metadata(call, said, refusal) || find(call, &server, refusal) ||
        set_metadata(call, server, said, replace, refusal))
        return -1;
    return fos_server_metadata(call, ret_reply, refusal);
}

int fos_server_metadata_put(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return put_all(call, true, ret_reply, refusal);
}

int fos_server_metadata_post(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    return put_all(call, false, ret_reply, refusal);
}

static int find_item(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    if (find(call, ret, refusal))
        return -1;
    return json_object_get(fc_at((*ret)->doc, "metadata"), call->segments[1])
               ? 0
               : fos_refuse(call, refusal, 404, "Metadata item was not found");
}

int fos_server_metadata_item(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find_item(call, &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:{s:O}}", "meta", call->segments[1],
                           json_object_get(fc_at(server->doc, "metadata"), call->segments[1]));
    return 0;
}

int fos_server_metadata_item_put(struct fc_call *call, json_t **ret_reply,
                                 struct fc_refusal *refusal)
{
    struct fc_object *server;
    const json_t *said = json_object_get(call->params, "meta");
    if (check_metadata(call, said, refusal) || find(call, &server, refusal))
        return -1;
    if (json_object_size(said) != 1 || !json_object_get(said, call->segments[1]))
        return fos_refuse(call, refusal, 400, "Request body and URI mismatch");
    if (set_metadata(call, server, said, false, refusal))
        return -1;
    return fos_server_metadata_item(call, ret_reply, refusal);
}

int fos_server_metadata_item_delete(struct fc_call *call, json_t **ret_reply,
                                    struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find_item(call, &server, refusal))
        return -1;
    json_t *left = json_deep_copy(fc_at(server->doc, "metadata"));
    json_object_del(left, call->segments[1]);
    json_object_set_new(fos_edit(call, server), "metadata", left);
    return 0;
}

/* --- tags, from 2.26 --- */

static int find_tagged(struct fc_call *call, struct fc_object **ret, struct fc_refusal *refusal)
{
    if (fos_of(call)->minor < 26)
        return fos_refuse(call, refusal, 404, "The resource could not be found.");
    return find(call, ret, refusal);
}

static size_t tag_at(const json_t *tags, const char *tag)
{
    size_t i = 0;
    while (i < json_array_size(tags) &&
           strcmp(json_string_value(json_array_get(tags, i)), tag) != 0)
        i++;
    return i;
}

static bool is_tag(const json_t *tag)
{
    const char *text = json_string_value(tag);
    return text && *text && strlen(text) <= 60 && !strpbrk(text, "/,");
}

int fos_server_tags(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find_tagged(call, &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:o}", "tags", fos_array(fc_at(server->doc, "tags")));
    return 0;
}

int fos_server_tags_put(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    const json_t *tags = json_object_get(call->params, "tags");
    size_t i;
    json_t *tag;
    if (find_tagged(call, &server, refusal))
        return -1;
    if (!json_is_array(tags) || json_array_size(tags) > 50)
        return fos_refuse(call, refusal, 400, "Invalid input for field/attribute tags.");
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        if (!is_tag(tag))
            return fos_refuse(call, refusal, 400, "Invalid input for field/attribute %d.", (int)i);
    }
    json_object_set_new(fos_edit(call, server), "tags", fos_array(tags));
    return fos_server_tags(call, ret_reply, refusal);
}

int fos_server_tag_put(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find_tagged(call, &server, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(server->doc, "tags")), *tag = json_string(call->segments[1]);
    bool there = tag_at(tags, call->segments[1]) < json_array_size(tags);
    if (!is_tag(tag) || json_array_size(tags) >= 50) {
        json_decref(tags);
        json_decref(tag);
        return fos_refuse(call, refusal, 400, "Invalid tag, or more than 50 of them.");
    }
    call->reply->status = there ? 204 : 201;
    if (!there)
        json_array_append(tags, tag);
    json_decref(tag);
    json_object_set_new(fos_edit(call, server), "tags", tags);
    return 0;
}

int fos_server_tag_delete(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find_tagged(call, &server, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(server->doc, "tags"));
    size_t at = tag_at(tags, call->segments[1]);
    if (at == json_array_size(tags)) {
        json_decref(tags);
        return fos_refuse(call, refusal, 404, "Server %s has no tag '%.60s'", server->id,
                          call->segments[1]);
    }
    json_array_remove(tags, at);
    json_object_set_new(fos_edit(call, server), "tags", tags);
    return 0;
}

/* --- groups, volumes --- */

/* As Nova's own groups had them: those that let in. */
static json_t *rules_of(const struct fc_world *world, const struct fc_object *group)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(world->store, o, fos_rules.kind, group->region));) {
        const char *prefix = fos_text(o->doc, "remote_ip_prefix", NULL);
        const struct fc_object *other = fc_store_get(world->store, fos_groups.kind, group->region,
                                                     fc_text_at(o->doc, "remote_group_id"));
        if (strcmp(fc_text_at(o->doc, "security_group_id"), group->id) != 0 ||
            strcmp(fc_text_at(o->doc, "direction"), "ingress") != 0)
            continue;
        json_array_append_new(
            rows,
            json_pack("{s:s,s:s,s:O,s:O,s:O,s:o,s:o}", "id", o->id, "parent_group_id", group->id,
                      "ip_protocol", fc_at(o->doc, "protocol"), "from_port",
                      fc_at(o->doc, "port_range_min"), "to_port", fc_at(o->doc, "port_range_max"),
                      "group",
                      other ? json_pack("{s:O,s:O}", "name", fc_at(other->doc, "name"), "tenant_id",
                                        fc_at(other->doc, "_project"))
                            : json_object(),
                      "ip_range", prefix ? json_pack("{s:s}", "cidr", prefix) : json_object()));
    }
    return rows;
}

int fos_server_groups(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    size_t i;
    json_t *id, *rows;
    if (find(call, &server, refusal))
        return -1;
    rows = json_array();
    json_array_foreach(fc_at(server->doc, "_groups"), i, id)
    {
        const struct fc_object *group =
            fc_store_get(call->world->store, fos_groups.kind, call->region, json_string_value(id));
        if (group)
            json_array_append_new(rows, json_pack("{s:s,s:O,s:O,s:O,s:o}", "id", group->id, "name",
                                                  fc_at(group->doc, "name"), "description",
                                                  fc_at(group->doc, "description"), "tenant_id",
                                                  fc_at(group->doc, "_project"), "rules",
                                                  rules_of(call->world, group)));
    }
    *ret_reply = json_pack("{s:o}", "security_groups", rows);
    return 0;
}

int fos_server_volumes(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *server;
    if (find(call, &server, refusal))
        return -1;
    *ret_reply = json_pack("{s:[]}", "volumeAttachments");
    return 0;
}
