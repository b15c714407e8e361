/* SPDX-License-Identifier: ISC */
/* When a document may be dropped, what is kept of it, and what a listing says meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/dormant.h"

#define T0 INT64_C(1800000000000)

static void test_may_rest(void **state)
{
    struct mird_held held = {.d = {.goal_over = true}};
    struct mird_drive drive = {0};
    held.d.steps[MIRD_STEP_INSTANCE] = held.d.steps[MIRD_STEP_HOOKS] = MIRD_DONE;
    assert_true(mird_may_rest(&held, &drive));
    held.dirty = true; /* the disk does not have what would be dropped */
    assert_false(mird_may_rest(&held, &drive));
    held.dirty = false;
    drive.intended = true;
    assert_false(mird_may_rest(&held, &drive));
    drive.intended = false;
    held.d.hooks_stale = true;
    assert_false(mird_may_rest(&held, &drive));
}

/* Never earlier than it was: a settling time would look over. */
static void test_created(void **state)
{
    struct mird_deployment d = {.last_create_ms = T0 - 5300};
    assert_int_equal(mird_rest_created_s(&d, T0, 100000), 95);
    assert_int_equal(mird_rest_created_ms(95, T0, 100000), T0 - 5000);
    /* A clock that was set meanwhile moves it along: as long ago as it was. */
    assert_int_equal(mird_rest_created_ms(95, T0 + 3600000, 101000), T0 + 3600000 - 6000);
    d.last_create_ms = T0 - 200000; /* before the machine began */
    assert_int_equal(mird_rest_created_s(&d, T0, 100000), 1);
    d.last_create_ms = T0 + 1000; /* by a clock that was ahead */
    assert_int_equal(mird_rest_created_s(&d, T0, 100000), 101);
    d.last_create_ms = 0;
    assert_int_equal(mird_rest_created_s(&d, T0, 100000), 0);
}

static void test_shown(void **state)
{
    struct mir_instance found = {.state = MIR_INSTANCE_RUNNING};
    assert_int_equal(mird_rest_shown(&found), MIRD_REST_KEEPS);
    found.state = MIR_INSTANCE_STARTING;
    assert_int_equal(mird_rest_shown(&found), MIRD_REST_KEEPS);
    found.state = MIR_INSTANCE_ENDED;
    assert_int_equal(mird_rest_shown(&found), MIRD_REST_WAKES);
    found.kind = MIR_OBJECT_IMAGE;
    assert_int_equal(mird_rest_shown(&found), MIRD_REST_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_rest),
        cmocka_unit_test(test_created),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
