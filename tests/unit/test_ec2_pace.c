/* SPDX-License-Identifier: ISC */
/* The pace against services that are played in simulated time: requests take their latency, and
 * what is more than the service can do waits, or is refused. */
#include "pace.h"

#include "scratch.h"

struct service {
    double latency_ms;  /* of a request that finds the service idle */
    unsigned parallel;  /* that are served at once; the others wait */
    double rate_per_ms; /* beyond which requests are refused; 0: never */
    unsigned burst;
};

struct flight {
    double done_ms;
    uint64_t begun;
    bool refused;
};

struct run {
    struct ec2_pace pace;
    struct flight flights[256];
    unsigned under_way, most;
    unsigned done, refused;
    double now_ms, tokens, filled_ms;
    unsigned long long limit_sum;
    unsigned samples;
};

static bool take_token(struct run *r, const struct service *s)
{
    if (s->rate_per_ms == 0)
        return true;
    r->tokens += (r->now_ms - r->filled_ms) * s->rate_per_ms;
    r->filled_ms = r->now_ms;
    if (r->tokens > s->burst)
        r->tokens = s->burst;
    if (r->tokens < 1)
        return false;
    r->tokens--;
    return true;
}

static void begin_one(struct run *r, const struct service *s)
{
    bool refused = !take_token(r, s);
    double load = r->under_way >= s->parallel ? (r->under_way + 1.0) / s->parallel : 1;
    /* A little noise, the same in every run. */
    double noise = 1 + 0.05 * ((double)((r->done * 7919u + r->under_way * 104729u) % 100) / 100);
    r->flights[r->under_way++] =
        (struct flight){r->now_ms + s->latency_ms * (refused ? 0.2 : load * noise),
                        ec2_pace_begin(&r->pace), refused};
    if (r->under_way > r->most)
        r->most = r->under_way;
}

static void end_one(struct run *r)
{
    unsigned at = 0;
    for (unsigned i = 1; i < r->under_way; i++)
        if (r->flights[i].done_ms < r->flights[at].done_ms)
            at = i;
    struct flight f = r->flights[at];
    bool full = r->under_way >= r->pace.limit;
    r->flights[at] = r->flights[--r->under_way];
    r->now_ms = f.done_ms;
    if (f.refused) {
        r->refused++;
        ec2_pace_trouble(&r->pace, f.begun, (int64_t)r->now_ms);
    } else {
        r->done++;
        ec2_pace_success(&r->pace, full, (int64_t)r->now_ms);
    }
    r->limit_sum += r->pace.limit;
    r->samples++;
}

/* Until `count` requests were served. */
static struct run serve(const struct service *s, unsigned max, unsigned count)
{
    struct run r = {.tokens = s->burst};
    ec2_pace_init(&r.pace, max, 0);
    while (r.done < count) {
        while (r.under_way < r.pace.limit)
            begin_one(&r, s);
        end_one(&r);
        assert_in_range(r.pace.limit, 1, max);
    }
    return r;
}

static double mean_limit(const struct run *r)
{
    return (double)r->limit_sum / r->samples;
}

static void goes_as_high_as_helps(void **state)
{
    /* Latency alone: everything helps. */
    struct service far = {.latency_ms = 100, .parallel = 1000};
    struct run r = serve(&far, 64, 4000);
    assert_int_equal(r.pace.limit, 64);
    assert_true(r.now_ms < 4000 * 100.0 / 64 * 1.4);
    /* It is there within two seconds. */
    r = serve(&far, 64, 200);
    assert_true(r.now_ms < 2000);
    assert_true(r.pace.limit >= 32);
}

static void stays_low_where_more_does_not_help(void **state)
{
    struct service near = {.latency_ms = 3, .parallel = 2};
    struct run r = serve(&near, 64, 20000);
    assert_true(mean_limit(&r) < 12);
    struct service middle = {.latency_ms = 50, .parallel = 24};
    r = serve(&middle, 64, 20000);
    assert_in_range((unsigned)mean_limit(&r), 16, 40);
    /* And loses little by it. */
    assert_true(r.now_ms < 20000 * 50.0 / 24 * 1.3);
}

static void finds_the_rate_that_is_granted(void **state)
{
    /* 200 a second at 100 ms: about 20 under way. */
    struct service granted = {
        .latency_ms = 100, .parallel = 1000, .rate_per_ms = 0.2, .burst = 200};
    struct run r = serve(&granted, 64, 6000);
    assert_in_range((unsigned)mean_limit(&r), 8, 24);
    assert_true(r.refused < r.done / 20);
    assert_true(r.now_ms < 6000 / 0.2 * 1.5);
}

static void halves_once_for_all_that_were_under_way(void **state)
{
    struct ec2_pace pace;
    ec2_pace_init(&pace, 64, 0);
    pace.limit = 40;
    uint64_t before = ec2_pace_begin(&pace);
    for (int i = 0; i < 40; i++)
        ec2_pace_trouble(&pace, before, 10);
    assert_int_equal(pace.limit, 20);
    ec2_pace_trouble(&pace, ec2_pace_begin(&pace), 20);
    assert_int_equal(pace.limit, 10);
    for (int i = 0; i < 10; i++)
        ec2_pace_trouble(&pace, ec2_pace_begin(&pace), 30 + i);
    assert_int_equal(pace.limit, 1);
}

static void obeys_its_maximum(void **state)
{
    struct service far = {.latency_ms = 100, .parallel = 1000};
    for (unsigned max = 1; max <= 10; max++) {
        struct run r = serve(&far, max, 500);
        assert_int_equal(r.pace.limit, max);
        assert_int_equal(r.most, max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_as_high_as_helps),
        cmocka_unit_test(stays_low_where_more_does_not_help),
        cmocka_unit_test(finds_the_rate_that_is_granted),
        cmocka_unit_test(halves_once_for_all_that_were_under_way),
        cmocka_unit_test(obeys_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
