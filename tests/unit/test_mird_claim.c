/* SPDX-License-Identifier: ISC */
/* Somebody else's object says in its tags that it belongs to a lease of ours: it is told, it is
 * left alone, and the lease does not wait for it. */
#include "mird_house.h"

/* The tags of `id`, as whoever can read it but has no key would write them. */
static void add_claim(struct house *h, const char *id, const char *installation)
{
    struct mir_tags tags = {.expires_s = mir_now_s(mir_clock_system()) + 600};
    mir_copy(tags.installation, sizeof tags.installation, installation);
    mir_copy(tags.deployment, sizeof tags.deployment, id);
    mir_tags_sign(&tags, h->core.identity.tag_key);
    tags.signature[3] = tags.signature[3] == '0' ? '1' : '0';
    pthread_mutex_lock(&cloud.lock);
    struct ledger_row *row = put_row(&tags);
    memcpy(row->token, "stranger", sizeof "stranger"); /* none that we ever asked for */
    pthread_mutex_unlock(&cloud.lock);
}

static void test_claimed(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "claimed", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    add_claim(h, d.id, h->core.identity.installation);
    assert_int_equal(alive(), 2);
    assert_int_equal(mird_sweep_once(h->core.engine, h->core.providers[0], NULL), 0);
    assert_true(has_event(h, d.id, "a foreign object claims this lease"));
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, "claimed", "me", &d, &op, NULL), 0);
    wait_state(h, d.id, MIRD_GONE);
    assert_int_equal(alive(), 1);
    assert_non_null(row_of("stranger"));
}

/* With a right signature by our key, but another installation's name: no more ours. */
static void test_claimed_elsewhere(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "elsewhere", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    add_claim(h, d.id, "99999999999999999999999999999999");
    pthread_mutex_lock(&cloud.lock);
    struct mir_tags *tags = &row_of("stranger")->instance.tags;
    mir_tags_sign(tags, h->core.identity.tag_key);
    pthread_mutex_unlock(&cloud.lock);
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, "elsewhere", "me", &d, &op, NULL), 0);
    wait_state(h, d.id, MIRD_GONE);
    assert_non_null(row_of("stranger"));
}

/* Our own instance, whose tags somebody has damaged: found by its token, and ended. */
static void test_damaged(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "damaged", 600);
    wait_operation(h, deploy(h, &r, &d).id);
    pthread_mutex_lock(&cloud.lock);
    struct ledger_row *row = row_of(d.id);
    if (!row)
        abort();
    row->instance.tags.signature[0] = 'x';
    cloud.delete_ignored = 2;
    pthread_mutex_unlock(&cloud.lock);
    struct mird_operation op;
    assert_int_equal(mird_engine_remove(h->core.engine, "damaged", "me", &d, &op, NULL), 0);
    wait_state(h, d.id, MIRD_GONE);
    assert_int_equal(alive(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claimed_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
