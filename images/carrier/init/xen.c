/* SPDX-License-Identifier: ISC */
/*
 * A guest of Xen. Linux is the control domain: the store, the daemon of the consoles, and one xl
 * that makes the domain, stays, and says how it ended. The domain is made paused, so that neither
 * a line of its console nor its first frame is lost; then it is let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "hotplug.h"
#include "lines.h"
#include "mounts.h"
#include "off.h"
#include "say.h"
#include "start.h"
#include "unpause.h"
#include "xl.h"
#include "xs.h"

#define STORE_MS 20000
#define CREATE_MS 120000
#define TTY_MS 20000
#define UNPAUSE_MS 20000
/* After the domain is gone: what its console still holds, and xl's own end. */
#define LAST_LINES_MS 500
#define XL_END_MS 20000

struct xen {
    const struct car_conf *conf;
    struct car_programs *programs;
    struct car_net *net;
    struct car_xs xs;
    struct car_program *xl;
    int xl_fd;
    int tty_fd;
    bool net_said; /* that the network's process has ended */
    int domain;    /* -1 until it is there */
    enum car_xl_end end;
    char why[CAR_LINE_MAX]; /* what xl said first, the rest being what follows from it */
    char missed[CAR_BLOCK_NAME_MAX + 1]; /* the first disk that the guest has not found */
    struct car_lines xl_lines;
    struct car_lines guest_lines;
};

/* What xl says when all is well, which the carrier says in its own words. */
static bool is_ordinary(const char *line)
{
    static const char *const heads[] = {"Parsing config", "Waiting for domain", "Action for",
                                        "Done. Exiting"};

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (strncmp(line, heads[i], strlen(heads[i])) == 0)
            return true;
    }
    return strncmp(line, "Domain ", 7) == 0 && (strstr(line, "has shut down") != NULL ||
                                                strstr(line, "needs to be cleaned up") != NULL);
}

static void take_xl_line(void *ctx, const char *line, size_t len)
{
    struct xen *xen = ctx;

    if (xen->domain < 0)
        xen->domain = car_xl_domain(line);
    if (xen->end == CAR_XL_END_UNKNOWN)
        xen->end = car_xl_reason(line);
    if (len == 0 || is_ordinary(line))
        return;
    car_say("xl: %s", line);
    if (xen->why[0] == '\0')
        (void)snprintf(xen->why, sizeof(xen->why), "%s", line);
}

static void take_guest_line(void *ctx, const char *line, size_t len)
{
    static char prefix[] = "guest| ";
    struct xen *xen = ctx;

    car_say_line(prefix, line, len);
    if (xen->missed[0] == '\0')
        (void)car_block_missed(line, xen->missed);
}

/* What is there to read goes to lines. False at the end. */
static bool pump(int fd, struct car_lines *lines)
{
    char bytes[1024];
    ssize_t got = read(fd, bytes, sizeof(bytes));

    if (got > 0)
        car_lines_feed(lines, bytes, (size_t)got);
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

static void finish(int *fd, struct car_lines *lines)
{
    if (*fd < 0)
        return;
    car_lines_end(lines);
    close(*fd);
    *fd = -1;
}

static struct car_program *start(struct xen *xen, const char *name, const char *const argv[],
                                 bool vital, int *ret_output)
{
    struct car_program *program = car_program_start(xen->programs, name, argv, vital, ret_output);

    if (program == NULL)
        car_off(CAR_OFF_START_FAILED, "%s: %s", argv[0], strerror(errno));
    return program;
}

static struct car_program *await_end(struct xen *xen, struct car_program *program, int timeout_ms)
{
    struct car_program *ended;

    if (car_wait_program(xen->programs, program, timeout_ms, &ended) == CAR_WAIT_TIMEOUT)
        car_off(CAR_OFF_START_FAILED, "%s does not end", program->name);
    if (ended != program)
        car_off_without(ended);
    return ended;
}

/*
 * What xl asks the store about the control domain and its processors: all that xen-init-dom0 leaves
 * there. (It also leaves a file for `xl list -l`, which nobody asks here, and takes 0.2 s of a slow
 * machine.)
 */
static void name_dom0(struct xen *xen)
{
    static const struct {
        const char *path;
        const char *value;
    } rows[] = {{"/local/pool/0/name", "Pool-0"},
                {"/local/domain/0/domid", "0"},
                {"/local/domain/0/name", "Domain-0"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (car_xs_write(&xen->xs, rows[i].path, rows[i].value) != 0)
            car_off(CAR_OFF_START_FAILED, "the store does not take %s: %s", rows[i].path,
                    strerror(errno));
    }
}

/* The script that xl starts for each looks for it there. */
static void link_disks(const struct car_conf *conf)
{
    struct car_disks disks;

    car_disks_await(conf, &disks);
    for (size_t i = 0; i < disks.n; i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), CAR_DISK_FOLDER "/%u",
                       car_block_number(car_conf_unit(conf, i)));
        if (symlink(disks.devices[i], path) != 0)
            car_off(CAR_OFF_START_FAILED, "%s: %s", path, strerror(errno));
    }
}

/* While the network asks for its lease, the store starts; while that does, modules are loaded. */
static void prepare(struct xen *xen)
{
    static const char *const store[] = {"/bin/xenstored", "-N", NULL};
    static const char *const consoles[] = {"/bin/xenconsoled", "-i", NULL};
    struct car_module_facts facts;

    car_facts(xen->conf, CAR_IN_XEN, &facts);
    car_modules_load(&facts, CAR_TURN_CARDS);
    xen->net = car_network(xen->conf);
    car_modules_load(&facts, CAR_TURN_STORE);
    if (car_mount_xen() != 0)
        car_off(CAR_OFF_START_FAILED, "Linux is not the control domain of a Xen");
    (void)start(xen, "xenstored", store, true, NULL);
    car_modules_load(&facts, CAR_TURN_REST);
    link_disks(xen->conf);
    if (car_xs_open(&xen->xs, CAR_XS_SOCKET, STORE_MS) != 0)
        car_off(CAR_OFF_START_FAILED, "%s: %s", CAR_XS_SOCKET, strerror(errno));
    (void)start(xen, "xenconsoled", consoles, true, NULL);
    name_dom0(xen);
    car_say("the store and the consoles are up");
}

static void write_config(const struct xen *xen)
{
    static char text[CAR_XL_CONFIG_MAX];
    size_t len = car_xl_config(xen->conf, xen->net != NULL ? car_net_mac(xen->net) : NULL, text,
                               sizeof(text));

    if (len == 0)
        car_off(CAR_OFF_CONFIGURATION, "too long for xl");
    if (car_file_put(CAR_XL_CONFIG, text, len) != 0)
        car_off(CAR_OFF_START_FAILED, "%s: %s", CAR_XL_CONFIG, strerror(errno));
}

/* Its words for a domain that Xen has no memory for. */
static bool is_about_memory(const char *text)
{
    static const char *const words[] = {"ot enough memory", "annot allocate memory", "ut of memory",
                                        "populate_physmap", "ree memory"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(text, words[i]) != NULL)
            return true;
    }
    return false;
}

static _Noreturn void off_without_domain(struct xen *xen)
{
    char text[40];

    finish(&xen->xl_fd, &xen->xl_lines);
    (void)await_end(xen, xen->xl, XL_END_MS);
    car_off(is_about_memory(xen->why) ? CAR_OFF_MEMORY : CAR_OFF_START_FAILED,
            "xl made no domain (%s): %s", car_status_text(xen->xl->status, text, sizeof(text)),
            xen->why);
}

static void create(struct xen *xen)
{
    static const char *const argv[] = {"/bin/xl", "create", "-F", "-p", CAR_XL_CONFIG, NULL};
    struct car_program *ended;
    size_t which;

    write_config(xen);
    xen->xl = start(xen, "xl", argv, false, &xen->xl_fd);
    while (xen->domain < 0) {
        enum car_wait wait =
            car_wait_readable(xen->programs, &xen->xl_fd, 1, CREATE_MS, &which, &ended);

        if (wait == CAR_WAIT_TIMEOUT)
            car_off(CAR_OFF_START_FAILED, "xl makes no domain: %s", xen->why);
        if (wait == CAR_WAIT_ENDED)
            car_off_without(ended);
        if (!pump(xen->xl_fd, &xen->xl_lines))
            off_without_domain(xen);
    }
}

static void open_console(struct xen *xen)
{
    struct termios raw;
    char path[64];
    char tty[64];

    (void)snprintf(path, sizeof(path), "/local/domain/%d/console/tty", xen->domain);
    if (car_xs_await(&xen->xs, path, TTY_MS, tty, sizeof(tty)) != 0)
        car_off(CAR_OFF_START_FAILED, "the guest has no console: %s", strerror(errno));
    xen->tty_fd = open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (xen->tty_fd < 0)
        car_off(CAR_OFF_START_FAILED, "%s: %s", tty, strerror(errno));
    /* Otherwise the guest would be sent its own words back. */
    if (tcgetattr(xen->tty_fd, &raw) == 0) {
        cfmakeraw(&raw);
        (void)tcsetattr(xen->tty_fd, TCSANOW, &raw);
    }
}

static void unpause_by_xl(struct xen *xen)
{
    char number[16];
    const char *const argv[] = {"/bin/xl", "unpause", number, NULL};
    struct car_program *unpause;

    (void)snprintf(number, sizeof(number), "%d", xen->domain);
    unpause = await_end(xen, start(xen, "xl unpause", argv, false, NULL), UNPAUSE_MS);
    if (unpause->status != 0)
        car_off_without(unpause);
}

static void let_go(struct xen *xen)
{
    char interface[24];

    (void)snprintf(interface, sizeof(interface), "vif%d.0", xen->domain);
    car_say("the guest is domain %d", xen->domain);
    open_console(xen);
    car_network_attach(xen->net, interface);
    if (car_domain_unpause(xen->domain) != 0)
        unpause_by_xl(xen);
    car_say("the guest runs");
}

/* A guest that runs goes on: its rules are in the kernel, only the lease is not renewed any more.
 */
static void say_net_ended(struct xen *xen)
{
    struct car_why why;

    xen->net_said = true;
    car_net_ended(xen->net, &why);
    car_say("the network's process has ended: %s", why.text);
}

/* Until xl has ended, which it does when the domain is gone. */
static void attend(struct xen *xen)
{
    while (xen->xl_fd >= 0) {
        int net_fd = xen->net != NULL && !xen->net_said ? car_net_fd(xen->net) : -1;
        int fds[] = {xen->tty_fd, xen->xl_fd, net_fd};
        struct car_program *ended;
        size_t which = 0;

        if (car_wait_readable(xen->programs, fds, 3, -1, &which, &ended) != CAR_WAIT_READABLE)
            car_off(CAR_OFF_GUEST_FAILED, "%s has ended under it", ended->name);
        if (which == 0 && !pump(xen->tty_fd, &xen->guest_lines))
            finish(&xen->tty_fd, &xen->guest_lines);
        if (which == 1 && !pump(xen->xl_fd, &xen->xl_lines))
            finish(&xen->xl_fd, &xen->xl_lines);
        if (which == 2)
            say_net_ended(xen);
    }
}

static void drain_console(struct xen *xen)
{
    struct car_program *ended;
    size_t which;

    while (xen->tty_fd >= 0 && car_wait_readable(xen->programs, &xen->tty_fd, 1, LAST_LINES_MS,
                                                 &which, &ended) == CAR_WAIT_READABLE) {
        if (!pump(xen->tty_fd, &xen->guest_lines))
            break;
    }
    finish(&xen->tty_fd, &xen->guest_lines);
}

static _Noreturn void off_after(struct xen *xen)
{
    static const struct {
        enum car_reason reason;
        const char *text;
    } ends[] = {
        [CAR_XL_POWEROFF] = {CAR_OFF_GUEST_ENDED, ""},
        [CAR_XL_REBOOT] = {CAR_OFF_GUEST_ENDED, "it asked for a reboot"},
        [CAR_XL_SUSPEND] = {CAR_OFF_GUEST_ENDED, "it asked to be suspended"},
        [CAR_XL_CRASH] = {CAR_OFF_GUEST_FAILED, "it crashed"},
        [CAR_XL_WATCHDOG] = {CAR_OFF_GUEST_FAILED, "its watchdog ended it"},
        [CAR_XL_SOFT_RESET] = {CAR_OFF_GUEST_ENDED, "it asked for another start"},
    };
    char text[40];

    if (xen->end == CAR_XL_POWEROFF && xen->missed[0] != '\0')
        car_off(CAR_OFF_GUEST_ENDED, "it has no block device %s; --block %s=FILE gives it one",
                xen->missed, xen->missed);
    if (xen->end != CAR_XL_END_UNKNOWN)
        car_off(ends[xen->end].reason, "%s", ends[xen->end].text);
    (void)await_end(xen, xen->xl, XL_END_MS);
    car_off(CAR_OFF_GUEST_FAILED, "xl ended (%s): %s",
            car_status_text(xen->xl->status, text, sizeof(text)), xen->why);
}

_Noreturn void car_run_xen(const struct car_conf *conf, struct car_programs *programs)
{
    static struct xen xen = {.domain = -1, .end = CAR_XL_END_UNKNOWN, .xl_fd = -1, .tty_fd = -1};

    xen.conf = conf;
    xen.programs = programs;
    xen.xl_lines = (struct car_lines){.emit = take_xl_line, .ctx = &xen};
    xen.guest_lines = (struct car_lines){.emit = take_guest_line, .ctx = &xen};
    prepare(&xen);
    create(&xen);
    let_go(&xen);
    attend(&xen);
    drain_console(&xen);
    off_after(&xen);
}
