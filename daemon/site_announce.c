/* SPDX-License-Identifier: ISC */
/* Sites of others: added by a user of this daemon, or announced by themselves. */
#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/memory.h"
#include "daemon/public_link.h"
#include "registry_internal.h"

/* --- what a URL of others may be --- */

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

static bool host_public(const struct mir_url *url)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, url->host, &in.sin_addr) == 1)
        return mir_http_address_public((struct sockaddr *)&in);
    if (inet_pton(AF_INET6, url->host, &in6.sin6_addr) == 1)
        return mir_http_address_public((struct sockaddr *)&in6);
    static const char *const local[] = {".localhost", ".local", ".internal", ".lan", ".home.arpa"};
    for (size_t i = 0; i < MIR_NELEMS(local); i++)
        if (ends_with(url->host, local[i]))
            return false;
    return strcmp(url->host, "localhost") != 0 && strchr(url->host, '.') != NULL;
}

/* The web's own ports and the customary ones for trying things; a prober that could be sent to
 * any port would be a port scanner for hire. */
static bool port_web(unsigned port)
{
    return port == 80 || port == 443 || port == 3000 || port == 5000 ||
           (port >= 8000 && port <= 8999);
}

static int check_url(const char *text, struct mir_url *ret, struct mir_error *err)
{
    if (strlen(text) >= sizeof(((struct mird_site *)0)->url))
        return mir_fail(err, MIR_USAGE, "the URL is longer than %zu bytes",
                        sizeof(((struct mird_site *)0)->url) - 1);
    if (mir_url_parse(text, ret, err))
        return -1;
    if (!host_public(ret)) {
        mir_fail(err, MIR_POLICY, "'%s' is not reachable from the internet, so it is not listed",
                 ret->host);
        return mir_error_hint(err, "only sites of this daemon's own deployments may be local");
    }
    if (!port_web(ret->port)) {
        mir_fail(err, MIR_POLICY, "port %u is not one that sites are probed on",
                 (unsigned)ret->port);
        return mir_error_hint(err, "use 80, 443, 3000, 5000 or 8000 to 8999");
    }
    return 0;
}

/* "www.Example.org" -> "www-example-org" */
static void name_from_host(const char *host, char out[MIR_NAME_TEXT])
{
    size_t n = 0;
    for (const char *p = host; *p && n < MIR_NAME_TEXT - 1; p++) {
        bool plain = isalnum((unsigned char)*p) != 0;
        if (plain || (n > 0 && out[n - 1] != '-'))
            out[n++] = plain ? (char)tolower((unsigned char)*p) : '-';
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = '\0';
}

/* --- adding one --- */

static int check_room(struct mird_core *core, struct mir_error *err)
{
    mir_auto_free struct mird_site *sites = NULL;
    size_t count = 0, claimed = 0;
    if (mird_store_sites(core->store, &sites, &count, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        claimed += sites[i].state == MIRD_SITE_CLAIMED;
    if (count >= MIRD_SITES_MAX)
        return mir_fail(err, MIR_POLICY, "the registry is full (%d sites)", MIRD_SITES_MAX);
    if (claimed >= MIRD_SITES_CLAIMED_MAX) {
        mir_fail(err, MIR_POLICY, "%d sites wait to be verified already", MIRD_SITES_CLAIMED_MAX);
        return mir_error_hint(err, "a claim that is not verified is dropped after a day");
    }
    return 0;
}

static int put_claim(struct mird_core *core, struct mird_site *site, struct mir_error *err)
{
    site->state = MIRD_SITE_CLAIMED;
    site->added_s = mir_now_s(core->clock);
    if (check_room(core, err))
        return -1;
    return mird_registry_save(core, site, err);
}

static int name_taken(const char *name, struct mir_error *err)
{
    mir_fail(err, MIR_CONFLICT, "a site named '%s' is in the registry already", name);
    return mir_error_hint(err, "choose another name");
}

static int add_locked(struct mird_core *core, struct mird_site *site, bool *ret_known,
                      struct mir_error *err)
{
    struct mird_site old;
    int found = mird_registry_find(core, site->name, &old, err);
    if (found < 0)
        return -1;
    if (found == 0 && old.state != MIRD_SITE_GONE) {
        if (strcmp(old.url, site->url) != 0 || old.deployment[0])
            return name_taken(site->name, err);
        *site = old; /* the same again */
        *ret_known = true;
        return 0;
    }
    mir_id_new(core->random, site->token);
    return put_claim(core, site, err);
}

int mird_site_add(struct mird_core *core, const char *url, const char *name, struct mird_site *ret,
                  struct mir_error *err)
{
    struct mir_url parsed;
    struct mird_site site = {0};
    if (check_url(url, &parsed, err))
        return -1;
    mir_copy(site.url, sizeof site.url, url);
    if (name && *name) {
        if (!mir_name_valid(name)) {
            mir_fail(err, MIR_USAGE, "'%.80s' cannot be a site's name", name);
            return mir_error_hint(err, "use up to 63 of a-z, 0-9 and '-', not '-' at either end");
        }
        mir_copy(site.name, sizeof site.name, name);
    } else {
        name_from_host(parsed.host, site.name);
    }
    if (!site.name[0])
        return mir_fail(err, MIR_USAGE, "no name can be made from '%s'; give one", parsed.host);
    bool known = false;
    mird_public_lock(core->public_link);
    int rc = add_locked(core, &site, &known, err);
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    if (!known)
        mird_public_refresh(core->public_link);
    if (ret)
        *ret = site;
    return 0;
}

/* --- announcements --- */

static int announce_locked(struct mird_core *core, struct mird_site *site, struct mir_error *err)
{
    struct mird_site old;
    int found = mird_registry_find(core, site->name, &old, err);
    if (found < 0)
        return -1;
    if (found == 0) {
        bool same = CRYPTO_memcmp(old.token, site->token, MIR_ID_TEXT) == 0;
        /* A stranger does not get the name, and with it the badge, of a site that was. */
        if (!same || (old.state != MIRD_SITE_GONE && strcmp(old.url, site->url) != 0))
            return name_taken(site->name, err);
        if (old.state != MIRD_SITE_GONE)
            return 0;
    }
    return put_claim(core, site, err);
}

/* A guest of ours. Where the daemon knows the address by itself (or will, once the port is) the
 * guest's word adds nothing: it cannot see the port it is published on. Else it is a claim. */
static int announce_own(struct mird_core *core, const struct mird_deployment *d,
                        struct mird_site *site, struct mir_error *err)
{
    struct mird_site old;
    mir_copy(site->name, sizeof site->name, d->name);
    int found = mird_registry_find(core, d->name, &old, err);
    if (found < 0)
        return -1;
    if ((found == 0 && !strcmp(old.deployment, d->id)) || *d->url || d->wants_url)
        return 0;
    struct mir_url url;
    if (check_url(site->url, &url, err))
        return -1;
    mir_copy(site->deployment, sizeof site->deployment, d->id);
    mir_copy(site->provider, sizeof site->provider, d->provider);
    mir_copy(site->kernel, sizeof site->kernel, d->kernel);
    site->expires_s = d->deadline_s;
    site->hidden = !d->list;
    return announce_locked(core, site, err);
}

int mird_site_announce(struct mird_core *core, const char *name, const char *url, const char *token,
                       struct mir_error *err)
{
    struct mird_site site = {0};
    struct mird_deployment d;
    if (!mir_id_valid(token)) {
        mir_fail(err, MIR_USAGE, "the token is not 32 hexadecimal digits");
        return mir_error_hint(err, "make one: openssl rand -hex 16");
    }
    if (!mir_name_valid(name))
        return mir_fail(err, MIR_USAGE, "'%.63s' cannot be a site's name", name);
    if (mir_copy(site.url, sizeof site.url, url))
        return mir_fail(err, MIR_USAGE, "the URL is longer than %zu bytes", sizeof site.url - 1);
    mir_copy(site.name, sizeof site.name, name);
    mir_copy(site.token, sizeof site.token, token);
    mird_public_lock(core->public_link);
    int own = mird_store_deployment_by_token(core->store, token, &d, err), rc = own < 0 ? -1 : 0;
    struct mir_url parsed;
    if (own == 1)
        rc = announce_own(core, &d, &site, err);
    else if (own == 0)
        rc = check_url(url, &parsed, err) ? -1 : announce_locked(core, &site, err);
    mird_public_unlock(core->public_link);
    if (rc)
        return -1;
    mird_public_refresh(core->public_link);
    mird_public_probe_soon(core->public_link, site.name, 10);
    return 0;
}
