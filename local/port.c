/* SPDX-License-Identifier: ISC */
#include "port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"

static int refuse(const struct mir_port *port, int saved, struct mir_error *err)
{
    if (saved == EADDRINUSE) {
        mir_fail(err, MIR_CONFLICT, "port %u on %s is in use", port->host_port, port->address);
        return mir_error_hint(err, "choose another with -p HOST:%u, or leave the host port out",
                              port->guest_port);
    }
    mir_fail_errno(err, saved, "cannot publish port %u on %s", port->host_port, port->address);
    if (saved == EACCES)
        mir_error_hint(err, "ports below 1024 need privileges; take one above, such as -p %u:%u",
                       8000U + port->guest_port % 1000, port->guest_port);
    else if (saved == EADDRNOTAVAIL)
        mir_error_hint(err, "the address has to be one of this machine's; 127.0.0.1 always is");
    return -1;
}

/* Bind as QEMU will. The socket stays in *ret_fd so that a port is not chosen twice. */
static int bind_one(struct mir_port *port, int *ret_fd, struct mir_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port->host_port)};
    socklen_t size = sizeof address;
    int on = 1;
    if (inet_pton(AF_INET, port->address, &address.sin_addr) != 1) {
        mir_fail(err, MIR_USAGE, "'%s' is not an IPv4 address to publish a port on", port->address);
        return mir_error_hint(err, "127.0.0.1 for this machine alone, 0.0.0.0 for everybody");
    }
    mir_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        return refuse(port, errno, err);
    port->host_port = ntohs(address.sin_port);
    *ret_fd = mir_steal_fd(&fd);
    return 0;
}

int local_ports_choose(const struct mir_port *asked, unsigned count, struct mir_port *ret,
                       int *ret_chosen, struct mir_error *err)
{
    int fds[MIR_PORTS_MAX];
    unsigned bound = 0;
    int rc = 0, chosen = 0;
    struct mir_port ports[MIR_PORTS_MAX] = {0};
    if (count > MIR_PORTS_MAX)
        return mir_fail(err, MIR_USAGE, "at most %d ports can be published", MIR_PORTS_MAX);
    for (unsigned i = 0; i < count && !rc; i++) {
        ports[i] = asked[i];
        if (!*ports[i].address)
            mir_copy(ports[i].address, sizeof ports[i].address, "127.0.0.1");
        chosen |= ports[i].host_port == 0;
        if (ports[i].guest_port == 0)
            rc = mir_fail(err, MIR_USAGE, "a published port needs the guest's port");
        else
            rc = bind_one(&ports[i], &fds[bound], err);
        bound += !rc;
    }
    while (bound > 0)
        close(fds[--bound]);
    if (rc)
        return -1;
    memcpy(ret, ports, count * sizeof *ports);
    if (ret_chosen)
        *ret_chosen = chosen;
    return 0;
}
