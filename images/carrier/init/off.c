/* SPDX-License-Identifier: ISC */
#include "off.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

/*
 * What Linux has handed to Xen (or to the chip) may still be on its way: 16 KiB at most, which the
 * slowest line that is used, 115200 baud, needs 1.4 s for. A full buffer is rare, so half of it.
 */
#define OFF_DRAIN_MS 700
/* How long the kernel has for an orderly end before it is asked by other ways. */
#define OFF_AGAIN_S 5

const char *car_reason_text(enum car_reason reason)
{
    static const char *const texts[] = {
        [CAR_OFF_DEADLINE] = "deadline",           [CAR_OFF_TTL] = "ttl",
        [CAR_OFF_GUEST_ENDED] = "guest ended",     [CAR_OFF_GUEST_FAILED] = "guest failed",
        [CAR_OFF_CONFIGURATION] = "configuration", [CAR_OFF_MEMORY] = "memory",
        [CAR_OFF_NO_NETWORK] = "no network",       [CAR_OFF_START_FAILED] = "start failed",
    };

    return texts[reason];
}

static void pause_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&left, &left) != 0)
        ;
}

static void press(const char *key)
{
    int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)!write(fd, key, 1);
    close(fd);
}

/*
 * The call may hang within the kernel, and its caller with it: another process has the key then.
 * Where there is no memory for that process the call is made all the same.
 */
static void press_later(void)
{
    if (fork() != 0)
        return;
    for (;;) {
        pause_ms(OFF_AGAIN_S * 1000L);
        press("o");
    }
}

_Noreturn void car_off(enum car_reason reason, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* Nobody has the last word but this, and nobody else ends the machine meanwhile. The first
       process is left out by the kernel. */
    (void)kill(-1, SIGSTOP);
    car_say_or_not("power off: %s%s%s", car_reason_text(reason), text[0] != '\0' ? ": " : "", text);
    pause_ms(OFF_DRAIN_MS);
    press_later();
    for (;;) {
        (void)reboot(RB_POWER_OFF);
        pause_ms(OFF_AGAIN_S * 1000L);
    }
}
