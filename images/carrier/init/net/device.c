/* SPDX-License-Identifier: ISC */
#include "device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

#define FACT_BYTES 64
/* Linux calls a device RUNNING up to a second after its carrier came (it tells of links once a
 * second at most), while frames pass at once, or as soon as the queue is in its place. */
#define QUEUE_MS 50

/* The first line of /sys/class/net/NAME/FACT. */
static bool read_fact(const char *name, const char *fact, char text[FACT_BYTES])
{
    char path[128];
    ssize_t len;
    int fd;

    (void)snprintf(path, sizeof path, "/sys/class/net/%.15s/%s", name, fact);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, text, FACT_BYTES - 1);
    close(fd);
    if (len < 0)
        return false;
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

/* By the kernel, not by /sys, which may show another network namespace than ours. */
static bool ask_kernel(int request, const char *name, struct ifreq *ret)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    memset(ret, 0, sizeof *ret);
    (void)snprintf(ret->ifr_name, sizeof ret->ifr_name, "%s", name);
    if (fd < 0)
        return false;
    result = ioctl(fd, (unsigned long)request, ret);
    close(fd);
    return result == 0;
}

int car_device_read(const char *name, struct car_device *ret, struct car_why *why)
{
    struct car_device device = {0};
    struct ifreq answer;

    (void)snprintf(device.name, sizeof device.name, "%s", name);
    if (!ask_kernel(SIOCGIFINDEX, name, &answer))
        return car_why_errno(why, "%s", name);
    device.index = answer.ifr_ifindex;
    if (!ask_kernel(SIOCGIFHWADDR, name, &answer))
        return car_why_errno(why, "%s", name);
    if (answer.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return car_why_set(why, "%s is not an Ethernet device", name);
    memcpy(device.mac, answer.ifr_hwaddr.sa_data, sizeof device.mac);
    if (!ask_kernel(SIOCGIFMTU, name, &answer))
        return car_why_errno(why, "%s", name);
    device.mtu = (unsigned)answer.ifr_mtu;
    *ret = device;
    return 0;
}

bool car_device_there(const struct car_device *device)
{
    struct ifreq answer;

    return ask_kernel(SIOCGIFINDEX, device->name, &answer) && answer.ifr_ifindex == device->index;
}

int car_device_watch(struct car_why *why)
{
    struct sockaddr_nl where = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof where) != 0) {
        (void)car_why_errno(why, "the kernel does not tell of its devices");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

void car_device_watched(int fd)
{
    char taken[4096];

    /* What it says is asked for again by name; an overrun (ENOBUFS) loses nothing then. */
    for (int i = 0; i < 64 && recv(fd, taken, sizeof taken, 0) > 0; i++)
        continue;
}

/* Hardware behind it, Ethernet, and not the other end of a guest's. */
static bool is_nic(const char *name)
{
    char path[128];
    char type[FACT_BYTES];

    (void)snprintf(path, sizeof path, "/sys/class/net/%.15s/device", name);
    return strncmp(name, "vif", 3) != 0 && access(path, F_OK) == 0 &&
           read_fact(name, "type", type) && strcmp(type, "1") == 0;
}

/* The one with the lowest index: the order in which the cards were found. */
static bool first_nic(struct car_device *ret)
{
    DIR *folder = opendir("/sys/class/net");
    struct car_device device;
    struct car_why why;
    struct dirent *entry;
    bool found = false;

    if (folder == NULL)
        return false;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || !is_nic(entry->d_name) ||
            car_device_read(entry->d_name, &device, &why))
            continue;
        if (!found || device.index < ret->index)
            *ret = device;
        found = true;
    }
    closedir(folder);
    return found;
}

/* Waits for news until `end_ms`; false: there was none. */
static bool wait_news(int watch, uint64_t end_ms)
{
    struct pollfd wait = {.fd = watch, .events = POLLIN};
    uint64_t now = car_now_ms();

    if (now >= end_ms || poll(&wait, 1, (int)(end_ms - now)) <= 0)
        return false;
    car_device_watched(watch);
    return true;
}

int car_device_find(const char *name, int wait_ms, struct car_device *ret, struct car_why *why)
{
    uint64_t end_ms = car_now_ms() + (uint64_t)wait_ms;
    int watch = car_device_watch(why);
    bool found;

    if (watch < 0)
        return -1;
    do {
        found = name != NULL ? car_device_read(name, ret, why) == 0 : first_nic(ret);
    } while (!found && wait_news(watch, end_ms));
    close(watch);
    if (found)
        return 0;
    if (name != NULL)
        return car_why_set(why, "no network device '%s' within %d s", name, wait_ms / 1000);
    return car_why_set(why,
                       "no network device within %d s (a card that this image has no driver for?)",
                       wait_ms / 1000);
}

/* The driver's word: IFF_RUNNING, where Linux says so too, comes up to a second later. */
static bool driver_has_link(const struct car_device *device)
{
    struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
    struct ifreq question = {.ifr_data = (char *)&link};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    (void)snprintf(question.ifr_name, sizeof question.ifr_name, "%s", device->name);
    if (fd < 0)
        return false;
    result = ioctl(fd, SIOCETHTOOL, &question);
    close(fd);
    return result == 0 && link.data != 0;
}

static bool has_link(const struct car_device *device)
{
    struct ifreq answer;

    if (driver_has_link(device))
        return true;
    return ask_kernel(SIOCGIFFLAGS, device->name, &answer) && (answer.ifr_flags & IFF_RUNNING) != 0;
}

static bool has_carrier(const struct car_device *device)
{
    char text[FACT_BYTES];

    return read_fact(device->name, "carrier", text) && strcmp(text, "1") == 0;
}

void car_device_link(const struct car_device *device, int wait_ms)
{
    uint64_t end_ms = car_now_ms() + (uint64_t)wait_ms;
    struct car_why why;
    int watch = car_device_watch(&why);

    if (watch < 0)
        return;
    while (!has_link(device)) {
        uint64_t soon_ms = car_now_ms() + QUEUE_MS;
        bool sends = has_carrier(device) && soon_ms < end_ms;

        if (!wait_news(watch, sends ? soon_ms : end_ms))
            break;
    }
    close(watch);
}
