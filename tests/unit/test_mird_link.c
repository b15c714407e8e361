/* SPDX-License-Identifier: ISC */
/* The link and both its ends: messages and frames; the public process alone, driven over a
 * socketpair; and the core's side, which starts this very program as its public process. */
#include "scratch.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "api/http.h"
#include "api/json.h"
#include "daemon/link_message.h"
#include "daemon/prober.h"
#include "daemon/public_link.h"
#include "daemon/public_server.h"
#include "daemon/registry.h"
#include "tiny_server.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define DEPLOYMENT "fedcba9876543210fedcba9876543210"

#define OK_PAGE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define WELL_KNOWN                                                                                 \
    "HTTP/1.1 200 OK\r\nContent-Length: 66\r\n\r\n"                                                \
    "{\"token\":\"" TOKEN "\",\"deadline\":1795219023}"

static const struct tiny_answer good_site[] = {
    {"/", OK_PAGE}, {"/.well-known/unikernel", WELL_KNOWN}, {NULL, NULL}};

/* --- messages and frames --- */

static struct mird_link_message sites_message(const struct mird_site *sites, size_t count)
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

static void test_messages_round_trip(void **state)
{
    struct mird_site site = {.name = "hello", .url = "http://x.example/", .added_s = 5};
    struct mird_link_message all[] = {
        sites_message(&site, 1),
        {.type = MIRD_LINK_SOON, .name = "hello", .seconds = 60},
        {.type = MIRD_LINK_READY},
        {.type = MIRD_LINK_PROBE, .probe = {.name = "hello", .ok = true, .status = 200}},
        {.type = MIRD_LINK_ANNOUNCE, .name = "hello", .url = "http://x.example/", .token = TOKEN},
    };
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    mir_auto_buf struct mir_buf in;
    mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
    for (size_t i = 0; i < MIR_NELEMS(all); i++)
        assert_int_equal(mird_link_send(ends[0], &all[i], NULL), 0);
    assert_int_equal(mird_link_read(ends[1], &in, NULL), 1);
    for (size_t i = 0; i < MIR_NELEMS(all); i++) {
        struct mird_link_message m;
        assert_int_equal(mird_link_take(&in, &m, NULL), 1);
        json_t *sent = mird_link_message_json(&all[i]), *got = mird_link_message_json(&m);
        assert_true(json_equal(sent, got));
        json_decref(sent);
        json_decref(got);
        mird_link_message_clear(&m);
        mird_link_message_clear(&all[i]);
    }
    assert_int_equal(in.len, 0);
    close(ends[0]);
    assert_int_equal(mird_link_read(ends[1], &in, NULL), 0);
    close(ends[1]);
}

struct frame {
    const char *json;
    int taken; /* as mird_link_take answers */
};

static void test_bad_frames(void **state)
{
    static const struct frame frames[] = {
        {"{\"type\":\"ready\"}", 1},
        {"{\"type\":\"from-the-future\",\"x\":1}", 1},
        {"{}", -1},
        {"[]", -1},
        {" 5", -1},
        {"{\"type\":5}", -1},
        {"{\"type\":\"ready\"", -1},
        {"{\"type\":\"soon\"}", -1},
        {"{\"type\":\"soon\",\"name\":\"a\",\"seconds\":-1}", -1},
        {"{\"type\":\"soon\",\"name\":\"a\",\"seconds\":999999}", -1},
        {"{\"type\":\"soon\",\"name\":\"<a>\",\"seconds\":1}", -1},
        {"{\"type\":\"probe\"}", -1},
        {"{\"type\":\"probe\",\"probe\":{\"name\":\"a\",\"ok\":1}}", -1},
        {"{\"type\":\"announce\",\"name\":\"a\",\"url\":\"u\"}", -1},
        {"{\"type\":\"sites\",\"public_url\":\"\",\"installation\":\"\",\"key_pem\":\"\"}", -1},
        {"{\"type\":\"sites\",\"public_url\":\"\",\"installation\":\"\",\"key_pem\":\"\","
         "\"sites\":[{\"name\":\"a\"},{\"name\":\"\"}]}",
         -1},
    };
    for (size_t i = 0; i < MIR_NELEMS(frames); i++) {
        mir_auto_buf struct mir_buf in;
        mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
        size_t len = strlen(frames[i].json);
        const char head[4] = {0, 0, (char)(len >> 8), (char)len};
        mir_buf_add(&in, head, 4);
        struct mird_link_message m = {0};
        struct mir_error err = {0};
        assert_int_equal(mird_link_take(&in, &m, &err), 0); /* not whole yet */
        mir_buf_add(&in, frames[i].json, len);
        if (mird_link_take(&in, &m, &err) != frames[i].taken)
            fail_msg("frame %s", frames[i].json);
        if (frames[i].taken < 0)
            assert_int_equal(err.kind, MIR_CORRUPT);
        mird_link_message_clear(&m);
    }
    mir_auto_buf struct mir_buf in;
    mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
    struct mird_link_message m;
    mir_buf_add(&in, "\xff\xff\xff\xff", 4);
    assert_int_equal(mird_link_take(&in, &m, NULL), -1);
    mir_buf_reset(&in);
    mir_buf_add(&in, "\0\0\0\0", 4);
    assert_int_equal(mird_link_take(&in, &m, NULL), -1);
}

struct announcement {
    const char *json;
    bool good;
};

static void test_announcements_are_read_strictly(void **state)
{
#define REST "\"url\":\"http://a.example/\",\"token\":\"" TOKEN "\""
    static const struct announcement list[] = {
        {"{\"name\":\"a\"," REST "}", true},
        {"{\"name\":\"a\",\"kernel\":\"hello\"," REST "}", true},
        {"{\"name\":\"a\",\"extra\":1," REST "}", false},
        {"{" REST "}", false},
        {"{\"name\":\"A b\"," REST "}", false},
        {"{\"name\":5," REST "}", false},
        {"{\"name\":\"a\",\"url\":\"ftp://x/\",\"token\":\"" TOKEN "\"}", false},
        {"{\"name\":\"a\",\"url\":\"http://x/\",\"token\":\"short\"}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < MIR_NELEMS(list); i++) {
        json_t *json = json_loads(list[i].json, 0, NULL);
        struct mird_link_message m;
        struct mir_error err = {0};
        int rc = mird_announce_read(json, &m, &err);
        json_decref(json);
        if ((rc == 0) != list[i].good)
            fail_msg("%s: %s", list[i].json, err.text);
        if (rc)
            assert_int_equal(err.kind, MIR_USAGE);
    }
}

/* --- the public process alone --- */

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

static struct mir_http_response get(const char *base, const char *path)
{
    mir_auto_free char *url = mir_format("%s%s", base, path);
    struct mir_http_response r = {0};
    struct mir_error err = {0};
    struct mir_http_request q = {.url = url, .fresh = true, .timeout_ms = 15000};
    if (mir_http_do(&q, &r, &err))
        fail_msg("%s: %s", url, err.text);
    return r;
}

static void assert_body(const char *base, const char *path, int status, const char *has)
{
    mir_auto_http_response struct mir_http_response r = get(base, path);
    assert_int_equal(r.status, status);
    if (!strstr(mir_buf_text(&r.body), has))
        fail_msg("%s has no '%s' in it: %s", path, has, mir_buf_text(&r.body));
}

/* The update is on its way: ask until the badge says so. */
static void await_badge(const char *base, const char *name, const char *word)
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

/* --- the core's side --- */

struct cored {
    struct mird_core core;
    struct mird_public *link;
    struct tiny_server site;
};

static int cored_start(void **state)
{
    void *dir = NULL;
    assert_int_equal(scratch_make(&dir), 0);
    struct cored *c = mir_calloc(1, sizeof *c);
    struct mir_error err = {0};
    c->core.clock = mir_clock_system();
    c->core.random = mir_random_system();
    c->core.state_dir = dir;
    c->core.hub = mird_hub_new();
    if (mird_store_open(dir, &c->core.store, &err) ||
        mird_store_identity(c->core.store, &c->core.identity, &err) ||
        mird_public_start(&c->core, "127.0.0.1:0", &c->link, &err))
        fail_msg("%s", err.text);
    tiny_start(&c->site, good_site);
    *state = c;
    return 0;
}

static int cored_stop(void **state)
{
    struct cored *c = *state;
    void *dir = (void *)(uintptr_t)c->core.state_dir;
    mird_public_stop(c->link);
    mird_hub_free(c->core.hub);
    mird_store_close(c->core.store);
    tiny_stop(&c->site);
    scratch_remove(&dir);
    free(c);
    return 0;
}

static struct mird_deployment add_deployment(struct cored *c, const char *id, const char *name)
{
    struct mird_deployment d = {
        .provider = "local", .url_origin = "derived", .token = TOKEN, .list = true};
    struct mird_operation op = {.kind = "deploy"};
    struct mir_error err = {0};
    bool replayed;
    mir_copy(d.id, sizeof d.id, id);
    mir_copy(d.name, sizeof d.name, name);
    memset(d.kernel, 'a', sizeof d.kernel - 1);
    snprintf(d.url, sizeof d.url, "http://127.0.0.1:%u/", c->site.port);
    d.created_s = mir_now_s(c->core.clock);
    d.deadline_s = d.created_s + 600;
    mir_id_new(c->core.random, op.id);
    mir_copy(op.deployment, sizeof op.deployment, id);
    mir_copy(op.name, sizeof op.name, name);
    if (mird_store_deployment_add(c->core.store, &d, &op, NULL, "", "", &replayed, &err))
        fail_msg("%s", err.text);
    return d;
}

static enum mird_site_state state_of(struct cored *c, const char *name)
{
    struct mird_site site;
    assert_int_equal(mird_store_site_get(c->core.store, name, &site, NULL), 0);
    return site.state;
}

static void await_state(struct cored *c, const char *name, enum mird_site_state wanted)
{
    for (int i = 0; i < 1000 && state_of(c, name) != wanted; i++)
        poll(NULL, 0, 20);
    assert_int_equal(state_of(c, name), wanted);
}

static void test_launched_live_gone(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    struct mird_site site;
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 30, &site, &err), 0);
    assert_int_equal(site.state, MIRD_SITE_VERIFIED);
    assert_true(site.private_ok);
    await_state(c, "hello", MIRD_SITE_LIVE);
    await_badge(c->core.public_url, "hello", "live");
    assert_body(c->core.public_url, "/sites.json", 200, "\"signature\"");

    /* Again, as after a restart of the daemon: what was seen stays. */
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 30, &site, &err), 0);
    assert_int_equal(site.state, MIRD_SITE_LIVE);
    assert_int_equal(mird_site_deadline(&c->core, d.id, d.deadline_s + 60, &err), 0);
    assert_int_equal(mird_store_site_get(c->core.store, "hello", &site, NULL), 0);
    assert_int_equal(site.expires_s, d.deadline_s + 60);
    assert_int_equal(mird_site_remove(&c->core, "hello", &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);

    assert_int_equal(mird_site_deployment_ended(&c->core, d.id, &err), 0);
    await_badge(c->core.public_url, "hello", "gone");
    assert_body(c->core.public_url, "/", 200, "Past sites");
    assert_int_equal(mird_site_remove(&c->core, "hello", &err), 0);
    await_badge(c->core.public_url, "hello", "unknown");
}

/* The engine forgot to say so, or the daemon was down: the deployment's end is noticed. */
static void test_tidy_follows_deployments(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = {.provider = "local",
                                .name = "ghost",
                                .id = DEPLOYMENT,
                                .url_origin = "derived",
                                .list = true,
                                .url = "http://127.0.0.1:1/"};
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 1, NULL, &err), 0); /* not in store */
    await_state(c, "ghost", MIRD_SITE_GONE);
}

/* The one child of this process: children are listed with the thread that made them. 0: none, or
 * a kernel that does not list them. */
static pid_t public_pid(void)
{
    pid_t found = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && !found && (e = readdir(tasks));) {
        mir_auto_free char *path = mir_format("/proc/self/task/%s/children", e->d_name);
        mir_auto_free char *list = NULL;
        if (!mir_file_read(path, 4096, &list, NULL, NULL))
            found = (pid_t)strtol(list, NULL, 10);
    }
    if (tasks)
        closedir(tasks);
    return found;
}

static void test_public_process_is_started_again(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    atomic_store(&c->site.mute, true);
    assert_int_equal(mird_site_launched(&c->core, &d, NULL, 60, NULL, &err), 0);
    await_badge(c->core.public_url, "hello", "verified");
    pid_t first = public_pid();
    if (first <= 0) {
        print_message("SKIP %s: no /proc/PID/task/TID/children here\n", __func__);
        skip();
    }
    kill(first, SIGKILL);
    /* The same address answers again, and the awaited site is still probed often. */
    await_badge(c->core.public_url, "hello", "verified");
    atomic_store(&c->site.mute, false);
    await_state(c, "hello", MIRD_SITE_LIVE);
    await_badge(c->core.public_url, "hello", "live");
    assert_true(public_pid() != first);
}

static void test_add_verify_hide(void **state)
{
    struct cored *c = *state;
    struct mird_site site;
    struct mir_error err = {0};
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/x", NULL, &site, &err), 0);
    assert_string_equal(site.name, "www-example-org");
    assert_int_equal(site.state, MIRD_SITE_CLAIMED);
    assert_true(mir_id_valid(site.token));
    struct mird_site again;
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/x", NULL, &again, &err), 0);
    assert_string_equal(site.token, again.token);
    assert_int_equal(mird_site_add(&c->core, "https://www.Example.org/y", NULL, NULL, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_site_hide(&c->core, "www-example-org", true, &again, &err), 0);
    assert_true(again.hidden);
    assert_int_equal(mird_site_verify(&c->core, "www-example-org", NULL, &err), 0);
    assert_int_equal(mird_site_remove(&c->core, "www-example-org", &err), 0);
    assert_int_equal(mird_site_verify(&c->core, "www-example-org", NULL, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

struct refusal {
    const char *url, *name;
    enum mir_kind kind;
};

static void test_refused_additions(void **state)
{
    static const struct refusal list[] = {
        {"ftp://example.org/", "a", MIR_USAGE},
        {"http://example.org/", "-a", MIR_USAGE},
        {"http://example.org/", "A", MIR_USAGE},
        {"http://127.0.0.1/", "a", MIR_POLICY},
        {"http://10.0.0.1/", "a", MIR_POLICY},
        {"http://169.254.169.254/latest/", "a", MIR_POLICY},
        {"http://[::1]/", "a", MIR_POLICY},
        {"http://[::ffff:10.0.0.1]/", "a", MIR_POLICY},
        {"http://localhost/", "a", MIR_POLICY},
        {"http://printer.local/", "a", MIR_POLICY},
        {"http://intranet/", "a", MIR_POLICY},
        {"http://example.org:22/", "a", MIR_POLICY},
        {"http://example.org:6379/", "a", MIR_POLICY},
    };
    struct cored *c = *state;
    for (size_t i = 0; i < MIR_NELEMS(list); i++) {
        struct mir_error err = {0};
        if (mird_site_add(&c->core, list[i].url, list[i].name, NULL, &err) == 0)
            fail_msg("taken: %s", list[i].url);
        assert_int_equal(err.kind, list[i].kind);
    }
    mir_auto_free char *words = mir_calloc(1, 301);
    memset(words, 'a', 300);
    mir_auto_free char *url = mir_format("http://example.org/%s", words);
    assert_int_equal(mird_site_add(&c->core, url, "a", NULL, NULL), -1);
}

static void test_announced(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    struct mird_core *core = &c->core;
    static const char other[] = "99999999999999999999999999999999";
    struct mird_deployment d = add_deployment(c, DEPLOYMENT, "hello");
    /* A stranger's: a claim, once; the name is then taken. */
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", other, &err), 0);
    assert_int_equal(state_of(c, "a"), MIRD_SITE_CLAIMED);
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", other, &err), 0);
    assert_int_equal(mird_site_announce(core, "a", "http://b.example/", other, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    static const char third[] = "33333333333333333333333333333333";
    assert_int_equal(mird_site_announce(core, "a", "http://a.example/", third, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    assert_int_equal(mird_site_announce(core, "b", "http://10.0.2.15/", other, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    /* Our guest's, under whatever name and address it believes to have. */
    assert_int_equal(mird_site_launched(core, &d, NULL, 0, NULL, &err), 0);
    assert_int_equal(mird_site_announce(core, "guest", "http://10.0.2.15/", TOKEN, &err), 0);
    struct mird_site none;
    assert_int_equal(mird_store_site_get(core->store, "guest", &none, NULL), -1);
    await_state(c, "hello", MIRD_SITE_LIVE);
}

static void test_claims_are_limited(void **state)
{
    struct cored *c = *state;
    struct mir_error err = {0};
    int taken = 0;
    for (int i = 0; i < MIRD_SITES_CLAIMED_MAX + 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        taken += mird_site_announce(&c->core, name, "http://a.example/", TOKEN, &err) == 0;
    }
    assert_int_equal(taken, MIRD_SITES_CLAIMED_MAX);
    assert_int_equal(err.kind, MIR_POLICY);
}

static void test_ports_are_remembered(void **state)
{
    struct cored *c = *state;
    mir_auto_free char *url = NULL;
    struct mir_error err = {0};
    mir_auto_free char *busy = mir_strdup(c->core.public_url + strlen("http://"));
    assert_int_equal(mird_public_bind(busy, &url, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    static const char *const bad[] = {
        "", "x", "1.2.3.4:", ":70000", "::1:80", "example.org:80", "[::1]80"};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        assert_int_equal(mird_public_bind(bad[i], &url, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, alone_start, alone_stop)
#define CORED(test) cmocka_unit_test_setup_teardown(test, cored_start, cored_stop)

int main(int argc, char **argv)
{
    if (argc == 5 && !strcmp(argv[1], "--public-fd"))
        return mird_public_main((int)strtol(argv[2], NULL, 10), argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_round_trip),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_announcements_are_read_strictly),
        cmocka_unit_test(test_token_reading),
        ALONE(test_probe_and_pages),
        ALONE(test_headers),
        ALONE(test_announce),
        ALONE(test_new_site_is_seen_at_once),
        ALONE(test_refused_addresses),
        ALONE(test_wrong_answers),
        CORED(test_launched_live_gone),
        CORED(test_tidy_follows_deployments),
        CORED(test_public_process_is_started_again),
        CORED(test_add_verify_hide),
        CORED(test_refused_additions),
        CORED(test_announced),
        CORED(test_claims_are_limited),
        CORED(test_ports_are_remembered),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
