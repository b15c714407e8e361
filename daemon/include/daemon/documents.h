/* SPDX-License-Identifier: ISC */
/*
 * Every answer of the public listener, made once for a listing and then only referred to: a
 * request costs a search by key and a count, whatever it asks for.
 *
 * A set is immutable after making. Bodies are shared and counted, so that one which is being sent
 * outlives its set.
 */
#ifndef DAEMON_DOCUMENTS_H
#define DAEMON_DOCUMENTS_H

#include "daemon/http_server.h"
#include "daemon/page.h"

#define MIRD_DOCUMENT_KEY 80

struct mird_document {
    char key[MIRD_DOCUMENT_KEY]; /* "page/", "site/NAME", "badge0/NAME", "badge.json/NAME", ... */
    const char *type;            /* static text */
    struct mird_http_shared *body;
    char etag[33];
};

struct mird_documents; /* opaque */

/* Sorts a copy of the listing first. Returns owned; aborts on exhaustion. */
struct mird_documents *mird_documents_new(const struct mird_listing *listing);
void mird_documents_free(struct mird_documents *set); /* NULL allowed */

/* kind "badge0" (0..2: the style), "site", ...; name "" for the one of nobody. Borrowed; NULL when
 * there is none. */
const struct mird_document *mird_documents_find(const struct mird_documents *set, const char *kind,
                                                const char *name);
size_t mird_documents_count(const struct mird_documents *set);

#endif
