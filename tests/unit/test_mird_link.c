/* SPDX-License-Identifier: ISC */
/* The public process alone, driven over a socketpair: its pages, and the prober's duties. */
#include <signal.h>
#include <sys/wait.h>

#include "api/json.h"
#include "daemon/prober.h"
#include "daemon/public_link.h"
#include "daemon/public_server.h"
#include "mird_pages.h"

struct alone {
    pid_t pid;
    int link;
    char *base;
    struct mir_buf in;
    struct tiny_server site;
};

static int alone_start(void **state)
{
    struct alone *a = mir_calloc(1, sizeof *a);
    int ends[2];
    tiny_start(&a->site, good_site);
    int fd = mird_public_bind("127.0.0.1:0", &a->base, NULL);
    assert_return_code(fd, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    char listen_arg[24], link_arg[12];
    snprintf(listen_arg, sizeof listen_arg, "fd=%d", dup(fd)); /* copies survive the exec */
    snprintf(link_arg, sizeof link_arg, "%d", dup(ends[1]));
    a->pid = fork();
    assert_return_code(a->pid, 0);
    if (a->pid == 0) {
        execl("/proc/self/exe", "test", "--public-fd", link_arg, "--public", listen_arg,
              (char *)NULL);
        _exit(99);
    }
    close((int)strtol(link_arg, NULL, 10));
    close((int)strtol(listen_arg + 3, NULL, 10));
    close(fd);
    close(ends[1]);
    a->link = ends[0];
    mir_buf_init(&a->in, MIRD_LINK_BUFFER_MAX);
    *state = a;
    return 0;
}

static int alone_stop(void **state)
{
    struct alone *a = *state;
    int status = -1;
    close(a->link); /* the end of the link is the end of the process */
    assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tiny_stop(&a->site);
    mir_buf_clear(&a->in);
    free(a->base);
    free(a);
    return 0;
}

static struct mird_link_message next_message(struct alone *a, enum mird_link_type type)
{
    struct mird_link_message m = {0};
    struct mir_error err = {0};
    for (;;) {
        int rc = mird_link_take(&a->in, &m, &err);
        if (rc == 1) {
            assert_int_equal(m.type, type);
            return m;
        }
        assert_int_equal(rc, 0);
        struct pollfd p = {.fd = a->link, .events = POLLIN};
        if (poll(&p, 1, 20000) != 1)
            fail_msg("no message of type %d came", (int)type);
        assert_int_equal(mird_link_read(a->link, &a->in, &err), 1);
    }
}

static struct mird_site local_site(const struct tiny_server *server)
{
    struct mird_site site = {.name = "hello",
                             .state = MIRD_SITE_VERIFIED,
                             .token = TOKEN,
                             .verified_by = "launched",
                             .private_ok = true,
                             .added_s = 5};
    snprintf(site.url, sizeof site.url, "http://127.0.0.1:%u/", server->port);
    return site;
}

static void send_sites(struct alone *a, const struct mird_site *sites, size_t count)
{
    struct mird_link_message m = sites_message(sites, count);
    assert_int_equal(mird_link_send(a->link, &m, NULL), 0);
    mird_link_message_clear(&m);
}

static void test_probe_and_pages(void **state)
{
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    struct mird_site site = local_site(&a->site);
    send_sites(a, &site, 1);
    struct mird_link_message m = next_message(a, MIRD_LINK_PROBE);
    assert_string_equal(m.probe.name, "hello");
    assert_string_equal(m.probe.error, "");
    assert_true(m.probe.ok);
    assert_true(m.probe.token_matched);
    assert_int_equal(m.probe.status, 200);
    assert_int_equal(m.probe.guest_deadline_s, 1795219023);
    char agent[256];
    tiny_agent(&a->site, agent);
    assert_non_null(strstr(agent, "mirage-deploy/"));
    assert_non_null(strstr(agent, "(+http://127.0.0.1:1/)"));

    mird_site_probed(&site, &m.probe, 10);
    send_sites(a, &site, 1);
    await_badge(a->base, "hello", "live");
    assert_body(a->base, "/", 200, "id=\"hello\"");
    assert_body(a->base, "/sites", 200, "id=\"hello\"");
    assert_body(a->base, "/sites/hello", 200, "<h1>hello</h1>");
    assert_body(a->base, "/sites/none", 404, "There is no such page");
    assert_body(a->base, "/nowhere/at/all", 404, "There is no such page");
    assert_body(a->base, "/sites.json", 200, "\"state\": \"live\"");
    assert_body(a->base, "/feed.atom", 200, "<title>hello is listed</title>");
    assert_body(a->base, "/sitemap.xml", 200, "<loc>http://127.0.0.1:1/sites/hello</loc>");
    assert_body(a->base, "/robots.txt", 200, "Sitemap: http://127.0.0.1:1/sitemap.xml");
    assert_body(a->base, "/style.css", 200, "prefers-color-scheme");
    assert_body(a->base, "/icon.svg", 200, "<svg");
    assert_body(a->base, "/badge/hello.json", 200, "\"message\":\"live\"");
    assert_body(a->base, "/badge/hello.svg?style=for-the-badge", 200, ">LIVE<");
    assert_body(a->base, "/badge/none.svg", 200, "unikernel: unknown\"");
    assert_body(a->base, "/badge/%3Cb%3E.svg", 200, "unikernel: unknown\"");
    assert_body(a->base, "/badge/none.json", 200, "\"message\":\"unknown\"");

    mird_site_ended(&site, 20);
    send_sites(a, &site, 1);
    await_badge(a->base, "hello", "gone");
}

static void assert_header(const struct mir_http_response *r, const char *name, const char *has)
{
    char value[400] = "";
    if (mir_http_response_header(r, name, value, sizeof value) || !strstr(value, has))
        fail_msg("header %s is '%s', not '%s'", name, value, has);
}

static void test_headers(void **state)
{
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    mir_auto_http_response struct mir_http_response page = get(a->base, "/");
    assert_header(&page, "Content-Security-Policy", "default-src 'none'");
    assert_header(&page, "X-Content-Type-Options", "nosniff");
    assert_header(&page, "Cache-Control", "no-cache");
    assert_header(&page, "Content-Type", "text/html; charset=utf-8");
    assert_header(&page, "ETag", "\"");

    /* Reached from outside: badges may be kept for a minute, and say until when. */
    struct mird_link_message m = sites_message(NULL, 0);
    mir_copy(m.public_url, sizeof m.public_url, "https://registry.example.org");
    assert_int_equal(mird_link_send(a->link, &m, NULL), 0);
    mird_link_message_clear(&m);
    char value[64] = "";
    for (int i = 0; i < 500 && strcmp(value, "max-age=60, s-maxage=60") != 0; i++) {
        mir_auto_http_response struct mir_http_response r = get(a->base, "/badge/x.svg");
        mir_http_response_header(&r, "Cache-Control", value, sizeof value);
        poll(NULL, 0, 10);
    }
    mir_auto_http_response struct mir_http_response badge = get(a->base, "/badge/x.svg");
    assert_header(&badge, "Cache-Control", "max-age=60, s-maxage=60");
    assert_header(&badge, "Expires", "GMT");
    assert_header(&badge, "Content-Type", "image/svg+xml");

    char etag[100], again[100];
    assert_int_equal(mir_http_response_header(&badge, "ETag", etag, sizeof etag), 0);
    snprintf(again, sizeof again, "%s", etag);
    const struct mir_http_header same = {"If-None-Match", again};
    mir_auto_free char *url = mir_format("%s/badge/x.svg", a->base);
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_http_request q = {.url = url, .headers = &same, .header_count = 1};
    assert_int_equal(mir_http_do(&q, &r, NULL), 0);
    assert_int_equal(r.status, 304);
    assert_int_equal(r.body.len, 0);
}

static int post(const char *base, const char *body)
{
    mir_auto_free char *url = mir_format("%s/v1/announce", base);
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    const struct mir_http_header type = {"Content-Type", "application/json"};
    struct mir_http_request q = {.url = url,
                                 .body = body,
                                 .body_len = strlen(body),
                                 .headers = &type,
                                 .header_count = 1,
                                 .fresh = true};
    if (mir_http_do(&q, &r, &err))
        fail_msg("%s", err.text);
    return r.status;
}

static void test_announce(void **state)
{
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    assert_int_equal(post(a->base, "{\"name\":\"a\"," REST "}"), 202);
    struct mird_link_message m = next_message(a, MIRD_LINK_ANNOUNCE);
    assert_string_equal(m.name, "a");
    assert_string_equal(m.url, "http://a.example/");
    assert_string_equal(m.token, TOKEN);
    assert_int_equal(post(a->base, "{\"name\":\"a\",\"tokn\":1," REST "}") / 100, 4);
    assert_int_equal(post(a->base, "not json") / 100, 4);
    mir_auto_free char *large = mir_calloc(1, 8001);
    memset(large, ' ', 8000);
    assert_int_equal(post(a->base, large), 413);
    int refused = 0;
    for (int i = 0; i < MIRD_ANNOUNCE_PER_MINUTE * 2 + 2; i++)
        refused += post(a->base, "{}") == 429;
    assert_true(refused > 0); /* even when a minute ended in between */
}

/* --- the prober's duties, seen over the link --- */

static void test_new_site_is_seen_at_once(void **state)
{
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    atomic_store(&a->site.mute, true); /* accepts, then stalls */
    struct mird_site site = local_site(&a->site);
    struct mird_link_message soon = {.type = MIRD_LINK_SOON, .name = "hello", .seconds = 30};
    send_sites(a, &site, 1);
    assert_int_equal(mird_link_send(a->link, &soon, NULL), 0);
    for (int i = 0; i < 500 && atomic_load(&a->site.hits) < 4; i++)
        poll(NULL, 0, 10);
    assert_true(atomic_load(&a->site.hits) >= 4);
    const struct mir_clock *clock = mir_clock_system();
    int64_t began = clock->boot_ms(NULL);
    atomic_store(&a->site.mute, false);
    struct mird_link_message m = next_message(a, MIRD_LINK_PROBE);
    assert_true(m.probe.ok);
    assert_true(clock->boot_ms(NULL) - began < 2000); /* not after the patient one's 5 s */
}

static void test_refused_addresses(void **state)
{
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    struct mird_site site = local_site(&a->site);
    site.private_ok = false;
    send_sites(a, &site, 1);
    struct mird_link_message m = next_message(a, MIRD_LINK_PROBE);
    assert_false(m.probe.ok);
    assert_non_null(strstr(m.probe.error, "not one that may be asked"));
    snprintf(site.url, sizeof site.url, "http://localhost:%u/", a->site.port);
    send_sites(a, &site, 1);
    m = next_message(a, MIRD_LINK_PROBE);
    assert_false(m.probe.ok);
    assert_int_equal(atomic_load(&a->site.hits), 0);
}

static void test_wrong_answers(void **state)
{
    static const struct tiny_answer answers[] = {
        {"/5", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"},
        {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"},
        {"/4", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
        {"/3", "HTTP/1.1 302 No\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"},
        {"/.well-known/unikernel", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"token\":1}"},
        {NULL, NULL},
    };
    struct alone *a = *state;
    next_message(a, MIRD_LINK_READY);
    a->site.answers = answers;
    for (const struct tiny_answer *t = answers; t->path[1] != '.'; t++) {
        struct mird_site site = local_site(&a->site);
        snprintf(site.url, sizeof site.url, "http://127.0.0.1:%u%s", a->site.port, t->path);
        send_sites(a, &site, 1);
        struct mird_link_message m = next_message(a, MIRD_LINK_PROBE);
        bool good = t->path[1] == '4' || t->path[1] == '3';
        assert_int_equal(m.probe.ok, good);
        assert_false(m.probe.token_matched);
        assert_int_equal(m.probe.error[0] == '\0', good);
    }
}

static void test_token_reading(void **state)
{
    int64_t deadline = -1;
    static const char plain[] = "{\"token\":\"" TOKEN "\",\"deadline\":null}";
    assert_true(mird_probe_read_token(plain, strlen(plain), TOKEN, &deadline));
    assert_int_equal(deadline, 0);
    assert_false(mird_probe_read_token(plain, strlen(plain), "", &deadline));
    assert_false(mird_probe_read_token(plain, strlen(plain), DEPLOYMENT, &deadline));
    static const char *const bad[] = {
        "", "{}", "[]", "null", "{\"token\":null}", "{\"token\":\"\"}", "\"" TOKEN "\"", TOKEN};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++)
        assert_false(mird_probe_read_token(bad[i], strlen(bad[i]), TOKEN, &deadline));
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, alone_start, alone_stop)

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "--public-fd"))
        return mird_public_main((int)strtol(argv[2], NULL, 10), argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_reading),
        ALONE(test_probe_and_pages),
        ALONE(test_headers),
        ALONE(test_announce),
        ALONE(test_new_site_is_seen_at_once),
        ALONE(test_refused_addresses),
        ALONE(test_wrong_answers),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
