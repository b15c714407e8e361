/* SPDX-License-Identifier: ISC */
#include "api/retry.h"

#define ATTEMPTS_DEFAULT 3
#define BACKOFF_DEFAULT_MS 20000
#define BACKOFF_FIRST_MS 1000
#define ASKED_MORE_MS 5000 /* beyond our own wait, however long the server asks for */

/* May it be made again at all, whatever time and quota say? */
static bool worth_it(const struct mir_retry_case *what)
{
    if (what->err->retry == MIR_RETRY_NEVER)
        return false;
    return what->repeatable || what->err->outcome == MIR_DID_NOT_HAPPEN;
}

static int64_t backoff_ms(const struct mir_retry_state *state, const struct mir_retry_rules *rules,
                          const struct mir_retry_case *what)
{
    int64_t most = rules->backoff_max_ms ? rules->backoff_max_ms : BACKOFF_DEFAULT_MS;
    int64_t span = BACKOFF_FIRST_MS;
    for (unsigned i = 1; i < state->attempts && span < most; i++)
        span *= 2;
    if (span > most)
        span = most;
    int64_t wait = (int64_t)(what->chance * (double)span);
    int64_t asked = what->asked_ms < wait + ASKED_MORE_MS ? what->asked_ms : wait + ASKED_MORE_MS;
    return wait > asked ? wait : asked;
}

int64_t mir_retry_next(struct mir_retry_state *state, const struct mir_retry_rules *rules,
                       struct mir_retry_quota *quota, const struct mir_retry_case *what)
{
    unsigned attempts_max = rules->attempts_max ? rules->attempts_max : ATTEMPTS_DEFAULT;
    state->attempts++;
    if (state->attempts >= attempts_max || !worth_it(what))
        return -1;
    int64_t wait = backoff_ms(state, rules, what);
    if (wait >= what->left_ms)
        return -1;
    unsigned cost = what->err->kind == MIR_TIMEOUT ? MIR_RETRY_COST_TIMEOUT : MIR_RETRY_COST;
    if (quota->left < cost)
        return -1;
    quota->left -= cost;
    state->spent = cost;
    return wait;
}

void mir_retry_succeeded(const struct mir_retry_state *state, struct mir_retry_quota *quota)
{
    quota->left += state->spent ? state->spent : MIR_RETRY_GAIN;
    if (quota->left > MIR_RETRY_QUOTA)
        quota->left = MIR_RETRY_QUOTA;
}

void mir_retry_tell(struct mir_error *last, const struct mir_error *before, bool cut_short)
{
    if (cut_short && last->kind == MIR_TIMEOUT && before->kind != MIR_OK)
        *last = *before;
}

/* --- shared --- */

void mir_retry_shared_init(struct mir_retry_shared *shared, unsigned attempts_max,
                           const struct mir_random *random)
{
    *shared = (struct mir_retry_shared){.rules.attempts_max = attempts_max,
                                        .random = random ? random : mir_random_system(),
                                        .quota.left = MIR_RETRY_QUOTA};
    pthread_mutex_init(&shared->lock, NULL);
}

void mir_retry_shared_clear(struct mir_retry_shared *shared)
{
    pthread_mutex_destroy(&shared->lock);
}

int64_t mir_retry_shared_next(struct mir_retry_shared *shared, struct mir_retry_state *state,
                              unsigned attempts_max, const struct mir_retry_case *what)
{
    struct mir_retry_rules rules = shared->rules;
    struct mir_retry_case drawn = *what;
    uint32_t number;
    shared->random->bytes(shared->random->ctx, &number, sizeof number);
    drawn.chance = (double)number / 4294967296.0;
    if (attempts_max)
        rules.attempts_max = attempts_max;
    pthread_mutex_lock(&shared->lock);
    int64_t wait = mir_retry_next(state, &rules, &shared->quota, &drawn);
    pthread_mutex_unlock(&shared->lock);
    return wait;
}

void mir_retry_shared_succeeded(struct mir_retry_shared *shared,
                                const struct mir_retry_state *state)
{
    pthread_mutex_lock(&shared->lock);
    mir_retry_succeeded(state, &shared->quota);
    pthread_mutex_unlock(&shared->lock);
}
