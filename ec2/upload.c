/* SPDX-License-Identifier: ISC */
#include "ec2/upload.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/id.h"
#include "api/memory.h"
#include "api/retry.h"
#include "pace.h"

#define ATTEMPTS_MAX 12              /* of one block */
#define UNKNOWN_MS ((int64_t)120000) /* for which a new snapshot may not be known yet */
#define STOP_MS 250                  /* how long the caller's thread waits without looking */

/* A block that waits to be put, or is. */
struct job {
    struct job *next;
    uint64_t index;
    size_t place; /* among the blocks, in their order */
    unsigned char data[EC2_EBS_BLOCK];
};

struct upload {
    struct ec2_session *session;
    const char *snapshot_id;
    const struct ec2_upload_settings *settings;
    int64_t until_ms, begun_ms;
    pthread_t *threads; /* of the workers; room for `most_allowed` */
    unsigned most_allowed;
    pthread_mutex_t lock; /* of all below */
    /* Each is signalled when what it is named after is there, all when it is over. */
    pthread_cond_t work; /* for an idle worker */
    pthread_cond_t turn; /* for a worker with a block */
    pthread_cond_t room; /* for the caller's thread: a job is done */
    pthread_cond_t end;  /* for who waits between two attempts */
    struct ec2_pace pace;
    struct job *first, **last; /* that wait */
    struct job *spare;         /* their memory, again */
    unsigned jobs;             /* with memory: that are filled, wait, or are put */
    unsigned idle, workers, under_way, most;
    bool no_more, over;
    struct mir_error failure;   /* why it is over; MIR_OK: it is not */
    struct ec2_content content; /* in the order in which the blocks came */
    size_t there;
    uint64_t attempts;
    /* Of the caller's thread. */
    struct job *filling; /* NULL: none */
    size_t passed;       /* rows of the parent */
};

static int64_t now_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

/* By the clock that the deadline is meant by. */
static int64_t session_ms(const struct upload *u)
{
    return ec2_until(u->session, 0);
}

/* --- waiting --- */

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

/* At most so long; with the lock. */
static void wait_some(struct upload *u, pthread_cond_t *cond, int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(cond, &u->lock, &at);
}

/* The first failure is the upload's; with the lock. */
static void give_up(struct upload *u, const struct mir_error *why)
{
    if (!u->failure.kind)
        u->failure = *why;
    u->over = true;
    pthread_cond_broadcast(&u->work);
    pthread_cond_broadcast(&u->turn);
    pthread_cond_broadcast(&u->room);
    pthread_cond_broadcast(&u->end);
}

/* Between two attempts at a block; ends early when it is over. With the lock. */
static void pause_worker(struct upload *u, int64_t ms)
{
    if (u->settings->wait) {
        pthread_mutex_unlock(&u->lock);
        u->settings->wait(u->settings->wait_ctx, ms);
        pthread_mutex_lock(&u->lock);
        return;
    }
    int64_t until = now_ms() + ms;
    while (!u->over && now_ms() < until)
        wait_some(u, &u->end, until - now_ms());
}

/* --- one block --- */

static bool capacity_trouble(const struct mir_error *err)
{
    return err->kind == MIR_THROTTLED || err->kind == MIR_TIMEOUT || err->kind == MIR_UNAVAILABLE ||
           err->retry == MIR_RETRY_THROTTLED || err->retry == MIR_RETRY_SERVER;
}

/* Later ones may take longer: the line may be a slow one. */
static int attempt_limit_ms(unsigned attempts)
{
    int limit = 20000;
    for (unsigned i = 2; i <= attempts && limit < 120000; i += 2)
        limit *= 2;
    return limit;
}

/* The time to wait before a block is tried again; -1: it is not. */
static int64_t next_wait(const struct upload *u, struct mir_retry_state *state,
                         struct mir_error *err)
{
    const struct mir_random *random = mir_random_system();
    uint32_t number;
    random->bytes(random->ctx, &number, sizeof number);
    bool unknown_yet = err->kind == MIR_NOT_FOUND && session_ms(u) - u->begun_ms < UNKNOWN_MS;
    struct mir_error seen = *err;
    if (unknown_yet) {
        seen.retry = MIR_RETRY_TRANSIENT;
        if (state->attempts + 2 >= ATTEMPTS_MAX)
            state->attempts--; /* time alone ends it */
    }
    struct mir_retry_rules rules = {.attempts_max = ATTEMPTS_MAX};
    struct mir_retry_quota quota = {MIR_RETRY_QUOTA};
    struct mir_retry_case what = {.err = &seen,
                                  .repeatable = true,
                                  .left_ms = u->until_ms - session_ms(u),
                                  .chance = (double)number / 4294967296.0};
    return mir_retry_next(state, &rules, &quota, &what);
}

/* One attempt, when it is its turn. With the lock, which is let go meanwhile. */
static int try_block(struct upload *u, const struct ec2_ebs_put *put, unsigned attempts,
                     struct mir_error *err)
{
    while (!u->over && u->under_way >= u->pace.limit)
        pthread_cond_wait(&u->turn, &u->lock);
    if (u->over)
        return mir_fail(err, MIR_INTERRUPTED, "the upload is over");
    u->under_way++;
    u->attempts++;
    if (u->under_way > u->most)
        u->most = u->under_way;
    uint64_t begun = ec2_pace_begin(&u->pace);
    pthread_mutex_unlock(&u->lock);
    int64_t limit = session_ms(u) + attempt_limit_ms(attempts);
    int rc = ec2_ebs_put_block(u->session, put, limit < u->until_ms ? limit : u->until_ms, err);
    pthread_mutex_lock(&u->lock);
    bool full = u->under_way >= u->pace.limit;
    u->under_way--;
    if (!rc)
        ec2_pace_success(&u->pace, full, now_ms());
    else if (capacity_trouble(err))
        ec2_pace_trouble(&u->pace, begun, now_ms());
    for (unsigned i = u->under_way; i < u->pace.limit && i < u->under_way + 2; i++)
        pthread_cond_signal(&u->turn);
    return rc;
}

static const struct ec2_content *parent_of(const struct upload *u)
{
    static const struct ec2_content none = {0};
    return u->settings->parent ? u->settings->parent : &none;
}

/* With the lock. */
static void put_block(struct upload *u, struct job *job)
{
    struct ec2_ebs_put put = {
        .snapshot_id = u->snapshot_id, .index = job->index, .data = job->data, .once = true};
    struct mir_retry_state state = {0};
    pthread_mutex_unlock(&u->lock);
    SHA256(job->data, EC2_EBS_BLOCK, put.digest);
    pthread_mutex_lock(&u->lock);
    struct ec2_content_block *row = &u->content.rows[job->place];
    memcpy(row->digest, put.digest, EC2_EBS_DIGEST);
    row->inherited = ec2_content_has(parent_of(u), job->index, put.digest);
    if (row->inherited) {
        u->there++;
        return;
    }
    for (;;) {
        struct mir_error err = {0};
        if (!try_block(u, &put, state.attempts, &err)) {
            u->there++;
            return;
        }
        int64_t wait = u->over ? -1 : next_wait(u, &state, &err);
        if (wait < 0) {
            mir_error_wrap(&err, "block %llu of %s", (unsigned long long)job->index,
                           u->snapshot_id);
            give_up(u, &err);
            return;
        }
        pause_worker(u, wait);
    }
}

/* --- the workers --- */

static void *work(void *arg)
{
    struct upload *u = arg;
    pthread_mutex_lock(&u->lock);
    while (!u->over) {
        struct job *job = u->first;
        if (!job && u->no_more)
            break;
        if (!job) {
            u->idle++;
            pthread_cond_wait(&u->work, &u->lock);
            u->idle--;
            continue;
        }
        u->first = job->next;
        if (!u->first)
            u->last = &u->first;
        put_block(u, job);
        job->next = u->spare;
        u->spare = job;
        u->jobs--;
        pthread_cond_signal(&u->room);
    }
    pthread_mutex_unlock(&u->lock);
    return NULL;
}

/* One more worker if all have something to do; with the lock. */
static int hire(struct upload *u, struct mir_error *err)
{
    if (u->idle > 0 || u->workers >= u->pace.limit || u->workers >= u->most_allowed)
        return 0;
    int rc = pthread_create(&u->threads[u->workers], NULL, work, u);
    if (!rc)
        u->workers++;
    return rc && u->workers == 0 ? mir_fail_errno(err, rc, "cannot start a thread") : 0;
}

/* --- the caller's thread: blocks out of runs --- */

/* Tells the caller how far it is, and asks whether to go on; with the lock, which is let go
 * meanwhile. */
static void look(struct upload *u)
{
    const struct ec2_upload_settings *s = u->settings;
    uint64_t there = u->there;
    struct mir_error why = {0};
    pthread_mutex_unlock(&u->lock);
    if (s->progress)
        s->progress(s->ctx, there);
    if (s->stop && s->stop(s->ctx))
        mir_fail(&why, MIR_INTERRUPTED, "the upload was interrupted");
    pthread_mutex_lock(&u->lock);
    if (why.kind)
        give_up(u, &why);
}

/* Waits until `ready` says so; with the lock. */
static int wait_until(struct upload *u, bool (*ready)(const struct upload *u),
                      struct mir_error *err)
{
    look(u);
    while (!u->over && !ready(u)) {
        wait_some(u, &u->room, STOP_MS);
        look(u);
    }
    if (u->over)
        *err = u->failure;
    return u->over ? -1 : 0;
}

static bool has_room(const struct upload *u)
{
    return u->jobs < u->pace.limit + 1;
}

static bool all_there(const struct upload *u)
{
    return u->there == u->content.count;
}

/* Memory for the next block. */
static struct job *new_job(struct upload *u, uint64_t index, struct mir_error *err)
{
    pthread_mutex_lock(&u->lock);
    struct job *job = NULL;
    if (!wait_until(u, has_room, err)) {
        job = u->spare;
        if (job)
            u->spare = job->next;
        u->jobs++;
    }
    bool over = u->over;
    pthread_mutex_unlock(&u->lock);
    if (over)
        return NULL;
    if (!job)
        job = mir_realloc(NULL, 1, sizeof *job);
    job->next = NULL;
    job->index = index;
    return job;
}

/* Takes the job. */
static int submit(struct upload *u, struct job *job, struct mir_error *err)
{
    pthread_mutex_lock(&u->lock);
    job->place = u->content.count;
    ec2_content_add(&u->content, job->index);
    *u->last = job;
    u->last = &job->next;
    int rc = hire(u, err);
    pthread_cond_signal(&u->work);
    pthread_mutex_unlock(&u->lock);
    return rc;
}

/* What the parent has before this block and the disk has not becomes zeros. */
static int pass_parent(struct upload *u, uint64_t index, struct mir_error *err)
{
    const struct ec2_content *parent = parent_of(u);
    for (; u->passed < parent->count && parent->rows[u->passed].index < index; u->passed++) {
        struct job *job = new_job(u, parent->rows[u->passed].index, err);
        if (!job)
            return -1;
        memset(job->data, 0, EC2_EBS_BLOCK);
        if (submit(u, job, err))
            return -1;
    }
    if (u->passed < parent->count && parent->rows[u->passed].index == index)
        u->passed++;
    return 0;
}

static unsigned char *begin_block(void *ctx, uint64_t index, struct mir_error *err)
{
    struct upload *u = ctx;
    if (pass_parent(u, index, err))
        return NULL;
    u->filling = new_job(u, index, err);
    return u->filling ? u->filling->data : NULL;
}

static int end_block(void *ctx, struct mir_error *err)
{
    struct upload *u = ctx;
    struct job *job = u->filling;
    u->filling = NULL;
    return submit(u, job, err);
}

/* --- all of it --- */

/* Of those that were sent; returns how many. */
static uint64_t digest_sent(const struct upload *u, unsigned char out[EC2_EBS_DIGEST])
{
    uint64_t sent = 0;
    EVP_MD_CTX *all = EVP_MD_CTX_new();
    if (!all || !EVP_DigestInit_ex(all, EVP_sha256(), NULL))
        mir_memory_out();
    for (size_t i = 0; i < u->content.count; i++)
        if (!u->content.rows[i].inherited) {
            EVP_DigestUpdate(all, u->content.rows[i].digest, EC2_EBS_DIGEST);
            sent++;
        }
    EVP_DigestFinal_ex(all, out, NULL);
    EVP_MD_CTX_free(all);
    return sent;
}

static int put_all(struct upload *u, const struct ec2_upload_source *source, uint64_t volume_bytes,
                   struct mir_error *err)
{
    const struct ec2_block_sink sink = {begin_block, end_block, u};
    int rc = ec2_cut(source, volume_bytes, &sink, err) || pass_parent(u, UINT64_MAX, err) ? -1 : 0;
    pthread_mutex_lock(&u->lock);
    u->no_more = true;
    pthread_cond_broadcast(&u->work);
    if (rc) {
        give_up(u, err);
    } else {
        rc = wait_until(u, all_there, err);
    }
    pthread_mutex_unlock(&u->lock);
    for (unsigned i = 0; i < u->workers; i++)
        pthread_join(u->threads[i], NULL);
    if (!rc && u->settings->progress)
        u->settings->progress(u->settings->ctx, u->there);
    return rc;
}

static void clear(struct upload *u)
{
    *u->last = u->spare;
    while (u->first) {
        struct job *job = u->first;
        u->first = job->next;
        free(job);
    }
    free(u->filling);
    ec2_content_clear(&u->content);
    free(u->threads);
    pthread_cond_destroy(&u->work);
    pthread_cond_destroy(&u->turn);
    pthread_cond_destroy(&u->room);
    pthread_cond_destroy(&u->end);
    pthread_mutex_destroy(&u->lock);
}

int ec2_upload(struct ec2_session *session, const char *snapshot_id, uint64_t volume_bytes,
               const struct ec2_upload_source *source, const struct ec2_upload_settings *settings,
               int64_t until_ms, struct ec2_upload_result *ret, struct mir_error *err)
{
    static const struct ec2_upload_settings plain = {0};
    struct mir_error own = {0};
    struct ec2_upload_result result = {0};
    struct upload u = {.session = session,
                       .snapshot_id = snapshot_id,
                       .settings = settings ? settings : &plain,
                       .until_ms = until_ms,
                       .begun_ms = ec2_until(session, 0),
                       .lock = PTHREAD_MUTEX_INITIALIZER};
    u.most_allowed =
        u.settings->concurrency_max ? u.settings->concurrency_max : EC2_UPLOAD_CONCURRENCY;
    u.threads = mir_calloc(u.most_allowed, sizeof *u.threads);
    u.last = &u.first;
    cond_init(&u.work);
    cond_init(&u.turn);
    cond_init(&u.room);
    cond_init(&u.end);
    ec2_pace_init(&u.pace, u.most_allowed, now_ms());
    int rc = put_all(&u, source, volume_bytes, &own);
    if (!rc) {
        unsigned char digest[EC2_EBS_DIGEST];
        result.sent = digest_sent(&u, digest);
        rc = ec2_ebs_complete_snapshot(session, snapshot_id, result.sent, digest, until_ms,
                                       result.status, &own);
    } else {
        own.outcome = MIR_DID_NOT_HAPPEN; /* it is not completed */
    }
    result.blocks = u.there;
    result.attempts = u.attempts;
    result.most = u.most;
    if (u.settings->content) {
        *u.settings->content = rc ? (struct ec2_content){0} : u.content;
        u.content = rc ? u.content : (struct ec2_content){0};
    }
    clear(&u);
    if (rc && err)
        *err = own;
    if (ret)
        *ret = result;
    return rc;
}
