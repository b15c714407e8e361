/* SPDX-License-Identifier: ISC */
/* When credentials are asked for anew, by whom, and what the others get; on a clock of the test's.
 */
#include "ec2/chain.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ec2_env.h"
#include "talk_server.h"

#define START_S ((int64_t)1800000000)

struct world {
    struct talk_server *server;
    struct ec2_env env;
    struct ec2_chain *chain;
    _Atomic int64_t now_s;
    atomic_int given; /* answers of the agent: KEY1, KEY2 ... */
    atomic_int life_s, status, delay_ms;
};

static int64_t utc_ms(void *ctx)
{
    struct world *w = ctx;
    return w->now_s * 1000;
}

static void answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    struct world *w = ctx;
    char until[MIR_TIME_SIZE];
    mir_time_format(w->now_s + w->life_s, until);
    say->status = w->status;
    say->delay_ms = w->delay_ms;
    mir_buf_addf(&say->body,
                 "{\"AccessKeyId\":\"KEY%d\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                 "\"Expiration\":\"%s\"}",
                 ++w->given, until);
}

static void no_wait(void *ctx, int64_t ms)
{
}

static struct mir_clock clock_of(struct world *w)
{
    return (struct mir_clock){utc_ms, utc_ms, w};
}

static struct mir_clock the_clock; /* one world at a time */

static void begin(struct world *w, void *const *state)
{
    *w = (struct world){.now_s = START_S, .life_s = 3600, .status = 200};
    the_clock = clock_of(w);
    w->server = talk_server_start(answer, w);
    ec2_env_files(&w->env, state, NULL, NULL);
    ec2_env_set(&w->env, "AWS_EC2_METADATA_DISABLED", "true");
    ec2_env_set(&w->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", talk_server_url(w->server));
    struct ec2_chain_settings settings = {
        .wish = {NULL, NULL, ec2_env_environment(&w->env)}, .clock = &the_clock, .wait = no_wait};
    w->chain = ec2_chain_new(&settings);
}

static void end(struct world *w)
{
    ec2_chain_free(w->chain);
    talk_server_stop(w->server);
    ec2_env_clear(&w->env);
}

/* The number of the key that is given now; 0: none. */
static int key(struct world *w, struct mir_error *err)
{
    struct ec2_credential_source source = ec2_chain_source(w->chain);
    ec2_auto_credentials struct ec2_credentials c;
    int number = 0;
    if (!source.get(source.ctx, &c, err))
        assert_int_equal(sscanf(c.access_key_id, "KEY%d", &number), 1);
    return number;
}

static void asks_a_quarter_of_an_hour_before(void **state)
{
    struct world w;
    begin(&w, state);
    assert_int_equal(key(&w, NULL), 1);
    w.now_s = START_S + 2699;
    assert_int_equal(key(&w, NULL), 1);
    w.now_s = START_S + 2700;
    assert_int_equal(key(&w, NULL), 2);
    assert_int_equal(key(&w, NULL), 2);
    end(&w);
}

/* Keys that live for minutes only are not asked for at every call. */
static void asks_short_lived_keys_later(void **state)
{
    struct world w;
    begin(&w, state);
    w.life_s = 600;
    assert_int_equal(key(&w, NULL), 1);
    w.now_s = START_S + 449;
    assert_int_equal(key(&w, NULL), 1);
    w.now_s = START_S + 450;
    assert_int_equal(key(&w, NULL), 2);
    end(&w);
}

static void goes_on_with_what_holds(void **state)
{
    struct world w;
    struct mir_error err = {0};
    begin(&w, state);
    assert_int_equal(key(&w, NULL), 1);
    w.status = 500;
    for (w.now_s = START_S + 2700; w.now_s < START_S + 3600; w.now_s += 10)
        assert_int_equal(key(&w, NULL), 1);
    /* Asked again every half minute, three attempts each, and not more often. */
    assert_in_range(w.given, 1 + 3 * 28, 1 + 3 * 31);
    struct ec2_step steps[EC2_CHAIN_STEPS_MAX];
    assert_int_equal(ec2_chain_steps(w.chain, steps), 10);
    assert_int_equal(steps[8].state, EC2_STEP_FAILED);
    /* Expired. */
    w.now_s = START_S + 3600;
    assert_int_equal(key(&w, &err), 0);
    assert_non_null(strstr(err.text, "it answers 500"));
    w.status = 200;
    assert_true(key(&w, NULL) > 1);
    end(&w);
}

static void refuses_keys_that_come_expired(void **state)
{
    struct world w;
    struct mir_error err = {0};
    begin(&w, state);
    w.life_s = 0;
    assert_int_equal(key(&w, &err), 0);
    assert_non_null(strstr(err.text, "have expired at"));
    w.life_s = 3600;
    assert_int_equal(key(&w, NULL), 2);
    end(&w);
}

static bool refuse(struct world *w, const char *access_key_id)
{
    struct ec2_credential_source source = ec2_chain_source(w->chain);
    return source.refused(source.ctx, access_key_id);
}

static void lets_go_of_what_is_refused(void **state)
{
    struct world w;
    begin(&w, state);
    assert_int_equal(key(&w, NULL), 1);
    assert_true(refuse(&w, "KEY1"));
    assert_int_equal(key(&w, NULL), 2);
    assert_true(refuse(&w, "KEY1")); /* of another call; there is another key by now */
    assert_int_equal(key(&w, NULL), 2);
    assert_false(refuse(&w, "KEY2")); /* the new one as well: not at every call */
    assert_int_equal(key(&w, NULL), 2);
    w.now_s += 30;
    w.status = 500;
    assert_true(refuse(&w, "KEY2"));
    assert_int_equal(key(&w, NULL), 0);
    end(&w);
}

/* What is written down is the same whenever it is read. */
static void keeps_to_what_is_written(void **state)
{
    struct world w;
    begin(&w, state);
    ec2_env_set(&w.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", NULL);
    ec2_env_set(&w.env, "AWS_ACCESS_KEY_ID", "KEY9");
    ec2_env_set(&w.env, "AWS_SECRET_ACCESS_KEY", "s");
    assert_int_equal(key(&w, NULL), 9);
    assert_false(refuse(&w, "KEY9"));
    assert_int_equal(key(&w, NULL), 9);
    end(&w);
}

static void follows_the_files(void **state)
{
    struct world w;
    begin(&w, state);
    ec2_env_set(&w.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", NULL);
    struct mir_error err = {0};
    assert_int_equal(key(&w, &err), 0);
    ec2_env_files(&w.env, state, NULL,
                  "[default]\naws_access_key_id = KEY7\naws_secret_access_key = s\n");
    assert_int_equal(key(&w, NULL), 7);
    ec2_env_files(&w.env, state, NULL,
                  "[default]\naws_access_key_id = KEY8\naws_secret_access_key = other\n");
    assert_int_equal(key(&w, NULL), 8);
    /* A file that is being written. */
    ec2_env_files(&w.env, state, NULL, "[default]\naws_acc");
    assert_int_equal(key(&w, NULL), 8);
    ec2_env_files(&w.env, state, NULL,
                  "[default]\naws_access_key_id = KEY9\naws_secret_access_key = s\n");
    assert_int_equal(key(&w, NULL), 9);
    end(&w);
}

/* --- several at once --- */

struct caller {
    struct world *world;
    pthread_t thread;
    int key;
};

static void *call(void *arg)
{
    struct caller *c = arg;
    struct mir_error err = {0};
    c->key = key(c->world, &err);
    return NULL;
}

#define CALLERS 16

static void call_all(struct world *w, struct caller callers[CALLERS])
{
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.world = w};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
}

static void one_asks_and_the_others_wait(void **state)
{
    struct world w;
    struct caller callers[CALLERS];
    begin(&w, state);
    w.delay_ms = 300;
    call_all(&w, callers);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].key, 1);
    assert_int_equal(w.given, 1);

    /* Due: all wait for the new ones. */
    w.now_s = START_S + 3000;
    call_all(&w, callers);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].key, 2);

    /* Advised: one asks, and the others need not wait. */
    w.now_s = START_S + 3000 + 2700;
    int old = 0;
    call_all(&w, callers);
    for (int i = 0; i < CALLERS; i++)
        old += callers[i].key == 2;
    assert_int_equal(w.given, 3);
    assert_in_range(old, 1, CALLERS - 1);
    end(&w);
}

static void a_failure_is_told_to_all_who_waited(void **state)
{
    struct world w;
    struct caller callers[CALLERS];
    begin(&w, state);
    w.status = 403;
    w.delay_ms = 100;
    call_all(&w, callers);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].key, 0);
    assert_true(w.given < 3 * CALLERS); /* who waited does not ask once more */
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_a_quarter_of_an_hour_before),
        cmocka_unit_test(asks_short_lived_keys_later),
        cmocka_unit_test(goes_on_with_what_holds),
        cmocka_unit_test(refuses_keys_that_come_expired),
        cmocka_unit_test(lets_go_of_what_is_refused),
        cmocka_unit_test(keeps_to_what_is_written),
        cmocka_unit_test(follows_the_files),
        cmocka_unit_test(one_asks_and_the_others_wait),
        cmocka_unit_test(a_failure_is_told_to_all_who_waited),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
