/* SPDX-License-Identifier: ISC */
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SAY_MAX 560
#define SAY_PATIENCE_MS 1000

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        bytes += put;
        len -= (size_t)put;
    }
}

static size_t make(char *line, size_t cap, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static size_t make(char *line, size_t cap, const char *format, va_list args)
{
    struct timespec now = {0, 0};
    int head;
    int body;
    size_t len;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    head =
        snprintf(line, cap, "carrier[%lld.%03ld] ", (long long)now.tv_sec, now.tv_nsec / 1000000);
    body = vsnprintf(line + head, cap - (size_t)head - 1, format, args);
    len = (size_t)head + (body > 0 ? (size_t)body : 0);
    if (len > cap - 2)
        len = cap - 2;
    line[len] = '\n';
    return len + 1;
}

void car_say(const char *format, ...)
{
    char line[SAY_MAX];
    va_list args;

    va_start(args, format);
    write_all(STDERR_FILENO, line, make(line, sizeof(line), format, args));
    va_end(args);
}

/* A descriptor of its own, as O_NONBLOCK belongs to the open file, which all share. */
void car_say_or_not(const char *format, ...)
{
    char line[SAY_MAX];
    struct pollfd console = {.events = POLLOUT};
    va_list args;
    size_t len;

    va_start(args, format);
    len = make(line, sizeof(line), format, args);
    va_end(args);
    console.fd = open("/dev/console", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (console.fd < 0)
        console.fd = dup(STDERR_FILENO);
    if (console.fd < 0)
        return;
    if (poll(&console, 1, SAY_PATIENCE_MS) > 0)
        write_all(console.fd, line, len);
    close(console.fd);
}

void car_say_line(void *ctx, const char *line, size_t len)
{
    const char *prefix = ctx;
    char whole[64 + 2048];
    int put = snprintf(whole, sizeof(whole), "%s%.*s\n", prefix, (int)len, line);

    if (put >= (int)sizeof(whole)) {
        put = sizeof(whole) - 1;
        whole[put - 1] = '\n';
    }
    write_all(STDERR_FILENO, whole, (size_t)put);
}
