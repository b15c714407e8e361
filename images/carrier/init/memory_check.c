/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "off.h"
#include "start.h"

static int64_t available_mib(void)
{
    char text[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));

    if (fd >= 0)
        close(fd);
    return len <= 0 ? -1 : car_meminfo_mib(text, (size_t)len, "MemAvailable:");
}

void car_memory_check(const struct car_conf *conf)
{
    struct stat kernel;
    int64_t have = available_mib();
    int64_t need;

    if (stat(CAR_KERNEL, &kernel) != 0)
        return;
    need = car_memory_needed_mib(conf, (uint64_t)kernel.st_size);
    if (have >= 0 && have < need)
        car_off(CAR_OFF_MEMORY,
                "%" PRId64 " MiB are free where this kernel (%" PRId64 " MiB) needs %" PRId64
                "; take a machine with more memory",
                have, (int64_t)(kernel.st_size >> 20) + 1, need);
}
