/* SPDX-License-Identifier: ISC */
/* The table of what has to be allowed, and the documents that are made of it. That it is enough,
 * and not too much, tests/e2e/ec2_policy.py shows. */
#include "policy.h"

#include "api/json.h"
#include "operations.h"
#include "scratch.h"

#define MANAGED_POLICY_MAX 6144 /* characters without white space: a quota of IAM */

/* Calls that no table describes, and what is asked for by another call. */
static bool known(const char *action)
{
    static const char *const others[] = {"ebs:PutSnapshotBlock", "ebs:CompleteSnapshot",
                                         "iam:PassRole",         "s3:AbortMultipartUpload",
                                         "s3:DeleteObject",      "s3:GetObject",
                                         "s3:ListBucket",        "s3:ListBucketMultipartUploads",
                                         "s3:PutObject",         "s3:PutObjectAcl"};
    for (size_t i = 0; i < MIR_NELEMS(others); i++)
        if (!strcmp(action, others[i]))
            return true;
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++) {
            mir_auto_free char *name =
                mir_format("%s:%s", ec2_service_info(o->service)->name, o->name);
            if (!strcmp(action, name))
                return true;
        }
    return false;
}

static void test_table(void **state)
{
    (void)state;
    assert_true(cloud_action_count() > CLOUD_BOUNDS_COUNT);
    for (size_t i = 0; i < cloud_action_count(); i++) {
        const struct cloud_action *action = cloud_action_at(i);
        const struct cloud_action *before = i ? cloud_action_at(i - 1) : NULL;
        if (!known(action->name))
            fail_msg("%s: no binding calls it", action->name);
        if (before &&
            (before->bounds > action->bounds ||
             (before->bounds == action->bounds && strcmp(before->name, action->name) >= 0)))
            fail_msg("%s is not in its place", action->name);
    }
}

static bool bound_to_ours(enum cloud_bounds bounds)
{
    return bounds == CLOUD_CHANGE || bounds == CLOUD_SCHEDULE || bounds == CLOUD_IMPORT_END ||
           bounds == CLOUD_OBJECTS || bounds == CLOUD_NOTE;
}

/* Nothing is changed or ended that has not our tag, or our prefix. */
static void test_ends_ours_alone(void **state)
{
    static const char *const verbs[] = {"Delete",       "Terminate", "Deregister", "Release",
                                        "Disassociate", "Modify",    "Authorize",  "Put",
                                        "Cancel",       "Abort"};
    (void)state;
    for (size_t i = 0; i < cloud_action_count(); i++) {
        const struct cloud_action *action = cloud_action_at(i);
        const char *verb = strchr(action->name, ':') + 1;
        for (size_t k = 0; k < MIR_NELEMS(verbs); k++)
            if (!strncmp(verb, verbs[k], strlen(verbs[k])) && !bound_to_ours(action->bounds))
                fail_msg("%s is not bound to what is ours", action->name);
    }
}

static const char *condition(json_t *statement, const char *operator, const char * key)
{
    json_t *test = json_object_get(json_object_get(statement, "Condition"), operator);
    const char *value = json_string_value(json_object_get(test, key));
    return value ? value : "";
}

static void test_bounds(void **state)
{
    (void)state;
    json_t *document = cloud_policy(NULL);
    json_t *list = json_object_get(json_object_get(document, "policy"), "Statement");
    assert_int_equal(json_array_size(list), CLOUD_IMPORT_LOOK);
    for (size_t i = 0; i < CLOUD_IMPORT_LOOK; i++) {
        json_t *one = json_array_get(list, i);
        assert_string_equal(json_string_value(json_object_get(one, "Effect")), "Allow");
        assert_true(json_array_size(json_object_get(one, "Action")) > 0);
        assert_true(json_array_size(json_object_get(one, "Resource")) > 0);
    }
    assert_string_equal(condition(json_array_get(list, CLOUD_MAKE), "Null",
                                  "aws:RequestTag/mirage-deploy:installation"),
                        "false");
    assert_string_equal(condition(json_array_get(list, CLOUD_CHANGE), "Null",
                                  "aws:ResourceTag/mirage-deploy:installation"),
                        "false");
    assert_string_equal(
        condition(json_array_get(list, CLOUD_PASS_ROLE), "StringEquals", "iam:PassedToService"),
        "scheduler.amazonaws.com");
    json_decref(document);
}

/* The role is the one that may be passed, may be taken by the scheduler alone, and ends ours alone.
 */
static void test_role(void **state)
{
    (void)state;
    json_t *document = cloud_policy(NULL);
    json_t *role = json_object_get(document, "role");
    json_t *list = json_object_get(json_object_get(document, "policy"), "Statement");
    json_t *passed = json_object_get(json_array_get(list, CLOUD_PASS_ROLE), "Resource");
    json_t *trust = json_array_get(json_object_get(json_object_get(role, "trust"), "Statement"), 0);
    json_t *may = json_array_get(json_object_get(json_object_get(role, "policy"), "Statement"), 0);
    mir_auto_free char *arn =
        mir_format("arn:aws:iam::*:role/%s", json_string_value(json_object_get(role, "name")));
    assert_string_equal(json_string_value(json_array_get(passed, 0)), arn);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(trust, "Principal"), "Service")),
        "scheduler.amazonaws.com");
    assert_string_equal(json_string_value(json_object_get(may, "Action")),
                        "ec2:TerminateInstances");
    assert_string_equal(condition(may, "Null", "aws:ResourceTag/mirage-deploy:installation"),
                        "false");
    json_decref(document);
}

static struct mir_config *configured(const char *dir, const char *text)
{
    struct mir_config *config = NULL;
    mir_auto_free char *path = mir_format("%s/config", dir);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(mir_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(mir_config_load_file(path, &config, NULL), 0);
    return config;
}

static const char *resource(json_t *list, enum cloud_bounds bounds)
{
    json_t *resources = json_object_get(json_array_get(list, bounds), "Resource");
    return json_string_value(json_array_get(resources, 0));
}

/* A bucket adds what is for it alone, and the role that reads it; nothing else changes. */
static void test_bucket(void **state)
{
    struct mir_config *config = configured(*state, "[ec2]\nbucket = heap\nimport_role = reader\n");
    json_t *document = cloud_policy(config), *plain = cloud_policy(NULL);
    json_t *list = json_object_get(json_object_get(document, "policy"), "Statement");
    json_t *fewer = json_object_get(json_object_get(plain, "policy"), "Statement");
    json_t *role = json_object_get(document, "import_role");
    assert_int_equal(json_array_size(list), CLOUD_BOUNDS_COUNT);
    for (size_t i = 0; i < json_array_size(fewer); i++)
        assert_true(json_equal(json_array_get(list, i), json_array_get(fewer, i)));
    assert_string_equal(resource(list, CLOUD_BUCKET), "arn:aws:s3:::heap");
    assert_string_equal(resource(list, CLOUD_OBJECTS), "arn:aws:s3:::heap/mirage-deploy/*");
    assert_string_equal(
        condition(json_array_get(list, CLOUD_IMPORT_ADOPT), "ArnLike", "ec2:ParentVolume"),
        "arn:aws:ec2:*:*:volume/vol-ffffffff");
    assert_string_equal(json_string_value(json_object_get(role, "name")), "reader");
    assert_null(json_object_get(plain, "import_role"));
    mir_auto_free char *text = mir_json_text(json_object_get(document, "policy"));
    assert_true(strlen(text) < MANAGED_POLICY_MAX);
    json_decref(document);
    json_decref(plain);
    mir_config_free(config);
}

/* Whoever goes through the bucket alone needs nothing of EBS direct. */
static void test_not_direct(void **state)
{
    struct mir_config *config = configured(*state, "[ec2]\nbucket = heap\nupload = s3\n");
    json_t *document = cloud_policy(config), *plain = cloud_policy(NULL);
    mir_auto_free char *with = mir_json_text(document), *without = mir_json_text(plain);
    assert_null(strstr(with, "ebs:"));
    assert_non_null(strstr(without, "ebs:"));
    json_decref(document);
    json_decref(plain);
    mir_config_free(config);
}

/* Bundles need objects that EC2 may read, and nothing of snapshots but the end of old ones. */
static void test_bundle(void **state)
{
    static const char *const without[] = {"ebs:",  "Import",    "s3:GetObject\"",
                                          "Abort", "Multipart", "import_role"};
    struct mir_config *config = configured(*state, "[ec2]\nbucket = heap\nupload = bundle\n");
    json_t *document = cloud_policy(config);
    json_t *list = json_object_get(json_object_get(document, "policy"), "Statement");
    json_t *make_from = json_object_get(json_array_get(list, CLOUD_MAKE_FROM), "Action");
    mir_auto_free char *text = mir_json_text(document);
    for (size_t i = 0; i < MIR_NELEMS(without); i++)
        if (strstr(text, without[i]))
            fail_msg("%s is not needed", without[i]);
    assert_non_null(strstr(text, "s3:PutObjectAcl"));
    assert_non_null(strstr(text, "ec2:DeleteSnapshot"));
    assert_int_equal(json_array_size(make_from), 1); /* images are made of no snapshot */
    assert_true(cloud_action_used("s3:PutObjectAcl", CLOUD_BY_BUNDLE));
    assert_false(cloud_action_used("s3:PutObjectAcl", CLOUD_BY_IMPORT));
    assert_false(cloud_action_used("ec2:ImportSnapshot", CLOUD_BY_BUNDLE));
    json_decref(document);
    mir_config_free(config);
}

static void test_fits_and_stays(void **state)
{
    (void)state;
    json_t *a = cloud_policy(NULL), *b = cloud_policy(NULL);
    mir_auto_free char *text = mir_json_text(json_object_get(a, "policy"));
    assert_true(json_equal(a, b));
    assert_true(strlen(text) < MANAGED_POLICY_MAX);
    json_decref(a);
    json_decref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_ends_ours_alone),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_role),
        cmocka_unit_test(test_fits_and_stays),
        cmocka_unit_test_setup_teardown(test_bucket, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_not_direct, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_bundle, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
