/* SPDX-License-Identifier: ISC */
#include "hotplug.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "xs.h"

#define STORE_MS 5000

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int link_up(const char *interface)
{
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -1;
    memset(&request, 0, sizeof(request));
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    result = ioctl(fd, SIOCGIFFLAGS, &request);
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    if (result == 0)
        result = ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

static int put(struct car_xs *xs, const char *device, const char *key, const char *value)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", device, key);
    return car_xs_write(xs, path, value);
}

/* The interface is up; what connects it to a network is the first process's to do. */
static int vif_online(struct car_xs *xs, const char *device)
{
    const char *interface = getenv("vif");

    (void)xs;
    (void)device;
    if (interface == NULL || interface[0] == '\0') {
        (void)fprintf(stderr, "vif: not named\n");
        return -1;
    }
    return link_up(interface);
}

/* Says to the disk's driver which device it is (in hexadecimal, as it reads it). The end of the
 * device's path is its number, which the first process has named it by. */
static int block_add(struct car_xs *xs, const char *device)
{
    const char *slash = strrchr(device, '/');
    char path[256];
    char number[32];
    struct stat st;

    (void)snprintf(path, sizeof(path), CAR_DISK_FOLDER "/%s", slash != NULL ? slash + 1 : device);
    if (stat(path, &st) != 0)
        return -1;
    (void)snprintf(number, sizeof(number), "%x:%x", major(st.st_rdev), minor(st.st_rdev));
    return put(xs, device, "physical-device", number);
}

static const struct {
    const char *name;
    const char *action;
    int (*run)(struct car_xs *xs, const char *device);
} scripts[] = {
    {"vif", "online", vif_online}, {"vif", "add", vif_online}, {"block", "add", block_add}};

static bool ends_in(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

bool car_is_hotplug(const char *name)
{
    return ends_in(name, "/vif") || ends_in(name, "/block");
}

int car_hotplug(int argc, char **argv)
{
    const char *device = getenv("XENBUS_PATH");
    const char *action = argc > 1 ? argv[1] : "";
    struct car_xs xs;
    size_t row = 0;
    int result;

    while (row < sizeof(scripts) / sizeof(scripts[0]) &&
           (!ends_in(argv[0], scripts[row].name) || strcmp(action, scripts[row].action) != 0))
        row++;
    if (row == sizeof(scripts) / sizeof(scripts[0]))
        return 0; /* what goes away needs nothing from us */
    if (device == NULL) {
        (void)fprintf(stderr, "%s: XENBUS_PATH is not set\n", argv[0]);
        return 1;
    }
    if (car_xs_open(&xs, CAR_XS_SOCKET, STORE_MS) != 0)
        return fail(CAR_XS_SOCKET);
    result = scripts[row].run(&xs, device);
    if (result == 0)
        result = put(&xs, device, "hotplug-status", "connected");
    car_xs_close(&xs);
    return result == 0 ? 0 : fail(argv[0]);
}
