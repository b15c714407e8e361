/* SPDX-License-Identifier: ISC */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/* In the order of making. */
static const char *const folders[] = {
    "/proc",        "/sys",
    "/dev",         "/run",
    "/run/xen",     "/run/xenstored",
    "/run/lock",    "/run/disks",
    "/tmp",         "/var",
    "/etc",         "/var/lib",
    "/var/lib/xen", "/var/lib/xenstored",
    "/var/log",     "/var/log/xen",
};

/* xl and the daemons know them by their old names. */
static const struct {
    const char *name;
    const char *target;
} links[] = {{"/var/run", "/run"}, {"/var/lock", "/run/lock"}};

static const struct {
    const char *target;
    const char *type;
    unsigned long flags;
    const char *data;
} mounts[] = {
    {"/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
    {"/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
    {"/dev", "devtmpfs", MS_NOSUID, "mode=0755"},
    {"/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0600"},
};

static void mount_one(const char *type, const char *target, unsigned long flags, const char *data)
{
    (void)mkdir(target, 0755);
    if (mount(type, target, type, flags, data) != 0 && errno != EBUSY)
        car_say_or_not("mount %s: %s", target, strerror(errno));
}

void car_mount_all(void)
{
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (mkdir(folders[i], 0755) != 0 && errno != EEXIST)
            car_say_or_not("%s: %s", folders[i], strerror(errno));
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlink(links[i].target, links[i].name) != 0 && errno != EEXIST)
            car_say_or_not("%s: %s", links[i].name, strerror(errno));
    }
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
        mount_one(mounts[i].type, mounts[i].target, mounts[i].flags, mounts[i].data);
}

int car_mount_xen(void)
{
    char text[32] = "";
    int fd;

    mount_one("xenfs", "/proc/xen", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    fd = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    (void)!read(fd, text, sizeof(text) - 1);
    close(fd);
    return strncmp(text, "control_d", strlen("control_d")) == 0 ? 0 : -1;
}
