/* SPDX-License-Identifier: ISC */
/* The HTTP layer: its pure parts, and a real server spoken to over a unix socket byte by byte. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/memory.h"
#include "daemon/http_server.h"
#include "http_internal.h"
#include "mird_talk.h"

/* --- routes --- */

static const struct mird_http_route paths[] = {
    {"GET", "/a", NULL, 0, 0, "", "", NULL, NULL},
    {"PUT", "/a", NULL, 0, 0, "", "", NULL, NULL},
    {"GET", "/a/{name}", NULL, 0, 0, "", "", NULL, NULL},
    {"GET", "/a/{name}/b/{other}", NULL, 0, 0, "", "", NULL, NULL},
    {"GET", "/badge/{name}.svg", NULL, 0, 0, "", "", NULL, NULL},
    {"GET", "/badge/{name}.json", NULL, 0, 0, "", "", NULL, NULL},
};

static const struct mird_http_route *find(const char *method, const char *path,
                                          struct mird_http_request *request, char *allow)
{
    memset(request, 0, sizeof *request);
    return http_route_find(paths, MIR_NELEMS(paths), method, path, request, allow);
}

static void test_routes(void **state)
{
    struct mird_http_request request;
    char allow[HTTP_ALLOW_TEXT];
    assert_ptr_equal(find("GET", "/a", &request, allow), &paths[0]);
    assert_ptr_equal(find("HEAD", "/a", &request, allow), &paths[0]);
    assert_ptr_equal(find("PUT", "/a", &request, allow), &paths[1]);
    assert_null(find("DELETE", "/a", &request, allow));
    assert_string_equal(allow, "GET, HEAD, PUT");
    assert_ptr_equal(find("GET", "/a/hello", &request, allow), &paths[2]);
    assert_string_equal(mird_http_param(&request, "name"), "hello");
    assert_null(mird_http_param(&request, "other"));
    assert_ptr_equal(find("GET", "/a/x/b/y", &request, allow), &paths[3]);
    assert_string_equal(mird_http_param(&request, "other"), "y");
    assert_ptr_equal(find("GET", "/badge/x.svg", &request, allow), &paths[4]);
    assert_string_equal(mird_http_param(&request, "name"), "x");
    assert_ptr_equal(find("GET", "/badge/x.svg.json", &request, allow), &paths[5]);
    assert_string_equal(mird_http_param(&request, "name"), "x.svg");
    static const char *const none[] = {"/",        "",    "/a/",        "/a/x/b",
                                       "/a/x/b/",  "/aa", "/a/x/y",     "/badge/.svg",
                                       "/badge/x", "//a", "/a/x/b/y/z", "a"};
    for (size_t i = 0; i < MIR_NELEMS(none); i++) {
        assert_null(find("GET", none[i], &request, allow));
        assert_string_equal(allow, "");
    }
    char long_path[400] = "/a/";
    memset(long_path + 3, 'x', 300);
    assert_null(find("GET", long_path, &request, allow));
}

static void test_unescape(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "plain"}, {"%41b", "Ab"}, {"%2f%2F", "//"}, {"a%00b", "a%00b"}, {"%", "%"},
        {"%4", "%4"},       {"%zz", "%zz"}, {"", ""},         {"%%41", "%A"},
    };
    for (size_t i = 0; i < MIR_NELEMS(cases); i++) {
        char text[32];
        mir_copy(text, sizeof text, cases[i][0]);
        size_t len = http_unescape(text);
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(len, strlen(cases[i][1]));
    }
}

static void test_words_and_tags(void **state)
{
    assert_true(http_word_in("wait follow", "follow"));
    assert_true(http_word_in("wait follow", "wait"));
    assert_false(http_word_in("wait follow", "foll"));
    assert_false(http_word_in("", "wait"));
    assert_false(http_word_in("wait", ""));
    assert_true(mird_http_etag_named("\"a\"", "a"));
    assert_true(mird_http_etag_named("\"b\", W/\"a\"", "a"));
    assert_true(mird_http_etag_named("*", "a"));
    assert_false(mird_http_etag_named("\"ab\"", "a"));
    assert_false(mird_http_etag_named("a", "a"));
    assert_false(mird_http_etag_named("\"a", "a"));
    assert_false(mird_http_etag_named(NULL, "a"));
}

static void test_body_json(void **state)
{
    struct mird_http_request request = {0};
    struct mir_error err;
    mir_buf_init(&request.body, 70000);
    json_t *json = mird_http_body_json(&request, &err);
    assert_int_equal(json_object_size(json), 0);
    json_decref(json);
    for (int i = 0; i < 30000; i++)
        mir_buf_adds(&request.body, "[{");
    assert_null(mird_http_body_json(&request, &err));
    assert_non_null(strstr(err.text, "nested"));
    mir_buf_reset(&request.body);
    mir_buf_adds(&request.body, "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"}");
    json = mird_http_body_json(&request, &err);
    assert_non_null(json);
    json_decref(json);
    mir_buf_reset(&request.body);
    mir_buf_adds(&request.body, "[1]");
    assert_null(mird_http_body_json(&request, &err));
    assert_int_equal(err.kind, MIR_USAGE);
    mir_buf_clear(&request.body);
}

static void test_problem(void **state)
{
    struct mird_http_request request = {.id = "abc"};
    struct mird_http_response response = {0};
    struct mir_error err;
    mir_fail(&err, MIR_CONFLICT, "cut \xc3");
    mir_error_hint(&err, "another --name");
    mird_http_problem(&request, &response, 0, &err);
    assert_int_equal(response.status, 409);
    assert_string_equal(response.type, "application/problem+json");
    json_t *doc = json_loads(response.owned, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(doc, "code")), "conflict");
    assert_string_equal(json_string_value(json_object_get(doc, "detail")), "cut ?");
    assert_string_equal(json_string_value(json_object_get(doc, "hint")), "another --name");
    assert_string_equal(json_string_value(json_object_get(doc, "request_id")), "abc");
    assert_int_equal(json_integer_value(json_object_get(doc, "status")), 409);
    json_decref(doc);
    mird_http_add_header(&response, "X", "a\r\nb: %d", 1);
    assert_string_equal(response.headers[0].value, "a  b: 1");
    mird_http_response_clear(&response);
}

/* --- a server --- */

struct fixture {
    char dir[64];
    char path[96];
    struct mird_http_server *server;
    atomic_int value; /* what /wait waits for */
    atomic_int freed; /* states freed */
    atomic_uint sunk; /* bytes the sink took */
    atomic_int blocks;
    uint64_t sum;
    pthread_t main_thread;
};

static enum mird_http_result do_hello(void *ctx, struct mird_http_request *request,
                                      struct mird_http_response *response)
{
    mird_http_fixed(response, 200, "text/plain", "hello");
    mir_copy(response->etag, sizeof response->etag, "v1");
    return MIRD_HTTP_DONE;
}

static enum mird_http_result do_echo(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    mird_http_text(response, 200, "text/plain", mir_strdup(mir_buf_text(&request->body)));
    return MIRD_HTTP_DONE;
}

static enum mird_http_result do_peer(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    mird_http_json(response, 200,
                   json_pack("{s:b, s:i, s:i}", "local", (int)request->peer.local, "uid",
                             (int)request->peer.uid, "pid", (int)request->peer.pid));
    return MIRD_HTTP_DONE;
}

static enum mird_http_result do_wait(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    struct fixture *f = ctx;
    const char *ms = mird_http_query(request, "ms");
    if (atomic_load(&f->value) == 0 && !request->timed_out) {
        mird_http_wait(request, "key", ms ? strtol(ms, NULL, 10) : 20000);
        return MIRD_HTTP_LATER;
    }
    mird_http_text(response, 200, "text/plain",
                   mir_format("%d %d", atomic_load(&f->value), request->timed_out));
    return MIRD_HTTP_DONE;
}

static void count_free(void *state)
{
    struct fixture *f = state;
    atomic_fetch_add(&f->freed, 1);
}

static enum mird_http_result do_slow(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    request->state = ctx;
    request->state_free = count_free;
    usleep(200 * 1000);
    mird_http_fixed(response, 200, "text/plain", "slow");
    return MIRD_HTTP_DONE;
}

/* More than any socket holds. */
static enum mird_http_result do_flood(void *ctx, struct mird_http_request *request,
                                      struct mird_http_response *response)
{
    (void)ctx;
    (void)request;
    char *text = mir_calloc((8 << 20) + 1, 1);
    memset(text, 'x', 8 << 20);
    mird_http_text(response, 200, "text/plain", text);
    return MIRD_HTTP_DONE;
}

/* The server's own thread is kept from everything else. */
static enum mird_http_result do_busy(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    (void)ctx;
    (void)request;
    usleep(300 * 1000);
    mird_http_fixed(response, 200, "text/plain", "busy");
    return MIRD_HTTP_DONE;
}

static int take_block(void *ctx, struct mird_http_request *request, const void *data, size_t len,
                      struct mir_error *err)
{
    struct fixture *f = ctx;
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        f->sum += bytes[i];
    atomic_fetch_add(&f->sunk, (unsigned)len);
    atomic_fetch_add(&f->blocks, 1);
    if (mird_http_query(request, "fail"))
        return mir_fail(err, MIR_NO_SPACE, "full");
    return 0;
}

static enum mird_http_result do_sunk(void *ctx, struct mird_http_request *request,
                                     struct mird_http_response *response)
{
    struct fixture *f = ctx;
    mird_http_text(response, 201, "text/plain", mir_format("%u", atomic_load(&f->sunk)));
    return MIRD_HTTP_DONE;
}

static ssize_t read_numbers(void *state, struct mird_http_request *request, char *out, size_t max)
{
    int *next = state;
    if (*next >= 3)
        return -1;
    if (request->round <= (unsigned)*next) {
        mird_http_wait(request, "stream", 10);
        return 0;
    }
    return snprintf(out, max, "<%d>", (*next)++);
}

static enum mird_http_result do_stream(void *ctx, struct mird_http_request *request,
                                       struct mird_http_response *response)
{
    response->type = "text/plain";
    response->stream = read_numbers;
    response->stream_state = mir_calloc(1, sizeof(int));
    response->stream_free = free;
    return MIRD_HTTP_DONE;
}

static const struct mird_http_route routes[] = {
    {"GET", "/hello", do_hello, 0, 0, "", "", NULL, NULL},
    {"POST", "/echo", do_echo, 0, 1000, "", "", NULL, NULL},
    {"GET", "/peer", do_peer, MIRD_HTTP_OPEN, 0, "", "", NULL, NULL},
    {"GET", "/wait", do_wait, 0, 0, "ms", "", NULL, NULL},
    {"GET", "/slow", do_slow, MIRD_HTTP_WORKER, 0, "", "", NULL, NULL},
    {"GET", "/flood", do_flood, 0, 0, "", "", NULL, NULL},
    {"GET", "/busy", do_busy, 0, 0, "", "", NULL, NULL},
    {"PUT", "/sink", do_sunk, MIRD_HTTP_WORKER, 64 << 20, "fail", "", take_block, NULL},
    {"GET", "/stream", do_stream, 0, 0, "", "", NULL, NULL},
    {"PUT", "/known", do_sunk, 0, 64 << 20, "", "", take_block, do_hello},
};

static int authorise(void *ctx, const struct mird_http_request *request, struct mir_error *err)
{
    if (mird_http_header(request, "X-Refuse"))
        return mir_fail(err, MIR_POLICY, "not you");
    return 0;
}

static int setup(void **state)
{
    struct fixture *f = mir_calloc(1, sizeof *f);
    mir_copy(f->dir, sizeof f->dir, "/tmp/mird-http-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/sub/api.sock", f->dir);
    struct mird_http_config config = {.routes = routes,
                                      .route_count = MIR_NELEMS(routes),
                                      .ctx = f,
                                      .authorise = authorise,
                                      .head_limit_s = 1,
                                      .idle_limit_s = 2,
                                      .name = "test"};
    struct mir_error err;
    if (mird_http_start_unix(&config, f->path, 0600, &f->server, &err))
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mird_http_stop(f->server);
    assert_int_equal(access(f->path, F_OK), -1);
    char sub[96];
    snprintf(sub, sizeof sub, "%s/sub", f->dir);
    assert_int_equal(rmdir(sub), 0);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

#define EXPECT(f, request, ...)                                                                    \
    talk_expect((f)->path, request, (const char *const[]){__VA_ARGS__, NULL})

static void test_answers(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /hello HTTP/1.1\r\n" END, "200 OK", "ETag: \"v1\"", "X-Request-Id: ", "hello");
    EXPECT(f, "GET /hello HTTP/1.1\r\nIf-None-Match: \"v1\"\r\n" END, "304 ", "ETag: \"v1\"");
    EXPECT(f, "GET /hello HTTP/1.1\r\nIf-None-Match: \"v2\"\r\n" END, "200 OK");
    EXPECT(f, "GET /nothing HTTP/1.1\r\n" END, "404 ", "problem+json", "/nothing");
    EXPECT(f, "DELETE /hello HTTP/1.1\r\n" END, "405 ", "Allow: GET, HEAD", "usage");
    EXPECT(f, "GET /hello?x=1 HTTP/1.1\r\n" END, "422 ", "'x'");
    EXPECT(f, "GET /hello HTTP/1.1\r\nX-Refuse: 1\r\n" END, "403 ", "not you", "policy");
    EXPECT(f, "GET /peer HTTP/1.1\r\nX-Refuse: 1\r\n" END, "200 ", "\"local\":true");
    char *answer = talk_ask(f->path, "HEAD /hello HTTP/1.1\r\n" END);
    assert_non_null(strstr(answer, "Content-Length: 5"));
    assert_null(strstr(answer, "\r\n\r\nhello"));
    free(answer);
}

static void test_bodies(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", "200 ", "\r\n\r\n12345");
    char big[1200];
    int n = snprintf(big, sizeof big, "POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n" END);
    memset(big + n, 'x', 1001);
    big[n + 1001] = '\0';
    EXPECT(f, big, "413 ", "at most 1000");
    EXPECT(f, "GET /hello HTTP/1.1\r\nContent-Length: 3\r\n" END "123", "413 ", "no body");
    EXPECT(f,
           "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
           "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
           "\r\n\r\nabcde");
    struct mir_buf buf;
    mir_buf_init(&buf, 8000);
    mir_buf_adds(&buf, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "4b0\r\n");
    for (int i = 0; i < 0x4b0; i++)
        mir_buf_adds(&buf, "x");
    mir_buf_adds(&buf, "\r\n0\r\n\r\n");
    EXPECT(f, buf.data, "413 ", "larger than the 1000 bytes");
    mir_buf_reset(&buf);
    mir_buf_adds(&buf, "GET /hello HTTP/1.1\r\nX-Long: ");
    for (int i = 0; i < 900; i++)
        mir_buf_adds(&buf, "12345678");
    mir_buf_adds(&buf, "\r\n" END);
    EXPECT(f, buf.data, "200 ");
    mir_buf_clear(&buf);
    mir_buf_init(&buf, 20000);
    mir_buf_adds(&buf, "GET /hello HTTP/1.1\r\nX-Long: ");
    for (int i = 0; i < 1200; i++)
        mir_buf_adds(&buf, "12345678");
    mir_buf_adds(&buf, "\r\n" END);
    EXPECT(f, buf.data, "431 ", "head of");
    mir_buf_clear(&buf);
}

static void test_keep_alive(void **state)
{
    struct fixture *f = *state;
    EXPECT(f,
           "GET /nothing HTTP/1.1\r\nHost: d\r\n\r\nPOST /echo HTTP/1.1\r\nHost: d\r\n"
           "Content-Length: 2\r\n\r\nabGET /hello HTTP/1.1\r\n" END,
           "404 ", "\r\n\r\nab", "\r\n\r\nhello");
}

static void *wake_later(void *arg)
{
    struct fixture *f = arg;
    usleep(50 * 1000);
    mird_http_wake(f->server, "other");
    atomic_store(&f->value, 7);
    mird_http_wake(f->server, "key");
    return NULL;
}

static void test_wait(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /wait?ms=30 HTTP/1.1\r\n" END, "\r\n\r\n0 1");
    pthread_t thread;
    pthread_create(&thread, NULL, wake_later, f);
    int64_t start_ms = http_now_ms();
    EXPECT(f, "GET /wait HTTP/1.1\r\n" END, "\r\n\r\n7 0");
    assert_true(http_now_ms() - start_ms < 5000);
    pthread_join(thread, NULL);
}

static void *storm(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 2000; i++)
        mird_http_wake(f->server, i % 2 ? "key" : "stream");
    return NULL;
}

static void *ask_often(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 40; i++) {
        EXPECT(f, "GET /wait?ms=3 HTTP/1.1\r\n" END, "\r\n\r\n0 1");
        EXPECT(f, "GET /stream HTTP/1.1\r\n" END, "<0>", "<1>", "<2>");
    }
    return NULL;
}

/* Wakes and time-outs against each other from several threads. */
static void test_wait_storm(void **state)
{
    struct fixture *f = *state;
    pthread_t askers[4], wakers[2];
    for (size_t i = 0; i < MIR_NELEMS(askers); i++)
        pthread_create(&askers[i], NULL, ask_often, f);
    for (size_t i = 0; i < MIR_NELEMS(wakers); i++)
        pthread_create(&wakers[i], NULL, storm, f);
    for (size_t i = 0; i < MIR_NELEMS(askers); i++)
        pthread_join(askers[i], NULL);
    for (size_t i = 0; i < MIR_NELEMS(wakers); i++)
        pthread_join(wakers[i], NULL);
}

static void test_worker(void **state)
{
    struct fixture *f = *state;
    int slow = talk_dial(f->path);
    talk_say(slow, "GET /slow HTTP/1.1\r\n" END);
    usleep(20 * 1000);
    int64_t start_ms = http_now_ms();
    EXPECT(f, "GET /hello HTTP/1.1\r\n" END, "hello");
    assert_true(http_now_ms() - start_ms < 150);
    char *answer = talk_hear(slow);
    assert_non_null(strstr(answer, "\r\n\r\nslow"));
    free(answer);
    for (int i = 0; i < 200 && atomic_load(&f->freed) == 0; i++)
        usleep(10 * 1000);
    assert_int_equal(atomic_load(&f->freed), 1);
}

static void send_much(int fd, size_t len)
{
    char block[65536];
    memset(block, 1, sizeof block);
    while (len) {
        ssize_t n = send(fd, block, len < sizeof block ? len : sizeof block, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        len -= (size_t)n;
    }
}

static void test_sink(void **state)
{
    struct fixture *f = *state;
    int fd = talk_dial(f->path);
    size_t len = (3 << 20) + 17;
    char head[128];
    snprintf(head, sizeof head, "PUT /sink HTTP/1.1\r\nContent-Length: %zu\r\n" END, len);
    talk_say(fd, head);
    send_much(fd, len);
    char *answer = talk_hear(fd);
    assert_non_null(strstr(answer, "201 "));
    assert_non_null(strstr(answer, "\r\n\r\n3145745"));
    assert_int_equal(f->sum, len);
    assert_true(atomic_load(&f->blocks) > 5);
    free(answer);
}

static void test_sink_fails(void **state)
{
    struct fixture *f = *state;
    int fd = talk_dial(f->path);
    char head[128];
    snprintf(head, sizeof head, "PUT /sink?fail HTTP/1.1\r\nContent-Length: %d\r\n" END, 3 << 20);
    talk_say(fd, head);
    send_much(fd, 3 << 20);
    char *answer = talk_hear(fd);
    assert_non_null(strstr(answer, "507 "));
    assert_int_equal(atomic_load(&f->blocks), 1);
    free(answer);
}

/* Many small chunks at once: the library hands over several for one suspension. */
static void test_sink_chunks(void **state)
{
    struct fixture *f = *state;
    int fd = talk_dial(f->path);
    talk_say(fd, "PUT /sink HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
    static char block[40 * 1010];
    size_t len = 0, total = 0;
    for (int i = 0; i < 40; i++) {
        len += (size_t)snprintf(block + len, sizeof block - len, "3e8\r\n");
        memset(block + len, 1, 1000);
        len += 1000;
        block[len++] = '\r';
        block[len++] = '\n';
    }
    for (int i = 0; i < 100; i++, total += 40000)
        assert_int_equal(send(fd, block, len, MSG_NOSIGNAL), (ssize_t)len);
    talk_say(fd, "0\r\n\r\n");
    char *answer = talk_hear(fd);
    assert_non_null(strstr(answer, "201 "));
    assert_int_equal(atomic_load(&f->sunk), total);
    assert_int_equal(f->sum, total);
    free(answer);
}

static void test_begin_answers(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "PUT /known HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n" END,
           "200 OK", "hello");
    EXPECT(f, "PUT /known HTTP/1.1\r\nContent-Length: 3\r\n" END "abc", "200 OK", "hello");
    assert_int_equal(atomic_load(&f->sunk), 0);
}

static void test_stream(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "GET /stream HTTP/1.1\r\n" END, "chunked", "<0>", "<1>", "<2>", "\r\n0\r\n");
    /* A client that goes away in the middle leaves nothing behind (ASan looks). */
    int fd = talk_dial(f->path);
    talk_say(fd, "GET /stream HTTP/1.1\r\n" END);
    close(fd);
}

static void test_slow_head(void **state)
{
    struct fixture *f = *state;
    int fd = talk_dial(f->path);
    int64_t start_ms = http_now_ms();
    const char *drip = "GET /hello HTTP/1.1\r\nX: ";
    talk_say(fd, drip);
    char *answer = NULL;
    for (int i = 0; i < 40; i++) {
        usleep(100 * 1000);
        if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
            break;
    }
    assert_true(http_now_ms() - start_ms < 3500);
    answer = talk_hear(fd);
    assert_string_equal(answer, "");
    free(answer);
}

/* Stopping ends waits and streams at once. */
static void test_stop(void **state)
{
    setup(state);
    struct fixture *f = *state;
    const char *const asked[] = {"wait", "slow", "busy"}, *const told[] = {"being stopped", "slow",
                                                                           "busy"};
    int clients[MIR_NELEMS(asked)];
    for (size_t i = 0; i < MIR_NELEMS(asked); i++) {
        mir_auto_free char *request = mir_format("GET /%s HTTP/1.1\r\n" END, asked[i]);
        clients[i] = talk_dial(f->path);
        talk_say(clients[i], request);
        usleep(50 * 1000);
    }
    teardown(state);
    for (size_t i = 0; i < MIR_NELEMS(asked); i++) {
        mir_auto_free char *answer = talk_hear(clients[i]);
        if (!answer || !strstr(answer, told[i]))
            fail_msg("%s: %s", asked[i], answer ? answer : "nothing");
    }
}

/* Nobody reads that answer: the end comes all the same. */
static void test_stop_unread(void **state)
{
    setup(state);
    struct fixture *f = *state;
    int unread = talk_dial(f->path);
    talk_say(unread, "GET /flood HTTP/1.1\r\n" END);
    usleep(50 * 1000);
    teardown(state);
    close(unread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_unescape),
        cmocka_unit_test(test_words_and_tags),
        cmocka_unit_test(test_body_json),
        cmocka_unit_test(test_problem),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep_alive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wait_storm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worker, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sink, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sink_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sink_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begin_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_head, setup, teardown),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_unread),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
