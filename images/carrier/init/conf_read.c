/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"

/* One byte more than is allowed shows that there is more. */
static char text[CAR_CONF_BYTES_MAX + 1];

static ssize_t read_whole(int fd)
{
    size_t len = 0;

    while (len < sizeof(text)) {
        ssize_t got = read(fd, text + len, sizeof(text) - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

int car_conf_read(const char *path, struct car_conf *ret, char *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read_whole(fd);
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (len < 0) {
        /* Linux unpacks as much of an image as fits into memory, and goes on. */
        (void)snprintf(why, CAR_WHY_MAX, "%s: %s%s", path, strerror(error),
                       error == ENOENT ? " (or the machine has too little memory)" : "");
        return -1;
    }
    if (len > CAR_CONF_BYTES_MAX) {
        (void)snprintf(why, CAR_WHY_MAX, "%s: more than %d bytes", path, CAR_CONF_BYTES_MAX);
        return -1;
    }
    return car_conf_parse(text, (size_t)len, ret, why);
}
