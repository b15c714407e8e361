/* SPDX-License-Identifier: ISC */
/*
 * Saying "ready" and "stopping" to whoever started the daemon: systemd (a datagram to
 * $NOTIFY_SOCKET, sd_notify(3)), and the command line (one line on an inherited pipe, docs/REST.md:
 * starting the daemon on demand). Never fails: nobody listening is not our trouble.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "api/error.h"

void mird_notify(const char *text); /* "READY=1\nSTATUS=…" */

/* Writes "ready", or err as a problem document on one line, and closes the fd; -1: does nothing. */
void mird_ready_fd(int fd, const struct mir_error *err);

#endif
