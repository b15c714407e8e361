/* SPDX-License-Identifier: ISC */
#include "standby.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/log.h"
#include "api/memory.h"
#include "bell.h"
#include "lock.h"

#define ROUND_MS 1000 /* how soon news of the other one's writing are noticed */
#define DEATH_MS 50   /* it is just ending: its lock comes free at any moment */
#define DEATH_ROUNDS 100
#define KILL_MS 3000      /* for a killed process to be gone */
#define HAND_OVER_MS 2000 /* for one that has handed back to let go of the lock */

struct mird_standby {
    struct mird_standby_config config;
    pthread_t thread;
    int stop_fd;
    int bell_fd; /* as last rung; -1: nobody hears it */

    /* The thread's own. */
    struct mird_epoch_watch watch;
    struct mird_acting other; /* as last read */
    int64_t ring_boot_ms;     /* the next time */
    unsigned quick_rounds;    /* left, since the bell's reader has ended */
    int64_t change_count;

    atomic_bool won;
    struct mird_inheritance inheritance; /* read after the thread's end */
};

static int64_t boot_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

static void close_bell(struct mird_standby *standby)
{
    if (standby->bell_fd >= 0)
        close(standby->bell_fd);
    standby->bell_fd = -1;
}

/* Until something may be to do; true to go on. */
static bool rest(struct mird_standby *standby, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = standby->stop_fd, .events = POLLIN}, {.fd = standby->bell_fd}};
    poll(fds, MIR_NELEMS(fds), timeout_ms);
    if (fds[1].revents) { /* its reader has ended */
        close_bell(standby);
        standby->quick_rounds = DEATH_ROUNDS;
    }
    return !fds[0].revents;
}

/* --- taking over --- */

static bool take_lock(struct mird_standby *standby)
{
    int64_t now_s = mir_now_s(mir_clock_system());
    return !mird_lock_take(standby->config.state_dir, now_s, &standby->inheritance.lock_fd, NULL);
}

static bool await_lock(struct mird_standby *standby, int patience_ms)
{
    bool got = take_lock(standby);
    for (int waited = 0; !got && waited < patience_ms && rest(standby, DEATH_MS);
         waited += DEATH_MS)
        got = take_lock(standby);
    return got;
}

static bool win(struct mird_standby *standby, const char *why)
{
    mir_log(MIR_LOG_WARN, "standby", "taking over from process %" PRId64 ": %s", standby->other.pid,
            why);
    mir_copy(standby->inheritance.socket, sizeof standby->inheritance.socket,
             standby->other.socket);
    atomic_store(&standby->won, true);
    return true;
}

static bool kill_silent(struct mird_standby *standby)
{
    struct mir_error err = {0};
    if (!standby->config.kill_silent)
        return false;
    if (!mird_lock_kill_holder(standby->config.state_dir, (pid_t)standby->other.pid, KILL_MS, &err))
        return true;
    mir_log(MIR_LOG_ERROR, "standby", "the daemon that does not answer stays: %s", err.text);
    return false;
}

/* Behind the raised epoch the other one can do nothing more. That it ends as well frees what it
 * keeps: locks of instances, the public port. */
static bool take_place(struct mird_standby *standby)
{
    struct mir_error err = {0};
    int64_t now_s = mir_now_s(mir_clock_system());
    if (take_lock(standby) || (kill_silent(standby) && await_lock(standby, KILL_MS)))
        return win(standby, "it did not answer and was killed");
    if (!mird_lock_replace(standby->config.state_dir, now_s, &standby->inheritance.lock_fd, &err))
        return win(standby, "it does not answer; it is shut out");
    mir_log(MIR_LOG_ERROR, "standby", "cannot take over: %s", err.text);
    return false;
}

static bool take_over(struct mird_standby *standby)
{
    struct mir_error err = {0};
    struct mird_acting as;
    bool handed_back = !standby->other.row.holder[0];
    if (handed_back && await_lock(standby, HAND_OVER_MS))
        return win(standby, "it has ended");
    mird_acting_init(&as, standby->config.socket);
    int rc = mird_store_take_over(standby->config.store, &standby->other.row, &as, &err);
    /* It was stopped while it wrote, and nobody else can: only its end helps. */
    if (rc && err.kind == MIR_UNAVAILABLE && !handed_back && kill_silent(standby))
        rc = mird_store_take_over(standby->config.store, &standby->other.row, &as, &err);
    if (rc) {
        mir_log(MIR_LOG_ERROR, "standby", "cannot take over: %s", err.text);
        return false;
    }
    standby->inheritance.as = as;
    return take_place(standby);
}

/* --- the rounds --- */

/* A question and, when the next is due, a look at whether it was answered. */
static bool ask(struct mird_standby *standby)
{
    int64_t now_ms = boot_ms();
    struct mir_error err = {0};
    if (now_ms < standby->ring_boot_ms)
        return false;
    standby->ring_boot_ms = now_ms + MIRD_EPOCH_ASK_MS;
    enum mird_epoch_verdict verdict = MIRD_EPOCH_WAIT;
    if (mird_store_acting(standby->config.store, &standby->other, &err))
        mir_log(MIR_LOG_WARN, "standby", "cannot see who acts: %s", err.text);
    else
        verdict = mird_epoch_look(&standby->watch, &standby->other.row, false,
                                  standby->config.silence_ms, now_ms);
    if (verdict == MIRD_EPOCH_TAKE && take_over(standby))
        return true;
    close_bell(standby);
    standby->bell_fd = mird_bell_ring(standby->config.state_dir);
    return false;
}

static void look_for_news(struct mird_standby *standby)
{
    int64_t count = mird_store_change_count(standby->config.store);
    if (count != standby->change_count)
        standby->config.on_news(standby->config.ctx);
    standby->change_count = count;
}

static void *standby_main(void *ctx)
{
    struct mird_standby *standby = ctx;
    bool won = false;
    do {
        won = take_lock(standby) ? win(standby, "it has ended") : ask(standby);
        if (!won)
            look_for_news(standby);
        if (standby->quick_rounds)
            standby->quick_rounds--;
    } while (!won && rest(standby, standby->quick_rounds ? DEATH_MS : ROUND_MS));
    if (won)
        standby->config.on_won(standby->config.ctx);
    return NULL;
}

int mird_standby_start(const struct mird_standby_config *config, struct mird_standby **ret,
                       struct mir_error *err)
{
    struct mird_standby *standby = mir_calloc(1, sizeof *standby);
    standby->config = *config;
    standby->bell_fd = -1;
    standby->inheritance.lock_fd = -1;
    mird_acting_init(&standby->inheritance.as, config->socket);
    standby->change_count = mird_store_change_count(config->store);
    int rc = mird_store_acting(config->store, &standby->other, err);
    standby->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (!rc && standby->stop_fd < 0)
        rc = mir_fail_errno(err, errno, "cannot make an eventfd");
    int failed = rc ? 0 : pthread_create(&standby->thread, NULL, standby_main, standby);
    if (failed)
        rc = mir_fail_errno(err, failed, "cannot start the thread that stands by");
    if (rc) {
        if (standby->stop_fd >= 0)
            close(standby->stop_fd);
        free(standby);
        return -1;
    }
    *ret = standby;
    return 0;
}

bool mird_standby_won(struct mird_standby *standby)
{
    return atomic_load(&standby->won);
}

bool mird_standby_end(struct mird_standby *standby, struct mird_inheritance *ret)
{
    const uint64_t one = 1;
    if (write(standby->stop_fd, &one, sizeof one) < 0)
        mir_log(MIR_LOG_ERROR, "standby", "eventfd: cannot be written");
    pthread_join(standby->thread, NULL);
    close_bell(standby);
    close(standby->stop_fd);
    bool won = atomic_load(&standby->won);
    *ret = standby->inheritance;
    free(standby);
    return won;
}
