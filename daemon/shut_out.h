/* SPDX-License-Identifier: ISC */
/*
 * A daemon that finds itself shut out begins again as a standby of the one that acts: in the same
 * process, by exec, so that nothing of what it knew, had open or was doing is left. How that one
 * and this know of each other is daemon/epoch.h.
 */
#ifndef DAEMON_SHUT_OUT_H
#define DAEMON_SHUT_OUT_H

#include "start.h"

/* The program anew with the same options, and one that says that it begins again. Returns only
 * when that cannot be done. Every other thread ends with the call, wherever it is. */
int mird_begin_again(char **argv, struct mir_error *err);

/* The other side of it, before anything else is done and any thread is started: the children of the
 * life before are waited for (they end with their pipes; else they are killed, up to 4 s), and
 * *options are those of a standby whose starter is told nothing. */
void mird_begun_again(struct mird_options *options);

#endif
