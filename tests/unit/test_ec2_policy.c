/* SPDX-License-Identifier: ISC */
/* The table of what has to be allowed, and the documents that are made of it. That it is enough,
 * and not too much, tests/e2e/ec2_policy.py shows. */
#include "policy.h"

#include "api/json.h"
#include "operations.h"
#include "scratch.h"

#define MANAGED_POLICY_MAX 6144 /* characters without white space: a quota of IAM */

/* The two calls of EBS direct that no table describes, and what is asked for by another call. */
static bool known(const char *action)
{
    static const char *const others[] = {"ebs:PutSnapshotBlock", "ebs:CompleteSnapshot",
                                         "iam:PassRole"};
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

/* Nothing is changed or ended that has not our tag. */
static void test_ends_ours_alone(void **state)
{
    static const char *const verbs[] = {"Delete",       "Terminate", "Deregister", "Release",
                                        "Disassociate", "Modify",    "Authorize",  "Put"};
    (void)state;
    for (size_t i = 0; i < cloud_action_count(); i++) {
        const struct cloud_action *action = cloud_action_at(i);
        const char *verb = strchr(action->name, ':') + 1;
        for (size_t k = 0; k < MIR_NELEMS(verbs); k++)
            if (!strncmp(verb, verbs[k], strlen(verbs[k])) && action->bounds != CLOUD_CHANGE &&
                action->bounds != CLOUD_SCHEDULE && action->bounds != CLOUD_NOTE)
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
    json_t *document = cloud_policy();
    json_t *list = json_object_get(json_object_get(document, "policy"), "Statement");
    assert_int_equal(json_array_size(list), CLOUD_BOUNDS_COUNT);
    for (size_t i = 0; i < CLOUD_BOUNDS_COUNT; i++) {
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
    json_t *document = cloud_policy();
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

static void test_fits_and_stays(void **state)
{
    (void)state;
    json_t *a = cloud_policy(), *b = cloud_policy();
    mir_auto_free char *text = mir_json_text(json_object_get(a, "policy"));
    assert_true(json_equal(a, b));
    assert_true(strlen(text) < MANAGED_POLICY_MAX);
    json_decref(a);
    json_decref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_ends_ours_alone),
        cmocka_unit_test(test_bounds),         cmocka_unit_test(test_role),
        cmocka_unit_test(test_fits_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
