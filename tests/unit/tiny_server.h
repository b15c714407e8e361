/* SPDX-License-Identifier: ISC */
/* A web server for tests, on a free port of the loopback: answers each path with a text of the
 * test's (whole, head included); a path that is not there is accepted and then left to stall, as
 * QEMU's user-mode network does before the guest is up. */
#ifndef TESTS_TINY_SERVER_H
#define TESTS_TINY_SERVER_H

#include "scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tiny_answer {
    const char *path; /* NULL ends the table */
    const char *text;
};

struct tiny_server {
    int fd;
    unsigned port;
    _Atomic(const struct tiny_answer *) answers;
    atomic_bool mute; /* stall on everything */
    atomic_int hits, open;
    pthread_mutex_t lock;
    char agent[256]; /* User-Agent of the last request; under the lock */
    pthread_t thread;
};

struct tiny_connection {
    struct tiny_server *server;
    int fd;
};

static void tiny_reply(struct tiny_server *s, int fd, const char *head)
{
    char path[128] = "";
    sscanf(head, "%*s %127s", path);
    const char *agent = strstr(head, "User-Agent: ");
    pthread_mutex_lock(&s->lock);
    if (agent)
        sscanf(agent, "User-Agent: %255[^\r]", s->agent);
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->hits, 1);
    for (const struct tiny_answer *a = s->answers; a->path && !atomic_load(&s->mute); a++)
        if (!strcmp(a->path, path)) {
            send(fd, a->text, strlen(a->text), MSG_NOSIGNAL);
            return;
        }
    struct pollfd p = {.fd = fd, .events = POLLIN};
    poll(&p, 1, 8000);
}

static void *tiny_serve_one(void *arg)
{
    struct tiny_connection *c = arg;
    char head[4096] = "";
    size_t len = 0;
    while (len < sizeof head - 1 && !strstr(head, "\r\n\r\n")) {
        ssize_t n = read(c->fd, head + len, sizeof head - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        head[len] = '\0';
    }
    if (strstr(head, "\r\n\r\n"))
        tiny_reply(c->server, c->fd, head);
    close(c->fd);
    atomic_fetch_sub(&c->server->open, 1);
    free(c);
    return NULL;
}

static void *tiny_accept(void *arg)
{
    struct tiny_server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        struct tiny_connection *c = calloc(1, sizeof *c);
        pthread_t t;
        *c = (struct tiny_connection){s, fd};
        atomic_fetch_add(&s->open, 1);
        if (pthread_create(&t, NULL, tiny_serve_one, c) == 0)
            pthread_detach(t);
    }
}

static inline void tiny_agent(struct tiny_server *s, char out[256])
{
    pthread_mutex_lock(&s->lock);
    memcpy(out, s->agent, sizeof s->agent);
    pthread_mutex_unlock(&s->lock);
}

static inline void tiny_start(struct tiny_server *s, const struct tiny_answer *answers)
{
    memset(s, 0, sizeof *s);
    s->answers = answers;
    pthread_mutex_init(&s->lock, NULL);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 64), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, tiny_accept, s), 0);
}

static inline void tiny_stop(struct tiny_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < 1000 && atomic_load(&s->open) > 0; i++)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&s->open), 0);
}

#endif
