/* SPDX-License-Identifier: ISC */
/* PATCH of an image: a list of changes (openstack-images-v2.1-json-patch), all or none. */
#include <string.h>

#include "api/memory.h"
#include "glance.h"
#include "os_wording.h"
#include "os_words.h"

#define PATCH_TYPE "application/openstack-images-v2.1-json-patch"

static bool is_base(const char *name)
{
    static const char *const names[] = {"name",      "disk_format", "container_format", "min_disk",
                                        "min_ram",   "protected",   "visibility",       "tags",
                                        "os_hidden", "id"};
    for (size_t i = 0; i < MIR_NELEMS(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return fos_image_read_only(name);
}

static int remove_member(const struct fc_call *call, json_t *doc, const char *name,
                         struct fc_refusal *refusal)
{
    if (is_base(name))
        return fos_refuse(call, refusal, 403, "Property %.100s may not be removed.", name);
    if (!json_object_get(doc, name) || *name == '_')
        return fos_refuse(call, refusal, 409, "Property %.100s does not exist.", name);
    json_object_del(doc, name);
    return 0;
}

/* Formats are fixed once there are bytes. */
static int check_fixed(const struct fc_call *call, const json_t *doc, const char *name,
                       struct fc_refusal *refusal)
{
    bool format = !strcmp(name, "disk_format") || !strcmp(name, "container_format");
    if (!strcmp(name, "id") || (format && strcmp(fc_text_at(doc, "status"), "queued") != 0))
        return fos_refuse(call, refusal, 403, "Attribute '%.100s' is read-only.", name);
    return 0;
}

static int set_member(const struct fc_call *call, json_t *doc, bool replace, const char *name,
                      json_t *value, struct fc_refusal *refusal)
{
    if (*name == '_' || !value)
        return fos_refuse(call, refusal, 400, "Operation needs a value.");
    if (fos_image_check_member(call, name, value, refusal) || check_fixed(call, doc, name, refusal))
        return -1;
    if (replace && !json_object_get(doc, name))
        return fos_refuse(call, refusal, 409, "Property %.100s does not exist.", name);
    json_object_set(doc, name, value);
    return 0;
}

static int change(const struct fc_call *call, json_t *doc, const json_t *one,
                  struct fc_refusal *refusal)
{
    const char *op = fos_text(one, "op", ""), *path = fos_text(one, "path", "");
    char name[FOS_MEMBER_MAX];
    if (!json_is_object(one) || !fos_pointer_read(path, name))
        return fos_refuse(call, refusal, 400, "Invalid JSON pointer for this resource: '%.100s'",
                          path);
    if (!strcmp(op, "remove"))
        return remove_member(call, doc, name, refusal);
    if (!strcmp(op, "add") || !strcmp(op, "replace"))
        return set_member(call, doc, *op == 'r', name, json_object_get(one, "value"), refusal);
    return fos_refuse(call, refusal, 400,
                      "Operations must be 'add', 'remove' or 'replace', not "
                      "'%.40s'",
                      op);
}

int fos_image_patch(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *type = fc_request_header(call->request, "Content-Type");
    struct fc_object *image;
    size_t i;
    json_t *one;
    if (!type || strncmp(type, PATCH_TYPE, sizeof PATCH_TYPE - 1) != 0)
        return fos_refuse(call, refusal, 415, "Accept-Patch: " PATCH_TYPE);
    if (fos_image_own(call, call->segments[0], &image, refusal))
        return -1;
    if (!json_is_array(call->params))
        return fos_refuse(call, refusal, 400,
                          "Request body must be a JSON array of operation objects.");
    json_t *changed = json_deep_copy(image->doc);
    json_array_foreach(call->params, i, one)
    {
        if (change(call, changed, one, refusal)) {
            json_decref(changed);
            return -1;
        }
    }
    json_t *doc = fos_edit(call, image);
    json_object_clear(doc);
    json_object_update(doc, changed);
    json_decref(changed);
    json_object_set_new(doc, "updated_at", fos_time(call->now_ms));
    *ret_reply = fos_image_show(image, doc);
    return 0;
}
