/* SPDX-License-Identifier: ISC */
/*
 * The noun "site": a URL in the public registry, what is claimed of it and what was verified.
 * Claimed, ownership proven, launched by this daemon, and alive at a time are four different
 * things and stay so on the page, in the badge and in the JSON.
 *
 * Plain value; the state changes are pure functions of (site, what was seen, now).
 */
#ifndef DAEMON_SITE_H
#define DAEMON_SITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/id.h"
#include "api/kernel.h"
#include "api/provider.h"

enum mird_site_state {
    MIRD_SITE_CLAIMED,
    MIRD_SITE_VERIFIED,
    MIRD_SITE_LIVE,
    MIRD_SITE_DEGRADED, /* was live; the last probes failed, not long enough to be down */
    MIRD_SITE_DOWN,
    MIRD_SITE_GONE,     /* its deployment ended, or its owner removed it */
    MIRD_SITE_STATE_COUNT
};

struct mird_site {
    char name[MIR_NAME_TEXT];
    char url[256];
    enum mird_site_state state;
    char verified_by[16]; /* "", "launched" (by this daemon), "token" (ownership token found) */
    char token[MIR_ID_TEXT];      /* what /.well-known/unikernel has to show */
    char deployment[MIR_ID_TEXT]; /* "" for a site of somebody else's making */
    char provider[24];
    char kernel[MIR_SHA256_TEXT]; /* "" unknown */
    char kernel_format[24];
    uint64_t kernel_bytes;
    bool private_ok;      /* may be probed on a loopback address: set for local deployments only */
    bool hidden;          /* not listed on the page (--no-list); its badge still answers */
    int64_t expires_s;    /* 0: no deadline known */
    int64_t first_seen_s; /* first full HTTP exchange; 0 never */
    int64_t last_seen_s;
    int64_t last_probe_s;
    int64_t added_s;
    int64_t gone_s;
    unsigned failures;      /* probes failed in a row */
    unsigned response_ms;   /* of the last good probe */
    uint64_t probes_ok, probes_all;
    char statement[1400];   /* signed facts (JSON with an Ed25519 signature), "" none */
};

/* What one probe saw. */
struct mird_probe {
    char name[MIR_NAME_TEXT];
    bool ok;              /* a full HTTP exchange with status < 500 */
    int status;           /* 0: no answer */
    unsigned ms;
    char error[160];      /* why not ok */
    bool token_matched;   /* /.well-known/unikernel shows the site's token */
    int64_t guest_deadline_s; /* as the guest states it there; 0: says none */
};

const char *mird_site_state_name(enum mird_site_state state);
int mird_site_state_by_name(const char *name);

/* The site after a probe. */
void mird_site_probed(struct mird_site *site, const struct mird_probe *probe, int64_t now_s);
/* The site after its deployment ended. */
void mird_site_ended(struct mird_site *site, int64_t now_s);

/* The REST document of a site (PRODUCT), new reference. */
json_t *mird_site_json(const struct mird_site *site, const char *public_url);

/* The whole value to and from the message between the core and the public process. */
json_t *mird_site_to_message(const struct mird_site *site);
int mird_site_from_message(const json_t *json, struct mird_site *ret, struct mir_error *err);

#endif
