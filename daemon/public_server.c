/* SPDX-License-Identifier: ISC */
#include "daemon/public_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/clock.h"
#include "api/http.h"
#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/badge.h"
#include "daemon/documents.h"
#include "daemon/http_server.h"

#define BADGE_FRESH_S 60
#define DOCUMENTS_FRESH_S 10 /* how old "time left" on a page may be */

/* How many announcements came from whom within this minute. Addresses that fall on the same slot
 * share its count: a stranger may then be refused for a minute, which costs a retry. */
struct bucket {
    int64_t minute;
    unsigned count;
};
#define BUCKETS 512

struct mird_public_server {
    struct mird_http_server *http;
    mird_announce_fn *announce;
    void *ctx;
    pthread_mutex_t lock;             /* guards what follows */
    struct mird_link_message sites;   /* the newest */
    struct mird_documents *documents; /* of these sites; NULL: nobody has asked yet */
    int64_t made_s;                   /* when */
    bool local; /* nobody between us and the reader: badges are not to be kept */
    struct bucket buckets[BUCKETS];
    struct bucket all;
};

/* --- answers --- */

struct cache_rule {
    const char *control;
    bool expires; /* also say when: image proxies want both */
};

static const struct cache_rule cache_page = {"no-cache", false};
static const struct cache_rule cache_asset = {"max-age=3600", false};
static const struct cache_rule cache_badge = {"max-age=60, s-maxage=60", true};

static void add_expires(struct mird_http_response *response)
{
    char text[40] = "";
    time_t when = (time_t)(mir_now_s(mir_clock_system()) + BADGE_FRESH_S);
    struct tm tm;
    if (gmtime_r(&when, &tm))
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    mird_http_add_header(response, "Expires", "%s", text);
}

static void add_guards(struct mird_http_response *response)
{
    mird_http_add_header(response, "Content-Security-Policy",
                         "default-src 'none'; img-src 'self'; style-src 'self'; base-uri 'none'; "
                         "form-action 'none'; frame-ancestors 'none'");
    mird_http_add_header(response, "X-Content-Type-Options", "nosniff");
    mird_http_add_header(response, "Referrer-Policy", "no-referrer");
}

/* Under the lock. */
static void make_documents(struct mird_public_server *s)
{
    int64_t now_s = mir_now_s(mir_clock_system());
    if (s->documents && s->made_s <= now_s && now_s < s->made_s + DOCUMENTS_FRESH_S)
        return;
    const struct mird_listing listing = {.sites = s->sites.sites,
                                         .count = s->sites.site_count,
                                         .public_url = s->sites.public_url,
                                         .installation = s->sites.installation,
                                         .key_pem = s->sites.key_pem,
                                         .now_s = now_s};
    mird_documents_free(s->documents);
    s->documents = mird_documents_new(&listing);
    s->made_s = now_s;
}

/* The document of that key into the response; false: there is none. */
static bool share(struct mird_public_server *s, const char *kind, const char *name, int status,
                  const struct cache_rule *cache, struct mird_http_response *response)
{
    pthread_mutex_lock(&s->lock);
    make_documents(s);
    const struct mird_document *d = mird_documents_find(s->documents, kind, name);
    bool found = d != NULL, local = s->local;
    if (found)
        mird_http_share(response, status, d->type, mird_http_shared_ref(d->body), d->etag);
    pthread_mutex_unlock(&s->lock);
    if (!found)
        return false;
    if (cache->expires && local)
        cache = &cache_page;
    add_guards(response);
    mird_http_add_header(response, "Cache-Control", "%s", cache->control);
    if (cache->expires)
        add_expires(response);
    return true;
}

static enum mird_http_result not_found(void *ctx, struct mird_http_request *request,
                                       struct mird_http_response *response)
{
    share(ctx, "none", "", 404, &cache_page, response);
    return MIRD_HTTP_DONE;
}

static enum mird_http_result get_page(void *ctx, struct mird_http_request *request,
                                      struct mird_http_response *response)
{
    share(ctx, "page", "", 200, &cache_page, response);
    return MIRD_HTTP_DONE;
}

static enum mird_http_result get_site(void *ctx, struct mird_http_request *request,
                                      struct mird_http_response *response)
{
    const char *name = mird_http_param(request, "name");
    if (!name || !mir_name_valid(name) || !share(ctx, "site", name, 200, &cache_page, response))
        return not_found(ctx, request, response);
    return MIRD_HTTP_DONE;
}

/* Files of one name: the path without its slash is the kind. */
static enum mird_http_result get_file(void *ctx, struct mird_http_request *request,
                                      struct mird_http_response *response)
{
    const char *kind = request->route->pattern + 1;
    bool asset = !strcmp(kind, "icon.svg");
    share(ctx, kind, "", 200, asset ? &cache_asset : &cache_page, response);
    mird_http_add_header(response, "Access-Control-Allow-Origin", "*");
    return MIRD_HTTP_DONE;
}

/* 200 whatever the name: proxies of images keep errors, too. */
static void share_badge(struct mird_public_server *s, const char *kind,
                        struct mird_http_request *request, struct mird_http_response *response)
{
    const char *name = mird_http_param(request, "name");
    if (!name || !mir_name_valid(name) || !share(s, kind, name, 200, &cache_badge, response))
        share(s, kind, "", 200, &cache_badge, response);
    mird_http_add_header(response, "Access-Control-Allow-Origin", "*");
    mird_http_add_header(response, "Cross-Origin-Resource-Policy", "cross-origin");
}

static enum mird_http_result get_badge(void *ctx, struct mird_http_request *request,
                                       struct mird_http_response *response)
{
    static const char *const kinds[] = {"badge0", "badge1", "badge2"};
    share_badge(ctx, kinds[mird_badge_style(mird_http_query(request, "style"))], request, response);
    return MIRD_HTTP_DONE;
}

static enum mird_http_result get_badge_json(void *ctx, struct mird_http_request *request,
                                            struct mird_http_response *response)
{
    share_badge(ctx, "badge.json", request, response);
    return MIRD_HTTP_DONE;
}

/* --- announcements --- */

static bool take_one(struct bucket *bucket, int64_t minute, unsigned most)
{
    if (bucket->minute != minute)
        *bucket = (struct bucket){minute, 0};
    return bucket->count < most && ++bucket->count;
}

static unsigned slot_of(const char *address)
{
    unsigned char key[16] = {0};
    struct in6_addr in6;
    if (inet_pton(AF_INET6, address, &in6) == 1)
        memcpy(key, &in6, IN6_IS_ADDR_V4MAPPED(&in6) ? 16 : 8);
    else
        inet_pton(AF_INET, address, key);
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < sizeof key; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return hash % BUCKETS;
}

static bool may_announce(struct mird_public_server *s, const char *address)
{
    int64_t minute = mir_clock_system()->boot_ms(NULL) / 60000 + 1;
    pthread_mutex_lock(&s->lock);
    bool may = take_one(&s->buckets[slot_of(address)], minute, MIRD_ANNOUNCE_PER_MINUTE) &&
               take_one(&s->all, minute, MIRD_ANNOUNCE_ALL_PER_MINUTE);
    pthread_mutex_unlock(&s->lock);
    return may;
}

static int need_text(json_t *body, const char *name, char *out, size_t size, struct mir_error *err)
{
    const char *text = NULL;
    if (mir_json_get_text(body, name, &text, err))
        return -1;
    if (!text || !*text)
        return mir_fail(err, MIR_USAGE, "an announcement needs a '%s'", name);
    if (mir_copy(out, size, text))
        return mir_fail(err, MIR_USAGE, "'%s' is longer than %zu bytes", name, size - 1);
    return 0;
}

int mird_announce_read(json_t *body, struct mird_link_message *ret, struct mir_error *err)
{
    static const char *const names[] = {"name", "url", "token", "kernel"};
    struct mird_link_message m = {.type = MIRD_LINK_ANNOUNCE};
    const char *kernel = NULL;
    struct mir_url url;
    if (mir_json_only(body, names, MIR_NELEMS(names), err) ||
        mir_json_get_text(body, "kernel", &kernel, err) ||
        need_text(body, "name", m.name, sizeof m.name, err) ||
        need_text(body, "url", m.url, sizeof m.url, err) ||
        need_text(body, "token", m.token, sizeof m.token, err) || mir_url_parse(m.url, &url, err))
        return -1;
    if (!mir_name_valid(m.name)) {
        mir_fail(err, MIR_USAGE, "'%.63s' cannot be a site's name", m.name);
        return mir_error_hint(err, "use up to 63 of a-z, 0-9 and '-', not '-' at either end");
    }
    if (!mir_id_valid(m.token)) {
        mir_fail(err, MIR_USAGE, "the token is not 32 hexadecimal digits");
        return mir_error_hint(err, "make one: openssl rand -hex 16");
    }
    *ret = m;
    return 0;
}

static enum mird_http_result post_announce(void *ctx, struct mird_http_request *request,
                                           struct mird_http_response *response)
{
    struct mird_public_server *s = ctx;
    struct mir_error err = {0};
    struct mird_link_message announcement;
    add_guards(response);
    if (!may_announce(s, request->peer.address)) {
        mir_fail(&err, MIR_THROTTLED, "too many announcements within this minute");
        mird_http_add_header(response, "Retry-After", "60");
        mird_http_problem(request, response, 429, &err);
        return MIRD_HTTP_DONE;
    }
    json_t *body = mird_http_body_json(request, &err);
    int rc = body ? mird_announce_read(body, &announcement, &err) : -1;
    json_decref(body);
    if (rc || s->announce(s->ctx, &announcement, &err))
        mird_http_problem(request, response, 0, &err);
    else
        mird_http_fixed(response, 202, "application/json", "{\"accepted\":true}\n");
    return MIRD_HTTP_DONE;
}

/* --- the listener --- */

#define GET(path, handler, words)                                                                  \
    {                                                                                              \
        .method = "GET", .pattern = path, .handle = handler, .flags = MIRD_HTTP_OPEN,              \
        .summary = words                                                                           \
    }

static const struct mird_http_route routes[] = {
    GET("/", get_page, "the registry page"),
    GET("/sites", get_page, "the registry page"),
    GET("/sites/{name}", get_site, "what is known of one site, and how"),
    GET("/sites.json", get_file, "the listed sites, with signed statements"),
    GET("/feed.atom", get_file, "sites as they come and go"),
    GET("/sitemap.xml", get_file, "for search engines"),
    GET("/robots.txt", get_file, "for search engines"),
    GET("/style.css", get_file, "the pages' style"),
    GET("/icon.svg", get_file, "the pages' icon"),
    GET("/badge/{name}.svg", get_badge, "a site's badge; ?style=flat|flat-square|for-the-badge"),
    GET("/badge/{name}.json", get_badge_json, "the same for shields.io"),
    {.method = "POST",
     .pattern = "/v1/announce",
     .handle = post_announce,
     .flags = MIRD_HTTP_OPEN | MIRD_HTTP_WORKER,
     .body_max = MIRD_ANNOUNCE_BODY_MAX,
     .summary = "a site announces itself"},
};

static bool url_local(const char *public_url)
{
    struct mir_url url;
    if (mir_url_parse(public_url, &url, NULL))
        return true;
    return !strcmp(url.host, "localhost") || !strncmp(url.host, "127.", 4) ||
           !strcmp(url.host, "::1");
}

void mird_public_server_update(struct mird_public_server *s, struct mird_link_message *sites)
{
    bool local = url_local(sites->public_url);
    pthread_mutex_lock(&s->lock);
    struct mird_documents *old = mir_steal(&s->documents);
    mird_link_message_clear(&s->sites);
    s->sites = *sites;
    *sites = (struct mird_link_message){0};
    s->local = local;
    pthread_mutex_unlock(&s->lock);
    mird_documents_free(old);
}

/* Behind a proxy of this machine all clients have one address. */
static bool on_loopback(int listen_fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    return !getsockname(listen_fd, (struct sockaddr *)&address, &len) &&
           mir_http_address_loopback((struct sockaddr *)&address);
}

int mird_public_server_start(int listen_fd, mird_announce_fn *announce, void *ctx,
                             struct mird_public_server **ret, struct mir_error *err)
{
    struct mird_public_server *s = mir_calloc(1, sizeof *s);
    s->announce = announce;
    s->ctx = ctx;
    pthread_mutex_init(&s->lock, NULL);
    s->local = true;
    const struct mird_http_config config = {
        .routes = routes,
        .route_count = MIR_NELEMS(routes),
        .ctx = s,
        .not_found = not_found,
        .connections_max = 1024,
        .connections_per_ip_max = on_loopback(listen_fd) ? 0 : 64,
        .name = "public",
    };
    if (mird_http_start_fd(&config, listen_fd, &s->http, err)) {
        mird_public_server_stop(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void mird_public_server_stop(struct mird_public_server *s)
{
    if (!s)
        return;
    mird_http_stop(s->http);
    mird_documents_free(s->documents);
    mird_link_message_clear(&s->sites);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
