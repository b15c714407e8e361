/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include "api/retry.h"

static const struct mir_retry_rules plain = {0};

static struct mir_error failed(enum mir_kind kind, enum mir_retry retry, enum mir_outcome outcome)
{
    return (struct mir_error){.kind = kind, .retry = retry, .outcome = outcome};
}

static struct mir_retry_case of(const struct mir_error *err)
{
    return (struct mir_retry_case){
        .err = err, .repeatable = true, .left_ms = 3600000, .chance = 0.5};
}

static void test_three_attempts(void **state)
{
    struct mir_error err = failed(MIR_UNAVAILABLE, MIR_RETRY_SERVER, MIR_OUTCOME_UNKNOWN);
    struct mir_retry_case what = of(&err);
    struct mir_retry_state s = {0};
    struct mir_retry_quota q = {MIR_RETRY_QUOTA};
    assert_int_equal(mir_retry_next(&s, &plain, &q, &what), 500);
    assert_int_equal(mir_retry_next(&s, &plain, &q, &what), 1000);
    assert_int_equal(mir_retry_next(&s, &plain, &q, &what), -1);
    assert_int_equal(q.left, MIR_RETRY_QUOTA - 2 * MIR_RETRY_COST);
}

static void test_wait_doubles_up_to_its_most(void **state)
{
    struct mir_error err = failed(MIR_THROTTLED, MIR_RETRY_THROTTLED, MIR_DID_NOT_HAPPEN);
    struct mir_retry_case what = of(&err);
    what.chance = 0.999999;
    struct mir_retry_rules rules = {.attempts_max = 9};
    static const int64_t spans[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000};
    struct mir_retry_state s = {0};
    struct mir_retry_quota q = {MIR_RETRY_QUOTA};
    for (size_t i = 0; i < MIR_NELEMS(spans); i++) {
        int64_t wait = mir_retry_next(&s, &rules, &q, &what);
        assert_true(wait > spans[i] - 20 && wait <= spans[i]);
    }
    assert_int_equal(mir_retry_next(&s, &rules, &q, &what), -1);
}

static void test_what_the_server_asks_for(void **state)
{
    static const struct {
        int64_t asked, wait;
    } rows[] = {{0, 500}, {300, 500}, {4000, 4000}, {600000, 5500}};
    struct mir_error err = failed(MIR_THROTTLED, MIR_RETRY_THROTTLED, MIR_DID_NOT_HAPPEN);
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_retry_case what = of(&err);
        struct mir_retry_state s = {0};
        struct mir_retry_quota q = {MIR_RETRY_QUOTA};
        what.asked_ms = rows[i].asked;
        assert_int_equal(mir_retry_next(&s, &plain, &q, &what), rows[i].wait);
    }
}

static void test_never(void **state)
{
    struct mir_error final = failed(MIR_CREDENTIALS, MIR_RETRY_NEVER, MIR_DID_NOT_HAPPEN);
    struct mir_error lost = failed(MIR_TIMEOUT, MIR_RETRY_TRANSIENT, MIR_OUTCOME_UNKNOWN);
    struct mir_error clean = failed(MIR_THROTTLED, MIR_RETRY_THROTTLED, MIR_DID_NOT_HAPPEN);
    struct mir_retry_quota q = {MIR_RETRY_QUOTA};
    struct mir_retry_case cases[] = {of(&final), of(&lost), of(&clean)};
    cases[1].repeatable = false;
    cases[2].left_ms = 500; /* as long as the wait */
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        struct mir_retry_state s = {0};
        assert_int_equal(mir_retry_next(&s, &plain, &q, &cases[i]), -1);
    }
    assert_int_equal(q.left, MIR_RETRY_QUOTA);
    struct mir_retry_state s = {0};
    cases[2].repeatable = false; /* but it did not happen */
    cases[2].left_ms = 501;
    assert_int_equal(mir_retry_next(&s, &plain, &q, &cases[2]), 500);
}

static void test_quota(void **state)
{
    struct mir_error late = failed(MIR_TIMEOUT, MIR_RETRY_TRANSIENT, MIR_OUTCOME_UNKNOWN);
    struct mir_error sick = failed(MIR_UNAVAILABLE, MIR_RETRY_SERVER, MIR_OUTCOME_UNKNOWN);
    struct mir_retry_case what = of(&late), other = of(&sick);
    struct mir_retry_state s = {0}, t = {0}, u = {0}, first = {0};
    struct mir_retry_quota q = {17};
    assert_int_equal(mir_retry_next(&s, &plain, &q, &what), 500);
    assert_int_equal(q.left, 7);
    assert_int_equal(mir_retry_next(&t, &plain, &q, &what), -1); /* 10 are not there */
    assert_int_equal(mir_retry_next(&u, &plain, &q, &other), 500);
    assert_int_equal(q.left, 2);
    mir_retry_succeeded(&s, &q);
    assert_int_equal(q.left, 12);
    mir_retry_succeeded(&first, &q);
    assert_int_equal(q.left, 13);
    q.left = MIR_RETRY_QUOTA;
    mir_retry_succeeded(&s, &q);
    assert_int_equal(q.left, MIR_RETRY_QUOTA);
}

static void highest(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0xff, len);
}

/* One quota for all calls of a session; the random part is drawn for each. */
static void test_shared(void **state)
{
    static const struct mir_random random = {.bytes = highest};
    struct mir_error sick = failed(MIR_UNAVAILABLE, MIR_RETRY_SERVER, MIR_OUTCOME_UNKNOWN);
    struct mir_retry_case what = of(&sick);
    struct mir_retry_shared shared;
    struct mir_retry_state s = {0}, t = {0}, u = {0};
    mir_retry_shared_init(&shared, 2, &random);
    what.chance = 0;
    assert_int_equal(mir_retry_shared_next(&shared, &s, 0, &what), 999);
    assert_int_equal(mir_retry_shared_next(&shared, &s, 0, &what), -1); /* two attempts */
    assert_int_equal(mir_retry_shared_next(&shared, &t, 1, &what), -1); /* one, by its own rule */
    assert_int_equal(shared.quota.left, MIR_RETRY_QUOTA - MIR_RETRY_COST);
    shared.quota.left = MIR_RETRY_COST - 1;
    assert_int_equal(mir_retry_shared_next(&shared, &u, 0, &what), -1);
    mir_retry_shared_succeeded(&shared, &u);
    assert_int_equal(shared.quota.left, MIR_RETRY_COST);
    mir_retry_shared_clear(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_attempts),
        cmocka_unit_test(test_wait_doubles_up_to_its_most),
        cmocka_unit_test(test_what_the_server_asks_for),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
