/* SPDX-License-Identifier: ISC */
/*
 * loop FILE: the floor for any HTTP server. One thread, one epoll, keep-alive; whatever is asked,
 * the answer is FILE as an SVG image. Prints its port on loopback, and serves until it is killed.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 65536

static char answer[ANSWER_MAX];
static size_t answer_len;

static int load(const char *path)
{
    static char body[ANSWER_MAX - 256];
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(body, 1, sizeof body, file) : 0;
    if (file)
        fclose(file);
    int head = snprintf(answer, sizeof answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: image/svg+xml\r\nContent-Length: %zu\r\n"
                        "\r\n",
                        len);
    memcpy(answer + head, body, len);
    answer_len = (size_t)head + len;
    return len > 0 ? 0 : -1;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) || listen(fd, 512) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        return -1;
    printf("%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void serve(int epoll, int listener)
{
    struct epoll_event events[64];
    char request[8192];
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                struct epoll_event event = {.events = EPOLLIN};
                event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (event.data.fd >= 0)
                    epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
            } else if (read(fd, request, sizeof request) <= 0 ||
                       write(fd, answer, answer_len) != (ssize_t)answer_len) {
                close(fd);
            }
        }
    }
}

int main(int argc, char **argv)
{
    int listener = argc == 2 && !load(argv[1]) ? listen_on_loopback() : -1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) {
        fputs("usage: loop FILE\n", stderr);
        return 2;
    }
    serve(epoll, listener);
    return 0;
}
