/* SPDX-License-Identifier: ISC */
/* Pages and feeds: well-formed whatever the sites say, no outside markup, and true words. */
#include "scratch.h"

#include "api/buf.h"
#include "api/json.h"
#include "daemon/documents.h"
#include "daemon/markup.h"
#include "daemon/page.h"
#include "well_formed.h"

#define NOW 1795219023
#define INSTALLATION "00112233445566778899aabbccddeeff"

typedef int page_fn(const struct mird_listing *l, struct mir_buf *out);

static char *make(page_fn *fn, const struct mird_listing *l)
{
    struct mir_buf out;
    mir_buf_init(&out, 4u << 20);
    assert_int_equal(fn(l, &out), 0);
    return mir_buf_take(&out);
}

static char *make_site(const struct mird_listing *l, const struct mird_site *site)
{
    struct mir_buf out;
    mir_buf_init(&out, 1u << 20);
    assert_int_equal(mird_page_site(l, site, &out), 0);
    return mir_buf_take(&out);
}

static struct mird_listing listing_of(const struct mird_site *sites, size_t count)
{
    return (struct mird_listing){sites, count, "http://127.0.0.1:8420", INSTALLATION, "KEY", NOW};
}

static struct mird_site site_of(const char *name, enum mird_site_state state)
{
    struct mird_site site = {.state = state,
                             .verified_by = "launched",
                             .provider = "local",
                             .kernel_format = "multiboot1",
                             .kernel_bytes = 23456,
                             .url = "http://127.0.0.1:8080/",
                             .added_s = NOW - 100,
                             .first_seen_s = NOW - 90,
                             .last_seen_s = NOW - 12,
                             .deployment = "d",
                             .expires_s = NOW + 552};
    mir_copy(site.name, sizeof site.name, name);
    if (state == MIRD_SITE_GONE)
        site.gone_s = NOW - 50;
    return site;
}

static page_fn *const xml_pages[] = {mird_page_registry, mird_page_not_found, mird_feed_atom,
                                     mird_feed_sitemap};

static void test_words_of_the_registry_page(void **state)
{
    struct mird_site sites[] = {
        site_of("old", MIRD_SITE_GONE),      site_of("ill", MIRD_SITE_DOWN),
        site_of("claim", MIRD_SITE_CLAIMED), site_of("zoo", MIRD_SITE_LIVE),
        site_of("ant", MIRD_SITE_LIVE),      site_of("secret", MIRD_SITE_LIVE),
        site_of("ancient", MIRD_SITE_GONE),
    };
    sites[5].hidden = true;
    sites[6].gone_s = NOW - MIRD_SITE_PAST_S - 1;
    mird_listing_sort(sites, MIR_NELEMS(sites));
    struct mird_listing l = listing_of(sites, MIR_NELEMS(sites));
    mir_auto_free char *page = make(mird_page_registry, &l);
    const char *ant = strstr(page, "id=\"ant\""), *zoo = strstr(page, "id=\"zoo\"");
    const char *ill = strstr(page, "id=\"ill\""), *old = strstr(page, "/sites/old\"");
    assert_true(ant && zoo && ill && old && ant < zoo && zoo < ill && ill < old);
    assert_non_null(strstr(page, "<strong>3</strong> sites listed, <strong>2</strong> live"));
    assert_non_null(strstr(page, "<strong>9m 12s left</strong>"));
    assert_non_null(strstr(page, "Past sites"));
    assert_non_null(strstr(page, "src=\"/badge/ant.svg\""));
    assert_non_null(strstr(page, "http://127.0.0.1:8420/badge/ant.svg"));
    assert_non_null(strstr(page, "rel=\"nofollow noopener\""));
    assert_null(strstr(page, "secret"));
    assert_null(strstr(page, "claim\""));
    assert_null(strstr(page, "ancient"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, " style="));
}

static void test_a_lease_without_an_end_is_said(void **state)
{
    struct mird_site site = site_of("s", MIRD_SITE_LIVE);
    struct mird_listing l = listing_of(&site, 1);
    site.expires_s = MIR_FOREVER_S;
    mir_auto_free char *all = make(mird_page_registry, &l);
    mir_auto_free char *one = make_site(&l, &site);
    assert_non_null(strstr(all, "<strong>no deadline</strong>"));
    assert_non_null(strstr(one, "<strong>no deadline</strong>"));
    assert_non_null(strstr(one, "it runs until its owner removes it"));
    assert_null(strstr(all, "9999"));
    assert_null(strstr(one, "9999"));
}

/* Only what was seen there is said of it, and only of a carrier that was asked. */
static void test_who_answers_for_a_site(void **state)
{
    struct mird_site site = site_of("mort", MIRD_SITE_LIVE);
    const struct mird_listing l = listing_of(&site, 1);
    site.token_shown = true;
    mir_auto_free char *own = make_site(&l, &site);
    assert_null(strstr(own, "Ownership answer"));
    site.carrier_answers = true;
    mir_auto_free char *given = make_site(&l, &site);
    assert_non_null(strstr(given, "Ownership answer</th><td>given by its carrier</td>"));
    assert_non_null(strstr(given, "not the kernel itself"));
    assert_non_null(strstr(given, "Launched by this registry"));
    assert_true(well_formed(given, strlen(given)));
    site.token_shown = false;
    mir_auto_free char *missing = make_site(&l, &site);
    assert_non_null(strstr(missing, "Ownership answer</th><td>not seen</td>"));
    assert_null(strstr(missing, "given by its carrier"));
}

static void test_empty_page_says_what_to_do(void **state)
{
    struct mird_listing l = listing_of(NULL, 0);
    mir_auto_free char *page = make(mird_page_registry, &l);
    assert_non_null(strstr(page, "mirage-deploy local hello.elf"));
    assert_null(strstr(page, "Past sites"));
}

/* State is told by a word and a shape of its own, not by colour alone. */
static void test_each_state_has_its_word_and_shape(void **state)
{
    const char *shapes[MIRD_SITE_STATE_COUNT];
    char *pages[MIRD_SITE_STATE_COUNT];
    for (int i = 0; i < MIRD_SITE_STATE_COUNT; i++) {
        struct mird_site site = site_of("s", (enum mird_site_state)i);
        struct mird_listing l = listing_of(&site, 1);
        pages[i] = make_site(&l, &site);
        mir_auto_free char *class = mir_format("state %s\"", mird_site_state_name(site.state));
        shapes[i] = strstr(pages[i], class);
        assert_non_null(shapes[i]);
        shapes[i] = strstr(shapes[i], "aria-hidden=\"true\">");
        assert_non_null(shapes[i]);
        for (int j = 0; j < i; j++)
            assert_true(strncmp(shapes[i], shapes[j], strcspn(shapes[i], "\n")) != 0);
    }
    for (int i = 0; i < MIRD_SITE_STATE_COUNT; i++)
        free(pages[i]);
}

static void test_only_verified_web_links(void **state)
{
    struct mird_site site = site_of("s", MIRD_SITE_LIVE);
    struct mird_listing l = listing_of(&site, 1);
    mir_auto_free char *linked = make_site(&l, &site);
    assert_non_null(strstr(linked, "href=\"http://127.0.0.1:8080/\""));
    mir_copy(site.url, sizeof site.url, "javascript:alert(1)");
    mir_auto_free char *script = make_site(&l, &site);
    assert_null(strstr(script, "href=\"javascript"));
    site = site_of("s", MIRD_SITE_CLAIMED);
    site.verified_by[0] = '\0';
    mir_auto_free char *claimed = make_site(&l, &site);
    assert_null(strstr(claimed, "href=\"http://127.0.0.1:8080/\""));
    assert_non_null(strstr(claimed, "Not verified"));
}

static unsigned tags_of(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '<';
    return n;
}

static void make_hostile(unsigned *seed, struct mird_site *site)
{
    hostile_text(seed, site->url, sizeof site->url - 1);
    hostile_text(seed, site->name, sizeof site->name - 1);
    hostile_text(seed, site->provider, sizeof site->provider - 1);
    hostile_text(seed, site->kernel, sizeof site->kernel - 1);
    hostile_text(seed, site->kernel_format, sizeof site->kernel_format - 1);
    hostile_text(seed, site->error, sizeof site->error - 1);
}

/* Whatever stands in a site's texts: as many tags as with plain texts, and well-formed. */
static void test_hostile_sites(void **state)
{
    NEED_LIBXML();
    unsigned seed = 7;
    for (int i = 0; i < 400; i++) {
        struct mird_site plain = site_of("s", (enum mird_site_state)(i % MIRD_SITE_STATE_COUNT));
        mir_copy(plain.kernel, sizeof plain.kernel, "k");
        struct mird_site evil = plain;
        make_hostile(&seed, &evil);
        /* The same optional rows in both. */
        mir_copy(plain.url, sizeof plain.url, "x:");
        evil.url[0] = 'x';
        evil.kernel[0] = evil.kernel_format[0] = evil.provider[0] = '<';
        struct mird_listing lp = listing_of(&plain, 1), le = listing_of(&evil, 1);
        for (size_t p = 0; p < MIR_NELEMS(xml_pages); p++) {
            mir_auto_free char *good = make(xml_pages[p], &lp);
            mir_auto_free char *bad = make(xml_pages[p], &le);
            if (!well_formed(bad, strlen(bad)))
                fail_msg("page %zu, round %d: not well-formed: %s", p, i, bad);
            assert_int_equal(tags_of(good), tags_of(bad));
        }
        mir_auto_free char *good = make_site(&lp, &plain);
        mir_auto_free char *bad = make_site(&le, &evil);
        if (!well_formed(bad, strlen(bad)))
            fail_msg("site page, round %d: not well-formed: %s", i, bad);
        assert_int_equal(tags_of(good), tags_of(bad));
    }
}

struct markup_case {
    const char *from;
    const char *to;
};

#define BAD "\xef\xbf\xbd"

static void test_markup_of_bytes(void **state)
{
    static const struct markup_case cases[] = {
        {"plain", "plain"},
        {"<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xab", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xab"},
        {"\x01\x1f\x7f", BAD BAD BAD},
        {"\xc3", BAD},
        {"\xc3(", BAD "("},
        {"\xc0\xaf", BAD BAD},                 /* overlong */
        {"\xe0\x80\xaf", BAD BAD BAD},         /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD},         /* surrogate */
        {"\xef\xbf\xbf", BAD BAD BAD},         /* no character */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond Unicode */
        {"a\r\nb\tc", "a" BAD "\nb\tc"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        mir_auto_buf struct mir_buf out;
        mir_buf_init(&out, 1000);
        assert_int_equal(mird_markup_text(&out, cases[i].from), 0);
        assert_string_equal(mir_buf_text(&out), cases[i].to);
    }
}

static void test_json_lists_what_the_page_lists(void **state)
{
    struct mird_site sites[] = {site_of("a", MIRD_SITE_LIVE), site_of("b", MIRD_SITE_CLAIMED),
                                site_of("c", MIRD_SITE_GONE)};
    struct mird_listing l = listing_of(sites, 3);
    mir_auto_free char *text = make(mird_feed_json, &l);
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "sites")), 2);
    assert_string_equal(json_string_value(json_object_get(json, "public_key")), "KEY");
    json_decref(json);
}

static void test_documents_are_found_by_key(void **state)
{
    struct mird_site sites[40];
    for (size_t i = 0; i < MIR_NELEMS(sites); i++) {
        char name[8];
        snprintf(name, sizeof name, "s%zu", i);
        sites[i] = site_of(name, (enum mird_site_state)(i % MIRD_SITE_STATE_COUNT));
    }
    struct mird_listing l = listing_of(sites, MIR_NELEMS(sites));
    struct mird_documents *set = mird_documents_new(&l);
    assert_int_equal(mird_documents_count(set), 8 + 5 * 40 + 4);
    const struct mird_document *a = mird_documents_find(set, "site", "s17");
    assert_non_null(a);
    assert_string_equal(a->type, "text/html; charset=utf-8");
    assert_int_equal(strlen(a->etag), 32);
    assert_non_null(mird_documents_find(set, "badge2", "s0"));
    assert_non_null(mird_documents_find(set, "badge0", ""));
    assert_null(mird_documents_find(set, "site", "s99"));
    assert_null(mird_documents_find(set, "site", ""));
    struct mird_documents *again = mird_documents_new(&l);
    assert_string_equal(mird_documents_find(again, "page", "")->etag,
                        mird_documents_find(set, "page", "")->etag);
    mird_documents_free(again);
    mird_documents_free(set);
    mird_documents_free(NULL);
}

static void test_snippets(void **state)
{
    mir_auto_free char *markdown = mird_badge_markdown("https://r.example", "hello");
    assert_string_equal(markdown, "[![unikernel hello](https://r.example/badge/hello.svg)]"
                                  "(https://r.example/sites/hello)");
    mir_auto_free char *html = mird_badge_html("https://r.example", "hello");
    assert_non_null(strstr(html, "<img src=\"https://r.example/badge/hello.svg\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_the_registry_page),
        cmocka_unit_test(test_a_lease_without_an_end_is_said),
        cmocka_unit_test(test_who_answers_for_a_site),
        cmocka_unit_test(test_empty_page_says_what_to_do),
        cmocka_unit_test(test_each_state_has_its_word_and_shape),
        cmocka_unit_test(test_only_verified_web_links),
        cmocka_unit_test(test_hostile_sites),
        cmocka_unit_test(test_markup_of_bytes),
        cmocka_unit_test(test_json_lists_what_the_page_lists),
        cmocka_unit_test(test_documents_are_found_by_key),
        cmocka_unit_test(test_snippets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
