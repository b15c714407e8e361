/* SPDX-License-Identifier: ISC */
/*
 * Starting a keeper so that it belongs to nobody: own session, no file of ours but the three it
 * gets, an environment of a few harmless words, reaped at once.
 */
#ifndef LOCAL_START_H
#define LOCAL_START_H

#include "api/error.h"

#define LOCAL_KEEPER_DIR_FD 3
#define LOCAL_KEEPER_LOCK_FD 4
#define LOCAL_KEEPER_READY_FD 5

/* Start the keeper for the spec in the directory and wait until the guest runs, at most
 * timeout_ms. `lock_fd` is locked by the caller and stays locked by the keeper. -1 with outcome
 * MIR_DID_NOT_HAPPEN: the keeper is gone and said why; with MIR_OUTCOME_UNKNOWN: it did not answer
 * in time and may live.
 *
 * The keeper's own fault points are planted by MIRAGE_DEPLOY_KEEPER_FAULT and
 * MIRAGE_DEPLOY_KEEPER_FAULT_COUNT, so that numbers meant for the daemon do not hit it. */
int local_spawn_keeper(int dir_fd, int lock_fd, const char *token, int timeout_ms,
                       struct mir_error *err);

#endif
