/* SPDX-License-Identifier: ISC */
/* A guest of Solo5: one of its two tenders, as a program of this Linux. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "off.h"
#include "say.h"
#include "solo5_kind.h"
#include "start.h"

#define TAP "tap0"
#define ARGS_MAX (CAR_BLOCKS_MAX + 10)
#define WORD_MAX 352 /* an option with a name and a path */

/* The options, and the room their texts stand in. */
struct command {
    const char *argv[ARGS_MAX];
    size_t n;
    char words[ARGS_MAX][WORD_MAX];
};

static void add(struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct command *command, const char *format, ...)
{
    char *word = command->words[command->n];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(word, WORD_MAX, format, args);
    va_end(args);
    command->argv[command->n++] = word;
}

static enum car_solo5_kind kernel_kind(void)
{
    int fd = open(CAR_KERNEL, O_RDONLY | O_CLOEXEC);
    off_t len = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    void *file = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    enum car_solo5_kind kind = CAR_SOLO5_UNSAID;

    if (file != MAP_FAILED) {
        kind = car_solo5_kind(file, (size_t)len);
        (void)munmap(file, (size_t)len);
    }
    if (fd >= 0)
        close(fd);
    return kind;
}

/* Each runs kernels of its own kind alone. Of one that does not say, hvt is tried where there is a
   /dev/kvm to be had, and says itself what is wrong. */
static const char *tender(void)
{
    static const char hvt[] = CAR_TENDER_HVT;
    static const char spt[] = "/tender/solo5-spt";
    enum car_solo5_kind kind = kernel_kind();
    bool has_hvt = access(hvt, X_OK) == 0 && kind != CAR_SOLO5_SPT;
    bool has_spt = access(spt, X_OK) == 0 && kind != CAR_SOLO5_HVT;

    if (has_hvt && access("/dev/kvm", R_OK | W_OK) == 0)
        return hvt;
    if (has_spt)
        return spt;
    if (has_hvt)
        car_off(CAR_OFF_CONFIGURATION,
                "this machine has no /dev/kvm, which solo5-hvt needs; take "
                "one with nested virtualisation, or build the kernel for spt");
    if (kind != CAR_SOLO5_UNSAID)
        car_off(CAR_OFF_CONFIGURATION, "no solo5-%s in /tender, which this kernel is for",
                kind == CAR_SOLO5_HVT ? "hvt" : "spt");
    car_off(CAR_OFF_CONFIGURATION, "no tender in /tender");
}

static void build(struct command *command, const struct car_conf *conf, const uint8_t *mac,
                  const struct car_disks *disks)
{
    add(command, "%s", tender());
    add(command, "--mem=%" PRIu32, conf->memory_mib);
    if (mac != NULL) {
        add(command, "--net:%s=%s", conf->device, TAP);
        add(command, "--net-mac:%s=%02x:%02x:%02x:%02x:%02x:%02x", conf->device, mac[0], mac[1],
            mac[2], mac[3], mac[4], mac[5]);
    }
    for (size_t i = 0; i < disks->n; i++)
        add(command, "--block:%s=%s", conf->blocks[i], disks->devices[i]);
    add(command, "--");
    add(command, "%s", CAR_KERNEL);
    /* The tender joins what follows by spaces, so one word comes out as it went in. */
    if (conf->arguments[0] != '\0')
        command->argv[command->n++] = conf->arguments;
}

static _Noreturn void off_after(const struct car_program *program)
{
    char text[40];

    if (program->status == 0)
        car_off(CAR_OFF_GUEST_ENDED, "exit status 0");
    car_off(CAR_OFF_GUEST_FAILED, "%s", car_status_text(program->status, text, sizeof(text)));
}

static void say_net_ended(struct car_net *net)
{
    struct car_why why;

    car_net_ended(net, &why);
    car_say("the network's process has ended: %s", why.text);
}

/* Until the tender's output is at its end. */
static void attend(struct car_programs *programs, int output, struct car_net *net)
{
    static char prefix[] = "guest| ";
    static struct car_lines lines = {.emit = car_say_line, .ctx = prefix};
    int fds[] = {output, net != NULL ? car_net_fd(net) : -1};
    struct car_program *ended;
    char bytes[1024];
    size_t which;

    for (;;) {
        ssize_t got;

        (void)car_wait_readable(programs, fds, 2, -1, &which, &ended);
        if (which == 1) {
            say_net_ended(net);
            fds[1] = -1;
            continue;
        }
        got = read(output, bytes, sizeof(bytes));
        if (got > 0)
            car_lines_feed(&lines, bytes, (size_t)got);
        else if (got == 0 || errno != EINTR)
            break;
    }
    car_lines_end(&lines);
}

static void connect(struct car_net *net)
{
    struct car_why why;

    if (net == NULL)
        return;
    if (car_net_tap(TAP, &why) != 0)
        car_off(CAR_OFF_NO_NETWORK, "%s", why.text);
    car_network_attach(net, TAP);
}

_Noreturn void car_run_solo5(const struct car_conf *conf, struct car_programs *programs)
{
    static struct command command;
    struct car_module_facts facts;
    struct car_program *program;
    struct car_program *ended;
    struct car_disks disks;
    struct car_net *net;
    int output;

    car_facts(conf, CAR_IN_LINUX, &facts);
    car_modules_load(&facts, CAR_TURN_CARDS);
    net = car_network(conf);
    car_modules_load(&facts, CAR_TURN_REST);
    connect(net);
    car_disks_await(conf, &disks);
    build(&command, conf, net != NULL ? car_net_mac(net) : NULL, &disks);
    car_say("the guest starts under %s", command.argv[0]);
    program = car_program_start(programs, command.argv[0], command.argv, false, &output);
    if (program == NULL)
        car_off(CAR_OFF_START_FAILED, "%s: %s", command.argv[0], strerror(errno));
    attend(programs, output, net);
    (void)car_wait_program(programs, program, -1, &ended);
    off_after(program);
}
