/* SPDX-License-Identifier: ISC */
/* The decisions about what a listing shows: with a new store, and with none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/round.h"

static struct mir_instance running(void)
{
    struct mir_instance found = {.state = MIR_INSTANCE_RUNNING, .tags.expires_s = 1000};
    mir_copy(found.tags.installation, sizeof found.tags.installation, "ours");
    mir_copy(found.tags.deployment, sizeof found.tags.deployment, "id");
    return found;
}

/* A new store cannot know what is within its lease: that alone is taken up. */
static void test_rebuilding(void **state)
{
    (void)state;
    struct mir_instance found = running();
    struct mird_deployment d = {.deadline_s = 1000};
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", NULL, 999), MIRD_ADOPT);
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", NULL, 1000), MIRD_END);
    assert_int_equal(mird_sweep_judge_rebuilding(&found, false, "ours", NULL, 999), MIRD_FOREIGN);
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "theirs", NULL, 999), MIRD_FOREIGN);
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", &d, 999), MIRD_KEEP);
    found.state = MIR_INSTANCE_ENDED;
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", NULL, 999), MIRD_END);
    found.state = MIR_INSTANCE_RUNNING;
    d.finished_s = 5; /* recorded as gone is known */
    assert_int_equal(mird_sweep_judge_rebuilding(&found, true, "ours", &d, 999), MIRD_END);
}

static void test_reap(void **state)
{
    (void)state;
    struct mir_instance found = running();
    assert_int_equal(mird_reap_judge(&found, true, "ours", 999, 0), MIRD_KEEP);
    assert_int_equal(mird_reap_judge(&found, true, "ours", 1000, 0), MIRD_END);
    assert_int_equal(mird_reap_judge(&found, true, "ours", 1004, 5), MIRD_KEEP);
    assert_int_equal(mird_reap_judge(&found, true, "ours", 1005, 5), MIRD_END);
    assert_int_equal(mird_reap_grace_s(0), 5);
    assert_int_equal(mird_reap_grace_s(20), 25);
    assert_int_equal(mird_reap_grace_s(300), 60); /* EC2: within the minute that is promised */
    assert_int_equal(mird_reap_judge(&found, false, "ours", 2000, 0), MIRD_FOREIGN);
    assert_int_equal(mird_reap_judge(&found, true, "theirs", 2000, 0), MIRD_FOREIGN);
    found.tags.deployment[0] = '\0';
    assert_int_equal(mird_reap_judge(&found, true, "ours", 2000, 0), MIRD_FOREIGN);
}

/* What a listing shows of a lease: by kind, id, installation and a signature of ours. */
static void test_shows(void **state)
{
    (void)state;
    struct mir_instance found = running();
    assert_true(mird_shows(&found, MIR_OBJECT_INSTANCE, "id", true, "ours"));
    assert_false(mird_shows(&found, MIR_OBJECT_INSTANCE, "id", false, "ours"));
    assert_false(mird_shows(&found, MIR_OBJECT_INSTANCE, "id", true, "theirs"));
    assert_false(mird_shows(&found, MIR_OBJECT_INSTANCE, "di", true, "ours"));
    assert_false(mird_shows(&found, MIR_OBJECT_IMAGE, "id", true, "ours"));
}

/* --- a round --- */

static struct {
    int known, adopt_fails;
    unsigned asked, adopted, ended, forged;
    bool ended_known;
    struct mird_deployment record;
} seen;

static int known(void *ctx, const char *id, const struct mird_deployment **ret)
{
    seen.asked++;
    assert_string_equal(id, "id");
    *ret = &seen.record;
    return seen.known;
}

static int adopt(void *ctx, const struct mir_instance *found)
{
    seen.adopted++;
    return -seen.adopt_fails;
}

static void end(void *ctx, const struct mir_instance *found, bool is_known)
{
    seen.ended++;
    seen.ended_known = is_known;
}

static void forged(void *ctx, const struct mir_instance *found)
{
    seen.forged++;
}

static const struct mird_round_ops ops = {
    .known = known, .adopt = adopt, .end = end, .forged = forged};

static void judge(struct mird_round *round, bool verified, int what_is_known)
{
    const struct mir_instance found = running();
    memset(&seen, 0, sizeof seen);
    seen.known = what_is_known;
    mird_round_judge(round, &found, verified, 999, &ops, NULL);
}

static void test_round(void **state)
{
    (void)state;
    struct mird_round round = {.installation = "ours"};
    judge(&round, false, 1); /* never touched, and nobody is asked about it */
    assert_int_equal(seen.forged, 1);
    assert_int_equal(seen.asked + seen.ended + seen.adopted, 0);
    assert_int_equal(mird_round_pause_ms(&round, false, 60000), 60000);
    assert_int_equal(mird_round_pause_ms(&round, true, 60000), MIRD_SWEEP_AGAIN_S * 1000);
    assert_int_equal(mird_round_pause_ms(&round, true, 2000), 2000);
    judge(&round, true, 1);
    assert_int_equal(seen.ended, 0);
    judge(&round, true, 0);
    assert_int_equal(seen.ended, 1);
    assert_false(seen.ended_known);
    assert_int_equal(mird_round_pause_ms(&round, false, 60000), MIRD_SWEEP_AGAIN_S * 1000);
    round = (struct mird_round){.installation = "ours"};
    judge(&round, true, -1); /* it cannot tell now: not "no" */
    assert_int_equal(seen.ended, 0);
    assert_true(round.incomplete);
}

static void test_round_rebuilding(void **state)
{
    (void)state;
    struct mird_round round = {.installation = "ours", .rebuilding = true};
    judge(&round, true, 0);
    assert_int_equal(seen.adopted, 1);
    assert_true(mird_round_rebuilt(&round, true));
    assert_false(mird_round_rebuilt(&round, false));
    const struct mir_instance found = running();
    seen.adopt_fails = 1;
    mird_round_judge(&round, &found, true, 999, &ops, NULL);
    assert_false(mird_round_rebuilt(&round, true));
    /* Past its deadline, and nobody is served yet: it is left for the first real round. */
    round.adopt_only = true;
    seen.ended = 0;
    mird_round_judge(&round, &found, true, 1000, &ops, NULL);
    assert_int_equal(seen.ended, 0);
    round.adopt_only = false;
    mird_round_judge(&round, &found, true, 1000, &ops, NULL);
    assert_int_equal(seen.ended, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebuilding),
        cmocka_unit_test(test_reap),
        cmocka_unit_test(test_shows),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_round_rebuilding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
