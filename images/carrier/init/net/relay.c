/* SPDX-License-Identifier: ISC */
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer_text.h"
#include "text.h"

#define ASK_MS 10000
#define CONNECT_MS 10000
#define ANSWER_MS 10000
#define LINGER_MS 2000
#define IDLE_MS 300000
#define SILENT_MS 1000
#define FULL_MS 100 /* nobody gave way; somebody will, or is gone */
#define QUEUE 64
#define EVENTS 16 /* taken in one turn */
#define LINGER_BYTES (64 * 1024)
#define SMALL_BYTES (16 * 1024) /* of a socket's buffer; Linux doubles it */
#define LARGE_BYTES (32 * 1024) /* towards the client, who is far away */

enum state {
    FREE,
    ASKING,     /* what is it about? */
    CONNECTING, /* to the guest */
    PASSING,    /* bytes, both ways */
    ANSWERING,  /* ourselves */
    LINGERING   /* our answer is out: it is not to be lost by a reset */
};

/* Bytes on their way from one side to the other. */
struct flow {
    char bytes[CAR_ASK_BYTES];
    size_t at, len;
    bool ended; /* its sender has ended it */
    bool shut;  /* and that is passed on */
};

struct side {
    int fd; /* -1: none */
    uint32_t waits_for;
    bool watched;
};

struct link {
    enum state state;
    struct side client, guest;
    struct flow up, down;
    uint64_t moved_ms, limit_ms; /* reset when nothing has moved until then */
    size_t lingered;
};

struct relay {
    const struct car_relay_facts *facts;
    int epoll;
    struct side door;
    uint64_t full_until_ms; /* who is at the door waits there until then */
    struct link links[CAR_RELAY_LINKS];
};

/* In the events: which link, and which of its sides. */
#define AT_DOOR UINT32_MAX
#define AT_LIFE (UINT32_MAX - 1)

/* --- sockets --- */

static void size_buffers(int fd, int send_bytes)
{
    int small = SMALL_BYTES;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
}

int car_relay_listen(const char *device, uint16_t port, struct car_why *why)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return car_why_errno(why, "no socket");
    size_buffers(fd, LARGE_BYTES); /* those of its connections, too */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) == 0 &&
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, QUEUE) == 0)
        return fd;
    (void)car_why_errno(why, "port %u cannot be taken", port);
    close(fd);
    return -1;
}

/* Nothing is wanted of a side that is not watched, its end neither: a limit finds it. */
static void watch(struct relay *relay, struct side *side, uint32_t at, uint32_t wanted)
{
    struct epoll_event event = {.events = wanted, .data.u32 = at};

    if (side->fd < 0 || wanted == side->waits_for)
        return;
    if (wanted == 0)
        (void)epoll_ctl(relay->epoll, EPOLL_CTL_DEL, side->fd, NULL);
    else
        (void)epoll_ctl(relay->epoll, side->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, side->fd,
                        &event);
    side->watched = wanted != 0;
    side->waits_for = wanted;
}

static void watch_link(struct relay *relay, struct link *link)
{
    uint32_t at = (uint32_t)(link - relay->links) * 2;
    bool passes = link->state == PASSING;
    bool up_free = passes && link->up.len == 0 && !link->up.ended;
    bool down_free = passes && link->down.len == 0 && !link->down.ended;
    bool reads = link->state == ASKING || link->state == LINGERING || up_free;
    bool writes = link->state == ANSWERING || (passes && link->down.len > 0);
    bool reaches = link->state == CONNECTING || (passes && link->up.len > 0);

    watch(relay, &link->client, at, (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U));
    watch(relay, &link->guest, at + 1, (down_free ? EPOLLIN : 0U) | (reaches ? EPOLLOUT : 0U));
}

static void drop(struct side *side, bool reset)
{
    struct linger now = {.l_onoff = 1};

    if (side->fd >= 0 && reset)
        (void)setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (side->fd >= 0)
        close(side->fd); /* epoll forgets it by that */
    *side = (struct side){.fd = -1};
}

static void end(struct link *link, bool reset)
{
    drop(&link->client, reset);
    drop(&link->guest, reset);
    link->state = FREE;
}

static void go(struct link *link, enum state state, uint64_t now, uint64_t limit_ms)
{
    link->state = state;
    link->moved_ms = now;
    link->limit_ms = limit_ms;
}

/* --- bytes --- */

enum outcome { OK, BROKEN };

static void moved(struct link *link, uint64_t now)
{
    if (link->state == PASSING)
        link->moved_ms = now;
}

static enum outcome take(struct link *link, int fd, struct flow *flow, uint64_t now)
{
    ssize_t len = recv(fd, flow->bytes + flow->len, sizeof flow->bytes - flow->len, 0);

    if (len < 0)
        return errno == EAGAIN || errno == EINTR ? OK : BROKEN;
    flow->ended = len == 0;
    flow->len += (size_t)len;
    moved(link, now);
    return OK;
}

static enum outcome give(struct link *link, int fd, struct flow *flow, uint64_t now)
{
    if (flow->len > flow->at) {
        ssize_t len = send(fd, flow->bytes + flow->at, flow->len - flow->at, MSG_NOSIGNAL);

        if (len < 0)
            return errno == EAGAIN || errno == EINTR ? OK : BROKEN;
        flow->at += (size_t)len;
        moved(link, now);
    }
    if (flow->at < flow->len)
        return OK;
    flow->at = flow->len = 0;
    if (flow->ended && !flow->shut) {
        flow->shut = true;
        return shutdown(fd, SHUT_WR) == 0 ? OK : BROKEN;
    }
    return OK;
}

/* --- what becomes of a connection --- */

static void answer(struct relay *relay, struct link *link, enum car_ask ask, uint64_t now)
{
    link->down.len =
        car_answer_write(relay->facts->token, relay->facts->deadline, ask, link->down.bytes);
    link->down.ended = true; /* behind it */
    go(link, ANSWERING, now, ANSWER_MS);
}

static void connect_guest(struct relay *relay, struct link *link, uint64_t now)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(relay->facts->port),
                             .sin_addr.s_addr = htonl(relay->facts->guest)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    link->guest.fd = fd;
    if (fd >= 0)
        size_buffers(fd, SMALL_BYTES);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS))
        end(link, true);
    else
        go(link, CONNECTING, now, CONNECT_MS);
}

static void ask(struct relay *relay, struct link *link, uint64_t now)
{
    enum car_ask is;

    if (take(link, link->client.fd, &link->up, now) != OK ||
        (link->up.ended && link->up.len == 0)) {
        end(link, true);
        return;
    }
    is = car_ask_read(link->up.bytes, link->up.len);
    if (is == CAR_ASK_GET || is == CAR_ASK_HEAD)
        answer(relay, link, is, now);
    else if (is == CAR_ASK_GUEST || link->up.ended)
        connect_guest(relay, link, now);
}

static void connected(struct link *link, uint64_t now)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (getsockopt(link->guest.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0)
        end(link, true);
    else
        go(link, PASSING, now, IDLE_MS);
}

/* Whatever is ready of either side: what cannot be done yet does nothing. */
static void pass(struct link *link, uint64_t now)
{
    int client = link->client.fd, guest = link->guest.fd;

    if ((link->up.len == 0 && !link->up.ended && take(link, client, &link->up, now) != OK) ||
        (link->down.len == 0 && !link->down.ended && take(link, guest, &link->down, now) != OK) ||
        give(link, guest, &link->up, now) != OK || give(link, client, &link->down, now) != OK)
        end(link, true);
    else if (link->up.shut && link->down.shut)
        end(link, false);
}

static void give_answer(struct link *link, uint64_t now)
{
    if (give(link, link->client.fd, &link->down, now) != OK)
        end(link, true);
    else if (link->down.shut)
        go(link, LINGERING, now, LINGER_MS);
}

/* What else it says is heard and forgotten, until it ends. */
static void linger(struct link *link)
{
    ssize_t len = recv(link->client.fd, link->up.bytes, sizeof link->up.bytes, 0);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    link->lingered += len > 0 ? (size_t)len : 0;
    if (len <= 0 || link->lingered > LINGER_BYTES)
        end(link, false);
}

static void serve(struct relay *relay, struct link *link, uint64_t now)
{
    if (link->state == ASKING)
        ask(relay, link, now);
    else if (link->state == LINGERING)
        linger(link);
    else if (link->state == CONNECTING)
        connected(link, now);
    if (link->state == PASSING)
        pass(link, now);
    if (link->state == ANSWERING)
        give_answer(link, now);
    watch_link(relay, link);
}

/* --- places --- */

/* A free one, or that of the one that was silent for longest; NULL: nobody gives way yet. */
static struct link *place(struct relay *relay, uint64_t now)
{
    struct link *oldest = &relay->links[0];

    for (size_t i = 0; i < CAR_RELAY_LINKS; i++) {
        if (relay->links[i].state == FREE)
            return &relay->links[i];
        if (relay->links[i].moved_ms < oldest->moved_ms)
            oldest = &relay->links[i];
    }
    if (now < oldest->moved_ms + SILENT_MS)
        return NULL;
    end(oldest, true);
    return oldest;
}

/* One in each turn: those that are there already get theirs in between. */
static void let_in(struct relay *relay, uint64_t now)
{
    struct link *link = place(relay, now);
    int fd;

    if (link == NULL) {
        relay->full_until_ms = now + FULL_MS;
        watch(relay, &relay->door, AT_DOOR, 0);
        return;
    }
    fd = accept4(relay->door.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    link->client = (struct side){.fd = fd};
    link->guest = (struct side){.fd = -1};
    link->up.at = link->up.len = link->down.at = link->down.len = link->lingered = 0;
    link->up.ended = link->up.shut = link->down.ended = link->down.shut = false;
    go(link, ASKING, now, ASK_MS);
    serve(relay, link, now);
}

/* --- the loop --- */

/* Ends what is over its time; how long the next has. */
static int look_at_times(struct relay *relay, uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < CAR_RELAY_LINKS; i++) {
        struct link *link = &relay->links[i];
        uint64_t limit = link->moved_ms + link->limit_ms;

        if (link->state == FREE)
            continue;
        if (now >= limit)
            end(link, link->state != LINGERING);
        else if (limit < next)
            next = limit;
    }
    if (relay->door.waits_for == 0 && now >= relay->full_until_ms)
        watch(relay, &relay->door, AT_DOOR, EPOLLIN);
    else if (relay->door.waits_for == 0 && relay->full_until_ms < next)
        next = relay->full_until_ms;
    return next == UINT64_MAX ? -1 : (int)(next - now);
}

static int turn(struct relay *relay, struct car_why *why)
{
    struct epoll_event events[EVENTS];
    uint64_t now = car_now_ms();
    int n = epoll_wait(relay->epoll, events, EVENTS, look_at_times(relay, now));
    bool knocked = false;

    if (n < 0 && errno != EINTR)
        return car_why_errno(why, "epoll");
    now = car_now_ms();
    for (int i = 0; i < n; i++) {
        uint32_t at = events[i].data.u32;

        if (at == AT_LIFE)
            return car_why_set(why, "it is no longer wanted");
        knocked = knocked || at == AT_DOOR;
        /* Of one that was ended in this turn nothing is left to do. */
        if (at != AT_DOOR && relay->links[at / 2].state != FREE)
            serve(relay, &relay->links[at / 2], now);
    }
    if (knocked)
        let_in(relay, now);
    return 0;
}

int car_relay(const struct car_relay_facts *facts, struct car_why *why)
{
    struct relay *relay = calloc(1, sizeof *relay);
    struct side life = {.fd = facts->life_fd};

    if (relay == NULL)
        return car_why_set(why, "no memory");
    relay->facts = facts;
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (relay->epoll < 0)
        return car_why_errno(why, "epoll");
    relay->door.fd = facts->listen_fd;
    watch(relay, &life, AT_LIFE, EPOLLIN);
    watch(relay, &relay->door, AT_DOOR, EPOLLIN);
    while (turn(relay, why) == 0)
        continue;
    return -1;
}
