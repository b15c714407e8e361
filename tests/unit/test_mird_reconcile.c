/* SPDX-License-Identifier: ISC */
/* A lease that is in the store and in nobody's hands: its write failed, for all that the engine
 * heard, and was done all the same. */
#include "mird_house.h"

/* As a deploy or an adoption leaves it whose commit said no and whose row could not be read. */
static struct mird_deployment written_unheard(struct house *h, const char *name, int64_t ttl_s)
{
    struct mird_operation op = {.kind = "deploy"};
    struct mird_deployment d = {.created_s = mir_now_s(mir_clock_system()), .goal_over = true};
    bool replayed;
    d.deadline_s = d.created_s + ttl_s;
    d.last_create_ms = d.created_s * 1000;
    d.steps[MIRD_STEP_IMAGE] = MIRD_DONE;
    d.steps[MIRD_STEP_INSTANCE] = MIRD_INTENT;
    mir_id_new(h->core.random, d.id);
    mir_id_new(h->core.random, op.id);
    mir_copy(d.name, sizeof d.name, name);
    mir_copy(d.provider, sizeof d.provider, "fake");
    mir_copy(op.deployment, sizeof op.deployment, d.id);
    assert_int_equal(
        mird_store_deployment_add(h->core.store, &d, &op, NULL, "", "", &replayed, NULL), 0);
    return d;
}

static void put_instance(struct house *h, const struct mird_deployment *d)
{
    struct mir_tags tags = {.expires_s = d->deadline_s};
    mir_copy(tags.installation, sizeof tags.installation, h->core.identity.installation);
    mir_copy(tags.deployment, sizeof tags.deployment, d->id);
    mir_tags_sign(&tags, h->core.identity.tag_key);
    pthread_mutex_lock(&cloud.lock);
    put_row(&tags);
    pthread_mutex_unlock(&cloud.lock);
}

/* The sweeper's first round looks as well; what the tests ask comes after it. */
static void wait_first_round(struct house *h)
{
    bool done = false;
    for (int i = 0; i < 1000 && !done; i++) {
        usleep(10000);
        pthread_mutex_lock(&h->core.engine->deploy_lock);
        done = h->core.engine->count_again_ms > 0;
        pthread_mutex_unlock(&h->core.engine->deploy_lock);
    }
    assert_true(done);
}

static void test_missed(void **state)
{
    struct house *h = *state;
    wait_first_round(h);
    struct mird_deployment d = written_unheard(h, "unheard", 2);
    put_instance(h, &d);
    assert_int_equal(mird_sweep_once(h->core.engine, h->core.providers[0], NULL), 0);
    assert_int_equal(alive(), 1); /* recorded, so no sweep ends it */
    assert_null(mird_entry_find(h->core.engine, d.id));
    mird_reconcile_again(h->core.engine);
    assert_int_equal(wait_state(h, d.id, MIRD_GONE).end_reason, MIRD_END_DEADLINE);
    assert_int_equal(alive(), 0);
}

/* Those in the table stay what they are. */
static void test_others(void **state)
{
    struct house *h = *state;
    wait_first_round(h);
    struct mird_deployment d, lost;
    struct mird_request r = request(h, "mine", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    mird_reconcile_again(h->core.engine);
    lost = written_unheard(h, "lost", 600);
    put_instance(h, &lost);
    mird_reconcile_again(h->core.engine);
    mird_reconcile_again(h->core.engine);
    wait_state(h, lost.id, MIRD_RUNNING);
    assert_int_equal(creates(), 1);
    assert_int_equal(alive(), 2);
    assert_int_equal(h->core.engine->entry_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
