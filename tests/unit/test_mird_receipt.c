/* SPDX-License-Identifier: ISC */
/* Receipts: they say what was asked and answered, no more, and stay as they were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "daemon/lease.h"
#include "mird_meddle.h"

#define T0 INT64_C(1800000000000)

static const struct mird_rules rules = {.settle_ms = 30000,
                                        .backoff_min_ms = 50,
                                        .backoff_max_ms = 2000,
                                        .tries_max = 3,
                                        .live_timeout_ms = 60000};

static struct mird_deployment make(void)
{
    struct mird_deployment d = {.created_s = T0 / 1000, .deadline_s = T0 / 1000 + 3600};
    mir_id_new(mir_random_system(), d.id);
    mir_id_new(mir_random_system(), d.token);
    mir_copy(d.name, sizeof d.name, "hello");
    mir_copy(d.provider, sizeof d.provider, "ec2");
    memset(d.kernel, 'a', 64);
    return d;
}

static void feed(struct mird_deployment *d, struct mird_input in, int64_t now_ms)
{
    enum mird_weight weight;
    assert_int_equal(mird_lease_apply(d, &rules, &in, now_ms, &weight, NULL), 0);
}

static struct mir_instance instance(void)
{
    struct mir_instance i = {.id = "i-1",
                             .state = MIR_INSTANCE_RUNNING,
                             .address = "192.0.2.7",
                             .port_count = 2,
                             .object_count = 1};
    i.ports[0] = (struct mir_port){.host_port = 40001, .guest_port = 80};
    i.ports[1] = (struct mir_port){.address = "::1", .host_port = 40002, .guest_port = 443};
    i.objects[0] = (struct mir_object){"volume", "vol-1"};
    return i;
}

static void launch(struct mird_deployment *d, int64_t at_ms)
{
    struct mir_instance i = instance();
    feed(d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, at_ms);
    feed(d, (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_INSTANCE, .instance = &i},
         at_ms + 500);
}

/* Ticks until nothing is left to do but what the caller feeds. */
static void tick(struct mird_deployment *d, int64_t at_ms)
{
    while (mird_lease_next(d, &rules, at_ms).kind == MIRD_ACT_TICK)
        feed(d, (struct mird_input){.kind = MIRD_IN_TICK}, at_ms);
    for (int k = 0; k < MIRD_STEP_COUNT; k++)
        if (k != MIRD_STEP_INSTANCE && (k != MIRD_STEP_IMAGE || !*d->image_id) &&
            d->steps[k] != MIRD_UNDONE)
            feed(d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = (enum mird_step_kind)k},
                 at_ms);
    while (mird_lease_next(d, &rules, at_ms).kind == MIRD_ACT_TICK)
        feed(d, (struct mird_input){.kind = MIRD_IN_TICK}, at_ms);
}

static void undo(struct mird_deployment *d, enum mird_step_kind step, int64_t at_ms)
{
    feed(d, (struct mird_input){.kind = MIRD_IN_UNDONE, .step = step, .asked_ms = at_ms},
         at_ms + 20);
}

static void step_absent(struct mird_deployment *d, enum mird_step_kind step, int64_t at_ms)
{
    feed(d,
         (struct mird_input){.kind = MIRD_IN_ABSENT,
                             .step = step,
                             .asked_ms = at_ms,
                             .listed_ms = at_ms + 5,
                             .listed = 17},
         at_ms + 10);
}

static void absent(struct mird_deployment *d, int64_t at_ms)
{
    step_absent(d, MIRD_STEP_INSTANCE, at_ms);
}

static json_t *receipt(const struct mird_deployment *d)
{
    char sha256[MIR_SHA256_TEXT], hex[MIR_SHA256_TEXT];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    mir_auto_free char *text = mird_receipt_text(d, sha256);
    EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL);
    mir_hex(digest, 32, hex);
    assert_string_equal(sha256, hex);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    /* Canonical: whoever sorts and packs it gets the same bytes. */
    mir_auto_free char *again = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(again, text);
    return json;
}

static const char *text_at(const json_t *json, const char *field)
{
    const json_t *value = json_object_get(json, field);
    return json_is_string(value) ? json_string_value(value) : "";
}

static const json_t *object(const json_t *doc, size_t i)
{
    return json_array_get(json_object_get(doc, "objects"), i);
}

/* A whole life, with one delete that failed and one that came to nothing at first. */
static void test_gone(void **state)
{
    struct mird_deployment d = make();
    struct mir_error lost = {.kind = MIR_UNAVAILABLE, .outcome = MIR_OUTCOME_UNKNOWN};
    struct mir_error unsent = {.kind = MIR_UNAVAILABLE, .outcome = MIR_DID_NOT_HAPPEN};
    struct mir_instance late = instance();
    late.state = MIR_INSTANCE_STOPPING;
    late.objects[0] = (struct mir_object){"volume", "vol-2"};
    (void)state;
    launch(&d, T0 + 1000);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE, .who = "alice"}, T0 + 60000);
    struct mird_input failed = {.kind = MIRD_IN_UNDO_FAILED, .step = MIRD_STEP_INSTANCE};
    failed.error = &unsent;
    failed.asked_ms = T0 + 60100;
    feed(&d, failed, T0 + 60150);
    failed.error = &lost;
    failed.asked_ms = T0 + 61000;
    feed(&d, failed, T0 + 61100);
    undo(&d, MIRD_STEP_INSTANCE, T0 + 62000);
    feed(&d,
         (struct mird_input){.kind = MIRD_IN_STILL_THERE,
                             .step = MIRD_STEP_INSTANCE,
                             .instance = &late,
                             .asked_ms = T0 + 63000,
                             .listed_ms = T0 + 63001},
         T0 + 63010);
    absent(&d, T0 + 70000);
    tick(&d, T0 + 70100);
    assert_true(d.finished_s);
    json_t *doc = receipt(&d);
    assert_string_equal(text_at(doc, "state"), "gone");
    assert_string_equal(text_at(doc, "ended_by"), "alice");
    const json_t *sent = json_object_get(doc, "instance_end");
    assert_string_equal(text_at(sent, "settled_at"), "2027-01-15T08:00:31.500Z");
    assert_int_equal(json_integer_value(json_object_get(sent, "deletes_sent")), 2);
    assert_true(json_is_null(json_object_get(doc, "image_end")));
    assert_string_equal(text_at(sent, "first_sent_at"), "2027-01-15T08:01:01.000Z");
    assert_string_equal(text_at(sent, "accepted_at"), "2027-01-15T08:01:02.020Z");
    /* instance, address, two ports, and both volumes. */
    assert_int_equal(json_array_size(json_object_get(doc, "objects")), 6);
    assert_string_equal(text_at(object(doc, 0), "id"), "i-1");
    assert_string_equal(text_at(object(doc, 0), "token"), d.id);
    assert_string_equal(text_at(object(doc, 0), "shown_by"), "create");
    assert_string_equal(text_at(object(doc, 0), "shown_at"), "2027-01-15T08:00:01.500Z");
    assert_string_equal(text_at(object(doc, 0), "gone_at"), "2027-01-15T08:01:10.010Z");
    assert_string_equal(text_at(object(doc, 2), "id"), "127.0.0.1:40001->80");
    assert_string_equal(text_at(object(doc, 3), "id"), "[::1]:40002->443");
    assert_string_equal(text_at(object(doc, 4), "id"), "vol-1");
    assert_string_equal(text_at(object(doc, 5), "id"), "vol-2");
    assert_string_equal(text_at(object(doc, 5), "shown_by"), "listing");
    const json_t *evidence = json_object_get(sent, "evidence");
    assert_int_equal(json_array_size(evidence), 2);
    assert_string_equal(text_at(json_array_get(evidence, 0), "asked_at"),
                        "2027-01-15T08:01:10.000Z");
    assert_string_equal(text_at(json_array_get(evidence, 1), "asked_at"),
                        "2027-01-15T08:01:10.005Z");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(evidence, 1), "listed")),
                     17);
    json_decref(doc);
}

/* An answer that came too early is no evidence, and leaves none. */
static void test_too_early(void **state)
{
    struct mird_deployment d = make();
    (void)state;
    launch(&d, T0 + 1000);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 2000);
    undo(&d, MIRD_STEP_INSTANCE, T0 + 2000);
    absent(&d, T0 + 3000);
    assert_int_equal(d.trail.instance.gone_ms, 0);
    assert_int_equal(d.trail.instance.get_ms, 0);
    absent(&d, T0 + 32000);
    assert_int_equal(d.trail.instance.get_ms, T0 + 32000);
}

/* Nothing was ever asked for: the receipt claims no question either. */
static void test_never_asked(void **state)
{
    struct mird_deployment d = make();
    (void)state;
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 2000);
    tick(&d, T0 + 2100);
    assert_true(d.finished_s);
    json_t *doc = receipt(&d);
    assert_true(json_is_false(json_object_get(doc, "asked_for")));
    assert_int_equal(json_array_size(json_object_get(doc, "objects")), 0);
    assert_true(json_is_null(json_object_get(doc, "instance_end")));
    assert_true(json_is_null(json_object_get(doc, "image_end")));
    json_decref(doc);
}

/* A launch without an answer: nothing was seen to exist, and yet it was looked for. */
static void test_failed(void **state)
{
    struct mird_deployment d = make();
    struct mir_error no = {.kind = MIR_POLICY, .text = "no such type"};
    (void)state;
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_INSTANCE}, T0);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REFUSED, .step = MIRD_STEP_INSTANCE, .error = &no},
         T0 + 100);
    undo(&d, MIRD_STEP_INSTANCE, T0 + 200);
    absent(&d, T0 + 31000);
    tick(&d, T0 + 31100);
    assert_true(d.finished_s);
    json_t *doc = receipt(&d);
    assert_string_equal(text_at(doc, "state"), "failed");
    assert_true(json_is_true(json_object_get(doc, "asked_for")));
    assert_int_equal(json_array_size(json_object_get(doc, "objects")), 0);
    const json_t *end = json_object_get(doc, "instance_end");
    assert_int_equal(json_array_size(json_object_get(end, "evidence")), 2);
    json_decref(doc);
}

/* An image is deleted and seen gone for itself, after the instance. */
static void test_image(void **state)
{
    struct mird_deployment d = make();
    (void)state;
    feed(&d, (struct mird_input){.kind = MIRD_IN_INTEND, .step = MIRD_STEP_IMAGE}, T0);
    feed(&d,
         (struct mird_input){.kind = MIRD_IN_DONE, .step = MIRD_STEP_IMAGE, .image_id = "ami-1"},
         T0 + 10);
    launch(&d, T0 + 1000);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE}, T0 + 60000);
    undo(&d, MIRD_STEP_INSTANCE, T0 + 60000);
    absent(&d, T0 + 61000);
    tick(&d, T0 + 61100);
    assert_false(d.finished_s);
    undo(&d, MIRD_STEP_IMAGE, T0 + 62000);
    tick(&d, T0 + 62100);
    assert_false(d.finished_s);
    step_absent(&d, MIRD_STEP_IMAGE, T0 + 62200);
    tick(&d, T0 + 62300);
    assert_true(d.finished_s);
    json_t *doc = receipt(&d);
    const json_t *image = object(doc, 0), *by = json_object_get(image, "gone_by");
    assert_string_equal(text_at(image, "kind"), "image");
    assert_string_equal(text_at(image, "token"), d.id);
    assert_string_equal(text_at(image, "gone_at"), "2027-01-15T08:01:02.210Z");
    assert_string_equal(json_string_value(json_array_get(by, 0)), "get");
    assert_int_equal(json_array_size(by), 2);
    json_decref(doc);
}

static void test_too_many(void **state)
{
    struct mird_deployment d = make();
    struct mir_instance found = instance();
    (void)state;
    launch(&d, T0);
    for (int i = 0; i < 40; i++) {
        snprintf(found.objects[0].id, sizeof found.objects[0].id, "vol-%d", 100 + i);
        feed(&d, (struct mird_input){.kind = MIRD_IN_LOOKED, .instance = &found}, T0 + 1000 + i);
    }
    assert_int_equal(d.trail.object_count, MIRD_OBJECTS_MAX);
    assert_true(d.trail.more);
}

/* Written with the end, once, and named in the audit log. */
static void test_kept(void **state)
{
    char dir[] = "/tmp/mird-receipt-XXXXXX", sha256[MIR_SHA256_TEXT];
    struct mird_store *store;
    struct mird_deployment d = make(), before, back;
    struct mird_operation op = {.kind = "deploy"};
    struct mird_news news;
    bool replayed;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mird_store_open(dir, &store, NULL), 0);
    mir_id_new(mir_random_system(), op.id);
    mir_copy(op.deployment, sizeof op.deployment, d.id);
    assert_int_equal(mird_store_deployment_add(store, &d, &op, NULL, "", "", &replayed, NULL), 0);
    before = d;
    launch(&d, T0);
    feed(&d, (struct mird_input){.kind = MIRD_IN_REMOVE, .who = "me"}, T0 + 60000);
    undo(&d, MIRD_STEP_INSTANCE, T0 + 60000);
    absent(&d, T0 + 61000);
    tick(&d, T0 + 61100);
    const struct mird_input tick_in = {.kind = MIRD_IN_TICK};
    mird_lease_news(&before, &d, &tick_in, T0 + 61100, &news);
    assert_null(mird_store_receipt(store, d.id, NULL));
    assert_int_equal(mird_store_deployment_commit(store, &d, &news, T0 + 61100, NULL), 0);
    /* A write that seemed to have failed, and comes again. */
    assert_int_equal(mird_store_deployment_commit(store, &d, &news, T0 + 61200, NULL), 0);
    mird_store_close(store);
    assert_int_equal(mird_meddle(dir, "DELETE FROM receipts"), SQLITE_CONSTRAINT);
    assert_int_equal(mird_meddle(dir, "UPDATE receipts SET document = '{}'"), SQLITE_CONSTRAINT);
    assert_int_equal(mird_store_open(dir, &store, NULL), 0);
    assert_int_equal(mird_store_deployment_get(store, d.id, &back, NULL), 0);
    assert_memory_equal(&back.trail, &d.trail, sizeof d.trail);
    mir_auto_free char *text = mird_receipt_text(&back, sha256);
    json_t *kept = mird_store_receipt(store, d.id, NULL);
    assert_string_equal(text_at(kept, "sha256"), sha256);
    json_object_del(kept, "sha256");
    mir_auto_free char *canonical = json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(canonical, text);
    json_decref(kept);
    json_t *rows = mird_store_audit(store, d.id, 0, 100, NULL);
    static const char *const whats[] = {"deploy",    "launched", "teardown", "delete",
                                        "seen-gone", "gone",     "receipt"};
    unsigned named = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (i < MIR_NELEMS(whats))
            assert_string_equal(text_at(json_array_get(rows, i), "what"), whats[i]);
        named += strstr(text_at(json_array_get(rows, i), "detail"), sha256) != NULL;
    }
    assert_int_equal(named, 1);
    json_decref(rows);
    struct mird_audit_check check;
    assert_int_equal(mird_store_audit_check_all(store, &check, NULL), 0);
    assert_string_equal(check.why, "");
    mird_store_close(store);
    assert_int_equal(mir_dir_remove_at(AT_FDCWD, dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone),        cmocka_unit_test(test_too_early),
        cmocka_unit_test(test_never_asked), cmocka_unit_test(test_failed),
        cmocka_unit_test(test_image),       cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
