/* SPDX-License-Identifier: ISC */
/* The listening socket of the public pages. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "daemon/public_link.h"

/* "127.0.0.1:8420", "[::1]:8420", ":8420", "8420" */
static int split(const char *listen, char host[64], char port[8], struct mir_error *err)
{
    const char *colon = strrchr(listen, ':');
    const char *digits = colon ? colon + 1 : listen;
    size_t host_len = colon ? (size_t)(colon - listen) : 0;
    const char *from = listen;
    if (host_len >= 2 && from[0] == '[' && from[host_len - 1] == ']') {
        from++;
        host_len -= 2;
    } else if (memchr(from, ':', host_len)) {
        host_len = 64; /* IPv6 without brackets: which colon is the port's? */
    }
    size_t digit_len = strlen(digits);
    if (host_len >= 64 || digit_len == 0 || digit_len > 5 ||
        strspn(digits, "0123456789") != digit_len || strtoul(digits, NULL, 10) > 65535) {
        mir_fail(err, MIR_USAGE, "'%.80s' is not an address to listen on", listen);
        return mir_error_hint(err, "write ADDRESS:PORT, such as 127.0.0.1:8420 or [::1]:8420");
    }
    memcpy(host, from, host_len);
    host[host_len] = '\0';
    if (host_len == 0)
        mir_copy(host, 64, "127.0.0.1");
    return mir_copy(port, 8, digits);
}

static int listen_on(const struct addrinfo *ai)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 512)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static char *url_of(int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    char host[64] = "", port[8] = "";
    if (getsockname(fd, (struct sockaddr *)&a, &len) ||
        getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return NULL;
    if (!strcmp(host, "0.0.0.0"))
        mir_copy(host, sizeof host, "127.0.0.1");
    if (!strcmp(host, "::"))
        mir_copy(host, sizeof host, "::1");
    bool v6 = a.ss_family == AF_INET6;
    return mir_format("http://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

int mird_public_bind(const char *listen, char **ret_url, struct mir_error *err)
{
    char host[64], port[8];
    if (split(listen, host, port, err))
        return -1;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    if (!strcmp(host, "localhost"))
        mir_copy(host, sizeof host, "127.0.0.1");
    if (getaddrinfo(host, port, &hints, &found) || !found) {
        mir_fail(err, MIR_USAGE, "'%s' is not a numeric address to listen on", host);
        return mir_error_hint(err, "write ADDRESS:PORT, such as 127.0.0.1:8420 or [::1]:8420");
    }
    int fd = listen_on(found);
    int saved = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        mir_fail_errno(err, saved, "cannot listen on %s", listen);
        if (saved == EADDRINUSE) {
            if (err)
                err->kind = MIR_CONFLICT;
            mir_error_hint(err, "choose another with [public] listen = ADDRESS:PORT or "
                                "MIRAGE_DEPLOY_PUBLIC");
        }
        return -1;
    }
    *ret_url = url_of(fd);
    if (!*ret_url) {
        close(fd);
        return mir_fail(err, MIR_INTERNAL, "the listening socket has no name");
    }
    return fd;
}
