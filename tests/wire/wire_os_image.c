/* SPDX-License-Identifier: ISC */
#include "os_wire.h"

#include "openstack/image.h"

#define IMAGE "879d7e92-0000-4a18-a6a5-000000000002"
#define PROJECT "a25178b048454ad3b8db000000000009"

static int create(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const tags[] = {"mirage", "one"};
    static const struct os_pair properties[] = {{"hw_disk_bus", "ide"},
                                                {"mirage-deploy:lease", "0123"}};
    struct os_create_image args = {.id = IMAGE,
                                   .name = "mirage-1",
                                   .disk_format = "raw",
                                   .container_format = "bare",
                                   .visibility = "private",
                                   .min_ram_mib = 16,
                                   .is_protected = MIR_NO,
                                   .tags = tags,
                                   .tag_count = 2,
                                   .properties = properties,
                                   .property_count = 2};
    os_auto_image struct os_image made = {.id = ""};
    int rc = os_image_create(session, &args, until_ms, &made, err);
    assert_string_equal(made.id, rc ? "" : IMAGE);
    assert_string_equal(made.status, rc ? "" : "queued");
    return rc;
}

static int show(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    os_auto_image struct os_image i = {.id = ""};
    int rc = os_image_get(session, IMAGE, until_ms, &i, err);
    if (rc)
        return rc;
    assert_string_equal(i.name, "mirage-1");
    assert_string_equal(i.status, "active");
    assert_string_equal(i.checksum, "fcd6bcb56c1689fcef28b57c22475bad");
    assert_int_equal(strlen(i.hash), 128);
    assert_int_equal(i.size_bytes, 65536);
    assert_int_equal(i.min_ram_mib, 16);
    assert_int_equal(i.created_s, TEST_NOW_S);
    assert_int_equal(i.tag_count, 2);
    assert_string_equal(os_pair_value(i.properties, i.property_count, "mirage-deploy:lease"),
                        "0123");
    assert_string_equal(os_pair_value(i.properties, i.property_count, "min_ram"), "16");
    assert_null(os_pair_value(i.properties, i.property_count, "tags"));
    return rc;
}

static int list(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const tags[] = {"mirage"};
    struct os_list_images args = {.name = "mirage-1",
                                  .status = "active",
                                  .owner = PROJECT,
                                  .visibility = "private",
                                  .tags = tags,
                                  .tag_count = 1};
    os_auto_images struct os_images found = {0};
    int rc = os_image_list(session, &args, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    return rc;
}

static int methods(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_import_methods found = {0};
    int rc = os_image_import_methods(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_true(os_import_has(&found, "web-download") && !os_import_has(&found, "copy-image"));
    os_import_methods_clear(&found);
    return rc;
}

static int no_methods(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_import_methods found = {0};
    int rc = os_image_import_methods(session, until_ms, &found, err);
    assert_int_equal(found.count, 0);
    return rc;
}

static int import_direct(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_import(session, IMAGE, "glance-direct", NULL, until_ms, err);
}

static int import_web(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_import(session, IMAGE, "web-download", "http://192.0.2.1/x?y", until_ms, err);
}

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    size_t *left = ctx;
    *ret_len = *left < size ? *left : size;
    memset(out, 'x', *ret_len);
    *left -= *ret_len;
    return 0;
}

static int upload(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    size_t left = 9;
    struct mir_http_stream bytes = {give, &left, 9};
    int rc = os_image_upload(session, IMAGE, &bytes, until_ms, err);
    assert_int_equal(err->outcome, MIR_DID_NOT_HAPPEN);
    return rc;
}

static int stage(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    size_t left = 9;
    struct mir_http_stream bytes = {give, &left, 9};
    return os_image_stage(session, IMAGE, &bytes, until_ms, err);
}

static int set(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    const struct os_pair changes[] = {
        {"hw_disk_bus", "scsi"}, {"a/b~c", "new"}, {"mirage-deploy:lease", NULL}, {"absent", NULL}};
    os_auto_image struct os_image image = {.id = ""};
    int rc = os_image_set(session, IMAGE, changes, 4, until_ms, &image, err);
    assert_string_equal(os_pair_value(image.properties, image.property_count, "hw_disk_bus"),
                        "scsi");
    return rc;
}

static int set_nothing(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    const struct os_pair change = {"absent", NULL};
    return os_image_set(session, IMAGE, &change, 1, until_ms, NULL, err);
}

static int tag(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_tag(session, IMAGE, "two words", until_ms, err);
}

static int untag(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_untag(session, IMAGE, "one", until_ms, err);
}

static int delete (struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_delete(session, IMAGE, until_ms, err);
}

static int share(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_image_member made = {.status = ""};
    int rc = os_image_share(session, IMAGE, PROJECT, until_ms, &made, err);
    assert_string_equal(made.status, "pending");
    return rc;
}

static int accept_it(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_image_member made = {.status = ""};
    int rc = os_image_member_set(session, IMAGE, PROJECT, "accepted", until_ms, &made, err);
    assert_string_equal(made.status, "accepted");
    return rc;
}

static int share_no_more(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_image_unshare(session, IMAGE, PROJECT, until_ms, err);
}

static int members(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_image_members found = {0};
    int rc = os_image_members(session, IMAGE, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].project_id, PROJECT);
    os_image_members_clear(&found);
    return rc;
}

static const struct wire_case cases[] = {
    {"CreateImage/plain", create, MIR_OK, NULL},
    {"CreateImage/taken", create, MIR_CONFLICT, "Conflict"},
    {"ShowImage/plain", show, MIR_OK, NULL},
    {"ShowImage/gone", show, MIR_NOT_FOUND, "NotFound"},
    {"ListImages/pages", list, MIR_OK, NULL},
    {"ShowImport/plain", methods, MIR_OK, NULL},
    {"ShowImport/none", no_methods, MIR_OK, NULL},
    {"ImportImage/direct", import_direct, MIR_OK, NULL},
    {"ImportImage/web", import_web, MIR_OK, NULL},
    {"ImportImage/not-staged", import_direct, MIR_CONFLICT, "Conflict"},
    {"UploadImage/plain", upload, MIR_OK, NULL},
    {"UploadImage/taken", upload, MIR_CONFLICT, "Conflict"},
    {"StageImage/plain", stage, MIR_OK, NULL},
    {"UpdateImage/plain", set, MIR_OK, NULL},
    {"UpdateImage/nothing", set_nothing, MIR_OK, NULL},
    {"AddImageTag/plain", tag, MIR_OK, NULL},
    {"DeleteImageTag/plain", untag, MIR_OK, NULL},
    {"DeleteImage/plain", delete, MIR_OK, NULL},
    {"DeleteImage/protected", delete, MIR_POLICY, "Forbidden"},
    {"CreateImageMember/plain", share, MIR_OK, NULL},
    {"UpdateImageMember/plain", accept_it, MIR_OK, NULL},
    {"DeleteImageMember/plain", share_no_more, MIR_OK, NULL},
    {"ListImageMembers/plain", members, MIR_OK, NULL},
};

WIRE_MAIN(cases)
