/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net.h"
#include "text.h"

int car_net_tap(const char *name, struct car_why *why)
{
    struct ifreq wanted = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    int result;

    if (fd < 0)
        return car_why_errno(why, "/dev/net/tun (is the module tun loaded?)");
    (void)snprintf(wanted.ifr_name, sizeof wanted.ifr_name, "%s", name);
    result = ioctl(fd, TUNSETIFF, &wanted);
    if (result == 0)
        result = ioctl(fd, TUNSETPERSIST, 1);
    if (result != 0)
        (void)car_why_errno(why, "no tap device '%s'", name);
    close(fd);
    return result;
}
