/* SPDX-License-Identifier: ISC */
/* Bodies that are made while they are sent, and what a request says of TLS: against servers of the
 * test's own on the loopback. */
#include "certificate.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "api/http.h"

/* --- a server that takes one request --- */

struct server {
    int fd;
    unsigned port;
    pthread_t thread;
    size_t take;        /* bytes of body after which it answers; 0: all */
    const char *answer; /* NULL: it hangs up instead */
    struct mir_buf head, body;
    SSL_CTX *tls;
    bool client_named_itself;
};

static void listen_on(struct server *s, void *(*serve)(void *))
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 4), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    mir_buf_init(&s->head, 1 << 16);
    mir_buf_init(&s->body, 1 << 24);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->fd);
    mir_buf_clear(&s->head);
    mir_buf_clear(&s->body);
}

static bool whole(const struct server *s)
{
    const char *length = strcasestr(mir_buf_text(&s->head), "Content-Length: ");
    if (s->take && s->body.len >= s->take)
        return true;
    if (length)
        return s->body.len >= strtoul(length + 16, NULL, 10);
    return s->body.len >= 5 && !memcmp(s->body.data + s->body.len - 5, "0\r\n\r\n", 5);
}

static void *serve_one(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    char chunk[4096];
    while (!strstr(mir_buf_text(&s->head), "\r\n\r\n") && read(fd, chunk, 1) == 1)
        mir_buf_add(&s->head, chunk, 1);
    while (!whole(s)) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0)
            break;
        mir_buf_add(&s->body, chunk, (size_t)n);
    }
    if (s->answer)
        mir_write_all(fd, s->answer, strlen(s->answer));
    close(fd);
    return NULL;
}

/* --- a body that counts --- */

struct source {
    size_t size, given, fail_at; /* 0: never */
};

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    struct source *s = ctx;
    if (s->fail_at && s->given >= s->fail_at)
        return mir_fail(err, MIR_NO_SPACE, "the disk is gone");
    size_t left = s->size - s->given;
    *ret_len = left < size ? left : size;
    if (*ret_len > 1000)
        *ret_len = 1000;
    for (size_t i = 0; i < *ret_len; i++)
        ((unsigned char *)out)[i] = (unsigned char)('a' + (s->given + i) % 26);
    s->given += *ret_len;
    return 0;
}

static int send_to(const struct server *s, struct source *from, int64_t length,
                   struct mir_http_response *ret, struct mir_error *err)
{
    mir_auto_free char *url = mir_format("http://127.0.0.1:%u/file", s->port);
    const struct mir_http_header type = {"Content-Type", "application/octet-stream"};
    struct mir_http_request request = {.method = "PUT",
                                       .url = url,
                                       .headers = &type,
                                       .header_count = 1,
                                       .timeout_ms = 10000,
                                       .stream = {give, from, length}};
    struct mir_http_client *client = mir_http_client_new(0);
    int rc = mir_http_client_do(client, &request, ret, err);
    mir_http_client_free(client);
    return rc;
}

#define DONE "HTTP/1.1 204 No Content\r\n\r\n"
#define BIG ((size_t)300000)

static void test_with_its_length(void **state)
{
    struct server s = {.answer = DONE};
    struct source from = {.size = BIG};
    mir_auto_http_response struct mir_http_response r = {0};
    listen_on(&s, serve_one);
    assert_int_equal(send_to(&s, &from, (int64_t)BIG, &r, NULL), 0);
    pthread_join(s.thread, NULL);
    assert_int_equal(r.status, 204);
    assert_int_equal(s.body.len, BIG);
    for (size_t i = 0; i < BIG; i++)
        if (s.body.data[i] != (char)('a' + i % 26))
            fail_msg("byte %zu", i);
    assert_int_equal(strncmp(s.head.data, "PUT /file HTTP/1.1\r\n", 20), 0);
    assert_non_null(strstr(s.head.data, "\r\nContent-Length: 300000\r\n"));
    assert_null(strstr(s.head.data, "Expect"));
    assert_null(strstr(s.head.data, "Transfer-Encoding"));
    close(s.fd);
    mir_buf_clear(&s.head);
    mir_buf_clear(&s.body);
}

static void test_in_chunks(void **state)
{
    static const size_t sizes[] = {0, 1, BIG};
    for (size_t i = 0; i < MIR_NELEMS(sizes); i++) {
        struct server s = {.answer = DONE};
        struct source from = {.size = sizes[i]};
        mir_auto_http_response struct mir_http_response r = {0};
        listen_on(&s, serve_one);
        assert_int_equal(send_to(&s, &from, MIR_HTTP_LENGTH_UNKNOWN, &r, NULL), 0);
        pthread_join(s.thread, NULL);
        assert_int_equal(r.status, 204);
        assert_non_null(strstr(s.head.data, "\r\nTransfer-Encoding: chunked\r\n"));
        assert_null(strstr(s.head.data, "Content-Length"));
        assert_int_equal(from.given, sizes[i]);
        size_t letters = 0; /* of the body; sizes of chunks are digits and a-f: counted by hand */
        for (char *p = s.body.data; p && p < s.body.data + s.body.len;) {
            size_t len = strtoul(p, &p, 16);
            assert_int_equal(strncmp(p, "\r\n", 2), 0);
            letters += len;
            p += 2 + len + 2;
        }
        assert_int_equal(letters, sizes[i]);
        close(s.fd);
        mir_buf_clear(&s.head);
        mir_buf_clear(&s.body);
    }
}

/* A refusal that comes in the middle is an answer like any other, and the rest is not read. */
static void test_refused_in_the_middle(void **state)
{
    struct server s = {.take = 5000,
                       .answer = "HTTP/1.1 413 Too Large\r\nConnection: close\r\n"
                                 "Content-Length: 2\r\n\r\nno"};
    struct source from = {.size = (size_t)1 << 30};
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    listen_on(&s, serve_one);
    int rc = send_to(&s, &from, (int64_t)from.size, &r, &err);
    /* The reset that follows may overtake the answer: then it is unknown, never a success. */
    if (!rc)
        assert_int_equal(r.status, 413);
    else
        assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    assert_true(from.given < from.size);
    stop(&s);
}

static void test_hung_up_on(void **state)
{
    struct server s = {.take = 5000};
    struct source from = {.size = (size_t)1 << 30};
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_error err = {0};
    listen_on(&s, serve_one);
    assert_int_equal(send_to(&s, &from, (int64_t)from.size, &r, &err), -1);
    assert_int_equal(err.kind, MIR_UNAVAILABLE);
    assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
    stop(&s);
}

static void test_source_fails(void **state)
{
    static const struct {
        struct source from;
        int64_t length;
        enum mir_kind kind;
        const char *text;
    } rows[] = {
        {{.size = 90000, .fail_at = 50000}, 90000, MIR_NO_SPACE, "the disk is gone"},
        {{.size = 90000, .fail_at = 50000}, -1, MIR_NO_SPACE, "the disk is gone"},
        {{.size = 5000}, 90000, MIR_CORRUPT, "the body ends after 5000 of 90000 bytes"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct server s = {.answer = DONE};
        struct source from = rows[i].from;
        mir_auto_http_response struct mir_http_response r = {0};
        struct mir_error err = {0};
        listen_on(&s, serve_one);
        assert_int_equal(send_to(&s, &from, rows[i].length, &r, &err), -1);
        assert_int_equal(err.kind, rows[i].kind);
        assert_string_equal(err.text, rows[i].text);
        assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
        assert_int_equal(err.retry, MIR_RETRY_NEVER);
        stop(&s);
    }
}

/* A longer source than was said is not sent beyond that. */
static void test_length_is_kept(void **state)
{
    struct server s = {.answer = DONE};
    struct source from = {.size = 9000};
    mir_auto_http_response struct mir_http_response r = {0};
    listen_on(&s, serve_one);
    assert_int_equal(send_to(&s, &from, 4500, &r, NULL), 0);
    pthread_join(s.thread, NULL);
    assert_int_equal(s.body.len, 4500);
    close(s.fd);
    mir_buf_clear(&s.head);
    mir_buf_clear(&s.body);
}

/* --- TLS --- */

static void *serve_tls(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->fd, NULL, NULL);
    SSL *tls = SSL_new(s->tls);
    SSL_set_fd(tls, fd);
    if (SSL_accept(tls) == 1) {
        char head[4096];
        X509 *peer = SSL_get1_peer_certificate(tls);
        s->client_named_itself = peer != NULL;
        X509_free(peer);
        if (SSL_read(tls, head, sizeof head) > 0)
            SSL_write(tls, DONE, (int)strlen(DONE));
        SSL_shutdown(tls);
    }
    SSL_free(tls);
    close(fd);
    return NULL;
}

static int anybody(int ok, X509_STORE_CTX *ctx)
{
    return 1;
}

static void listen_tls(struct server *s, const char *pair)
{
    s->tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(s->tls, pair, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->tls, pair, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER, anybody);
    listen_on(s, serve_tls);
}

/* Nobody vouches for the server: refused before anything is sent, unless the user said so. */
static void test_whoever_answers(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    mir_auto_free char *key_text = key_pem(key), *certificate = certificate_pem(key);
    mir_auto_free char *both = mir_format("%s%s", key_text, certificate);
    mir_auto_free char *pair = scratch_file(state, "pair.pem", both);
    mir_auto_free char *alone = scratch_file(state, "alone.pem", certificate);
    mir_auto_free char *key_file = scratch_file(state, "key.pem", key_text);
    const struct mir_http_request requests[] = {
        {.insecure = false},
        {.insecure = true},
        {.insecure = true, .cert_file = pair},
        {.insecure = true, .cert_file = alone, .key_file = key_file, .ipv4_only = true},
    };
    for (size_t i = 0; i < MIR_NELEMS(requests); i++) {
        struct server s = {0};
        listen_tls(&s, pair);
        mir_auto_free char *url = mir_format("https://127.0.0.1:%u/", s.port);
        struct mir_http_request request = requests[i];
        request.method = "POST";
        request.body = "x";
        request.body_len = 1;
        request.url = url;
        mir_auto_http_response struct mir_http_response r = {0};
        struct mir_error err = {0};
        int rc = mir_http_do(&request, &r, &err);
        pthread_join(s.thread, NULL);
        if (request.insecure != !rc)
            fail_msg("%zu: %s", i, err.text);
        if (rc) {
            assert_int_equal(err.kind, MIR_UNAVAILABLE);
            assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
            assert_int_equal(err.retry, MIR_RETRY_NEVER);
        }
        assert_int_equal(s.client_named_itself, request.cert_file != NULL);
        close(s.fd);
        SSL_CTX_free(s.tls);
    }
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_its_length),
        cmocka_unit_test(test_in_chunks),
        cmocka_unit_test(test_refused_in_the_middle),
        cmocka_unit_test(test_hung_up_on),
        cmocka_unit_test(test_source_fails),
        cmocka_unit_test(test_length_is_kept),
        cmocka_unit_test_setup_teardown(test_whoever_answers, scratch_make, scratch_remove),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
