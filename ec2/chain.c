/* SPDX-License-Identifier: ISC */
#include "ec2/chain.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "source.h"

#define ADVISORY_S (15 * 60) /* before they expire: one caller asks, the others go on */
#define MANDATORY_S (10 * 60)
#define AGAIN_S 30 /* after asking, while what there is still holds */

static const struct {
    const char *name;
    ec2_source_fn *ask;
    bool renews; /* asked again it gives others; what is written down somewhere stays the same */
} steps[] = {
    {"environment", ec2_source_environment, false},
    {"role", ec2_source_role, true},
    {"web identity", ec2_source_web_identity, true},
    {"SSO", ec2_source_sso, false},
    {"credentials file", ec2_source_credentials_file, false},
    {"login", ec2_source_login, false},
    {"process", ec2_source_process, true},
    {"config file", ec2_source_config_file, false},
    {"container", ec2_source_container, true},
    {"instance", ec2_source_instance, true},
};
_Static_assert(MIR_NELEMS(steps) <= EC2_CHAIN_STEPS_MAX, "room for all steps");

struct ec2_chain {
    struct ec2_chain_settings settings; /* texts owned */
    pthread_mutex_t lock;               /* of all below */
    pthread_cond_t asked;
    bool asking;       /* somebody is */
    uint64_t askings;  /* that have ended */
    int64_t last_s;    /* when the last one ended, on the boot-time clock */
    int64_t life_s;    /* of what there is, when it came */
    int64_t refused_s; /* when what there was was last refused and let go, likewise */
    bool refused;      /* ... ever */
    bool have;
    struct ec2_credentials have_what;
    struct mir_error failure; /* of the last asking; MIR_OK: none */
    struct ec2_step steps[MIR_NELEMS(steps)];
    char *paths[EC2_PROFILE_FILES]; /* the files that were read; NULL: none yet */
    struct ec2_stamp stamps[EC2_PROFILE_FILES];
};

static void wait_really(void *ctx, int64_t ms)
{
    poll(NULL, 0, (int)ms);
}

struct ec2_chain *ec2_chain_new(const struct ec2_chain_settings *settings)
{
    struct ec2_chain *chain = mir_calloc(1, sizeof *chain);
    chain->settings = *settings;
    chain->settings.wish.profile = mir_strdup(settings->wish.profile);
    chain->settings.wish.region = mir_strdup(settings->wish.region);
    if (!chain->settings.clock)
        chain->settings.clock = mir_clock_system();
    if (!chain->settings.wait)
        chain->settings.wait = wait_really;
    pthread_mutex_init(&chain->lock, NULL);
    pthread_cond_init(&chain->asked, NULL);
    for (size_t i = 0; i < MIR_NELEMS(steps); i++)
        chain->steps[i].name = steps[i].name;
    return chain;
}

void ec2_chain_free(struct ec2_chain *chain)
{
    if (!chain)
        return;
    free((char *)(uintptr_t)chain->settings.wish.profile);
    free((char *)(uintptr_t)chain->settings.wish.region);
    ec2_credentials_clear(&chain->have_what);
    for (size_t i = 0; i < EC2_PROFILE_FILES; i++)
        free(chain->paths[i]);
    pthread_cond_destroy(&chain->asked);
    pthread_mutex_destroy(&chain->lock);
    free(chain);
}

/* --- one walk along the steps --- */

/* What came of an asking, until it is told to all. */
struct walk {
    struct ec2_credentials found;
    struct ec2_step steps[MIR_NELEMS(steps)];
    char *paths[EC2_PROFILE_FILES];
    struct ec2_stamp stamps[EC2_PROFILE_FILES];
};

static int none_serves(struct mir_error *err)
{
    mir_fail(err, MIR_CREDENTIALS, "no AWS credentials were found");
    return mir_error_hint(err, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws "
                               "configure`; `mirage-deploy doctor ec2` says what was tried");
}

static int check_fresh(const struct walk *walk, int64_t now_s, struct mir_error *err)
{
    char text[MIR_TIME_SIZE];
    if (!walk->found.expires_s || walk->found.expires_s > now_s)
        return 0;
    mir_time_format(walk->found.expires_s, text);
    return mir_fail(err, MIR_CREDENTIALS, "the credentials of %s have expired at %s",
                    walk->found.source, text);
}

static int ask_steps(struct ec2_asking *ask, struct walk *walk, struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(steps); i++) {
        struct ec2_step *row = &walk->steps[i];
        struct mir_error why = {0};
        enum ec2_answer answer = steps[i].ask(ask, &walk->found, &why);
        if (answer == EC2_ANSWER_SERVED && check_fresh(walk, mir_now_s(ask->settings->clock), &why))
            answer = EC2_ANSWER_FAILED;
        if (answer == EC2_ANSWER_NONE) {
            row->state = EC2_STEP_NONE;
            mir_copy(row->text, sizeof row->text, ask->why);
            continue;
        }
        bool served = answer == EC2_ANSWER_SERVED;
        row->state = served ? EC2_STEP_SERVED : EC2_STEP_FAILED;
        mir_copy(row->text, sizeof row->text, served ? walk->found.source : why.text);
        if (!served && err)
            *err = why;
        return served ? 0 : -1;
    }
    return none_serves(err);
}

static int walk_chain(const struct ec2_chain_settings *settings, struct walk *walk,
                      struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(steps); i++)
        walk->steps[i].name = steps[i].name;
    struct ec2_config *config = ec2_config_load(&settings->wish, err);
    if (!config)
        return -1;
    bool explicit = false;
    struct ec2_asking ask = {.config = config, .settings = settings};
    ask.profile = ec2_config_profile(config, &explicit);
    ask.environment = !explicit;
    for (size_t i = 0; i < EC2_PROFILE_FILES; i++) {
        walk->paths[i] = mir_strdup(ec2_config_path(config, (enum ec2_profile_file)i));
        walk->stamps[i] = ec2_config_stamp(config, (enum ec2_profile_file)i);
    }
    int rc = ask_steps(&ask, walk, err);
    ec2_config_free(config);
    return rc;
}

/* --- who asks, and who waits --- */

enum age { FRESH, ADVISED, DUE, GONE };

static int64_t boot_s(const struct ec2_chain *chain)
{
    const struct mir_clock *clock = chain->settings.clock;
    return clock->boot_ms(clock->ctx) / 1000;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool files_changed(const struct ec2_chain *chain)
{
    for (size_t i = 0; i < EC2_PROFILE_FILES; i++) {
        if (chain->paths[i] && ec2_stamp_changed(&chain->stamps[i], chain->paths[i]))
            return true;
    }
    return false;
}

/* Under the lock. */
static enum age age_of(const struct ec2_chain *chain)
{
    const struct ec2_credentials *c = &chain->have_what;
    if (!chain->have || files_changed(chain))
        return GONE;
    if (!c->expires_s)
        return FRESH;
    int64_t left_s = c->expires_s - mir_now_s(chain->settings.clock);
    if (left_s <= 0)
        return GONE;
    if (left_s <= least(MANDATORY_S, chain->life_s / 6))
        return DUE;
    return left_s <= least(ADVISORY_S, chain->life_s / 4) ? ADVISED : FRESH;
}

/* Takes over what a walk has brought; under the lock. */
static void settle(struct ec2_chain *chain, struct walk *walk, const struct mir_error *failure)
{
    chain->failure = *failure;
    memcpy(chain->steps, walk->steps, sizeof chain->steps);
    for (size_t i = 0; i < EC2_PROFILE_FILES && walk->paths[0]; i++) {
        free(chain->paths[i]);
        chain->paths[i] = walk->paths[i];
        chain->stamps[i] = walk->stamps[i];
    }
    if (!failure->kind) {
        ec2_credentials_clear(&chain->have_what);
        chain->have_what = walk->found;
        chain->have = true;
        chain->life_s = walk->found.expires_s - mir_now_s(chain->settings.clock);
    } else {
        ec2_credentials_clear(&walk->found);
    }
    chain->last_s = boot_s(chain);
    chain->askings++;
    chain->asking = false;
    pthread_cond_broadcast(&chain->asked);
}

/* With the lock, which is let go meanwhile. */
static void ask_now(struct ec2_chain *chain)
{
    struct walk walk = {0};
    struct mir_error failure = {0};
    chain->asking = true;
    pthread_mutex_unlock(&chain->lock);
    walk_chain(&chain->settings, &walk, &failure);
    pthread_mutex_lock(&chain->lock);
    settle(chain, &walk, &failure);
}

static bool still_holds(const struct ec2_chain *chain)
{
    const struct ec2_credentials *c = &chain->have_what;
    return chain->have && (!c->expires_s || c->expires_s > mir_now_s(chain->settings.clock));
}

/* Under the lock: asks, or waits for whoever does, as the age of what there is demands. */
static void refresh(struct ec2_chain *chain)
{
    enum age age = age_of(chain);
    bool lately = chain->askings > 0 && boot_s(chain) - chain->last_s < AGAIN_S;
    if (age == FRESH || (age != GONE && lately))
        return;
    if (!chain->asking) {
        ask_now(chain);
        return;
    }
    uint64_t seen = chain->askings;
    while (age != ADVISED && chain->asking && chain->askings == seen)
        pthread_cond_wait(&chain->asked, &chain->lock);
}

static int get(void *ctx, struct ec2_credentials *ret, struct mir_error *err)
{
    struct ec2_chain *chain = ctx;
    *ret = (struct ec2_credentials){0};
    pthread_mutex_lock(&chain->lock);
    refresh(chain);
    int rc = still_holds(chain) ? 0 : -1;
    if (!rc)
        ec2_credentials_copy(ret, &chain->have_what);
    else if (err)
        *err = chain->failure;
    pthread_mutex_unlock(&chain->lock);
    return rc;
}

static bool renews(const struct ec2_chain *chain)
{
    for (size_t i = 0; i < MIR_NELEMS(steps); i++)
        if (chain->steps[i].state == EC2_STEP_SERVED)
            return steps[i].renews;
    return false;
}

/* Many calls may be refused for one key: the first lets go of it, and the others find that it is
 * gone already. Not at every call: a source that gives nothing else would be asked each time. */
static bool refused(void *ctx, const char *access_key_id)
{
    struct ec2_chain *chain = ctx;
    pthread_mutex_lock(&chain->lock);
    bool same = chain->have && !strcmp(chain->have_what.access_key_id, access_key_id);
    bool lately = chain->refused && boot_s(chain) - chain->refused_s < AGAIN_S;
    bool others = !same || (renews(chain) && !lately);
    if (same && others) {
        chain->have = false;
        ec2_credentials_clear(&chain->have_what);
        chain->refused = true;
        chain->refused_s = boot_s(chain);
    }
    pthread_mutex_unlock(&chain->lock);
    return others;
}

struct ec2_credential_source ec2_chain_source(struct ec2_chain *chain)
{
    return (struct ec2_credential_source){.get = get, .ctx = chain, .refused = refused};
}

size_t ec2_chain_steps(struct ec2_chain *chain, struct ec2_step ret[EC2_CHAIN_STEPS_MAX])
{
    pthread_mutex_lock(&chain->lock);
    memcpy(ret, chain->steps, sizeof chain->steps);
    pthread_mutex_unlock(&chain->lock);
    return MIR_NELEMS(steps);
}
