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

/*
 *   claimed --token found--> verified --answers--> live --misses 1, 2--> degraded --miss 3--> down
 *              launched ------^                     ^----------answers------'------------------'
 *   any of them --its deployment is over, removed, or away for a week--> gone (for good)
 *
 * A claimed site that answers stays claimed: an answer proves no ownership.
 */
enum mird_site_state {
    MIRD_SITE_CLAIMED,
    MIRD_SITE_VERIFIED,
    MIRD_SITE_LIVE,
    MIRD_SITE_DEGRADED, /* was live; the last probes failed, not long enough to be down */
    MIRD_SITE_DOWN,
    MIRD_SITE_GONE, /* its deployment ended, or it was away for too long */
    MIRD_SITE_STATE_COUNT
};

#define MIRD_SITE_MISSES_DOWN 3       /* failed probes in a row that make it down */
#define MIRD_SITE_CLAIM_S 86400       /* a claim not verified by then is dropped */
#define MIRD_SITE_AWAY_S (7 * 86400)  /* a site of others not seen for so long is gone */
#define MIRD_SITE_PAST_S 86400        /* how long a gone site stays on the page */
#define MIRD_SITE_KEPT_S (30 * 86400) /* how long its badge says "gone" before it is forgotten */

struct mird_site {
    char name[MIR_NAME_TEXT];
    char url[256];
    enum mird_site_state state;
    char verified_by[16];    /* "", "launched" (by this daemon), "token" (ownership token found) */
    char token[MIR_ID_TEXT]; /* what /.well-known/unikernel has to show */
    char deployment[MIR_ID_TEXT]; /* "" for a site of somebody else's making */
    char provider[24];
    char kernel[MIR_SHA256_TEXT]; /* "" unknown */
    char kernel_format[24];
    uint64_t kernel_bytes;
    bool private_ok;      /* may be probed on a loopback address: set for local deployments only */
    bool carrier_answers; /* its carrier was asked to show the token for it */
    bool token_shown;     /* at its last good probe */
    bool hidden;          /* not listed on the page (--no-list); its badge still answers */
    int64_t expires_s;    /* 0: no deadline known; MIR_FOREVER_S: known to have none */
    int64_t first_seen_s; /* first full HTTP exchange; 0 never */
    int64_t last_seen_s;
    int64_t last_probe_s;
    int64_t added_s;
    int64_t gone_s;
    unsigned failures;    /* probes failed in a row */
    unsigned response_ms; /* of the last good probe */
    uint64_t probes_ok, probes_all;
    char error[160];      /* why the last probe failed, "" when it did not */
    char statement[1400]; /* signed facts (JSON with an Ed25519 signature), "" none */
};

/* What one probe saw. */
struct mird_probe {
    char name[MIR_NAME_TEXT];
    bool ok;    /* a full HTTP exchange with status < 500 */
    int status; /* 0: no answer */
    unsigned ms;
    char error[160];          /* why not ok */
    bool token_matched;       /* /.well-known/unikernel shows the site's token */
    int64_t guest_deadline_s; /* as the guest states it there; 0: says none */
};

const char *mird_site_state_name(enum mird_site_state state);
int mird_site_state_by_name(const char *name); /* -1: no such state */

/* The site after a probe. A site verified by its token counts as seen only when it still shows
 * that token. */
void mird_site_probed(struct mird_site *site, const struct mird_probe *probe, int64_t now_s);
/* The site after its deployment ended. Gone stays gone. */
void mird_site_ended(struct mird_site *site, int64_t now_s);

/* What the calendar says of it. */
enum mird_site_fate { MIRD_SITE_STAYS, MIRD_SITE_ENDS, MIRD_SITE_DROPS };
enum mird_site_fate mird_site_fate(const struct mird_site *site, int64_t now_s);

/* Shown on the page, in sites.json, the feed and the sitemap? (Badge and own page answer anyway.)
 * Never a claimed one; a gone one for MIRD_SITE_PAST_S. */
bool mird_site_listed(const struct mird_site *site, int64_t now_s);

/* The public document of a site (PRODUCT), new reference. */
json_t *mird_site_json(const struct mird_site *site, const char *public_url);
/* The same and what only its owner is to see (token, what to show where, the last failure): for
 * the control socket. */
json_t *mird_site_json_owner(const struct mird_site *site, const char *public_url);

/* The whole value: the record of the store, and the message between the core and the public
 * process. Unknown members are ignored and absent ones read as zero, so that an older record can
 * be read; MIR_CORRUPT names a bad one. */
json_t *mird_site_to_message(const struct mird_site *site);
int mird_site_from_message(const json_t *json, struct mird_site *ret, struct mir_error *err);
json_t *mird_probe_to_message(const struct mird_probe *probe);
int mird_probe_from_message(const json_t *json, struct mird_probe *ret, struct mir_error *err);

#endif
