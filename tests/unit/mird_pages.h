/* SPDX-License-Identifier: ISC */
/* A site that proves whose it is, a message with sites, and the public pages as a visitor gets
 * them: what the tests of the link and of both its ends share. */
#ifndef UNIT_MIRD_PAGES_H
#define UNIT_MIRD_PAGES_H

#include "scratch.h"

#include <poll.h>

#include "api/http.h"
#include "daemon/link_message.h"
#include "tiny_server.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define DEPLOYMENT "fedcba9876543210fedcba9876543210"
/* The rest of an announcement, after its name. */
#define REST "\"url\":\"http://a.example/\",\"token\":\"" TOKEN "\""

#define OK_PAGE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define WELL_KNOWN                                                                                 \
    "HTTP/1.1 200 OK\r\nContent-Length: 66\r\n\r\n"                                                \
    "{\"token\":\"" TOKEN "\",\"deadline\":1795219023}"

static const struct tiny_answer good_site[] = {
    {"/", OK_PAGE}, {"/.well-known/unikernel", WELL_KNOWN}, {NULL, NULL}};

static inline struct mird_link_message sites_message(const struct mird_site *sites, size_t count)
{
    struct mird_link_message m = {.type = MIRD_LINK_SITES,
                                  .public_url = "http://127.0.0.1:1",
                                  .installation = DEPLOYMENT,
                                  .key_pem = "KEY",
                                  .site_count = count};
    m.sites = mir_calloc(count + 1, sizeof *m.sites);
    if (count)
        memcpy(m.sites, sites, count * sizeof *sites);
    return m;
}

static inline struct mir_http_response get(const char *base, const char *path)
{
    mir_auto_free char *url = mir_format("%s%s", base, path);
    struct mir_http_response r = {0};
    struct mir_error err = {0};
    struct mir_http_request q = {.url = url, .fresh = true, .timeout_ms = 15000};
    if (mir_http_do(&q, &r, &err))
        fail_msg("%s: %s", url, err.text);
    return r;
}

static inline void assert_body(const char *base, const char *path, int status, const char *has)
{
    mir_auto_http_response struct mir_http_response r = get(base, path);
    assert_int_equal(r.status, status);
    if (!strstr(mir_buf_text(&r.body), has))
        fail_msg("%s has no '%s' in it: %s", path, has, mir_buf_text(&r.body));
}

/* The update is on its way: ask until the badge says so. */
static inline void await_badge(const char *base, const char *name, const char *word)
{
    mir_auto_free char *path = mir_format("/badge/%s.svg", name);
    mir_auto_free char *label = mir_format("unikernel: %s\"", word);
    for (int i = 0; i < 1000; i++) {
        mir_auto_http_response struct mir_http_response r = get(base, path);
        assert_int_equal(r.status, 200);
        if (strstr(mir_buf_text(&r.body), label))
            return;
        poll(NULL, 0, 20);
    }
    fail_msg("the badge never said '%s'", word);
}

#endif
