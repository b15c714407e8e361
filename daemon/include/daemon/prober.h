/* SPDX-License-Identifier: ISC */
/*
 * The prober: asks every site for a full HTTP exchange once a minute (with jitter), and a new one
 * several times a second until it answers. An open port proves nothing: QEMU's user-mode network
 * accepts a connection before the guest is there, and then resets or stalls.
 *
 * One thread carries all probes at once, so a dead site delays no other. A probe is GET <url>
 * (status below 500 and the body complete, or 64 KiB of it, within 5 s), then GET
 * <origin>/.well-known/unikernel, whose "token" is compared with the site's. Redirects are not
 * followed. Addresses that are not public are refused at connect time, but for sites with
 * private_ok: those may be on a loopback address or on the literal address of their URL.
 */
#ifndef DAEMON_PROBER_H
#define DAEMON_PROBER_H

#include "daemon/site.h"

#define MIRD_PROBE_MS 60000       /* between two probes of a site */
#define MIRD_PROBE_SOON_MS 250    /* between two beginnings while a new site is awaited */
#define MIRD_PROBE_QUICK_MS 400   /* how long each of those waits; one of 5 s runs beside them */
#define MIRD_PROBE_LIMIT_MS 5000  /* of one exchange */
#define MIRD_PROBE_BODY_MAX 65536 /* bytes read of an answer */
#define MIRD_PROBES_AT_ONCE 256

struct mird_prober;

/* Called in the prober's thread, once per probe; failures while a new site is awaited are told
 * only at the end of that time. Must not call the prober. */
typedef void mird_prober_fn(void *ctx, const struct mird_probe *probe);

int mird_prober_start(mird_prober_fn *report, void *ctx, int interval_ms, struct mird_prober **ret,
                      struct mir_error *err);
void mird_prober_stop(struct mird_prober *prober); /* joins the thread; NULL allowed */

/* These are the sites now (copied). public_url goes into the user agent. Any thread. */
void mird_prober_sites(struct mird_prober *prober, const struct mird_site *sites, size_t count,
                       const char *public_url);

/* Probe this site often, for so many seconds or until it answers. Any thread. */
void mird_prober_soon(struct mird_prober *prober, const char *name, int seconds);

/* What /.well-known/unikernel says: is the token in it, and the deadline it states (0: none).
 * Pure; any bytes. */
bool mird_probe_read_token(const char *body, size_t len, const char *token,
                           int64_t *ret_deadline_s);

#endif
