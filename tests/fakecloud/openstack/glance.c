/* SPDX-License-Identifier: ISC */
/* Glance v2: images as entries; the table of its operations. */
#include "glance.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "blob.h"
#include "os_wording.h"

#define IMAGE "os-image"
#define TAGS_MAX 128
#define PROPERTIES_MAX 128

static const char *const containers[] = {"ami", "ari",    "aki",        "bare", "ovf",
                                         "ova", "docker", "compressed", NULL};
static const char *const disks[] = {"ami", "ari",   "aki", "vhd", "vhdx",  "vmdk",
                                    "raw", "qcow2", "vdi", "iso", "ploop", NULL};

static bool among(const char *const *words, const char *word)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* --- versions, and what it can --- */

static json_t *version(const struct fc_call *call, const char *id, const char *status)
{
    mir_auto_free char *url = fos_url(call, FOS_IMAGE, call->region);
    return json_pack("{s:s,s:s,s:[{s:s,s:o}]}", "id", id, "status", status, "links", "rel", "self",
                     "href", json_sprintf("%s/v2/", url));
}

static int get_versions(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    json_array_append_new(rows, version(call, "v2.15", "CURRENT"));
    for (int minor = 13; minor >= 0; minor--) {
        char id[16];
        if (minor == 8)
            continue;
        snprintf(id, sizeof id, "v2.%d", minor);
        json_array_append_new(rows, version(call, id, "SUPPORTED"));
    }
    *ret_reply = json_pack("{s:o}", "versions", rows);
    return 0;
}

static int get_import_info(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    int64_t methods = call->world->settings.os_import;
    json_t *value = json_array();
    if (methods & FOS_GLANCE_DIRECT)
        json_array_append_new(value, json_string("glance-direct"));
    if (methods & FOS_WEB_DOWNLOAD)
        json_array_append_new(value, json_string("web-download"));
    *ret_reply = json_pack("{s:{s:s,s:s,s:o}}", "import-methods", "description",
                           "Import methods available.", "type", "array", "value", value);
    return 0;
}

static int get_stores(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    *ret_reply = json_pack("{s:[{s:s,s:s}]}", "stores", "id", "file", "default", "true");
    return 0;
}

static json_t *nullable(const char *type)
{
    return json_pack("{s:[s,s]}", "type", "null", type);
}

/* Enough for clients that ask a schema what is a property and what is not. */
static int get_schema(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const texts[] = {"id",
                                        "name",
                                        "status",
                                        "owner",
                                        "checksum",
                                        "disk_format",
                                        "container_format",
                                        "os_hash_algo",
                                        "os_hash_value",
                                        "created_at",
                                        "updated_at",
                                        "file",
                                        "self",
                                        "schema",
                                        "direct_url"};
    json_t *properties = json_object();
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        json_object_set_new(properties, texts[i], nullable("string"));
    json_object_set_new(properties, "size", nullable("integer"));
    json_object_set_new(properties, "virtual_size", nullable("integer"));
    json_object_set_new(properties, "min_disk", json_pack("{s:s}", "type", "integer"));
    json_object_set_new(properties, "min_ram", json_pack("{s:s}", "type", "integer"));
    json_object_set_new(properties, "protected", json_pack("{s:s}", "type", "boolean"));
    json_object_set_new(properties, "os_hidden", json_pack("{s:s}", "type", "boolean"));
    json_object_set_new(properties, "visibility", json_pack("{s:s}", "type", "string"));
    json_object_set_new(properties, "tags", json_pack("{s:s}", "type", "array"));
    *ret_reply = json_pack("{s:s,s:o,s:{s:s}}", "name", "image", "properties", properties,
                           "additionalProperties", "type", "string");
    return 0;
}

/* --- finding and showing --- */

static const json_t *member_of(const struct fc_object *image, const char *project)
{
    return json_object_get(fc_at(image->doc, "_members"), project);
}

bool fos_image_visible(const struct fc_call *call, const struct fc_object *image)
{
    const char *visibility = fc_text_at(image->doc, "visibility");
    return fos_mine(call, image) || !strcmp(visibility, "public") ||
           !strcmp(visibility, "community") ||
           (!strcmp(visibility, "shared") && member_of(image, fos_of(call)->project));
}

int fos_image_find(struct fc_call *call, const char *id, struct fc_object **ret,
                   struct fc_refusal *refusal)
{
    *ret = fc_store_get(call->world->store, IMAGE, call->region, id);
    return *ret && fos_image_visible(call, *ret)
               ? 0
               : fos_refuse(call, refusal, 404, "No image found with ID %.64s", id);
}

int fos_image_own(struct fc_call *call, const char *id, struct fc_object **ret,
                  struct fc_refusal *refusal)
{
    if (fos_image_find(call, id, ret, refusal))
        return -1;
    return !strcmp(fc_text_at((*ret)->doc, "_project"), fos_of(call)->project)
               ? 0
               : fos_refuse(call, refusal, 403, "You are not permitted to modify this image.");
}

json_t *fos_image_show(const struct fc_object *image, const json_t *doc)
{
    json_t *shown = fos_public(doc);
    json_object_set_new(shown, "id", json_string(image->id));
    json_object_set_new(shown, "self", json_sprintf("/v2/images/%s", image->id));
    json_object_set_new(shown, "file", json_sprintf("/v2/images/%s/file", image->id));
    json_object_set_new(shown, "schema", json_string("/v2/schemas/image"));
    return shown;
}

json_t *fos_image_edit(struct fc_call *call, struct fc_object *image)
{
    json_t *doc = fos_edit(call, image);
    json_object_set_new(doc, "updated_at", fos_time(call->now_ms));
    return doc;
}

/* --- members of an image --- */

bool fos_image_read_only(const char *name)
{
    static const char *const names[] = {"status",        "owner",        "checksum",   "size",
                                        "virtual_size",  "created_at",   "updated_at", "file",
                                        "self",          "schema",       "direct_url", "locations",
                                        "os_hash_value", "os_hash_algo", NULL};
    return among(names, name);
}

static int invalid(const struct fc_call *call, struct fc_refusal *refusal, const char *name)
{
    return fos_refuse(call, refusal, 400,
                      "Provided object does not match schema 'image': the value of '%.100s' is not "
                      "valid",
                      name);
}

static int check_tags(const struct fc_call *call, const char *name, const json_t *tags,
                      struct fc_refusal *refusal)
{
    size_t i;
    json_t *tag;
    if (!json_is_array(tags))
        return invalid(call, refusal, name);
    json_array_foreach((json_t *)(uintptr_t)tags, i, tag)
    {
        if (!json_is_string(tag) || json_string_length(tag) > 255)
            return invalid(call, refusal, name);
    }
    return json_array_size(tags) > TAGS_MAX
               ? fos_refuse(call, refusal, 413, "Allowed tags limit exceeded: %d", TAGS_MAX)
               : 0;
}

static int check_visibility(const struct fc_call *call, const char *name, const json_t *value,
                            struct fc_refusal *refusal)
{
    static const char *const words[] = {"private", "shared", "community", "public", NULL};
    const char *word = json_string_value(value);
    if (!word || !among(words, word))
        return invalid(call, refusal, name);
    if (!strcmp(word, "public") && !(fos_of(call)->roles & FOS_ADMIN))
        return fos_refuse(call, refusal, 403,
                          "You are not authorized to complete publicize_image action.");
    return 0;
}

static int check_number(const struct fc_call *call, const char *name, const json_t *value,
                        struct fc_refusal *refusal)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 ? 0
                                                                    : invalid(call, refusal, name);
}

static int check_truth(const struct fc_call *call, const char *name, const json_t *value,
                       struct fc_refusal *refusal)
{
    return json_is_boolean(value) ? 0 : invalid(call, refusal, name);
}

static int check_format(const struct fc_call *call, const char *name, const json_t *value,
                        struct fc_refusal *refusal)
{
    const char *text = json_string_value(value);
    const char *const *words = *name == 'd' ? disks : containers;
    return json_is_null(value) || (text && among(words, text)) ? 0 : invalid(call, refusal, name);
}

static int check_name(const struct fc_call *call, const char *name, const json_t *value,
                      struct fc_refusal *refusal)
{
    return json_is_null(value) || (json_is_string(value) && json_string_length(value) <= 255)
               ? 0
               : invalid(call, refusal, name);
}

static int check_id(const struct fc_call *call, const char *name, const json_t *value,
                    struct fc_refusal *refusal)
{
    const char *text = json_string_value(value);
    return text && fos_uuid_like(text) ? 0 : invalid(call, refusal, name);
}

static const struct {
    const char *name;
    int (*check)(const struct fc_call *call, const char *name, const json_t *value,
                 struct fc_refusal *refusal);
} rules[] = {
    {"tags", check_tags},          {"visibility", check_visibility},
    {"protected", check_truth},    {"os_hidden", check_truth},
    {"min_disk", check_number},    {"min_ram", check_number},
    {"disk_format", check_format}, {"container_format", check_format},
    {"name", check_name},          {"id", check_id},
};

int fos_image_check_member(const struct fc_call *call, const char *name, const json_t *value,
                           struct fc_refusal *refusal)
{
    if (fos_image_read_only(name))
        return fos_refuse(call, refusal, 403, "Attribute '%.100s' is read-only.", name);
    for (size_t i = 0; i < MIR_NELEMS(rules); i++)
        if (!strcmp(rules[i].name, name))
            return rules[i].check(call, name, value, refusal);
    return json_is_string(value) ? 0 : invalid(call, refusal, name);
}

/* --- create, get, delete --- */

static json_t *new_doc(const struct fc_call *call)
{
    return json_pack("{s:n,s:s,s:s,s:s,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:i,s:i,s:b,s:b,s:[],s:o,s:o}",
                     "name", "status", "queued", "visibility", "shared", "owner",
                     fos_of(call)->project, "disk_format", "container_format", "size",
                     "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "min_disk", 0,
                     "min_ram", 0, "protected", 0, "os_hidden", 0, "tags", "created_at",
                     fos_time(call->now_ms), "updated_at", fos_time(call->now_ms));
}

static int create_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    char id[37];
    const char *name, *own = fos_text(call->params, "id", NULL);
    json_t *value;
    json_object_foreach(call->params, name, value)
    {
        if (fos_image_check_member(call, name, value, refusal))
            return -1;
    }
    if (json_object_size(call->params) > PROPERTIES_MAX)
        return fos_refuse(call, refusal, 413, "The limit on allowed image properties is exceeded.");
    if (own && fc_store_get(call->world->store, IMAGE, call->region, own))
        return fos_refuse(call, refusal, 409, "Image ID %.40s already exists!", own);
    fc_uuid(id);
    json_t *doc = new_doc(call);
    json_object_update(doc, call->params);
    json_object_del(doc, "id");
    const struct fc_object *image = fos_add(call, IMAGE, own ? own : id, doc);
    mir_auto_free char *url = fos_url(call, FOS_IMAGE, call->region);
    fc_reply_header(call->reply, "Location", "%s/v2/images/%s", url, image->id);
    if (call->world->settings.os_import)
        fc_reply_header(call->reply, "OpenStack-image-import-methods", "%s",
                        call->world->settings.os_import == FOS_GLANCE_DIRECT  ? "glance-direct"
                        : call->world->settings.os_import == FOS_WEB_DOWNLOAD ? "web-download"
                                                                              : "glance-direct,"
                                                                                "web-download");
    *ret_reply = fos_image_show(image, doc);
    return 0;
}

static int get_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (fos_image_find(call, call->segments[0], &image, refusal))
        return -1;
    *ret_reply = fos_image_show(image, image->doc);
    return 0;
}

/* What is used is not deleted where a store says so; with files as here, it is. */
static int delete_image(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (fos_image_own(call, call->segments[0], &image, refusal))
        return -1;
    if (json_is_true(fc_at(image->doc, "protected")))
        return fos_refuse(call, refusal, 403, "Image %.40s is protected and cannot be deleted.",
                          image->id);
    fc_blob_drop(call->world, fos_text(image->doc, "_file", "-"));
    fc_blob_drop(call->world, fos_text(image->doc, "_staged", "-"));
    fc_store_gone(call->world->store, image, &call->cause, 0);
    return 0;
}

/* --- tags --- */

static size_t tag_at(const json_t *tags, const char *tag)
{
    size_t i = 0;
    while (i < json_array_size(tags) &&
           strcmp(json_string_value(json_array_get(tags, i)), tag) != 0)
        i++;
    return i;
}

static int put_tag(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (fos_image_own(call, call->segments[0], &image, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(image->doc, "tags"));
    if (tag_at(tags, call->segments[1]) == json_array_size(tags))
        json_array_append_new(tags, json_string(call->segments[1]));
    json_object_set_new(fos_image_edit(call, image), "tags", tags);
    return 0;
}

static int delete_tag(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    if (fos_image_own(call, call->segments[0], &image, refusal))
        return -1;
    json_t *tags = fos_array(fc_at(image->doc, "tags"));
    size_t at = tag_at(tags, call->segments[1]);
    if (at == json_array_size(tags)) {
        json_decref(tags);
        return fos_refuse(call, refusal, 404, "Tag not found.");
    }
    json_array_remove(tags, at);
    json_object_set_new(fos_image_edit(call, image), "tags", tags);
    return 0;
}

/* --- members: projects that a shared image is shown to --- */

static json_t *show_member(const struct fc_object *image, const char *project, const json_t *member)
{
    return json_pack("{s:s,s:s,s:O,s:O,s:O,s:s}", "image_id", image->id, "member_id", project,
                     "status", fc_at(member, "status"), "created_at", fc_at(member, "created_at"),
                     "updated_at", fc_at(member, "updated_at"), "schema", "/v2/schemas/member");
}

static int create_member(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    const char *project = fos_text(call->params, "member", "");
    if (fos_image_own(call, call->segments[0], &image, refusal))
        return -1;
    if (!*project)
        return fos_refuse(call, refusal, 400, "Member to be added not specified");
    if (strcmp(fc_text_at(image->doc, "visibility"), "shared") != 0)
        return fos_refuse(call, refusal, 403, "Only shared images have members.");
    if (member_of(image, project))
        return fos_refuse(call, refusal, 409,
                          "The target member %.40s is already associated with "
                          "image %.40s.",
                          project, image->id);
    json_t *members = json_deep_copy(fc_at(image->doc, "_members"));
    json_t *member = json_pack("{s:s,s:o,s:o}", "status", "pending", "created_at",
                               fos_time(call->now_ms), "updated_at", fos_time(call->now_ms));
    if (!members)
        members = json_object();
    json_object_set_new(members, project, member);
    *ret_reply = show_member(image, project, member);
    json_object_set_new(fos_image_edit(call, image), "_members", members);
    return 0;
}

static int list_members(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    const char *project;
    json_t *member, *rows = NULL;
    if (fos_image_find(call, call->segments[0], &image, refusal))
        return -1;
    rows = json_array();
    json_object_foreach(fc_at(image->doc, "_members"), project, member)
    {
        json_array_append_new(rows, show_member(image, project, member));
    }
    *ret_reply = json_pack("{s:o,s:s}", "members", rows, "schema", "/v2/schemas/members");
    return 0;
}

static int find_member(struct fc_call *call, struct fc_object **ret_image, const json_t **ret,
                       struct fc_refusal *refusal)
{
    if (fos_image_find(call, call->segments[0], ret_image, refusal))
        return -1;
    *ret = member_of(*ret_image, call->segments[1]);
    return *ret ? 0
                : fos_refuse(call, refusal, 404,
                             "%.64s not found in the member list of the image "
                             "%.40s.",
                             call->segments[1], (*ret_image)->id);
}

static int get_member(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    const json_t *member;
    if (find_member(call, &image, &member, refusal))
        return -1;
    *ret_reply = show_member(image, call->segments[1], member);
    return 0;
}

/* The member says himself whether he takes it. */
static int update_member(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const char *const words[] = {"pending", "accepted", "rejected", NULL};
    struct fc_object *image;
    const json_t *member;
    const char *status = fos_text(call->params, "status", "");
    if (find_member(call, &image, &member, refusal))
        return -1;
    if (strcmp(call->segments[1], fos_of(call)->project) != 0)
        return fos_refuse(call, refusal, 403,
                          "You are not authorized to complete modify_member "
                          "action.");
    if (!among(words, status))
        return fos_refuse(call, refusal, 400, "status has to be pending, accepted or rejected");
    json_t *members = json_deep_copy(fc_at(image->doc, "_members"));
    json_t *changed = json_object_get(members, call->segments[1]);
    json_object_set_new(changed, "status", json_string(status));
    json_object_set_new(changed, "updated_at", fos_time(call->now_ms));
    *ret_reply = show_member(image, call->segments[1], changed);
    json_object_set_new(fos_edit(call, image), "_members", members);
    return 0;
}

static int delete_member(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *image;
    const json_t *member;
    if (fos_image_own(call, call->segments[0], &image, refusal) ||
        find_member(call, &image, &member, refusal))
        return -1;
    json_t *members = json_deep_copy(fc_at(image->doc, "_members"));
    json_object_del(members, call->segments[1]);
    json_object_set_new(fos_image_edit(call, image), "_members", members);
    return 0;
}

/* --- the table --- */

static const struct fc_operation operations[] = {
    {"GetVersions", get_versions, NULL, "GET", "/", NULL, FC_OP_UNSIGNED, 300},
    {"ListVersions", get_versions, NULL, "GET", "/versions", NULL, FC_OP_UNSIGNED, 200},
    {"GetImportInfo", get_import_info, NULL, "GET", "/v2/info/import", NULL, 0, 0},
    {"GetStores", get_stores, NULL, "GET", "/v2/info/stores", NULL, 0, 0},
    {"GetSchema", get_schema, NULL, "GET", "/v2/schemas/{}", NULL, 0, 0},
    {"ListImages", fos_image_list, NULL, "GET", "/v2/images", NULL, 0, 0},
    {"CreateImage", create_image, NULL, "POST", "/v2/images", NULL, 0, 201},
    {"GetImage", get_image, NULL, "GET", "/v2/images/{}", NULL, 0, 0},
    {"UpdateImage", fos_image_patch, NULL, "PATCH", "/v2/images/{}", NULL, 0, 0},
    {"DeleteImage", delete_image, NULL, "DELETE", "/v2/images/{}", NULL, 0, 204},
    {"UploadImage", fos_image_upload, NULL, "PUT", "/v2/images/{}/file", NULL, FC_OP_NO_BODY, 204},
    {"DownloadImage", fos_image_download, NULL, "GET", "/v2/images/{}/file", NULL, FC_OP_RAW, 0},
    {"StageImage", fos_image_stage, NULL, "PUT", "/v2/images/{}/stage", NULL, FC_OP_NO_BODY, 204},
    {"ImportImage", fos_image_import, NULL, "POST", "/v2/images/{}/import", NULL, 0, 202},
    {"AddTag", put_tag, NULL, "PUT", "/v2/images/{}/tags/{}", NULL, 0, 204},
    {"DeleteTag", delete_tag, NULL, "DELETE", "/v2/images/{}/tags/{}", NULL, 0, 204},
    {"CreateMember", create_member, NULL, "POST", "/v2/images/{}/members", NULL, 0, 200},
    {"ListMembers", list_members, NULL, "GET", "/v2/images/{}/members", NULL, 0, 0},
    {"GetMember", get_member, NULL, "GET", "/v2/images/{}/members/{}", NULL, 0, 0},
    {"UpdateMember", update_member, NULL, "PUT", "/v2/images/{}/members/{}", NULL, 0, 0},
    {"DeleteMember", delete_member, NULL, "DELETE", "/v2/images/{}/members/{}", NULL, 0, 204},
    {.name = NULL},
};

const struct fc_service fos_glance = {
    .name = "glance", .operations = operations, .prepare = fos_region_ready};
