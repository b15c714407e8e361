/* SPDX-License-Identifier: ISC */
#include "daemon/documents.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/badge.h"

#define DOCUMENT_MAX (8u << 20) /* bytes of one document: far above 1000 sites' page */

struct mird_documents {
    struct mird_document *list; /* sorted by key */
    size_t count, room;
};

static const char type_html[] = "text/html; charset=utf-8";
static const char type_svg[] = "image/svg+xml; charset=utf-8";
static const char type_json[] = "application/json";

static void etag_of(const struct mir_buf *body, char out[33])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(body->data ? body->data : "", body->len, digest, &len, EVP_sha256(), NULL) == 1)
        mir_hex(digest, 16, out);
    else
        out[0] = '\0';
}

/* Keeps what is in body under the key, and empties it. */
static void keep(struct mird_documents *set, const char *kind, const char *name, const char *type,
                 struct mir_buf *body)
{
    if (body->full) {
        mir_log(MIR_LOG_WARN, "public", "document %s/%s is too large and is left out", kind, name);
        body->full = false;
        mir_buf_reset(body);
        return;
    }
    if (set->count == set->room) {
        set->room = set->room ? set->room * 2 : 64;
        set->list = mir_realloc(set->list, set->room, sizeof *set->list);
    }
    struct mird_document *d = &set->list[set->count++];
    *d = (struct mird_document){.type = type};
    snprintf(d->key, sizeof d->key, "%s/%s", kind, name);
    etag_of(body, d->etag);
    d->body = mird_http_shared_new(body->data ? body->data : "", body->len);
    mir_buf_reset(body);
}

static void keep_badges(struct mird_documents *set, const struct mird_site *site,
                        struct mir_buf *body)
{
    const char *name = site ? site->name : "";
    struct mird_badge badge;
    mird_badge_of(site, &badge);
    for (int style = 0; style < MIRD_BADGE_STYLE_COUNT; style++) {
        char kind[20];
        snprintf(kind, sizeof kind, "badge%d", style);
        mird_badge_svg(&badge, (enum mird_badge_style)style, body);
        keep(set, kind, name, type_svg, body);
    }
    json_t *json = mird_badge_json(&badge);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    mir_buf_adds(body, text);
    keep(set, "badge.json", name, type_json, body);
}

typedef int document_fn(const struct mird_listing *l, struct mir_buf *out);

static int style_document(const struct mird_listing *l, struct mir_buf *out)
{
    return mird_page_style(out);
}

static int icon_document(const struct mird_listing *l, struct mir_buf *out)
{
    return mird_page_icon(out);
}

struct document_row {
    const char *kind;
    const char *type;
    document_fn *make;
};

static const struct document_row once[] = {
    {"page", type_html, mird_page_registry},
    {"none", type_html, mird_page_not_found},
    {"sites.json", type_json, mird_feed_json},
    {"feed.atom", "application/atom+xml; charset=utf-8", mird_feed_atom},
    {"sitemap.xml", "application/xml; charset=utf-8", mird_feed_sitemap},
    {"robots.txt", "text/plain; charset=utf-8", mird_feed_robots},
    {"style.css", "text/css; charset=utf-8", style_document},
    {"icon.svg", type_svg, icon_document},
};

static int compare_documents(const void *a, const void *b)
{
    const struct mird_document *x = a, *y = b;
    return strcmp(x->key, y->key);
}

struct mird_documents *mird_documents_new(const struct mird_listing *listing)
{
    struct mird_listing l = *listing;
    mir_auto_free struct mird_site *sites = mir_calloc(l.count + 1, sizeof *sites);
    if (l.count)
        memcpy(sites, l.sites, l.count * sizeof *sites);
    mird_listing_sort(sites, l.count);
    l.sites = sites;
    struct mird_documents *set = mir_calloc(1, sizeof *set);
    mir_auto_buf struct mir_buf body;
    mir_buf_init(&body, DOCUMENT_MAX);
    for (size_t i = 0; i < MIR_NELEMS(once); i++) {
        once[i].make(&l, &body);
        keep(set, once[i].kind, "", once[i].type, &body);
    }
    for (size_t i = 0; i < l.count; i++) {
        mird_page_site(&l, &sites[i], &body);
        keep(set, "site", sites[i].name, type_html, &body);
        keep_badges(set, &sites[i], &body);
    }
    keep_badges(set, NULL, &body);
    qsort(set->list, set->count, sizeof *set->list, compare_documents);
    return set;
}

void mird_documents_free(struct mird_documents *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        mird_http_shared_unref(set->list[i].body);
    free(set->list);
    free(set);
}

const struct mird_document *mird_documents_find(const struct mird_documents *set, const char *kind,
                                                const char *name)
{
    struct mird_document key;
    int n = snprintf(key.key, sizeof key.key, "%s/%s", kind, name);
    if (n < 0 || (size_t)n >= sizeof key.key || set->count == 0)
        return NULL;
    return bsearch(&key, set->list, set->count, sizeof *set->list, compare_documents);
}

size_t mird_documents_count(const struct mird_documents *set)
{
    return set->count;
}
