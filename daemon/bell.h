/* SPDX-License-Identifier: ISC */
/*
 * The bell: <state_dir>/bell, a FIFO on which standbys ask the daemon that acts whether it is well.
 * It costs nothing while nobody rings; a daemon that dies is told at once by the kernel, since the
 * FIFO has no reader then.
 */
#ifndef DAEMON_BELL_H
#define DAEMON_BELL_H

#include "api/error.h"

/* The holder's: a new FIFO in place of an old one (whose reader may be a process that is stopped).
 * *ret_fd: readable when somebody has rung; owned. */
int mird_bell_hang(const char *state_dir, int *ret_fd, struct mir_error *err);
/* Takes what was rung so far. */
void mird_bell_quiet(int fd);

/* The standby's: rings once. Owned descriptor that polls POLLERR when the reader has died, or -1:
 * nobody would hear it. Never blocks. */
int mird_bell_ring(const char *state_dir);

#endif
