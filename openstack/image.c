/* SPDX-License-Identifier: ISC */
#include "openstack/image.h"

#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "tables.h"

/* A token has to live as long as the upload: Glance asks once more for it at the end. */
#define UPLOAD_TOKEN_MS ((int64_t)20 * 60 * 1000)

#define MAKES(member, name, kind) MIR_ROW(struct os_create_image, member, name, kind)

static const struct mir_field create_fields[] = {
    MAKES(id, "id", MIR_PUT_TEXT),
    MAKES(name, "name", MIR_PUT_TEXT),
    MAKES(disk_format, "disk_format", MIR_PUT_TEXT),
    MAKES(container_format, "container_format", MIR_PUT_TEXT),
    MAKES(visibility, "visibility", MIR_PUT_TEXT),
    MAKES(min_disk_gib, "min_disk", MIR_PUT_NUMBER),
    MAKES(min_ram_mib, "min_ram", MIR_PUT_NUMBER),
    MAKES(is_protected, "protected", MIR_PUT_FLAG),
    OS_ROW_TEXTS(struct os_create_image, tags, tag_count, "tags"),
    OS_ROW_MAP(struct os_create_image, properties, property_count, ""),
};
OS_TABLE(struct os_create_image, create);

#define HAS(member, path, kind) MIR_ROW(struct os_image, member, path, kind)

static const struct mir_field image_fields[] = {
    MIR_MUST(struct os_image, id, "id", MIR_GET_TEXT),
    MIR_MUST(struct os_image, status, "status", MIR_GET_TEXT),
    HAS(name, "name", MIR_GET_OWNED),
    HAS(disk_format, "disk_format", MIR_GET_TEXT),
    HAS(container_format, "container_format", MIR_GET_TEXT),
    HAS(visibility, "visibility", MIR_GET_TEXT),
    HAS(owner, "owner", MIR_GET_TEXT),
    HAS(checksum, "checksum", MIR_GET_TEXT),
    HAS(hash_algo, "os_hash_algo", MIR_GET_TEXT),
    HAS(hash, "os_hash_value", MIR_GET_TEXT),
    HAS(size_bytes, "size", MIR_GET_NUMBER),
    HAS(min_disk_gib, "min_disk", MIR_GET_NUMBER),
    HAS(min_ram_mib, "min_ram", MIR_GET_NUMBER),
    HAS(created_s, "created_at", MIR_GET_TIME),
    HAS(updated_s, "updated_at", MIR_GET_TIME),
    HAS(is_protected, "protected", MIR_GET_TRUE),
    OS_ROW_WORDS(struct os_image, tags, tag_count, "tags"),
    MIR_MANY(struct os_image, properties, property_count, "", MIR_GET_SIMPLE, &os_found_pair_table),
};
OS_TABLE(struct os_image, image);
OS_LIST_TABLE(struct os_images, images, "images", &image_table);

static const struct mir_field list_fields[] = {
    MIR_ROW(struct os_list_images, name, "name", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_images, status, "status", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_images, owner, "owner", MIR_PUT_TEXT),
    MIR_ROW(struct os_list_images, visibility, "visibility", MIR_PUT_TEXT),
    OS_ROW_TEXTS(struct os_list_images, tags, tag_count, "tag"),
    OS_ROW_MAP(struct os_list_images, properties, property_count, ""),
};
OS_TABLE(struct os_list_images, list);

OS_LIST_TABLE(struct os_import_methods, methods, "value", &os_word_table);

struct import {
    const char *method, *uri;
};

static const struct mir_field import_fields[] = {
    MIR_MUST(struct import, method, "method.name", MIR_PUT_TEXT),
    MIR_ROW(struct import, uri, "method.uri", MIR_PUT_TEXT),
};
OS_TABLE(struct import, import);

struct member {
    const char *project_id, *status;
};

static const struct mir_field share_fields[] = {
    MIR_ROW(struct member, project_id, "member", MIR_PUT_TEXT),
    MIR_ROW(struct member, status, "status", MIR_PUT_TEXT),
};
OS_TABLE(struct member, share);

static const struct mir_field member_fields[] = {
    MIR_MUST(struct os_image_member, project_id, "member_id", MIR_GET_TEXT),
    MIR_MUST(struct os_image_member, status, "status", MIR_GET_TEXT),
};
OS_TABLE(struct os_image_member, member);
OS_LIST_TABLE(struct os_image_members, members, "members", &member_table);

enum {
    CREATE,
    GET,
    LIST,
    METHODS,
    IMPORT,
    PATCH,
    TAG,
    UNTAG,
    DELETE,
    SHARE,
    ANSWER,
    UNSHARE,
    MEMBERS
};

#define GLANCE .service = OS_IMAGE
#define ONE "/images/%"

const struct os_operation os_image_operations[] = {
    [CREATE] = {GLANCE, .name = "CreateImage", .method = "POST", .path = "/images",
                .request = &create_table, .reply = &image_table, .once = true},
    [GET] = {GLANCE, .name = "ShowImage", .method = "GET", .path = ONE, .reply = &image_table,
             .reads = true},
    [LIST] = {GLANCE, .name = "ListImages", .method = "GET", .path = "/images",
              .request = &list_table, .reply = &images_table, .reads = true,
              .paging = OS_PAGES_NEXT, .page_next = "next", .page = 100},
    [METHODS] = {GLANCE, .name = "ShowImport", .method = "GET", .path = "/info/import",
                 .reply = &methods_table, .result = "import-methods", .reads = true},
    [IMPORT] = {GLANCE, .name = "ImportImage", .method = "POST", .path = ONE "/import",
                .request = &import_table, .once = true},
    [PATCH] = {GLANCE, .name = "UpdateImage", .method = "PATCH", .path = ONE, .reply = &image_table,
               .content_type = "application/openstack-images-v2.1-json-patch"},
    [TAG] = {GLANCE, .name = "AddImageTag", .method = "PUT", .path = ONE "/tags/%"},
    [UNTAG] = {GLANCE, .name = "DeleteImageTag", .method = "DELETE", .path = ONE "/tags/%"},
    [DELETE] = {GLANCE, .name = "DeleteImage", .method = "DELETE", .path = ONE},
    [SHARE] = {GLANCE, .name = "CreateImageMember", .method = "POST", .path = ONE "/members",
               .request = &share_table, .reply = &member_table, .once = true},
    [ANSWER] = {GLANCE, .name = "UpdateImageMember", .method = "PUT", .path = ONE "/members/%",
                .request = &share_table, .reply = &member_table},
    [UNSHARE] = {GLANCE, .name = "DeleteImageMember", .method = "DELETE", .path = ONE "/members/%"},
    [MEMBERS] = {GLANCE, .name = "ListImageMembers", .method = "GET", .path = ONE "/members",
                 .reply = &members_table, .reads = true},
    {0},
};

OS_CREATE(os_image_create, struct os_create_image, struct os_image, &os_image_operations[CREATE])
OS_GET_ONE(os_image_get, struct os_image, &os_image_operations[GET])
OS_LIST_ALL(os_image_list, struct os_list_images, struct os_images, &os_image_operations[LIST])
OS_ACT_ON(os_image_delete, &os_image_operations[DELETE])
OS_CLEAR(os_image_clear, struct os_image, &image_table)
OS_CLEAR(os_images_clear, struct os_images, &images_table)
OS_CLEAR(os_import_methods_clear, struct os_import_methods, &methods_table)
OS_CLEAR(os_image_members_clear, struct os_image_members, &members_table)

/* --- bytes --- */

static int send_bytes(struct os_session *session, const char *operation, const char *path,
                      const char *id, const struct mir_http_stream *bytes, int64_t until_ms,
                      struct mir_error *err)
{
    static const struct mir_http_header type = {"Content-Type", "application/octet-stream"};
    mir_auto_free char *filled = os_path_fill(path, &id, err);
    if (!filled)
        return -1;
    struct os_call call = {.service = OS_IMAGE,
                           .operation = operation,
                           .method = "PUT",
                           .path = filled,
                           .headers = &type,
                           .header_count = 1,
                           .stream = *bytes,
                           .once = true,
                           .token_good_ms = UPLOAD_TOKEN_MS,
                           .attempt_timeout_ms = -1};
    return os_call(session, &call, until_ms, NULL, err);
}

int os_image_upload(struct os_session *session, const char *id, const struct mir_http_stream *bytes,
                    int64_t until_ms, struct mir_error *err)
{
    return send_bytes(session, "UploadImage", ONE "/file", id, bytes, until_ms, err);
}

int os_image_stage(struct os_session *session, const char *id, const struct mir_http_stream *bytes,
                   int64_t until_ms, struct mir_error *err)
{
    return send_bytes(session, "StageImage", ONE "/stage", id, bytes, until_ms, err);
}

int os_image_import_methods(struct os_session *session, int64_t until_ms,
                            struct os_import_methods *ret, struct mir_error *err)
{
    struct mir_error own = {0};
    int rc = os_operate(session, &os_image_operations[METHODS], NULL, NULL, until_ms, ret, &own);
    if (rc && own.http_status == 404) { /* a Glance of before it */
        os_import_methods_clear(ret);
        return 0;
    }
    if (rc && err)
        *err = own;
    return rc;
}

bool os_import_has(const struct os_import_methods *methods, const char *method)
{
    for (size_t i = 0; i < methods->count; i++)
        if (methods->rows[i].text && !strcmp(methods->rows[i].text, method))
            return true;
    return false;
}

int os_image_import(struct os_session *session, const char *id, const char *method, const char *uri,
                    int64_t until_ms, struct mir_error *err)
{
    struct import args = {method, uri};
    return os_operate(session, &os_image_operations[IMPORT], &id, &args, until_ms, NULL, err);
}

/* --- properties --- */

/* A change of a JSON pointer's target; '/' and '~' are written otherwise in one (RFC 6901). */
static json_t *change(const char *op, const struct os_pair *pair)
{
    struct mir_buf path;
    mir_buf_init(&path, 4096);
    mir_buf_adds(&path, "/");
    for (const char *p = pair->name; *p; p++) {
        if (*p == '~' || *p == '/')
            mir_buf_adds(&path, *p == '~' ? "~0" : "~1");
        else
            mir_buf_add(&path, p, 1);
    }
    json_t *json = json_pack("{s:s,s:s}", "op", op, "path", mir_buf_text(&path));
    if (pair->value)
        json_object_set_new(json, "value", json_string(pair->value));
    mir_buf_clear(&path);
    return json;
}

/* Glance refuses to add what is there and to replace what is not. */
static json_t *changes(const struct os_image *now, const struct os_pair *properties, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct os_pair *p = &properties[i];
        bool there = os_pair_value(now->properties, now->property_count, p->name) != NULL;
        if (there || p->value)
            json_array_append_new(list, change(!p->value ? "remove"
                                               : there   ? "replace"
                                                         : "add",
                                               p));
    }
    return list;
}

int os_image_set(struct os_session *session, const char *id, const struct os_pair *properties,
                 size_t count, int64_t until_ms, struct os_image *ret, struct mir_error *err)
{
    struct os_image image = {0};
    if (os_image_get(session, id, until_ms, &image, err))
        return -1;
    json_t *body = changes(&image, properties, count);
    int rc = json_array_size(body) > 0 ? os_operate_json(session, &os_image_operations[PATCH], &id,
                                                         body, until_ms, &image, err)
                                       : 0;
    json_decref(body);
    if (!rc && ret) {
        os_image_clear(ret);
        *ret = image;
        return 0;
    }
    os_image_clear(&image);
    return rc;
}

static int with_two(struct os_session *session, int operation, const char *a, const char *b,
                    const void *args, int64_t until_ms, void *ret, struct mir_error *err)
{
    const char *const parts[] = {a, b};
    return os_operate(session, &os_image_operations[operation], parts, args, until_ms, ret, err);
}

int os_image_tag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                 struct mir_error *err)
{
    return with_two(session, TAG, id, tag, NULL, until_ms, NULL, err);
}

int os_image_untag(struct os_session *session, const char *id, const char *tag, int64_t until_ms,
                   struct mir_error *err)
{
    return with_two(session, UNTAG, id, tag, NULL, until_ms, NULL, err);
}

/* --- members --- */

int os_image_share(struct os_session *session, const char *id, const char *project_id,
                   int64_t until_ms, struct os_image_member *ret, struct mir_error *err)
{
    struct member args = {project_id, NULL};
    return os_operate(session, &os_image_operations[SHARE], &id, &args, until_ms, ret, err);
}

int os_image_member_set(struct os_session *session, const char *id, const char *project_id,
                        const char *status, int64_t until_ms, struct os_image_member *ret,
                        struct mir_error *err)
{
    struct member args = {NULL, status};
    return with_two(session, ANSWER, id, project_id, &args, until_ms, ret, err);
}

int os_image_unshare(struct os_session *session, const char *id, const char *project_id,
                     int64_t until_ms, struct mir_error *err)
{
    return with_two(session, UNSHARE, id, project_id, NULL, until_ms, NULL, err);
}

int os_image_members(struct os_session *session, const char *id, int64_t until_ms,
                     struct os_image_members *ret, struct mir_error *err)
{
    return os_operate(session, &os_image_operations[MEMBERS], &id, NULL, until_ms, ret, err);
}
