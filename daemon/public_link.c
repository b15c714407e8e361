/* SPDX-License-Identifier: ISC */
/* The core's side: keeps the public process running, tells it the sites, takes what it sees. One
 * thread owns the process and the link; others leave wishes and wake it. */
#include "daemon/public_link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/engine.h"
#include "daemon/link_message.h"
#include "daemon/registry.h"
#include "daemon/statement.h"
#include "registry_internal.h"

#define READY_MS 2000  /* how long mird_public_start waits */
#define SEND_LIMIT_S 5 /* a public process that does not read is broken */
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MOST_MS 30000
#define WELL_AFTER_MS 60000 /* up for so long: the next death begins a new back-off */
#define TIDY_MS 60000       /* while there are sites */
#define LATER_MS 1000       /* news of no consequence ("seen again") are gathered for so long */
#define DEFAULT_LISTEN "127.0.0.1:8420"

/* A site to be probed often; kept until it answered or the time is over, so that a public process
 * which is started again hears of it again. */
struct wish {
    struct wish *next;
    char name[MIR_NAME_TEXT];
    int64_t until_ms;
    bool told;
};

struct mird_public {
    struct mird_core *core;
    pthread_t thread;
    bool has_thread;
    int wake_fd, ready_fd;
    int listen_fd;
    char key_pem[MIRD_PUBLIC_KEY_PEM];
    pthread_mutex_t sites_lock; /* mird_public_lock */

    pthread_mutex_t lock; /* guards what follows */
    bool stopping;
    bool stale;   /* the sites changed */
    bool stirred; /* a deployment changed: that may end a site, though whoever ends one says so */
    bool in_use;  /* somebody asked for a refresh: the engine is there */
    struct wish *wishes;

    /* The thread's own. */
    pid_t pid; /* 0: none runs */
    int link_fd;
    struct mir_buf in;
    int64_t started_ms, restart_ms, backoff_ms;
    int64_t tidy_ms; /* INT64_MAX: there are no sites */
    int64_t send_ms; /* 0: nothing to tell */
    struct wish *awaited;
};

static int64_t now_ms(void)
{
    return mir_clock_system()->boot_ms(NULL);
}

static void ring(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0)
        return; /* full: it rings already */
}

/* --- the process --- */

static int start_process(struct mird_public *link, struct mir_error *err)
{
    struct timeval limit = {.tv_sec = SEND_LIMIT_S};
    if (mird_public_spawn(link->listen_fd, &link->pid, &link->link_fd, err))
        return -1;
    setsockopt(link->link_fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    link->started_ms = now_ms();
    mir_buf_reset(&link->in);
    return 0;
}

/* The child is ours and not reaped, so its number cannot be another's. */
static void end_process(struct mird_public *link, int patience_ms)
{
    if (link->link_fd >= 0)
        close(link->link_fd); /* it ends with the link */
    link->link_fd = -1;
    if (link->pid <= 0)
        return;
    int status = 0;
    for (int waited = 0; waitpid(link->pid, &status, WNOHANG) == 0; waited += 10) {
        if (waited >= patience_ms)
            kill(link->pid, SIGKILL);
        poll(NULL, 0, 10);
    }
    link->pid = 0;
}

static void process_lost(struct mird_public *link, const char *why)
{
    int64_t now = now_ms();
    end_process(link, 200);
    if (now - link->started_ms > WELL_AFTER_MS)
        link->backoff_ms = BACKOFF_FIRST_MS;
    link->restart_ms = now + link->backoff_ms;
    mir_log(MIR_LOG_WARN, "public", "the public process ended (%s); again in %lld ms", why,
            (long long)link->backoff_ms);
    link->backoff_ms *= 2;
    if (link->backoff_ms > BACKOFF_MOST_MS)
        link->backoff_ms = BACKOFF_MOST_MS;
}

/* --- down: sites and wishes --- */

static int send_sites(struct mird_public *link, struct mir_error *err)
{
    struct mird_link_message m = {.type = MIRD_LINK_SITES};
    mir_copy(m.public_url, sizeof m.public_url, link->core->public_url);
    mir_copy(m.installation, sizeof m.installation, link->core->identity.installation);
    mir_copy(m.key_pem, sizeof m.key_pem, link->key_pem);
    struct mir_error own = {0};
    if (mird_store_sites(link->core->store, &m.sites, &m.site_count, &own)) {
        mir_log(MIR_LOG_WARN, "public", "%s", own.text); /* the store's trouble, not the link's */
        return 0;
    }
    int rc = mird_link_send(link->link_fd, &m, err);
    mird_link_message_clear(&m);
    return rc;
}

static int send_wish(struct mird_public *link, const struct wish *wish, struct mir_error *err)
{
    int64_t left_ms = wish->until_ms - now_ms(); /* below zero when the machine has slept */
    int seconds = left_ms > 0 ? (int)(left_ms / 1000) + 1 : 0;
    struct mird_link_message m = {.type = MIRD_LINK_SOON, .seconds = seconds};
    mir_copy(m.name, sizeof m.name, wish->name);
    return mird_link_send(link->link_fd, &m, err);
}

/* name NULL: those whose time is over. */
static void drop_awaited(struct mird_public *link, const char *name)
{
    for (struct wish **slot = &link->awaited; *slot;) {
        struct wish *w = *slot;
        if (name ? strcmp(w->name, name) != 0 : w->until_ms > now_ms()) {
            slot = &w->next;
            continue;
        }
        *slot = w->next;
        free(w);
    }
}

static bool some_untold(const struct mird_public *link)
{
    for (const struct wish *w = link->awaited; w; w = w->next)
        if (!w->told)
            return true;
    return false;
}

static void send_by(struct mird_public *link, int64_t when_ms)
{
    if (!link->send_ms || when_ms < link->send_ms)
        link->send_ms = when_ms;
}

/* --- up: what the public process saw --- */

static void take_probe(struct mird_public *link, const struct mird_probe *probe)
{
    struct mird_site before = {0};
    char deployment[MIR_ID_TEXT] = "";
    struct mir_error err = {0};
    bool known = !mird_store_site_get(link->core->store, probe->name, &before, NULL);
    if (mird_registry_probed(link->core, probe, deployment, &err)) {
        if (err.kind != MIR_NOT_FOUND) /* taken off meanwhile */
            mir_log(MIR_LOG_WARN, "public", "%s", err.text);
        return;
    }
    if (probe->ok)
        drop_awaited(link, probe->name);
    bool steady = known && before.state == MIRD_SITE_LIVE && probe->ok;
    send_by(link, now_ms() + (steady ? LATER_MS : 0));
    struct mird_engine *engine = mird_core_engine(link->core);
    if (deployment[0] && engine)
        mird_engine_probed(engine, deployment, probe);
}

static void take_message(struct mird_public *link, struct mird_link_message *m)
{
    struct mir_error err = {0};
    if (m->type == MIRD_LINK_READY)
        ring(link->ready_fd);
    else if (m->type == MIRD_LINK_PROBE)
        take_probe(link, &m->probe);
    else if (m->type == MIRD_LINK_ANNOUNCE &&
             mird_site_announce(link->core, m->name, m->url, m->token, &err))
        mir_log(MIR_LOG_INFO, "public", "announcement of '%s' not taken: %s", m->name, err.text);
    mird_link_message_clear(m);
}

static int take_messages(struct mird_public *link, struct mir_error *err)
{
    int rc = mird_link_read(link->link_fd, &link->in, err);
    if (rc == 0)
        return mir_fail(err, MIR_UNAVAILABLE, "it closed the link");
    struct mird_link_message m;
    while (rc > 0 && (rc = mird_link_take(&link->in, &m, err)) > 0)
        take_message(link, &m);
    return rc < 0 ? -1 : 0;
}

/* --- the thread --- */

/* What others asked for; false: stop. */
static bool take_wishes(struct mird_public *link)
{
    uint64_t count;
    if (read(link->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        mir_log(MIR_LOG_WARN, "public", "eventfd: %s", strerror(errno));
    pthread_mutex_lock(&link->lock);
    bool stopping = link->stopping;
    if (link->stale) {
        link->tidy_ms = 0;
        send_by(link, 1);
    } else if (link->stirred && link->tidy_ms > now_ms() + LATER_MS) {
        link->tidy_ms = now_ms() + LATER_MS;
    }
    link->stale = link->stirred = false;
    struct wish *news = mir_steal(&link->wishes);
    pthread_mutex_unlock(&link->lock);
    while (news) {
        struct wish *w = news;
        news = w->next;
        drop_awaited(link, w->name);
        w->next = link->awaited;
        link->awaited = w;
    }
    return !stopping;
}

static void tidy_when_due(struct mird_public *link)
{
    struct mir_error err = {0};
    unsigned changed = 0;
    size_t sites = 1; /* as long as nobody can tell */
    if (now_ms() < link->tidy_ms)
        return;
    if (mird_registry_tidy(link->core, &changed, &sites, &err))
        mir_log(MIR_LOG_WARN, "public", "%s", err.text);
    link->tidy_ms = sites ? now_ms() + TIDY_MS : INT64_MAX;
    if (changed)
        send_by(link, 1);
}

static int tell_when_due(struct mird_public *link, struct mir_error *err)
{
    drop_awaited(link, NULL);
    bool wished = some_untold(link);
    /* A site that is wished for may be among the news. */
    if (link->send_ms && (wished || now_ms() >= link->send_ms)) {
        link->send_ms = 0;
        if (send_sites(link, err))
            return -1;
    }
    for (struct wish *w = link->awaited; w; w = w->next) {
        if (!w->told && send_wish(link, w, err))
            return -1;
        w->told = true;
    }
    return 0;
}

/* For poll(2): -1 until somebody rings. */
static int next_wait_ms(const struct mird_public *link)
{
    int64_t now = now_ms(), next = link->tidy_ms;
    if (link->pid <= 0 && link->restart_ms < next)
        next = link->restart_ms;
    if (link->pid > 0 && link->send_ms && link->send_ms < next)
        next = link->send_ms;
    if (next == INT64_MAX)
        return -1;
    return next > now ? (int)(next - now) : 0;
}

static void restart_when_due(struct mird_public *link)
{
    struct mir_error err = {0};
    if (link->pid > 0 || now_ms() < link->restart_ms)
        return;
    if (start_process(link, &err))
        process_lost(link, err.text);
    for (struct wish *w = link->awaited; w; w = w->next)
        w->told = false;
    link->send_ms = 1; /* at once */
}

static void *link_main(void *arg)
{
    struct mird_public *link = arg;
    for (;;) {
        restart_when_due(link);
        struct pollfd fds[2] = {{.fd = link->wake_fd, .events = POLLIN},
                                {.fd = link->link_fd, .events = POLLIN}};
        poll(fds, 2, next_wait_ms(link));
        if (!take_wishes(link))
            break;
        tidy_when_due(link);
        struct mir_error err = {0};
        int rc = 0;
        if (link->link_fd >= 0 && fds[1].revents)
            rc = take_messages(link, &err);
        if (link->link_fd >= 0 && !rc)
            rc = tell_when_due(link, &err);
        if (rc)
            process_lost(link, err.text);
    }
    end_process(link, 2000);
    return NULL;
}

/* --- beginning and end --- */

static void on_change(void *ctx, const char *deployment)
{
    struct mird_public *link = ctx;
    pthread_mutex_lock(&link->lock);
    bool in_use = link->in_use;
    bool first = in_use && !link->stirred;
    if (first)
        link->stirred = true;
    pthread_mutex_unlock(&link->lock);
    if (first)
        ring(link->wake_fd);
}

static const char *configured(const struct mird_core *core, const char *key)
{
    return core->config ? mir_config_get(core->config, "public", key) : NULL;
}

/* The port of last time, the customary one, any. */
static int bind_default(struct mird_core *core, char **ret_url, struct mir_error *err)
{
    mir_auto_free char *port = mird_store_setting_get(core->store, "public-port");
    mir_auto_free char *last = port ? mir_format("127.0.0.1:%s", port) : NULL;
    const char *const tries[] = {last, DEFAULT_LISTEN, "127.0.0.1:0"};
    int fd = -1;
    for (size_t i = 0; fd < 0 && i < MIR_NELEMS(tries); i++)
        if (tries[i])
            fd = mird_public_bind(tries[i], ret_url, err);
    if (fd < 0)
        return -1;
    const char *colon = strrchr(*ret_url, ':');
    if (colon && (!port || strcmp(port, colon + 1) != 0))
        mird_store_setting_put(core->store, "public-port", colon + 1, NULL);
    return fd;
}

static int bind_listener(struct mird_core *core, const char *listen, char **ret_url,
                         struct mir_error *err)
{
    if (!listen || !*listen)
        listen = getenv("MIRAGE_DEPLOY_PUBLIC");
    if (!listen || !*listen)
        listen = configured(core, "listen");
    if (!listen || !*listen || !strcmp(listen, DEFAULT_LISTEN))
        return bind_default(core, ret_url, err);
    return mird_public_bind(listen, ret_url, err);
}

static int fill_public_url(struct mird_core *core, const char *bound, struct mir_error *err)
{
    const char *given = configured(core, "url");
    const char *url = given && *given ? given : bound;
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    if (len >= sizeof core->public_url)
        return mir_fail(err, MIR_USAGE, "[public] url is longer than %zu bytes",
                        sizeof core->public_url - 1);
    snprintf(core->public_url, sizeof core->public_url, "%.*s", (int)len, url);
    return 0;
}

static struct mird_public *link_new(struct mird_core *core)
{
    struct mird_public *link = mir_calloc(1, sizeof *link);
    link->core = core;
    link->listen_fd = link->link_fd = -1;
    link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link->backoff_ms = BACKOFF_FIRST_MS;
    link->tidy_ms = INT64_MAX;
    pthread_mutex_init(&link->lock, NULL);
    pthread_mutex_init(&link->sites_lock, NULL);
    mir_buf_init(&link->in, MIRD_LINK_BUFFER_MAX);
    return link;
}

int mird_public_start(struct mird_core *core, const char *listen, struct mird_public **ret,
                      struct mir_error *err)
{
    struct mird_public *link = link_new(core);
    mir_auto_free char *bound = NULL;
    link->listen_fd = bind_listener(core, listen, &bound, err);
    if (link->listen_fd < 0 || fill_public_url(core, bound, err) ||
        mird_statement_key_pem(&core->identity, link->key_pem, err)) {
        mird_public_stop(link);
        return -1;
    }
    core->public_link = link;
    int rc = pthread_create(&link->thread, NULL, link_main, link);
    if (rc) {
        core->public_link = NULL;
        mir_fail_errno(err, rc, "the thread of the public link");
        mird_public_stop(link);
        return -1;
    }
    link->has_thread = true;
    if (core->hub)
        mird_hub_subscribe(core->hub, on_change, link);
    struct pollfd ready = {.fd = link->ready_fd, .events = POLLIN};
    if (poll(&ready, 1, READY_MS) == 0)
        mir_log(MIR_LOG_WARN, "public", "the public process is slow to start; going on");
    *ret = link;
    return 0;
}

static void free_wishes(struct wish *wishes)
{
    while (wishes) {
        struct wish *w = wishes;
        wishes = w->next;
        free(w);
    }
}

void mird_public_halt(struct mird_public *link)
{
    pthread_mutex_lock(&link->lock);
    link->stopping = true;
    pthread_mutex_unlock(&link->lock);
    ring(link->wake_fd);
    if (link->has_thread)
        pthread_join(link->thread, NULL);
    link->has_thread = false;
}

void mird_public_stop(struct mird_public *link)
{
    if (!link)
        return;
    mird_public_halt(link);
    if (link->listen_fd >= 0)
        close(link->listen_fd);
    close(link->wake_fd);
    close(link->ready_fd);
    free_wishes(link->wishes);
    free_wishes(link->awaited);
    mir_buf_clear(&link->in);
    pthread_mutex_destroy(&link->lock);
    pthread_mutex_destroy(&link->sites_lock);
    free(link);
}

void mird_public_refresh(struct mird_public *link)
{
    if (!link)
        return;
    pthread_mutex_lock(&link->lock);
    link->stale = link->in_use = true;
    pthread_mutex_unlock(&link->lock);
    ring(link->wake_fd);
}

void mird_public_probe_soon(struct mird_public *link, const char *name, int seconds)
{
    if (!link)
        return;
    struct wish *w = mir_calloc(1, sizeof *w);
    mir_copy(w->name, sizeof w->name, name);
    w->until_ms = now_ms() + (int64_t)seconds * 1000;
    pthread_mutex_lock(&link->lock);
    w->next = link->wishes;
    link->wishes = w;
    pthread_mutex_unlock(&link->lock);
    ring(link->wake_fd);
}

void mird_public_lock(struct mird_public *link)
{
    if (link)
        pthread_mutex_lock(&link->sites_lock);
}

void mird_public_unlock(struct mird_public *link)
{
    if (link)
        pthread_mutex_unlock(&link->sites_lock);
}
