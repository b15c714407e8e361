/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "memory.h"
#include "off.h"

#define ROOT_LEFT_BYTES (1 << 20) /* what the programs write there */

static int64_t available_mib(void)
{
    char text[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));

    if (fd >= 0)
        close(fd);
    return len <= 0 ? -1 : car_meminfo_mib(text, (size_t)len, "MemAvailable:");
}

/* A file system of nothing but memory tells how much is left; one that has no limit says 0 of 0. */
static bool is_full(const char *path)
{
    struct statvfs fs;

    return statvfs(path, &fs) == 0 && fs.f_blocks > 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize < ROOT_LEFT_BYTES;
}

void car_memory_check(const struct car_conf *conf)
{
    int64_t have = available_mib();
    int64_t need = car_memory_needed_mib(conf);

    if (is_full("/"))
        car_off(CAR_OFF_MEMORY, "the image does not fit into it; take a machine with more");
    if (have >= 0 && have < need)
        car_off(CAR_OFF_MEMORY,
                "%" PRId64 " MiB are free where %" PRId64 " are needed; take a machine with more",
                have, need);
}
