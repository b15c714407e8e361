/* SPDX-License-Identifier: ISC */
#include "loops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The device of that number, opened, made if need be; -1 (errno). */
static int open_loop(size_t number)
{
    char device[32];
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

    if (control < 0)
        return -1;
    /* The first eight are there already. */
    (void)ioctl(control, LOOP_CTL_ADD, number);
    close(control);
    (void)snprintf(device, sizeof(device), "/dev/loop%zu", number);
    return open(device, O_RDWR | O_CLOEXEC);
}

static int make(const char *path, size_t number)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    int loop = file < 0 ? -1 : open_loop(number);
    int result = loop < 0 ? -1 : ioctl(loop, LOOP_SET_FD, file);
    int error = errno;

    if (loop >= 0)
        close(loop);
    if (file >= 0)
        close(file);
    errno = error;
    return result;
}

int car_loops_make(const struct car_conf *conf, char *why)
{
    for (size_t i = 0; i < conf->blocks_n; i++) {
        if (make(conf->blocks[i].path, i) != 0) {
            (void)snprintf(why, CAR_WHY_MAX, "disk %s: %s: %s", conf->blocks[i].name,
                           conf->blocks[i].path, strerror(errno));
            return -1;
        }
    }
    return 0;
}
