/* SPDX-License-Identifier: ISC */
#include "daemon/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"
#include "daemon/markup.h"

/* --- words and shapes --- */

struct state_row {
    unsigned rank; /* order on the page */
    const char *word;
    const char *means;
    const char *shape; /* 16 x 16, drawn in the text's colour: told apart without colours */
};

static const struct state_row states[MIRD_SITE_STATE_COUNT] = {
    [MIRD_SITE_LIVE] = {0, "Live", "answered the last full HTTP exchange",
                        "<circle cx=\"8\" cy=\"8\" r=\"6\" fill=\"currentColor\"/>"},
    [MIRD_SITE_DEGRADED] = {1, "Degraded", "missed the last probe or two",
                            "<path d=\"M8 2 15 14H1Z\" fill=\"currentColor\"/>"},
    [MIRD_SITE_VERIFIED] = {2, "Starting", "verified, and not seen to answer yet",
                            "<path d=\"M8 1.5 14.5 8 8 14.5 1.5 8Z\" fill=\"none\" "
                            "stroke=\"currentColor\" stroke-width=\"2\"/>"},
    [MIRD_SITE_DOWN] = {3, "Down", "missed three probes or more in a row",
                        "<path d=\"M3 3 13 13M13 3 3 13\" stroke=\"currentColor\" "
                        "stroke-width=\"3\" stroke-linecap=\"round\"/>"},
    [MIRD_SITE_CLAIMED] =
        {4, "Claimed", "somebody says so; nothing was verified",
         "<circle cx=\"8\" cy=\"8\" r=\"5.5\" fill=\"none\" "
         "stroke=\"currentColor\" stroke-width=\"2\" stroke-dasharray=\"3 2.5\"/>"},
    [MIRD_SITE_GONE] = {5, "Gone", "its lease is over and it was taken down",
                        "<circle cx=\"8\" cy=\"8\" r=\"5.5\" fill=\"none\" "
                        "stroke=\"currentColor\" stroke-width=\"2\"/>"},
};

static int compare_sites(const void *a, const void *b)
{
    const struct mird_site *x = a, *y = b;
    unsigned rx = states[x->state].rank, ry = states[y->state].rank;
    if (rx != ry)
        return rx < ry ? -1 : 1;
    return strcmp(x->name, y->name);
}

void mird_listing_sort(struct mird_site *sites, size_t count)
{
    if (count > 1)
        qsort(sites, count, sizeof *sites, compare_sites);
}

static const char *verified_words(const struct mird_site *site)
{
    if (!strcmp(site->verified_by, "launched"))
        return "Launched by this registry's daemon";
    if (!strcmp(site->verified_by, "token"))
        return "Ownership proven by its token";
    return "Not verified";
}

static const char *verified_short(const struct mird_site *site)
{
    return !strcmp(site->verified_by, "launched") ? "Launched by this daemon" : "Ownership proven";
}

/* "20 Nov 2026, 23:57:03 UTC" within <time>; on a card without the year. */
static void add_time_as(struct mir_buf *out, int64_t utc_s, bool year)
{
    char machine[MIR_TIME_SIZE], people[40] = "";
    time_t t = (time_t)utc_s;
    struct tm tm;
    mir_time_format(utc_s, machine);
    if (gmtime_r(&t, &tm) && year)
        strftime(people, sizeof people, "%e %b %Y, %H:%M:%S UTC", &tm);
    else if (gmtime_r(&t, &tm))
        strftime(people, sizeof people, "%e %b, %H:%M:%S UTC", &tm);
    mird_markup(out, "<time datetime=\"", machine, "\">", people + (*people == ' '), "</time>",
                NULL);
}

static void add_time(struct mir_buf *out, int64_t utc_s)
{
    add_time_as(out, utc_s, true);
}

static void add_time_short(struct mir_buf *out, int64_t utc_s)
{
    add_time_as(out, utc_s, false);
}

static void add_size(struct mir_buf *out, uint64_t bytes)
{
    if (bytes >= 10 << 20)
        mir_buf_addf(out, "%" PRIu64 " MiB", (bytes + (1 << 19)) >> 20);
    else if (bytes >= 1 << 20)
        mir_buf_addf(out, "%" PRIu64 ".%" PRIu64 " MiB", bytes >> 20,
                     (bytes & ((1 << 20) - 1)) * 10 >> 20);
    else
        mir_buf_addf(out, "%" PRIu64 " KiB", (bytes + 1023) >> 10);
}

static void add_state(struct mir_buf *out, const struct mird_site *site)
{
    const struct state_row *row = &states[site->state];
    mird_markup(out, "<span class=\"state ", mird_site_state_name(site->state),
                "\"><svg viewBox=\"0 0 16 16\" width=\"14\" height=\"14\" aria-hidden=\"true\">",
                "", row->shape, "", "</svg>", row->word, "</span>", NULL);
}

static void add_url(struct mir_buf *out, const struct mird_site *site)
{
    const char *shown = strstr(site->url, "://");
    shown = shown ? shown + 3 : site->url;
    /* Only what is verified is linked, and only to the web. */
    bool web = !strncmp(site->url, "http://", 7) || !strncmp(site->url, "https://", 8);
    if (web && site->verified_by[0] && site->state != MIRD_SITE_GONE)
        mird_markup(out, "<a class=\"url\" href=\"", site->url, "\" rel=\"nofollow noopener\">",
                    shown, "</a>", NULL);
    else
        mird_markup(out, "<span class=\"url\">", shown, "</span>", NULL);
}

static void add_left(struct mir_buf *out, const struct mird_site *site, int64_t now_s)
{
    char left[MIR_TIME_SIZE];
    if (mir_forever(site->expires_s)) {
        mir_buf_adds(out, "<strong>no deadline</strong>");
        return;
    }
    if (site->expires_s > now_s) {
        mir_duration_format(site->expires_s - now_s, left);
        mird_markup(out, "<strong>", left, " left</strong> <span class=\"quiet\">until ", NULL);
    } else {
        mir_buf_adds(out, "<strong>over</strong> <span class=\"quiet\">since ");
    }
    add_time_short(out, site->expires_s);
    mir_buf_adds(out, "</span>");
}

static void add_kernel(struct mir_buf *out, const struct mird_site *site)
{
    mird_markup(out, "", site->kernel_format[0] ? site->kernel_format : "unknown format", NULL);
    if (site->kernel_bytes) {
        mir_buf_adds(out, ", ");
        add_size(out, site->kernel_bytes);
    }
    if (site->provider[0])
        mird_markup(out, ", ", site->provider, NULL);
}

/* --- frame --- */

#define MARK_SHAPES                                                                                \
    "<path d=\"M6 22h20M9 17.5h14M13 13h6\" stroke=\"#fff\" stroke-width=\"2.6\" "                 \
    "stroke-linecap=\"round\"/><circle cx=\"16\" cy=\"8\" r=\"1.9\" fill=\"#fff\"/></svg>"

static const char mark[] =
    "<svg class=\"mark\" viewBox=\"0 0 32 32\" width=\"32\" height=\"32\" aria-hidden=\"true\">"
    "<rect x=\"1\" y=\"1\" width=\"30\" height=\"30\" rx=\"8\" fill=\"currentColor\"/>" MARK_SHAPES;

int mird_page_icon(struct mir_buf *out)
{
    return mir_buf_adds(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">"
                             "<rect x=\"1\" y=\"1\" width=\"30\" height=\"30\" rx=\"8\" "
                             "fill=\"#0b6670\"/>" MARK_SHAPES);
}

static void add_head(struct mir_buf *out, const char *title, const char *description)
{
    mird_markup(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
                title, "</title>\n<meta name=\"description\" content=\"", description,
                "\"/>\n<link rel=\"stylesheet\" href=\"/style.css\"/>\n"
                "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/icon.svg\"/>\n"
                "<link rel=\"alternate\" type=\"application/atom+xml\" title=\"New sites\" "
                "href=\"/feed.atom\"/>\n</head>\n<body>\n"
                "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
                "<header><div class=\"wide\"><a class=\"home\" href=\"/\">",
                "", mark, "",
                "<span>Unikernel registry</span></a>\n<nav aria-label=\"Formats\">"
                "<a href=\"/sites.json\">JSON</a> <a href=\"/feed.atom\">Feed</a></nav>"
                "</div></header>\n<main id=\"main\" class=\"wide\">\n",
                NULL);
}

static void add_foot(struct mir_buf *out, const struct mird_listing *l)
{
    mir_buf_adds(out, "</main>\n<footer class=\"wide\"><p>As of ");
    add_time(out, l->now_s);
    mird_markup(out,
                ". Every site is asked for a full answer once a minute.</p>\n"
                "<p>Kept by <span class=\"mono\">mirage-deploy " MIR_VERSION
                "</span>, installation <span class=\"mono\">",
                l->installation, "</span>.</p></footer>\n</body>\n</html>\n", NULL);
}

/* --- the badge to paste --- */

char *mird_badge_markdown(const char *public_url, const char *name)
{
    return mir_format("[![unikernel %s](%s/badge/%s.svg)](%s/sites/%s)", name, public_url, name,
                      public_url, name);
}

char *mird_badge_html(const char *public_url, const char *name)
{
    return mir_format("<a href=\"%s/sites/%s\"><img src=\"%s/badge/%s.svg\" height=\"20\" "
                      "alt=\"unikernel %s\"></a>",
                      public_url, name, public_url, name, name);
}

static void add_snippets(struct mir_buf *out, const struct mird_listing *l, const char *name)
{
    mir_auto_free char *markdown = mird_badge_markdown(l->public_url, name);
    mir_auto_free char *html = mird_badge_html(l->public_url, name);
    mird_markup(out, "<p class=\"label\">Markdown</p><pre class=\"copy\" tabindex=\"0\"><code>",
                markdown,
                "</code></pre><p class=\"label\">HTML</p><pre class=\"copy\" tabindex=\"0\"><code>",
                html, "</code></pre>", NULL);
}

static void add_badge_image(struct mir_buf *out, const char *name)
{
    mird_markup(out, "<img class=\"badge\" src=\"/badge/", name,
                ".svg\" height=\"20\" alt=\"Badge of ", name, "\"/>", NULL);
}

/* --- the registry page --- */

static void add_fact(struct mir_buf *out, const char *term)
{
    mird_markup(out, "<div><dt>", term, "</dt><dd>", NULL);
}

static void end_fact(struct mir_buf *out)
{
    mir_buf_adds(out, "</dd></div>");
}

static void add_card(struct mir_buf *out, const struct mird_listing *l,
                     const struct mird_site *site)
{
    mird_markup(out, "<li class=\"card\" id=\"", site->name,
                "\">\n<div class=\"top\"><h3><a href=\"/sites/", site->name, "\">", site->name,
                "</a></h3>", NULL);
    add_state(out, site);
    mir_buf_adds(out, "</div>\n<p>");
    add_url(out, site);
    mir_buf_adds(out, "</p>\n<dl>");
    add_fact(out, "Verified");
    mird_markup(out, "", verified_short(site), NULL);
    end_fact(out);
    if (site->kernel_format[0] || site->provider[0]) {
        add_fact(out, "Kernel");
        add_kernel(out, site);
        end_fact(out);
    }
    add_fact(out, "Last seen");
    if (site->last_seen_s)
        add_time_short(out, site->last_seen_s);
    else
        mir_buf_adds(out, "not yet");
    end_fact(out);
    if (site->expires_s) {
        add_fact(out, "Lease");
        add_left(out, site, l->now_s);
        end_fact(out);
    }
    mir_buf_adds(out, "</dl>\n<details><summary>");
    add_badge_image(out, site->name);
    mir_buf_adds(out, "<span>Copy the badge</span></summary>");
    add_snippets(out, l, site->name);
    mir_buf_adds(out, "</details>\n</li>\n");
}

static void add_past(struct mir_buf *out, const struct mird_site *site)
{
    mird_markup(out, "<tr><th scope=\"row\"><a href=\"/sites/", site->name, "\">", site->name,
                "</a></th><td>", NULL);
    add_state(out, site);
    mir_buf_adds(out, "</td><td>");
    if (site->last_seen_s)
        add_time(out, site->last_seen_s);
    else
        mir_buf_adds(out, "never");
    mir_buf_adds(out, "</td><td>");
    add_time(out, site->gone_s);
    mir_buf_adds(out, "</td></tr>\n");
}

static void add_counts(struct mir_buf *out, size_t present, size_t live)
{
    if (present == 0)
        mir_buf_adds(out, "<p class=\"lead\">No site is listed right now.</p>\n");
    else
        mir_buf_addf(
            out,
            "<p class=\"lead\"><strong>%zu</strong> %s listed, <strong>%zu</strong> live.</p>\n",
            present, present == 1 ? "site" : "sites", live);
}

static void add_empty(struct mir_buf *out)
{
    mir_buf_adds(
        out, "<section class=\"card empty\"><h2>Put one here</h2>"
             "<p>Deploy a unikernel, and it lists itself:</p>"
             "<pre tabindex=\"0\"><code>mirage-deploy local hello.elf --ttl 10m</code></pre>"
             "<p>Or list one that runs elsewhere:</p>"
             "<pre tabindex=\"0\"><code>mirage-deploy site add https://example.org/</code></pre>"
             "</section>\n");
}

static void add_gone_table(struct mir_buf *out, const struct mird_listing *l)
{
    mir_buf_adds(out,
                 "<section aria-labelledby=\"past\"><h2 id=\"past\">Past sites</h2>\n"
                 "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"past\">"
                 "<table><caption>Gone within the last day</caption>\n<thead><tr>"
                 "<th scope=\"col\">Site</th><th scope=\"col\">State</th>"
                 "<th scope=\"col\">Last seen</th><th scope=\"col\">Gone since</th></tr></thead>\n"
                 "<tbody>\n");
    for (size_t i = 0; i < l->count; i++)
        if (l->sites[i].state == MIRD_SITE_GONE && mird_site_listed(&l->sites[i], l->now_s))
            add_past(out, &l->sites[i]);
    mir_buf_adds(out, "</tbody></table></div></section>\n");
}

int mird_page_registry(const struct mird_listing *l, struct mir_buf *out)
{
    size_t present = 0, live = 0, gone = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct mird_site *site = &l->sites[i];
        if (!mird_site_listed(site, l->now_s))
            continue;
        present += site->state != MIRD_SITE_GONE;
        live += site->state == MIRD_SITE_LIVE;
        gone += site->state == MIRD_SITE_GONE;
    }
    add_head(out, "Unikernel registry", "Sites that run as unikernels, verified and probed.");
    mir_buf_adds(out, "<h1>Sites that run as unikernels</h1>\n");
    add_counts(out, present, live);
    if (present) {
        mir_buf_adds(out,
                     "<section aria-labelledby=\"now\"><h2 id=\"now\" class=\"hidden\">Sites</h2>\n"
                     "<ul class=\"cards\">\n");
        for (size_t i = 0; i < l->count; i++)
            if (l->sites[i].state != MIRD_SITE_GONE && mird_site_listed(&l->sites[i], l->now_s))
                add_card(out, l, &l->sites[i]);
        mir_buf_adds(out, "</ul></section>\n");
    } else {
        add_empty(out);
    }
    if (gone)
        add_gone_table(out, l);
    add_foot(out, l);
    return out->full ? -1 : 0;
}

/* --- one site's page --- */

static void row_begin(struct mir_buf *out, const char *what)
{
    mird_markup(out, "<tr><th scope=\"row\">", what, "</th><td>", NULL);
}

static void row_end(struct mir_buf *out, const char *how)
{
    mird_markup(out, "</td><td class=\"how\">", how, "</td></tr>\n", NULL);
}

static void add_alive_rows(struct mir_buf *out, const struct mird_site *site)
{
    row_begin(out, "State");
    add_state(out, site);
    row_end(out, states[site->state].means);
    row_begin(out, "First seen");
    if (site->first_seen_s)
        add_time(out, site->first_seen_s);
    else
        mir_buf_adds(out, "not yet");
    row_end(out, "first full HTTP exchange with its URL");
    row_begin(out, "Last seen");
    if (site->last_seen_s) {
        add_time(out, site->last_seen_s);
        mir_buf_addf(out, " <span class=\"quiet\">in %u ms</span>", site->response_ms);
    } else {
        mir_buf_adds(out, "not yet");
    }
    row_end(out, "newest full HTTP exchange");
    row_begin(out, "Answers");
    mir_buf_addf(out, "%" PRIu64 " of %" PRIu64, site->probes_ok, site->probes_all);
    row_end(out, "probes since it was listed");
}

static void add_what_rows(struct mir_buf *out, const struct mird_listing *l,
                          const struct mird_site *site)
{
    row_begin(out, "Address");
    add_url(out, site);
    row_end(out, site->deployment[0] ? "as deployed" : "as announced by its owner");
    row_begin(out, "Verified");
    mird_markup(out, "", verified_words(site), NULL);
    row_end(out, !strcmp(site->verified_by, "launched")
                     ? "this daemon started the instance and watches over it"
                 : site->verified_by[0] ? "/.well-known/unikernel on that host shows the token"
                                        : "its token was not found at /.well-known/unikernel");
    if (site->carrier_answers) {
        row_begin(out, "Ownership answer");
        mir_buf_adds(out, site->token_shown ? "given by its carrier" : "not seen");
        row_end(out, site->token_shown
                         ? "the system around the kernel shows the token at "
                           "/.well-known/unikernel, not the kernel itself"
                         : "its carrier, the system around the kernel, is to show the token at "
                           "/.well-known/unikernel");
    }
    if (site->kernel_format[0] || site->provider[0]) {
        row_begin(out, "Kernel");
        add_kernel(out, site);
        if (site->kernel[0])
            mird_markup(out, "<br/><span class=\"mono digest\">sha256:", site->kernel, "</span>",
                        NULL);
        row_end(out, "read from the file that was deployed");
    }
    if (site->expires_s) {
        row_begin(out, "Lease");
        add_left(out, site, l->now_s);
        row_end(out, !site->deployment[0]           ? "as the site states it"
                     : mir_forever(site->expires_s) ? "it runs until its owner removes it"
                                                    : "enforced by the daemon and by the "
                                                      "instance's own hooks");
    }
    if (site->state == MIRD_SITE_GONE) {
        row_begin(out, "Gone since");
        add_time(out, site->gone_s);
        row_end(out, site->deployment[0] ? "the instance was seen to be away"
                                         : "taken off, or not seen for a week");
    }
}

static void add_statement(struct mir_buf *out, const struct mird_site *site)
{
    if (!site->statement[0])
        return;
    json_t *json = json_loads(site->statement, 0, NULL);
    if (!json)
        return;
    mir_auto_free char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(json);
    mird_markup(
        out,
        "<section aria-labelledby=\"statement\"><h2 id=\"statement\">Signed statement</h2>\n"
        "<p>What this installation verified, signed with its Ed25519 key. The key and every "
        "statement are in <a href=\"/sites.json\">sites.json</a>; <span class=\"mono\">openssl "
        "pkeyutl -verify</span> checks them.</p>\n<pre tabindex=\"0\"><code>",
        text ? text : "", "</code></pre></section>\n", NULL);
}

int mird_page_site(const struct mird_listing *l, const struct mird_site *site, struct mir_buf *out)
{
    mir_auto_free char *title = mir_format("%s - unikernel registry", site->name);
    mir_auto_free char *about =
        mir_format("%s: %s. %s.", site->name, states[site->state].word, verified_words(site));
    add_head(out, title, about);
    mird_markup(
        out, "<p class=\"crumb\"><a href=\"/sites\">All sites</a></p>\n<div class=\"title\"><h1>",
        site->name, "</h1>", NULL);
    add_badge_image(out, site->name);
    mir_buf_adds(
        out, "</div>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Facts\"><table class=\"facts\">"
             "<caption class=\"hidden\">What is known of this site, and how</caption>\n"
             "<thead class=\"hidden\"><tr><th scope=\"col\">What</th><th scope=\"col\">Fact</th>"
             "<th scope=\"col\">How it is known</th></tr></thead><tbody>\n");
    add_alive_rows(out, site);
    add_what_rows(out, l, site);
    mir_buf_adds(out, "</tbody></table></div>\n<section aria-labelledby=\"badge\">"
                      "<h2 id=\"badge\">Badge</h2>\n<p class=\"badges\">");
    add_badge_image(out, site->name);
    mird_markup(out, " <img class=\"badge\" src=\"/badge/", site->name,
                ".svg?style=flat-square\" height=\"20\" alt=\"Square badge\"/> "
                "<img class=\"badge\" src=\"/badge/",
                site->name,
                ".svg?style=for-the-badge\" height=\"28\" alt=\"Large badge\"/></p>\n"
                "<p>It states the verified state and nothing else. Add "
                "<span class=\"mono\">?style=flat-square</span> or "
                "<span class=\"mono\">?style=for-the-badge</span> for the other two.</p>\n",
                NULL);
    add_snippets(out, l, site->name);
    mir_buf_adds(out, "</section>\n");
    add_statement(out, site);
    add_foot(out, l);
    return out->full ? -1 : 0;
}

int mird_page_not_found(const struct mird_listing *l, struct mir_buf *out)
{
    add_head(out, "Not found - unikernel registry", "There is no such page.");
    mir_buf_adds(out,
                 "<h1>There is no such page</h1>\n<p class=\"lead\">Perhaps a site of that name "
                 "was listed once and has been forgotten since. "
                 "<a href=\"/sites\">All sites</a></p>\n");
    add_foot(out, l);
    return out->full ? -1 : 0;
}

static const char *const style_lines[] = {
#include "style_css.h"
};

int mird_page_style(struct mir_buf *out)
{
    for (size_t i = 0; i < MIR_NELEMS(style_lines); i++)
        mir_buf_adds(out, style_lines[i]);
    return out->full ? -1 : 0;
}
