/* SPDX-License-Identifier: ISC */
#include "loops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int make(const char *path, size_t number)
{
    char device[32];
    int file = open(path, O_RDWR | O_CLOEXEC);
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int loop = -1;
    int result = -1;
    int error;

    (void)snprintf(device, sizeof(device), "/dev/loop%zu", number);
    /* The first eight are there already, which is no fault. */
    if (control >= 0 && (ioctl(control, LOOP_CTL_ADD, number) >= 0 || errno == EEXIST))
        loop = open(device, O_RDWR | O_CLOEXEC);
    if (file >= 0 && loop >= 0)
        result = ioctl(loop, LOOP_SET_FD, file);
    error = errno;
    if (loop >= 0)
        close(loop);
    if (control >= 0)
        close(control);
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
