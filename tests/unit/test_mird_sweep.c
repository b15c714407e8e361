/* SPDX-License-Identifier: ISC */
/* The decisions about what a listing shows: with a new store, and with none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/lease.h"

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
    assert_int_equal(mird_reap_judge(&found, false, "ours", 2000, 0), MIRD_FOREIGN);
    assert_int_equal(mird_reap_judge(&found, true, "theirs", 2000, 0), MIRD_FOREIGN);
    found.tags.deployment[0] = '\0';
    assert_int_equal(mird_reap_judge(&found, true, "ours", 2000, 0), MIRD_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rebuilding),
        cmocka_unit_test(test_reap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
