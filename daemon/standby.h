/* SPDX-License-Identifier: ISC */
/*
 * Standing by: while another daemon acts, ask it whether it is well, notice what it writes, and
 * take over when it has ended, handed back, or not answered for too long (daemon/epoch.h).
 *
 * One thread of its own, which looks about once a second.
 */
#ifndef DAEMON_STANDBY_H
#define DAEMON_STANDBY_H

#include <stdbool.h>

#include "daemon/store_acting.h"

struct mird_standby;

struct mird_standby_config {
    const char *state_dir;    /* borrowed, like all here */
    const char *socket;       /* where this daemon will answer when it acts */
    struct mird_store *store; /* opened as standby */
    int64_t silence_ms;
    bool
        kill_silent; /* a holder that does not answer is killed, as far as the kernel can name it */
    void (*on_news)(void *ctx); /* the other one has written something */
    void (*on_won)(void *ctx);  /* called once: it is our turn; then only mird_standby_end */
    void *ctx;
};

int mird_standby_start(const struct mird_standby_config *config, struct mird_standby **ret,
                       struct mir_error *err);

/* What was won: the lock (owned by the caller from here on), how to open the store, and where the
 * one before answered. */
struct mird_inheritance {
    int lock_fd;
    struct mird_acting as;
    char socket[MIRD_SOCKET_TEXT];
};

bool mird_standby_won(struct mird_standby *standby);

/* Stops the thread. True when it had won: *ret is filled. */
bool mird_standby_end(struct mird_standby *standby, struct mird_inheritance *ret);

#endif
