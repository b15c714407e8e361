/* SPDX-License-Identifier: ISC */
/*
 * The link between the core and the public process. The public process (mirage-deployd --public,
 * started by the core with one end of a socketpair as fd 3) serves the pages, probes the sites
 * and takes announcements; it has no credentials, no control socket and no store. Only values
 * cross: sites go down, probes and announcements come up (link_message.h).
 *
 * The core binds the listening socket and keeps it, so that a public process which dies and is
 * started again (with back-off) serves on at the same address, and connections wait meanwhile.
 */
#ifndef DAEMON_PUBLIC_LINK_H
#define DAEMON_PUBLIC_LINK_H

#include "daemon/core.h"

/* Listen on "ADDRESS:PORT", "PORT" or "[v6]:PORT"; NULL: MIRAGE_DEPLOY_PUBLIC, then [public]
 * listen of the configuration, then 127.0.0.1:8420. The default address with a busy port gives the
 * port of last time (setting "public-port"), else another free one, which is remembered; a busy
 * port that was asked for is MIR_CONFLICT. Starts the public process, waits until it serves (2 s),
 * fills core->public_url ([public] url, else the address) and core->public_link. Then the engine
 * may be started, and after it mird_public_refresh be called. */
int mird_public_start(struct mird_core *core, const char *listen, struct mird_public **ret,
                      struct mir_error *err);
/* Ends process and thread: the engine hears of nothing more, and may be stopped. What else is asked
 * of the link is still taken. */
void mird_public_halt(struct mird_public *link);
void mird_public_stop(struct mird_public *link); /* halts and frees it; NULL allowed */

/* Tell it the sites of the store as they are now (after each change). Any thread; NULL allowed. */
void mird_public_refresh(struct mird_public *link);

/* Ask for a probe of one site now, and then every 250 ms until it answers or `seconds` passed
 * (used while a deployment waits to become live). Any thread; NULL allowed. */
void mird_public_probe_soon(struct mird_public *link, const char *name, int seconds);

/* Serialises the registry's read-change-write of sites; not recursive. NULL allowed. */
void mird_public_lock(struct mird_public *link);
void mird_public_unlock(struct mird_public *link);

/* Main of the public process; returns its exit code. link_fd: its end of the socketpair. listen:
 * "fd=N" for a listening socket it was given, else an address to bind as above. */
int mird_public_main(int link_fd, const char *listen);

/* Bind and listen on such an address. *ret_url gets "http://ADDRESS:PORT" as reached from here
 * (owned; a wildcard address reads as the loopback's). Returns the fd, or -1: MIR_USAGE,
 * MIR_CONFLICT when it is busy. */
int mird_public_bind(const char *listen, char **ret_url, struct mir_error *err);

#endif
