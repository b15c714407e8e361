/* SPDX-License-Identifier: ISC */
/* A provider that costs something: budgets are held on deploys and on extensions, also by two at
 * the same time, and the address that comes late becomes the URL. */
#include "mird_house.h"

#define ADDRESS "198.51.100.7"

/* 3600 micro-dollars an hour: one for each second. */
static int fake_quote(void *ctx, const struct mir_kernel *kernel, const struct mir_place *asked,
                      uint64_t memory_bytes, struct mir_quote *ret, struct mir_error *err)
{
    *ret = (struct mir_quote){.place = *asked, .memory_bytes = 512 << 20};
    ret->price = (struct mir_price){
        .known = strcmp(asked->type, "odd") != 0, .per_hour_micro = 3600, .date = "2026-11-20"};
    if (!*asked->region)
        mir_copy(ret->place.region, sizeof ret->place.region, "here-1");
    return 0;
}

static struct mir_place launched; /* what the newest launch was given */

static int cloud_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                        struct mir_error *err)
{
    pthread_mutex_lock(&cloud.lock);
    launched = spec->place;
    pthread_mutex_unlock(&cloud.lock);
    return fake_create(ctx, spec, ret, err);
}

static int setup_cloud(void **state)
{
    static struct mir_provider seller;
    seller = fake;
    seller.quote = fake_quote;
    seller.guest_host = NULL;
    seller.instance_create = cloud_create;
    if (setup(state))
        return -1;
    struct house *h = *state;
    struct mir_error err = {0};
    const struct mir_provider_env env = {.config = h->core.config,
                                         .state_dir = h->dir,
                                         .installation = "x",
                                         .clock = mir_clock_system()};
    stop(h);
    mir_prov_close(h->core.providers[0]);
    assert_int_equal(mir_prov_open(&seller, &env, &h->core.providers[0], &err), 0);
    start(h);
    return 0;
}

static void budget(struct house *h, int64_t micro)
{
    h->core.engine->policy.budget_micro = micro;
}

static void refused(struct house *h, const struct mird_request *r, const char *word)
{
    struct mird_deployment d;
    struct mird_operation op;
    struct mir_error err = {0};
    json_t *plan = NULL;
    size_t before = 0, after = 0;
    assert_int_equal(mird_store_open_count(h->core.store, 100, &before, NULL), 0);
    assert_int_equal(mird_engine_deploy(h->core.engine, r, "", "", &d, &op, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    if (!strstr(err.text, word))
        fail_msg("'%s' does not say '%s'", err.text, word);
    assert_int_equal(mird_engine_plan(h->core.engine, r, &plan, &err), -1);
    assert_int_equal(mird_store_open_count(h->core.store, 100, &after, NULL), 0);
    assert_int_equal(after, before);
}

static int extend(struct house *h, const struct mird_deployment *d, int64_t by_s,
                  struct mir_error *err)
{
    struct mird_deployment moved;
    struct mird_operation op;
    *err = (struct mir_error){0};
    return mird_engine_extend(h->core.engine, d->name, "me", read_it(h, d->id).deadline_s + by_s, 0,
                              &moved, &op, err);
}

static void test_own_budget(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mir_error err;
    struct mird_request r = request(h, "mine", 600);
    r.place.budget_micro = 599;
    refused(h, &r, "0.0006 USD, which is more than its budget of 0.000599 USD");
    r.place.budget_micro = 700;
    deploy(h, &r, &d);
    assert_int_equal(read_it(h, d.id).place.budget_micro, 700);
    assert_int_equal(extend(h, &d, 101, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.hint, "its deadline stays"));
    assert_int_equal(read_it(h, d.id).deadline_s, d.deadline_s);
    assert_int_equal(extend(h, &d, 100, &err), 0);
    assert_int_equal(extend(h, &d, 1, &err), -1);
    assert_int_equal(extend(h, &d, -50, &err), 0); /* shorter always may be */
}

static void test_budget_of_all(void **state)
{
    struct house *h = *state;
    struct mird_deployment one, two;
    struct mird_operation op;
    struct mir_error err;
    struct mird_request r = request(h, "one", 600);
    budget(h, 1000);
    deploy(h, &r, &one);
    r = request(h, "two", 401);
    refused(h, &r, "what is under way 0.0006 USD, which is more than the budget here of 0.001 USD");
    r.ttl_s = 300;
    deploy(h, &r, &two);
    assert_int_equal(extend(h, &one, 101, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(extend(h, &one, 100, &err), 0);
    assert_int_equal(extend(h, &two, 1, &err), -1); /* the extension counts */
    stop(h);
    start(h); /* and is known to the next process */
    budget(h, 1000);
    assert_int_equal(extend(h, &two, 1, &err), -1);
    assert_int_equal(mird_engine_remove(h->core.engine, "one", "me", &one, &op, &err), 0);
    wait_operation(h, op.id); /* what is over leaves its part to the others */
    assert_int_equal(extend(h, &two, 700, &err), 0);
    assert_int_equal(extend(h, &two, 1, &err), -1);
}

static void test_price_not_known(void **state)
{
    struct house *h = *state;
    struct mird_deployment odd;
    struct mir_error err;
    struct mird_request r = request(h, "odd", 600);
    mir_copy(r.place.type, sizeof r.place.type, "odd");
    r.place.budget_micro = 99999;
    refused(h, &r, "is not known, so no budget can hold it");
    r.place.budget_micro = 0;
    budget(h, 99999);
    refused(h, &r, "is not known, so no budget can hold it");
    budget(h, 0);
    deploy(h, &r, &odd);
    budget(h, 99999);
    assert_int_equal(extend(h, &odd, 1, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    r = request(h, "plain", 600);
    refused(h, &r, "'odd' runs at a price that is not known");
    budget(h, 0);
    assert_int_equal(extend(h, &odd, 1, &err), 0);
}

struct racer {
    struct house *house;
    struct mird_deployment d;
    int rc;
};

static void *race(void *ctx)
{
    struct racer *racer = ctx;
    struct mir_error err;
    racer->rc = extend(racer->house, &racer->d, 60, &err);
    return NULL;
}

/* Each of them alone would be within it. */
static void test_extensions_at_once(void **state)
{
    struct house *h = *state;
    struct racer racers[8];
    pthread_t threads[8];
    int well = 0;
    budget(h, 8 * 600 + 3 * 60);
    for (size_t i = 0; i < MIR_NELEMS(racers); i++) {
        char name[16];
        snprintf(name, sizeof name, "racer-%zu", i);
        struct mird_request r = request(h, name, 600);
        racers[i].house = h;
        deploy(h, &r, &racers[i].d);
    }
    for (size_t i = 0; i < MIR_NELEMS(racers); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < MIR_NELEMS(racers); i++) {
        pthread_join(threads[i], NULL);
        well += !racers[i].rc;
    }
    assert_int_equal(well, 3);
    struct mird_committed all;
    assert_int_equal(mird_store_committed(h->core.store, "", &all, NULL), 0);
    assert_int_equal(all.worst_micro, 8 * 600 + 3 * 60);
    assert_int_equal(mird_store_committed(h->core.store, racers[0].d.id, &all, NULL), 0);
    assert_int_equal(all.worst_micro, 7 * 600 + (3 - !racers[0].rc) * 60);
}

/* The instance runs first, then it gets its address, and only then there is a URL. */
static void test_late_address(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_site site;
    struct mird_request r = request(h, "site", 600);
    r.list = true;
    r.place.spot = true;
    h->core.engine->live_timeout_ms = 600000;
    struct mird_operation op = deploy(h, &r, &d);
    wait_state(h, d.id, MIRD_RUNNING);
    assert_true(launched.spot);
    assert_string_equal(launched.region, "here-1");
    assert_true(mir_place_opens(&launched, 443));
    d = read_it(h, d.id);
    assert_true(d.wants_url && !*d.url && !d.goal_over);
    assert_string_equal(d.price.date, "2026-11-20");
    pthread_mutex_lock(&cloud.lock);
    mir_copy(cloud.rows[0].instance.address, sizeof cloud.rows[0].instance.address, ADDRESS);
    pthread_mutex_unlock(&cloud.lock);
    for (int i = 0; i < 2000 && read_it(h, d.id).steps[MIRD_STEP_SITE] != MIRD_DONE; i++)
        usleep(2000);
    assert_string_equal(read_it(h, d.id).url, "http://" ADDRESS "/");
    assert_int_equal(mird_store_site_get(h->core.store, "site", &site, NULL), 0);
    assert_string_equal(site.url, "http://" ADDRESS "/");
    assert_true(site.private_ok);
    struct mird_probe probe = {.ok = true, .status = 200, .token_matched = true};
    mird_engine_probed(h->core.engine, d.id, &probe);
    assert_false(wait_operation(h, op.id).failed);
    wait_state(h, d.id, MIRD_LIVE);
}

/* One that never comes ends the waiting, not the deployment. */
static void test_no_address(void **state)
{
    struct house *h = *state;
    struct mird_deployment d;
    struct mird_request r = request(h, "hidden", 600);
    struct mird_operation op = wait_operation(h, deploy(h, &r, &d).id);
    assert_true(op.failed);
    assert_string_equal(op.error_code, "timeout");
    assert_non_null(strstr(op.error_text, "'hidden' runs, but has no public address yet"));
    wait_state(h, d.id, MIRD_RUNNING);
    r = request(h, "closed", 600); /* without a port for it no URL is waited for */
    r.place.open_given = true;
    assert_false(wait_operation(h, deploy(h, &r, &d).id).failed);
    assert_false(read_it(h, d.id).wants_url);
}

/* With the database the price is lost: it is not taken for free where things are paid for. */
static void test_found_again(void **state)
{
    struct house *h = *state;
    const struct mir_provider *info = mir_prov_info(h->core.providers[0]);
    struct mir_instance found = {.id = "f-1", .name = "found"};
    struct mird_deployment d;
    struct mird_committed all;
    mir_id_new(mir_random_system(), found.tags.deployment);
    found.tags.expires_s = mir_now_s(mir_clock_system()) + 600;
    assert_false(info->paid);
    assert_int_equal(mird_adopt(h->core.engine, h->core.providers[0], &found, NULL), 0);
    assert_true(read_it(h, found.tags.deployment).price.known);
    stop(h); /* its threads read it */
    ((struct mir_provider *)(uintptr_t)info)->paid = true;
    start(h);
    mir_id_new(mir_random_system(), found.tags.deployment);
    mir_copy(found.name, sizeof found.name, "found-too");
    assert_int_equal(mird_adopt(h->core.engine, h->core.providers[0], &found, NULL), 0);
    d = read_it(h, found.tags.deployment);
    assert_false(d.price.known);
    assert_int_equal(mird_store_committed(h->core.store, "", &all, NULL), 0);
    assert_string_equal(all.unknown, "found-too");
}

#define CLOUD(test) cmocka_unit_test_setup_teardown(test, setup_cloud, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOUD(test_own_budget),         CLOUD(test_budget_of_all), CLOUD(test_price_not_known),
        CLOUD(test_extensions_at_once), CLOUD(test_late_address),  CLOUD(test_no_address),
        CLOUD(test_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
