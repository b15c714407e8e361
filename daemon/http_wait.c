/* SPDX-License-Identifier: ISC */
/*
 * Waits, deadlines and workers: everything of the HTTP layer that happens outside of the
 * library's own thread. A suspended call is in exactly one place: in the list of waiters, in the
 * queue of jobs, or with a worker; who takes it out resumes it.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "api/memory.h"
#include "http_internal.h"

int64_t http_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec timespec_of(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* With the lock held: the timer has something to do no later than at_ms. */
static void timer_by(struct mird_http_server *server, int64_t at_ms)
{
    if (at_ms < server->timer_next_ms) {
        server->timer_next_ms = at_ms;
        pthread_cond_signal(&server->timer_cond);
    }
}

/* --- connections --- */

void http_conn_deadline(struct mird_http_server *server, struct http_conn *conn, int64_t at_ms)
{
    pthread_mutex_lock(&server->lock);
    conn->deadline_ms = at_ms;
    if (at_ms)
        timer_by(server, at_ms);
    pthread_mutex_unlock(&server->lock);
}

void http_conn_add(struct mird_http_server *server, struct http_conn *conn)
{
    pthread_mutex_lock(&server->lock);
    conn->prev = NULL;
    conn->next = server->conns;
    if (conn->next)
        conn->next->prev = conn;
    server->conns = conn;
    server->conn_count++;
    pthread_mutex_unlock(&server->lock);
}

void http_conn_remove(struct mird_http_server *server, struct http_conn *conn)
{
    pthread_mutex_lock(&server->lock);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    server->conn_count--;
    pthread_mutex_unlock(&server->lock);
}

/* --- calls --- */

void http_calls_add(struct mird_http_server *server, int change)
{
    pthread_mutex_lock(&server->lock);
    server->open_calls += (unsigned)change;
    if (!server->open_calls)
        pthread_cond_broadcast(&server->answered_cond);
    pthread_mutex_unlock(&server->lock);
}

void http_calls_end(struct mird_http_server *server, int64_t most_ms)
{
    struct timespec until = timespec_of(http_now_ms() + most_ms);
    int rc = 0;
    pthread_mutex_lock(&server->lock);
    while (server->open_calls && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&server->answered_cond, &server->lock, &until);
    pthread_mutex_unlock(&server->lock);
}

/* --- waits --- */

/* The request is the call's first member. */
static struct http_call *http_call_of(struct mird_http_request *request)
{
    _Static_assert(offsetof(struct http_call, request) == 0, "cast");
    return (struct http_call *)request;
}

/* With the lock held. */
static void unlist(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    if (call->prev)
        call->prev->next = call->next;
    else
        server->waiters = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->prev = call->next = NULL;
    call->waiting = false;
}

void http_wait_add(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    call->request.timed_out = false;
    pthread_mutex_lock(&server->lock);
    /* Something was woken since the handler looked: it may have been this one. */
    bool at_once = atomic_load(&server->stopping) ||
                   (!call->wait_any && call->wake_seen != atomic_load(&server->wakes));
    if (!at_once) {
        call->waiting = true;
        call->prev = NULL;
        call->next = server->waiters;
        if (call->next)
            call->next->prev = call;
        server->waiters = call;
        timer_by(server, call->wait_until_ms);
    }
    pthread_mutex_unlock(&server->lock);
    if (at_once)
        http_call_resume(call);
}

/* Take out all that match, then resume them without the lock: nobody else can, any more. */
static void wake_where(struct mird_http_server *server, const char *key, bool all, int64_t now_ms)
{
    struct http_call *woken = NULL;
    pthread_mutex_lock(&server->lock);
    for (struct http_call *call = server->waiters, *next; call; call = next) {
        next = call->next;
        bool due = now_ms && call->wait_until_ms <= now_ms;
        if (!all && !due && !(key && !call->wait_any && !strcmp(key, call->wait_key)))
            continue;
        unlist(call);
        call->request.timed_out = due;
        call->next = woken;
        woken = call;
    }
    pthread_mutex_unlock(&server->lock);
    while (woken) {
        struct http_call *call = woken;
        woken = call->next;
        call->next = NULL;
        http_call_resume(call);
    }
}

void mird_http_wait(struct mird_http_request *request, const char *key, int64_t timeout_ms)
{
    struct http_call *call = http_call_of(request);
    call->wait_any = key == NULL;
    mir_copy(call->wait_key, sizeof call->wait_key, key ? key : "");
    call->wait_until_ms = http_now_ms() + timeout_ms;
}

void mird_http_wake(struct mird_http_server *server, const char *key)
{
    atomic_fetch_add(&server->wakes, 1);
    wake_where(server, key, key == NULL, 0);
}

void http_wait_all(struct mird_http_server *server)
{
    wake_where(server, NULL, true, 0);
}

/* --- the timer --- */

/* With the lock held: cut connections past their deadline, and find the next thing to do. */
static int64_t timer_round(struct mird_http_server *server, int64_t now_ms, bool *ret_due)
{
    int64_t next = INT64_MAX;
    *ret_due = false;
    for (struct http_conn *conn = server->conns; conn; conn = conn->next) {
        if (conn->deadline_ms && conn->deadline_ms <= now_ms) {
            /* The library sees the end of the connection and cleans up in its own thread. */
            shutdown(conn->fd, SHUT_RDWR);
            conn->deadline_ms = 0;
        }
        if (conn->deadline_ms && conn->deadline_ms < next)
            next = conn->deadline_ms;
    }
    for (struct http_call *call = server->waiters; call; call = call->next) {
        if (call->wait_until_ms <= now_ms)
            *ret_due = true;
        else if (call->wait_until_ms < next)
            next = call->wait_until_ms;
    }
    return next;
}

static void *timer_main(void *arg)
{
    struct mird_http_server *server = arg;
    pthread_mutex_lock(&server->lock);
    while (!atomic_load(&server->timer_end)) {
        int64_t now_ms = http_now_ms();
        if (now_ms < server->timer_next_ms) {
            if (server->timer_next_ms == INT64_MAX) {
                pthread_cond_wait(&server->timer_cond, &server->lock);
            } else {
                struct timespec until = timespec_of(server->timer_next_ms);
                pthread_cond_timedwait(&server->timer_cond, &server->lock, &until);
            }
            continue;
        }
        bool due;
        server->timer_next_ms = timer_round(server, now_ms, &due);
        if (due) {
            pthread_mutex_unlock(&server->lock);
            wake_where(server, NULL, false, now_ms);
            pthread_mutex_lock(&server->lock);
        }
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* --- workers --- */

/* With the lock held; NULL when the worker is to end. */
static struct http_call *next_job(struct mird_http_server *server)
{
    server->workers_idle++;
    while (!server->jobs && !server->work_end)
        pthread_cond_wait(&server->work_cond, &server->lock);
    server->workers_idle--;
    struct http_call *call = server->jobs;
    if (call) {
        server->jobs = call->job_next;
        if (!server->jobs)
            server->jobs_tail = &server->jobs;
    }
    return call;
}

static void *worker_main(void *arg)
{
    struct mird_http_server *server = arg;
    pthread_mutex_lock(&server->lock);
    for (struct http_call *call; (call = next_job(server));) {
        pthread_mutex_unlock(&server->lock);
        http_call_work(call);
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static int start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, HTTP_STACK_BYTES);
    int failed = pthread_create(thread, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    return failed;
}

void http_work_add(struct http_call *call)
{
    struct mird_http_server *server = call->server;
    pthread_mutex_lock(&server->lock);
    call->job_next = NULL;
    *server->jobs_tail = call;
    server->jobs_tail = &call->job_next;
    if (!server->work_end && server->workers_idle == 0 &&
        server->worker_count < server->config.workers_max &&
        !start_thread(&server->workers[server->worker_count], worker_main, server))
        server->worker_count++;
    /* Workers that are ending still empty the queue; only without any the job is ours. */
    bool nobody = server->worker_count == 0;
    if (nobody) {
        server->jobs = NULL;
        server->jobs_tail = &server->jobs;
    }
    pthread_cond_signal(&server->work_cond);
    pthread_mutex_unlock(&server->lock);
    if (nobody)
        http_call_work(call);
}

void http_workers_stop(struct mird_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->work_end = true;
    pthread_cond_broadcast(&server->work_cond);
    unsigned count = server->worker_count;
    pthread_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < count; i++)
        pthread_join(server->workers[i], NULL);
    /* What came after the last worker left is done here; from now on callers work themselves. */
    pthread_mutex_lock(&server->lock);
    server->worker_count = 0;
    struct http_call *jobs = server->jobs;
    server->jobs = NULL;
    server->jobs_tail = &server->jobs;
    pthread_mutex_unlock(&server->lock);
    while (jobs) {
        struct http_call *call = jobs;
        jobs = call->job_next;
        http_call_work(call);
    }
}

void http_timer_stop(struct mird_http_server *server)
{
    if (!server->timer_started)
        return;
    atomic_store(&server->timer_end, true);
    pthread_mutex_lock(&server->lock);
    pthread_cond_signal(&server->timer_cond);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->timer, NULL);
}

int http_wait_start(struct mird_http_server *server, struct mir_error *err)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->timer_cond, &attr);
    pthread_cond_init(&server->answered_cond, &attr);
    pthread_cond_init(&server->work_cond, NULL);
    pthread_condattr_destroy(&attr);
    server->timer_next_ms = INT64_MAX;
    server->jobs_tail = &server->jobs;
    server->workers = mir_calloc(server->config.workers_max, sizeof *server->workers);
    int failed = start_thread(&server->timer, timer_main, server);
    if (failed)
        return mir_fail_errno(err, failed, "cannot start the timer thread");
    server->timer_started = true;
    return 0;
}
