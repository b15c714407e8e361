/* SPDX-License-Identifier: ISC */
#include "tenure.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/log.h"
#include "api/memory.h"
#include "bell.h"
#include "lock.h"

struct mird_tenure {
    char *state_dir;
    int lock_fd, bell_fd, stop_fd;
    int watch_fd;             /* of the lock; -1: it cannot be watched */
    struct mird_store *store; /* borrowed */
    struct mir_fence fence;
    void (*on_lost)(void *ctx);
    void *ctx;
    atomic_bool lost;
    _Atomic(struct mird_engine *) engine; /* borrowed; NULL: it is being started or stopped */
    pthread_t thread;
    bool has_thread;
};

static void lose(void *ctx)
{
    struct mird_tenure *tenure = ctx;
    if (!atomic_exchange(&tenure->lost, true))
        tenure->on_lost(tenure->ctx);
}

static int may_act(void *ctx, struct mir_error *err)
{
    struct mird_tenure *tenure = ctx;
    if (!atomic_load(&tenure->lost) && mird_lock_current(tenure->state_dir, tenure->lock_fd))
        return 0;
    lose(tenure);
    mir_fail(err, MIR_UNAVAILABLE, "another daemon has taken over: nothing was done");
    return mir_error_hint(err, "ask that one: %s/lock names it", tenure->state_dir);
}

struct mird_tenure *mird_tenure_new(const char *state_dir, int lock_fd, struct mird_store *store,
                                    void (*on_lost)(void *ctx), void *ctx)
{
    struct mird_tenure *tenure = mir_calloc(1, sizeof *tenure);
    tenure->state_dir = mir_strdup(state_dir);
    tenure->lock_fd = lock_fd;
    tenure->bell_fd = tenure->stop_fd = tenure->watch_fd = -1;
    tenure->store = store;
    tenure->fence = (struct mir_fence){may_act, tenure};
    tenure->on_lost = on_lost;
    tenure->ctx = ctx;
    mird_store_on_lost(store, lose, tenure);
    return tenure;
}

/* Somebody asks: are we well? Silence is an answer, too. */
static void answer(struct mird_tenure *tenure)
{
    struct mird_engine *engine = atomic_load(&tenure->engine);
    struct mir_error err = {0};
    if (engine && !mird_engine_turns(engine))
        mir_log(MIR_LOG_ERROR, "tenure", "the reaper does not turn: a standby is not answered");
    else if (mird_store_answer(tenure->store, &err) && !atomic_load(&tenure->lost))
        mir_log(MIR_LOG_WARN, "tenure", "a standby cannot be answered: %s", err.text);
}

static void *tenure_main(void *ctx)
{
    struct mird_tenure *tenure = ctx;
    struct pollfd fds[] = {{.fd = tenure->bell_fd, .events = POLLIN},
                           {.fd = tenure->stop_fd, .events = POLLIN},
                           {.fd = tenure->watch_fd, .events = POLLIN}};
    while (!fds[1].revents) {
        if (poll(fds, MIR_NELEMS(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents) {
            mird_bell_quiet(tenure->bell_fd);
            answer(tenure);
        }
        if (fds[2].revents) {
            mird_lock_seen(tenure->watch_fd);
            may_act(tenure, NULL);
        }
    }
    return NULL;
}

/* Without it a daemon that was shut out hears of that by its next change. */
static void watch_lock(struct mird_tenure *tenure)
{
    struct mir_error why = {0};
    if (mird_lock_watch(tenure->state_dir, &tenure->watch_fd, &why))
        mir_log(MIR_LOG_WARN, "tenure", "%s", why.text);
}

int mird_tenure_start(struct mird_tenure *tenure, struct mir_error *err)
{
    struct mir_error why = {0};
    if (mird_bell_hang(tenure->state_dir, &tenure->bell_fd, &why)) {
        mir_log(MIR_LOG_ERROR, "tenure", "a standby would not hear of this daemon: %s", why.text);
        return 0;
    }
    tenure->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (tenure->stop_fd < 0)
        return mir_fail_errno(err, errno, "cannot make an eventfd");
    watch_lock(tenure);
    int rc = pthread_create(&tenure->thread, NULL, tenure_main, tenure);
    if (rc)
        return mir_fail_errno(err, rc, "cannot start the thread that answers standbys");
    tenure->has_thread = true;
    return 0;
}

void mird_tenure_engine(struct mird_tenure *tenure, struct mird_engine *engine)
{
    atomic_store(&tenure->engine, engine);
}

const struct mir_fence *mird_tenure_fence(const struct mird_tenure *tenure)
{
    return &tenure->fence;
}

bool mird_tenure_has_lock(const struct mird_tenure *tenure)
{
    return mird_lock_current(tenure->state_dir, tenure->lock_fd);
}

bool mird_tenure_lost(const struct mird_tenure *tenure)
{
    return atomic_load(&tenure->lost);
}

void mird_tenure_end(struct mird_tenure *tenure)
{
    const uint64_t one = 1;
    struct mir_error err = {0};
    if (tenure->has_thread) {
        if (write(tenure->stop_fd, &one, sizeof one) < 0)
            mir_log(MIR_LOG_ERROR, "tenure", "eventfd: cannot be written");
        pthread_join(tenure->thread, NULL);
        tenure->has_thread = false;
    }
    mird_store_on_lost(tenure->store, NULL, NULL);
    if (!atomic_load(&tenure->lost) && mird_store_hand_back(tenure->store, &err))
        mir_log(MIR_LOG_WARN, "tenure", "a standby has to wait for the lock: %s", err.text);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void mird_tenure_free(struct mird_tenure *tenure)
{
    if (!tenure)
        return;
    close_fd(tenure->bell_fd);
    close_fd(tenure->stop_fd);
    close_fd(tenure->watch_fd);
    close_fd(tenure->lock_fd);
    free(tenure->state_dir);
    free(tenure);
}
