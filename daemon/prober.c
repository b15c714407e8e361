/* SPDX-License-Identifier: ISC */
#include "daemon/prober.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/registry.h"

/* Two attempts may run for one site: short ones that are begun again and again, so that a guest
 * is seen soon after it is up, and a patient one for a guest that is slow to answer. */
enum lane { QUICK, PATIENT, LANES };

/* When they begin, from the wish on. Nobody answers before that, and a connection that waits in
 * QEMU's user network costs its guest 1 ms of the 50 that it takes to boot. */
static const int64_t first_ms[LANES] = {[QUICK] = 30, [PATIENT] = 250};

struct target;

struct attempt {
    struct mird_prober *prober;
    struct target *target;
    enum lane lane;
    uint64_t http_id;
    int64_t began_ms;
    bool asks_token;
    struct mird_probe probe;
};

struct target {
    struct target *next;
    bool named; /* by the newest list */
    char name[MIR_NAME_TEXT];
    char url[256];
    char token[MIR_ID_TEXT];
    char token_url[340];
    bool private_ok, numeric;
    int64_t due_ms;
    int64_t soon_until_ms;   /* 0: not awaited */
    int64_t begin_ms[LANES]; /* not before */
    struct attempt *attempts[LANES];
};

struct soon {
    struct soon *next;
    char name[MIR_NAME_TEXT];
    int seconds;
};

struct mird_prober {
    pthread_t thread;
    mird_prober_fn *report;
    void *ctx;
    int interval_ms;
    const struct mir_clock *clock;
    struct mir_http_pool *pool;
    struct target *targets; /* the thread's own */
    char user_agent[220];
    uint32_t dice;

    pthread_mutex_t lock; /* guards what follows */
    bool stopping;
    struct mird_site *news; /* the newest list, NULL: none since last time */
    size_t news_count;
    char news_url[128];
    struct soon *soons;
};

static int64_t now_ms(const struct mird_prober *p)
{
    return p->clock->boot_ms(p->clock->ctx);
}

/* Spread, not secrecy. */
static int64_t jitter(struct mird_prober *p, int64_t below)
{
    p->dice = p->dice * 1664525u + 1013904223u;
    return below > 0 ? (int64_t)(p->dice >> 8) % below : 0;
}

/* --- one probe --- */

bool mird_probe_read_token(const char *body, size_t len, const char *token, int64_t *ret_deadline_s)
{
    json_t *json = mir_json_parse(body, len, MIRD_PROBE_BODY_MAX, NULL);
    const char *shown = json_string_value(json_object_get(json, "token"));
    json_t *deadline = json_object_get(json, "deadline");
    bool matched = shown && *token && strlen(shown) == strlen(token) &&
                   CRYPTO_memcmp(shown, token, strlen(token)) == 0;
    *ret_deadline_s = 0;
    if (json_is_integer(deadline) && json_integer_value(deadline) > 0)
        *ret_deadline_s = json_integer_value(deadline);
    json_decref(json);
    return matched;
}

static bool allow_address(void *ctx, const struct sockaddr *address)
{
    const struct attempt *a = ctx;
    if (mir_http_address_public(address))
        return true;
    return a->target->private_ok && (a->target->numeric || mir_http_address_loopback(address));
}

static void attempt_done(void *ctx, struct mir_http_response *response,
                         const struct mir_error *err);

static int attempt_send(struct attempt *a, const char *url, struct mir_error *err)
{
    int limit = a->lane == QUICK ? MIRD_PROBE_QUICK_MS : MIRD_PROBE_LIMIT_MS;
    struct mir_http_request request = {
        .url = url,
        .user_agent = a->prober->user_agent,
        .connect_timeout_ms = limit,
        .timeout_ms = limit,
        .response_max = MIRD_PROBE_BODY_MAX,
        .cut = true,
        .fresh = true,
        .allow = allow_address,
        .allow_ctx = a,
    };
    return mir_http_pool_add(a->prober->pool, &request, attempt_done, a, &a->http_id, err);
}

static void attempt_drop(struct attempt *a)
{
    if (!a)
        return;
    a->target->attempts[a->lane] = NULL;
    mir_http_pool_cancel(a->prober->pool, a->http_id);
    free(a);
}

/* The end of an attempt, good or not; frees it. */
static void attempt_over(struct attempt *a)
{
    struct mird_prober *p = a->prober;
    struct target *t = a->target;
    struct mird_probe probe = a->probe;
    int64_t now = now_ms(p);
    bool awaited = t->soon_until_ms > now;
    t->attempts[a->lane] = NULL;
    t->begin_ms[a->lane] = a->began_ms + (a->lane == QUICK ? MIRD_PROBE_SOON_MS : 1000);
    free(a);
    if (!probe.ok && awaited)
        return;
    for (int i = 0; i < LANES; i++)
        attempt_drop(t->attempts[i]);
    t->soon_until_ms = 0;
    t->due_ms = now + p->interval_ms - p->interval_ms / 20 + jitter(p, p->interval_ms / 10);
    p->report(p->ctx, &probe);
}

static void take_page(struct attempt *a, const struct mir_http_response *response,
                      const struct mir_error *err)
{
    a->probe.ms = (unsigned)(now_ms(a->prober) - a->began_ms);
    if (!response) {
        mir_copy(a->probe.error, sizeof a->probe.error, err->text);
        return;
    }
    a->probe.status = response->status;
    a->probe.ok = response->status < 500;
    if (!a->probe.ok) {
        mir_auto_free char *text = mir_format("it answers with status %d", response->status);
        mir_copy(a->probe.error, sizeof a->probe.error, text);
    }
}

static void attempt_done(void *ctx, struct mir_http_response *response, const struct mir_error *err)
{
    struct attempt *a = ctx;
    a->http_id = 0;
    if (a->asks_token) {
        if (response && response->status == 200)
            a->probe.token_matched = mird_probe_read_token(
                response->body.data ? response->body.data : "", response->body.len,
                a->target->token, &a->probe.guest_deadline_s);
        attempt_over(a);
        return;
    }
    take_page(a, response, err);
    a->asks_token = true;
    if (!a->probe.ok || attempt_send(a, a->target->token_url, NULL))
        attempt_over(a);
}

static void attempt_begin(struct mird_prober *p, struct target *t, enum lane lane)
{
    struct attempt *a = mir_calloc(1, sizeof *a);
    *a = (struct attempt){.prober = p, .target = t, .lane = lane, .began_ms = now_ms(p)};
    mir_copy(a->probe.name, sizeof a->probe.name, t->name);
    t->attempts[lane] = a;
    struct mir_error err = {0};
    if (attempt_send(a, t->url, &err)) {
        mir_copy(a->probe.error, sizeof a->probe.error, err.text);
        attempt_over(a);
    }
}

/* --- the list --- */

static void target_free(struct target *t)
{
    for (int i = 0; i < LANES; i++)
        attempt_drop(t->attempts[i]);
    free(t);
}

static struct target *target_by_name(struct mird_prober *p, const char *name)
{
    for (struct target *t = p->targets; t; t = t->next)
        if (!strcmp(t->name, name))
            return t;
    return NULL;
}

static bool target_same(const struct target *t, const struct mird_site *site)
{
    return !strcmp(t->url, site->url) && !strcmp(t->token, site->token) &&
           t->private_ok == site->private_ok;
}

static struct target *target_new(struct mird_prober *p, const struct mird_site *site,
                                 const struct mir_url *url)
{
    struct target *t = mir_calloc(1, sizeof *t);
    mir_copy(t->name, sizeof t->name, site->name);
    mir_copy(t->url, sizeof t->url, site->url);
    mir_copy(t->token, sizeof t->token, site->token);
    mir_auto_free char *token_url = mir_format("%s/.well-known/unikernel", url->origin);
    mir_copy(t->token_url, sizeof t->token_url, token_url);
    t->private_ok = site->private_ok;
    t->numeric = url->numeric;
    /* One that is known already waits for its turn, so that a restart is no storm. */
    int64_t age_ms = (mir_now_s(p->clock) - site->last_probe_s) * 1000;
    int64_t wait_ms = site->last_probe_s ? p->interval_ms - age_ms : 0;
    if (wait_ms < 0 || wait_ms > p->interval_ms)
        wait_ms = jitter(p, 2000);
    t->due_ms = now_ms(p) + wait_ms;
    t->next = p->targets;
    p->targets = t;
    return t;
}

static void name_target(struct mird_prober *p, const struct mird_site *site)
{
    struct mir_url url;
    if (site->state == MIRD_SITE_GONE || mir_url_parse(site->url, &url, NULL))
        return;
    struct target *t = target_by_name(p, site->name);
    if (t && target_same(t, site)) {
        t->named = true;
        return;
    }
    /* The old one of that name is not named and goes with the rest; until then it is hidden. */
    if (t)
        t->name[0] = '\0';
    target_new(p, site, &url)->named = true;
}

static void take_list(struct mird_prober *p, const struct mird_site *sites, size_t count)
{
    for (struct target *t = p->targets; t; t = t->next)
        t->named = false;
    for (size_t i = 0; i < count; i++)
        name_target(p, &sites[i]);
    for (struct target **slot = &p->targets; *slot;) {
        struct target *t = *slot;
        if (t->named) {
            slot = &t->next;
            continue;
        }
        *slot = t->next;
        target_free(t);
    }
}

/* What other threads left; false: stop. */
static bool take_news(struct mird_prober *p)
{
    pthread_mutex_lock(&p->lock);
    bool stopping = p->stopping;
    struct mird_site *sites = mir_steal(&p->news);
    size_t count = p->news_count;
    struct soon *soons = mir_steal(&p->soons);
    if (sites) {
        mir_auto_free char *agent =
            *p->news_url ? mir_format("mirage-deploy/" MIR_VERSION " (+%s/)", p->news_url)
                         : mir_strdup("mirage-deploy/" MIR_VERSION);
        mir_copy(p->user_agent, sizeof p->user_agent, agent);
    }
    pthread_mutex_unlock(&p->lock);
    if (sites)
        take_list(p, sites, count);
    free(sites);
    while (soons) {
        struct soon *s = soons;
        struct target *t = target_by_name(p, s->name);
        if (t) {
            t->soon_until_ms = now_ms(p) + (int64_t)s->seconds * 1000;
            for (int lane = 0; lane < LANES; lane++)
                t->begin_ms[lane] = now_ms(p) + first_ms[lane];
            t->due_ms = 0;
        }
        soons = s->next;
        free(s);
    }
    return !stopping;
}

/* --- the thread --- */

static void earlier(int64_t *when, int64_t candidate)
{
    if (candidate < *when)
        *when = candidate;
}

/* Begin what is due of one target; *next gets the time when it has to be looked at again. */
static void begin_due(struct mird_prober *p, struct target *t, int64_t now, int64_t *next)
{
    bool awaited = t->soon_until_ms > now;
    for (int lane = awaited ? QUICK : PATIENT; lane < LANES; lane++) {
        int64_t due = awaited ? t->begin_ms[lane] : t->due_ms;
        if (t->attempts[lane])
            continue; /* its end wakes the thread */
        if (due > now)
            earlier(next, due);
        else if (mir_http_pool_running(p->pool) >= MIRD_PROBES_AT_ONCE)
            earlier(next, now + 50);
        else {
            attempt_begin(p, t, (enum lane)lane);
            if (!t->attempts[lane])
                earlier(next, now + 1); /* ended at once: look again */
        }
    }
    if (awaited)
        earlier(next, t->soon_until_ms);
}

static void *prober_main(void *arg)
{
    struct mird_prober *p = arg;
    while (take_news(p)) {
        int64_t now = now_ms(p), next = now + 3600000;
        for (struct target *t = p->targets; t; t = t->next)
            begin_due(p, t, now, &next);
        int64_t wait = next - now_ms(p);
        struct mir_error err = {0};
        if (mir_http_pool_run(p->pool, wait > 0 ? (int)wait : 0, &err))
            mir_log(MIR_LOG_WARN, "prober", "%s", err.text);
    }
    return NULL;
}

int mird_prober_start(mird_prober_fn *report, void *ctx, int interval_ms, struct mird_prober **ret,
                      struct mir_error *err)
{
    struct mir_http_pool *pool = mir_http_pool_new(err);
    if (!pool)
        return -1;
    struct mird_prober *p = mir_calloc(1, sizeof *p);
    p->report = report;
    p->ctx = ctx;
    p->interval_ms = interval_ms;
    p->clock = mir_clock_system();
    p->pool = pool;
    const struct mir_random *random = mir_random_system();
    random->bytes(random->ctx, &p->dice, sizeof p->dice);
    pthread_mutex_init(&p->lock, NULL);
    int rc = pthread_create(&p->thread, NULL, prober_main, p);
    if (rc) {
        mir_http_pool_free(p->pool);
        pthread_mutex_destroy(&p->lock);
        free(p);
        return mir_fail_errno(err, rc, "the prober's thread");
    }
    *ret = p;
    return 0;
}

void mird_prober_stop(struct mird_prober *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    mir_http_pool_wake(p->pool);
    pthread_join(p->thread, NULL);
    take_list(p, NULL, 0);
    mir_http_pool_free(p->pool);
    pthread_mutex_destroy(&p->lock);
    free(p->news);
    while (p->soons) {
        struct soon *s = p->soons;
        p->soons = s->next;
        free(s);
    }
    free(p);
}

void mird_prober_sites(struct mird_prober *p, const struct mird_site *sites, size_t count,
                       const char *public_url)
{
    struct mird_site *copy = mir_calloc(count + 1, sizeof *copy);
    if (count)
        memcpy(copy, sites, count * sizeof *copy);
    pthread_mutex_lock(&p->lock);
    free(p->news);
    p->news = copy;
    p->news_count = count;
    mir_copy(p->news_url, sizeof p->news_url, public_url);
    pthread_mutex_unlock(&p->lock);
    mir_http_pool_wake(p->pool);
}

void mird_prober_soon(struct mird_prober *p, const char *name, int seconds)
{
    struct soon *s = mir_calloc(1, sizeof *s);
    mir_copy(s->name, sizeof s->name, name);
    s->seconds = seconds;
    pthread_mutex_lock(&p->lock);
    s->next = p->soons;
    p->soons = s;
    pthread_mutex_unlock(&p->lock);
    mir_http_pool_wake(p->pool);
}
