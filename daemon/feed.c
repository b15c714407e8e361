/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "daemon/markup.h"
#include "daemon/page.h"

int mird_feed_json(const struct mird_listing *l, struct mir_buf *out)
{
    json_t *sites = json_array();
    for (size_t i = 0; i < l->count; i++)
        if (mird_site_listed(&l->sites[i], l->now_s))
            json_array_append_new(sites, mird_site_json(&l->sites[i], l->public_url));
    char now[MIR_TIME_SIZE];
    mir_time_format(l->now_s, now);
    json_t *o = json_object();
    json_object_set_new(o, "installation", json_string(l->installation));
    json_object_set_new(o, "public_key", json_string(l->key_pem));
    json_object_set_new(o, "as_of", json_string(now));
    json_object_set_new(o, "sites", sites);
    mir_auto_free char *text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(o);
    mir_buf_adds(out, text ? text : "{}");
    mir_buf_adds(out, "\n");
    return out->full ? -1 : 0;
}

/* When something about the site last changed that a reader of the feed wants to know. */
static int64_t news_time(const struct mird_site *site)
{
    if (site->state == MIRD_SITE_GONE)
        return site->gone_s;
    return site->first_seen_s ? site->first_seen_s : site->added_s;
}

static void add_entry(struct mir_buf *out, const struct mird_listing *l,
                      const struct mird_site *site)
{
    char added[MIR_TIME_SIZE], changed[MIR_TIME_SIZE], stamp[MIR_TIME_SIZE];
    mir_time_format(site->added_s, added);
    mir_time_format(news_time(site), changed);
    mir_time_format(site->added_s, stamp);
    const char *what = site->state == MIRD_SITE_GONE ? " is gone" : " is listed";
    mird_markup(out, "<entry><id>urn:mirage-deploy:", l->installation, ":", site->name, ":", stamp,
                "</id><title>", site->name, "", what, "</title><published>", added,
                "</published><updated>", changed, "</updated><link href=\"", l->public_url,
                "/sites/", site->name, "\"/><summary>", site->url, ", ",
                mird_site_state_name(site->state), "</summary></entry>\n", NULL);
}

int mird_feed_atom(const struct mird_listing *l, struct mir_buf *out)
{
    int64_t newest = 0;
    for (size_t i = 0; i < l->count; i++)
        if (mird_site_listed(&l->sites[i], l->now_s) && news_time(&l->sites[i]) > newest)
            newest = news_time(&l->sites[i]);
    char updated[MIR_TIME_SIZE];
    mir_time_format(newest, updated);
    mird_markup(out,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:mirage-deploy:",
                l->installation,
                ":feed</id><title>Unikernel registry</title><author><name>mirage-deploy</name>"
                "</author><updated>",
                updated, "</updated><link rel=\"self\" href=\"", l->public_url,
                "/feed.atom\"/><link href=\"", l->public_url, "/\"/>\n", NULL);
    for (size_t i = 0; i < l->count; i++)
        if (mird_site_listed(&l->sites[i], l->now_s))
            add_entry(out, l, &l->sites[i]);
    mir_buf_adds(out, "</feed>\n");
    return out->full ? -1 : 0;
}

int mird_feed_sitemap(const struct mird_listing *l, struct mir_buf *out)
{
    mird_markup(out,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n<url><loc>",
                l->public_url, "/</loc></url>\n", NULL);
    for (size_t i = 0; i < l->count; i++)
        if (mird_site_listed(&l->sites[i], l->now_s) && l->sites[i].state != MIRD_SITE_GONE)
            mird_markup(out, "<url><loc>", l->public_url, "/sites/", l->sites[i].name,
                        "</loc></url>\n", NULL);
    mir_buf_adds(out, "</urlset>\n");
    return out->full ? -1 : 0;
}

int mird_feed_robots(const struct mird_listing *l, struct mir_buf *out)
{
    mir_buf_adds(out, "User-agent: *\nAllow: /\n");
    if (*l->public_url)
        mir_buf_addf(out, "Sitemap: %s/sitemap.xml\n", l->public_url);
    return out->full ? -1 : 0;
}
