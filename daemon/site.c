/* SPDX-License-Identifier: ISC */
#include "daemon/site.h"

#include <stddef.h>
#include <string.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/memory.h"

static const char *const state_names[MIRD_SITE_STATE_COUNT] = {
    [MIRD_SITE_CLAIMED] = "claimed",   [MIRD_SITE_VERIFIED] = "verified", [MIRD_SITE_LIVE] = "live",
    [MIRD_SITE_DEGRADED] = "degraded", [MIRD_SITE_DOWN] = "down",         [MIRD_SITE_GONE] = "gone",
};

const char *mird_site_state_name(enum mird_site_state state)
{
    return (unsigned)state < MIRD_SITE_STATE_COUNT ? state_names[state] : "unknown";
}

int mird_site_state_by_name(const char *name)
{
    for (int i = 0; i < MIRD_SITE_STATE_COUNT; i++)
        if (!strcmp(state_names[i], name))
            return i;
    return -1;
}

/* --- the machine --- */

static void seen(struct mird_site *site, const struct mird_probe *probe, int64_t now_s)
{
    site->probes_ok++;
    site->failures = 0;
    site->error[0] = '\0';
    site->response_ms = probe->ms;
    site->last_seen_s = now_s;
    site->token_shown = probe->token_matched;
    if (!site->first_seen_s)
        site->first_seen_s = now_s;
    if (!site->deployment[0])
        site->expires_s = probe->guest_deadline_s;
    if (site->state != MIRD_SITE_CLAIMED)
        site->state = MIRD_SITE_LIVE;
}

static void missed(struct mird_site *site, const char *why)
{
    site->failures++;
    mir_copy(site->error, sizeof site->error, why);
    if (site->state == MIRD_SITE_LIVE)
        site->state = MIRD_SITE_DEGRADED;
    if (site->state == MIRD_SITE_DEGRADED && site->failures >= MIRD_SITE_MISSES_DOWN)
        site->state = MIRD_SITE_DOWN;
}

void mird_site_probed(struct mird_site *site, const struct mird_probe *probe, int64_t now_s)
{
    if (site->state == MIRD_SITE_GONE)
        return;
    site->last_probe_s = now_s;
    site->probes_all++;
    if (probe->ok && probe->token_matched && !site->verified_by[0]) {
        mir_copy(site->verified_by, sizeof site->verified_by, "token");
        site->state = MIRD_SITE_VERIFIED;
    }
    if (!probe->ok)
        missed(site, probe->error[0] ? probe->error : "no full answer");
    else if (!strcmp(site->verified_by, "token") && !probe->token_matched)
        missed(site, "it answers, but no longer shows its ownership token");
    else
        seen(site, probe, now_s);
}

void mird_site_ended(struct mird_site *site, int64_t now_s)
{
    if (site->state == MIRD_SITE_GONE)
        return;
    site->state = MIRD_SITE_GONE;
    site->gone_s = now_s;
}

enum mird_site_fate mird_site_fate(const struct mird_site *site, int64_t now_s)
{
    if (site->state == MIRD_SITE_GONE)
        return now_s - site->gone_s > MIRD_SITE_KEPT_S ? MIRD_SITE_DROPS : MIRD_SITE_STAYS;
    if (site->state == MIRD_SITE_CLAIMED)
        return now_s - site->added_s > MIRD_SITE_CLAIM_S ? MIRD_SITE_DROPS : MIRD_SITE_STAYS;
    int64_t last = site->last_seen_s > site->added_s ? site->last_seen_s : site->added_s;
    if (!site->deployment[0] && now_s - last > MIRD_SITE_AWAY_S)
        return MIRD_SITE_ENDS;
    return MIRD_SITE_STAYS;
}

bool mird_site_listed(const struct mird_site *site, int64_t now_s)
{
    if (site->hidden || site->state == MIRD_SITE_CLAIMED)
        return false;
    return site->state != MIRD_SITE_GONE || now_s - site->gone_s <= MIRD_SITE_PAST_S;
}

/* --- documents --- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t utc_s)
{
    if (!utc_s)
        return json_null();
    char text[MIR_TIME_SIZE];
    mir_time_format(utc_s, text);
    return json_string(text);
}

static json_t *link_to(const char *public_url, const char *before, const char *name,
                       const char *after)
{
    if (!*public_url)
        return json_null();
    mir_auto_free char *text = mir_format("%s%s%s%s", public_url, before, name, after);
    return json_string(text);
}

json_t *mird_site_json(const struct mird_site *site, const char *public_url)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(site->name));
    json_object_set_new(o, "url", json_string(site->url));
    json_object_set_new(o, "state", json_string(mird_site_state_name(site->state)));
    json_object_set_new(o, "verified_by", text_or_null(site->verified_by));
    bool by_carrier = site->carrier_answers && site->token_shown;
    json_object_set_new(o, "answered_by", by_carrier ? json_string("carrier") : json_null());
    json_object_set_new(o, "kernel", text_or_null(site->kernel));
    json_object_set_new(o, "kernel_format", text_or_null(site->kernel_format));
    json_object_set_new(o, "kernel_bytes", json_integer((json_int_t)site->kernel_bytes));
    json_object_set_new(o, "provider", text_or_null(site->provider));
    json_object_set_new(o, "first_seen", time_or_null(site->first_seen_s));
    json_object_set_new(o, "last_seen", time_or_null(site->last_seen_s));
    bool forever = mir_forever(site->expires_s);
    json_object_set_new(o, "expires_at", time_or_null(forever ? 0 : site->expires_s));
    json_object_set_new(o, "forever", json_boolean(forever));
    json_object_set_new(o, "gone_at", time_or_null(site->gone_s));
    json_object_set_new(o, "response_ms", json_integer(site->response_ms));
    json_object_set_new(o, "hidden", json_boolean(site->hidden));
    json_object_set_new(o, "page_url", link_to(public_url, "/sites/", site->name, ""));
    json_object_set_new(o, "badge_url", link_to(public_url, "/badge/", site->name, ".svg"));
    json_t *statement = *site->statement ? json_loads(site->statement, 0, NULL) : NULL;
    json_object_set_new(o, "statement", statement ? statement : json_null());
    return o;
}

json_t *mird_site_json_owner(const struct mird_site *site, const char *public_url)
{
    json_t *o = mird_site_json(site, public_url);
    struct mir_url url;
    json_t *where = json_null();
    if (!mir_url_parse(site->url, &url, NULL)) {
        mir_auto_free char *text = mir_format("%s/.well-known/unikernel", url.origin);
        where = json_string(text);
    }
    json_object_set_new(o, "deployment", text_or_null(site->deployment));
    json_object_set_new(o, "token", text_or_null(site->token));
    json_object_set_new(o, "token_url", where);
    json_object_set_new(o, "added_at", time_or_null(site->added_s));
    json_object_set_new(o, "last_probe", time_or_null(site->last_probe_s));
    json_object_set_new(o, "failures", json_integer(site->failures));
    json_object_set_new(o, "probes_ok", json_integer((json_int_t)site->probes_ok));
    json_object_set_new(o, "probes_all", json_integer((json_int_t)site->probes_all));
    json_object_set_new(o, "error", text_or_null(site->error));
    return o;
}

/* --- records: every member by name, from one table --- */

enum member_type { TEXT, FLAG, I64, U64, U32, I32, STATE };

struct member {
    const char *name;
    enum member_type type;
    size_t offset;
    size_t size;
};

#define MEMBER(owner, field, type)                                                                 \
    {                                                                                              \
#field, type, offsetof(struct owner, field), sizeof(((struct owner *)0)->field)            \
    }

static const struct member site_members[] = {
    MEMBER(mird_site, name, TEXT),
    MEMBER(mird_site, url, TEXT),
    MEMBER(mird_site, state, STATE),
    MEMBER(mird_site, verified_by, TEXT),
    MEMBER(mird_site, token, TEXT),
    MEMBER(mird_site, deployment, TEXT),
    MEMBER(mird_site, provider, TEXT),
    MEMBER(mird_site, kernel, TEXT),
    MEMBER(mird_site, kernel_format, TEXT),
    MEMBER(mird_site, kernel_bytes, U64),
    MEMBER(mird_site, private_ok, FLAG),
    MEMBER(mird_site, hidden, FLAG),
    MEMBER(mird_site, expires_s, I64),
    MEMBER(mird_site, first_seen_s, I64),
    MEMBER(mird_site, last_seen_s, I64),
    MEMBER(mird_site, last_probe_s, I64),
    MEMBER(mird_site, added_s, I64),
    MEMBER(mird_site, gone_s, I64),
    MEMBER(mird_site, failures, U32),
    MEMBER(mird_site, response_ms, U32),
    MEMBER(mird_site, probes_ok, U64),
    MEMBER(mird_site, probes_all, U64),
    MEMBER(mird_site, error, TEXT),
    MEMBER(mird_site, statement, TEXT),
    MEMBER(mird_site, carrier_answers, FLAG),
    MEMBER(mird_site, token_shown, FLAG),
};

static const struct member probe_members[] = {
    MEMBER(mird_probe, name, TEXT),
    MEMBER(mird_probe, ok, FLAG),
    MEMBER(mird_probe, status, I32),
    MEMBER(mird_probe, ms, U32),
    MEMBER(mird_probe, error, TEXT),
    MEMBER(mird_probe, token_matched, FLAG),
    MEMBER(mird_probe, guest_deadline_s, I64),
};

static json_t *member_get(const struct member *m, const char *base)
{
    const char *at = base + m->offset;
    union {
        bool flag;
        int64_t i64;
        uint32_t u32;
        int32_t i32;
        enum mird_site_state state;
    } v = {0};
    if (m->type == TEXT) {
        json_t *text = json_string(at); /* NULL when it is not UTF-8 */
        return text ? text : json_string("");
    }
    memcpy(&v, at, m->size);
    switch (m->type) {
    case FLAG:
        return json_boolean(v.flag);
    case U32:
        return json_integer(v.u32);
    case I32:
        return json_integer(v.i32);
    case STATE:
        return json_string(mird_site_state_name(v.state));
    case TEXT:
    case I64:
    case U64:
        break;
    }
    return json_integer(v.i64);
}

static int member_set_integer(const struct member *m, char *at, const json_t *value)
{
    if (!json_is_integer(value))
        return -1;
    int64_t i64 = json_integer_value(value);
    if (m->type == I64 || m->type == U64) {
        if (i64 < 0)
            return -1;
        memcpy(at, &i64, sizeof i64);
        return 0;
    }
    if (i64 < 0 || i64 > (m->type == U32 ? (int64_t)UINT32_MAX : INT32_MAX))
        return -1;
    uint32_t u32 = (uint32_t)i64; /* the same bits for what an I32 may hold */
    memcpy(at, &u32, sizeof u32);
    return 0;
}

static int member_set(const struct member *m, char *base, const json_t *value)
{
    char *at = base + m->offset;
    if (m->type == TEXT)
        return json_is_string(value) ? mir_copy(at, m->size, json_string_value(value)) : -1;
    if (m->type == FLAG) {
        bool flag = json_is_true(value);
        memcpy(at, &flag, sizeof flag);
        return json_is_boolean(value) ? 0 : -1;
    }
    if (m->type == STATE) {
        int found = json_is_string(value) ? mird_site_state_by_name(json_string_value(value)) : -1;
        enum mird_site_state state = (enum mird_site_state)found;
        if (found >= 0)
            memcpy(at, &state, sizeof state);
        return found >= 0 ? 0 : -1;
    }
    return member_set_integer(m, at, value);
}

static json_t *members_get(const struct member *members, size_t count, const void *base)
{
    json_t *o = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(o, members[i].name, member_get(&members[i], base));
    return o;
}

static int members_set(const struct member *members, size_t count, void *base, const json_t *json,
                       const char *what, struct mir_error *err)
{
    if (!json_is_object(json))
        return mir_fail(err, MIR_CORRUPT, "a %s that is not an object", what);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(json, members[i].name);
        if (value && member_set(&members[i], base, value))
            return mir_fail(err, MIR_CORRUPT, "a %s with a bad member '%s'", what, members[i].name);
    }
    return 0;
}

json_t *mird_site_to_message(const struct mird_site *site)
{
    return members_get(site_members, MIR_NELEMS(site_members), site);
}

int mird_site_from_message(const json_t *json, struct mird_site *ret, struct mir_error *err)
{
    struct mird_site site = {0};
    if (members_set(site_members, MIR_NELEMS(site_members), &site, json, "site", err))
        return -1;
    if (!mir_name_valid(site.name))
        return mir_fail(err, MIR_CORRUPT, "a site with a bad name");
    *ret = site;
    return 0;
}

json_t *mird_probe_to_message(const struct mird_probe *probe)
{
    return members_get(probe_members, MIR_NELEMS(probe_members), probe);
}

int mird_probe_from_message(const json_t *json, struct mird_probe *ret, struct mir_error *err)
{
    struct mird_probe probe = {0};
    if (members_set(probe_members, MIR_NELEMS(probe_members), &probe, json, "probe", err))
        return -1;
    if (!mir_name_valid(probe.name))
        return mir_fail(err, MIR_CORRUPT, "a probe of a bad name");
    *ret = probe;
    return 0;
}
