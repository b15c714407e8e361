/* SPDX-License-Identifier: ISC */
/*
 * The first process of a carrier: Linux starts it as /init, and the machine exists as long as it
 * wants. Nothing of what could go wrong or wait happens in it: the deadline has a process of its
 * own, all work another one, and the first does nothing but bury the dead, and end the machine when
 * the worker is among them. So the kernel never panics for want of a first process, which would
 * start the machine anew, for money, as often as it likes.
 *
 * Under the names vif and block it is what xl starts for the guest's devices (hotplug.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "conf.h"
#include "deadline.h"
#include "hotplug.h"
#include "memory.h"
#include "mounts.h"
#include "off.h"
#include "proc.h"
#include "say.h"
#include "start.h"

#define HVC_MAJOR 229 /* consoles of hypervisors */

/* A kernel that found no console gave us no descriptors. */
static void ensure_console(void)
{
    while (fcntl(STDERR_FILENO, F_GETFD) < 0) {
        if (open("/dev/console", O_RDWR | O_NOCTTY) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
    }
}

/* Xen's console puts a carriage return before each line feed, and so does Linux' terminal in front
 * of it. A serial port of Linux' own needs the terminal's. */
static void end_lines_once(void)
{
    struct termios mode;
    unsigned device;

    if (ioctl(STDERR_FILENO, TIOCGDEV, &device) != 0 || major(device) != HVC_MAJOR ||
        tcgetattr(STDERR_FILENO, &mode) != 0)
        return;
    mode.c_oflag &= ~(tcflag_t)ONLCR;
    (void)tcsetattr(STDERR_FILENO, TCSANOW, &mode);
}

static _Noreturn void work(const struct car_conf *conf)
{
    static struct car_programs programs;

    (void)prctl(PR_SET_NAME, "carrier");
    car_proc_spare(-500);
    if (car_programs_init(&programs) != 0)
        car_off(CAR_OFF_START_FAILED, "signals: %s", strerror(errno));
    car_memory_check(conf);
    if (access(CAR_KERNEL, R_OK) != 0)
        car_off(CAR_OFF_CONFIGURATION, "%s: %s", CAR_KERNEL, strerror(errno));
    if (conf->kind == CAR_SOLO5)
        car_run_solo5(conf, &programs);
    car_run_xen(conf, &programs);
}

static pid_t start_deadline(const struct car_conf *conf)
{
    pid_t pid = car_deadline_start(conf);

    if (pid < 0)
        car_off(CAR_OFF_START_FAILED, "no process for the deadline: %s", strerror(errno));
    return pid;
}

static pid_t start_work(const struct car_conf *conf)
{
    pid_t pid = fork();

    if (pid < 0)
        car_off(CAR_OFF_START_FAILED, "no process: %s", strerror(errno));
    if (pid == 0)
        work(conf);
    return pid;
}

static _Noreturn void watch(const struct car_conf *conf, pid_t deadline, pid_t worker)
{
    char text[40];
    int status;

    for (;;) {
        pid_t pid = waitpid(-1, &status, 0);

        if (pid == worker)
            car_off(CAR_OFF_START_FAILED, "the carrier's own process ended (%s)",
                    car_status_text(status, text, sizeof(text)));
        if (pid == deadline && deadline > 0) {
            car_say_or_not("the deadline's process ended (%s); there is another one",
                           car_status_text(status, text, sizeof(text)));
            deadline = start_deadline(conf);
        }
    }
}

static void say_start(const struct car_conf *conf)
{
    static const char *const kinds[] = {
        [CAR_XEN_PV] = "xen-pv", [CAR_XEN_PVH] = "xen-pvh", [CAR_SOLO5] = "solo5"};
    static const char *const nets[] = {[CAR_NET_KIND_AUTO] = "auto",
                                       [CAR_NET_KIND_NONE] = "none",
                                       [CAR_NET_KIND_NAT] = "nat",
                                       [CAR_NET_KIND_DIRECT] = "direct"};

    car_say_or_not("mirage-deploy " MIR_VERSION ": kind %s, memory %" PRIu32
                   " MiB, net %s, ttl %" PRIu32 " s, deadline %" PRId64,
                   kinds[conf->kind], conf->memory_mib, nets[conf->net], conf->ttl_s,
                   conf->deadline);
}

int main(int argc, char **argv)
{
    static struct car_conf conf;
    char why[CAR_WHY_MAX];
    pid_t deadline;
    int bad;

    if (argc > 0 && car_is_hotplug(argv[0]))
        return car_hotplug(argc, argv);
    if (getpid() != 1) {
        (void)fprintf(stderr, "carrier-init: this is the first process of a carrier image and is "
                              "started by its kernel, as /init\n");
        return 2;
    }
    bad = car_conf_read(CAR_CONF_PATH, &conf, why);
    car_mount_all();
    ensure_console();
    end_lines_once();
    if (bad != 0)
        car_off(CAR_OFF_CONFIGURATION, "%s", why);
    deadline = start_deadline(&conf);
    say_start(&conf);
    watch(&conf, deadline, start_work(&conf));
}
