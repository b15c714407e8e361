/* SPDX-License-Identifier: ISC */
#include "xs.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MS 10000
/* Between two tries while the store's socket is not there yet. */
#define CONNECT_AGAIN_MS 4

static long long now_ms(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int car_xs_open(struct car_xs *xs, const char *socket_path, int wait_ms)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    long long end = now_ms() + wait_ms;

    memset(xs, 0, sizeof(*xs));
    (void)snprintf(where.sun_path, sizeof(where.sun_path), "%s", socket_path);
    xs->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (xs->fd < 0)
        return -1;
    while (connect(xs->fd, (const struct sockaddr *)&where, sizeof(where)) != 0) {
        int error = errno;

        if ((error != ENOENT && error != ECONNREFUSED) || now_ms() >= end) {
            close(xs->fd);
            xs->fd = -1;
            errno = error;
            return -1;
        }
        (void)poll(NULL, 0, CONNECT_AGAIN_MS);
    }
    return 0;
}

void car_xs_close(struct car_xs *xs)
{
    if (xs->fd >= 0)
        close(xs->fd);
    xs->fd = -1;
}

static int send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes += put;
        len -= (size_t)put;
    }
    return 0;
}

/* Reads until a whole message stands at the front of the buffer. 1, 0 after end, -1 (errno). */
static int next_message(struct car_xs *xs, long long end, struct car_xs_message *ret)
{
    struct pollfd polled = {.fd = xs->fd, .events = POLLIN};
    long whole;

    while ((whole = car_xs_decode(xs->bytes, xs->len, ret)) == 0) {
        long long left = end - now_ms();
        ssize_t got;

        if (left <= 0 || poll(&polled, 1, (int)left) == 0)
            return 0;
        got = recv(xs->fd, xs->bytes + xs->len, sizeof(xs->bytes) - xs->len, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0) {
            errno = got == 0 ? EPIPE : errno;
            return -1;
        }
        xs->len += (size_t)got;
    }
    if (whole > 0)
        return 1;
    errno = EPROTO;
    return -1;
}

/* The message that was read last is done with. */
static void drop(struct car_xs *xs, const struct car_xs_message *message)
{
    size_t len = CAR_XS_HEAD + message->payload_len;

    xs->len -= len;
    memmove(xs->bytes, xs->bytes + len, xs->len);
}

/* The store's words for what went wrong are the names of Unix; only these two matter here. */
static int error_of(const struct car_xs_message *message)
{
    return message->payload_len >= 6 && memcmp(message->payload, "ENOENT", 6) == 0 ? ENOENT : EIO;
}

static int take_reply(const struct car_xs_message *message, char *ret, size_t cap)
{
    if (message->type == CAR_XS_ERROR) {
        errno = error_of(message);
        return -1;
    }
    if (ret == NULL)
        return 0;
    if (message->payload_len >= cap) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(ret, message->payload, message->payload_len);
    ret[message->payload_len] = '\0';
    return 0;
}

static int ask(struct car_xs *xs, enum car_xs_type type, const char *first, const char *second,
               size_t second_len, char *ret, size_t cap)
{
    uint8_t bytes[CAR_XS_MESSAGE_MAX];
    size_t len =
        car_xs_encode(bytes, sizeof(bytes), type, ++xs->request, first, second, second_len);
    long long end = now_ms() + REPLY_MS;
    struct car_xs_message message;

    if (len == 0) {
        errno = EMSGSIZE;
        return -1;
    }
    if (send_all(xs->fd, bytes, len) != 0)
        return -1;
    for (;;) {
        int got = next_message(xs, end, &message);
        int result;

        if (got <= 0) {
            errno = got == 0 ? ETIMEDOUT : errno;
            return -1;
        }
        if (message.type != CAR_XS_WATCH_EVENT && message.request == xs->request) {
            result = take_reply(&message, ret, cap);
            drop(xs, &message);
            return result;
        }
        xs->watched += message.type == CAR_XS_WATCH_EVENT;
        drop(xs, &message);
    }
}

int car_xs_read(struct car_xs *xs, const char *path, char *ret, size_t cap)
{
    return ask(xs, CAR_XS_READ, path, NULL, 0, ret, cap);
}

int car_xs_write(struct car_xs *xs, const char *path, const char *value)
{
    return ask(xs, CAR_XS_WRITE, path, value, strlen(value), NULL, 0);
}

static int await_event(struct car_xs *xs, long long end)
{
    struct car_xs_message message;
    int got;

    while (xs->watched == 0) {
        got = next_message(xs, end, &message);
        if (got <= 0) {
            errno = got == 0 ? ETIMEDOUT : errno;
            return -1;
        }
        xs->watched += message.type == CAR_XS_WATCH_EVENT;
        drop(xs, &message);
    }
    xs->watched = 0;
    return 0;
}

/* A watch tells once at its start, so nothing is missed between the first look and the watch. */
int car_xs_await(struct car_xs *xs, const char *path, int wait_ms, char *ret, size_t cap)
{
    static const char token[] = "await"; /* with its NUL, which the store wants */
    long long end = now_ms() + wait_ms;
    int result;
    int error;

    if (ask(xs, CAR_XS_WATCH, path, token, sizeof(token), NULL, 0) != 0)
        return -1;
    for (;;) {
        result = await_event(xs, end);
        if (result != 0)
            break;
        result = car_xs_read(xs, path, ret, cap);
        if ((result == 0 && ret[0] != '\0') || (result != 0 && errno != ENOENT))
            break;
    }
    error = errno;
    (void)ask(xs, CAR_XS_UNWATCH, path, token, sizeof(token), NULL, 0);
    xs->watched = 0;
    errno = error;
    return result;
}
