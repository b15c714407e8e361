/* SPDX-License-Identifier: ISC */
/* The first and only process of a Linux in a test: says the kernel's arguments, and switches off.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
    char line[8192];
    int console = mount("dev", "/dev", "devtmpfs", 0, "") ? -1 : open("/dev/console", O_WRONLY);
    int words = mount("proc", "/proc", "proc", 0, "") ? -1 : open("/proc/cmdline", O_RDONLY);
    ssize_t len = read(words, line, sizeof line - 1);
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (write(console, "linux <", 7) == 7 &&
        write(console, line, (size_t)(len > 0 ? len : 0)) == len)
        (void)!write(console, ">\nend\n", 6);
    fsync(console);
    return reboot(RB_POWER_OFF);
}
