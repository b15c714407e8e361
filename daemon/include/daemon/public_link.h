/* SPDX-License-Identifier: ISC */
/*
 * The link between the core and the public process. The public process (mirage-deployd --public,
 * started by the core with one end of a socketpair as fd 3) serves the pages, probes the sites
 * and takes announcements; it has no credentials, no control socket and no store. Only values
 * cross: sites go down, probes and announcements come up.
 *
 * Framing: 4 bytes length (big endian, at most MIRD_LINK_MAX), then one JSON object with "type".
 */
#ifndef DAEMON_PUBLIC_LINK_H
#define DAEMON_PUBLIC_LINK_H

#include "daemon/core.h"

#define MIRD_LINK_MAX (4u << 20)

/* Start the public process on the configured address (public.listen, default 127.0.0.1:8420; a
 * busy port gives another free one, which is remembered), wait until it listens (2 s), fill
 * core->public_url. It is started again when it dies (with back-off). */
int mird_public_start(struct mird_core *core, const char *listen, struct mird_public **ret,
                      struct mir_error *err);
void mird_public_stop(struct mird_public *link);

/* Tell it the sites of the store as they are now (after each change). Any thread. */
void mird_public_refresh(struct mird_public *link);

/* Ask for a probe of one site now, and then every 250 ms until it answers or `seconds` passed
 * (used while a deployment waits to become live). Any thread. */
void mird_public_probe_soon(struct mird_public *link, const char *name, int seconds);

/* Main of the public process; returns its exit code. */
int mird_public_main(int link_fd, const char *listen);

#endif
