/* SPDX-License-Identifier: ISC */
/*
 * First process of a machine that runs one program of this one under another kernel: loads the
 * modules that /modules names, mounts the host's files read-only, and runs /command there as a
 * shell line. What it prints goes to the console; "=vm STATUS" is its last line, then the machine
 * goes off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_BYTES 4096

static const struct {
    const char *source, *target, *type, *options;
} mounts[] = {
    {"host", "/host", "9p", "trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro"},
    {"proc", "/host/proc", "proc", ""},
    {"sys", "/host/sys", "sysfs", ""},
    {"dev", "/host/dev", "devtmpfs", ""},
    {"tmp", "/host/tmp", "tmpfs", ""},
    {"run", "/host/run", "tmpfs", ""},
};

static void read_text(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, TEXT_BYTES - 1) : 0;

    text[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static void load(const char *name)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "/k/%.100s.ko", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
        printf("# module %s: %s\n", name, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void load_all(void)
{
    char text[TEXT_BYTES];
    char *name = text;

    read_text("/modules", text);
    while (*name != '\0') {
        size_t len = strcspn(name, "\n");
        char *next = name + len + (name[len] != '\0');

        name[len] = '\0';
        load(name);
        name = next;
    }
}

static int run(void)
{
    char command[TEXT_BYTES];
    int status = 0;
    pid_t pid;

    read_text("/command", command);
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++)
        if (mount(mounts[i].source, mounts[i].target, mounts[i].type, 0, mounts[i].options) != 0)
            printf("# mount %s: %s\n", mounts[i].target, strerror(errno));
    if (chroot("/host") != 0 || chdir("/tmp") != 0)
        return 255;
    pid = fork();
    if (pid == 0) {
        setsid();
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    while (waitpid(-1, &status, 0) != pid)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
    int fd;

    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", 0, "");
    fd = open("/dev/ttyS0", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    setvbuf(stdout, NULL, _IOLBF, 0);
    mkdir("/host", 0755);
    load_all();
    printf("=vm %d\n", run());
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
