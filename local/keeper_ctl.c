/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "keeper.h"

static int obey(struct keeper *keeper, const char *line, size_t len, struct mir_error *err)
{
    struct local_ctl_request request;
    if (local_ctl_parse_request(line, len, &request, err))
        return -1;
    if (request.op == LOCAL_CTL_DEADLINE)
        return keeper_move_deadline(keeper, &request, err);
    if (request.op == LOCAL_CTL_STOP)
        keeper_stop(keeper, LOCAL_CAUSE_ASKED);
    return 0;
}

static void answer(struct keeper *keeper, struct keeper_client *client, size_t len)
{
    struct local_ctl_reply reply = {0};
    reply.ok = obey(keeper, client->line, len, &reply.error) == 0;
    reply.state = keeper->status.state;
    reply.deadline_s = keeper->status.deadline_s;
    mir_auto_free char *text = local_ctl_reply_text(&reply);
    /* A line of ours always fits into an empty socket buffer; who does not read it loses it. */
    (void)!send(client->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void drop(struct keeper_client *client)
{
    close(client->fd);
    client->fd = -1;
}

void keeper_client_ready(struct keeper *keeper, struct keeper_client *client)
{
    ssize_t n = recv(client->fd, client->line + client->len, sizeof client->line - client->len,
                     MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        drop(client);
        return;
    }
    client->len += (size_t)n;
    const char *newline = memchr(client->line, '\n', client->len);
    if (!newline && client->len < sizeof client->line)
        return;
    answer(keeper, client, newline ? (size_t)(newline - client->line) : client->len);
    drop(client);
}

/* A free place, or that of whoever has kept us waiting longest. */
static struct keeper_client *place(struct keeper *keeper)
{
    struct keeper_client *oldest = &keeper->clients[0];
    for (size_t i = 0; i < KEEPER_CLIENTS; i++) {
        struct keeper_client *client = &keeper->clients[i];
        if (client->fd < 0)
            return client;
        if (client->number < oldest->number)
            oldest = client;
    }
    drop(oldest);
    return oldest;
}

void keeper_accept(struct keeper *keeper)
{
    struct ucred who;
    socklen_t size = sizeof who;
    mir_auto_close int fd = accept4(keeper->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ||
        (who.uid != geteuid() && who.uid != 0))
        return;
    struct keeper_client *client = place(keeper);
    client->fd = mir_steal_fd(&fd);
    client->number = ++keeper->accepted;
    client->len = 0;
}
