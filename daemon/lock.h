/* SPDX-License-Identifier: ISC */
/*
 * One daemon per state directory: <state_dir>/lock, held with flock(2) for the process's life and
 * naming its holder. The kernel lets go of it however the process ends; of a process that is only
 * stopped it does not, so that whoever takes over from such a one puts a new file in its place.
 *
 * The file also has a record lock of the same life, because for that one the kernel names the
 * process. A process that holds it must not open the file a second time: closing would drop it.
 */
#ifndef DAEMON_LOCK_H
#define DAEMON_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/error.h"

/* *ret_fd: keep it open as long as the lock is to be held. MIR_CONFLICT names the holder's pid and
 * start; MIR_POLICY, MIR_NO_SPACE for a directory that cannot be written. */
int mird_lock_take(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err);

/* Put a new lock, held by this process, in place of one that another process keeps. */
int mird_lock_replace(const char *state_dir, int64_t now_s, int *ret_fd, struct mir_error *err);

/* Is the lock that we hold still the one at its place? False: another daemon has taken over. A
 * file that somebody has deleted is no other daemon. One system call; any thread. */
bool mird_lock_current(const char *state_dir, int lock_fd);

/* *ret_fd, owned: readable when it is time to ask mird_lock_current again, and costs nothing until
 * then. Reading it is mird_lock_seen. */
int mird_lock_watch(const char *state_dir, int *ret_fd, struct mir_error *err);
void mird_lock_seen(int watch_fd);

/* SIGKILL the process that holds the lock, if the kernel says that it is `pid`, and wait up to
 * patience_ms for its end. 0: it has ended (also before). -1: it is another one, or cannot be
 * killed. Not for the holder itself. */
int mird_lock_kill_holder(const char *state_dir, pid_t pid, int patience_ms, struct mir_error *err);

#endif
