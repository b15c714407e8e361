/* SPDX-License-Identifier: ISC */
/*
 * The registry's documents, each made whole from one listing: HTML pages (page.c), and JSON, Atom,
 * sitemap and robots.txt (feed.c). Pure functions of the listing; the same listing gives the same
 * bytes. Each returns 0, or -1 when the document would be larger than the buffer's maximum.
 */
#ifndef DAEMON_PAGE_H
#define DAEMON_PAGE_H

#include "api/buf.h"
#include "daemon/site.h"

/* What the documents are made from; all borrowed. */
struct mird_listing {
    const struct mird_site *sites; /* in the order of mird_listing_sort */
    size_t count;
    const char *public_url; /* no slash at the end; "" unknown: links are relative then */
    const char *installation;
    const char *key_pem; /* of the statements; "" none */
    int64_t now_s;
};

/* Live first, gone last, and by name within each state. */
void mird_listing_sort(struct mird_site *sites, size_t count);

int mird_page_registry(const struct mird_listing *l, struct mir_buf *out);
int mird_page_site(const struct mird_listing *l, const struct mird_site *site, struct mir_buf *out);
int mird_page_not_found(const struct mird_listing *l, struct mir_buf *out);
int mird_page_style(struct mir_buf *out); /* style.css */
int mird_page_icon(struct mir_buf *out);  /* icon.svg */

int mird_feed_json(const struct mird_listing *l, struct mir_buf *out);
int mird_feed_atom(const struct mird_listing *l, struct mir_buf *out);
int mird_feed_sitemap(const struct mird_listing *l, struct mir_buf *out);
int mird_feed_robots(const struct mird_listing *l, struct mir_buf *out);

/* What to paste to show the badge: Markdown and HTML, unescaped. Owned. */
char *mird_badge_markdown(const char *public_url, const char *name);
char *mird_badge_html(const char *public_url, const char *name);

#endif
