/* SPDX-License-Identifier: ISC */
/* Keystone, Swift, Cinder, Mistral and Blazar. */
#include "os_wire.h"

#include "openstack/identity.h"
#include "openstack/object_store.h"
#include "openstack/reservation.h"
#include "openstack/volume.h"
#include "openstack/workflow.h"

#define SERVER "6a68a96a-0000-4c7c-aa3c-000000000001"
#define IMAGE "879d7e92-0000-4a18-a6a5-000000000002"
#define VOLUME "5aa119a8-0000-4d25-9c0b-000000000008"
#define CREDENTIAL "aa8098de0000443aa8f4000000000014"
/* printf 'GET\n1795000000\n/swift/v1/AUTH_p/mirage/a/b c?#%%\xc3\xa4' | openssl dgst -sha256 -hmac
 * mykey */
#define SIGNATURE "b19c5d3299be950c6b502f15972e04910f04b4d85484d7f60692a54090be553f"
#define LEASE "6ee55c78-0000-4b5c-8a52-000000000018"

/* --- Keystone --- */

static int create_credential(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const char *const roles[] = {"member"};
    struct os_create_credential args = {.name = "mirage",
                                        .description = "d",
                                        .roles = roles,
                                        .role_count = 1,
                                        .expires_s = TEST_NOW_S};
    struct os_credential made = {.id = ""};
    int rc = os_credential_create(session, &args, until_ms, &made, err);
    assert_string_equal(mir_secret_text(&made.secret), rc ? "" : "rEaqvJka48mpv");
    assert_int_equal(made.expires_s, rc ? 0 : TEST_NOW_S);
    os_credential_clear(&made);
    return rc;
}

static int list_credentials(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_credentials found = {0};
    int rc = os_credential_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[0].id, CREDENTIAL);
    assert_int_equal(found.rows[1].expires_s, 0);
    assert_true(mir_secret_empty(&found.rows[0].secret));
    os_credentials_clear(&found);
    return rc;
}

static int delete_credential(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_credential_delete(session, CREDENTIAL, until_ms, err);
}

/* --- Cinder --- */

static int volumes(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_volumes found = {0};
    int rc = os_volume_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    const struct os_volume *v = &found.rows[0];
    assert_string_equal(v->status, "available");
    assert_string_equal(v->image_id, IMAGE);
    assert_int_equal(v->created_s, TEST_NOW_S);
    assert_string_equal(os_pair_value(v->metadata, v->metadata_count, "mirage-deploy:lease"),
                        "0123");
    assert_string_equal(found.rows[1].servers[0].server_id, SERVER);
    os_volumes_clear(&found);
    return rc;
}

static int volume(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_volume found = {.id = ""};
    int rc = os_volume_get(session, VOLUME, until_ms, &found, err);
    assert_int_equal(found.size_gib, 1);
    os_volume_clear(&found);
    return rc;
}

static int delete_volume(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_volume_delete(session, VOLUME, false, until_ms, err);
}

static int delete_volume_and_more(struct os_session *session, int64_t until_ms,
                                  struct mir_error *err)
{
    return os_volume_delete(session, VOLUME, true, until_ms, err);
}

static int set_volume(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    const struct os_pair pair = {"a", "b"};
    return os_volume_set_metadata(session, VOLUME, &pair, 1, until_ms, err);
}

static int snapshots(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_snapshots found = {0};
    int rc = os_snapshot_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.rows[0].volume_id, VOLUME);
    os_snapshots_clear(&found);
    return rc;
}

static int delete_snapshot(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_snapshot_delete(session, "b1323cda-0000-4a1c-8f0e-000000000015", until_ms, err);
}

/* --- Mistral --- */

static int create_workflow(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_workflows made = {0};
    int rc = os_workflow_create(session, "version: '2.0'\nend:\n  tasks:\n", until_ms, &made, err);
    assert_int_equal(made.count, 1);
    assert_string_equal(made.rows[0].name, "end");
    assert_int_equal(made.rows[0].created_s, TEST_NOW_S);
    os_workflows_clear(&made);
    return rc;
}

static int workflows(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_workflows found = {0};
    int rc = os_workflow_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 2);
    os_workflows_clear(&found);
    return rc;
}

static int delete_workflow(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_workflow_delete(session, "a name", until_ms, err);
}

static int create_trigger(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    json_t *input = json_pack("{s:s}", "url", "http://x");
    struct os_create_trigger args = {.name = "end-0123",
                                     .workflow = "end",
                                     .input = input,
                                     .pattern = "* * * * *",
                                     .first_s = TEST_NOW_S + 1, /* 11:06:41: the minute after it */
                                     .executions = 5};
    struct os_trigger made = {.name = NULL};
    int rc = os_trigger_create(session, &args, until_ms, &made, err);
    assert_int_equal(made.next_s, rc ? 0 : TEST_NOW_S + 20);
    assert_int_equal(made.executions, rc ? 0 : 5);
    os_trigger_clear(&made);
    json_decref(input);
    return rc;
}

static int show_trigger(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_trigger found = {.name = NULL};
    int rc = os_trigger_get(session, "end-0123", until_ms, &found, err);
    assert_string_equal(found.workflow, "end");
    assert_string_equal(found.pattern, "* * * * *");
    os_trigger_clear(&found);
    return rc;
}

static int triggers(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_triggers found = {0};
    int rc = os_trigger_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    os_triggers_clear(&found);
    return rc;
}

static int delete_trigger(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_trigger_delete(session, "end-0123", until_ms, err);
}

/* --- Blazar --- */

static int create_lease(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_create_lease args = {.name = "mirage-1",
                                   .end_s = TEST_NOW_S + 3600,
                                   .before_end_s = TEST_NOW_S + 3000,
                                   .vcpus = 1,
                                   .memory_mib = 64,
                                   .disk_gib = 1};
    struct os_lease made = {.id = ""};
    int rc = os_lease_create(session, &args, until_ms, &made, err);
    if (!rc) {
        assert_string_equal(made.id, LEASE);
        assert_int_equal(made.end_s, TEST_NOW_S + 3620);
        assert_string_equal(made.reservations[0].flavor_id, "f1");
    }
    os_lease_clear(&made);
    return rc;
}

static int show_lease(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_lease found = {.id = ""};
    int rc = os_lease_get(session, LEASE, until_ms, &found, err);
    assert_string_equal(found.status, "ACTIVE");
    assert_false(found.degraded);
    os_lease_clear(&found);
    return rc;
}

static int leases(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_leases found = {0};
    int rc = os_lease_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    os_leases_clear(&found);
    return rc;
}

static int move_lease(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_lease moved = {.id = ""};
    int rc = os_lease_move_end(session, LEASE, TEST_NOW_S + 7220, until_ms, &moved, err);
    assert_int_equal(moved.end_s, TEST_NOW_S + 7220);
    os_lease_clear(&moved);
    assert_int_equal(os_lease_move_end(session, LEASE, 0, until_ms, &moved, NULL), -1);
    return rc;
}

static int delete_lease(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_lease_delete(session, LEASE, until_ms, err);
}

/* --- Swift --- */

static const struct os_object_at object = {"mirage", "a/b c?#%\xc3\xa4"};

static int create_container(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    assert_int_equal(os_container_create(session, "a/b", until_ms, NULL), -1);
    assert_int_equal(os_container_create(session, "..", until_ms, NULL), -1);
    assert_int_equal(os_container_create(session, "", until_ms, NULL), -1);
    return os_container_create(session, "a b", until_ms, err);
}

static int delete_container(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_container_delete(session, "mirage", until_ms, err);
}

static int containers(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_containers found = {0};
    int rc = os_container_list(session, until_ms, &found, err);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.rows[0].bytes, 7);
    os_containers_clear(&found);
    return rc;
}

static int objects(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_object_rows found = {0};
    int rc = os_object_list(session, "mirage", "a/", until_ms, &found, err);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.rows[1].name, "a/2 x");
    assert_int_equal(found.rows[1].modified_s, TEST_NOW_S);
    os_object_rows_clear(&found);
    return rc;
}

static int put(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct os_pair metadata[] = {{"Owner", "me"}}, bad[] = {{"O:", "me"}},
                                worse[] = {{"Owner", "a\r\nb"}};
    struct os_put_object args = {.data = "hello",
                                 .len = 5,
                                 .content_type = "text/plain",
                                 .md5 = "5d41402abc4b2a76b9719d911017c592",
                                 .delete_at_s = TEST_NOW_S + 3600,
                                 .metadata = bad,
                                 .metadata_count = 1};
    char etag[OS_ETAG_TEXT] = "";
    assert_int_equal(os_object_put(session, &object, &args, until_ms, etag, NULL), -1);
    args.metadata = worse;
    assert_int_equal(os_object_put(session, &object, &args, until_ms, etag, NULL), -1);
    args.metadata = metadata;
    int rc = os_object_put(session, &object, &args, until_ms, etag, err);
    assert_string_equal(etag, args.md5);
    return rc;
}

static int put_late(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_put_object args = {.manifest = "mirage/part 1/"};
    char etag[OS_ETAG_TEXT] = "";
    int rc = os_object_put(session, &object, &args, until_ms, etag, err);
    assert_string_equal(etag, "d41d8cd98f00b204e9800998ecf8427e");
    return rc;
}

static int put_segments(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    static const struct os_segment segments[] = {{{"mirage", "part/1"}, "e1", 5},
                                                 {{"mirage", "part/2"}, NULL, 300000}};
    struct os_put_object args = {.delete_at_s = TEST_NOW_S + 3600};
    return os_object_put_segments(session, &object, segments, 2, &args, until_ms, err);
}

static int head(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    struct os_object_head found = {0};
    char text[8] = "";
    int rc = os_object_head(session, &object, until_ms, &found, err);
    assert_int_equal(found.bytes, 5);
    assert_string_equal(found.etag, "5d41402abc4b2a76b9719d911017c592");
    assert_string_equal(found.content_type, "text/plain");
    assert_int_equal(found.delete_at_s, TEST_NOW_S + 3600);
    assert_int_equal(found.modified_s, TEST_NOW_S);
    assert_true(found.segments);
    assert_int_equal(os_object_metadata(&found, "OWNER", text, sizeof text), 0);
    assert_string_equal(text, "me");
    assert_int_equal(os_object_metadata(&found, "other", text, sizeof text), -1);
    os_object_head_clear(&found);
    return rc;
}

static int get(struct os_session *session, int64_t offset, size_t len, const char *want,
               int64_t until_ms, struct mir_error *err)
{
    mir_auto_buf struct mir_buf got;
    mir_buf_init(&got, 10);
    int rc = os_object_get(session, &object, offset, len, until_ms, &got, err);
    assert_string_equal(mir_buf_text(&got), want);
    return rc;
}

static int get_part(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return get(session, 1, 3, "ell", until_ms, err);
}

static int get_whole(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return get(session, 0, 0, "hello", until_ms, err);
}

static int get_other(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return get(session, 1, 3, "", until_ms, err);
}

static int delete_object(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_object_delete(session, &object, false, until_ms, err);
}

static int delete_segments(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    return os_object_delete(session, &object, true, until_ms, err);
}

static int temp_url(struct os_session *session, int64_t until_ms, struct mir_error *err)
{
    mir_auto_secret struct mir_secret key = {0};
    char *url = NULL;
    mir_secret_set(&key, "mykey", 5, NULL);
    int rc = os_object_set_temp_key(session, &key, until_ms, err);
    assert_int_equal(
        os_object_temp_url(session, &object, "GET", TEST_NOW_S, &key, until_ms, &url, err), 0);
    const char *path = strstr(url, "/swift/v1/AUTH_p/mirage/a/b%20c%3F%23%25%C3%A4?temp_url_sig=");
    assert_non_null(path);
    assert_non_null(strstr(url, "&temp_url_expires=1795000000"));
    assert_int_equal(strspn(strstr(url, "sig=") + 4, "0123456789abcdef"), 64);
    assert_non_null(strstr(url, SIGNATURE));
    free(url);
    return rc;
}

static const struct wire_case cases[] = {
    {"CreateApplicationCredential/plain", create_credential, MIR_OK, NULL},
    {"CreateApplicationCredential/restricted", create_credential, MIR_CREDENTIALS, "Forbidden"},
    {"ListApplicationCredentials/plain", list_credentials, MIR_OK, NULL},
    {"DeleteApplicationCredential/plain", delete_credential, MIR_OK, NULL},
    {"ListVolumes/pages", volumes, MIR_OK, NULL},
    {"ShowVolume/plain", volume, MIR_OK, NULL},
    {"DeleteVolume/plain", delete_volume, MIR_OK, NULL},
    {"DeleteVolume/cascade", delete_volume_and_more, MIR_OK, NULL},
    {"DeleteVolume/in-use", delete_volume, MIR_USAGE, "badRequest"},
    {"UpdateVolumeMetadata/plain", set_volume, MIR_OK, NULL},
    {"ListSnapshots/plain", snapshots, MIR_OK, NULL},
    {"DeleteSnapshot/plain", delete_snapshot, MIR_OK, NULL},
    {"CreateWorkflow/plain", create_workflow, MIR_OK, NULL},
    {"ListWorkflows/pages", workflows, MIR_OK, NULL},
    {"DeleteWorkflow/plain", delete_workflow, MIR_OK, NULL},
    {"CreateCronTrigger/plain", create_trigger, MIR_OK, NULL},
    {"CreateCronTrigger/soon", create_trigger, MIR_USAGE, "Client"},
    {"ShowCronTrigger/plain", show_trigger, MIR_OK, NULL},
    {"ListCronTriggers/plain", triggers, MIR_OK, NULL},
    {"DeleteCronTrigger/plain", delete_trigger, MIR_OK, NULL},
    {"CreateLease/plain", create_lease, MIR_OK, NULL},
    {"CreateLease/full", create_lease, MIR_CONFLICT, "NOT_ENOUGH_HOSTS"},
    {"ShowLease/plain", show_lease, MIR_OK, NULL},
    {"ListLeases/plain", leases, MIR_OK, NULL},
    {"UpdateLease/plain", move_lease, MIR_OK, NULL},
    {"DeleteLease/plain", delete_lease, MIR_OK, NULL},
    {"CreateContainer/plain", create_container, MIR_OK, NULL},
    {"DeleteContainer/full", delete_container, MIR_CONFLICT, "Conflict"},
    {"ListContainers/plain", containers, MIR_OK, NULL},
    {"ListObjects/plain", objects, MIR_OK, NULL},
    {"PutObject/plain", put, MIR_OK, NULL},
    {"PutObject/late", put_late, MIR_OK, NULL},
    {"PutManifest/plain", put_segments, MIR_OK, NULL},
    {"HeadObject/plain", head, MIR_OK, NULL},
    {"GetObject/part", get_part, MIR_OK, NULL},
    {"GetObject/whole", get_whole, MIR_OK, NULL},
    {"GetObject/all-instead", get_other, MIR_CORRUPT, ""},
    {"DeleteObject/plain", delete_object, MIR_OK, NULL},
    {"DeleteObject/segments", delete_segments, MIR_OK, NULL},
    {"UpdateAccount/plain", temp_url, MIR_OK, NULL},
};

WIRE_MAIN(cases)
