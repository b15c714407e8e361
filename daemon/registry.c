/* SPDX-License-Identifier: ISC */
#include "daemon/registry.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/public_link.h"
#include "daemon/statement.h"
#include "registry_internal.h"

/* --- what all of them need --- */

int mird_registry_save(struct mird_core *core, struct mird_site *site, struct mir_error *err)
{
    if (mird_statement_sign(site, &core->identity, mir_now_s(core->clock), err))
        return -1;
    return mird_store_site_put(core->store, site, err);
}

/* 0 found, 1 not, -1 failed. */
int mird_registry_find(struct mird_core *core, const char *name, struct mird_site *ret,
                       struct mir_error *err)
{
    struct mir_error own = {0};
    if (!mird_store_site_get(core->store, name, ret, &own))
        return 0;
    if (own.kind == MIR_NOT_FOUND)
        return 1;
    if (err)
        *err = own;
    return -1;
}

/* Is the deployment still to be reckoned with? One the store does not know is over. */
static bool deployment_over(struct mird_core *core, const char *id)
{
    struct mird_deployment d;
    struct mir_error own = {0};
    if (mird_store_deployment_get(core->store, id, &d, &own))
        return own.kind == MIR_NOT_FOUND;
    return mird_state_final(mird_deployment_state(&d));
}

/* --- for the engine --- */

static bool host_loopback(const char *host)
{
    return !strcmp(host, "localhost") || !strcmp(host, "::1") || !strncmp(host, "127.", 4);
}

/* An address that a provider has said itself (ports of this machine, a private cloud) is the
 * deployment's own wherever it lies; a URL that a user gave has to be public, or the loopback's
 * for what runs here. */
static bool private_ok(const struct mird_deployment *d, const struct mir_url *url)
{
    bool here = !strcmp(d->provider, "local");
    return !strcmp(d->url_origin, "derived") || (here && host_loopback(url->host));
}

static void fill_launched(struct mird_site *site, const struct mird_deployment *d,
                          const struct mir_kernel *kernel, const struct mir_url *url)
{
    mir_copy(site->name, sizeof site->name, d->name);
    mir_copy(site->url, sizeof site->url, d->url);
    mir_copy(site->verified_by, sizeof site->verified_by, "launched");
    mir_copy(site->token, sizeof site->token, d->token);
    mir_copy(site->deployment, sizeof site->deployment, d->id);
    mir_copy(site->provider, sizeof site->provider, d->provider);
    mir_copy(site->kernel, sizeof site->kernel, d->kernel);
    if (kernel) {
        mir_copy(site->kernel_format, sizeof site->kernel_format, mir_format_name(kernel->format));
        site->kernel_bytes = kernel->bytes;
    }
    site->private_ok = private_ok(d, url);
    site->hidden = !d->list;
    site->carrier_answers = mird_carrier_answers(d);
    site->expires_s = d->deadline_s;
    if (site->state == MIRD_SITE_CLAIMED)
        site->state = MIRD_SITE_VERIFIED;
}

/* The site to begin with: the deployment's own as it was, or an empty one. */
static int begin_launched(struct mird_core *core, const struct mird_deployment *d,
                          struct mird_site *ret, struct mir_error *err)
{
    struct mird_site old = {0};
    int found = mird_registry_find(core, d->name, &old, err);
    if (found < 0)
        return -1;
    if (found == 0 && !strcmp(old.deployment, d->id) && old.state != MIRD_SITE_GONE) {
        *ret = old;
        return 0;
    }
    bool free = found == 1 || old.state == MIRD_SITE_GONE ||
                (old.deployment[0] && deployment_over(core, old.deployment));
    if (!free) {
        mir_fail(err, MIR_CONFLICT, "a site named '%s' is in the registry already", d->name);
        return mir_error_hint(err, "deploy under another --name, or: mirage-deploy site rm %s",
                              d->name);
    }
    *ret = (struct mird_site){.added_s = mir_now_s(core->clock)};
    return 0;
}

int mird_site_launched(struct mird_core *core, const struct mird_deployment *d,
                       const struct mir_kernel *kernel, int seconds, struct mird_site *ret,
                       struct mir_error *err)
{
    struct mir_url url;
    if (!d->url[0])
        return mir_fail(err, MIR_USAGE, "deployment '%s' has no URL to list", d->name);
    if (mir_url_parse(d->url, &url, err))
        return -1;
    struct mird_site site = {0};
    mird_public_lock(core->public_link);
    int rc = begin_launched(core, d, &site, err);
    if (!rc) {
        fill_launched(&site, d, kernel, &url);
        rc = mird_registry_save(core, &site, err);
    }
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    mird_public_refresh(core->public_link);
    mird_public_probe_soon(core->public_link, site.name, seconds);
    if (ret)
        *ret = site;
    return 0;
}

/* Change every site that `change` says is to be changed; the number of changes, or -1. */
typedef bool change_fn(struct mird_core *core, struct mird_site *site, const void *arg);

static int change_sites(struct mird_core *core, change_fn *change, const void *arg,
                        struct mir_error *err)
{
    mird_public_lock(core->public_link);
    mir_auto_free struct mird_site *sites = NULL;
    size_t count = 0;
    int rc = mird_store_sites(core->store, &sites, &count, err), changed = 0;
    for (size_t i = 0; !rc && i < count; i++)
        if (change(core, &sites[i], arg)) {
            rc = mird_registry_save(core, &sites[i], err);
            changed++;
        }
    mird_public_unlock(core->public_link);
    if (changed)
        mird_public_refresh(core->public_link);
    return rc ? -1 : changed;
}

struct new_deadline {
    const char *deployment;
    int64_t expires_s;
};

static bool change_deadline(struct mird_core *core, struct mird_site *site, const void *arg)
{
    const struct new_deadline *n = arg;
    if (strcmp(site->deployment, n->deployment) != 0 || site->state == MIRD_SITE_GONE ||
        site->expires_s == n->expires_s)
        return false;
    site->expires_s = n->expires_s;
    return true;
}

int mird_site_deadline(struct mird_core *core, const char *deployment, int64_t expires_s,
                       struct mir_error *err)
{
    const struct new_deadline n = {deployment, expires_s};
    return change_sites(core, change_deadline, &n, err) < 0 ? -1 : 0;
}

static bool change_ended(struct mird_core *core, struct mird_site *site, const void *arg)
{
    if (strcmp(site->deployment, arg) != 0 || site->state == MIRD_SITE_GONE)
        return false;
    mird_site_ended(site, mir_now_s(core->clock));
    return true;
}

int mird_site_deployment_ended(struct mird_core *core, const char *deployment,
                               struct mir_error *err)
{
    return change_sites(core, change_ended, deployment, err) < 0 ? -1 : 0;
}

/* --- for the edge --- */

static int find_or_fail(struct mird_core *core, const char *name, struct mird_site *ret,
                        struct mir_error *err)
{
    int found = mird_registry_find(core, name, ret, err);
    if (found == 1) {
        mir_fail(err, MIR_NOT_FOUND, "there is no site named '%.63s'", name);
        mir_error_hint(err, "see: mirage-deploy sites");
    }
    return found ? -1 : 0;
}

int mird_site_verify(struct mird_core *core, const char *name, struct mird_site *ret,
                     struct mir_error *err)
{
    struct mird_site site;
    if (find_or_fail(core, name, &site, err))
        return -1;
    if (site.state == MIRD_SITE_GONE)
        return mir_fail(err, MIR_CONFLICT, "site '%s' is gone", name);
    mird_public_probe_soon(core->public_link, name, 10);
    if (ret)
        *ret = site;
    return 0;
}

int mird_site_hide(struct mird_core *core, const char *name, bool hidden, struct mird_site *ret,
                   struct mir_error *err)
{
    struct mird_site site;
    mird_public_lock(core->public_link);
    int rc = find_or_fail(core, name, &site, err);
    if (!rc && site.hidden != hidden) {
        site.hidden = hidden;
        rc = mird_registry_save(core, &site, err);
    }
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    mird_public_refresh(core->public_link);
    if (ret)
        *ret = site;
    return 0;
}

int mird_site_remove(struct mird_core *core, const char *name, struct mir_error *err)
{
    struct mird_site site;
    mird_public_lock(core->public_link);
    int rc = find_or_fail(core, name, &site, err);
    if (!rc && site.deployment[0] && site.state != MIRD_SITE_GONE &&
        !deployment_over(core, site.deployment)) {
        rc = mir_fail(err, MIR_CONFLICT, "site '%s' belongs to a deployment that runs", name);
        mir_error_hint(
            err, "end it: mirage-deploy rm %s; or only take it off the page by hiding it", name);
    }
    if (!rc)
        rc = mird_store_site_delete(core->store, name, err);
    mird_public_unlock(core->public_link);
    if (!rc)
        mird_public_refresh(core->public_link);
    return rc ? -1 : 0;
}

/* --- probes and the calendar --- */

int mird_registry_probed(struct mird_core *core, const struct mird_probe *probe,
                         char ret_deployment[MIR_ID_TEXT], struct mir_error *err)
{
    struct mird_site site;
    mird_public_lock(core->public_link);
    int rc = find_or_fail(core, probe->name, &site, err);
    if (!rc && site.state != MIRD_SITE_GONE) {
        mird_site_probed(&site, probe, mir_now_s(core->clock));
        rc = mird_registry_save(core, &site, err);
    }
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    mir_copy(ret_deployment, MIR_ID_TEXT, site.deployment);
    return 0;
}

static int tidy_one(struct mird_core *core, struct mird_site *site, unsigned *changed,
                    struct mir_error *err)
{
    int64_t now_s = mir_now_s(core->clock);
    enum mird_site_fate fate = mird_site_fate(site, now_s);
    if (fate == MIRD_SITE_DROPS) {
        ++*changed;
        return mird_store_site_delete(core->store, site->name, err);
    }
    bool over = site->state != MIRD_SITE_GONE && site->deployment[0] &&
                deployment_over(core, site->deployment);
    if (fate != MIRD_SITE_ENDS && !over)
        return 0;
    ++*changed;
    mird_site_ended(site, now_s);
    return mird_registry_save(core, site, err);
}

int mird_registry_tidy(struct mird_core *core, unsigned *ret_changed, size_t *ret_seen,
                       struct mir_error *err)
{
    mird_public_lock(core->public_link);
    mir_auto_free struct mird_site *sites = NULL;
    size_t count = 0;
    unsigned changed = 0;
    int rc = mird_store_sites(core->store, &sites, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = tidy_one(core, &sites[i], &changed, err);
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    *ret_changed = changed;
    *ret_seen = count;
    return 0;
}
