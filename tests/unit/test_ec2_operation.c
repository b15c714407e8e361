/* SPDX-License-Identifier: ISC */
/* Calls that a table describes, where replays are not enough: pages that have no end or break off,
 * dry runs that were none, answers that deny themselves, and the tables as a whole. */
#include "ec2_server.h"

#include <signal.h>

#include "ec2/compute.h"
#include "operations.h"

#define PAGE(id, next)                                                                             \
    "HTTP/1.1 200 OK\n\n<DescribeVpcsResponse><vpcSet><item><vpcId>" id "</vpcId></item></vpcSet>" \
    "<nextToken>" next "</nextToken></DescribeVpcsResponse>"
#define REFUSED                                                                                    \
    "HTTP/1.1 400 X\n\n<Response><Errors><Error><Code>InvalidNextToken</Code></Error></Errors>"    \
    "</Response>"

struct page_case {
    const char *name;
    const char *answers[4];
    int rc;
    enum mir_kind kind;
    size_t count, requests;
};

static const struct page_case page_cases[] = {
    {"three pages", {PAGE("vpc-1", "a"), PAGE("vpc-2", "b"), PAGE("vpc-3", "")}, 0, MIR_OK, 3, 3},
    {"breaks off", {PAGE("vpc-1", "a"), REFUSED}, -1, MIR_USAGE, 0, 2},
    {"goes round", {PAGE("vpc-1", "a"), PAGE("vpc-2", "a")}, -1, MIR_CORRUPT, 0, 2},
    {"damaged, then whole",
     {PAGE("vpc-1", "a"), PAGE("", "b"), PAGE("vpc-2", "")},
     0,
     MIR_OK,
     2,
     3},
};

static void test_pages(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(page_cases); i++) {
        const struct page_case *c = &page_cases[i];
        struct test_world w;
        world_open(&w, c->answers);
        struct ec2_describe args = {0};
        struct ec2_vpcs found = {0};
        struct mir_error err = {0};
        int rc = ec2_describe_vpcs(w.session, &args, ec2_until(w.session, 60000), &found, &err);
        world_close(&w);
        if (rc != c->rc || err.kind != c->kind || found.count != c->count ||
            w.server.request_count != c->requests)
            fail_msg("%s: %d, %zu rows, %zu requests: %s", c->name, rc, found.count,
                     w.server.request_count, err.text);
        ec2_vpcs_clear(&found);
        world_free(&w);
    }
}

/* A listing replaces what the struct held, and a failed one does not. */
static void test_outputs(void **state)
{
    static const char *const answers[] = {PAGE("vpc-1", ""), PAGE("vpc-2", ""), REFUSED, NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_describe args = {0};
    struct ec2_vpcs found = {0};
    for (int i = 1; i <= 3; i++) {
        int rc = ec2_describe_vpcs(w.session, &args, ec2_until(w.session, 9000), &found, NULL);
        assert_int_equal(rc, i == 3 ? -1 : 0);
        assert_int_equal(found.count, 1);
        assert_string_equal(found.rows[0].id, i == 1 ? "vpc-1" : "vpc-2");
    }
    world_close(&w);
    ec2_vpcs_clear(&found);
    world_free(&w);
}

static void test_dry_run_that_was_none(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\n\n<DeleteVolumeResponse><return>true</return></DeleteVolumeResponse>",
        NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_target args = {.id = "vol-1", .dry_run = true};
    struct mir_error err = {0};
    assert_int_equal(ec2_delete_volume(w.session, &args, ec2_until(w.session, 9000), &err), -1);
    assert_int_equal(err.outcome, MIR_HAPPENED);
    world_close(&w);
    assert_non_null(strstr(script_body(w.server.requests[0]), "&DryRun=true"));
    world_free(&w);
}

/* What an answer said is given away when the call has failed all the same. */
static void test_failed_after_its_answer(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\n\n<ImportSnapshotResponse><importTaskId>import-snap-1</importTaskId>"
        "<snapshotTaskDetail><status>active</status></snapshotTaskDetail>"
        "<tagSet><item><key>a</key><value>b</value></item></tagSet></ImportSnapshotResponse>",
        NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_import args = {
        .format = "RAW", .bucket = "b", .key = "k", .client_token = "t", .dry_run = true};
    struct ec2_import_task task = {0};
    struct mir_error err = {0};
    int rc = ec2_import_snapshot(w.session, &args, ec2_until(w.session, 9000), &task, &err);
    world_close(&w);
    assert_int_equal(rc, -1);
    assert_int_equal(err.outcome, MIR_HAPPENED);
    assert_string_equal(task.id, "");
    assert_null(task.tags);
    world_free(&w);
}

static void test_answer_that_denies_itself(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\n\n<DeleteVolumeResponse><return>false</return></DeleteVolumeResponse>",
        NULL};
    struct test_world w;
    world_open(&w, answers);
    struct ec2_target args = {.id = "vol-1"};
    struct mir_error err = {0};
    assert_int_equal(ec2_delete_volume(w.session, &args, ec2_until(w.session, 9000), &err), -1);
    assert_int_equal(err.kind, MIR_FAILED);
    assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    world_close(&w);
    assert_int_equal(w.server.request_count, 1);
    world_free(&w);
}

static void test_what_is_refused_before_it_is_sent(void **state)
{
    static const char *const answers[] = {REFUSED, NULL};
    struct test_world w;
    world_open(&w, answers);
    int64_t until = ec2_until(w.session, 9000);
    struct mir_error err = {0};
    struct ec2_instances instances = {0};
    struct ec2_run run = {.count = 1, .image_id = "ami-1"};
    assert_int_equal(ec2_run_instances(w.session, &run, until, &instances, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    struct ec2_register image = {.name = "abc", .architecture = "x86_64", .virtualization = "hvm"};
    struct ec2_image_id id;
    assert_int_equal(ec2_register_image(w.session, &image, until, &id, &err), -1);
    struct ec2_import import = {.format = "RAW"};
    struct ec2_import_task task = {0};
    assert_int_equal(ec2_import_snapshot(w.session, &import, until, &task, &err), -1);
    struct ec2_target nothing = {.id = NULL};
    assert_int_equal(ec2_delete_snapshot(w.session, &nothing, until, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_string_equal(err.text, "DeleteSnapshot: SnapshotId is missing");
    world_close(&w);
    assert_int_equal(w.server.request_count, 0);
    world_free(&w);
}

/* Nothing is asked for in pages that could not be put together, no call is there twice, and what
 * has no token of its own is never repeated. */
static void test_tables(void **state)
{
    static const char *const once[] = {"AllocateAddress", "CreateSnapshot", "CreateKeyPair"};
    size_t count = 0, once_count = 0;
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++, count++) {
            assert_true(!o->page || (o->page_size && o->page_token && o->page_next && o->reads));
            assert_false(o->once && o->reads);
            once_count += o->once;
            for (size_t k = 0; ec2_operation_lists[k]; k++)
                for (const struct ec2_operation *p = ec2_operation_lists[k]; p->name; p++)
                    assert_true(p == o || strcmp(p->name, o->name) != 0);
            for (size_t k = 0; k < MIR_NELEMS(once); k++)
                assert_true(o->once || strcmp(o->name, once[k]) != 0);
        }
    assert_int_equal(once_count, MIR_NELEMS(once));
    assert_true(count > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_dry_run_that_was_none),
        cmocka_unit_test(test_failed_after_its_answer),
        cmocka_unit_test(test_answer_that_denies_itself),
        cmocka_unit_test(test_what_is_refused_before_it_is_sent),
        cmocka_unit_test(test_tables),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
