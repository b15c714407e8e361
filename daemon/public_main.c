/* SPDX-License-Identifier: ISC */
/* The public process: pages, badges, probes and announcements, without credentials. Its main
 * thread reads the link; the end of the link is the end of the process. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/confine.h"
#include "daemon/link_message.h"
#include "daemon/prober.h"
#include "daemon/public_link.h"
#include "daemon/public_server.h"

struct public_process {
    int link_fd;
    pthread_mutex_t send_lock; /* probes and announcements come from threads of their own */
    struct mird_prober *prober;
    struct mird_public_server *server;
    struct mir_buf in;
};

static int send_up(struct public_process *p, const struct mird_link_message *message,
                   struct mir_error *err)
{
    pthread_mutex_lock(&p->send_lock);
    int rc = mird_link_send(p->link_fd, message, err);
    pthread_mutex_unlock(&p->send_lock);
    return rc;
}

static void report_probe(void *ctx, const struct mird_probe *probe)
{
    struct mird_link_message message = {.type = MIRD_LINK_PROBE, .probe = *probe};
    struct mir_error err = {0};
    if (send_up(ctx, &message, &err))
        mir_log(MIR_LOG_WARN, "public", "%s", err.text);
}

static int pass_announcement(void *ctx, const struct mird_link_message *announcement,
                             struct mir_error *err)
{
    return send_up(ctx, announcement, err);
}

static void take_message(struct public_process *p, struct mird_link_message *message)
{
    if (message->type == MIRD_LINK_SOON) {
        mird_prober_soon(p->prober, message->name, message->seconds);
    } else if (message->type == MIRD_LINK_SITES) {
        mird_prober_sites(p->prober, message->sites, message->site_count, message->public_url);
        mird_public_server_update(p->server, message);
    }
    mird_link_message_clear(message);
}

/* 1 to go on; 0 at the end of the link; -1. */
static int take_messages(struct public_process *p, struct mir_error *err)
{
    int rc = mird_link_read(p->link_fd, &p->in, err);
    if (rc != 1)
        return rc;
    struct mird_link_message message;
    while ((rc = mird_link_take(&p->in, &message, err)) == 1)
        take_message(p, &message);
    return rc < 0 ? -1 : 1;
}

static int follow_link(struct public_process *p, struct mir_error *err)
{
    for (;;) {
        struct pollfd fd = {.fd = p->link_fd, .events = POLLIN};
        int rc = poll(&fd, 1, -1) > 0 ? take_messages(p, err) : 1;
        if (rc != 1)
            return rc;
    }
}

static int listening_fd(const char *listen, struct mir_error *err)
{
    if (!strncmp(listen, "fd=", 3)) {
        int fd = (int)strtol(listen + 3, NULL, 10);
        int on = 0;
        socklen_t len = sizeof on;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) || !on)
            return mir_fail(err, MIR_USAGE, "'%s' is not a listening socket", listen);
        return fd;
    }
    mir_auto_free char *url = NULL;
    return mird_public_bind(listen, &url, err);
}

static int serve(struct public_process *p, int listen_fd, struct mir_error *err)
{
    if (mird_public_server_start(listen_fd, pass_announcement, p, &p->server, err))
        return -1;
    if (mird_prober_start(report_probe, p, MIRD_PROBE_MS, &p->prober, err))
        return -1;
    if (send_up(p, &(struct mird_link_message){.type = MIRD_LINK_READY}, err))
        return -1;
    return follow_link(p, err);
}

int mird_public_main(int link_fd, const char *listen)
{
    struct mir_error err = {0};
    struct public_process p = {.link_fd = link_fd};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* a Ctrl-C is the core's to answer; the link ends with it */
    int listen_fd = listening_fd(listen, &err);
    if (listen_fd < 0) {
        mir_log(MIR_LOG_ERROR, "public", "%s", err.text);
        return mir_kind_info(err.kind)->exit_code;
    }
    mird_confine((link_fd > listen_fd ? link_fd : listen_fd) + 1);
    pthread_mutex_init(&p.send_lock, NULL);
    mir_buf_init(&p.in, MIRD_LINK_BUFFER_MAX);
    int rc = serve(&p, listen_fd, &err);
    if (rc)
        mir_log(MIR_LOG_ERROR, "public", "%s", err.text);
    mird_prober_stop(p.prober);
    mird_public_server_stop(p.server);
    mir_buf_clear(&p.in);
    pthread_mutex_destroy(&p.send_lock);
    return rc ? mir_kind_info(err.kind)->exit_code : 0;
}
