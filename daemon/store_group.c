/* SPDX-License-Identifier: ISC */
/* Group commit: whoever has something to write queues it; the first of them leads, takes all that
 * is queued into one transaction, and one sync makes it durable for everybody. What comes meanwhile
 * is the next group. A single write waits for nobody. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "api/memory.h"
#include "store_sql.h"

#define IDLE_NS 20000000L
#define GROUP_LATE 8u   /* writes from which on rows are written late */
#define GROUP_MAX 2048u /* writes in one transaction: bounds how long a reader waits */

static int queued_rc(struct mird_write *write, int rc, const struct mir_error *err)
{
    write->rc = rc;
    if (rc && err)
        write->err = *err;
    return rc;
}

/* As the only one of its transaction. */
static void write_alone(struct mird_store *store, struct mird_write *write)
{
    write->err = (struct mir_error){0};
    int rc = mird_sql_begin(store, &write->err);
    if (!rc)
        rc = write->write(store, write->ctx, &write->err);
    write->rc = mird_sql_end(store, rc, &write->err);
}

/* Inside the group's transaction: what fails takes back its own part only. */
static int write_among(struct mird_store *store, struct mird_write *write)
{
    struct mir_error err = {0};
    mird_late_mark(store);
    if (MIRD_SQL_RUN(store, "SAVEPOINT one", &err, ""))
        return queued_rc(write, -1, &err);
    int rc = write->write(store, write->ctx, &err);
    if (rc)
        store->audit_last = -1; /* its rows are taken back */
    if (rc)
        mird_late_undo(store);
    if (sqlite3_get_autocommit(store->db))
        return queued_rc(write, -1, &err); /* it took the whole transaction with it */
    if (rc && MIRD_SQL_RUN(store, "ROLLBACK TO one", NULL, ""))
        return queued_rc(write, -1, &err);
    if (MIRD_SQL_RUN(store, "RELEASE one", rc ? NULL : &err, ""))
        rc = -1;
    return queued_rc(write, rc, &err);
}

static bool has_many(const struct mird_write *list)
{
    unsigned count = 0;
    for (; list && count < GROUP_LATE; list = list->next)
        count++;
    return count == GROUP_LATE;
}

/* 0 when the group is written; else nothing of it is, and *err says why. */
static int write_together(struct mird_store *store, struct mird_write *list, struct mir_error *err)
{
    if (mird_sql_begin(store, err))
        return -1;
    bool many = has_many(list);
    for (struct mird_write *write = list; write; write = write->next) {
        int rc = many && write->late ? write->late(store, write->ctx, err) : 1;
        if (rc < 0)
            return mird_sql_end(store, rc, err);
        if (!rc)
            queued_rc(write, 0, NULL);
        else if (write_among(store, write) && sqlite3_get_autocommit(store->db)) {
            *err = write->err;
            return mird_sql_end(store, -1, err);
        }
    }
    return mird_sql_end(store, 0, err);
}

/* A group that a full disk will not take may still fit in parts, and what one of them cannot do
 * must not fail the others; any other failure is everybody's. Returns whether rows are late. */
static bool write_list(struct mird_store *store, struct mird_write *list)
{
    struct mir_error err = {0};
    mird_store_enter(store);
    if (!list->next) {
        write_alone(store, list);
    } else if (write_together(store, list, &err)) {
        bool parts = err.kind == MIR_NO_SPACE;
        for (struct mird_write *write = list; write; write = write->next) {
            if (!parts) {
                queued_rc(write, -1, &err);
                continue;
            }
            write_alone(store, write);
            parts = !write->rc || write->err.kind != MIR_NO_SPACE;
            err = write->rc ? write->err : err;
        }
    }
    if (mird_late_is_full(store))
        mird_late_fold(store, NULL);
    bool late = mird_late_any(store);
    mird_store_leave(store);
    return late;
}

/* --- the queue; under group->lock --- */

static void *committer(void *ctx);
static void *teller(void *ctx);

static void put(struct mird_group *group, struct mird_write *write)
{
    write->next = NULL;
    if (group->tail)
        group->tail->next = write;
    else
        group->head = write;
    group->tail = write;
}

static struct mird_write *take(struct mird_group *group)
{
    struct mird_write *list = group->head, *last = list;
    for (unsigned i = 1; last && last->next && i < GROUP_MAX; i++)
        last = last->next;
    group->head = last ? last->next : NULL;
    if (!group->head)
        group->tail = NULL;
    if (last)
        last->next = NULL;
    return list;
}

/* Writes that are done and have no thread waiting for them go to the teller. */
static void sort_out(struct mird_group *group, struct mird_write *list)
{
    for (struct mird_write *write = list, *next; write; write = next) {
        next = write->next; /* a waiter may be gone with its write once it is over */
        if (!write->done) {
            write->over = true;
            continue;
        }
        write->next = NULL;
        *group->told_end = write;
        group->told_end = &write->next;
    }
}

/* The teller first: without it nothing may be submitted. */
static int start_threads(struct mird_store *store)
{
    struct mird_group *group = &store->group;
    if (!group->telling)
        group->telling = !pthread_create(&group->teller, NULL, teller, group);
    if (group->telling && !group->running)
        group->running = !pthread_create(&group->committer, NULL, committer, store);
    return group->running ? 0 : -1;
}

/* With the lock held on entry and on return. */
static void lead(struct mird_store *store)
{
    struct mird_group *group = &store->group;
    struct mird_write *list = take(group);
    group->leading = true;
    pthread_mutex_unlock(&group->lock);
    bool late = write_list(store, list);
    pthread_mutex_lock(&group->lock);
    group->leading = false;
    group->late = late;
    if (group->late && !group->closing)
        start_threads(store);
    sort_out(group, list);
    pthread_cond_broadcast(&group->turn);
    if (group->head || group->late)
        pthread_cond_signal(&group->work);
    if (group->told)
        pthread_cond_signal(&group->news);
}

int mird_store_write(struct mird_store *store, mird_write_fn *fn, void *ctx, struct mir_error *err)
{
    return mird_store_write_late(store, fn, NULL, ctx, err);
}

int mird_store_write_late(struct mird_store *store, mird_write_fn *fn, mird_write_fn *late,
                          void *ctx, struct mir_error *err)
{
    struct mird_group *group = &store->group;
    struct mird_write write = {.write = fn, .late = late, .ctx = ctx};
    pthread_mutex_lock(&group->lock);
    put(group, &write);
    while (!write.over)
        if (group->leading)
            pthread_cond_wait(&group->turn, &group->lock);
        else
            lead(store);
    pthread_mutex_unlock(&group->lock);
    if (write.rc && err)
        *err = write.err;
    return write.rc;
}

/* --- the committer and the teller: for writes that nobody waits for --- */

static void tell(struct mird_group *group)
{
    struct mird_write *list = group->told;
    group->told = NULL;
    group->told_end = &group->told;
    pthread_mutex_unlock(&group->lock);
    for (struct mird_write *next; list; list = next) {
        next = list->next;
        list->done(list);
    }
    pthread_mutex_lock(&group->lock);
}

/* A thread of its own, so that the next group need not wait for what is done with the news. */
static void *teller(void *ctx)
{
    struct mird_group *group = ctx;
    pthread_mutex_lock(&group->lock);
    while (!group->over || group->told)
        if (group->told)
            tell(group);
        else
            pthread_cond_wait(&group->news, &group->lock);
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

/* Late rows are written to where they belong when nobody has written anything for a moment. What
 * cannot be written now is tried with the next group, or at the end. */
static void fold_when_idle(struct mird_store *store)
{
    struct mird_group *group = &store->group;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += IDLE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_cond_timedwait(&group->work, &group->lock, &until) != ETIMEDOUT || group->head ||
        group->leading)
        return;
    pthread_mutex_unlock(&group->lock);
    mird_store_enter(store);
    bool more = mird_late_fold(store, NULL) > 0;
    mird_store_leave(store);
    pthread_mutex_lock(&group->lock);
    group->late = more;
}

static void *committer(void *ctx)
{
    struct mird_store *store = ctx;
    struct mird_group *group = &store->group;
    pthread_mutex_lock(&group->lock);
    while (!group->closing || group->head) {
        if (group->head && !group->leading)
            lead(store);
        else if (group->late && !group->leading)
            fold_when_idle(store);
        else
            pthread_cond_wait(&group->work, &group->lock);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

int mird_store_submit(struct mird_store *store, struct mird_write *write)
{
    struct mird_group *group = &store->group;
    pthread_mutex_lock(&group->lock);
    int rc = start_threads(store);
    if (!rc) {
        put(group, write);
        pthread_cond_signal(&group->work);
    }
    pthread_mutex_unlock(&group->lock);
    return rc;
}

void mird_group_init(struct mird_group *group)
{
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->turn, NULL);
    pthread_cond_init(&group->news, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&group->work, &attr);
    pthread_condattr_destroy(&attr);
    group->told_end = &group->told;
}

void mird_group_close(struct mird_group *group)
{
    pthread_mutex_lock(&group->lock);
    group->closing = true;
    pthread_cond_signal(&group->work);
    pthread_mutex_unlock(&group->lock);
    if (group->running)
        pthread_join(group->committer, NULL);
    pthread_mutex_lock(&group->lock);
    group->over = true;
    pthread_cond_signal(&group->news);
    pthread_mutex_unlock(&group->lock);
    if (group->telling)
        pthread_join(group->teller, NULL);
    pthread_cond_destroy(&group->news);
    pthread_cond_destroy(&group->turn);
    pthread_cond_destroy(&group->work);
    pthread_mutex_destroy(&group->lock);
}
