/* SPDX-License-Identifier: ISC */
#include "talk_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/file.h"
#include "api/memory.h"

#define CONNECTIONS_MAX 4096

struct talk_server {
    int fd, stop_read, stop_write; /* the pipe's write end is closed to stop */
    char url[64];
    talk_server_fn *answer;
    void *ctx;
    pthread_t thread;
    pthread_t workers[CONNECTIONS_MAX];
    atomic_int connections;
};

struct connection {
    struct talk_server *server;
    int fd;
};

/* Readable, or -1: the server is to stop. */
static int await(const struct talk_server *s, int fd)
{
    struct pollfd p[] = {{fd, POLLIN, 0}, {s->stop_read, POLLIN, 0}};
    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
    return p[1].revents ? -1 : 0;
}

/* Up to and with the empty line; what was read behind it goes into the body. */
static int read_head(const struct connection *c, struct talk_server_ask *ask, struct mir_buf *raw)
{
    for (;;) {
        const char *end = raw->len > 0 ? strstr(raw->data, "\r\n\r\n") : NULL;
        if (end) {
            size_t len = (size_t)(end - raw->data) + 2;
            const char *first = strstr(raw->data, "\r\n") + 2;
            if (sscanf(raw->data, "%15s %4095s", ask->method, ask->target) != 2)
                return -1;
            snprintf(ask->head, sizeof ask->head, "%.*s", (int)(raw->data + len - first), first);
            mir_buf_drop(raw, len + 2);
            return 0;
        }
        char chunk[65536];
        if (await(c->server, c->fd))
            return -1;
        ssize_t n = recv(c->fd, chunk, sizeof chunk, 0);
        if (n <= 0 || mir_buf_add(raw, chunk, (size_t)n))
            return -1;
    }
}

static int read_body(const struct connection *c, struct talk_server_ask *ask, struct mir_buf *raw)
{
    char text[32];
    talk_server_header(ask, "Content-Length", text, sizeof text);
    size_t want = strtoul(text, NULL, 10);
    if (want > TALK_SERVER_BODY_MAX)
        return -1;
    ask->body = mir_calloc(want + 1, 1);
    size_t have = raw->len < want ? raw->len : want;
    if (have > 0)
        memcpy(ask->body, raw->data, have);
    mir_buf_drop(raw, have);
    while (have < want) {
        if (await(c->server, c->fd))
            return -1;
        ssize_t n = recv(c->fd, ask->body + have, want - have, 0);
        if (n <= 0)
            return -1;
        have += (size_t)n;
    }
    ask->body_len = want;
    return 0;
}

static int write_answer(const struct connection *c, const struct talk_server_ask *ask,
                        const struct talk_server_say *say)
{
    struct pollfd stop = {c->server->stop_read, POLLIN, 0};
    if (say->delay_ms > 0)
        poll(&stop, 1, say->delay_ms);
    if (say->drop)
        return -1;
    bool bodyless = !strcmp(ask->method, "HEAD") || say->status == 204;
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, TALK_SERVER_BODY_MAX + 4096);
    mir_buf_addf(&out, "HTTP/1.1 %d Status\r\n", say->status);
    if (!strstr(say->headers, "Content-Length:") && say->status != 204)
        mir_buf_addf(&out, "Content-Length: %zu\r\n", say->body.len);
    mir_buf_addf(&out, "%s\r\n", say->headers);
    size_t len = say->cut > 0 && say->cut < say->body.len ? say->cut : say->body.len;
    if (!bodyless)
        mir_buf_add(&out, mir_buf_text(&say->body), len);
    if (mir_write_all(c->fd, out.data, out.len))
        return -1;
    return len < say->body.len ? -1 : 0;
}

/* One request and its answer; -1: the connection is over. */
static int exchange(const struct connection *c, struct mir_buf *raw)
{
    struct talk_server_ask *ask = mir_calloc(1, sizeof *ask);
    struct talk_server_say say = {.status = 200};
    mir_buf_init(&say.body, TALK_SERVER_BODY_MAX);
    int rc = -1;
    if (!read_head(c, ask, raw) && !read_body(c, ask, raw)) {
        c->server->answer(c->server->ctx, ask, &say);
        rc = write_answer(c, ask, &say);
        if (say.sent)
            say.sent(c->server->ctx);
    }
    mir_buf_clear(&say.body);
    free(ask->body);
    free(ask);
    return rc;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    mir_auto_buf struct mir_buf raw;
    mir_buf_init(&raw, TALK_SERVER_BODY_MAX);
    while (!exchange(c, &raw))
        ;
    close(c->fd);
    free(c);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct talk_server *s = arg;
    while (!await(s, s->fd)) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        struct connection *c = mir_calloc(1, sizeof *c);
        *c = (struct connection){s, fd};
        int at = atomic_load(&s->connections);
        if (at == CONNECTIONS_MAX || pthread_create(&s->workers[at], NULL, serve, c)) {
            close(fd);
            free(c);
            continue;
        }
        atomic_store(&s->connections, at + 1);
    }
    return NULL;
}

struct talk_server *talk_server_start(talk_server_fn *answer, void *ctx)
{
    struct talk_server *s = mir_calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fds[2];
    s->answer = answer;
    s->ctx = ctx;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, sizeof at) || listen(s->fd, 512) ||
        getsockname(s->fd, (struct sockaddr *)&at, &len) || pipe2(fds, O_CLOEXEC))
        abort();
    s->stop_read = fds[0];
    s->stop_write = fds[1];
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    if (pthread_create(&s->thread, NULL, accept_all, s))
        abort();
    return s;
}

void talk_server_stop(struct talk_server *s)
{
    if (!s)
        return;
    close(s->stop_write);
    pthread_join(s->thread, NULL);
    for (int i = 0; i < atomic_load(&s->connections); i++)
        pthread_join(s->workers[i], NULL);
    close(s->fd);
    close(s->stop_read);
    free(s);
}

const char *talk_server_url(const struct talk_server *s)
{
    return s->url;
}

int talk_server_connections(struct talk_server *s)
{
    return atomic_load(&s->connections);
}

void talk_server_header(const struct talk_server_ask *ask, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    *out = '\0';
    for (const char *line = ask->head; *line;) {
        size_t len = strcspn(line, "\r\n");
        if (len > name_len && line[name_len] == ':' && !strncasecmp(line, name, name_len)) {
            const char *value = line + name_len + 1;
            value += strspn(value, " \t");
            snprintf(out, size, "%.*s", (int)(line + len - value), value);
            return;
        }
        line += len;
        line += strspn(line, "\r\n");
    }
}
