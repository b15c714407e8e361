/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "disks.h"

#define BLOCK_FOLDER "/sys/class/block"
#define LOOK_MS 20

/* Of one device; empty where it cannot be read. */
static void read_uevent(int folder, const char *device, char *text, size_t cap)
{
    char path[300];
    ssize_t len = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/uevent", device);
    fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, cap - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = '\0';
}

/* What is there now, by number; -1 with why when one is there twice. */
static int look(struct car_disks *disks, char *why)
{
    DIR *folder = opendir(BLOCK_FOLDER);
    const struct dirent *entry;
    int result = 0;

    memset(disks->devices, 0, sizeof(disks->devices));
    while (folder != NULL && result == 0 && (entry = readdir(folder)) != NULL) {
        char text[1024];
        char device[CAR_BLOCK_DEVICE_MAX];
        int number;

        read_uevent(dirfd(folder), entry->d_name, text, sizeof(text));
        number = car_block_of_uevent(text, device, sizeof(device));
        if (number < 0)
            continue;
        if (disks->devices[number][0] != '\0') {
            (void)snprintf(why, CAR_WHY_MAX,
                           "two partitions are called " CAR_BLOCK_PARTITION
                           "%d: %s and %s; is another carrier's disk attached?",
                           number, disks->devices[number], device);
            result = -1;
        }
        memcpy(disks->devices[number], device, sizeof(device));
    }
    if (folder != NULL)
        closedir(folder);
    return result;
}

static size_t first_missing(const struct car_disks *disks)
{
    size_t i = 0;

    while (i < disks->n && disks->devices[i][0] != '\0')
        i++;
    return i;
}

int car_disks_find(struct car_disks *ret, size_t n, int wait_ms, char *why)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};

    ret->n = n;
    for (int waited = 0; n > 0; waited += LOOK_MS) {
        size_t missing;

        if (look(ret, why) != 0)
            return -1;
        missing = first_missing(ret);
        if (missing == n)
            break;
        if (waited >= wait_ms) {
            (void)snprintf(why, CAR_WHY_MAX,
                           "no partition " CAR_BLOCK_PARTITION
                           "%zu on any disk that this Linux has a driver for",
                           missing);
            return -1;
        }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}
