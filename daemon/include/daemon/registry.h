/* SPDX-License-Identifier: ISC */
/*
 * What the rest of the daemon asks of the registry: list a deployment's site, end it, add, verify,
 * hide or remove a site, take an announcement. Each call validates, writes the store, has the
 * pages made anew, and starts the probing that the change calls for.
 *
 * Threads: any; changes of sites are serialised inside. Blocking: only for the store's commit.
 * Idempotency: repeating a call with the same values is a success and changes nothing more.
 * Works without a public process too (core->public_link NULL): then nothing is probed.
 */
#ifndef DAEMON_REGISTRY_H
#define DAEMON_REGISTRY_H

#include "daemon/core.h"
#include "daemon/site.h"

#define MIRD_SITES_MAX 1000        /* sites of all kinds; MIR_POLICY beyond */
#define MIRD_SITES_CLAIMED_MAX 100 /* of them not (yet) verified */
#define MIRD_SITE_SOON_S 60        /* how long a new site is probed several times a second */

/* --- for the engine --- */

/* The site of a deployment that has a URL: listed (or hidden, when d->list is false) as launched
 * by this daemon, and probed every 250 ms until it answers, at most `seconds`. Calling it again
 * after a restart or a new URL keeps what was seen of the same deployment. Its name is the
 * deployment's; a gone site of that name is replaced; one that is not gone and belongs to
 * something else gives MIR_CONFLICT. kernel may be NULL. A deployment without a URL is MIR_USAGE.
 */
int mird_site_launched(struct mird_core *core, const struct mird_deployment *d,
                       const struct mir_kernel *kernel, int seconds, struct mird_site *ret,
                       struct mir_error *err);

/* The deadline moved: page, JSON and statement follow. No site of that deployment: success. */
int mird_site_deadline(struct mird_core *core, const char *deployment, int64_t expires_s,
                       struct mir_error *err);

/* The deployment is over: its site (if any) is gone. */
int mird_site_deployment_ended(struct mird_core *core, const char *deployment,
                               struct mir_error *err);

/* --- for the REST edge; ret may be NULL --- */

/* A site of somebody's own making, claimed until its ownership token is found. name "" or NULL:
 * made from the host. MIR_USAGE (URL, name), MIR_CONFLICT (name taken), MIR_POLICY (too many;
 * an address that is not public). */
int mird_site_add(struct mird_core *core, const char *url, const char *name, struct mird_site *ret,
                  struct mir_error *err);

/* Probe it now, with the ownership check; the result arrives in the store. MIR_NOT_FOUND;
 * MIR_CONFLICT when it is gone. */
int mird_site_verify(struct mird_core *core, const char *name, struct mird_site *ret,
                     struct mir_error *err);

int mird_site_hide(struct mird_core *core, const char *name, bool hidden, struct mird_site *ret,
                   struct mir_error *err);

/* Takes it off the registry for good, at once. MIR_NOT_FOUND; MIR_CONFLICT while its deployment
 * runs (end that, or hide the site). */
int mird_site_remove(struct mird_core *core, const char *name, struct mir_error *err);

/* An announcement, from the public listener or the control socket. A token that is a running
 * deployment's own: its site is probed at once (made first when it has none). Any other: a claimed
 * site, verified when its /.well-known/unikernel shows the token. MIR_USAGE, MIR_CONFLICT,
 * MIR_POLICY as for mird_site_add. */
int mird_site_announce(struct mird_core *core, const char *name, const char *url, const char *token,
                       struct mir_error *err);

/* --- used by public_link.c and the tests --- */

/* A probe's result: into the site, its statement and the store. ret_deployment gets the id of the
 * site's deployment, "" when it has none. MIR_NOT_FOUND when the site is not there any more. */
int mird_registry_probed(struct mird_core *core, const struct mird_probe *probe,
                         char ret_deployment[MIR_ID_TEXT], struct mir_error *err);

/* Bring the sites in line with the deployments and the calendar: sites of deployments that are
 * over become gone, long gone and never verified ones are dropped. *ret_changed counts those,
 * *ret_seen all: without any there is nothing to do again until one is made. */
int mird_registry_tidy(struct mird_core *core, unsigned *ret_changed, size_t *ret_seen,
                       struct mir_error *err);

#endif
