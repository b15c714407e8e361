/* SPDX-License-Identifier: ISC */
/* The HTTP client against a server of the test's own on the loopback that answers each path in a
 * way of its own, good or bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/file.h"
#include "api/http.h"
#include "api/memory.h"

/* --- the server: one thread per connection, answers by path --- */

struct server {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_int connections;
    pthread_mutex_t lock;
    char last_head[4096]; /* of the last request; under the lock */
};

struct canned {
    const char *path;
    const char *answer;
};

static const struct canned canned[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Word:  a word \r\n\r\nhello"},
    {"/empty", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/broken", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick"},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nonly this"},
    {"/garbage", "220 mail.example.org ESMTP\r\n"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n"},
    {"/round", "HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n"},
    {"/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"},
    {"/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
    {"/badchunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"},
    {"/reset", ""},
};

struct connection {
    struct server *server;
    int fd;
};

static void answer_path(int fd, const char *path)
{
    if (!strcmp(path, "/stall")) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        poll(&p, 1, 5000); /* until the client gives up */
        return;
    }
    if (!strcmp(path, "/endless")) {
        static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
        if (mir_write_all(fd, head, sizeof head - 1))
            return;
        char block[4096];
        memset(block, 'x', sizeof block);
        for (int i = 0; i < 4096 && mir_write_all(fd, block, sizeof block) == 0; i++)
            ;
        return;
    }
    for (size_t i = 0; i < MIR_NELEMS(canned); i++)
        if (!strcmp(path, canned[i].path)) {
            mir_write_all(fd, canned[i].answer, strlen(canned[i].answer));
            return;
        }
    static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    mir_write_all(fd, none, sizeof none - 1);
}

/* The body is taken as well, so that closing does not turn into a reset. */
static size_t body_length(const char *head)
{
    const char *p = strstr(head, "Content-Length: ");
    return p ? strtoul(p + 16, NULL, 10) : 0;
}

static void *serve_one(void *arg)
{
    struct connection *c = arg;
    char head[4096] = "";
    size_t len = 0;
    char *end = NULL;
    while (len < sizeof head - 1 && !end) {
        ssize_t n = read(c->fd, head + len, sizeof head - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        head[len] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (end) {
        size_t have = len - (size_t)(end + 4 - head), want = body_length(head);
        char sink[1024];
        while (have < want) {
            ssize_t n = read(c->fd, sink, sizeof sink);
            if (n <= 0)
                break;
            have += (size_t)n;
        }
        pthread_mutex_lock(&c->server->lock);
        memcpy(c->server->last_head, head, sizeof head);
        pthread_mutex_unlock(&c->server->lock);
        char path[256] = "";
        sscanf(head, "%*s %255s", path);
        answer_path(c->fd, path);
    }
    close(c->fd);
    atomic_fetch_sub(&c->server->connections, 1);
    free(c);
    return NULL;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct connection *c = mir_calloc(1, sizeof *c);
        *c = (struct connection){s, fd};
        atomic_fetch_add(&s->connections, 1);
        pthread_t t;
        if (pthread_create(&t, NULL, serve_one, c) == 0)
            pthread_detach(t);
    }
}

static int listen_loopback(unsigned *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_return_code(fd, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static int start(void **state)
{
    struct server *s = mir_calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    s->fd = listen_loopback(&s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    *state = s;
    return 0;
}

static int stop(void **state)
{
    struct server *s = *state;
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < 300 && atomic_load(&s->connections) > 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&s->connections), 0);
    free(s);
    return 0;
}

static char *url_of(const struct server *s, const char *path)
{
    return mir_format("http://127.0.0.1:%u%s", s->port, path);
}

/* --- good answers --- */

static void test_plain(void **state)
{
    mir_auto_free char *url = url_of(*state, "/ok");
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    assert_int_equal(mir_http_do(&(struct mir_http_request){.url = url}, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_string_equal(mir_buf_text(&r.body), "hello");
    assert_string_equal(r.peer, "127.0.0.1");
    char word[16];
    assert_int_equal(mir_http_response_header(&r, "x-WORD", word, sizeof word), 0);
    assert_string_equal(word, "a word");
    assert_int_equal(mir_http_response_header(&r, "X-Wor", word, sizeof word), -1);
    assert_int_equal(mir_http_response_header(&r, "X-Word", word, 3), -1);
}

struct status_case {
    const char *path;
    int status;
    const char *body;
};

static void test_any_status_is_an_answer(void **state)
{
    static const struct status_case cases[] = {
        {"/empty", 204, ""}, {"/broken", 503, "sick"}, {"/nowhere", 404, ""},
        {"/moved", 302, ""}, {"/chunked", 200, "abc"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        mir_auto_free char *url = url_of(*state, cases[i].path);
        mir_auto_http_response struct mir_http_response r = {0};
        struct mir_error err = {0};
        assert_int_equal(mir_http_do(&(struct mir_http_request){.url = url}, &r, &err), 0);
        assert_int_equal(r.status, cases[i].status);
        assert_string_equal(mir_buf_text(&r.body), cases[i].body);
    }
}

static void test_redirects_within_limits(void **state)
{
    mir_auto_free char *moved = url_of(*state, "/moved");
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    struct mir_http_request q = {.url = moved, .redirects_max = 3};
    assert_int_equal(mir_http_do(&q, &r, &err), 0);
    assert_int_equal(r.status, 200);
    char word[16]; /* headers are the last answer's only */
    assert_int_equal(mir_http_response_header(&r, "Location", word, sizeof word), -1);

    mir_auto_free char *round = url_of(*state, "/round");
    q.url = round;
    assert_int_equal(mir_http_do(&q, &r, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    mir_auto_free char *file = url_of(*state, "/file");
    q.url = file;
    assert_int_equal(mir_http_do(&q, &r, &err), -1);
    assert_null(strstr(err.text, "root:"));
}

static void test_post_and_headers(void **state)
{
    struct server *s = *state;
    mir_auto_free char *url = url_of(s, "/ok");
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    const struct mir_http_header headers[] = {{"Content-Type", "application/json"}, {"X-None", ""}};
    struct mir_http_request q = {.url = url,
                                 .body = "{}",
                                 .body_len = 2,
                                 .headers = headers,
                                 .header_count = 2,
                                 .user_agent = "tester/1",
                                 .fresh = true};
    assert_int_equal(mir_http_do(&q, &r, &err), 0);
    char head[4096];
    pthread_mutex_lock(&s->lock);
    memcpy(head, s->last_head, sizeof head);
    pthread_mutex_unlock(&s->lock);
    assert_non_null(strstr(head, "POST /ok HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(head, "X-None:"));
    assert_non_null(strstr(head, "Content-Length: 2\r\n"));
    assert_non_null(strstr(head, "User-Agent: tester/1\r\n"));
    assert_non_null(strstr(head, "Connection: close\r\n"));
    assert_null(strstr(head, "Expect:"));

    const struct mir_http_header split = {"X-Bad", "a\r\nX-Evil: 1"};
    q.headers = &split;
    q.header_count = 1;
    assert_int_equal(mir_http_do(&q, &r, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
}

/* --- bad ones --- */

struct bad_case {
    const char *method;
    const char *path;
    enum mir_kind kind;
    enum mir_outcome outcome;
};

static void test_failures_are_told_apart(void **state)
{
    static const struct bad_case cases[] = {
        {"GET", "/short", MIR_UNAVAILABLE, MIR_DID_NOT_HAPPEN},
        {"POST", "/short", MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN},
        {"GET", "/garbage", MIR_CORRUPT, MIR_DID_NOT_HAPPEN},
        {"DELETE", "/garbage", MIR_CORRUPT, MIR_OUTCOME_UNKNOWN},
        {"GET", "/reset", MIR_UNAVAILABLE, MIR_DID_NOT_HAPPEN},
        {"PUT", "/reset", MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN},
        {"GET", "/stall", MIR_TIMEOUT, MIR_DID_NOT_HAPPEN},
        {"POST", "/stall", MIR_TIMEOUT, MIR_OUTCOME_UNKNOWN},
        {"GET", "/endless", MIR_CORRUPT, MIR_DID_NOT_HAPPEN},
        {"POST", "/endless", MIR_CORRUPT, MIR_OUTCOME_UNKNOWN},
        {"POST", "/badchunk", MIR_UNAVAILABLE, MIR_OUTCOME_UNKNOWN},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        mir_auto_free char *url = url_of(*state, cases[i].path);
        struct mir_http_response r = {0};
        struct mir_error err = {0};
        struct mir_http_request q = {
            .method = cases[i].method, .url = url, .timeout_ms = 300, .response_max = 1000};
        assert_int_equal(mir_http_do(&q, &r, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(err.outcome, cases[i].outcome);
        assert_non_null(strstr(err.text, "http://127.0.0.1:"));
        assert_null(r.body.data);
    }
}

static void test_long_body_cut_where_allowed(void **state)
{
    mir_auto_free char *url = url_of(*state, "/endless");
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    struct mir_http_request q = {.url = url, .response_max = 5000, .cut = true};
    assert_int_equal(mir_http_do(&q, &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.len, 5000);
}

static void test_refused_connection_did_not_happen(void **state)
{
    unsigned port;
    int fd = listen_loopback(&port);
    close(fd);
    mir_auto_free char *url = mir_format("http://127.0.0.1:%u/", port);
    struct mir_http_response r = {0};
    struct mir_error err = {0};
    struct mir_http_request q = {.method = "POST", .url = url, .body = "x", .body_len = 1};
    assert_int_equal(mir_http_do(&q, &r, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_int_equal(err.retry, MIR_RETRY_TRANSIENT);
}

static bool only_public(void *ctx, const struct sockaddr *address)
{
    int *asked = ctx;
    ++*asked;
    return mir_http_address_public(address);
}

static void test_filter_sees_the_real_address(void **state)
{
    struct server *s = *state;
    setenv("http_proxy", "http://192.0.2.1:9/", 1); /* must not be used under a filter */
    const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < MIR_NELEMS(hosts); i++) {
        mir_auto_free char *url = mir_format("http://%s:%u/ok", hosts[i], s->port);
        struct mir_http_response r = {0};
        struct mir_error err = {0};
        int asked = 0;
        struct mir_http_request q = {
            .url = url, .allow = only_public, .allow_ctx = &asked, .timeout_ms = 2000};
        assert_int_equal(mir_http_do(&q, &r, &err), -1);
        assert_int_equal(err.kind, MIR_POLICY);
        assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
        assert_true(asked > 0);
    }
    unsetenv("http_proxy");
}

/* --- the pool --- */

struct tally {
    int good, bad;
    int64_t good_ms; /* when the last good one came */
    int64_t began_ms;
};

static void count_done(void *ctx, struct mir_http_response *response, const struct mir_error *err)
{
    struct tally *t = ctx;
    const struct mir_clock *clock = mir_clock_system();
    if (response) {
        assert_int_equal(response->status, 200);
        t->good++;
        t->good_ms = clock->boot_ms(clock->ctx) - t->began_ms;
    } else {
        assert_int_equal(err->kind, MIR_TIMEOUT);
        t->bad++;
    }
}

/* Those that stall do not hold up those that answer. */
static void test_pool_dead_do_not_delay(void **state)
{
    const struct mir_clock *clock = mir_clock_system();
    mir_auto_free char *ok = url_of(*state, "/ok");
    mir_auto_free char *stall = url_of(*state, "/stall");
    struct mir_http_pool *pool = mir_http_pool_new(NULL);
    struct tally t = {.began_ms = clock->boot_ms(clock->ctx)};
    uint64_t cancelled = 0;
    for (int i = 0; i < 20; i++) {
        struct mir_error err = {0};
        struct mir_http_request q = {.url = i % 2 ? ok : stall, .timeout_ms = 1500, .fresh = true};
        assert_int_equal(mir_http_pool_add(pool, &q, count_done, &t, &cancelled, &err), 0);
    }
    struct mir_http_request extra = {.url = stall, .timeout_ms = 1500};
    assert_int_equal(mir_http_pool_add(pool, &extra, count_done, &t, &cancelled, NULL), 0);
    mir_http_pool_cancel(pool, cancelled);
    mir_http_pool_cancel(pool, cancelled); /* twice is harmless */
    for (int i = 0; i < 1000 && mir_http_pool_running(pool) > 0; i++)
        assert_int_equal(mir_http_pool_run(pool, 100, NULL), 0);
    assert_int_equal(t.good, 10);
    assert_int_equal(t.bad, 10);
    assert_true(t.good_ms < 1000);
    struct mir_http_request left = {.url = stall, .timeout_ms = 60000};
    assert_int_equal(mir_http_pool_add(pool, &left, count_done, &t, NULL, NULL), 0);
    mir_http_pool_wake(pool);
    assert_int_equal(mir_http_pool_run(pool, 60000, NULL), 0); /* back at once */
    mir_http_pool_free(pool);                                  /* with one under way */
    assert_int_equal(t.good + t.bad, 20);
}

/* --- addresses --- */

struct address_case {
    const char *text;
    bool is_public;
};

static bool public_text(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return mir_http_address_public((struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return mir_http_address_public((struct sockaddr *)&in6);
}

static void test_public_addresses(void **state)
{
    static const struct address_case cases[] = {
        {"1.1.1.1", true},
        {"8.8.8.8", true},
        {"9.255.255.255", true},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"128.0.0.0", true},
        {"169.253.255.255", true},
        {"172.15.255.255", true},
        {"172.32.0.0", true},
        {"192.167.255.255", true},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.20.0.0", true},
        {"223.255.255.255", true},
        {"0.0.0.0", false},
        {"0.1.2.3", false},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"100.64.0.1", false},
        {"100.127.255.255", false},
        {"127.0.0.1", false},
        {"127.255.255.254", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.0.0.1", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"192.168.1.1", false},
        {"198.18.0.1", false},
        {"198.19.255.255", false},
        {"198.51.100.7", false},
        {"203.0.113.7", false},
        {"224.0.0.1", false},
        {"239.255.255.255", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"2606:4700:4700::1111", true},
        {"2a01:4f8::1", true},
        {"::", false},
        {"::1", false},
        {"::7f00:1", false},
        {"::8.8.8.8", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:169.254.169.254", false},
        {"::ffff:8.8.8.8", true},
        {"64:ff9b::10.0.0.1", false},
        {"64:ff9b::8.8.8.8", true},
        {"64:ff9b:1::1", false},
        {"2002:0a00:0001::1", false},
        {"2002:7f00:0001::1", false},
        {"2002:0808:0808::1", true},
        {"2001:0:4136:e378::1", false},
        {"2001:db8::1", false},
        {"3fff::1", false},
        {"100::1", false},
        {"fc00::1", false},
        {"fd00:ec2::254", false},
        {"fe80::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++)
        if (public_text(cases[i].text) != cases[i].is_public)
            fail_msg("%s", cases[i].text);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(mir_http_address_public(&other));
}

static void test_loopback(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010203)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_true(mir_http_address_loopback((struct sockaddr *)&in));
    assert_true(mir_http_address_loopback((struct sockaddr *)&in6));
    in.sin_addr.s_addr = htonl(0x0a000001);
    assert_false(mir_http_address_loopback((struct sockaddr *)&in));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.9", &in6.sin6_addr), 1);
    assert_true(mir_http_address_loopback((struct sockaddr *)&in6));
}

static void test_urls(void **state)
{
    struct mir_url u;
    assert_int_equal(mir_url_parse("HTTPS://Example.ORG/path?q#f", &u, NULL), 0);
    assert_true(u.https);
    assert_string_equal(u.host, "example.org");
    assert_int_equal(u.port, 443);
    assert_string_equal(u.origin, "https://example.org");
    assert_int_equal(mir_url_parse("http://[2001:DB8::1]:8080", &u, NULL), 0);
    assert_string_equal(u.origin, "http://[2001:db8::1]:8080");
    assert_true(u.numeric);
    assert_int_equal(mir_url_parse("http://10.1.2.3:80/", &u, NULL), 0);
    assert_string_equal(u.origin, "http://10.1.2.3");
    assert_true(u.numeric);

    static const char *const bad[] = {
        "",
        "example.org",
        "ftp://example.org/",
        "http://",
        "http:///x",
        "http://a b/",
        "http://user@example.org/",
        "http://u:p@example.org/",
        "http://example.org:0/",
        "http://example.org:70000/",
        "http://example.org:/",
        "http://example.org:8x/",
        "http://[::1",
        "http://[nonsense]/",
        "http://[::1]x/",
        "http://-a/",
        "http://a..b/",
        "http://.a/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://exa\nmple.org/",
        "http://ex\xc3\xa4mple.org/",
        "javascript:alert(1)",
        "http://example.org/\"onclick=",
        "http://example.org/<b>",
        "http://a%41/",
    };
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        if (mir_url_parse(bad[i], &u, &err) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, MIR_USAGE);
    }
}

/* Said as what it is, and nothing is left of it. */
static void test_pool_without_descriptor(void **state)
{
    struct mir_error err = {0};
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct mir_http_pool *pool = mir_http_pool_new(&err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_null(pool);
    assert_non_null(strstr(err.text, "descriptor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_without_descriptor),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_any_status_is_an_answer),
        cmocka_unit_test(test_redirects_within_limits),
        cmocka_unit_test(test_post_and_headers),
        cmocka_unit_test(test_failures_are_told_apart),
        cmocka_unit_test(test_long_body_cut_where_allowed),
        cmocka_unit_test(test_refused_connection_did_not_happen),
        cmocka_unit_test(test_filter_sees_the_real_address),
        cmocka_unit_test(test_pool_dead_do_not_delay),
        cmocka_unit_test(test_public_addresses),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_urls),
    };
    /* The test must not depend on the machine's proxies. */
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, start, stop);
}
