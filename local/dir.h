/* SPDX-License-Identifier: ISC */
/*
 * The instance directory <state>/local/<token>/ and the lock in it that says whether anything of
 * the instance is alive.
 *
 * The lock is an open-file-description lock: the creator takes it, hands the open file to the
 * keeper, and the keeper hands it to the guest's process. So it is held exactly as long as any of
 * the three lives, through every crash, and looking at it disturbs nobody. Any thread.
 */
#ifndef LOCAL_DIR_H
#define LOCAL_DIR_H

#include <stdbool.h>

#include "api/error.h"

#define LOCAL_SPEC_FILE "spec.json"     /* what was asked for; written before anything starts */
#define LOCAL_STATUS_FILE "status.json" /* the keeper's; absent: no guest was ever started */
#define LOCAL_LOCK_FILE "lock"
#define LOCAL_SOCKET_FILE "ctl.sock"
#define LOCAL_KERNEL_FILE "kernel" /* link to the stored kernel file */
#define LOCAL_QEMU_FILE "qemu.conf"
#define LOCAL_FIRMWARE_FILE "firmware"  /* link to the UEFI firmware's code */
#define LOCAL_VARS_FILE "firmware-vars" /* the instance's own copy of its variables */
#define LOCAL_STDERR_FILE "stderr.log"
#define LOCAL_KEEPER_LOG "keeper.log"

#define LOCAL_JSON_MAX 65536 /* bytes of spec.json and of status.json */

/* An fd (owned) of the instance directory; MIR_NOT_FOUND when there is none. */
int local_dir_open(int root_fd, const char *token, int *ret_fd, struct mir_error *err);

/* Make it vanish at once (by renaming), then remove it. Absent is success. */
int local_dir_discard(int root_fd, const char *token, struct mir_error *err);

/* Remove what a crash in the middle of a discard left. */
void local_dir_clean(int root_fd);

/* Open (make) the lock file. Owned fd. */
int local_lock_open(int dir_fd, int *ret_fd, struct mir_error *err);

/* 1: taken (or had already). 0: somebody else holds it. */
int local_lock_try(int lock_fd);

/* 1 when somebody holds the lock; never takes it. */
int local_lock_held(int dir_fd);

/* Take the lock, waiting at most timeout_ms for its holders to end: 0, or -1 MIR_TIMEOUT. */
int local_lock_wait(int dir_fd, int lock_fd, int timeout_ms, struct mir_error *err);

/* 1 when lock_fd is still the file named in the directory (0: it was removed meanwhile). */
int local_lock_current(int dir_fd, int lock_fd);

/* Replace a file by a new one: whole or not at all for whoever looks, but not synced. A guest does
 * not outlive its machine, so most of what describes one need not either. */
int local_dir_replace(int dir_fd, const char *name, const char *text, struct mir_error *err);

/* 1 when the file exists there. */
int local_dir_has(int dir_fd, const char *name);

/* Wait until the file exists or nobody holds the lock any more, at most timeout_ms. */
void local_dir_wait_file(int dir_fd, const char *name, int timeout_ms);

/* Path of a file in the directory behind an fd, for calls that take no directory fd and for
 * socket addresses, which must be short. */
#define LOCAL_FD_PATH 64
void local_fd_path(int dir_fd, const char *name, char out[LOCAL_FD_PATH]);

#endif
