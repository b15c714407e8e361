/* SPDX-License-Identifier: ISC */
/* Copies of disks that are there for a proof alone: they go with the deployment that boots them,
 * whoever ends it and however soon. */
#include "mird_house.h"

#define BOOT "prove-boot"
#define ROUNDS 20

/* As a proof does it: the note, then the copy (the house's kernel), then what boots it. */
static struct mird_deployment boot(struct house *h)
{
    struct mird_deployment d;
    struct mir_error err = {0};
    struct mird_request r = request(h, BOOT, 600);
    if (mird_proof_copy_note(h->core.engine, h->kernel.sha256, BOOT, &err))
        fail_msg("%s", err.text);
    wait_operation(h, deploy(h, &r, &d).id);
    return d;
}

static void remove_it(struct house *h)
{
    struct mird_deployment d;
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, BOOT, "tester", &d, &op, NULL), 0);
}

static bool there(const struct house *h, const char *folder)
{
    mir_auto_free char *path = mir_format("%s/%s/%s", h->dir, folder, h->kernel.sha256);
    return !access(path, F_OK);
}

static void wait_until_removed(const struct house *h)
{
    for (int i = 0; i < 2000; i++) {
        if (!there(h, "kernels") && !there(h, "proofs"))
            return;
        usleep(5000);
    }
    fail_msg("10 s later there is still %s", there(h, "kernels") ? "the copy" : "its note");
}

static void put_copy_again(struct house *h)
{
    mir_auto_free char *path = mir_format("%s/kernels/%s", h->dir, h->kernel.sha256);
    write_text(path, "abcd");
    assert_int_equal(mird_store_kernel_put(h->core.store, &h->kernel, 1, NULL), 0);
}

/* Nothing else ends in the next daemon that could remind it. */
static void test_of_a_daemon_that_died(void **state)
{
    struct house *h = *state;
    struct mird_deployment d = boot(h);
    stop(h);
    assert_true(there(h, "kernels") && there(h, "proofs"));
    start(h);
    assert_int_equal(wait_state(h, d.id, MIRD_GONE).end_reason, MIRD_END_REMOVED);
    wait_until_removed(h);
    assert_int_equal(mird_store_kernel_get(h->core.store, h->kernel.sha256, &h->kernel, NULL), -1);
}

/* The proof is over at any moment of its boot's teardown. */
static void test_of_a_proof_that_does_not_wait(void **state)
{
    struct house *h = *state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        mird_proof_enter(h->core.engine);
        struct mird_deployment d = boot(h);
        pthread_mutex_lock(&cloud.lock);
        cloud.delete_ignored = i % 2; /* some go at once, some after another look */
        pthread_mutex_unlock(&cloud.lock);
        remove_it(h);
        usleep(i * 500);
        mird_proof_leave(h->core.engine);
        wait_state(h, d.id, MIRD_GONE);
        wait_until_removed(h);
        put_copy_again(h);
    }
}

/* Another proof goes on: it may be of the same disk. */
static void test_while_another_goes_on(void **state)
{
    struct house *h = *state;
    mird_proof_enter(h->core.engine);
    mird_proof_enter(h->core.engine);
    struct mird_deployment d = boot(h);
    remove_it(h);
    wait_state(h, d.id, MIRD_GONE);
    mird_proof_leave(h->core.engine);
    usleep(100000);
    assert_true(there(h, "kernels") && there(h, "proofs"));
    mird_proof_leave(h->core.engine);
    wait_until_removed(h);
}

/* A user's deployment of the same bytes has begun meanwhile: the copy stays as long as that. */
static void test_that_somebody_uses(void **state)
{
    struct house *h = *state;
    struct mird_deployment used, d;
    struct mird_operation op;
    struct mird_request r = request(h, "used", 600);
    mird_proof_enter(h->core.engine);
    d = boot(h);
    wait_operation(h, deploy(h, &r, &used).id);
    remove_it(h);
    wait_state(h, d.id, MIRD_GONE);
    mird_proof_leave(h->core.engine);
    usleep(100000);
    assert_true(there(h, "kernels") && there(h, "proofs"));
    assert_int_equal(mird_engine_remove(h->core.engine, "used", "tester", &used, &op, NULL), 0);
    wait_until_removed(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_of_a_daemon_that_died), TEST(test_of_a_proof_that_does_not_wait),
        TEST(test_while_another_goes_on), TEST(test_that_somebody_uses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
