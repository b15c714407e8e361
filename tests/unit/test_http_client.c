/* SPDX-License-Identifier: ISC */
/* Connections that are kept, against a server that keeps them, too, and counts. */
#include "scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "api/http.h"

struct server {
    int fd;
    unsigned port;
    pthread_t thread;
    atomic_int connections, requests, open;
    atomic_int per_connection; /* requests after which it hangs up without a word; 0: never */
};

struct served {
    struct server *server;
    int fd;
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* Reads one request without a body; false: the client is gone. */
static bool read_head(int fd)
{
    char last[4] = "";
    while (memcmp(last, "\r\n\r\n", 4) != 0) {
        memmove(last, last + 1, 3);
        if (read(fd, last + 3, 1) != 1)
            return false;
    }
    return true;
}

static void *serve_one(void *arg)
{
    struct served *c = arg;
    for (int n = 0; read_head(c->fd); n++) {
        atomic_fetch_add(&c->server->requests, 1);
        int most = atomic_load(&c->server->per_connection);
        if (most && n >= most)
            break;
        if (mir_write_all(c->fd, answer, sizeof answer - 1))
            break;
    }
    close(c->fd);
    atomic_fetch_sub(&c->server->open, 1);
    free(c);
    return NULL;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (int fd; (fd = accept(s->fd, NULL, NULL)) >= 0;) {
        struct served *c = mir_calloc(1, sizeof *c);
        *c = (struct served){s, fd};
        atomic_fetch_add(&s->connections, 1);
        atomic_fetch_add(&s->open, 1);
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, serve_one, c), 0);
        pthread_detach(t);
    }
    return NULL;
}

static int start(void **state)
{
    struct server *s = mir_calloc(1, sizeof *s);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 64), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
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
    for (int i = 0; i < 500 && atomic_load(&s->open) > 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&s->open), 0);
    free(s);
    return 0;
}

static int ask(struct mir_http_client *client, const struct server *s, const char *path, bool fresh,
               struct mir_error *err)
{
    mir_auto_free char *url = mir_format("http://127.0.0.1:%u%s", s->port, path);
    mir_auto_http_response struct mir_http_response r = {0};
    struct mir_http_request q = {.url = url, .fresh = fresh, .timeout_ms = 5000};
    if (mir_http_client_do(client, &q, &r, err))
        return -1;
    assert_int_equal(r.status, 200);
    assert_string_equal(mir_buf_text(&r.body), "ok");
    return 0;
}

static void test_one_connection_for_many(void **state)
{
    struct server *s = *state;
    struct mir_http_client *client = mir_http_client_new(0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(client, s, "/", false, NULL), 0);
    assert_int_equal(atomic_load(&s->connections), 1);
    assert_int_equal(atomic_load(&s->requests), 20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(client, s, "/", true, NULL), 0);
    assert_int_equal(atomic_load(&s->connections), 4);
    mir_http_client_free(client);
    mir_http_client_free(NULL);
}

static void test_options_do_not_stay(void **state)
{
    struct server *s = *state;
    struct mir_http_client *client = mir_http_client_new(0);
    mir_auto_free char *url = mir_format("http://127.0.0.1:%u/", s->port);
    struct mir_error err = {0};
    struct mir_http_response r = {0};
    struct mir_http_request tiny = {.url = url, .response_max = 1};
    assert_int_equal(mir_http_client_do(client, &tiny, &r, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    struct mir_http_request bad = {.url = "ftp://x/"};
    assert_int_equal(mir_http_client_do(client, &bad, &r, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_int_equal(ask(client, s, "/", false, &err), 0);
    mir_http_client_free(client);
}

/* What the header warns of: libcurl asks again by itself on a kept connection, never on a fresh
 * one. */
static void test_hung_up_on(void **state)
{
    struct server *s = *state;
    struct mir_http_client *client = mir_http_client_new(0);
    atomic_store(&s->per_connection, 1);
    assert_int_equal(ask(client, s, "/", false, NULL), 0);
    assert_int_equal(ask(client, s, "/", false, NULL), 0);
    assert_int_equal(atomic_load(&s->requests), 3);
    atomic_store(&s->per_connection, 0);
    mir_http_client_free(client);
}

struct worker {
    struct mir_http_client *client;
    struct server *server;
    int good;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < 50; i++)
        w->good += !ask(w->client, w->server, "/", false, NULL);
    return NULL;
}

static void test_threads_share_it(void **state)
{
    struct server *s = *state;
    struct worker workers[8];
    pthread_t threads[8];
    struct mir_http_client *client = mir_http_client_new(4);
    for (size_t i = 0; i < 8; i++) {
        workers[i] = (struct worker){client, s, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].good, 50);
    }
    mir_http_client_free(client);
    assert_int_equal(atomic_load(&s->requests), 400);
    assert_true(atomic_load(&s->connections) < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_connection_for_many, start, stop),
        cmocka_unit_test_setup_teardown(test_options_do_not_stay, start, stop),
        cmocka_unit_test_setup_teardown(test_hung_up_on, start, stop),
        cmocka_unit_test_setup_teardown(test_threads_share_it, start, stop),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
