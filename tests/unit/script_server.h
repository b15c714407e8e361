/* SPDX-License-Identifier: ISC */
/*
 * A web server for the tests of the bindings, on a free port of the loopback: gives its answers in
 * the order of a script, one connection and one request each, and keeps what it was asked.
 */
#ifndef TESTS_SCRIPT_SERVER_H
#define TESTS_SCRIPT_SERVER_H

#include "scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SCRIPT_MAX 16
#define SCRIPT_CLOSE ""      /* closes without a word */
#define SCRIPT_STALL "stall" /* says nothing until the client goes */

struct script_server {
    int fd;
    unsigned port;
    pthread_t thread;
    char *url;
    const char *answers[SCRIPT_MAX]; /* HTTP, heads included; a Content-Length is added */
    size_t answer_count;
    size_t request_count;
    char *requests[SCRIPT_MAX]; /* heads and bodies, owned */
};

static inline size_t script_length(const char *request)
{
    const char *p = strcasestr(request, "\r\nContent-Length: ");
    return p ? strtoul(p + 18, NULL, 10) : 0;
}

/* Head and body, owned; NULL: the connection ended before. */
static inline char *script_receive(int fd)
{
    size_t len = 0, cap = 1 << 21;
    char *text = mir_calloc(cap, 1), *end = NULL;
    while (!end || len < (size_t)(end + 4 - text) + script_length(text)) {
        ssize_t n = len < cap - 1 ? read(fd, text + len, cap - 1 - len) : 0;
        if (n <= 0) {
            free(text);
            return NULL;
        }
        len += (size_t)n;
        end = strstr(text, "\r\n\r\n");
    }
    return text;
}

static inline void script_answer(int fd, const char *answer)
{
    char byte;
    if (!strcmp(answer, SCRIPT_STALL)) {
        while (read(fd, &byte, 1) > 0)
            ;
        return;
    }
    const char *body = strstr(answer, "\n\n");
    if (!body)
        return;
    mir_auto_free char *text = mir_format("%.*s\nConnection: close\nContent-Length: %zu\n\n%s",
                                          (int)(body - answer), answer, strlen(body + 2), body + 2);
    send(fd, text, strlen(text), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    while (read(fd, &byte, 1) > 0) /* until the client has all of it */
        ;
}

static void *script_serve(void *arg)
{
    struct script_server *s = arg;
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        char *request = script_receive(fd);
        if (request && s->request_count < SCRIPT_MAX) {
            size_t nth = s->request_count++;
            s->requests[nth] = request;
            script_answer(fd, nth < s->answer_count ? s->answers[nth] : "HTTP/1.1 599 X\n\n");
        }
        close(fd);
    }
}

/* Answers end with NULL. */
static inline void script_start(struct script_server *s, const char *const *answers)
{
    memset(s, 0, sizeof *s);
    while (*answers)
        s->answers[s->answer_count++] = *answers++;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    s->url = mir_format("http://127.0.0.1:%u", s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, script_serve, s), 0);
}

/* No request comes after this; what came can be looked at until script_free. */
static inline void script_stop(struct script_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static inline void script_free(struct script_server *s)
{
    for (size_t i = 0; i < s->request_count; i++)
        free(s->requests[i]);
    free(s->url);
}

/* The value of a header of a request, owned; NULL: it has none. */
static inline char *script_header(const char *request, const char *name)
{
    mir_auto_free char *line = mir_format("\r\n%s: ", name);
    const char *at = strcasestr(request, line), *end = strstr(request, "\r\n\r\n");
    if (!at || at > end)
        return NULL;
    at += strlen(line);
    return mir_format("%.*s", (int)strcspn(at, "\r"), at);
}

static inline const char *script_body(const char *request)
{
    return strstr(request, "\r\n\r\n") + 4;
}

#endif
