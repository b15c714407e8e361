/* SPDX-License-Identifier: ISC */
/* The first process' side of the network: the NIC, the process, one socket between the two. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"
#include "text.h"

#define LEASE_MS 60000

struct car_net {
    const struct car_net_config *config; /* borrowed */
    struct car_device nic;
    int control; /* -1: not begun */
    pid_t pid;
};

struct car_net *car_net_new(const struct car_net_config *config)
{
    struct car_net *net = calloc(1, sizeof *net);

    if (net == NULL)
        abort();
    net->config = config;
    net->control = -1;
    return net;
}

void car_net_free(struct car_net *net)
{
    if (net == NULL)
        return;
    /* That ends it. Not by a signal: whoever reaps all children may have reaped this one. */
    if (net->control >= 0)
        close(net->control);
    if (net->pid > 0)
        while (waitpid(net->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    free(net);
}

int car_net_find(struct car_net *net, int wait_ms, struct car_why *why)
{
    struct car_device nic;
    struct car_route route;
    struct car_why ignored;
    int result;

    if (car_device_find(net->config->nic, wait_ms, &nic, why) || car_route_open(&route, why))
        return -1;
    /* Before it is up: the carrier's Linux is not to take an IPv6 address of its own there. */
    (void)car_route_switch("ipv6/conf/%s/disable_ipv6", nic.name, "1", &ignored);
    result = car_route_up(&route, nic.index, why);
    car_route_close(&route);
    if (result)
        return -1;
    net->nic = nic;
    car_net_say(net->config, "network: %s, %02x:%02x:%02x:%02x:%02x:%02x", nic.name, nic.mac[0],
                nic.mac[1], nic.mac[2], nic.mac[3], nic.mac[4], nic.mac[5]);
    return 0;
}

const char *car_net_nic(const struct car_net *net)
{
    return net->nic.name;
}

const uint8_t *car_net_mac(const struct car_net *net)
{
    return net->nic.mac;
}

/* --- the process --- */

static _Noreturn void process(const struct car_net *net, int control, int lease_ms)
{
    struct car_net_word word = {.says = CAR_NET_ENDED};
    struct car_serve *serve = malloc(sizeof *serve);
    sigset_t none;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (serve == NULL)
        abort();
    car_serve(serve, net->config, control, &net->nic, lease_ms, &word.why);
    (void)send(control, &word, sizeof word, MSG_NOSIGNAL);
    _exit(1);
}

int car_net_begin(struct car_net *net, int lease_ms, struct car_why *why)
{
    int ends[2];
    pid_t pid;

    if (net->nic.index == 0)
        return car_why_set(why, "no network device has been looked for");
    if (net->control >= 0)
        return car_why_set(why, "the network has been begun already");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return car_why_errno(why, "no socket for the network's process");
    pid = fork();
    if (pid < 0) {
        (void)car_why_errno(why, "no process for the network");
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    if (pid == 0) {
        close(ends[0]);
        process(net, ends[1], lease_ms > 0 ? lease_ms : LEASE_MS);
    }
    close(ends[1]);
    net->control = ends[0];
    net->pid = pid;
    return 0;
}

/* The process' next word; its silent end is one too. */
static struct car_net_word listen_to(struct car_net *net)
{
    struct car_net_word word;
    ssize_t len;

    do {
        len = recv(net->control, &word, sizeof word, 0);
    } while (len < 0 && errno == EINTR);
    if (len == (ssize_t)sizeof word)
        return word;
    word.says = CAR_NET_ENDED;
    (void)car_why_set(&word.why, "the network's process has died");
    return word;
}

int car_net_attach(struct car_net *net, const char *interface, struct car_why *why)
{
    struct car_net_word word;
    size_t len = strlen(interface);

    if (net->control < 0)
        return car_why_set(why, "the network has not been begun");
    if (len == 0 || len >= IFNAMSIZ)
        return car_why_set(why, "'%.40s' is no name of an interface", interface);
    /* When it has ended, what it said last is still to be read. */
    (void)send(net->control, interface, len, MSG_NOSIGNAL);
    word = listen_to(net);
    if (word.says == CAR_NET_ATTACHED)
        return 0;
    *why = word.why;
    return -1;
}

int car_net_fd(const struct car_net *net)
{
    return net->control;
}

pid_t car_net_pid(const struct car_net *net)
{
    return net->pid;
}

void car_net_ended(struct car_net *net, struct car_why *why)
{
    struct car_net_word word;

    if (net->control < 0) {
        (void)car_why_set(why, "the network has not been begun");
        return;
    }
    do {
        word = listen_to(net);
    } while (word.says != CAR_NET_ENDED);
    *why = word.why;
}
