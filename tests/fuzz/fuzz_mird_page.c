/* SPDX-License-Identifier: ISC */
/* Arbitrary bytes as the texts of a badge and of a site: what comes out has no markup of theirs.
 * Every '<' of a document is one of ours, so that their number does not depend on the texts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/buf.h"
#include "api/memory.h"
#include "daemon/badge.h"
#include "daemon/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned tags(const struct mir_buf *buf)
{
    unsigned n = 0;
    for (const char *p = mir_buf_text(buf); *p; p++)
        n += *p == '<';
    return n;
}

static void fill(char *out, size_t room, const uint8_t **data, size_t *size)
{
    size_t n = *size < room - 2 ? *size : room - 2;
    out[0] = 'x'; /* never empty: empty ones leave rows out */
    memcpy(out + 1, *data, n);
    out[n + 1] = '\0';
    *data += n;
    *size -= n;
}

static unsigned site_tags(const struct mird_site *site)
{
    const struct mird_listing l = {site, 1, "http://r.example", "i", "k", 1795219023};
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 1u << 20);
    mird_page_registry(&l, &out);
    mird_page_site(&l, site, &out);
    mird_feed_atom(&l, &out);
    mird_feed_sitemap(&l, &out);
    if (out.full)
        abort();
    return tags(&out);
}

static unsigned badge_tags(const char *label, const char *message, const char *title, int style)
{
    struct mird_badge badge = {label, message, "#23803a", "", false};
    mir_copy(badge.title, sizeof badge.title, title);
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 8192);
    if (mird_badge_svg(&badge, (enum mird_badge_style)style, &out))
        abort();
    return tags(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mird_site site = {.name = "s",
                             .url = "x",
                             .state = MIRD_SITE_LIVE,
                             .kernel = "k",
                             .kernel_format = "f",
                             .provider = "p",
                             .verified_by = "token"};
    if (size)
        site.state = (enum mird_site_state)(data[0] % MIRD_SITE_STATE_COUNT);
    unsigned plain = site_tags(&site);
    fill(site.name, sizeof site.name, &data, &size);
    fill(site.url, sizeof site.url, &data, &size);
    fill(site.kernel, sizeof site.kernel, &data, &size);
    fill(site.provider, sizeof site.provider, &data, &size);
    fill(site.kernel_format, sizeof site.kernel_format, &data, &size);
    if (site_tags(&site) != plain)
        abort();
    for (int style = 0; style < MIRD_BADGE_STYLE_COUNT; style++)
        if (badge_tags(site.provider, site.kernel_format, site.url, style) !=
            badge_tags("a", "b", "c", style))
            abort();
    return 0;
}
