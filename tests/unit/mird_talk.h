/* SPDX-License-Identifier: ISC */
/* Speaking HTTP to a unix socket byte by byte, for tests. */
#ifndef TESTS_MIRD_TALK_H
#define TESTS_MIRD_TALK_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/buf.h"
#include "api/memory.h"

#define END "Host: d\r\nConnection: close\r\n\r\n"

static inline int talk_dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mir_copy(address.sun_path, sizeof address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    struct timeval limit = {.tv_sec = 15};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static inline void talk_say(int fd, const char *text)
{
    size_t len = strlen(text);
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Everything until the server closes, owned. */
static inline char *talk_hear(int fd)
{
    struct mir_buf buf;
    mir_buf_init(&buf, 1 << 20);
    char block[4096];
    ssize_t n;
    do {
        n = recv(fd, block, sizeof block, 0);
        if (n > 0)
            mir_buf_add(&buf, block, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    close(fd);
    return mir_buf_take(&buf);
}

static inline char *talk_ask(const char *path, const char *request)
{
    int fd = talk_dial(path);
    talk_say(fd, request);
    return talk_hear(fd);
}

/* The answer has to hold all these parts; the last is NULL. */
static inline void talk_expect(const char *path, const char *request, const char *const *parts)
{
    char *answer = talk_ask(path, request);
    for (; *parts; parts++)
        if (!strstr(answer, *parts))
            fail_msg("no '%s' in the answer to %.300s:\n%.600s", *parts, request, answer);
    free(answer);
}

#endif
